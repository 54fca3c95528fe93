//! The beginning of a life: the process is started, and told who it is.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::child::{self, Life, Place};
use super::conductor::Conductor;
use super::envelope::{self, CONTROLLER, Init, Transport};
use super::phases::OBSERVE;

impl Conductor<'_> {
    /// Starts a node that has no process, with whatever its data directory holds.
    ///
    /// # Errors
    /// The process can't be started.
    pub fn start_node(&mut self, at: usize) -> Result<()> {
        let (folder, plan) = (self.setup.folder, self.plan);
        let name = self.nodes[at].name.clone();
        let output_max = child::output_max(plan.operations.len() + plan.rules.len());
        let place = Place { node: at, data: folder.data(&name), stderr: folder.stderr(&name), output_max };
        let life = Life::start(self.setup.launch, &place, self.events.clone());
        let life = life.with_context(|| format!("failed to start node {name}: {}", self.setup.launch))?;
        // As others see it: in a PID namespace it has another pid here.
        let pid = crate::containment::outer_pid(life.pid).unwrap_or(life.pid);
        let incarnation = self.nodes[at].begin(life, pid.as_raw(), self.clock.now_ns());
        self.recorder.node(&name, "start", &BTreeMap::from([("incarnation", incarnation)]));
        let init = self.init(at, incarnation);
        self.outgoing.push((at, 0, init));
        Ok(())
    }

    fn init(&self, at: usize, incarnation: u32) -> Vec<u8> {
        let plan = self.plan;
        let peers = (0..plan.nodes.len()).filter(|peer| *peer != at);
        let address = |peer: usize| (plan.nodes[peer].as_str(), self.proxy.address(at, peer).to_string());
        let init = Init {
            r#type: "init",
            msg_id: 1,
            node_id: &plan.nodes[at],
            node_ids: &plan.nodes,
            incarnation,
            seed: temblor_workloads::chance::mix(plan.seed, &[at as u64, u64::from(incarnation)]),
            observe: OBSERVE,
            transport: Transport {
                listen: "127.0.0.1:0",
                peers: peers.map(address).collect(),
                framing: plan.http.then_some("http"),
            },
        };
        envelope::line(CONTROLLER, &plan.nodes[at], &init)
    }
}
