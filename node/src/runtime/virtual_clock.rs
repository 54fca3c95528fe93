//! A node under a virtual clock: it answers one input at a time, and does nothing in between (PROTOCOL.md).
//!
//! Each input brings its number and its time. The answer is every line up to `idle`, which also says when the node wants to be
//! woken. There is no socket, no timer and no thread here, so the same inputs give the same bytes.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context, Result, bail};

use super::core::Core;
use super::lines::Lines;
use super::wire::{Envelope, Init};
use crate::records::Records;

/// Lives until stdin ends; `rest` has been read behind `init` already.
pub fn live((mut core, records): (Core, Records), init: &Init, (mut stdin, rest): (File, Vec<u8>)) -> Result<()> {
    core.introduce(init, None);
    core.begin(records);
    core.idle(init.moment.input);
    core.flush()?;
    let mut lines = Lines::default();
    lines.space().extend_from_slice(&rest);
    let mut chunk = vec![0; 64 << 10];
    loop {
        while let Some(whole) = lines.whole()? {
            for line in whole.split_inclusive(|byte| *byte == b'\n') {
                answer(&mut core, line)?;
            }
        }
        match stdin.read(&mut chunk).context("failed to read stdin")? {
            0 => return Ok(()),
            count => lines.space().extend_from_slice(&chunk[..count]),
        }
    }
}

/// Answers an input. One without a number or a time ends the node: nothing that it did from then on could be repeated.
fn answer(core: &mut Core, line: &[u8]) -> Result<()> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).context("an input that is no envelope")?;
    let Some(moment) = envelope.moment() else { bail!("an input without now and input, under a virtual clock") };
    core.set_time(moment.now);
    core.envelope(&envelope);
    core.idle(moment.input);
    core.flush()
}
