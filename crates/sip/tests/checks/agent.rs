//! What must hold of an agent whatever comes in and whenever, shared by the fuzz target and the corpus test.
//!
//! An input is a list of steps with a line feed between them; the first byte of a step says what it is, the others what with.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use tympan_sip::agent::{
    Agent, BindingEvent, BindingId, Body, Command, Config, ConnId, Credentials, Event, Flow, Input, Limits,
    ListenerId, OfferBy, Output, Phone, PhoneSecret, Phones, Refusal, Target, Trunk, Trunks, Way,
};
use tympan_sip::dialog::TimerRules;
use tympan_sip::transaction::Timers;
use tympan_sip::wire::digest::Authorizer;
use tympan_sip::wire::{Cut, Judged, Method, Name, Status, Transport, cut_packet, judge};
use tympan_types::{LegId, Mono, ReferId};

/// Steps of one input that are taken.
const STEPS_MAX: usize = 64;
const LEGS_MAX: usize = 4;
const TRANSACTIONS_MAX: usize = 16;
/// The multiple of its bytes that a source is sent before it has shown that it receives them; one message comes on top.
const AMPLIFICATION_MAX: u32 = 3;
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

/// Runs the steps, lets every call end, and lets time pass.
pub(crate) fn check(input: &[u8]) {
    let mut bed = TestBed::new();
    bed.handle(Input::Phones(phones(0)));
    for step in input.split(|byte| *byte == b'\n').take(STEPS_MAX) {
        bed.step(step);
    }
    bed.finish();
}

struct TestBed {
    agent: Agent,
    now: Mono,
    /// What each source sent and was sent by datagrams, and the longest message to it.
    bytes: BTreeMap<IpAddr, (usize, usize, usize)>,
    /// Sources that may have proved that they receive: they are not watched any more.
    proven: BTreeSet<IpAddr>,
    legs: BTreeSet<LegId>,
    ended: BTreeSet<LegId>,
    last_leg: LegId,
    /// The last request that the agent sent, and where from.
    request: Option<(Flow, Bytes)>,
    /// The last tag of the agent, as responses show it.
    tag: String,
    rseq: String,
    queries: Vec<u64>,
    connections: BTreeSet<ConnId>,
    exchange: Option<tympan_sip::dialog::ExchangeId>,
    dialled: u64,
    registers: u32,
    authorizer: Option<Authorizer>,
    bindings: Vec<BindingId>,
    /// What the next call goes to.
    binding: Option<BindingId>,
}

const USERS: [&str; 3] = ["anna", "1001", "nobody"];
const BINDINGS_MAX: usize = 3;

/// The telephones, all of them or one.
fn phones(with: u8) -> Phones {
    let phone = |user: &str| Phone {
        user: user.into(),
        secret: Some(PhoneSecret::of_password(user, "tympan", "hush")),
        contact: None,
        networks: Vec::new(),
        challenges_calls: false,
    };
    let users = if with & 1 == 0 { &USERS[..2] } else { &USERS[..1] };
    Phones::new("tympan", users.iter().map(|user| phone(user)).collect()).expect("the telephones are valid")
}

fn config() -> Config {
    let trunk = Trunk {
        timers: TimerRules { session_expires_s: Some(1_800), min_se_s: 90 },
        longest_call_s: Some(3_600),
        ..Trunk::new("default")
    };
    Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: Vec::new(),
        timers: Timers::default(),
        limits: Limits {
            legs_max: LEGS_MAX,
            transactions_max: TRANSACTIONS_MAX,
            amplification_max: AMPLIFICATION_MAX,
            bindings_per_phone_max: 2,
            bindings_max: BINDINGS_MAX,
            ..Limits::default()
        },
        trunks: Trunks::new(Vec::new(), trunk).expect("the trunk is valid"),
        invited_legs_from: 1,
        takes_transfers: true,
        dialled_legs_from: 1 << 32,
    }
}

fn source(byte: u8) -> SocketAddr {
    ([198, 51, 100, byte % 3], 5060).into()
}

fn us() -> SocketAddr {
    ([192, 0, 2, 1], 5060).into()
}

impl TestBed {
    fn new() -> Self {
        Self {
            agent: Agent::new(config(), [7; 32]),
            now: Mono::from_millis(1_000),
            bytes: BTreeMap::new(),
            proven: BTreeSet::new(),
            legs: BTreeSet::new(),
            ended: BTreeSet::new(),
            last_leg: LegId::new(1),
            request: None,
            tag: String::new(),
            rseq: String::new(),
            queries: Vec::new(),
            connections: BTreeSet::new(),
            exchange: None,
            dialled: 1 << 32,
            registers: 0,
            authorizer: None,
            bindings: Vec::new(),
            binding: None,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let at = |index: usize| step.get(index).copied().unwrap_or_default();
        let rest = |from: usize| Bytes::copy_from_slice(step.get(from..).unwrap_or_default());
        match at(0) {
            // A datagram as it is, with `|` for line ends.
            b'p' => self.packet(source(at(1)), with_line_ends(&rest(2))),
            // A request, by datagram or connection.
            b'r' => {
                let text = self.request_text(at(1), at(2), at(3), at(4));
                if at(5) == b's' {
                    self.stream(ConnId(u64::from(at(6) % 4)), text);
                } else {
                    self.packet(source(at(5)), text);
                }
            }
            // A REGISTER of a telephone.
            b'g' => {
                let text = self.register_text(at(1), at(2), at(3));
                match at(4) {
                    b's' => self.stream(ConnId(u64::from(at(5) % 4)), text),
                    from => self.packet(source(from), text),
                }
            }
            b'n' => self.handle(Input::Phones(phones(at(1)))),
            // A response to the last request of the agent.
            b'a' => self.respond(at(1), at(2), at(3)),
            b't' => self.wait_ms(i64::from(at(1)) * i64::from(at(1)) * 10),
            b'c' => self.command(at(1), at(2)),
            b'o' => self.open(ConnId(u64::from(at(1) % 4)), source(at(2))),
            b'b' => self.stream(ConnId(u64::from(at(1) % 4)), with_line_ends(&rest(2))),
            b'x' => {
                let conn = self.connections.iter().copied().nth(usize::from(at(1)) % 4);
                if let Some(conn) = conn {
                    self.close(conn);
                }
            }
            b'q' => self.resolve(at(1)),
            b'f' => {
                if let Some((flow, _)) = self.request.clone() {
                    self.handle(Input::SendFailed { flow });
                }
            }
            b'd' => self.handle(Input::Drain),
            _ => {}
        }
    }

    fn packet(&mut self, from: SocketAddr, bytes: Bytes) {
        let entry = self.bytes.entry(from.ip()).or_default();
        entry.0 += bytes.len();
        // What names a tag or an RSeq of ours, or is a response, may prove its source, and a confirmed call proves its Contact.
        if !self.tag.is_empty() || bytes.starts_with(b"SIP/") {
            self.proven.extend([source(0).ip(), source(1).ip(), source(2).ip()]);
        }
        self.handle(Input::Packet { at: ListenerId(0), local: us(), from, bytes });
    }

    fn open(&mut self, conn: ConnId, peer: SocketAddr) {
        if self.connections.insert(conn) {
            self.proven.insert(peer.ip());
            let flow = Flow { way: Way::Stream(conn), transport: Transport::Tcp, local: us(), peer };
            self.handle(Input::Opened { conn, flow });
        }
    }

    fn close(&mut self, conn: ConnId) {
        if self.connections.remove(&conn) {
            self.handle(Input::Closed { conn });
        }
    }

    fn stream(&mut self, conn: ConnId, bytes: Bytes) {
        if self.connections.contains(&conn) {
            self.handle(Input::Stream { conn, bytes });
        }
    }

    /// A request of a caller: which method, which number, in which call, and with what.
    fn request_text(&self, method: u8, cseq: u8, call: u8, with: u8) -> Bytes {
        let methods = [
            "INVITE",
            "ACK",
            "BYE",
            "CANCEL",
            "OPTIONS",
            "INFO",
            "UPDATE",
            "PRACK",
            "REFER",
            "FOO",
            "NOTIFY",
            "SUBSCRIBE",
        ];
        let method = methods[usize::from(method) % methods.len()];
        let (call, cseq) = (call % 4, cseq % 16);
        let tag =
            if with & 1 != 0 && !self.tag.is_empty() { format!(";tag={}", self.tag) } else { String::new() };
        let mut headers = String::new();
        for (bit, header) in [
            (2, "Supported: 100rel, timer, replaces\r\n"),
            (4, "Require: 100rel\r\n"),
            (8, "Session-Expires: 90;refresher=uac\r\n"),
            (16, "Allow: INVITE, UPDATE\r\n"),
            (32, "Record-Route: <sip:198.51.100.1;lr>, <sip:proxy.example.com>\r\n"),
        ] {
            if with & bit != 0 {
                headers.push_str(header);
            }
        }
        let own = &self.tag;
        let replaced = format!("call{}%3Bto-tag%3D{own}%3Bfrom-tag%3Da", cseq % 4);
        match method {
            "REFER" if with & 2 != 0 => {
                headers.push_str(&format!("Refer-To: <sip:b@192.0.2.1?Replaces={replaced}>\r\n"));
            }
            "REFER" => headers.push_str("Refer-To: <sip:b@192.0.2.1>\r\nRefer-Sub: true\r\n"),
            "NOTIFY" => headers.push_str("Event: refer\r\nSubscription-State: active\r\n"),
            "INVITE" if with & 6 == 6 => {
                headers.push_str(&format!("Replaces: call{};to-tag={own};from-tag=a\r\n", cseq % 4));
            }
            _ => {}
        }
        let contact =
            if with & 64 != 0 { "<sip:b@far.example.com;transport=tcp>" } else { "<sip:a@198.51.100.1>" };
        let body = match (method, with & 128 != 0) {
            ("INFO", _) => "Signal=1\r\n",
            ("NOTIFY", true) => "SIP/2.0 200 OK\r\n",
            ("NOTIFY", false) => "SIP/2.0 180 Ringing\r\n",
            (_, true) => SDP,
            (_, false) => "",
        };
        let kind = match method {
            "INFO" => "application/dtmf-relay",
            "NOTIFY" => "message/sipfrag",
            _ => "application/sdp",
        };
        let branch = if method == "CANCEL" { "INVITE" } else { method };
        let rack = format!("{} {cseq} INVITE", self.rseq);
        format!(
            "{method} sip:+18005550100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK{branch}{call}x{cseq}\r\n\
             From: <sip:a@198.51.100.1>;tag=a\r\nTo: <sip:b@192.0.2.1>{tag}\r\nCall-ID: call{call}\r\nCSeq: {cseq} {method}\r\n\
             Max-Forwards: 70\r\nContact: {contact}\r\nRAck: {rack}\r\n{headers}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into()
    }

    /// A REGISTER of one of two telephones: with which contact, for how long, and how it answers the last challenge.
    fn register_text(&mut self, user: u8, contact: u8, with: u8) -> Bytes {
        self.registers += 1;
        let (user, number) = (USERS[usize::from(user) % USERS.len()], self.registers);
        let authorization: String = match &mut self.authorizer {
            Some(authorizer) if with & 1 != 0 => authorizer
                .headers(&Method::Register, "sip:192.0.2.1", u64::from(number))
                .iter()
                .map(|(name, value)| format!("{}: {value}\r\n", name.as_str()))
                .collect(),
            _ => String::new(),
        };
        let contact = match contact % 8 {
            0 => "Contact: *\r\nExpires: 0\r\n".to_owned(),
            1 => String::new(),
            2 => "Contact: <sips:a@198.51.100.1>\r\n".to_owned(),
            _ => format!("Contact: <sip:a@198.51.100.{contact}>;expires={}\r\n", u32::from(with >> 4) * 60),
        };
        let cseq = if with & 2 != 0 { number } else { 1 };
        let instance = if with & 4 != 0 { "Path: <sip:edge@198.51.100.1;lr>\r\n" } else { "" };
        format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKreg{number}\r\n\
             From: <sip:{user}@192.0.2.1>;tag=a\r\nTo: <sip:{user}@192.0.2.1>\r\nCall-ID: reg{user}\r\nCSeq: {cseq} REGISTER\r\n\
             Max-Forwards: 70\r\n{contact}{instance}{authorization}Content-Length: 0\r\n\r\n"
        )
        .into()
    }

    fn bound(&mut self, event: &BindingEvent) {
        match event {
            BindingEvent::Registered(binding) => {
                assert!(!self.bindings.contains(&binding.id), "{} is made twice", binding.id);
                self.bindings.push(binding.id);
            }
            BindingEvent::Refreshed(binding) => {
                assert!(self.bindings.contains(&binding.id), "{} is not there", binding.id);
            }
            BindingEvent::Unregistered { binding, .. } => {
                let at = self.bindings.iter().position(|known| known == binding);
                self.bindings.remove(at.expect("a binding ends once"));
            }
        }
        assert!(self.bindings.len() <= BINDINGS_MAX, "{} bindings", self.bindings.len());
    }

    fn respond(&mut self, status: u8, tag: u8, with: u8) {
        let Some((flow, request)) = self.request.clone() else { return };
        let Cut::Message(message) = cut_packet(request) else { return };
        let text = |name| message.text(name).map(|text| text.to_string()).unwrap_or_default();
        let status = [100, 180, 183, 200, 202, 302, 401, 407, 408, 422, 481, 487, 491, 500, 503, 603]
            [usize::from(status) % 16];
        let to = text(Name::To);
        let to = if to.contains(";tag=") { to } else { format!("{to};tag=t{}", tag % 4) };
        let mut headers = String::new();
        for (bit, header) in [
            (1, "Require: 100rel\r\nRSeq: 1\r\n"),
            (2, "Session-Expires: 90;refresher=uac\r\n"),
            (4, "Min-SE: 120\r\n"),
            (8, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n"),
            (16, "Record-Route: <sip:198.51.100.1;lr>\r\n"),
            (32, "Allow: UPDATE\r\n"),
        ] {
            if with & bit != 0 {
                headers.push_str(header);
            }
        }
        let body = if with & 128 != 0 { SDP } else { "" };
        let bytes: Bytes = format!(
            "SIP/2.0 {status} R\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:c@198.51.100.2>\r\n\
             {headers}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            text(Name::Via),
            text(Name::From),
            text(Name::CallId),
            text(Name::CSeq),
            body.len()
        )
        .into();
        match flow.way {
            Way::Datagram(_) => self.packet(flow.peer, bytes),
            Way::Stream(conn) => self.stream(conn, bytes),
        }
    }

    fn command(&mut self, what: u8, with: u8) {
        let body =
            Body { content_type: "application/sdp".to_owned(), bytes: Bytes::from_static(SDP.as_bytes()) };
        let status = Status::new(180 + u16::from(with) * 2).unwrap_or(Status::RINGING);
        let exchange = self.exchange;
        if let Some(what) = what.checked_sub(128) {
            return self.transfer(what, with, status);
        }
        let command = match (what % 10, exchange) {
            (0, _) => Command::Answer { body },
            (1, _) => {
                Command::Ring { status, body: Some(body).filter(|_| with & 1 != 0), reliable: with & 2 != 0 }
            }
            (2, _) => Command::Refuse(Refusal { status, retry_after_s: Some(1), headers: Vec::new() }),
            (3, _) => {
                Command::Offer { body, by: if with & 1 != 0 { OfferBy::Update } else { OfferBy::ReInvite } }
            }
            (4, Some(exchange)) => Command::ReplyOffer { exchange, body },
            (5, Some(exchange)) => Command::RefuseOffer { exchange, status },
            (6, Some(exchange)) => Command::RejectAnswer { exchange },
            (7, _) => Command::Info { body },
            (8, _) => Command::HangUp { reason: None },
            (9, _) => return self.dial(with, body),
            _ => return,
        };
        self.handle(Input::Command { leg: self.last_leg, command });
    }

    /// Commands of transfers, and a call to the device that registered last.
    fn transfer(&mut self, what: u8, with: u8, status: Status) {
        let refer = ReferId::new(u64::from(with % 4));
        let command = match what % 5 {
            0 => Command::AcceptRefer { refer },
            1 => Command::RefuseRefer { refer, status },
            2 => Command::NotifyRefer { refer, status },
            3 => Command::Refer {
                refer,
                target: "sip:b@198.51.100.1".to_owned(),
                replaces: self.legs.iter().copied().nth(usize::from(with)),
            },
            _ => {
                self.binding = self.bindings.last().copied();
                let body = Body { content_type: "application/sdp".to_owned(), bytes: SDP.into() };
                self.dial(with, body);
                self.binding = None;
                return;
            }
        };
        self.handle(Input::Command { leg: self.last_leg, command });
    }

    fn dial(&mut self, with: u8, offer: Body) {
        let leg = LegId::new(self.dialled);
        self.dialled += 1;
        self.legs.insert(leg);
        self.last_leg = leg;
        // Who is dialled has been vouched for.
        self.proven.extend([source(0).ip(), source(1).ip(), source(2).ip()]);
        let to = [
            "sip:x@198.51.100.1",
            "sips:x@198.51.100.1",
            "sip:x@198.51.100.2;transport=tcp",
            "tel:+1",
            "\u{1}",
        ];
        self.handle(Input::Command {
            leg,
            command: Command::Dial {
                to: to[usize::from(with) % 5].to_owned(),
                from: "sip:us@192.0.2.1".to_owned(),
                display_name: None,
                route: if with & 32 != 0 { vec!["sip:198.51.100.1".to_owned()] } else { Vec::new() },
                transport: None,
                credentials: Some(Credentials { username: "u".to_owned(), password: "p".to_owned().into() }),
                offer: Some(offer).filter(|_| with & 64 != 0),
                headers: Vec::new(),
                binding: self.binding,
                replaces: self.legs.first().copied().filter(|_| with & 16 != 0),
            },
        });
    }

    fn resolve(&mut self, with: u8) {
        let Some(query) = self.queries.pop() else { return };
        let transport = if with & 1 != 0 { Transport::Tcp } else { Transport::Udp };
        let target = |peer| Target { transport, peer, local: us(), listener: ListenerId(0) };
        let targets = [source(with), source(with >> 1)].map(target);
        let targets = targets.into_iter().take(usize::from(with >> 2) % 3).collect();
        self.handle(Input::Resolved { query, targets });
    }

    fn wait_ms(&mut self, ms: i64) {
        let until = self.now.plus_ms(ms);
        let mut ticks = 0;
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            assert!(at > self.now || ticks == 0, "a deadline that stays would spin");
            ticks += 1;
            assert!(ticks < 100_000, "time does not pass");
            self.now = self.now.max(at);
            self.handle(Input::Tick);
        }
        self.now = until;
        self.handle(Input::Tick);
    }

    fn handle(&mut self, input: Input) {
        self.agent.handle(self.now, input);
        let mut refused = Vec::new();
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Send { flow, bytes } => self.sent(flow, bytes),
                Output::Event { leg, event } => self.event(leg, &event),
                Output::Resolve { query, .. } => self.queries.push(query),
                Output::Connect { conn, target } => {
                    assert!(self.connections.insert(conn), "{conn:?} is opened twice");
                    if target.peer.port() % 2 == 1 {
                        refused.push(conn);
                    }
                }
                Output::Close { conn, .. } => {
                    self.connections.remove(&conn);
                }
                Output::Binding(event) => self.bound(&event),
                Output::Count(_) => {}
            }
        }
        assert!(self.agent.legs() <= LEGS_MAX, "{} legs", self.agent.legs());
        assert!(self.agent.transactions() <= 2 * TRANSACTIONS_MAX);
        for conn in refused {
            self.close(conn);
        }
    }

    fn sent(&mut self, flow: Flow, bytes: Bytes) {
        if bytes[..] == b"\r\n"[..] {
            return;
        }
        let Cut::Message(message) = cut_packet(bytes.clone()) else {
            panic!("our message is cut: {bytes:?}")
        };
        match judge(message, None) {
            Judged::Request(_) => self.request = Some((flow, bytes.clone())),
            Judged::Response(response) => {
                if response.status == Status::UNAUTHORIZED {
                    let user = USERS.into_iter().find(|user| response.to.uri().user() == Some(user));
                    let mut authorizer =
                        Authorizer::new(user.unwrap_or_default().to_owned(), "hush".to_owned().into());
                    self.authorizer = authorizer.challenged(&response, 0).then_some(authorizer);
                    // What comes with its nonce may prove its source.
                    self.proven.extend([source(0).ip(), source(1).ip(), source(2).ip()]);
                }
                if let Some(tag) = response.to_tag() {
                    tag.clone_into(&mut self.tag);
                }
                if let Some(rseq) = response.message.text(Name::RSeq) {
                    self.rseq = rseq.to_string();
                }
            }
            // A response repeats what the request said, right or wrong.
            Judged::Refuse(..) | Judged::Drop(_) => {
                assert!(bytes.starts_with(b"SIP/2.0 "), "our own request is in doubt: {bytes:?}");
            }
        }
        if matches!(flow.way, Way::Datagram(_)) && !self.proven.contains(&flow.peer.ip()) {
            let entry = self.bytes.entry(flow.peer.ip()).or_default();
            entry.1 += bytes.len();
            entry.2 = entry.2.max(bytes.len());
            let most = entry.0 * usize::try_from(AMPLIFICATION_MAX).unwrap_or(1) + entry.2;
            assert!(entry.1 <= most, "{} bytes to one who sent {}", entry.1, entry.0);
        }
    }

    fn event(&mut self, leg: LegId, event: &Event) {
        assert!(!self.ended.contains(&leg), "{leg}: {event:?} after its end");
        self.last_leg = leg;
        match event {
            Event::Invited { exchange, .. } => {
                assert!(self.legs.insert(leg), "{leg} is used twice");
                self.exchange = Some(*exchange);
            }
            Event::Offered { exchange, .. }
            | Event::OfferWanted { exchange }
            | Event::Answered { exchange, .. } => {
                self.exchange = Some(*exchange);
            }
            Event::Ended(_) => {
                self.ended.insert(leg);
            }
            _ => {}
        }
        assert!(self.legs.contains(&leg), "{leg} is not known");
    }

    /// Every call ends; after the patience of what that begins, nothing is left.
    fn finish(mut self) {
        for leg in self.legs.clone() {
            self.handle(Input::Command { leg, command: Command::HangUp { reason: None } });
        }
        self.handle(Input::Phones(Phones::default()));
        assert!(self.bindings.is_empty(), "each binding ends");
        assert_eq!(self.ended, self.legs, "each leg ends");
        assert_eq!(self.agent.legs(), 0);
        for conn in self.connections.clone() {
            self.close(conn);
        }
        // Three patiences: a 2xx waits for its ACK, then BYE goes, and its place is looked up first.
        for _ in 0..4 {
            while !self.queries.is_empty() {
                self.resolve(0);
            }
            self.wait_ms(Timers::default().patience_ms());
        }
        for conn in self.connections.clone() {
            self.close(conn);
        }
        self.wait_ms(Timers::default().patience_ms());
        assert!(self.agent.is_quiet(), "{:#?}", self.agent);
        assert_eq!(self.agent.next_deadline(), None);
    }
}

fn with_line_ends(bytes: &[u8]) -> Bytes {
    let mut text = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'|' => text.extend_from_slice(b"\r\n"),
            byte => text.push(*byte),
        }
    }
    text.into()
}
