//! What must hold for the answer to any datagram, shared by the fuzz target and the corpus test.

use bytes::Bytes;
use std::net::SocketAddr;
use tympan_sip::agent::{
    Agent, Body, Command, Config, Event, Input, Limits, ListenerId, Output, Refusal, Trunks,
};
use tympan_sip::transaction::Timers;
use tympan_sip::wire::{
    Cut, Doubt, Draft, Dropped, Judged, Message, Method, Name, Status, cut_packet, judge,
};
use tympan_types::Mono;

/// The wire alone answers, and so does an agent.
pub(crate) fn check(input: &[u8]) {
    check_refusal(input);
    check_agent(input);
}

/// A request with a Via gets an answer that parses, or is an ACK; all else is a counted drop.
fn check_refusal(input: &[u8]) {
    let source: SocketAddr = ([198, 51, 100, 7], 40_000).into();
    let (message, doubt) = match cut_packet(Bytes::copy_from_slice(input)) {
        Cut::Message(message) => (message, None),
        Cut::Doubtful(message, doubt) => (message, Some(doubt)),
        Cut::KeepAlive | Cut::Garbage => return,
    };
    let has_via = message.value(Name::Via).is_some_and(|via| via.to_ascii_uppercase().starts_with(b"SIP"));
    let is_response = message.start_line().to_ascii_uppercase().starts_with(b"SIP/");
    match judge(message, doubt) {
        Judged::Request(request) => {
            assert!(has_via && !is_response);
            if request.method != Method::Ack {
                let refusal = Doubt { status: Status::NOT_IMPLEMENTED, reason: "x" };
                let (draft, _) =
                    Draft::refusal(&request.message, refusal, "ours", source).expect("an answer");
                check_answer(&draft.finish(), input.len(), &request.message);
            }
        }
        Judged::Refuse(message, doubt) => {
            assert!(has_via && !is_response && !is_ack(&message));
            let (draft, to) = Draft::refusal(&message, doubt, "ours", source).expect("an answer");
            assert_eq!(to.ip(), source.ip());
            check_answer(&draft.finish(), input.len(), &message);
        }
        Judged::Response(_) => assert!(is_response),
        Judged::Drop(Dropped::NoVia) => assert!(!has_via && !is_response),
        Judged::Drop(Dropped::BadResponse) => assert!(is_response),
        Judged::Drop(Dropped::BadAck) => assert!(has_via && !is_response),
        Judged::Drop(Dropped::Garbage) => panic!("garbage is no message"),
    }
}

fn is_ack(message: &Message) -> bool {
    message.start_line().split(|byte| b" \t".contains(byte)).next() == Some(b"ACK")
}

/// The answer is one message, its lines are those of the request and no others, and it is not much longer.
fn check_answer(answer: &Bytes, request_bytes: usize, request: &Message) {
    let Cut::Message(message) = cut_packet(answer.clone()) else { panic!("an answer is cut: {answer:?}") };
    assert!(message.start_line().starts_with(b"SIP/2.0 "));
    assert!(message.body().is_empty());
    let repeated = [Name::From, Name::To, Name::CallId, Name::CSeq];
    let expected = repeated.iter().filter(|name| request.value(**name).is_some()).count();
    let vias = message.lines().filter(|(name, _)| *name == b"Via").count();
    assert_eq!(message.lines().count(), vias + expected + 1, "{answer:?}");
    assert!(vias >= 1);
    for name in repeated {
        if name != Name::To {
            // A stray CR becomes a space.
            let one_line = |value: &[u8]| {
                String::from_utf8_lossy(value).replace('\r', " ").trim_matches([' ', '\t']).to_owned()
            };
            assert_eq!(message.value(name).map(one_line), request.value(name).map(one_line));
        }
    }
    assert!(answer.len() <= request_bytes * 2 + 256, "{} of {request_bytes}", answer.len());
}

/// Each datagram gets an output; what is sent parses; and after the patience of every transaction nothing is due but calls.
fn check_agent(input: &[u8]) {
    let config = Config {
        product: "tympan".to_owned(),
        contact_user: "tympan".to_owned(),
        host_names: vec!["example.com".to_owned()],
        timers: Timers::default(),
        limits: Limits::default(),
        trunks: Trunks::default(),
        invited_legs_from: 1,
        takes_transfers: true,
        dialled_legs_from: 1 << 32,
    };
    let mut agent = Agent::new(config, [7; 32]);
    let mut now = Mono::from_millis(1_000);
    let is_keep_alive = matches!(cut_packet(Bytes::copy_from_slice(input)), Cut::KeepAlive);
    let packet = || Input::Packet {
        at: ListenerId(0),
        local: ([192, 0, 2, 1], 5060).into(),
        from: ([198, 51, 100, 7], 40_000).into(),
        bytes: Bytes::copy_from_slice(input),
    };
    agent.handle(now, packet());
    let mut outputs = drain(&mut agent);
    now = now.plus_ms(200);
    agent.handle(now, Input::Tick);
    outputs.extend(drain(&mut agent));
    assert_eq!(outputs.is_empty(), is_keep_alive, "{outputs:?}");
    for output in &outputs {
        let Output::Event { leg, event: Event::Invited { .. } } = output else { continue };
        let command = match input.len() % 3 {
            0 => Command::Answer {
                body: Body {
                    content_type: "application/sdp".to_owned(),
                    bytes: Bytes::from_static(b"v=0\r\n"),
                },
            },
            1 => Command::Refuse(Refusal {
                status: Status::BUSY_HERE,
                retry_after_s: None,
                headers: Vec::new(),
            }),
            _ => Command::HangUp { reason: None },
        };
        agent.handle(now, Input::Command { leg: *leg, command });
    }
    drain(&mut agent);
    agent.handle(now, packet());
    for _ in 0..64 {
        now = now.plus_ms(1_000);
        agent.handle(now, Input::Tick);
        drain(&mut agent);
    }
}

fn drain(agent: &mut Agent) -> Vec<Output> {
    let outputs: Vec<_> = std::iter::from_fn(|| agent.poll()).collect();
    for output in &outputs {
        let Output::Send { bytes, .. } = output else { continue };
        let Cut::Message(message) = cut_packet(bytes.clone()) else {
            panic!("our own message is cut: {bytes:?}")
        };
        assert!(
            message.start_line().starts_with(b"SIP/2.0 ")
                || matches!(judge(message, None), Judged::Request(_)),
            "our own request holds: {bytes:?}"
        );
    }
    outputs
}
