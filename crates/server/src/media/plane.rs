//! Starts the media threads and gives each call a leg on one of them.

use super::leg::{CaptureCommand, LegSpec, MediaNotice};
use super::ports::{RtcpPort, RtpPorts, RtpSocket};
use super::stats::MediaStats;
use super::thread::{Command, MediaThread, Message, Place};
use crate::descriptors::Descriptors;
use crate::sink::CaptureQueue;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tympan_capture::{CutterSpec, Upload};
use tympan_telephony::words::{MediaCommand, Tracks};
use tympan_types::{CaptureId, LegId};

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

/// Notices of one leg that may wait for its call. Digits are the most frequent, at most about 20 a second: this is 12 s of them.
const NOTICES_PER_LEG: usize = 256;

/// A leg that lost a command or a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the media thread and the call are too far apart: a command or a notice of the leg found its queue full"
)]
pub(crate) struct MediaStalled;

/// The media threads. They end when this and every leg is dropped.
pub(crate) struct MediaPlane {
    ports: RtpPorts,
    threads: Vec<mpsc::Sender<Message>>,
    /// The thread of the next call.
    next_thread: AtomicUsize,
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
        let ports = RtpPorts::new(options.address, options.ports.0, options.ports.1)
            .beginning_at(uuid::Uuid::new_v4().as_fields().0);
        Ok(Self { ports, threads, next_thread: AtomicUsize::new(0), stats })
    }

    /// Binds a port for a call that is about to be answered, whose caller reaches us at `local`; the call has `descriptors`.
    pub(crate) fn reserve(&self, local: IpAddr, descriptors: Descriptors) -> io::Result<ReservedPort> {
        let socket = RtpSocket::new(self.ports.bind(local)?, descriptors);
        let address = socket.local_addr()?;
        Ok(ReservedPort { socket, address })
    }

    /// Starts a leg on a reserved port: its timeline begins now. Legs of one contact share a thread, so that they can hear each other:
    /// every further one is opened `beside` the first.
    pub(crate) fn open(
        &self,
        port: ReservedPort,
        spec: LegSpec,
        beside: Option<&MediaLeg>,
    ) -> (MediaLeg, Receiver<MediaNotice>) {
        let thread = beside.map_or_else(
            || {
                let next = self.next_thread.fetch_add(1, Ordering::Relaxed);
                // There is at least one thread.
                self.threads[next % self.threads.len()].clone()
            },
            |leg| leg.thread.clone(),
        );
        let (notices, receiver) = tokio::sync::mpsc::channel(NOTICES_PER_LEG);
        let leg = spec.session.leg;
        let rtcp = Mutex::new(port.socket.rtcp());
        let handle = MediaLeg { leg, thread, waiting: Arc::default(), rtcp, stats: self.stats.clone() };
        handle.send(Command::Open { rtp: port.socket, spec: Box::new(spec), notices });
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
    /// The port of RTCP, until it is bound or cannot be.
    rtcp: Mutex<Option<RtcpPort>>,
    stats: Arc<MediaStats>,
}

impl MediaLeg {
    /// Commands the media of the leg.
    pub(crate) fn command(&self, command: MediaCommand) -> Result<(), MediaStalled> {
        if let MediaCommand::Negotiate(agreement) = &command
            && agreement.streams.iter().flatten().any(|stream| stream.remote_rtcp.is_some())
        {
            self.bind_rtcp();
        }
        self.bounded(Command::Media(command))
    }

    /// Binds the port of RTCP, once.
    fn bind_rtcp(&self) {
        let port = self.rtcp.lock().unwrap_or_else(PoisonError::into_inner).take();
        match port.map(|port| port.bind()) {
            Some(Ok(socket)) => self.send(Command::Rtcp(socket)),
            Some(Err(error)) => {
                tracing::debug!(leg = %self.leg, %error, "a call goes without RTCP");
                self.stats.report_unbound();
            }
            None => {}
        }
    }

    /// Captures from this instant; audio is held until [`Self::attach_upload`].
    pub(crate) fn open_capture(&self, capture: CaptureId, spec: CutterSpec) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Open { capture, spec: Box::new(spec) })
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
    pub(crate) fn close_capture(&self, capture: CaptureId) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Close { capture })
    }

    /// Ends a capture whose Start block failed: without an upload, nothing of it comes into a stream.
    pub(crate) fn abandon_capture(&self, capture: CaptureId) -> Result<(), MediaStalled> {
        self.capture(CaptureCommand::Abandon { capture })
    }

    /// Closes the leg: its port is free, and its captures are completed. Those without an upload wait for it until this is dropped.
    pub(crate) fn close(&self) {
        self.send(Command::Close);
    }

    fn capture(&self, command: CaptureCommand) -> Result<(), MediaStalled> {
        self.bounded(Command::Capture(command))
    }

    fn bounded(&self, command: Command) -> Result<(), MediaStalled> {
        let place = Place::take(&self.waiting, COMMANDS_PER_LEG).ok_or_else(|| {
            self.stats.command_refused();
            MediaStalled
        })?;
        self.post(command, Some(place)).map_err(|_| MediaStalled)
    }

    /// Beyond the limit: a leg is opened once, has RTCP once, and is closed and forgotten once or twice.
    fn send(&self, command: Command) {
        // A thread ends only when the plane and all legs are gone, so this reaches it.
        let _ = self.post(command, None);
    }

    fn post(&self, command: Command, place: Option<Place>) -> Result<(), mpsc::SendError<Message>> {
        self.thread.send(Message { leg: self.leg, command, _place: place })
    }
}

impl Drop for MediaLeg {
    fn drop(&mut self) {
        self.send(Command::Close);
        self.send(Command::Forget);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::{DescriptorBudget, PER_CALL, Use};
    use tympan_media::{SessionSpec, SilenceSending};
    use tympan_telephony::rtp::latch::Trust;

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

    fn leg(plane: &MediaPlane, number: u64) -> (MediaLeg, Receiver<MediaNotice>) {
        let descriptors = DescriptorBudget::new(1_000, 10).take(Use::Call, PER_CALL).unwrap();
        let session = SessionSpec {
            leg: LegId::new(number),
            signalling: None,
            trust: Trust::KnownHosts,
            media_timeout: None,
            silence: SilenceSending::Off,
            silence_grace: Duration::from_millis(500),
            ptime_ms: None,
            wall: tympan_types::WallTime::from_unix_ms(0),
            random: [7; 32],
        };
        let spec = LegSpec { session, clock: crate::clock::ServiceClock::default().for_call() };
        plane.open(plane.reserve(IpAddr::from([127, 0, 0, 1]), descriptors).unwrap(), spec, None)
    }

    #[tokio::test]
    async fn a_leg_has_so_many_commands_waiting_and_no_more_and_takes_no_room_from_another() {
        let (plane, queue) = stalled();
        let ((flooded, _), (other, _)) = (leg(&plane, 1), leg(&plane, 2));
        let taken = (0..1_000).filter(|_| flooded.command(MediaCommand::Leave).is_ok()).count();
        assert_eq!(taken, COMMANDS_PER_LEG);
        assert_eq!(other.command(MediaCommand::Leave), Ok(()));
        let refused = plane.stats().values().find(|(name, _)| *name == "refused_commands");
        assert_eq!(refused, Some(("refused_commands", 1_000 - COMMANDS_PER_LEG as u64)));
        queue.close();
    }
}
