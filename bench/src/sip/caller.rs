//! One UDP socket and a thread, on which any number of calls are made.

use super::dialog::{Dialog, Ending, Invitation, Output};
use super::message::Message;
use crate::clock::Monotonic;
use anyhow::Context;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

/// The running caller. Dropping it abandons its calls.
pub(crate) struct Caller {
    commands: mpsc::Sender<Command>,
    events: mpsc::Receiver<CallEvent>,
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallEvent {
    /// It is up, and its audio goes there.
    Answered { call: u32, remote: SocketAddr },
    /// It is over.
    Ended { call: u32, ending: Ending },
}

enum Command {
    Dial { call: u32, from: String, to: String },
    HangUp,
}

/// How long a command may wait while the line is quiet.
const TURN: Duration = Duration::from_millis(20);
/// The largest SIP message over UDP.
const DATAGRAM_BYTES: usize = 65_535;

impl Caller {
    /// Starts the thread. `media` is where all calls say that their audio comes from.
    pub(crate) fn start(server: SocketAddr, media: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind the SIP socket")?;
        socket.set_read_timeout(Some(TURN))?;
        let (commands, receiver) = mpsc::channel();
        let (sender, events) = mpsc::channel();
        let line = Line {
            local: socket.local_addr()?,
            socket,
            server,
            media,
            dialogs: HashMap::new(),
            events: sender,
        };
        std::thread::Builder::new().name("sip-caller".into()).spawn(move || line.run(&receiver))?;
        Ok(Self { commands, events })
    }

    /// Calls `to`.
    pub(crate) fn dial(&self, call: u32, from: String, to: &str) {
        // The thread ends only when this is dropped.
        let _ = self.commands.send(Command::Dial { call, from, to: to.to_owned() });
    }

    /// Hangs up every call that is up.
    pub(crate) fn hang_up(&self) {
        let _ = self.commands.send(Command::HangUp);
    }

    /// The next event; an error when none comes within `limit`.
    pub(crate) fn next(&self, limit: Duration) -> anyhow::Result<CallEvent> {
        self.events.recv_timeout(limit).with_context(|| format!("no SIP event for {} s", limit.as_secs()))
    }

    /// The next event, if it is there already.
    pub(crate) fn next_now(&self) -> Option<CallEvent> {
        self.events.try_recv().ok()
    }
}

struct Line {
    socket: UdpSocket,
    local: SocketAddr,
    server: SocketAddr,
    media: SocketAddr,
    dialogs: HashMap<String, (u32, Dialog)>,
    events: mpsc::Sender<CallEvent>,
}

impl Line {
    fn run(mut self, commands: &mpsc::Receiver<Command>) {
        let mut datagram = vec![0; DATAGRAM_BYTES];
        loop {
            loop {
                match commands.try_recv() {
                    Ok(Command::Dial { call, from, to }) => self.dial(call, from, to),
                    Ok(Command::HangUp) => self.for_each(Dialog::hang_up),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            // An error is the end of the turn, or the echo of a packet to a closed port.
            if let Ok(length) = self.socket.recv(&mut datagram)
                && let Some(message) = Message::parse(&datagram[..length])
                && let Some(call_id) = message.header("Call-ID")
                && let Some((call, dialog)) = self.dialogs.get_mut(call_id)
            {
                dialog.receive(&message);
                perform(&self.socket, self.server, &self.events, *call, dialog);
            }
            let now = Monotonic::now();
            if self.dialogs.values().any(|(_, dialog)| dialog.next_deadline().is_some_and(|due| due <= now)) {
                self.for_each(Dialog::tick);
            }
        }
    }

    fn dial(&mut self, call: u32, from: String, to: String) {
        let &mut Self { server, local, media, .. } = self;
        let mut dialog =
            Dialog::invite(Monotonic::now(), Invitation { call, from, to, server, local, media });
        perform(&self.socket, server, &self.events, call, &mut dialog);
        self.dialogs.insert(Dialog::call_id(call), (call, dialog));
    }

    fn for_each(&mut self, action: fn(&mut Dialog, Monotonic)) {
        let now = Monotonic::now();
        for (call, dialog) in self.dialogs.values_mut() {
            action(dialog, now);
            perform(&self.socket, self.server, &self.events, *call, dialog);
        }
    }
}

/// Drains a dialog's outputs.
fn perform(
    socket: &UdpSocket,
    server: SocketAddr,
    events: &mpsc::Sender<CallEvent>,
    call: u32,
    dialog: &mut Dialog,
) {
    while let Some(output) = dialog.poll() {
        let event = match output {
            Output::Send(text) => {
                // What is lost here is repeated, as if the network had lost it.
                let _ = socket.send_to(text.as_bytes(), server);
                continue;
            }
            Output::Answered(remote) => CallEvent::Answered { call, remote },
            Output::Ended(ending) => CallEvent::Ended { call, ending },
        };
        // Nobody waits for the events of calls that were abandoned.
        let _ = events.send(event);
    }
}
