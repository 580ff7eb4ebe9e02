//! The media of all calls, on one thread.
//!
//! A wheel of twenty slots, a millisecond apart: a call has its slot, and is served once each time the wheel comes
//! round. A packet's deadline is the instant of its slot, counted from the wheel's start and never from the packet
//! before, so that no lateness adds up; after a stall the slots that were missed are served one after the other.

use super::leg::{Leg, LegReport};
use super::{CallError, Lateness};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tympan_telephony::MediaTime;
use tympan_telephony::sdp::offer_answer::Negotiated;

/// Names a call's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LegId(u64);

/// The thread, and how to talk to it. Cheap to clone except for its end.
#[derive(Debug)]
pub(super) struct MediaPlane {
    commands: mpsc::Sender<Command>,
    epoch: Instant,
    thread: JoinHandle<Lateness>,
}

/// Starts and stops the media of calls.
#[derive(Debug, Clone)]
pub(super) struct MediaControl {
    commands: mpsc::Sender<Command>,
    epoch: Instant,
}

enum Command {
    Start(LegId, Box<Leg>),
    Retarget(LegId, Box<Negotiated>),
    Stop(LegId, oneshot::Sender<LegReport>),
}

impl MediaPlane {
    pub(super) fn start() -> Result<Self, CallError> {
        let (commands, receiver) = mpsc::channel();
        let epoch = Instant::now();
        let thread = std::thread::Builder::new()
            .name("rtp".to_owned())
            .spawn(move || Wheel::new(epoch).run(&receiver))
            .map_err(|error| CallError::Network(format!("cannot start the media thread: {error}")))?;
        Ok(Self { commands, epoch, thread })
    }

    pub(super) fn control(&self) -> MediaControl {
        MediaControl { commands: self.commands.clone(), epoch: self.epoch }
    }

    /// Waits for the last call and ends the thread. All controls must be gone.
    pub(super) fn finish(self) -> Lateness {
        drop(self.commands);
        // It panics only where a core of ours does; there is then nothing to report.
        self.thread.join().unwrap_or_default()
    }
}

impl MediaControl {
    /// The clock of all media.
    pub(super) fn now(&self) -> MediaTime {
        since(self.epoch)
    }

    pub(super) fn start(&self, id: u64, leg: Leg) -> LegId {
        let id = LegId(id);
        // The thread lives as long as there is a control.
        let _ = self.commands.send(Command::Start(id, Box::new(leg)));
        id
    }

    pub(super) fn retarget(&self, id: LegId, negotiated: Negotiated) {
        let _ = self.commands.send(Command::Retarget(id, Box::new(negotiated)));
    }

    pub(super) async fn stop(&self, id: LegId) -> LegReport {
        let (reply, report) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(id, reply));
        report.await.unwrap_or_default()
    }
}

fn since(epoch: Instant) -> MediaTime {
    MediaTime::from_micros(u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
}

const SLOTS: u64 = 20;

struct Wheel {
    epoch: Instant,
    slots: [Vec<(LegId, Box<Leg>)>; SLOTS as usize],
    /// The millisecond since the epoch that is served next.
    next_ms: u64,
    lateness: Lateness,
    packet: Vec<u8>,
}

impl Wheel {
    fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            slots: Default::default(),
            next_ms: 0,
            lateness: Lateness::default(),
            packet: Vec::new(),
        }
    }

    fn run(mut self, commands: &mpsc::Receiver<Command>) -> Lateness {
        loop {
            let Some(due_ms) = self.next_due_ms() else {
                match commands.recv() {
                    Ok(command) => self.apply(command),
                    Err(mpsc::RecvError) => return self.lateness,
                }
                continue;
            };
            let deadline = self.epoch + Duration::from_millis(due_ms);
            // A command cuts the wait short, so that a new call's first packet need not wait for its turn.
            match commands.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(command) => self.apply(command),
                Err(mpsc::RecvTimeoutError::Timeout) => self.serve(due_ms, deadline),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    // Nobody can stop these calls any more: whoever did would have left a report to nobody.
                    return self.lateness;
                }
            }
        }
    }

    /// The next millisecond whose slot has a call.
    fn next_due_ms(&self) -> Option<u64> {
        (self.next_ms..self.next_ms + SLOTS).find(|ms| !self.slot(*ms).is_empty())
    }

    fn serve(&mut self, due_ms: u64, deadline: Instant) {
        let late = Instant::now().saturating_duration_since(deadline);
        let now = since(self.epoch);
        for (_, leg) in &mut self.slots[(due_ms % SLOTS) as usize] {
            leg.tick(now, &mut self.packet);
            self.lateness.record(late);
        }
        self.next_ms = due_ms + 1;
    }

    fn apply(&mut self, command: Command) {
        let now = since(self.epoch);
        match command {
            Command::Start(id, leg) => {
                let now_ms = now.as_micros() / 1_000;
                if self.slots.iter().all(Vec::is_empty) {
                    self.next_ms = now_ms + 1;
                }
                // Its first packet is due in the next millisecond; a wheel that is behind gets there.
                self.slots[((now_ms + 1) % SLOTS) as usize].push((id, leg));
            }
            Command::Retarget(id, negotiated) => {
                if let Some((_, leg)) = self.slots.iter_mut().flatten().find(|(known, _)| *known == id) {
                    leg.retarget(&negotiated);
                }
            }
            Command::Stop(id, reply) => {
                for slot in &mut self.slots {
                    if let Some(place) = slot.iter().position(|(known, _)| *known == id) {
                        let (_, leg) = slot.swap_remove(place);
                        // The call may have been given up meanwhile.
                        let _ = reply.send(leg.finish(now));
                        return;
                    }
                }
            }
        }
    }

    fn slot(&self, ms: u64) -> &[(LegId, Box<Leg>)] {
        &self.slots[(ms % SLOTS) as usize]
    }
}
