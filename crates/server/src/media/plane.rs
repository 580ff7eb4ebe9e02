//! Starts the media threads and gives each call a leg on one of them.

use super::leg::{CaptureCommand, LegSpec, MediaEvent, Prompt};
use super::ports::{RtpPorts, RtpSocket};
use super::stats::MediaStats;
use super::thread::{Command, LegId, MediaThread, Message, Place};
use crate::descriptors::Descriptors;
use crate::sink::CaptureQueue;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tympan_capture::{CutterSpec, Upload};
use tympan_telephony::sdp::StreamAgreement;
use tympan_telephony::words::Tracks;
use tympan_types::{CaptureId, PromptId};

/// How the media plane is set up.
#[derive(Debug, Clone)]
pub(crate) struct MediaPlaneOptions {
    /// The address that sockets are bound to.
    pub address: IpAddr,
    /// First and last port; 0: the kernel chooses.
    pub ports: (u16, u16),
    /// Media threads; 0: cores less one, at least one.
    pub threads: usize,
    /// How often each drains its sockets.
    pub tick: Duration,
}

/// Commands of one leg that may wait for the media thread, which takes all that wait on each tick. A call gives a few at a time; only a
/// caller that renegotiates without end, or a thread that does not run, gets here. The limit is per leg, so that one call takes
/// no room from another, and closing a leg needs no room. All queues together are bounded by this and the number of calls.
const COMMANDS_PER_LEG: usize = 64;

/// Events of one leg that may wait for its call. Digits are the most frequent, at most about 20 a second: this is 12 s of them.
const EVENTS_PER_LEG: usize = 256;

/// A leg that lost a command or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the media thread and the call are too far apart: a command or an event of the leg found its queue full"
)]
pub(crate) struct MediaStalled;

/// The media threads. They end when this and every leg is dropped.
pub(crate) struct MediaPlane {
    ports: RtpPorts,
    threads: Vec<mpsc::Sender<Message>>,
    next_leg: AtomicU64,
    stats: Arc<MediaStats>,
}

/// A bound RTP port that no packet was read from yet: its number can go into an answer.
pub(crate) struct ReservedPort {
    socket: RtpSocket,
    address: SocketAddr,
}

impl ReservedPort {
    /// The address to put into SDP.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl MediaPlane {
    /// Starts the threads.
    pub(crate) fn start(options: &MediaPlaneOptions, queue: &Arc<CaptureQueue>) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if options.threads == 0 { cores.saturating_sub(1).max(1) } else { options.threads };
        let stats = Arc::new(MediaStats::default());
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let (sender, receiver) = mpsc::channel();
            let (tick, stats, queue) = (options.tick, stats.clone(), queue.clone());
            let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            // Built on its own thread: the buffers for recvmmsg cannot move between threads.
            std::thread::Builder::new()
                .name(format!("media-{index}"))
                .spawn(move || MediaThread::new(epoll, receiver, tick, stats, queue).run())?;
            threads.push(sender);
        }
        let ports = RtpPorts::new(options.address, options.ports.0, options.ports.1);
        Ok(Self { ports, threads, next_leg: AtomicU64::new(0), stats })
    }

    /// Binds a port for a call that is about to be answered, whose caller reaches us at `local`; the call has `descriptors`.
    pub(crate) fn reserve(&self, local: IpAddr, descriptors: Descriptors) -> io::Result<ReservedPort> {
        let socket = RtpSocket::new(self.ports.bind(local)?, descriptors);
        let address = socket.local_addr()?;
        Ok(ReservedPort { socket, address })
    }

    /// Starts a leg on a reserved port: its timeline begins now.
    pub(crate) fn open(&self, port: ReservedPort, spec: LegSpec) -> (MediaLeg, Receiver<MediaEvent>) {
        let leg = self.next_leg.fetch_add(1, Ordering::Relaxed);
        // There is at least one thread.
        let thread = self.threads[usize::try_from(leg).unwrap_or(0) % self.threads.len()].clone();
        let (events, receiver) = tokio::sync::mpsc::channel(EVENTS_PER_LEG);
        let handle = MediaLeg { leg, thread, waiting: Arc::default(), stats: self.stats.clone() };
        handle.send(Command::Open { leg, socket: port.socket, spec: Box::new(spec), events });
        (handle, receiver)
    }

    /// What the threads counted.
    pub(crate) fn stats(&self) -> &Arc<MediaStats> {
        &self.stats
    }
}

/// A call's hold on its leg; dropping it closes the leg and drops uploads that its captures still wait for.
///
/// A command returns [`MediaStalled`] where the leg has no room for it.
pub(crate) struct MediaLeg {
    leg: LegId,
    thread: mpsc::Sender<Message>,
    /// Commands that the thread has not taken yet.
    waiting: Arc<AtomicUsize>,
    stats: Arc<MediaStats>,
}

impl MediaLeg {
    /// The session has changed by a re-offer.
    pub(crate) fn renegotiate(&self, agreed: StreamAgreement) -> Result<(), MediaStalled> {
        self.command(Command::Renegotiate { leg: self.leg, agreed: Box::new(agreed) })
    }

    /// Plays a prompt after those that still play; [`MediaEvent::PromptFinished`] tells its end.
    pub(crate) fn play(&self, token: PromptId, prompt: Prompt) -> Result<(), MediaStalled> {
        self.command(Command::Play { leg: self.leg, token, prompt })
    }

    /// Stops all prompts at once.
    pub(crate) fn stop_prompts(&self) -> Result<(), MediaStalled> {
        self.command(Command::StopPrompts { leg: self.leg })
    }

    /// Captures from this instant; audio is held until [`Self::attach_upload`].
    pub(crate) fn start_capture(&self, capture: CaptureId, spec: CutterSpec) -> Result<(), MediaStalled> {
        self.command(Command::StartCapture { leg: self.leg, capture, spec: Box::new(spec) })
    }

    /// Gives a capture its upload, also after the leg was closed. The upload of a capture that is over is dropped unfinished.
    pub(crate) fn attach_upload(
        &self,
        capture: CaptureId,
        upload: Box<dyn Upload>,
    ) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Attach { capture, upload })
    }

    /// From here on captures only these tracks; the others are silent.
    pub(crate) fn capture_only(&self, capture: CaptureId, tracks: Tracks) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Only { capture, tracks })
    }

    /// Ends a capture at this instant and completes its last fragment.
    pub(crate) fn stop_capture(&self, capture: CaptureId) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Close { capture })
    }

    /// Ends a capture whose Start block failed: without an upload, nothing of it comes into a stream.
    pub(crate) fn abandon_capture(&self, capture: CaptureId) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Abandon { capture })
    }

    /// Closes the leg: its port is free, and its captures are completed. Those without an upload wait for it until this is dropped.
    pub(crate) fn close(&self) {
        self.send(Command::Close { leg: self.leg });
    }

    fn capture(&self, command: CaptureCommand) -> Result<(), MediaStalled> {
        self.command(Command::Capture { leg: self.leg, command })
    }

    fn command(&self, command: Command) -> Result<(), MediaStalled> {
        let place = Place::take(&self.waiting, COMMANDS_PER_LEG).ok_or_else(|| {
            self.stats.command_refused();
            MediaStalled
        })?;
        self.thread.send(Message { command, _place: Some(place) }).map_err(|_| MediaStalled)
    }

    /// Beyond the limit: a leg is opened once, and closed and forgotten once or twice.
    fn send(&self, command: Command) {
        // A thread ends only when the plane and all legs are gone, so this reaches it.
        let _ = self.thread.send(Message { command, _place: None });
    }
}

impl Drop for MediaLeg {
    fn drop(&mut self) {
        self.send(Command::Close { leg: self.leg });
        self.send(Command::Forget { leg: self.leg });
    }
}

#[cfg(test)]
mod tests {
    use super::super::leg::tests::spec;
    use super::*;
    use crate::descriptors::{DescriptorBudget, PER_CALL, Use};

    /// A plane whose thread takes no command: its first tick is an hour away.
    fn stalled() -> (MediaPlane, Arc<CaptureQueue>) {
        let queue = CaptureQueue::start(1 << 20, tokio::runtime::Handle::current()).unwrap();
        let options = MediaPlaneOptions {
            address: IpAddr::from([127, 0, 0, 1]),
            ports: (0, 0),
            threads: 1,
            tick: Duration::from_secs(3_600),
        };
        (MediaPlane::start(&options, &queue).unwrap(), queue)
    }

    fn leg(plane: &MediaPlane) -> (MediaLeg, Receiver<MediaEvent>) {
        let descriptors = DescriptorBudget::new(1_000, 10).take(Use::Call, PER_CALL).unwrap();
        plane.open(plane.reserve(IpAddr::from([127, 0, 0, 1]), descriptors).unwrap(), spec())
    }

    #[tokio::test]
    async fn a_leg_has_so_many_commands_waiting_and_no_more_and_takes_no_room_from_another() {
        let (plane, queue) = stalled();
        let ((flooded, _), (other, _)) = (leg(&plane), leg(&plane));
        let taken = (0..1_000).filter(|_| flooded.stop_prompts().is_ok()).count();
        assert_eq!(taken, COMMANDS_PER_LEG);
        assert_eq!(other.stop_prompts(), Ok(()));
        let refused = plane.stats().values().find(|(name, _)| *name == "refused_commands");
        assert_eq!(refused, Some(("refused_commands", 1_000 - COMMANDS_PER_LEG as u64)));
        queue.close();
    }
}
