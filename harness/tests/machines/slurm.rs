//! A Slurm of one machine: its controller and its daemon from the distribution's packages, for the time of a test.
//!
//! They need a network that they can tell names in, and no other Slurm beside them: a network namespace of their own, in which the
//! loopback has a second address.

use std::fs;
use std::process::Command;

use crate::MIXED;
use crate::command::Temblor;
use crate::engines::{recipe, shards};

/// `HERE` is the folder of the test, `NODE` the machine's name.
const CONFIGURATION: &str = "\
ClusterName=temblor
SlurmctldHost=NODE(10.99.0.1)
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation=HERE/state
SlurmdSpoolDir=HERE/spool
SlurmctldPidFile=HERE/slurmctld.pid
SlurmdPidFile=HERE/slurmd.pid
SlurmctldLogFile=HERE/slurmctld.log
SlurmdLogFile=HERE/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldPort=26817
SlurmdPort=26818
NodeName=NODE NodeAddr=10.99.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=NODE Default=YES MaxTime=INFINITE State=UP
";

/// Starts both, makes the array job, waits for its end, and ends both.
const SCRIPT: &str = "
set -u
ip link set lo up && ip addr add 10.99.0.1/32 dev lo
export SLURM_CONF=$PWD/slurm.conf PATH=$PATH:/usr/sbin:/sbin
slurmctld -D -i & controller=$!
slurmd -D & daemon=$!
for try in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.2; done
sinfo
TEMBLOR=$PWD/temblor SEED=5 sbatch --wait --array=1-3 --export=ALL --chdir=$PWD --output=$PWD/job-%a.log slurm.sh mixed.toml $PWD/shards
kill $daemon $controller
wait
";

pub fn array() {
    let temblor = Temblor::new();
    let here = temblor.folder().display().to_string();
    let name = Command::new("hostname").arg("-s").output().map(|output| output.stdout).unwrap_or_default();
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    for folder in ["state", "spool"] {
        fs::create_dir(temblor.file(folder)).unwrap();
    }
    temblor.write("slurm.conf", CONFIGURATION.replace("HERE", &here).replace("NODE", &name));
    temblor.write("mixed.toml", MIXED);
    fs::copy(recipe("slurm.sh"), temblor.file("slurm.sh")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-n", "--kill-child", "-f", "timeout", "-k", "5", "120", "sh", "-c", SCRIPT]);
    let output = command.current_dir(temblor.folder()).output().unwrap();
    let told = || {
        let logs = ["slurmctld.log", "slurmd.log", "job-1.log", "job-2.log"];
        let logs = logs.iter().filter_map(|name| fs::read_to_string(temblor.file(name)).ok());
        let last: Vec<String> = logs.map(|log| log.lines().rev().take(15).collect::<Vec<_>>().join("\n")).collect();
        format!(
            "{}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            last.join("\n--\n")
        )
    };
    let shards = shards(&temblor, "shards");
    assert_eq!(shards.len(), 3, "{}", told());
    let merged = temblor.run(&format!("merge {} --out whole", shards.join(" "))).expect(1);
    assert!(merged.err.contains("shard 3/3: "), "{}", merged.err);
    temblor.nothing_is_left();
}
