//! A server with good calls: fifty at a time, each of which is captured from its first sample to its last.

use crate::audio::{Law, Speech, find};
use crate::control;
use crate::flow::Flow;
use crate::office::{Office, text};
use crate::outsiders::{descriptors, resident_bytes};
use crate::trunk::Trunk;
use crate::until;
use anyhow::{Context, ensure};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use tympan_testkit::TestServer;

/// The number that good callers dial.
pub const NUMBER: &str = "+18005550123";
/// Good calls at once.
const CALLS: usize = 50;
/// What a good caller says, in seconds.
const SPEECH_S: usize = 2;
const MIB: u64 = 1 << 20;
/// What an allocator may keep of a flood that is over.
const KEPT_BYTES: u64 = 24 * MIB;

/// A server, and what it takes when nothing goes on.
pub struct Site {
    office: Office,
    speeches: Vec<Vec<u8>>,
    calls: usize,
    heard: HashSet<String>,
    descriptors: usize,
    resident_bytes: u64,
}

impl Site {
    /// A server that has had its first round of good calls.
    pub fn open() -> anyhow::Result<Self> {
        let builder = TestServer::builder()
            .env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 4 * CALLS)
            .env("TYMPAN_CONNECT__STREAM_REST_S", 0)
            .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 50);
        let mut office = Office::open_with(builder)?;
        office.answer(NUMBER, Flow::of_capture())?;
        let speech = |nth: usize| {
            let speech = Speech::unique(office.folder(), 8_000 + nth as u64, SPEECH_S, Law::Mu)?;
            Ok(std::fs::read(speech.file)?)
        };
        let speeches = (0..CALLS).map(speech).collect::<anyhow::Result<Vec<_>>>()?;
        let mut site =
            Self { office, speeches, calls: 0, heard: HashSet::new(), descriptors: 0, resident_bytes: 0 };
        // The first round opens what stays open, and has the memory that a round needs.
        site.good_calls(Ipv4Addr::LOCALHOST)?;
        site.descriptors = descriptors(&site.office.server)?;
        site.resident_bytes = resident_bytes(&site.office.server)?;
        Ok(site)
    }

    /// Its SIP address.
    pub fn sip(&self) -> SocketAddr {
        self.office.server.sip()
    }

    /// The server.
    pub fn server(&self) -> &TestServer {
        &self.office.server
    }

    /// A counter of the server.
    pub fn counted(&self, name: &str) -> anyhow::Result<u64> {
        let page = control::page(&self.office.server, "/metrics")?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).with_context(|| format!("no {name} in {page}"))
    }

    /// Fifty calls: none is refused, and each is captured from its first sample to its last.
    pub fn good_calls(&mut self, from: Ipv4Addr) -> anyhow::Result<()> {
        let mut trunk = Trunk::at(from.into(), self.sip(), NUMBER)?;
        trunk.place(self.speeches.clone(), 40)?;
        let mut statuses: BTreeMap<Option<u16>, usize> = BTreeMap::new();
        for call in trunk.calls() {
            *statuses.entry(call.status).or_default() += 1;
        }
        ensure!(statuses == BTreeMap::from([(Some(200), CALLS)]), "good calls were answered {statuses:?}");
        let slowest = trunk.calls().iter().map(|call| call.answered_in).max();
        eprintln!("{CALLS} good calls are up, the slowest after {slowest:?}");
        self.calls += CALLS;
        until("every good call to be captured", || {
            let log = self.office.flow_log();
            let started =
                log.iter().filter(|entry| entry["Identifier"] == "start" && entry["Results"] == "Success");
            Ok((started.count() >= self.calls).then_some(()))
        })?;
        trunk.speak()?;
        trunk.hang_up()?;

        let said: HashMap<String, Vec<i16>> =
            trunk.calls().iter().map(|call| (call.number.clone(), call.samples())).collect();
        let records = until("the records of the good calls", || {
            let mut records = self.office.records(self.calls)?;
            // Calls that were never up have records, too, but no recordings; and an attacker may have a call of its own.
            records.retain(|record| {
                record["Recordings"].is_array()
                    && said.contains_key(&text(&record["CustomerEndpoint"]["Address"]))
                    && !self.heard.contains(&text(&record["ContactId"]))
            });
            Ok((records.len() >= CALLS).then_some(records))
        })?;
        ensure!(records.len() == CALLS, "{} records of {CALLS} calls", records.len());
        for record in records {
            let contact = text(&record["ContactId"]);
            let said = &said[&text(&record["CustomerEndpoint"]["Address"])];
            let captured = self.office.heard(&record)?.of_contact(&contact)?;
            let found = find(&captured, said).with_context(|| format!("in the call of {record}"))?;
            ensure!((found.from, found.to) == (0, said.len()), "{found:?} in the call of {record}");
            self.heard.insert(contact);
        }
        Ok(())
    }

    /// Nothing of a flood is left: descriptors and memory are where they were.
    pub fn is_as_before(&self) -> anyhow::Result<()> {
        until("the descriptors to be back where they were", || {
            Ok((descriptors(&self.office.server)? <= self.descriptors).then_some(()))
        })
        .with_context(|| format!("they were {}", self.descriptors))?;
        let mut seen = 0;
        until("the memory to be back where it was", || {
            seen = resident_bytes(&self.office.server)?;
            Ok((seen < self.resident_bytes + KEPT_BYTES).then_some(()))
        })
        .with_context(|| format!("it was {} MiB", self.resident_bytes / MIB))?;
        eprintln!("{} MiB before, {} MiB after the flood", self.resident_bytes / MIB, seen / MIB);
        Ok(())
    }
}
