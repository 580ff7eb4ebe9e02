//! The loop of one media thread: commands, sockets, time; every 5 ms, and nothing that could block.

use super::inbox::Inbox;
use super::leg::{CaptureCommand, Leg, LegSpec, MediaEvent, Prompt};
use super::ports::RtpSocket;
use super::stats::{MediaStats, Tally};
use crate::sink::CaptureQueue;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tympan_capture::{Captures, CutterSpec};
use tympan_telephony::sdp::offer_answer::Negotiated;
use tympan_types::{CaptureId, Mono, PromptId};

/// Names a leg within its thread.
pub(super) type LegId = u64;

/// A command on its way to the thread.
pub(super) struct Message {
    pub(super) command: Command,
    /// Given back when the command is taken.
    pub(super) _place: Option<Place>,
}

/// One of the places that a leg has for commands that wait.
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    /// A place, if fewer than `limit` are taken.
    pub(super) fn take(taken: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let more = |taken: usize| (taken < limit).then_some(taken + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(taken.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a call tells its leg.
pub(super) enum Command {
    Open {
        leg: LegId,
        socket: RtpSocket,
        spec: Box<LegSpec>,
        events: tokio::sync::mpsc::Sender<MediaEvent>,
    },
    Renegotiate {
        leg: LegId,
        negotiated: Box<Negotiated>,
    },
    Play {
        leg: LegId,
        token: PromptId,
        prompt: Prompt,
    },
    StopPrompts {
        leg: LegId,
    },
    StartCapture {
        leg: LegId,
        capture: CaptureId,
        spec: Box<CutterSpec>,
    },
    /// For a capture of this leg, also after [`Command::Close`].
    Capture {
        leg: LegId,
        command: CaptureCommand,
    },
    /// The socket is given back and what was captured is completed. Captures may go on to wait for their uploads.
    Close {
        leg: LegId,
    },
    /// The call is over: uploads that come now are not for it.
    Forget {
        leg: LegId,
    },
}

/// Readiness events taken per call; level-triggered, so that more come with the next one.
const EVENTS: usize = 256;

pub(super) struct MediaThread {
    epoll: Epoll,
    commands: mpsc::Receiver<Message>,
    legs: HashMap<LegId, Leg>,
    /// Of legs that are closed: captures that wait for their uploads, until their call is over.
    awaiting: HashMap<LegId, Captures>,
    inbox: Inbox,
    began: Instant,
    tick: Duration,
    tally: Tally,
    stats: Arc<MediaStats>,
    queue: Arc<CaptureQueue>,
}

impl MediaThread {
    pub(super) fn new(
        epoll: Epoll,
        commands: mpsc::Receiver<Message>,
        tick: Duration,
        stats: Arc<MediaStats>,
        queue: Arc<CaptureQueue>,
    ) -> Self {
        Self {
            epoll,
            commands,
            legs: HashMap::new(),
            awaiting: HashMap::new(),
            inbox: Inbox::new(),
            began: Instant::now(),
            tick,
            tally: Tally::default(),
            stats,
            queue,
        }
    }

    /// Runs until every sender of commands is gone.
    pub(super) fn run(mut self) {
        let mut due = Instant::now();
        loop {
            due += self.tick;
            let now = Instant::now();
            match due.checked_duration_since(now) {
                Some(wait) => std::thread::sleep(wait),
                None => {
                    if now.duration_since(due) > self.tick {
                        self.tally.late_ticks += 1;
                        due = now;
                    }
                }
            }
            if !self.take_commands() {
                return;
            }
            self.drain_sockets();
            self.pass_time();
            self.queue.wake();
            self.tally.flush(&self.stats);
        }
    }

    /// False when the plane is gone.
    fn take_commands(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Message { command, .. }) => self.obey(command),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => {
                    let legs: Vec<LegId> = self.legs.keys().copied().collect();
                    legs.into_iter().for_each(|leg| self.obey(Command::Close { leg }));
                    self.queue.wake();
                    return false;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Open { leg, socket, spec, events } => {
                let interest = EpollEvent::new(EpollFlags::EPOLLIN, leg);
                if let Err(error) = self.epoll.add(&*socket, interest) {
                    tracing::error!(%error, "an RTP socket cannot be watched: this call has no audio");
                }
                self.legs.insert(leg, Leg::new(now, socket, *spec, events));
            }
            Command::Renegotiate { leg, agreed } => self.with(leg, |leg| leg.renegotiate(&agreed)),
            Command::Play { leg, token, prompt } => self.with(leg, |leg| leg.play(now, token, prompt)),
            Command::StopPrompts { leg } => self.with(leg, Leg::stop_prompts),
            // What was sent before this instant is not captured, and what was sent until now is: so the socket is
            // emptied first.
            Command::StartCapture { leg, capture, spec } => {
                self.receive(leg, now);
                let now = self.now();
                let Self { legs, tally, .. } = self;
                if let Some(leg) = legs.get_mut(&leg) {
                    leg.start_capture(now, capture, &spec, tally);
                }
            }
            Command::Capture { leg, command } => {
                if matches!(command, CaptureCommand::Close { .. }) {
                    self.receive(leg, now);
                }
                let Self { legs, awaiting, tally, .. } = self;
                if let Some(leg) = legs.get_mut(&leg) {
                    leg.capture(command, tally);
                } else if let Some(captures) = awaiting.get_mut(&leg) {
                    command.apply(captures);
                }
            }
            Command::Close { leg: id } => {
                self.receive(id, now);
                if let Some(leg) = self.legs.remove(&id) {
                    // The descriptor leaves the epoll set when the socket is closed, and this may have failed to join.
                    let _ = self.epoll.delete(leg.socket());
                    let captures = leg.close(self.now(), &mut self.tally);
                    self.awaiting.extend(captures.map(|captures| (id, captures)));
                }
            }
            Command::Forget { leg } => drop(self.awaiting.remove(&leg)),
        }
    }

    fn drain_sockets(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let ready = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            let now = self.now();
            for event in events.iter().take(ready) {
                self.receive(event.data(), now);
            }
            if ready < EVENTS {
                return;
            }
        }
    }

    fn pass_time(&mut self) {
        let now = self.now();
        let Self { legs, tally, .. } = self;
        for leg in legs.values_mut().filter(|leg| leg.next_deadline() <= now) {
            leg.tick(now, tally);
        }
    }

    fn receive(&mut self, leg: LegId, now: Mono) {
        let Self { legs, inbox, tally, .. } = self;
        if let Some(leg) = legs.get_mut(&leg)
            && let Err(error) = leg.receive(now, inbox, tally)
        {
            tracing::debug!(%error, "an RTP socket cannot be read");
        }
    }

    fn with(&mut self, leg: LegId, action: impl FnOnce(&mut Leg)) {
        // A command that crosses the end of its call finds nothing, which is fine.
        if let Some(leg) = self.legs.get_mut(&leg) {
            action(leg);
        }
    }

    fn now(&self) -> Mono {
        Mono::from_micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
