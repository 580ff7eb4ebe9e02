//! Connections that are opened and then say nothing.

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tympan_testkit::TestServer;

/// A server that cannot take a connection leaves it in the kernel's queue, which is full at some time.
const OPENING: Duration = Duration::from_secs(2);

/// Idle connections to one listener.
pub struct Outsiders(Vec<TcpStream>);

impl Outsiders {
    /// Opens `count` of them. One that is not let in is an outsider, too.
    pub fn open(address: SocketAddr, count: usize) -> Self {
        let open = || TcpStream::connect_timeout(&address, OPENING).ok();
        // After one that is not let in at all the others would only wait.
        Self((0..count).map_while(|_| open()).collect())
    }

    /// How many the server has not closed yet.
    pub fn still_open(&self) -> anyhow::Result<usize> {
        let mut open = 0;
        for connection in &self.0 {
            connection.set_nonblocking(true)?;
            let read = (&*connection).read(&mut [0; 1]);
            open += usize::from(read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
        }
        Ok(open)
    }
}

/// Lets this process have so many files open.
pub fn allow_open_files(count: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        hard >= count,
        "this test opens {count} files, and the hard limit of this environment is {hard}: raise it (ulimit -Hn)"
    );
    if soft < count {
        setrlimit(Resource::RLIMIT_NOFILE, count, hard)?;
    }
    Ok(())
}

/// How many descriptors the server has open.
pub fn descriptors(server: &TestServer) -> anyhow::Result<usize> {
    let folder = format!("/proc/{}/fd", server.pid());
    Ok(std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?.count())
}

/// How much memory the server has, in bytes.
pub fn resident_bytes(server: &TestServer) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// The UDP ports that a process has bound at IPv4 addresses.
pub fn udp_ports(pid: u32) -> anyhow::Result<Vec<u16>> {
    let folder = format!("/proc/{pid}/fd");
    let mut inodes = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        // A descriptor that was closed meanwhile.
        let Ok(target) = std::fs::read_link(entry?.path()) else { continue };
        let target = target.to_string_lossy().into_owned();
        inodes.extend(
            target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned),
        );
    }
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/udp"))?;
    let port = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, inode) = (fields.get(1)?, fields.get(9)?);
        let port = u16::from_str_radix(local.split_once(':')?.1, 16).ok()?;
        inodes.iter().any(|own| own == inode).then_some(port)
    };
    Ok(table.lines().skip(1).filter_map(port).collect())
}
