//! `temblor serve` shows runs to whoever sits at this machine, and nothing to anybody else.

mod command;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;

use command::{Serving, Temblor};

/// A folder with a run that broke a promise and one that did not.
fn two_runs() -> (Temblor, Vec<String>) {
    let temblor = Temblor::new();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/demonstrations/waits-for-all-but-one.json");
    temblor.run(&format!("run total-lamport --bug waits-for-all-but-one -x sim --plan {}", plan.display())).expect(1);
    temblor.run("run fifo -x sim --seed 3 --time-limit 1s --nemesis none").expect(0);
    let name = |run: &std::path::PathBuf| run.file_name().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<String> = temblor.run_folders("results").iter().map(name).collect();
    names.sort_by_key(|name| !name.contains("lamport"));
    (temblor, names)
}

/// An answer: status, head, body.
struct Answer(u16, String, Vec<u8>);

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.2).into_owned()
    }
}

fn asked(serving: &Serving, request: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", serving.port())).expect("the server listens");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer(status, head, bytes[end + 4..].to_vec())
}

fn get(serving: &Serving, path: &str) -> Answer {
    let port = serving.port();
    asked(serving, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"))
}

#[test]
fn runs_are_listed_filtered_shown_and_compared() {
    let (temblor, names) = two_runs();
    let serving = temblor.serve("results");
    let all = get(&serving, "/").text();
    assert!(names.iter().all(|name| all.contains(name.as_str())), "{all}");
    for (query, shown) in [
        ("algorithm=total-lamport", 0),
        ("fault=partition", 0),
        ("verdict=violation", 0),
        ("verdict=clean", 1),
        ("seed=3", 1),
    ] {
        let some = get(&serving, &format!("/?{query}")).text();
        assert!(some.contains(&format!("/run/{}", names[shown])), "{query}: {some}");
        assert!(!some.contains(&format!("/run/{}", names[1 - shown])), "{query}: {some}");
    }
    let page = get(&serving, &format!("/run/{}", names[0]));
    assert!(page.0 == 200 && page.text().contains("n1 delivered m3 as message number 2, and n3 m1"), "{}", page.1);
    // That of a run with nothing wrong is made when it is asked for, and not kept.
    assert!(get(&serving, &format!("/run/{}", names[1])).text().contains("Every promise held"));
    assert!(!temblor.file(&format!("results/{}/report.html", names[1])).exists());
    let both = get(&serving, &format!("/compare?a={}&b={}", names[0], names[1])).text();
    assert!(both.contains("Where the histories part") && both.contains("(differs)"), "{both}");
}

#[test]
fn a_run_is_downloaded_and_judged_the_same() {
    let (temblor, names) = two_runs();
    let serving = temblor.serve("results");
    let archive = get(&serving, &format!("/zip/{}", names[0]));
    assert!(archive.0 == 200 && archive.1.contains("application/zip"), "{}", archive.1);
    temblor.write("downloaded.zip", &archive.2);
    let (of_zip, of_folder) =
        (temblor.run("check downloaded.zip --json"), temblor.run(&format!("check results/{} --json", names[0])));
    assert_eq!((of_zip.code, of_zip.out), (Some(1), of_folder.out));
    assert!(temblor.run("replay downloaded.zip").expect(1).out.contains("identical"));
}

#[test]
fn no_path_leads_out_and_what_nodes_write_is_not_shown() {
    let (temblor, names) = two_runs();
    temblor.write("secret.json", "secret");
    symlink(temblor.file("secret.json"), temblor.file("results/link.json")).unwrap();
    symlink(temblor.folder(), temblor.file(&format!("results/{}/out", names[0]))).unwrap();
    let data = temblor.file(&format!("results/{}/nodes/n9", names[0]));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("report.html"), "<script>evil()</script>").unwrap();
    let serving = temblor.serve("results");
    assert!(get(&serving, &format!("/files/{}/history.jsonl", names[0])).text().starts_with("{\"index\":0"));
    for path in [
        "/files/../secret.json".to_owned(),
        "/files/%2e%2e/secret.json".to_owned(),
        "/files/..%2fsecret.json".to_owned(),
        "/files//etc/hostname".to_owned(),
        "/files/link.json".to_owned(),
        format!("/files/{}/out/secret.json", names[0]),
        format!("/files/{}/nodes/n9/report.html", names[0]),
        "/run/..".to_owned(),
        "/zip/../results".to_owned(),
        "/compare?a=../x&b=..".to_owned(),
        "/files/%00".to_owned(),
        "/absent".to_owned(),
    ] {
        let answer = get(&serving, &path);
        assert!(answer.0 == 404 && !answer.text().contains("secret"), "{path}: {}", answer.1);
    }
}

#[test]
fn who_calls_it_by_another_name_or_wants_to_write_is_refused() {
    let (temblor, _) = two_runs();
    let serving = temblor.serve("results");
    let port = serving.port();
    let own = format!("Host: 127.0.0.1:{port}\r\nConnection: close");
    let refused = [
        ("GET", format!("Host: evil.example:{port}\r\nConnection: close"), 403),
        ("GET", "Host: 127.0.0.1\r\nConnection: close".to_owned(), 403),
        ("GET", "Connection: close".to_owned(), 403),
        ("GET", format!("{own}\r\nOrigin: http://evil.example"), 403),
        ("GET", format!("{own}\r\nOrigin: null"), 403),
        ("GET", format!("{own}\r\nSec-Fetch-Site: cross-site"), 403),
        ("POST", format!("{own}\r\nContent-Length: 0"), 405),
        ("DELETE", own.clone(), 405),
        ("GET", format!("{own}\r\nOrigin: http://127.0.0.1:{port}"), 200),
        ("GET", format!("Host: localhost:{port}\r\nConnection: close"), 200),
        ("HEAD", own.clone(), 200),
    ];
    for (method, head, status) in refused {
        let answer = asked(&serving, &format!("{method} / HTTP/1.1\r\n{head}\r\n\r\n"));
        assert_eq!(answer.0, status, "{method} {head}: {}", answer.1);
        assert!(answer.1.contains("Content-Security-Policy"), "{}", answer.1);
        assert!(method != "HEAD" || answer.2.is_empty());
    }
}

#[test]
fn what_can_not_be_served_says_why() {
    let temblor = Temblor::new();
    assert!(temblor.run("serve nowhere").expect(2).said().contains("there is no folder nowhere"));
    std::fs::create_dir(temblor.file("results")).unwrap();
    let serving = temblor.serve("");
    let ended = temblor.run(&format!("serve --port {}", serving.port()));
    assert!(
        ended.code == Some(5) && ended.said().contains("--port 0 takes a free one"),
        "{:?} {}",
        ended.code,
        ended.err
    );
}
