//! A run in which every string that comes from a node, or from whoever started it, wants to be more than text.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::command::Temblor;

/// Ends a script and begins an element; runs when it is attached; turns what follows; hides; is very long.
fn names() -> [String; 4] {
    [
        "</script><img src=x onerror=hacked()>".to_owned(),
        "n\u{202e}2\u{0}\u{200b}\u{7}\"'`".to_owned(),
        "<svg/onload=hacked()>{{7*7}}${hacked()}&lt;".to_owned(),
        "x".repeat(255),
    ]
}

/// The page of the run.
pub fn page(temblor: &Temblor) -> PathBuf {
    let names = names();
    let long = "y".repeat(100_000);
    let mut ops = vec![
        json!({ "format": 1, "system": "<b>hacked()</b>", "nodes": names, "crashes": "recover", "faulty_max": 1,
        "ok": "taken", "promises": { "no-duplication": "always", "agreement": "always", "one-vote-per-term": "always", "survives": "always" } }),
    ];
    let mut lines = vec![("nemesis".into(), "info", "run", ops.remove(0))];
    for name in &names {
        lines.push((json!(name), "info", "start", json!({ "incarnation": 1 })));
    }
    let links = json!([[names[0], names[1]], [names[2], names[1]]]);
    let partition = json!({ "id": 1, "class": "partition", "mode": "<i>", "cut": links });
    lines.push((json!("nemesis"), "invoke", "partition", partition.clone()));
    lines.push((json!(1), "invoke", "broadcast", json!({ "node": names[0], "message": 1 })));
    lines.push((json!(names[0]), "info", "broadcast", json!(1)));
    lines.push((json!(names[1]), "info", "deliver", json!(1)));
    lines.push((json!(names[1]), "info", "deliver", json!(1)));
    lines.push((json!(names[2]), "info", "vote", json!({ "term": 1, "for": names[0] })));
    lines.push((json!(names[2]), "info", "vote", json!({ "term": 1, "for": names[1] })));
    lines.push((json!(names[2]), "info", "<u onclick=hacked()>", json!({ "</style><script>hacked()</script>": long })));
    lines.push((json!(names[2]), "info", "odd", json!("</script><script>hacked()</script>\u{2028}\u{feff}")));
    lines.push((json!(names[3]), "info", "exit", json!({ "status": "<script>hacked()</script>" })));
    lines.push((json!("nemesis"), "ok", "partition", partition));
    lines.push((json!("nemesis"), "ok", "drained", json!({})));
    let line = |(at, (process, kind, f, value)): (usize, (Value, &str, &str, Value))| {
        format!(
            "{}\n",
            json!({ "index": at, "time": at * 1_000_000, "process": process, "type": kind, "f": f, "value": value })
        )
    };
    std::fs::create_dir(temblor.file("hostile")).expect("a folder can be made");
    temblor.write("hostile/history.jsonl", lines.into_iter().enumerate().map(line).collect::<String>());
    let mut frames = "{\"format\":1,\"f\":\"messages\"}\n".to_owned();
    for (from, to, what) in [(0, 1, "passed"), (0, 2, "dropped"), (2, 1, "<b>"), (0, 3, "down")] {
        let out = if what == "passed" { json!(7_500_000) } else { Value::Null };
        let frame = json!({ "in": 7_000_000, "out": out, "from": names[from], "to": names[to], "key": "<img src=x onerror=hacked()>/1", "bytes": 9, "what": what, "fault": 1 });
        let _ = writeln!(frames, "{frame}");
    }
    temblor.write("hostile/messages.jsonl", frames);
    let run = json!({ "format": 1, "temblor": "<b>", "command": ["temblor", "run", "';</script><script>hacked()</script>"], "seed": 1,
        "executor": "<i>", "node_command": names[0], "machine": { "processor": names[1], "kernel": names[2], "cores": 2 } });
    temblor.write("hostile/run.json", run.to_string());
    temblor.write(
        "hostile/plan.json",
        json!({ "algorithm": names[0], "nodes": names, "operations": [], "faults": [] }).to_string(),
    );
    temblor.run("report hostile").expect(0);
    temblor.file("hostile/report.html")
}
