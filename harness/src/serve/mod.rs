//! `temblor serve`: the runs and campaigns of a results folder in a browser, on this machine alone.
//!
//! ```text
//! /                       campaigns and runs, filtered by algorithm, fault, verdict and seed
//! /run/RUN                the page of a run, made when it is asked for
//! /compare?a=RUN&b=RUN    two runs side by side
//! /zip/RUN                a run as one file, which check, explain and replay take
//! /files/PATH             what is in the folder, as it is
//! ```
//!
//! It only reads. It listens on 127.0.0.1, answers nobody who calls it by another name (a page elsewhere that points its own
//! name here sees nothing: DNS rebinding), refuses what other origins ask for, and no path leads out of the folder, by `..` or
//! by a link.

mod compare;
mod listing;
mod paths;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};
use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

use crate::commands::report;
use crate::export;
use crate::report::policy;
use paths::{Query, below, is_shown};

/// So many requests are answered at a time.
const THREADS: usize = 4;

type Answer = Response<Box<dyn std::io::Read + Send>>;

/// A server that has its port.
pub struct Site {
    server: Server,
    root: PathBuf,
    port: u16,
}

/// Why a request gets no page.
#[derive(Debug)]
enum Refusal {
    /// There is no such thing here.
    Absent,
    /// Whoever asks may not.
    Forbidden(&'static str),
    /// Only reading is done here.
    Method,
    /// It could not be read.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Refusal::Broken(error)
    }
}

impl Site {
    /// Takes a port of 127.0.0.1 for the runs in `root`; 0 is whichever is free.
    ///
    /// # Errors
    /// There is no such folder, or the port is taken.
    pub fn open(root: &Path, port: u16) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("failed to open {}", root.display()))?;
        let server = Server::http(("127.0.0.1", port))
            .map_err(|error| anyhow!("failed to listen on 127.0.0.1:{port}: {error}; --port 0 takes a free one"))?;
        let port = server.server_addr().to_ip().context("the address is one of IP")?.port();
        Ok(Self { server, root, port })
    }

    /// Where it is to be found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers for ever, several at a time: a page of millions of events takes its time.
    pub fn answer_all(&self) {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for request in self.server.incoming_requests() {
                        let answer = self.answer(&request).unwrap_or_else(refused);
                        // Whoever has gone away needs no answer.
                        let _ = request.respond(answer);
                    }
                });
            }
        });
    }

    fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        self.admit(request)?;
        let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
        let query = Query::parse(query);
        let path = paths::decoded(path).ok_or(Refusal::Absent)?;
        let (what, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        match what {
            "" => Ok(html(listing::page(&self.root, &query))),
            "run" => Ok(html(self.run(rest)?)),
            "compare" => {
                let run = |key: &str| self.folder(query.get(key).ok_or(Refusal::Absent)?);
                let (a, b) = (run("a")?, run("b")?);
                Ok(html(compare::page((&self.root, &a), (&self.root, &b))?))
            }
            "zip" => self.zip(rest),
            "files" => self.file(rest),
            // Browsers ask for it by themselves.
            "favicon.ico" => Ok(answer(StatusCode(204), Vec::new(), Box::new(std::io::empty()), Some(0))),
            _ => Err(Refusal::Absent),
        }
    }

    /// Only who calls this server by its own name, and asks from a page of its own, gets an answer.
    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        if !matches!(request.method(), Method::Get | Method::Head) {
            return Err(Refusal::Method);
        }
        let header = |name: &'static str| {
            let found = request.headers().iter().filter(move |header| header.field.equiv(name));
            found.map(|header| header.value.as_str()).collect::<Vec<_>>()
        };
        let own = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        match header("Host").as_slice() {
            [host] if own.iter().any(|own| own == host) => {}
            _ => return Err(Refusal::Forbidden("the Host is not this server's")),
        }
        let foreign = |origin: &&str| !own.iter().any(|own| **origin == format!("http://{own}"));
        if header("Origin").iter().any(foreign) || header("Sec-Fetch-Site").contains(&"cross-site") {
            return Err(Refusal::Forbidden("the Origin is not this server's"));
        }
        Ok(())
    }

    /// A run folder by its path below the root.
    fn folder(&self, path: &str) -> Result<PathBuf, Refusal> {
        let folder = below(&self.root, path).ok_or(Refusal::Absent)?;
        if listing::is_run(&folder) { Ok(folder) } else { Err(Refusal::Absent) }
    }

    fn run(&self, path: &str) -> Result<String, Refusal> {
        let folder = self.folder(path)?;
        // A page that was written when the run was judged is the same, and is there at once.
        if let Ok(page) = std::fs::read_to_string(folder.join(report::REPORT)) {
            return Ok(page);
        }
        Ok(report::page(&folder)?)
    }

    fn zip(&self, path: &str) -> Result<Answer, Refusal> {
        let folder = self.folder(path)?;
        let mut file = tempfile::tempfile().context("failed to make room for an archive")?;
        export::zip(&folder, &mut file).context("failed to pack the run")?;
        std::io::Seek::rewind(&mut file).context("failed to read the archive")?;
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-");
        let length = file.metadata().ok().and_then(|facts| usize::try_from(facts.len()).ok());
        let headers = vec![
            header("Content-Type", "application/zip"),
            header("Content-Disposition", &format!("attachment; filename=\"{name}.zip\"")),
        ];
        Ok(answer(StatusCode(200), headers, Box::new(file), length))
    }

    /// A file as it is; nothing of it is ever run, but for the pages that temblor wrote.
    fn file(&self, path: &str) -> Result<Answer, Refusal> {
        let path = below(&self.root, path).filter(|path| path.is_file() && is_shown(path)).ok_or(Refusal::Absent)?;
        let kind = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("json") => "application/json",
            _ => "text/plain; charset=utf-8",
        };
        let file = std::fs::File::open(&path).with_context(|| format!("failed to open {}", path.display()))?;
        let length = file.metadata().ok().and_then(|facts| usize::try_from(facts.len()).ok());
        Ok(answer(StatusCode(200), vec![header("Content-Type", kind)], Box::new(file), length))
    }
}

fn html(page: String) -> Answer {
    let length = page.len();
    let headers = vec![header("Content-Type", "text/html; charset=utf-8")];
    answer(StatusCode(200), headers, Box::new(Cursor::new(page.into_bytes())), Some(length))
}

fn refused(refusal: Refusal) -> Answer {
    let (status, text) = match refusal {
        Refusal::Absent => (404, "There is no such run or file in this folder.\n".to_owned()),
        Refusal::Forbidden(why) => (403, format!("Refused: {why}.\n")),
        Refusal::Method => (405, "Only GET and HEAD: this server reads, and changes nothing.\n".to_owned()),
        Refusal::Broken(error) => (500, format!("{error:#}\n")),
    };
    let length = text.len();
    let headers = vec![header("Content-Type", "text/plain; charset=utf-8")];
    answer(StatusCode(status), headers, Box::new(Cursor::new(text.into_bytes())), Some(length))
}

fn answer(
    status: StatusCode,
    mut headers: Vec<Header>,
    body: Box<dyn std::io::Read + Send>,
    length: Option<usize>,
) -> Answer {
    // Whoever may have changed a page in the folder: no script runs but that of the report.
    headers.push(header("Content-Security-Policy", &policy()));
    headers.push(header("X-Content-Type-Options", "nosniff"));
    headers.push(header("Cross-Origin-Resource-Policy", "same-origin"));
    headers.push(header("Referrer-Policy", "no-referrer"));
    headers.push(header("Cache-Control", "no-store"));
    Response::new(status, headers, body, length, None)
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("a header of this server is ASCII")
}
