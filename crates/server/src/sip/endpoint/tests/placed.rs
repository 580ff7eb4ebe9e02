//! Calls that the server places, to a telephone and by a trunk, with the far end by hand.

use super::*;
use crate::sip::{Destination, Dial, DialledLeg, NotDialled, OutboundTrunk};
use tympan_sip::agent::{DialRules, Phone, PhoneSecret, TrunkId};
use tympan_sip::wire::digest::Authorizer;
use tympan_sip::wire::{Cut, Judged, Method, Request, Response, cut_packet, judge};
use tympan_types::ReferId;

/// A telephone by hand, over UDP.
struct Telephone {
    socket: UdpSocket,
    own: SocketAddr,
}

fn anna() -> Phone {
    Phone {
        user: "anna".into(),
        secret: Some(PhoneSecret::of_password("anna", "tympan", "hush")),
        contact: None,
        networks: Vec::new(),
        challenges_calls: true,
    }
}

async fn rig_with_anna(change: impl FnOnce(&mut SipOptions)) -> (Rig, Telephone) {
    let rig = rig(|options| {
        options.phones = Phones::new("tympan", vec![anna()]).unwrap();
        change(options);
    })
    .await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(rig.endpoint.address()).await.unwrap();
    let own = socket.local_addr().unwrap();
    (rig, Telephone { socket, own })
}

impl Telephone {
    async fn send(&self, text: &str) {
        self.socket.send(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
    }

    async fn hear(&self) -> Judged {
        let mut datagram = vec![0; 65_535];
        let length = tokio::time::timeout(LIMIT, self.socket.recv(&mut datagram)).await.unwrap().unwrap();
        datagram.truncate(length);
        let Cut::Message(message) = cut_packet(datagram.into()) else { panic!("no message") };
        judge(message, None)
    }

    async fn response(&self) -> Response {
        match self.hear().await {
            Judged::Response(response) => *response,
            other => panic!("no response: {other:?}"),
        }
    }

    /// The next request of this method; repetitions of others are passed over.
    async fn request(&self, method: &Method) -> Request {
        loop {
            if let Judged::Request(request) = self.hear().await
                && request.method == *method
            {
                return *request;
            }
        }
    }

    /// Registers; gives the last status.
    async fn register(&self, password: &str) -> u16 {
        let own = self.own;
        let register = |cseq: u32, authorization: &str| {
            format!(
                "REGISTER sip:127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP {own};branch=z9hG4bKr{cseq};rport\nFrom: <sip:anna@127.0.0.1>;tag=r\n\
                 To: <sip:anna@127.0.0.1>\nCall-ID: r\nCSeq: {cseq} REGISTER\nMax-Forwards: 70\nContact: <sip:anna@10.0.0.7>\n\
                 {authorization}Content-Length: 0\n\n"
            )
        };
        self.send(&register(1, "")).await;
        let challenge = self.response().await;
        let mut authorizer = Authorizer::new("anna".to_owned(), password.to_owned().into());
        assert!(authorizer.challenged(&challenge, 0));
        let answers = authorizer.headers(&Method::Register, "sip:127.0.0.1", 7);
        let answers: String =
            answers.iter().map(|(name, value)| format!("{}: {value}\n", name.as_str())).collect();
        self.send(&register(2, &answers)).await;
        self.response().await.status.code()
    }

    async fn answer(&self, request: &Request, status: u16, body: &str) {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        let own = self.own;
        let text = format!(
            "SIP/2.0 {status} Said\nVia: {}\nFrom: {}\nTo: {};tag=phone\nCall-ID: {}\nCSeq: {} {}\nContact: <sip:anna@{own}>\n{kind}\
             Content-Length: {}\n\n",
            request.via.as_str(),
            request.from.as_str(),
            request.to.as_str().split(";tag").next().unwrap(),
            request.call_id.as_str(),
            request.cseq,
            request.method,
            body.len()
        );
        self.socket.send(format!("{}{body}", text.replace('\n', "\r\n")).as_bytes()).await.unwrap();
    }
}

async fn told(dialled: &mut DialledLeg) -> LegEvent {
    tokio::time::timeout(LIMIT, dialled.events.recv()).await.unwrap().unwrap()
}

fn place(rig: &Rig, to: &Destination, change: impl FnOnce(&mut Dial)) -> DialledLeg {
    let calls = rig.endpoint.calls();
    let mut dial = Dial { caller: "+12065550100".to_owned(), offer: SDP.to_owned(), ..Dial::default() };
    change(&mut dial);
    let route = calls.route(to).unwrap();
    assert_eq!(route.local, rig.endpoint.address().ip());
    calls.dial(calls.reserve(), route, dial).unwrap()
}

#[tokio::test]
async fn a_phone_that_registered_is_called_rings_answers_and_hangs_up() {
    let (rig, phone) = rig_with_anna(|_| ()).await;
    let locations = rig.endpoint.calls().locations();
    let mut changes = locations.changes();
    let to = Destination::Phone("anna".to_owned());
    assert!(matches!(rig.endpoint.calls().route(&to), Err(NotDialled::NotRegistered)));
    assert_eq!(phone.register("hush").await, 200);
    tokio::time::timeout(LIMIT, changes.changed()).await.unwrap().unwrap();
    assert_eq!(locations.registered(), ["anna".into()]);
    assert_eq!(locations.of("anna")[0].flow.peer, phone.own);
    rig.counted("bindings", 1).await;

    let mut dialled = place(&rig, &to, |dial| dial.auto_answer = true);
    let invite = phone.request(&Method::Invite).await;
    assert_eq!(invite.uri.as_str(), "sip:anna@10.0.0.7", "by the path of the registration, for its Contact");
    assert_eq!(invite.from.uri().user(), Some("+12065550100"));
    let answer_mode = invite.message.extension("Answer-Mode");
    assert_eq!(answer_mode, Some(&b"Auto"[..]));
    phone.answer(&invite, 180, "").await;
    assert_eq!(told(&mut dialled).await, LegEvent::Ringing { status: 180, sdp: None });
    phone.answer(&invite, 183, SDP).await;
    assert_eq!(told(&mut dialled).await, LegEvent::Ringing { status: 183, sdp: Some(SDP.to_owned()) });
    phone.answer(&invite, 200, SDP).await;
    phone.request(&Method::Ack).await;
    assert!(matches!(told(&mut dialled).await, LegEvent::Answered { sdp, .. } if sdp == SDP));
    assert_eq!(told(&mut dialled).await, LegEvent::Confirmed);
    let (call_id, from, to) = (invite.call_id.as_str(), invite.from.as_str(), invite.to.as_str());
    let own = phone.own;
    let request = |method: &str, cseq: u32, headers: &str| {
        format!(
            "{method} sip:tympan@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{method}{cseq};rport\nFrom: {to};tag=phone\n\
             To: {from}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n{headers}Content-Length: 0\n\n"
        )
    };
    phone.send(&request("REFER", 1, "Refer-To: <sip:1002@127.0.0.1>\n")).await;
    let refer = ReferId::new(1);
    let target = "sip:1002@127.0.0.1".to_owned();
    assert_eq!(told(&mut dialled).await, LegEvent::Referred { refer, target: target.into(), replaces: None });
    dialled.leg.accept_refer(refer).await;
    assert_eq!(phone.response().await.status.code(), 202);
    let notify = phone.request(&Method::Notify).await;
    phone.answer(&notify, 200, "").await;
    dialled.leg.notify_refer(refer, 200).await;
    let notify = phone.request(&Method::Notify).await;
    assert!(notify.message.body().starts_with(b"SIP/2.0 200"));
    phone.answer(&notify, 200, "").await;
    phone.send(&request("BYE", 2, "")).await;
    assert_eq!(told(&mut dialled).await, LegEvent::Ended(EndedBy::Peer));
    assert!(dialled.events.recv().await.is_none());
}

#[tokio::test]
async fn a_call_that_is_refused_says_with_what_status_and_one_that_is_given_up_is_cancelled() {
    let (rig, phone) = rig_with_anna(|_| ()).await;
    assert_eq!(phone.register("hush").await, 200);
    rig.counted("bindings", 1).await;
    let to = Destination::Phone("anna".to_owned());
    let mut dialled = place(&rig, &to, |_| ());
    let invite = phone.request(&Method::Invite).await;
    phone.answer(&invite, 486, "").await;
    assert_eq!(told(&mut dialled).await, LegEvent::Ended(EndedBy::Refused(486)));

    let dialled = place(&rig, &to, |_| ());
    let invite = phone.request(&Method::Invite).await;
    phone.answer(&invite, 180, "").await;
    // Its task is gone: the telephone stops ringing.
    drop(dialled);
    phone.request(&Method::Cancel).await;
}

#[tokio::test]
async fn a_wrong_password_registers_nothing() {
    let (rig, phone) = rig_with_anna(|_| ()).await;
    assert_eq!(phone.register("loud").await, 401);
    rig.counted("wrong_credentials_total", 1).await;
    assert!(rig.endpoint.calls().locations().registered().is_empty());
}

#[tokio::test]
async fn a_number_goes_by_its_trunk_with_the_credentials_of_it() {
    let carrier = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let own = carrier.local_addr().unwrap();
    let carrier = Telephone { socket: carrier, own };
    let (rig, _) = rig_with_anna(|options| {
        options.outbound.trunks = vec![OutboundTrunk {
            id: TrunkId("default".into()),
            host: own.to_string(),
            prefixes: vec!["+1".to_owned()],
            allow: DialRules::parse(&["+1206*".to_owned()]).unwrap(),
            credentials: Some(tympan_sip::agent::Credentials {
                username: "us".to_owned(),
                password: "hush".to_owned().into(),
            }),
            asserts: true,
        }];
    })
    .await;
    carrier.socket.connect(rig.endpoint.address()).await.unwrap();
    let to = Destination::Number("+12065550199".to_owned());
    let mut dialled = place(&rig, &to, |dial| dial.display_name = Some("Support".to_owned()));
    let invite = carrier.request(&Method::Invite).await;
    assert_eq!(invite.uri.user(), Some("+12065550199"));
    assert_eq!(invite.from.display_name().as_deref(), Some("Support"));
    let asserted = invite.message.extension("P-Asserted-Identity").unwrap();
    assert!(asserted.starts_with(b"\"Support\" <sip:+12065550100@"));
    let own = carrier.own;
    let challenge = format!(
        "SIP/2.0 407 Who\nVia: {}\nFrom: {}\nTo: {};tag=c\nCall-ID: {}\nCSeq: {} INVITE\nContact: <sip:c@{own}>\n\
         Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\nContent-Length: 0\n\n",
        invite.via.as_str(),
        invite.from.as_str(),
        invite.to.as_str(),
        invite.call_id.as_str(),
        invite.cseq
    );
    carrier.send(&challenge).await;
    let again = loop {
        let again = carrier.request(&Method::Invite).await;
        if again.cseq > invite.cseq {
            break again;
        }
    };
    let answer = again.message.extension("Proxy-Authorization").unwrap();
    assert!(answer.starts_with(b"Digest username=\"us\""), "{answer:?}");
    carrier.answer(&again, 404, "").await;
    assert_eq!(told(&mut dialled).await, LegEvent::Ended(EndedBy::Refused(404)));
}

#[tokio::test]
async fn what_no_rule_names_is_not_dialled() {
    let trunk = |id: &str, prefix: &str, allow: &[&str]| OutboundTrunk {
        id: TrunkId(id.into()),
        host: "192.0.2.1".to_owned(),
        prefixes: vec![prefix.to_owned()],
        allow: DialRules::parse(&allow.iter().map(|&rule| rule.to_owned()).collect::<Vec<_>>()).unwrap(),
        credentials: None,
        asserts: false,
    };
    let (rig, _) = rig_with_anna(|options| {
        options.outbound.trunks =
            vec![trunk("all", "+", &["+44*"]), trunk("us", "+1", &["+1206*"]), trunk("second", "+1", &["*"])];
        options.outbound.uris = DialRules::parse(&["sip:*@pbx.example".to_owned()]).unwrap();
    })
    .await;
    let calls = rig.endpoint.calls();
    let by = |number: &str| calls.route(&Destination::Number(number.to_owned()));
    assert_eq!(by("+442071234567").unwrap().trunk.0.as_ref(), "all");
    assert_eq!(by("+12065550100").unwrap().trunk.0.as_ref(), "us", "the longest prefix, then the first");
    for (number, why) in [
        ("+19005550100", NotDialled::NotAllowed),
        ("+49301234567", NotDialled::NotAllowed),
        ("0301234567", NotDialled::NoTrunk),
    ] {
        assert_eq!(by(number).unwrap_err(), why, "{number}");
    }
    let uri = |uri: &str| calls.route(&Destination::Uri(uri.to_owned())).map(|_| ());
    assert_eq!(uri("sip:desk@pbx.example"), Ok(()));
    assert_eq!(uri("sip:desk@evil.example"), Err(NotDialled::NotAllowed));
    assert_eq!(uri("http://pbx.example"), Err(NotDialled::NoPlace));
    let phone = |name: &str| calls.route(&Destination::Phone(name.to_owned())).map(|_| ());
    assert_eq!(phone("bert"), Err(NotDialled::UnknownPhone));
    assert_eq!(phone("anna"), Err(NotDialled::NotRegistered));
    // What a REFER names.
    for (target, place) in [
        ("sip:anna@127.0.0.1", Some(Destination::Phone("anna".to_owned()))),
        ("sip:+12065550100@127.0.0.1", Some(Destination::Number("+12065550100".to_owned()))),
        ("tel:+1-206-555-0100", Some(Destination::Number("+12065550100".to_owned()))),
        ("sip:anna@192.0.2.1", Some(Destination::Uri("sip:anna@192.0.2.1".to_owned()))),
        ("mailto:anna@pbx.example", None),
    ] {
        assert_eq!(calls.place(target), place, "{target}");
    }
}
