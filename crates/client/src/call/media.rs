//! The media of all calls, on one thread.
//!
//! A wheel of twenty slots, a millisecond apart: a call has its slot, and is served once each time the wheel comes
//! round. A packet's deadline is the instant of its slot, counted from the wheel's start and never from the packet
//! before, so that no lateness adds up; after a stall the slots that were missed are served one after the other.
//!
//! A call has at most three commands on their way to the thread: its start, its end, and one change of its session. A peer that
//! changes the session again while one waits replaces that one, so that no number of re-INVITEs grows the queue.

use super::leg::{Leg, LegReport};
use super::{CallError, Lateness};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tympan_telephony::sdp::StreamAgreement;
use tympan_types::Mono;

/// Names a call's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LegId(u64);

/// The thread, and how to talk to it. Cheap to clone except for its end.
#[derive(Debug)]
pub(super) struct MediaPlane {
    commands: mpsc::Sender<Command>,
    changes: Changes,
    epoch: Instant,
    thread: JoinHandle<Lateness>,
}

/// Starts and stops the media of calls.
#[derive(Debug, Clone)]
pub(super) struct MediaControl {
    commands: mpsc::Sender<Command>,
    changes: Changes,
    epoch: Instant,
}

/// Changes of sessions that the thread has not made yet: the newest of each call.
#[derive(Debug, Clone, Default)]
struct Changes(Arc<Mutex<HashMap<LegId, StreamAgreement>>>);

impl Changes {
    /// Keeps a change; false where it replaces one whose command is on its way.
    fn keep(&self, id: LegId, agreed: StreamAgreement) -> bool {
        self.lock().insert(id, agreed).is_none()
    }

    fn take(&self, id: LegId) -> Option<StreamAgreement> {
        self.lock().remove(&id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LegId, StreamAgreement>> {
        // Every change is one insertion or removal: a panic elsewhere cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Command {
    Start(LegId, Box<Leg>),
    /// The session is as [`Changes`] has it.
    Retarget(LegId),
    Stop(LegId, oneshot::Sender<LegReport>),
}

impl MediaPlane {
    pub(super) fn start() -> Result<Self, CallError> {
        let (commands, receiver) = mpsc::channel();
        let changes = Changes::default();
        let epoch = Instant::now();
        let wheel = Wheel::new(epoch, changes.clone());
        let thread =
            std::thread::Builder::new()
                .name("rtp".to_owned())
                .spawn(move || wheel.run(&receiver))
                .map_err(|error| CallError::Network(format!("cannot start the media thread: {error}")))?;
        Ok(Self { commands, changes, epoch, thread })
    }

    pub(super) fn control(&self) -> MediaControl {
        MediaControl { commands: self.commands.clone(), changes: self.changes.clone(), epoch: self.epoch }
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
    pub(super) fn now(&self) -> Mono {
        since(self.epoch)
    }

    pub(super) fn start(&self, id: u64, leg: Leg) -> LegId {
        let id = LegId(id);
        // The thread lives as long as there is a control.
        let _ = self.commands.send(Command::Start(id, Box::new(leg)));
        id
    }

    pub(super) fn retarget(&self, id: LegId, agreed: StreamAgreement) {
        if self.changes.keep(id, agreed) {
            let _ = self.commands.send(Command::Retarget(id));
        }
    }

    pub(super) async fn stop(&self, id: LegId) -> LegReport {
        let (reply, report) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(id, reply));
        report.await.unwrap_or_default()
    }
}

fn since(epoch: Instant) -> Mono {
    Mono::from_micros(u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
}

const SLOTS: u64 = 20;

struct Wheel {
    epoch: Instant,
    changes: Changes,
    slots: [Vec<(LegId, Box<Leg>)>; SLOTS as usize],
    /// The millisecond since the epoch that is served next.
    next_ms: u64,
    lateness: Lateness,
    packet: Vec<u8>,
}

impl Wheel {
    fn new(epoch: Instant, changes: Changes) -> Self {
        Self {
            epoch,
            changes,
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
            Command::Retarget(id) => {
                let Some(agreed) = self.changes.take(id) else { return };
                if let Some((_, leg)) = self.slots.iter_mut().flatten().find(|(known, _)| *known == id) {
                    leg.retarget(&agreed);
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

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::sdp::{LocalMedia, Session};

    #[test]
    fn a_peer_that_changes_the_session_without_end_grows_no_queue_and_the_newest_change_counts() {
        let (commands, receiver) = mpsc::channel();
        let control = MediaControl { commands, changes: Changes::default(), epoch: Instant::now() };
        let mut session = Session::new(LocalMedia::new(([127, 0, 0, 1], 4_000).into(), 1));
        for port in 1_000..11_000 {
            let offer = format!(
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            );
            session.receive_offer(&offer).unwrap();
            control.retarget(LegId(1), session.audio().unwrap().clone());
        }
        assert_eq!(receiver.try_iter().count(), 1);
        assert_eq!(control.changes.take(LegId(1)).map(|newest| newest.remote.port()), Some(10_999));
        assert!(control.changes.lock().is_empty());
    }
}
