//! A network of two hosts inside of this machine: namespaces of the kernel, joined by a cable.
//!
//! The thread that makes it is at home in the first host from then on, and so is every process that it starts: the server,
//! boto3, a telephone. The second host is reached through [`Network::elsewhere`]. Both go with the test's process.

use anyhow::{Context, ensure};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};

/// The first host's address on the cable.
pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
/// The second host's address on the cable.
pub const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2));
/// The first host's end of the cable.
pub const CABLE: &str = "cable0";

/// Two hosts. Killed when dropped.
pub struct Network {
    /// Keeps the second host's namespace.
    holder: Child,
    elsewhere: File,
}

impl Network {
    /// Makes both, and moves this thread into the first one.
    ///
    /// # Errors
    /// Where namespaces cannot be made: the test cannot run there, and fails.
    pub fn new() -> anyhow::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET).context(
            "this test needs network namespaces of its own, and the kernel gives it none: run it as root, outside of a sandbox that forbids unshare(CLONE_NEWNET)",
        )?;
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec sleep 600"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run unshare (util-linux)")?;
        let mut ready = String::new();
        BufReader::new(holder.stdout.take().context("no pipe")?).read_line(&mut ready)?;
        let pid = holder.id();
        // From here on a failure leaves no process behind.
        let elsewhere = File::open(format!("/proc/{pid}/ns/net"))?;
        let network = Self { holder, elsewhere };
        ensure!(ready == "ready\n", "unshare made no namespace");
        let other = "cable1";
        ip(&["link", "set", "lo", "up"])?;
        ip(&["link", "add", CABLE, "type", "veth", "peer", "name", other])?;
        ip(&["link", "set", other, "netns", &pid.to_string()])?;
        ip(&["addr", "add", &format!("{HOME}/24"), "dev", CABLE])?;
        ip(&["link", "set", CABLE, "up"])?;
        network.elsewhere(|| {
            ip(&["link", "set", "lo", "up"])?;
            ip(&["addr", "add", &format!("{ELSEWHERE}/24"), "dev", other])?;
            ip(&["link", "set", other, "up"])
        })?;
        Ok(network)
    }

    /// Does something on the second host; sockets that are made there stay there.
    pub fn elsewhere<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                setns(&self.elsewhere, CloneFlags::CLONE_NEWNET)?;
                work()
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip").args(arguments).output().context("cannot run ip: install iproute2")?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "ip {}: {complaint}", arguments.join(" "));
    Ok(())
}
