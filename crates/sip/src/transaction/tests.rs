//! The transactions from outside: texts and time in, texts out.

mod cancel;
mod client;
mod merge;
mod rows;
mod server;
mod table;

use super::{
    Arrival, ClientKey, Outgoing, Reply, ServerKey, Timers, TransactionEvent, TransactionLimits, Transactions,
};
use crate::agent::{ConnId, Flow, ListenerId, Way};
use crate::wire::{Cut, Draft, Judged, Method, Request, Response, Status, Transport, cut_packet, judge};
use bytes::Bytes;
use std::net::SocketAddr;
use tympan_types::Mono;

/// Transactions under a clock of their own. The user of a client transaction is a number.
struct Bench {
    transactions: Transactions<u32>,
    now_ms: u64,
}

/// What went out, with the milliseconds since the clock began.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    Send(u64, String),
    TimedOut(u64, u32),
    NeverAcknowledged(u64),
}

impl Bench {
    fn new() -> Self {
        Self::with_limits(1_000, 1_000)
    }

    fn with_limits(server_max: usize, client_max: usize) -> Self {
        let limits = TransactionLimits { server_max, client_max };
        Self { transactions: Transactions::new(Timers::default(), limits), now_ms: 0 }
    }

    fn now(&self) -> Mono {
        Mono::from_millis(self.now_ms)
    }

    fn request(&mut self, text: &str, flow: Flow) -> Arrival {
        self.transactions.receive_request(self.now(), &request(text), flow)
    }

    /// A request that makes a new transaction.
    fn new_request(&mut self, text: &str, flow: Flow) -> ServerKey {
        match self.request(text, flow) {
            Arrival::New(server) => server,
            other => panic!("{other:?}"),
        }
    }

    /// Answers with a response that is nothing but its status line.
    fn respond(&mut self, server: ServerKey, status: Status) -> bool {
        let bytes = Bytes::from(format!("SIP/2.0 {status}\r\n\r\n"));
        self.transactions.respond(self.now(), server, status, bytes)
    }

    fn begin(&mut self, text: &str, flow: Flow, user: u32) -> Option<ClientKey> {
        let request = request(text);
        self.transactions.begin(
            self.now(),
            Outgoing {
                branch: request.via.branch().unwrap().into(),
                method: request.method.clone(),
                bytes: Bytes::copy_from_slice(text.as_bytes()),
                flow,
                user,
            },
        )
    }

    /// Takes a response to this request, with this tag of To.
    fn response(&mut self, to: &str, status: Status, tag: &str) -> Option<Reply<u32>> {
        let response = response(to, status, tag);
        self.transactions.receive_response(self.now(), &response)
    }

    /// The first lines of what was sent since the last look.
    fn sent(&mut self) -> Vec<String> {
        self.effects()
            .into_iter()
            .map(|out| if let Effect::Send(_, text) = out { text } else { panic!("{out:?}") })
            .collect()
    }

    fn effects(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(event) = self.transactions.poll() {
            effects.push(match event {
                TransactionEvent::Send { bytes, .. } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    Effect::Send(self.now_ms, text.lines().next().unwrap_or_default().to_owned())
                }
                TransactionEvent::TimedOut { user, .. } => Effect::TimedOut(self.now_ms, user),
                TransactionEvent::NeverAcknowledged { .. } => Effect::NeverAcknowledged(self.now_ms),
            });
        }
        effects
    }

    /// Lets time pass, from deadline to deadline.
    fn wait(&mut self, ms: u64) -> Vec<Effect> {
        let (end, mut effects) = (self.now_ms + ms, self.effects());
        while let Some(at) = self.transactions.next_deadline().map(Mono::as_millis).filter(|at| *at <= end) {
            assert!(at >= self.now_ms, "a deadline lies in the past");
            self.now_ms = at;
            self.transactions.advance(self.now());
            effects.extend(self.effects());
        }
        self.now_ms = end;
        effects
    }

    /// When something was sent while this much time passed.
    fn sent_at(&mut self, ms: u64) -> Vec<u64> {
        self.wait(ms)
            .into_iter()
            .filter_map(|out| if let Effect::Send(at, _) = out { Some(at) } else { None })
            .collect()
    }
}

fn udp() -> Flow {
    flow(Way::Datagram(ListenerId(0)), Transport::Udp, "192.0.2.1:5060")
}

fn tcp() -> Flow {
    flow(Way::Stream(ConnId(7)), Transport::Tcp, "192.0.2.1:40000")
}

fn flow(way: Way, transport: Transport, peer: &str) -> Flow {
    let local: SocketAddr = "192.0.2.9:5060".parse().unwrap();
    Flow { way, transport, local, peer: peer.parse().unwrap() }
}

/// A request of a phone at 192.0.2.1 outside of any dialog.
fn text(method: &str, branch: &str, cseq: u32) -> String {
    format!(
        "{method} sip:+18005550100@192.0.2.9 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:phone@192.0.2.1>;tag=phone\r\n\
         To: <sip:+18005550100@192.0.2.9>\r\n\
         Call-ID: call@192.0.2.1\r\n\
         CSeq: {cseq} {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn invite() -> String {
    text("INVITE", "z9hG4bK-one", 1)
}

/// The ACK of a refusal of [`invite`].
fn ack() -> String {
    text("ACK", "z9hG4bK-one", 1)
        .replace("<sip:+18005550100@192.0.2.9>\r\nCall", "<sip:+18005550100@192.0.2.9>;tag=us\r\nCall")
}

fn request(text: &str) -> Request {
    match cut_packet(Bytes::copy_from_slice(text.as_bytes())) {
        Cut::Message(message) => match judge(message, None) {
            Judged::Request(request) => *request,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn response(to: &str, status: Status, tag: &str) -> Response {
    let bytes =
        Draft::response(&request(to), status, Some(tag), "192.0.2.9:5060".parse().unwrap(), false).finish();
    match cut_packet(bytes) {
        Cut::Message(message) => match judge(message, None) {
            Judged::Response(response) => *response,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn trying(at: u64) -> Effect {
    Effect::Send(at, "SIP/2.0 100 Trying".to_owned())
}

/// Nothing that waits, and nothing that is due.
fn assert_empty(bench: &Bench) {
    assert_eq!((bench.transactions.len(), bench.transactions.next_deadline()), ((0, 0), None));
}
