//! The shell with the real agent in it, over loopback.

mod placed;

use super::*;
use crate::connections::{ConnectionLimits, Connections};
use crate::descriptors::{DescriptorBudget, Use};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tympan_contact::{EndedBy, LegEvent};
use tympan_telephony::Digit;

/// A test that waits longer than this for something is broken.
const LIMIT: Duration = Duration::from_secs(60);
const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

struct Rig {
    endpoint: SipEndpoint,
    invitations: mpsc::Receiver<Invitation>,
    stats: Arc<SipStats>,
}

async fn rig(change: impl FnOnce(&mut SipOptions)) -> Rig {
    let places = ConnectionLimits { total: 64, per_source: 64 };
    let connections = Connections::new(places, DescriptorBudget::new(1_000, 0), Use::SipTcp, 1);
    let mut options = SipOptions::on_loopback(connections);
    change(&mut options);
    let stats = Arc::<SipStats>::default();
    let (endpoint, invitations) = SipEndpoint::bind(options, stats.clone()).await.unwrap();
    Rig { endpoint, invitations, stats }
}

impl Rig {
    async fn invitation(&mut self) -> Invitation {
        tokio::time::timeout(LIMIT, self.invitations.recv()).await.unwrap().unwrap()
    }

    async fn counted(&self, line: &str, least: u64) {
        let counted = async {
            while self.stats.counted(line) < least {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LIMIT, counted).await.unwrap_or_else(|_| panic!("{line} is not {least}"));
    }
}

async fn event(invitation: &mut Invitation) -> LegEvent {
    tokio::time::timeout(LIMIT, invitation.events.recv()).await.unwrap().unwrap()
}

/// A caller over UDP, with one call.
struct Caller {
    socket: UdpSocket,
    own: SocketAddr,
    call: u32,
    to_tag: String,
    cseq: u32,
}

impl Caller {
    async fn towards(rig: &Rig) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(rig.endpoint.address()).await.unwrap();
        let own = socket.local_addr().unwrap();
        Self { socket, own, call: 1, to_tag: String::new(), cseq: 0 }
    }

    async fn send(&mut self, method: &str, kind: &str, body: &str) {
        if method != "ACK" {
            self.cseq += 1;
        }
        let Self { own, call, to_tag, cseq, .. } = self;
        let kind = if body.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let text = format!(
            "{method} sip:+1800@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-{call}-{cseq}-{method};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+1206@{own}>;tag=c\r\nTo: <sip:+1800@127.0.0.1>{to_tag}\r\n\
             Call-ID: {call}@{own}\r\nCSeq: {cseq} {method}\r\nContact: <sip:c@{own}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send(text.as_bytes()).await.unwrap();
    }

    async fn hear(&self) -> String {
        let mut datagram = vec![0; 65_535];
        let length = tokio::time::timeout(LIMIT, self.socket.recv(&mut datagram)).await.unwrap().unwrap();
        String::from_utf8_lossy(&datagram[..length]).into_owned()
    }

    /// Waits for a message that begins so.
    async fn await_message(&self, begins: &str) -> String {
        loop {
            let message = self.hear().await;
            if message.starts_with(begins) {
                return message;
            }
        }
    }

    async fn acknowledge(&mut self, answer: &str) {
        let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
        self.to_tag = format!(";tag={}", to.split(";tag=").nth(1).unwrap());
        self.send("ACK", "", "").await;
    }
}

/// A call that is up.
async fn call(rig: &mut Rig) -> (Caller, Invitation) {
    let mut caller = Caller::towards(rig).await;
    caller.send("INVITE", "application/sdp", SDP).await;
    let mut invitation = rig.invitation().await;
    assert!(invitation.leg.accept(SDP.into()));
    let answer = caller.await_message("SIP/2.0 200").await;
    caller.acknowledge(&answer).await;
    assert!(matches!(event(&mut invitation).await, LegEvent::Confirmed));
    (caller, invitation)
}

#[tokio::test]
async fn a_call_comes_in_is_answered_and_ends() {
    let mut rig = rig(|_| ()).await;
    let (mut caller, mut invitation) = call(&mut rig).await;
    assert_eq!(
        (invitation.called.expose().as_str(), invitation.caller.expose().as_str()),
        ("+1800", "+1206")
    );
    assert_eq!((invitation.source, invitation.local), (caller.own, rig.endpoint.address()));
    assert_eq!(invitation.offer.as_deref(), Some(SDP));
    rig.counted("legs", 1).await;
    caller.send("INFO", "application/dtmf-relay", "Signal=10\r\n").await;
    assert_eq!(event(&mut invitation).await, LegEvent::Info(Digit::from_char('*').unwrap()));
    caller.send("BYE", "", "").await;
    caller.await_message("SIP/2.0 200").await;
    assert!(matches!(event(&mut invitation).await, LegEvent::Ended(EndedBy::Peer)));
    assert!(invitation.events.recv().await.is_none());
}

#[tokio::test]
async fn a_call_whose_task_is_gone_is_hung_up() {
    let mut rig = rig(|_| ()).await;
    let (caller, invitation) = call(&mut rig).await;
    drop(invitation);
    caller.await_message("BYE ").await;

    // One that was never answered gets a final response.
    let mut caller = Caller::towards(&rig).await;
    caller.send("INVITE", "application/sdp", SDP).await;
    drop(rig.invitation().await);
    let refused = loop {
        let message = caller.hear().await;
        if !message.starts_with("SIP/2.0 1") {
            break message;
        }
    };
    assert!(
        ["SIP/2.0 4", "SIP/2.0 5", "SIP/2.0 6"].iter().any(|class| refused.starts_with(class)),
        "{refused}"
    );
}

#[tokio::test]
async fn a_call_whose_task_does_not_read_is_hung_up_and_counted() {
    let mut rig = rig(|_| ()).await;
    let (mut caller, invitation) = call(&mut rig).await;
    for _ in 0..70 {
        caller.send("INFO", "application/dtmf", "5").await;
    }
    caller.await_message("BYE ").await;
    assert_eq!(rig.stats.counted("legs_unread_total"), 1);
    drop(invitation);
}

#[tokio::test]
async fn calls_that_wait_to_be_routed_are_refused_beyond_a_limit() {
    let rig = rig(|_| ()).await;
    let mut caller = Caller::towards(&rig).await;
    for call in 0..2_000 {
        (caller.call, caller.cseq) = (call, 0);
        caller.send("INVITE", "application/sdp", SDP).await;
        if call % 20 == 0 {
            tokio::task::yield_now().await;
        }
    }
    rig.counted("invitations_refused_total", 1).await;
    let refused = caller.await_message("SIP/2.0 503").await;
    assert!(refused.contains("\r\nRetry-After: "), "{refused}");
}

#[tokio::test]
async fn a_draining_server_refuses_and_one_that_stops_hangs_up() {
    let mut rig = rig(|_| ()).await;
    let (caller, invitation) = call(&mut rig).await;
    rig.endpoint.drain();
    let mut late = Caller::towards(&rig).await;
    let refused = loop {
        late.send("OPTIONS", "", "").await;
        let message = late.hear().await;
        if !message.starts_with("SIP/2.0 200") {
            break message;
        }
    };
    assert!(refused.starts_with("SIP/2.0 503") && refused.contains("\r\nRetry-After: "), "{refused}");
    // Its last command is still sent.
    invitation.leg.hang_up().await;
    let (bye, ()) = tokio::join!(caller.await_message("BYE "), rig.endpoint.shutdown());
    assert!(bye.contains(&format!("{}@{}", caller.call, caller.own)), "{bye}");
}

fn options(number: u32) -> String {
    format!(
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:p@127.0.0.1>;tag=o\r\nTo: <sip:127.0.0.1>\r\nCall-ID: o-{number}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

async fn read_to_end(peer: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is an end, too: what came before it counts.
    let _ = tokio::time::timeout(LIMIT, peer.read_to_end(&mut said)).await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_peer_that_half_closes_gets_its_answer_and_then_the_end() {
    let rig = rig(|_| ()).await;
    let mut peer = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    peer.write_all((options(1) + &options(2)).as_bytes()).await.unwrap();
    peer.shutdown().await.unwrap();
    let said = read_to_end(&mut peer).await;
    assert_eq!(said.matches("SIP/2.0 200 OK\r\n").count(), 2, "{said}");
}

#[tokio::test]
async fn a_connection_whose_queue_is_full_is_closed_and_others_are_served() {
    let rig = rig(|options| options.tcp.write_queue_bytes = 1_000).await;
    let mut greedy = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    let flood: String = (0..30).map(options).collect();
    greedy.write_all(flood.as_bytes()).await.unwrap();
    let said = read_to_end(&mut greedy).await;
    assert!(said.matches("SIP/2.0 200").count() < 30, "{said}");
    rig.counted("connections_unread_total", 1).await;
    let mut modest = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    modest.write_all(options(100).as_bytes()).await.unwrap();
    modest.shutdown().await.unwrap();
    assert!(read_to_end(&mut modest).await.starts_with("SIP/2.0 200"));
}

#[tokio::test]
async fn a_message_that_is_not_completed_ends_its_connection_and_one_that_is_goes_on() {
    let rig = rig(|options| options.tcp.message = Duration::from_millis(1_500)).await;
    let mut slow = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    let mut busy = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    slow.write_all(b"OPTIONS sip:127.0.0.1 SIP/2.0\r\n").await.unwrap();
    // It always has part of a message under way, but of another one each time.
    let (ended, ()) = tokio::join!(read_to_end(&mut slow), async {
        let mut rest = String::new();
        for number in 0..40 {
            let message = options(number);
            let (head, tail) = message.split_at(message.len() / 2);
            busy.write_all((rest + head).as_bytes()).await.unwrap();
            rest = tail.to_owned();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        busy.write_all(rest.as_bytes()).await.unwrap();
    });
    assert_eq!(ended, "");
    busy.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut busy).await.matches("SIP/2.0 200").count(), 40);
    assert_eq!(rig.stats.counted("connections_partial_total"), 1);
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let rig = rig(|options| options.tcp.idle = Duration::from_millis(100)).await;
    let mut silent = TcpStream::connect(rig.endpoint.address()).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(rig.stats.counted("connections_idle_total"), 1);
}
