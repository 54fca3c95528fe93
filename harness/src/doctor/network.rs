//! The loopback network: addresses for listeners, and what the system tells of sockets.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::Duration;

use super::Check;

/// Where nodes and proxies listen ...
const OWN: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// ... and one of the other addresses that mean this machine.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 77, 1, 2);
/// A byte to oneself takes less.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a process here can listen, be dialled, and be heard.
pub fn loopback() -> Check {
    let check = match (converse(OWN), converse(OTHER)) {
        (Ok(()), Ok(())) => Check::ok("loopback", format!("{OWN} and {OTHER} take listeners and connections")),
        (Ok(()), Err(error)) => Check::limited("loopback", format!("{OWN} works; {OTHER} does not: {error}"))
            .enabled_by("sudo ip address replace 127.0.0.1/8 dev lo"),
        (Err(error), _) => Check::missing("loopback", format!("no conversation over {OWN}: {error}"))
            .enabled_by("sudo ip link set lo up"),
    };
    check.as_needed()
}

/// One byte from a connection to its listener.
fn converse(address: Ipv4Addr) -> io::Result<()> {
    let listener = TcpListener::bind((address, 0))?;
    let mut dialled = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
    let (mut accepted, _) = listener.accept()?;
    dialled.write_all(b"?")?;
    accepted.set_read_timeout(Some(PATIENCE))?;
    accepted.read_exact(&mut [0])
}

/// Whether the system shows who listens where.
pub fn sockets() -> Check {
    let listener = TcpListener::bind((OWN, 0)).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let Ok((SocketAddr::V4(address), _listener)) = listener else {
        return Check::missing("sockets", "there is no listener to look for").enabled_by("sudo ip link set lo up");
    };
    let table = std::fs::read_to_string("/proc/self/net/tcp");
    match table {
        Ok(table) if table.contains(&entry(address)) => Check::ok("sockets", "/proc/PID/net shows listeners"),
        Ok(_) => Check::limited("sockets", "/proc/PID/net is there and does not show a listener of this process"),
        Err(error) => Check::limited("sockets", format!("/proc/PID/net cannot be read: {error}"))
            .enabled_by("sudo mount -t proc proc /proc"),
    }
}

/// An address as the kernel prints it: as it lies in memory, in hexadecimal.
fn entry(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}
