//! stdin as batches of lines. A pipe is read without blocking; a file or a terminal by a thread.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use anyhow::Result;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::lines::Lines;
use super::log;

/// The node's stdin.
pub struct Stdin {
    source: Source,
    buffer: Lines,
    /// Whether the rest of a line that was too long is still to come.
    skipping: bool,
}

enum Source {
    Pipe(pipe::Receiver),
    Thread(mpsc::Receiver<Vec<u8>>),
}

impl Stdin {
    /// Takes over stdin, of which this has been read already.
    pub fn open(read: &[u8]) -> Result<Self> {
        let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
        let source = match pipe::Receiver::from_file(file) {
            Ok(pipe) => Source::Pipe(pipe),
            Err(_) => Source::Thread(by_thread(File::from(std::io::stdin().as_fd().try_clone_to_owned()?))),
        };
        let mut buffer = Lines::default();
        buffer.space().extend_from_slice(read);
        Ok(Self { source, buffer, skipping: false })
    }

    /// The next whole lines; `None` at the end. What was begun and never ended counts as a line; one that is too long is
    /// left out.
    pub async fn lines(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            self.skipping = self.skipping && !self.buffer.skip_line();
            match self.buffer.whole() {
                Ok(Some(lines)) => return Ok(Some(lines)),
                Ok(None) => {}
                Err(error) => {
                    log(&format!("ignored what is no request: {error}"));
                    self.skipping = true;
                }
            }
            if self.read().await? == 0 {
                let last = self.buffer.rest();
                return Ok(if last.is_empty() { None } else { Some(last) });
            }
        }
    }

    async fn read(&mut self) -> Result<usize> {
        let space = self.buffer.space();
        match &mut self.source {
            Source::Pipe(pipe) => Ok(pipe.read_buf(space).await?),
            Source::Thread(chunks) => {
                let chunk = chunks.recv().await.unwrap_or_default();
                space.extend_from_slice(&chunk);
                Ok(chunk.len())
            }
        }
    }
}

fn by_thread(mut file: File) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = file.read(&mut buffer) {
            if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}
