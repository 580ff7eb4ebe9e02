//! What every part of a world uses: the schedule, the seed's chance, the network, and the first broken promise.

use super::conditions::Conditions;
use super::node::Task;
use super::outcome::Tally;
use super::phone::Step;
use crate::sim::schedule::Schedule;
use crate::sim::trace::Trace;
use crate::sim::{Random, Violation};
use bytes::Bytes;
use std::fmt::Display;
use std::net::SocketAddr;
use tympan_sip::agent::Target;
use tympan_types::Mono;

/// What happens at some time.
#[derive(Debug)]
pub(crate) enum Action {
    /// A caller dials.
    Dial { call: usize },
    /// A caller does something.
    Phone { call: usize, step: Step },
    /// A host of callers has a deadline.
    PeerWake { peer: usize },
    /// A name that a host of callers asked for.
    PeerResolved { peer: usize, query: u64, targets: Vec<Target> },
    /// A datagram arrives.
    Datagram { from: SocketAddr, to: SocketAddr, bytes: Bytes },
    /// Something within the node, unless it was started anew since.
    Node { epoch: u32, task: Task },
    /// A client calls the node's API.
    Api,
    /// Power will go at one of the next disk calls.
    PlanPowerCut,
    /// Power is back, and the node starts.
    Restart,
    /// All calls should be over: what is left is looked at.
    Finish,
}

/// What every part of a world uses.
#[derive(Debug)]
pub(crate) struct Core {
    seed: u64,
    pub(crate) schedule: Schedule<Action>,
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) conditions: Conditions,
    pub(crate) tally: Tally,
    broken: Option<Violation>,
}

impl Core {
    pub(crate) fn new(seed: u64, with_text: bool) -> Self {
        let mut random = Random::new(seed);
        let conditions = Conditions::draw(&mut random);
        Self {
            seed,
            schedule: Schedule::new(),
            random,
            trace: Trace::new(with_text),
            conditions,
            tally: Tally { worlds: 1, ..Tally::default() },
            broken: None,
        }
    }

    pub(crate) fn now(&self) -> Mono {
        self.schedule.now()
    }

    /// Takes down what happens.
    pub(crate) fn event(&mut self, subject: &dyn Display, verb: &str, what: &str) {
        let now = self.now();
        self.trace.event(now, &subject.to_string(), verb, what.as_bytes());
    }

    /// Sends a datagram.
    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let now = self.now();
        self.trace.datagram(now, from, to, &bytes);
        self.tally.datagrams += 1;
        let copies = 1 + u32::from(self.random.permille(self.conditions.copy_permille));
        for _ in 0..copies {
            if self.random.permille(self.conditions.loss_permille) {
                continue;
            }
            let at = Mono::from_micros(now.as_micros() + self.conditions.delay_us(&mut self.random));
            self.schedule.at(at, Action::Datagram { from, to, bytes: bytes.clone() });
        }
    }

    /// A promise is broken: the first one counts.
    pub(crate) fn broken(&mut self, watch: &str, subject: &dyn Display, what: &dyn Display) {
        if self.broken.is_none() {
            let what = format!("{watch}: {what}");
            let violation =
                Violation { seed: self.seed, at: self.now(), leg: Some(subject.to_string()), what };
            self.trace.event(violation.at, "world", "is broken", violation.to_string().as_bytes());
            self.broken = Some(violation);
        }
    }

    /// As [`Self::broken`], where there is something wrong.
    pub(crate) fn check(&mut self, watch: &str, subject: &dyn Display, outcome: Result<(), String>) {
        if let Err(what) = outcome {
            self.broken(watch, subject, &what);
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub(crate) fn take_broken(&mut self) -> Option<Violation> {
        self.broken.take()
    }
}
