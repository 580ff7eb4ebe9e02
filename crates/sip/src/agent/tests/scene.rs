//! An agent and what goes in and out of it.

use crate::agent::{
    Agent, BindingEvent, Body, Command, Config, ConnId, Counter, Ended, Event, Flow, Input, Limits,
    ListenerId, Output, Target, Trunks, Way,
};
use crate::transaction::Timers;
use crate::wire::{Cut, Judged, Message, Name, Request, Response, Transport, cut_packet, judge};
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use tympan_types::{LegId, Mono};

pub(super) const US: &str = "192.0.2.9:5060";
pub(super) const PEER: &str = "192.0.2.1:5060";
pub(super) const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/// An agent, a clock, and what came out.
pub(super) struct Scene {
    pub(super) agent: Agent,
    pub(super) now: Mono,
    pub(super) sent: VecDeque<(Flow, String)>,
    pub(super) events: VecDeque<(LegId, Event)>,
    pub(super) counts: Vec<Counter>,
    pub(super) bindings: VecDeque<BindingEvent>,
    pub(super) connects: VecDeque<(ConnId, Target)>,
    pub(super) closes: Vec<ConnId>,
    pub(super) queries: VecDeque<(u64, String, Option<u16>, Option<Transport>)>,
    /// Look-ups of addresses are answered at once.
    pub(super) resolves: bool,
}

pub(super) fn config() -> Config {
    Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: vec!["us.example.com".to_owned()],
        timers: Timers::default(),
        limits: Limits { amplification_max: 100, ..Limits::default() },
        trunks: Trunks::default(),
        invited_legs_from: 1,
        takes_transfers: false,
        dialled_legs_from: 1_000,
    }
}

pub(super) fn sdp(text: &str) -> Body {
    Body { content_type: "application/sdp".to_owned(), bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: Config) -> Self {
        Self {
            agent: Agent::new(config, [7; 32]),
            now: Mono::from_millis(1_000),
            sent: VecDeque::new(),
            events: VecDeque::new(),
            counts: Vec::new(),
            bindings: VecDeque::new(),
            connects: VecDeque::new(),
            closes: Vec::new(),
            queries: VecDeque::new(),
            resolves: true,
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.agent.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { flow, bytes } => {
                    self.sent.push_back((flow, String::from_utf8(bytes.to_vec()).unwrap()));
                }
                Output::Event { leg, event } => self.events.push_back((leg, event)),
                Output::Count(counter) => self.counts.push(counter),
                Output::Binding(event) => self.bindings.push_back(event),
                Output::Connect { conn, target } => self.connects.push_back((conn, target)),
                Output::Close { conn, .. } => self.closes.push(conn),
                Output::Resolve { query, host, port, transport } => {
                    let address = host.parse().ok().filter(|_| self.resolves);
                    self.queries.push_back((query, host, port, transport));
                    if let Some(ip) = address {
                        let target = Target {
                            transport: transport.unwrap_or(Transport::Udp),
                            peer: SocketAddr::new(ip, port.unwrap_or(5060)),
                            local: addr(US),
                            listener: ListenerId(0),
                        };
                        self.agent.handle(self.now, Input::Resolved { query, targets: vec![target] });
                    }
                }
            }
        }
    }

    /// A datagram, with bare line feeds as line ends and no Content-Length.
    pub(super) fn packet_from(&mut self, from: &str, text: &str) {
        let bytes = Bytes::from(with_crlf(text));
        self.input(Input::Packet { at: ListenerId(0), local: addr(US), from: addr(from), bytes });
    }

    pub(super) fn packet(&mut self, text: &str) {
        self.packet_from(PEER, text);
    }

    pub(super) fn open(&mut self, conn: u64, peer: &str) -> Flow {
        let flow = Flow {
            way: Way::Stream(ConnId(conn)),
            transport: Transport::Tcp,
            local: addr(US),
            peer: addr(peer),
        };
        self.input(Input::Opened { conn: ConnId(conn), flow });
        flow
    }

    /// A message on a connection; Content-Length is added.
    pub(super) fn stream(&mut self, conn: u64, text: &str) {
        let text = with_crlf(text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let bytes = Bytes::from(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        self.input(Input::Stream { conn: ConnId(conn), bytes });
    }

    pub(super) fn command(&mut self, leg: LegId, command: Command) {
        self.input(Input::Command { leg, command });
    }

    /// Lets time pass, with every deadline kept.
    pub(super) fn wait_ms(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
        }
        self.now = until;
        self.input(Input::Tick);
    }

    /// The next message that was sent.
    pub(super) fn next(&mut self) -> (Flow, String) {
        self.sent.pop_front().expect("nothing was sent")
    }

    /// The next response, which has this status.
    pub(super) fn response(&mut self, status: u16) -> Response {
        let (_, text) = self.next();
        match read(&text) {
            Judged::Response(response) => {
                assert_eq!(response.status.code(), status, "{text}");
                *response
            }
            other => panic!("no response: {other:?}"),
        }
    }

    /// The next request, which has this method.
    pub(super) fn request(&mut self, method: &str) -> Request {
        self.request_by(method).1
    }

    pub(super) fn request_by(&mut self, method: &str) -> (Flow, Request) {
        let (flow, text) = self.next();
        match read(&text) {
            Judged::Request(request) => {
                assert_eq!(request.method.as_str(), method, "{text}");
                (flow, *request)
            }
            other => panic!("no request: {other:?}"),
        }
    }

    pub(super) fn nothing_sent(&mut self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
    }

    pub(super) fn event(&mut self) -> Event {
        self.events.pop_front().expect("no event").1
    }

    pub(super) fn no_event(&mut self) {
        assert!(self.events.is_empty(), "{:?}", self.events);
    }

    pub(super) fn ended(&mut self) -> Ended {
        match self.event() {
            Event::Ended(ended) => ended,
            other => panic!("not the end: {other:?}"),
        }
    }

    /// All is over: nothing is left after the patience of what was begun, and the user hears nothing more.
    pub(super) fn is_quiet_after(&mut self, ms: i64) {
        self.wait_ms(ms);
        assert!(self.agent.is_quiet(), "{:#?}", self.agent);
        assert_eq!(self.agent.next_deadline(), None);
        self.no_event();
    }
}

pub(super) fn with_crlf(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    if text.contains("\r\n\r\n") { text } else { format!("{}\r\n\r\n", text.trim_end()) }
}

pub(super) fn read(text: &str) -> Judged {
    match cut_packet(Bytes::copy_from_slice(text.as_bytes())) {
        Cut::Message(message) => judge(message, None),
        other => panic!("no message: {other:?}"),
    }
}

pub(super) fn header(message: &Message, name: Name) -> String {
    message.value(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

/// A peer's side of one call to us.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) call_id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) contact: String,
    /// `UDP` or `TCP`.
    pub(super) transport: String,
    pub(super) sent_by: String,
    pub(super) cseq: u32,
    pub(super) branches: u32,
    pub(super) extra: String,
}

impl Caller {
    pub(super) fn new(call_id: &str) -> Self {
        Self {
            call_id: call_id.to_owned(),
            from: "<sip:+15550100@192.0.2.1>;tag=caller".to_owned(),
            to: "<sip:+18005550100@192.0.2.9>".to_owned(),
            contact: "<sip:caller@192.0.2.1:5060>".to_owned(),
            transport: "UDP".to_owned(),
            sent_by: PEER.to_owned(),
            cseq: 1,
            branches: 0,
            extra: String::new(),
        }
    }

    /// A request with this CSeq and branch.
    pub(super) fn write(&self, method: &str, cseq: u32, branch: &str, headers: &str, body: &str) -> String {
        let Self { call_id, from, to, contact, transport, sent_by, extra, .. } = self;
        let contact = if matches!(method, "INVITE" | "UPDATE") {
            format!("Contact: {contact}\n")
        } else {
            String::new()
        };
        let kind = if body.is_empty() || headers.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/sdp\n"
        };
        format!(
            "{method} sip:+18005550100@192.0.2.9 SIP/2.0\nVia: SIP/2.0/{transport} {sent_by};branch=z9hG4bK{call_id}{branch};rport\n\
             From: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n{contact}{extra}{headers}{kind}\n{body}"
        )
    }

    /// The next request.
    pub(super) fn next(&mut self, method: &str, headers: &str, body: &str) -> String {
        self.branches += 1;
        if self.branches > 1 && method != "ACK" {
            self.cseq += 1;
        }
        self.write(method, self.cseq, &format!("b{}", self.branches), headers, body)
    }

    pub(super) fn invite(&mut self) -> String {
        self.next("INVITE", "", SDP)
    }

    /// The ACK of a 2xx to the INVITE with this CSeq.
    pub(super) fn ack(&mut self, cseq: u32, body: &str) -> String {
        self.branches += 1;
        self.write("ACK", cseq, &format!("b{}", self.branches), "", body)
    }

    /// Takes the tag of a response.
    pub(super) fn heard(&mut self, response: &Response) {
        self.to = format!("<sip:+18005550100@192.0.2.9>;tag={}", response.to_tag().unwrap());
    }
}

impl Scene {
    /// A call by UDP that is up; the next CSeq of the caller is above 1.
    pub(super) fn call_up(&mut self, caller: &mut Caller) -> LegId {
        let leg = self.call_answered(caller);
        let ack = caller.ack(caller.cseq, "");
        self.packet(&ack);
        assert!(matches!(self.event(), Event::Confirmed));
        self.nothing_sent();
        leg
    }

    /// The same up to the 200.
    pub(super) fn call_answered(&mut self, caller: &mut Caller) -> LegId {
        let leg = self.call_invited(caller);
        self.command(leg, Command::Answer { body: sdp(SDP) });
        let ok = self.response(200);
        caller.heard(&ok);
        leg
    }

    /// The same up to the INVITE.
    pub(super) fn call_invited(&mut self, caller: &mut Caller) -> LegId {
        let invite = caller.invite();
        self.packet(&invite);
        let (leg, event) = self.events.pop_front().expect("no event");
        assert!(matches!(event, Event::Invited { .. }), "{event:?}");
        leg
    }
}

/// A response of a peer to a request of ours. `tag` is added to To where it has none and this is not empty.
pub(super) fn response_to(request: &Request, status: u16, tag: &str, headers: &str, body: &str) -> String {
    let message = &request.message;
    let vias: String =
        message.values(Name::Via).map(|via| format!("Via: {}\n", String::from_utf8_lossy(via))).collect();
    let to = header(message, Name::To);
    let to = if tag.is_empty() || to.contains(";tag=") { to } else { format!("{to};tag={tag}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "SIP/2.0 {status} Reason\n{vias}From: {}\nTo: {to}\nCall-ID: {}\nCSeq: {}\n{headers}{kind}\n{body}",
        header(message, Name::From),
        header(message, Name::CallId),
        header(message, Name::CSeq),
    )
}
