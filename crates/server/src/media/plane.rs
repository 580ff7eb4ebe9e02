//! Starts the media threads and gives each call a leg on one of them.

use super::leg::{LegSpec, MediaEvent, Prompt, PromptToken};
use super::ports::{RtpPorts, RtpSocket};
use super::stats::MediaStats;
use super::thread::{Command, LegId, MediaThread};
use crate::descriptors::Descriptors;
use crate::sink::CaptureQueue;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tympan_connect::capture::{CutterSpec, Tracks, Upload};
use tympan_telephony::sdp::offer_answer::Negotiated;

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

/// The media threads. They end when this and every leg is dropped.
pub(crate) struct MediaPlane {
    ports: RtpPorts,
    threads: Vec<mpsc::Sender<Command>>,
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
    pub(crate) fn open(
        &self,
        port: ReservedPort,
        spec: LegSpec,
    ) -> (MediaLeg, UnboundedReceiver<MediaEvent>) {
        let leg = self.next_leg.fetch_add(1, Ordering::Relaxed);
        // There is at least one thread.
        let thread = self.threads[usize::try_from(leg).unwrap_or(0) % self.threads.len()].clone();
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        let handle = MediaLeg { leg, thread };
        handle.command(Command::Open { leg, socket: port.socket, spec: Box::new(spec), events });
        (handle, receiver)
    }

    /// What the threads counted.
    pub(crate) fn stats(&self) -> &Arc<MediaStats> {
        &self.stats
    }
}

/// A call's hold on its leg; dropping it closes the leg.
pub(crate) struct MediaLeg {
    leg: LegId,
    thread: mpsc::Sender<Command>,
}

impl MediaLeg {
    /// The session has changed by a re-offer.
    pub(crate) fn renegotiate(&self, negotiated: Negotiated) {
        self.command(Command::Renegotiate { leg: self.leg, negotiated: Box::new(negotiated) });
    }

    /// Plays a prompt after those that still play; [`MediaEvent::PromptFinished`] tells its end.
    pub(crate) fn play(&self, token: PromptToken, prompt: Prompt) {
        self.command(Command::Play { leg: self.leg, token, prompt });
    }

    /// Stops all prompts at once.
    pub(crate) fn stop_prompts(&self) {
        self.command(Command::StopPrompts { leg: self.leg });
    }

    /// Captures from this instant; audio is held until [`Self::attach_upload`].
    pub(crate) fn start_capture(&self, spec: CutterSpec) {
        self.command(Command::StartCapture { leg: self.leg, spec: Box::new(spec) });
    }

    /// Gives the capture its upload.
    pub(crate) fn attach_upload(&self, upload: Box<dyn Upload>) {
        self.command(Command::AttachUpload { leg: self.leg, upload });
    }

    /// From here on captures only these tracks; the others are silent.
    pub(crate) fn capture_only(&self, tracks: Tracks) {
        self.command(Command::CaptureOnly { leg: self.leg, tracks });
    }

    /// Ends the capture at this instant and completes its last fragment.
    pub(crate) fn stop_capture(&self) {
        self.command(Command::StopCapture { leg: self.leg });
    }

    fn command(&self, command: Command) {
        // A thread ends only when the plane and all legs are gone, so this reaches it.
        let _ = self.thread.send(command);
    }
}

impl Drop for MediaLeg {
    fn drop(&mut self) {
        self.command(Command::Close { leg: self.leg });
    }
}
