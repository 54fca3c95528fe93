//! Histories written by hand: one op a line, in words.
//!
//! ```text
//! c1 asks n1 m1          c1 ok n1 m1          c1 refused n1 m1          c1 unsure n1 m1
//! n1 broadcasts m1       n2 delivers m1       n2 delivers m1 @3         n1 leads 4
//! c1 charges n2 17       c1 charged n2 17    c1 declined n2 17    c1 lost n2 17    c5 reads n1 17 18
//! n1 charged 17 @1 n2/1/1
//! c1 says n1 hello       c1 hears n1 hello      c1 given n1 id-7           c1 finds n1 m1 m2
//! n2 follows n1 in 4     n1 in 4                n1 votes n2 in 4
//! n1 appends 7 of 4 #5   n1 snapshots 7 of 4 #5 n1 truncates 7         n1 commits 7
//! n1 starts              n1 exits signal 9    n1 silent                 n1 nonsense          n1 flood
//! n1 installed {"through":2,"hash":"..."}
//! nemesis invoke kill {"id":1,"class":"kill","node":"n2"}               nemesis ok drained
//! ```

use temblor_checkers::header::{Acknowledges, Condition, Crashes, FORMAT, Header};
use temblor_checkers::judge::{Judge, Options, Tail};
use temblor_checkers::op::{Event, Kind, Names, Node, Op, Other, Process};
use temblor_checkers::verdict::{Judgement, Standing, Verdict};

/// A header for `n` nodes in mode `stop`, with these promises, each `always`.
pub fn header(n: usize, promises: &[&str]) -> Header {
    Header {
        format: FORMAT,
        system: "test".to_owned(),
        nodes: (1..=n).map(|at| format!("n{at}")).collect(),
        crashes: Crashes::Stop,
        faulty_max: n as u32,
        ok: Acknowledges::Taken,
        promises: promises.iter().map(|name| (name.to_string(), Condition::Always)).collect(),
        requested: Vec::new(),
        beyond: Vec::new(),
        fanout: None,
    }
}

/// The names n1, n2, ...
pub fn names(n: usize) -> Names {
    let mut names = Names::default();
    for at in 1..=n {
        names.intern(&format!("n{at}")).expect("a test has few nodes");
    }
    names
}

/// The ops of a script.
pub fn ops(script: &str) -> Vec<Op> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let ops = lines.enumerate().map(|(at, line)| {
        let (process, kind, event) = op(line).unwrap_or_else(|| panic!("no op: {line}"));
        Op { index: at as u64, time: at as u64 * 1_000_000, process, kind, event }
    });
    ops.collect()
}

fn op(line: &str) -> Option<(Process, Kind, Event)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(client) = words[0].strip_prefix('c') {
        if let Some((kind, event)) = payment(&words).or_else(|| answer(&words)) {
            return Some((Process::Client(client.parse().ok()?), kind, event));
        }
        let kind = match words[1] {
            "asks" => Kind::Invoke,
            "ok" => Kind::Ok,
            "refused" => Kind::Fail,
            "unsure" => Kind::Info,
            _ => return None,
        };
        let event = Event::Request { node: node(words[2])?, message: number(words[3], 'm')? };
        return Some((Process::Client(client.parse().ok()?), kind, event));
    }
    if words[0] == "nemesis" {
        let kind = match words[1] {
            "invoke" => Kind::Invoke,
            "ok" => Kind::Ok,
            "fail" => Kind::Fail,
            "info" => Kind::Info,
            _ => return None,
        };
        let value = serde_json::from_str(&words[3..].join(" ")).unwrap_or(serde_json::Value::Null);
        return Some((Process::Nemesis, kind, other(words[2], value)));
    }
    let event = match words[1] {
        "broadcasts" => Event::Broadcast(number(words[2], 'm')?),
        "installed" => other("installed", serde_json::from_str(&words[2..].join(" ")).ok()?),
        "delivers" => {
            let pos = words.get(3).and_then(|pos| pos.strip_prefix('@')?.parse().ok());
            Event::Deliver { message: number(words[2], 'm')?, pos }
        }
        "leads" => Event::Leader { term: words[2].parse().ok()? },
        "follows" => {
            let (leader, term) = (words.get(2)?, words.get(4)?.parse::<u64>().ok()?);
            other("follows", serde_json::json!({ "term": term, "leader": leader }))
        }
        "in" => other("term", serde_json::json!({ "term": words.get(2)?.parse::<u64>().ok()? })),
        "votes" => {
            let term = words.get(4)?.parse::<u64>().ok()?;
            other("vote", serde_json::json!({ "term": term, "for": words.get(2)? }))
        }
        "appends" => other("append", entry(&words)?),
        "snapshots" => other("snapshot", entry(&words)?),
        "truncates" => other("truncate", serde_json::json!({ "from": words.get(2)?.parse::<u64>().ok()? })),
        "commits" => other("commit", serde_json::json!({ "index": words.get(2)?.parse::<u64>().ok()? })),
        "charged" => {
            let mut value = purchase(words[2])?;
            value["pos"] = number(words[3], '@')?.into();
            value["key"] = words[4].into();
            other("charged", value)
        }
        "starts" => Event::Start { incarnation: 1 },
        "exits" => other("exit", serde_json::json!({ "status": words[2..].join(" ") })),
        "silent" => other("silent", serde_json::json!({ "reason": "3 requests in a row", "requests": 3 })),
        "nonsense" => other("nonsense", serde_json::json!({ "line": "hello", "count": 1 })),
        "flood" => other("flood", serde_json::json!({ "bytes": 1 << 30 })),
        "breach" => other("breach", serde_json::json!({ "reason": "spoke outside of an input" })),
        _ => return None,
    };
    Some((Process::Node(node(words[0])?), Kind::Info, event))
}

/// What a client says and hears, is given, or reads.
fn answer(words: &[&str]) -> Option<(Kind, Event)> {
    let (kind, f, mut value) = match words[1] {
        "says" => (Kind::Invoke, "echo", serde_json::json!({ "echo": words[3] })),
        "hears" => (Kind::Ok, "echo", serde_json::json!({ "echo": words[3] })),
        "given" => (Kind::Ok, "generate", serde_json::json!({ "id": words[3] })),
        "finds" => {
            let messages: Option<Vec<u64>> = words[3..].iter().map(|word| number(word, 'm')).collect();
            (Kind::Ok, "read", serde_json::json!({ "messages": messages? }))
        }
        _ => return None,
    };
    value["node"] = words[2].into();
    Some((kind, other(f, value)))
}

fn other(f: &str, value: serde_json::Value) -> Event {
    Event::Other(Box::new(Other { f: f.to_owned(), value }))
}

/// A client's charge, or what it reads: a charge is known by its amount alone.
fn payment(words: &[&str]) -> Option<(Kind, Event)> {
    let kind = match words[1] {
        "charges" => Kind::Invoke,
        "charged" | "reads" => Kind::Ok,
        "declined" => Kind::Fail,
        "lost" => Kind::Info,
        _ => return None,
    };
    if words[1] == "reads" {
        let records: Option<Vec<serde_json::Value>> = words[3..].iter().map(|amount| purchase(amount)).collect();
        return Some((kind, other("ledger", serde_json::json!({ "node": words[2], "ledger": records? }))));
    }
    let mut value = purchase(words[3])?;
    value["node"] = words[2].into();
    value["charge"] = value["amount"].clone();
    Some((kind, other("charge", value)))
}

fn purchase(amount: &str) -> Option<serde_json::Value> {
    Some(serde_json::json!({ "card": "4000", "amount": amount.parse::<u64>().ok()? }))
}

/// `7 of 4 #5`: the entry at index 7, of term 4, the hash up to it 5.
fn entry(words: &[&str]) -> Option<serde_json::Value> {
    let (index, term) = (words.get(2)?.parse::<u64>().ok()?, words.get(4)?.parse::<u64>().ok()?);
    let hash = number(words.get(5)?, '#')?;
    Some(serde_json::json!({ "index": index, "term": term, "hash": format!("{hash:016x}") }))
}

fn node(word: &str) -> Option<Node> {
    number(word, 'n').map(|n| Node(n as u16 - 1))
}

fn number(word: &str, letter: char) -> Option<u64> {
    word.strip_prefix(letter)?.parse().ok()
}

/// The verdict on these ops, both readings.
pub fn judge(header: Option<&Header>, ops: &[Op], options: &Options) -> Verdict {
    let names = names(header.map_or(4, |h| h.nodes.len()));
    let mut judge = Judge::new(header.cloned(), options).expect("tests name known properties");
    ops.iter().for_each(|op| judge.op(op, &names));
    let mut findings = judge.finish(&names, Tail::Whole);
    for op in ops {
        if !findings.wants_more() {
            break;
        }
        findings.locate(op, &names);
    }
    findings.into_verdict(&names)
}

/// A verdict in words: the outcome, and of what was promised all that is not simply valid.
pub fn render(verdict: &Verdict) -> String {
    let models: String = verdict.classification.iter().map(|model| format!(" and {model}")).collect();
    let mut text = format!("{:?}{}\n", verdict.outcome, models.replacen(" and", ",", 1));
    for property in verdict.properties.iter().filter(|property| property.promised.is_some()) {
        let holds = property.judgement == Judgement::Valid && property.standing == Standing::Promised;
        if holds {
            continue;
        }
        text += &format!("{} {:?} {:?}", property.property, property.judgement, property.standing);
        text += &format!(", {} violations, exercised {}\n", property.violations, property.exercised);
        text += &property.reason.iter().map(|reason| format!("  because {reason}\n")).collect::<String>();
        for witness in &property.witnesses {
            text += &format!("  {} [{}]\n", witness.sentence, witness.shape);
            text += &witness.consequence_of.iter().map(|c| format!("    follows: {c}\n")).collect::<String>();
            for (at, step) in witness.steps.iter().enumerate() {
                text += &format!("    {}. line {}: {} {}", at + 1, step.index, step.process, step.what);
                text += &if step.fact.is_empty() { "\n".to_owned() } else { format!(" ({})\n", step.fact) };
            }
        }
    }
    text
}
