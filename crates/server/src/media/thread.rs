//! The loop of one media thread: commands, sockets, time; every tick, and nothing that could block.

use super::inbox::{Datagram, Expected, Inbox};
use super::leg::{CaptureCommand, Leg, LegSpec, MediaNotice};
use super::ports::RtpSocket;
use super::stats::{MediaStats, Tally};
use crate::sink::CaptureQueue;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tympan_capture::Captures;
use tympan_media::{Bridges, Input, Port};
use tympan_telephony::words::{MediaCommand, Payload};
use tympan_types::{BridgeId, LegId, Mono};

/// A command on its way to the thread.
pub(super) struct Message {
    pub(super) leg: LegId,
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
        rtp: RtpSocket,
        spec: Box<LegSpec>,
        notices: tokio::sync::mpsc::Sender<MediaNotice>,
    },
    /// RTCP has a port of its own.
    Rtcp(RtpSocket),
    Media(MediaCommand),
    /// For a capture of this leg, also after [`Command::Close`].
    Capture(CaptureCommand),
    /// The socket is given back and what was captured is completed. Captures may go on to wait for their uploads.
    Close,
    /// The call is over: uploads that come now are not for it.
    Forget,
}

/// Readiness events taken per call; level-triggered, so that more come with the next one.
const EVENTS: usize = 256;
/// Datagrams of one socket that are taken in a tick: 2.5 s of a call after a stall, and no more of a flood.
const DATAGRAMS_PER_TICK: usize = 128;
/// The same before a tap is opened or closed: as many as a socket's buffer holds of ordinary packets.
const DATAGRAMS_BEFORE_TAP: usize = 1_024;
/// Beyond so many legs a thread ticks every [`DENSE_TICK`] at most.
const DENSE_LEGS: usize = 1_000;
const DENSE_TICK: Duration = Duration::from_millis(5);

pub(super) struct MediaThread {
    epoll: Epoll,
    commands: mpsc::Receiver<Message>,
    legs: Legs,
    /// Of legs that are closed: captures that wait for their uploads, until their call is over.
    awaiting: HashMap<LegId, Captures>,
    inbox: Inbox,
    began: Instant,
    tick: Duration,
    /// Times that the sockets were looked at.
    looks: u64,
    tally: Tally,
    stats: Arc<MediaStats>,
    queue: Arc<CaptureQueue>,
}

/// The legs of a thread, each at its place for as long as it lives.
#[derive(Default)]
struct Legs {
    places: HashMap<LegId, usize>,
    legs: Vec<Option<Box<Leg>>>,
    /// When time is due for the leg of each place: apart from the legs, so that a tick looks at these alone.
    deadlines: Vec<Mono>,
    free: Vec<usize>,
    bridges: Bridges,
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
            legs: Legs::default(),
            awaiting: HashMap::new(),
            inbox: Inbox::new(),
            began: Instant::now(),
            tick,
            looks: 0,
            tally: Tally::default(),
            stats,
            queue,
        }
    }

    /// Runs until every sender of commands is gone.
    pub(super) fn run(mut self) {
        let mut due = Instant::now();
        loop {
            let dense = self.legs.places.len() > DENSE_LEGS;
            let tick = if dense { self.tick.max(DENSE_TICK) } else { self.tick };
            due += tick;
            let now = Instant::now();
            match due.checked_duration_since(now) {
                Some(wait) => std::thread::sleep(wait),
                None => {
                    if now.duration_since(due) > tick {
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
                Ok(Message { leg, command, .. }) => self.apply(leg, command),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => {
                    let legs: Vec<LegId> = self.legs.places.keys().copied().collect();
                    legs.into_iter().for_each(|leg| self.apply(leg, Command::Close));
                    self.queue.wake();
                    return false;
                }
            }
        }
    }

    fn apply(&mut self, leg: LegId, command: Command) {
        match command {
            Command::Open { rtp, spec, notices } => self.open(leg, rtp, *spec, notices),
            Command::Rtcp(socket) => self.open_rtcp(leg, socket),
            Command::Media(command) => {
                if matches!(command, MediaCommand::OpenTap { .. } | MediaCommand::CloseTap { .. }) {
                    self.receive_all(leg);
                }
                self.join_or_leave(leg, &command);
                self.input(leg, Input::Command(command));
            }
            Command::Capture(command) => {
                if matches!(command, CaptureCommand::Open { .. } | CaptureCommand::Close { .. }) {
                    self.receive_all(leg);
                }
                let now = self.now();
                if let Some(captures) = self.awaiting.get_mut(&leg) {
                    command.apply(captures);
                } else if let Some(place) = self.legs.places.get(&leg).copied() {
                    let Self { legs, tally, .. } = self;
                    legs.with(place, |leg, legs| {
                        let id = leg.id;
                        leg.capture(now, command, tally, |bridge, payload| {
                            legs.bridged(now, bridge, id, payload);
                        });
                    });
                }
            }
            Command::Close => {
                self.receive_all(leg);
                let now = self.now();
                let Self { legs, epoll, awaiting, tally, .. } = self;
                if let Some(leg) = legs.remove(leg) {
                    // The descriptor leaves the epoll set when the socket is closed, and this may have failed to join.
                    let _ = epoll.delete(&*leg.rtp);
                    let _ = leg.rtcp.as_deref().map(|rtcp| epoll.delete(rtcp));
                    let id = leg.id;
                    awaiting.extend(leg.close(now, tally).map(|captures| (id, captures)));
                }
            }
            Command::Forget => drop(self.awaiting.remove(&leg)),
        }
    }

    fn open(
        &mut self,
        leg: LegId,
        rtp: RtpSocket,
        spec: LegSpec,
        notices: tokio::sync::mpsc::Sender<MediaNotice>,
    ) {
        if self.legs.places.contains_key(&leg) {
            tracing::error!(%leg, "a leg is open already: its second media is closed");
            return;
        }
        let leg = Leg::new(self.now(), rtp, spec, notices);
        let place = self.legs.vacancy();
        if let Err(error) = self.epoll.add(&*leg.rtp, interest(place, Port::Rtp)) {
            tracing::error!(%error, "an RTP socket cannot be watched: this leg has no audio");
        }
        self.legs.put(place, leg);
    }

    fn open_rtcp(&mut self, leg: LegId, socket: RtpSocket) {
        let Self { legs, epoll, .. } = self;
        let Some(place) = legs.places.get(&leg).copied() else { return };
        legs.with(place, |leg, _| {
            if let Err(error) = epoll.add(&*socket, interest(place, Port::Rtcp)) {
                tracing::error!(%error, "an RTCP socket cannot be watched");
            }
            leg.rtcp = Some(socket);
        });
    }

    /// A bridge is known by its thread: the session says what it hears, and this who hears it.
    fn join_or_leave(&mut self, leg: LegId, command: &MediaCommand) {
        match command {
            MediaCommand::Join { bridge } | MediaCommand::Monitor { bridge }
                if self.legs.places.contains_key(&leg) =>
            {
                self.tally.refused_joins += u64::from(self.legs.bridges.join(*bridge, leg).is_err());
            }
            MediaCommand::Leave => self.legs.bridges.leave(leg),
            _ => {}
        }
    }

    fn drain_sockets(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        self.looks += 1;
        // As often as all legs can fill a call, and not once more for sockets that are ready again: a flood must not hold the loop.
        for _ in 0..=self.legs.places.len() / EVENTS {
            let ready = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            let now = self.now();
            for event in events.iter().take(ready) {
                if let Some((place, port)) = of_interest(event.data()) {
                    self.receive_next(place, port, now);
                }
            }
            if ready < EVENTS {
                return;
            }
        }
    }

    fn pass_time(&mut self) {
        let now = self.now();
        for place in 0..self.legs.deadlines.len() {
            if self.legs.deadlines.get(place).is_some_and(|deadline| *deadline <= now) {
                self.at(place, now, Input::TimePassed);
            }
        }
    }

    /// A socket that is ready in two looks, one after the other, has more than the packet of its call.
    fn receive_next(&mut self, place: usize, port: Port, now: Mono) {
        let looks = self.looks;
        let Some(Some(leg)) = self.legs.legs.get_mut(place) else { return };
        let before = std::mem::replace(&mut leg.ready_at_look, looks);
        let expected = if before + 1 >= looks { Expected::Several } else { Expected::One };
        self.receive(place, port, now, expected, DATAGRAMS_PER_TICK);
    }

    /// Everything that waits for a leg came before what happens next.
    fn receive_all(&mut self, leg: LegId) {
        if let Some(place) = self.legs.places.get(&leg).copied() {
            self.receive(place, Port::Rtp, self.now(), Expected::Several, DATAGRAMS_BEFORE_TAP);
        }
    }

    fn receive(&mut self, place: usize, port: Port, now: Mono, expected: Expected, most: usize) {
        let Self { legs, inbox, tally, .. } = self;
        legs.with(place, |leg, legs| {
            let id = leg.id;
            let socket = match port {
                Port::Rtp => Some(&leg.rtp),
                Port::Rtcp => leg.rtcp.as_ref(),
            };
            let Some(socket) = socket.map(|socket| socket.as_raw_fd()) else { return };
            let received = inbox.drain(socket, expected, most, |Datagram { bytes, from, truncated }| {
                let datagram = Input::Datagram { stream: 0, port, from, bytes, truncated, arrived: now };
                leg.handle(now, datagram, tally, |bridge, payload| legs.bridged(now, bridge, id, payload));
            });
            if let Err(error) = received {
                tracing::debug!(%error, "an RTP socket cannot be read");
            }
        });
    }

    /// A command that crosses the end of its leg finds nothing, which is fine.
    fn input(&mut self, leg: LegId, input: Input<'_>) {
        if let Some(place) = self.legs.places.get(&leg).copied() {
            self.at(place, self.now(), input);
        }
    }

    fn at(&mut self, place: usize, now: Mono, input: Input<'_>) {
        let Self { legs, tally, .. } = self;
        legs.with(place, |leg, legs| {
            let id = leg.id;
            leg.handle(now, input, tally, |bridge, payload| legs.bridged(now, bridge, id, payload));
        });
    }

    fn now(&self) -> Mono {
        Mono::from_nanos(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Legs {
    fn vacancy(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.legs.push(None);
            self.deadlines.push(NEVER);
            self.legs.len() - 1
        })
    }

    fn put(&mut self, place: usize, leg: Box<Leg>) {
        self.places.insert(leg.id, place);
        self.settle(place, leg);
    }

    fn settle(&mut self, place: usize, leg: Box<Leg>) {
        if let Some(deadline) = self.deadlines.get_mut(place) {
            *deadline = leg.session.next_deadline().unwrap_or(NEVER);
        }
        if let Some(vacant) = self.legs.get_mut(place) {
            *vacant = Some(leg);
        }
    }

    fn remove(&mut self, leg: LegId) -> Option<Box<Leg>> {
        let place = self.places.remove(&leg)?;
        self.bridges.leave(leg);
        if let Some(deadline) = self.deadlines.get_mut(place) {
            *deadline = NEVER;
        }
        self.free.push(place);
        self.legs.get_mut(place)?.take()
    }

    /// Lets a leg do something, with the others beside it.
    fn with(&mut self, place: usize, action: impl FnOnce(&mut Leg, &mut Self)) {
        let Some(mut leg) = self.legs.get_mut(place).and_then(Option::take) else { return };
        action(&mut leg, self);
        self.settle(place, leg);
    }

    /// Hands what a leg says to the others of its bridge.
    fn bridged(&mut self, now: Mono, bridge: BridgeId, from: LegId, payload: Payload<'_>) {
        for other in self.bridges.others(bridge, from) {
            let place = self.places.get(&other).copied();
            if let Some(Some(leg)) = place.and_then(|place| self.legs.get_mut(place)) {
                // It waits there until that leg sends, and nothing comes of it before.
                leg.session.handle(now, Input::Bridged { from, payload });
            }
        }
    }
}

/// Names a socket to the epoll set.
fn interest(place: usize, port: Port) -> EpollEvent {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    EpollEvent::new(EpollFlags::EPOLLIN, place << 1 | u64::from(port == Port::Rtcp))
}

fn of_interest(data: u64) -> Option<(usize, Port)> {
    let port = if data & 1 == 1 { Port::Rtcp } else { Port::Rtp };
    Some((usize::try_from(data >> 1).ok()?, port))
}

/// Of a place without a leg.
const NEVER: Mono = Mono::from_nanos(u64::MAX);
