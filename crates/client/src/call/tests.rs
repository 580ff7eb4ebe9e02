//! Calls over loopback, against a far end that reads and writes messages by itself.

mod far_end;

use super::*;
use far_end::{Call, FarEnd, far_end, text};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tympan_sip::wire::{Method, Status};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::g722;
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::sdp::{LocalMedia, Session, StreamAgreement};
use tympan_types::Mono;

/// What the far end heard in a call, told when it is over.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    samples: Vec<i16>,
    digits: String,
    said_goodbye: bool,
}

const SAID: u8 = 0x20;

/// A far end that answers, says a frame of [`SAID`] for every packet heard, and hangs up after so many. The notice is of the
/// first packet of each call.
async fn talker(
    hangs_up_after: Option<u64>,
    tcp: bool,
) -> (FarEnd, mpsc::UnboundedReceiver<Heard>, Arc<Notify>) {
    let (tell, heard) = mpsc::unbounded_channel();
    let called = Arc::new(Notify::new());
    let notice = called.clone();
    let far_end = far_end(tcp, move |call| talk(call, hangs_up_after, tell.clone(), notice.clone())).await;
    (far_end, heard, called)
}

async fn talk(
    mut call: Call,
    hangs_up_after: Option<u64>,
    tell: mpsc::UnboundedSender<Heard>,
    called: Arc<Notify>,
) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (answer, agreed) = answer_to(&call.offer(), socket.local_addr().unwrap());
    call.accept(&answer).await;
    let mut sender = RtpSender::new(Ssrc(9), 0, RtpTimestamp(0), agreed.codec.payload_type);
    let config = TimelineConfig { payloads: agreed.payloads.clone(), ..TimelineConfig::default() };
    let mut timeline = Timeline::new(config, Mono::from_millis(0));
    let (mut datagram, mut packet, mut packets, mut heard) = ([0; 2_048], Vec::new(), 0u64, Heard::default());
    let mut hear = |datagram: &[u8]| {
        // A clock that counts packets: the timeline then holds what was sent and nothing else.
        let now = Mono::from_millis(packets * 20);
        packets += 1;
        timeline.handle(now, now, &RtpPacket::parse(datagram).unwrap());
        packets
    };
    loop {
        tokio::select! {
            received = socket.recv_from(&mut datagram) => {
                let (length, from) = received.unwrap();
                let packets = hear(&datagram[..length]);
                called.notify_one();
                sender.audio_packet(&[SAID; 160], &mut packet);
                socket.send_to(&packet, from).await.unwrap();
                if hangs_up_after.is_some_and(|limit| packets >= limit) {
                    assert_eq!(call.request(&Method::Bye, None).await.status, Status::OK);
                    break;
                }
            }
            () = call.said_goodbye() => {
                heard.said_goodbye = true;
                break;
            }
        }
    }
    // What was sent before the BYE is in the socket.
    let socket = socket.into_std().unwrap();
    while let Ok((length, _)) = socket.recv_from(&mut datagram) {
        hear(&datagram[..length]);
    }
    timeline.finish(Mono::from_millis(0));
    while let Some(output) = timeline.poll() {
        match output {
            TimelineOutput::Audio(audio) => audio.payload.expand_into(&mut heard.samples),
            TimelineOutput::Silence { samples, .. } => {
                heard.samples.resize(heard.samples.len() + samples as usize, 0);
            }
            TimelineOutput::Digit { digit, .. } => heard.digits.push(digit.as_char()),
        }
    }
    tell.send(heard).ok();
}

/// Samples that G.711 carries unchanged.
fn speech(law: Law) -> Vec<i16> {
    (0..2_400u32).map(|index| law.decode((index % 97) as u8)).collect()
}

fn plan(far_end: &FarEnd, script: Script) -> CallPlan {
    CallPlan {
        target: Target::parse(&format!("sip:+18005550100@{}", far_end.address)).unwrap(),
        caller: "+12065550123".to_owned(),
        script: Arc::new(script),
        codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
        count: 1,
        rate_per_s: 100.0,
        longest: Duration::from_secs(30),
        hang_up_after: None,
        keep_heard: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_its_piece_hears_the_other_side_and_notices_its_end() {
    for law in [Law::Mu, Law::A] {
        let (far_end, mut heard, _) = talker(Some(40), false).await;
        let script = Script::new(&speech(law), &["5@0.1s".parse().unwrap()]);
        let plan = CallPlan { codecs: vec![law.into()], keep_heard: true, ..plan(&far_end, script) };
        let report = place(plan, CancellationToken::new()).await.unwrap();
        let CallOutcome::Answered { ended_by, media, .. } = &report.calls[0] else { panic!("{report:?}") };
        assert_eq!(*ended_by, EndedBy::FarEnd);
        assert!(media.packets_sent >= 40 && media.packets_received >= 30, "{media:?}");
        assert!(media.heard.contains(&law.decode(SAID)));
        let heard = heard.recv().await.unwrap();
        assert_eq!(heard.digits, "5");
        // All of it, and silence where the key was down.
        let spoken: Vec<i16> = heard.samples.iter().copied().filter(|sample| sample.abs() > 8).collect();
        let expected: Vec<i16> = speech(law).iter().copied().filter(|sample| sample.abs() > 8).collect();
        assert_eq!(spoken, expected, "{law:?}");
        assert_eq!(heard.samples[..800], speech(law)[..800]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_g722_is_heard_as_its_decoder_has_it_in_both_directions() {
    let (far_end, mut heard, _) = talker(Some(40), false).await;
    let said = speech(Law::Mu);
    let script = Script::new(&said, &[]);
    let plan = CallPlan { codecs: vec![AudioCodec::G722], keep_heard: true, ..plan(&far_end, script) };
    let report = place(plan, CancellationToken::new()).await.unwrap();
    let CallOutcome::Answered { media, .. } = &report.calls[0] else { panic!("{report:?}") };
    let (mut codes, mut expected) = (Vec::new(), Vec::new());
    g722::Encoder::new().encode(&said, &mut codes);
    g722::Decoder::new().decode(&codes, &mut expected);
    assert_eq!(heard.recv().await.unwrap().samples[..said.len()], expected);
    let mut told = Vec::new();
    g722::Decoder::new().decode(&[SAID; 20 * 160], &mut told);
    // Its first packet may find silence before it.
    let begin = media.heard.iter().position(|sample| *sample != 0).unwrap();
    let sounds = told.iter().position(|sample| *sample != 0).unwrap();
    assert_eq!(media.heard[begin..begin + 1_600], told[sounds..sounds + 1_600]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_hang_up_by_themselves() {
    let (far_end, mut heard, _) = talker(None, false).await;
    let script = Script::new(&speech(Law::Mu), &[]);
    let plan = CallPlan { count: 12, hang_up_after: Some(Duration::ZERO), ..plan(&far_end, script) };
    let report = place(plan, CancellationToken::new()).await.unwrap();
    assert_eq!(report.answered(), 12, "{report:?}");
    for outcome in &report.calls {
        let CallOutcome::Answered { ended_by: EndedBy::Plan, media, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(media.packets_sent >= 15, "{media:?}");
    }
    for _ in 0..12 {
        let heard = heard.recv().await.unwrap();
        assert!(heard.said_goodbye);
        assert_eq!(heard.samples[..2_400], speech(Law::Mu));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_tcp_ends_from_either_side() {
    let (far_end, mut heard, _) = talker(Some(10), true).await;
    let mut by_tcp = plan(&far_end, Script::new(&[], &[]));
    by_tcp.target.tcp = true;
    let report = place(by_tcp, CancellationToken::new()).await.unwrap();
    assert!(matches!(report.calls[0], CallOutcome::Answered { ended_by: EndedBy::FarEnd, .. }), "{report:?}");
    assert!(heard.recv().await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_by_their_status() {
    for (status, exit) in
        [(404, crate::Exit::NotFound), (503, crate::Exit::Unavailable), (486, crate::Exit::Conflict)]
    {
        let refuse = move |call: Call| async move {
            call.respond(&call.invite, Status::new(status).unwrap(), None).await;
        };
        let far_end = far_end(false, refuse).await;
        let report = place(plan(&far_end, Script::new(&[], &[])), CancellationToken::new()).await.unwrap();
        let error = report.first_failure().unwrap();
        assert!(matches!(error, CallError::Refused { status: told, .. } if *told == status), "{error:?}");
        assert_eq!(crate::ClientError::from(error.clone()).exit(), exit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_says_goodbye() {
    let (far_end, mut heard, called) = talker(None, false).await;
    let stop = CancellationToken::new();
    let plan = plan(&far_end, Script::new(&speech(Law::Mu), &[]));
    let call = tokio::spawn(place(plan, stop.clone()));
    called.notified().await;
    stop.cancel();
    let report = call.await.unwrap().unwrap();
    assert!(report.was_interrupted() && report.answered() == 1, "{report:?}");
    assert!(heard.recv().await.unwrap().said_goodbye);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_far_end_is_given_up_when_interrupted() {
    let called = Arc::new(Notify::new());
    let notice = called.clone();
    let far_end = far_end(false, move |_| {
        notice.notify_one();
        std::future::ready(())
    })
    .await;
    let stop = CancellationToken::new();
    let call = tokio::spawn(place(plan(&far_end, Script::new(&[], &[])), stop.clone()));
    called.notified().await;
    stop.cancel();
    let report = call.await.unwrap().unwrap();
    assert_eq!(report.calls, [CallOutcome::Failed(CallError::Interrupted)]);
}

/// Answers an INVITE with a port of its own; the caller's RTP comes there.
async fn answer(call: &mut Call) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    call.accept(&answer_to(&call.offer(), socket.local_addr().unwrap()).0).await;
    socket
}

/// What a far end at this address answers, and what is agreed then.
fn answer_to(offer: &str, address: SocketAddr) -> (String, StreamAgreement) {
    let mut session = Session::new(LocalMedia { version: 2, ..LocalMedia::new(address, 1) });
    let answer = session.receive_offer(offer).unwrap().text;
    (answer, session.audio().unwrap().clone())
}

async fn heard_at(socket: &UdpSocket) -> SocketAddr {
    let received = tokio::time::timeout(Duration::from_secs(60), socket.recv_from(&mut [0; 2_048])).await;
    received.expect("no packet comes").unwrap().1
}

/// Places one call to a far end that does this, and wants it to have ended it.
async fn one_call<F, Ended>(tcp: bool, each: F)
where
    F: Fn(Call) -> Ended + Send + 'static,
    Ended: Future<Output = ()> + Send + 'static,
{
    let (done, mut is_done) = mpsc::unbounded_channel();
    let far_end = far_end(tcp, move |call| {
        let (done, call) = (done.clone(), each(call));
        async move {
            call.await;
            done.send(()).unwrap();
        }
    })
    .await;
    let mut plan = plan(&far_end, Script::new(&[], &[]));
    plan.target.tcp = tcp;
    let report = place(plan, CancellationToken::new()).await.unwrap();
    assert!(matches!(report.calls[0], CallOutcome::Answered { ended_by: EndedBy::FarEnd, .. }), "{report:?}");
    is_done.recv().await.expect("the far end failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_60_calls_hears_a_far_end_that_hangs_up_at_once() {
    for waits_for_ack in [true, false] {
        let far_end = far_end(false, move |mut call| async move {
            let (answer, _) = answer_to(&call.offer(), "127.0.0.1:9".parse().unwrap());
            if waits_for_ack {
                call.accept(&answer).await;
            } else {
                call.respond(&call.invite, Status::OK, Some(&answer)).await;
            }
            assert_eq!(call.request(&Method::Bye, None).await.status, Status::OK);
        })
        .await;
        let longest = Duration::from_secs(600);
        let plan =
            CallPlan { count: 60, rate_per_s: 10_000.0, longest, ..plan(&far_end, Script::new(&[], &[])) };
        let report = place(plan, CancellationToken::new()).await.unwrap();
        assert_eq!(report.answered(), 60, "{report:?}");
        for call in &report.calls {
            assert!(matches!(call, CallOutcome::Answered { ended_by: EndedBy::FarEnd, .. }), "{call:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_follow_a_reinvite_and_an_update() {
    one_call(false, |mut call| async move {
        let first = answer(&mut call).await;
        heard_at(&first).await;
        for method in [Method::Invite, Method::Update] {
            // It goes on at another port.
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let local = LocalMedia { version: 2, ..LocalMedia::new(socket.local_addr().unwrap(), 1) };
            let mut session = Session::new(local);
            let response = call.request(&method, Some(&session.make_offer().unwrap())).await;
            assert_eq!(response.status, Status::OK);
            if method == Method::Invite {
                call.acknowledge(None).await;
            }
            session.receive_answer(&text(response.message.body())).unwrap();
            assert_eq!(heard_at(&socket).await, session.audio().unwrap().remote, "{method}");
        }
        call.request(&Method::Bye, None).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_cannot_be_used_is_refused_and_the_call_goes_on() {
    one_call(false, |mut call| async move {
        let socket = answer(&mut call).await;
        let video = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n";
        let response = call.request(&Method::Update, Some(video)).await;
        assert_eq!(response.status, Status::NOT_ACCEPTABLE_HERE);
        for _ in 0..20 {
            heard_at(&socket).await;
        }
        call.request(&Method::Bye, None).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reinvite_without_offer_gets_ours_and_its_ack_moves_the_media() {
    one_call(false, |mut call| async move {
        let first = answer(&mut call).await;
        heard_at(&first).await;
        let response = call.request(&Method::Invite, None).await;
        assert_eq!(response.status, Status::OK);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let offer = text(response.message.body());
        assert!(offer.contains("a=rtpmap:0 PCMU/8000") && offer.contains("a=rtpmap:8 PCMA/8000"), "{offer}");
        let (answer, agreed) = answer_to(&offer, socket.local_addr().unwrap());
        call.acknowledge(Some(&answer)).await;
        assert_eq!(heard_at(&socket).await, agreed.remote);
        call.request(&Method::Bye, None).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_offer_is_answered_without_a_body() {
    one_call(false, |mut call| async move {
        let _media = answer(&mut call).await;
        let response = call.request(&Method::Update, None).await;
        assert_eq!((response.status, response.message.body().len()), (Status::OK, 0));
        let info = call.request(&Method::Info, None).await;
        assert_eq!(info.status, Status::OK);
        call.request(&Method::Bye, None).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tcp_a_bye_is_heard_on_the_same_connection_and_on_a_new_one() {
    for reconnects in [false, true] {
        one_call(true, move |mut call| async move {
            let _media = answer(&mut call).await;
            if reconnects {
                call.reconnect().await;
            }
            assert_eq!(call.request(&Method::Bye, None).await.status, Status::OK);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_taken_back_while_it_rings() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let rings = Arc::new(Notify::new());
    let notice = rings.clone();
    let far_end = far_end(false, move |mut call| {
        let (tell, notice) = (tell.clone(), notice.clone());
        async move {
            call.respond(&call.invite, Status::RINGING, None).await;
            notice.notify_one();
            let cancel = call.received(&Method::Cancel).await;
            call.respond(&cancel, Status::OK, None).await;
            call.respond(&call.invite, Status::REQUEST_TERMINATED, None).await;
            call.received(&Method::Ack).await;
            tell.send(()).unwrap();
        }
    })
    .await;
    let stop = CancellationToken::new();
    let call = tokio::spawn(place(plan(&far_end, Script::new(&[], &[])), stop.clone()));
    rings.notified().await;
    stop.cancel();
    let report = call.await.unwrap().unwrap();
    assert_eq!(report.calls, [CallOutcome::Failed(CallError::Interrupted)]);
    told.recv().await.expect("the far end hears a CANCEL and an ACK");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_session_ends_the_call() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let far_end = far_end(false, move |mut call| {
        let tell = tell.clone();
        async move {
            call.respond(&call.invite, Status::OK, None).await;
            call.said_goodbye().await;
            tell.send(()).unwrap();
        }
    })
    .await;
    let report = place(plan(&far_end, Script::new(&[], &[])), CancellationToken::new()).await.unwrap();
    assert!(matches!(report.first_failure(), Some(CallError::Media(_))), "{report:?}");
    told.recv().await.expect("the far end hears a BYE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_refused_is_told_as_such() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let far_end = far_end(false, |_| std::future::ready(())).await;
    let mut plan = plan(&far_end, Script::new(&[], &[]));
    (plan.target.tcp, plan.target.port) = (true, closed.port());
    let report = place(plan, CancellationToken::new()).await.unwrap();
    let error = report.first_failure().unwrap();
    assert!(error.to_string().starts_with(&format!("cannot call tcp {closed}: ")), "{error}");
    assert_eq!(crate::ClientError::from(error.clone()).exit(), crate::Exit::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_before_the_answer_is_told_as_such() {
    let far_end = far_end(false, |_| std::future::ready(())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plan = plan(&far_end, Script::new(&[], &[]));
    (plan.target.tcp, plan.target.port) = (true, listener.local_addr().unwrap().port());
    let call = tokio::spawn(place(plan, CancellationToken::new()));
    let (stream, _) = listener.accept().await.unwrap();
    stream.readable().await.unwrap();
    drop(stream);
    let report = call.await.unwrap().unwrap();
    let error = report.first_failure().unwrap();
    assert!(error.to_string().contains("was lost before the call was answered"), "{error}");
    assert_eq!(crate::ClientError::from(error.clone()).exit(), crate::Exit::Unavailable);
}
