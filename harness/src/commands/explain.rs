//! `temblor explain`: the sentence and the numbered witness of each violation.

use anyhow::Result;
use temblor_checkers::verdict::{Judgement, PropertyVerdict, Standing};

use super::answer;
use super::judging::judge_path;
use crate::cli::ExplainArgs;
use crate::exit::Exit;
use crate::render;

/// So many witnesses of one property are shown.
const SHOWN: usize = 3;

/// Explains every violation of a promised property; with none it says so, and still succeeds.
pub fn explain(args: &ExplainArgs) -> Result<Exit> {
    let verdict = judge_path(&args.path, &args.judge)?;
    if args.judge.json {
        answer(&format!("{}\n", serde_json::to_string(&verdict)?))?;
        return Ok(Exit::Clean);
    }
    let promised = |property: &&PropertyVerdict| property.standing == Standing::Promised;
    let broken = verdict.properties.iter().filter(|property| property.judgement == Judgement::Invalid);
    let mut text = String::new();
    for property in broken.filter(promised) {
        text.push_str(&witnesses(property));
    }
    if text.is_empty() {
        text.push_str(&render::closing(&verdict));
        text.push('\n');
    }
    answer(&text)?;
    Ok(Exit::Clean)
}

fn witnesses(property: &PropertyVerdict) -> String {
    let shown = property.witnesses.iter().take(SHOWN);
    let mut text: String = shown.map(|witness| render::witness(&property.property, witness) + "\n").collect();
    let rest = property.violations.saturating_sub(SHOWN as u64);
    if rest > 0 {
        text.push_str(&format!("... and {rest} more violations of {}.\n\n", property.property));
    }
    text
}
