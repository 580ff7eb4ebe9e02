//! A server with calls in it: each answered, fed with packets, and captured.

use super::connect::{self, CapturedAudio, NUMBER, Parties};
use super::core::Core;
use super::http::Client;
use super::process::{Usage, cpu_by_thread, disk_bytes};
use super::server;
use crate::rtp::sender::{Sender, SentTimes};
use crate::sip::answerer::Answerer;
use crate::sip::caller::{CallEvent, Caller};
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tympan_testkit::{TestServer, TestServerBuilder};

/// Where server and sender run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The server and its children on the first core, the sender on the second.
    Apart(Core, Core),
    /// Wherever the kernel puts them.
    Anywhere,
}

impl Placement {
    /// Apart if that is wanted and there are two cores.
    pub(crate) fn apart_if(wanted: bool) -> Self {
        let pair = Core::pair().filter(|_| wanted);
        pair.map_or(Self::Anywhere, |(server, sender)| Self::Apart(server, sender))
    }

    /// The server's core and the sender's, if they have one of their own.
    pub(crate) fn cores(self) -> (Option<Core>, Option<Core>) {
        match self {
            Self::Apart(server, sender) => (Some(server), Some(sender)),
            Self::Anywhere => (None, None),
        }
    }

    /// As a result states it.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Apart(server, sender) => {
                format!("server on core {}, sender on core {}", server.number(), sender.number())
            }
            Self::Anywhere => "not pinned".to_owned(),
        }
    }
}

/// Everything that is running.
pub(crate) struct Rig {
    /// Readers and API requests run here, on one thread.
    pub(crate) runtime: Runtime,
    /// Speaks to the server's APIs.
    pub(crate) client: Client,
    /// Sends the calls' packets.
    pub(crate) sender: Sender,
    /// The calls that are up and captured.
    pub(crate) calls: BTreeMap<u32, CapturedAudio>,
    caller: Caller,
    /// The other party of each call, where there is one.
    answerer: Option<Answerer>,
    server: TestServer,
    data: tempfile::TempDir,
}

/// How long one step of one call may take on a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(60);
/// Calls between two looks at the contacts, of which the server lists the newest thousand.
const DIAL_BATCH: u32 = 200;
/// The number of the first call's other party among the senders.
const OTHERS_FROM: u32 = 1_000_000;
/// From the last packet to the BYE: the packet has to be taken by then.
const LAST_PACKET_GRACE: Duration = Duration::from_millis(300);

impl Rig {
    /// Starts a server without calls.
    pub(crate) fn start(calls: u32, placement: Placement) -> anyhow::Result<Self> {
        Self::start_with(calls, placement, Parties::One, None, |builder| builder)
    }

    /// As [`Self::start`], with these parties, what the server sends while nothing is played, and more settings of the server.
    pub(crate) fn start_with(
        calls: u32,
        placement: Placement,
        parties: Parties,
        send_silence: Option<&str>,
        settings: impl FnOnce(TestServerBuilder) -> TestServerBuilder,
    ) -> anyhow::Result<Self> {
        let (server_core, sender_core) = placement.cores();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let sender = Sender::start(sender_core)?;
        let answerer = match parties {
            Parties::One => None,
            Parties::Two => Some(Answerer::start(sender.address())?),
        };
        let trunk = trunk(answerer.as_ref().map(Answerer::address), send_silence);
        let legs = if answerer.is_some() { 2 * calls } else { calls };
        let (server, data) = server::start_with(legs, server_core, |builder| {
            settings(builder.env("TYMPAN_SIP__TRUNKS", trunk))
        })?;
        let client = Client::new(server.http())?;
        runtime.block_on(connect::provision(&client, parties))?;
        let caller = Caller::start(server.sip(), sender.address())?;
        Ok(Self { runtime, client, sender, calls: BTreeMap::new(), caller, answerer, server, data })
    }

    /// Makes calls `0..calls`, that many a second, and returns when all of them are being captured.
    pub(crate) fn dial(&mut self, calls: u32, per_second: u32) -> anyhow::Result<()> {
        let pause = Duration::from_secs(1) / per_second.max(1);
        for first in (0..calls).step_by(DIAL_BATCH as usize) {
            let batch = first..(first + DIAL_BATCH).min(calls);
            let mut answered = first;
            for call in batch.clone() {
                self.caller.dial(call, number_of(call), NUMBER);
                std::thread::sleep(pause);
                while let Some(event) = self.caller.next_now() {
                    answered += self.feed(event)?;
                }
            }
            while answered < batch.end {
                answered += self.feed(self.caller.next(PATIENCE).with_context(|| self.log())?)?;
            }
            if let Some(answerer) = &self.answerer {
                for call in batch.clone() {
                    let remote = answerer.next(PATIENCE).with_context(|| self.log())?;
                    self.sender.add(OTHERS_FROM + call, remote);
                }
            }
            self.find_audio(batch)?;
        }
        Ok(())
    }

    /// Fails when a call has ended by itself.
    pub(crate) fn check_up(&self) -> anyhow::Result<()> {
        self.caller.next_now().map_or(Ok(()), |event| bail!("a call did not last: {event:?}\n{}", self.log()))
    }

    /// What the server has cost so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.server.pid())
    }

    /// The same CPU time by its threads' names.
    pub(crate) fn cpu_by_thread(&self) -> BTreeMap<String, Duration> {
        cpu_by_thread(self.server.pid())
    }

    /// What the server has on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        disk_bytes(self.data.path())
    }

    /// Stops the packets and then the calls; the server goes on, with all records written.
    pub(crate) fn hang_up(self) -> anyhow::Result<QuietRig> {
        let sent = self.sender.stop()?;
        std::thread::sleep(LAST_PACKET_GRACE);
        self.caller.hang_up();
        for _ in 0..self.calls.len() {
            self.caller.next(PATIENCE).context("a call cannot be hung up")?;
        }
        let quiet = QuietRig {
            runtime: self.runtime,
            client: self.client,
            calls: self.calls,
            sent,
            server: self.server,
            data: self.data,
        };
        quiet.wait_for_records()?;
        Ok(quiet)
    }

    /// Kills the server in mid-call; gives its data, and the calls that it was capturing.
    pub(crate) fn kill_9(self) -> anyhow::Result<(tempfile::TempDir, BTreeMap<u32, CapturedAudio>)> {
        self.server.kill_9()?;
        Ok((self.data, self.calls))
    }

    /// Starts the packets of a call that was answered. Returns 1 for it.
    fn feed(&self, event: CallEvent) -> anyhow::Result<u32> {
        match event {
            CallEvent::Answered { call, remote } => {
                self.sender.add(call, remote);
                Ok(1)
            }
            CallEvent::Ended { call, ending } => {
                bail!("call {call} did not come to be: {ending:?}\n{}", self.log())
            }
        }
    }

    fn find_audio(&mut self, batch: std::ops::Range<u32>) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let mut contacts = self.runtime.block_on(connect::captured(&self.client))?;
            let found = batch.clone().filter_map(|call| Some((call, contacts.remove(&number_of(call))?)));
            self.calls.extend(found);
            if self.calls.len() == batch.end as usize {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "not every call is captured\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn log(&self) -> String {
        format!("--- log of the server ---\n{}", self.server.log())
    }
}

/// A server after its calls.
pub(crate) struct QuietRig {
    /// As in [`Rig`].
    pub(crate) runtime: Runtime,
    /// As in [`Rig`].
    pub(crate) client: Client,
    /// As in [`Rig`].
    pub(crate) calls: BTreeMap<u32, CapturedAudio>,
    /// When each packet of each call was sent.
    pub(crate) sent: BTreeMap<u32, SentTimes>,
    server: TestServer,
    data: tempfile::TempDir,
}

impl QuietRig {
    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Ends the server as an operator would, and tells what it left on disk.
    pub(crate) fn stop(mut self) -> anyhow::Result<u64> {
        self.server.terminate()?;
        let status = self.server.wait()?;
        ensure!(status.success(), "the server ended with {status}:\n{}", self.server.log());
        Ok(disk_bytes(self.data.path()))
    }

    fn wait_for_records(&self) -> anyhow::Result<()> {
        for audio in self.calls.values() {
            let begun = Instant::now();
            while !self.runtime.block_on(connect::has_ended(&self.client, &audio.contact_id))? {
                let id = &audio.contact_id;
                ensure!(
                    begun.elapsed() < PATIENCE,
                    "contact {id} did not end; the log:\n{}",
                    self.server.log()
                );
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

/// Each call has a number of its own, by which its contact is found.
fn number_of(call: u32) -> String {
    format!("+1206{call:07}")
}

/// The settings of the trunk by which all calls come and go.
fn trunk(dial: Option<SocketAddr>, send_silence: Option<&str>) -> String {
    let dial = dial.map_or_else(String::new, |address| {
        format!(", dial = \"{address}\", dial_prefixes = [\"\"], dial_allow = [\"*\"]")
    });
    let silence = send_silence.map_or_else(String::new, |what| format!(", send_silence = \"{what}\""));
    format!("[{{name = \"default\"{dial}{silence}}}]")
}
