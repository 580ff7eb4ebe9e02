//! Calls over loopback, against a far end of a few lines on the same stack.

use super::*;
use rsipstack::EndpointBuilder;
use rsipstack::dialog::dialog::{Dialog, DialogState};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Header, Method, StatusCode, Uri};
use rsipstack::transaction::transaction::Transaction;
use rsipstack::transport::tcp_listener::TcpListenerConnection;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipConnection, TransportLayer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tympan_telephony::MediaTime;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::sdp::offer_answer::{self, LocalMedia};

/// What the far end does with a call.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    /// Answers, says a frame of `SAID` for every packet heard, and hangs up after so many.
    HangsUpAfter(u64),
    /// Answers and stays.
    Stays,
    /// Says no.
    Refuses(u16),
    /// Says nothing.
    IsDead,
}

/// What the far end heard in a call, told when it is over.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    samples: Vec<i16>,
    digits: String,
    said_goodbye: bool,
}

const SAID: u8 = 0x20;

struct FarEnd {
    address: SocketAddr,
    heard: mpsc::UnboundedReceiver<Heard>,
    /// A call has come in; where it is answered, its first packet too.
    called: Arc<Notify>,
    cancel: CancellationToken,
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn far_end(behaviour: Behaviour, tcp: bool) -> FarEnd {
    let cancel = CancellationToken::new();
    let layer = TransportLayer::new(cancel.clone());
    let udp = UdpConnection::create_connection("127.0.0.1:0".parse().unwrap(), None, Some(cancel.clone()))
        .await
        .unwrap();
    let address = udp.get_addr().get_socketaddr().unwrap();
    layer.add_transport(SipConnection::Udp(udp));
    if tcp {
        let listener = TcpListenerConnection::new(address, None).await.unwrap();
        layer.add_transport(SipConnection::TcpListener(listener));
    }
    let endpoint =
        EndpointBuilder::new().with_cancel_token(cancel.clone()).with_transport_layer(layer).build();
    let endpoint = Arc::new(endpoint);
    let mut incoming = endpoint.incoming_transactions().unwrap();
    let dialogs = Arc::new(DialogLayer::new(endpoint.inner.clone()));
    let serving = endpoint.clone();
    tokio::spawn(async move { serving.serve().await });
    let (tell, heard) = mpsc::unbounded_channel();
    let called = Arc::new(Notify::new());
    let call_in = called.clone();
    tokio::spawn(async move {
        while let Some(mut transaction) = incoming.recv().await {
            if let Some(Dialog::Invite(mut dialog)) = dialogs.match_dialog(&transaction) {
                tokio::spawn(async move { dialog.handle(&mut transaction).await.ok() });
            } else if transaction.original.method == Method::Invite {
                match behaviour {
                    Behaviour::IsDead => call_in.notify_one(),
                    Behaviour::Refuses(status) => transaction.reply(StatusCode::from(status)).await.unwrap(),
                    Behaviour::HangsUpAfter(_) | Behaviour::Stays => {
                        answer(transaction, &dialogs, address, behaviour, tell.clone(), call_in.clone())
                            .await;
                    }
                }
            }
        }
    });
    FarEnd { address, heard, called, cancel }
}

async fn answer(
    mut transaction: Transaction,
    dialogs: &Arc<DialogLayer>,
    address: SocketAddr,
    behaviour: Behaviour,
    tell: mpsc::UnboundedSender<Heard>,
    called: Arc<Notify>,
) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let local = LocalMedia::new(socket.local_addr().unwrap(), 1);
    let offer = String::from_utf8(transaction.original.body.clone()).unwrap();
    let agreed = offer_answer::answer(&offer, &local).unwrap();
    let (states, mut state) = dialogs.new_dialog_state_channel();
    let contact = Uri { host_with_port: address.into(), ..Uri::default() };
    let mut dialog = dialogs.get_or_create_server_invite(&transaction, states, None, Some(contact)).unwrap();
    let media = dialog.clone();
    tokio::spawn(async move { dialog.handle(&mut transaction).await.ok() });
    let headers = vec![Header::ContentType("application/sdp".into())];
    media.accept(Some(headers), Some(agreed.answer.clone().into_bytes())).unwrap();

    tokio::spawn(async move {
        let mut sender = RtpSender::new(Ssrc(9), 0, RtpTimestamp(0), agreed.codec.payload_type);
        let payloads = agreed.payloads.clone();
        let mut timeline = Timeline::new(
            TimelineConfig { payloads, ..TimelineConfig::default() },
            MediaTime::from_millis(0),
        );
        let (mut datagram, mut packet, mut packets, mut heard) =
            ([0; 2_048], Vec::new(), 0u64, Heard::default());
        loop {
            tokio::select! {
                received = socket.recv_from(&mut datagram) => {
                    let (length, from) = received.unwrap();
                    // A clock that counts packets: the timeline then holds what was sent and nothing else.
                    let now = MediaTime::from_millis(packets * 20);
                    packets += 1;
                    called.notify_one();
                    timeline.handle(now, now, &RtpPacket::parse(&datagram[..length]).unwrap());
                    sender.audio_packet(&[SAID; 160], &mut packet);
                    socket.send_to(&packet, from).await.unwrap();
                    if matches!(behaviour, Behaviour::HangsUpAfter(limit) if packets >= limit) {
                        media.bye().await.unwrap();
                        break;
                    }
                }
                state = state.recv() => match state {
                    Some(DialogState::Terminated(..)) | None => {
                        heard.said_goodbye = true;
                        break;
                    }
                    Some(_) => {}
                },
            }
        }
        timeline.finish(MediaTime::from_millis(0));
        while let Some(output) = timeline.poll() {
            match output {
                TimelineOutput::Audio(audio) => heard.samples.extend_from_slice(audio.samples),
                TimelineOutput::Silence { samples, .. } => {
                    heard.samples.resize(heard.samples.len() + samples as usize, 0);
                }
                TimelineOutput::Digit { digit, .. } => heard.digits.push(digit.as_char()),
            }
        }
        tell.send(heard).ok();
    });
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
        codecs: vec![Law::Mu, Law::A],
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
        let mut far_end = far_end(Behaviour::HangsUpAfter(40), false).await;
        let script = Script::new(&speech(law), &["5@0.1s".parse().unwrap()]);
        let plan = CallPlan { codecs: vec![law], keep_heard: true, ..plan(&far_end, script) };
        let report = place(plan, CancellationToken::new()).await.unwrap();
        let CallOutcome::Answered { ended_by, media, .. } = &report.calls[0] else { panic!("{report:?}") };
        assert_eq!(*ended_by, EndedBy::FarEnd);
        assert!(media.packets_sent >= 40 && media.packets_received >= 30, "{media:?}");
        assert!(media.heard.contains(&law.decode(SAID)));
        let heard = far_end.heard.recv().await.unwrap();
        assert_eq!(heard.digits, "5");
        // All of it, and silence where the key was down.
        let spoken: Vec<i16> = heard.samples.iter().copied().filter(|sample| sample.abs() > 8).collect();
        let expected: Vec<i16> = speech(law).iter().copied().filter(|sample| sample.abs() > 8).collect();
        assert_eq!(spoken, expected, "{law:?}");
        assert_eq!(heard.samples[..800], speech(law)[..800]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_hang_up_by_themselves() {
    let mut far_end = far_end(Behaviour::Stays, false).await;
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
        let heard = far_end.heard.recv().await.unwrap();
        assert!(heard.said_goodbye);
        assert_eq!(heard.samples[..2_400], speech(Law::Mu));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_by_tcp_ends_from_either_side() {
    let mut far_end = far_end(Behaviour::HangsUpAfter(10), true).await;
    let mut by_tcp = plan(&far_end, Script::new(&[], &[]));
    by_tcp.target.tcp = true;
    let report = place(by_tcp, CancellationToken::new()).await.unwrap();
    assert!(matches!(report.calls[0], CallOutcome::Answered { ended_by: EndedBy::FarEnd, .. }), "{report:?}");
    assert!(far_end.heard.recv().await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_by_their_status() {
    for (status, exit) in
        [(404, crate::Exit::NotFound), (503, crate::Exit::Unavailable), (486, crate::Exit::Conflict)]
    {
        let far_end = far_end(Behaviour::Refuses(status), false).await;
        let report = place(plan(&far_end, Script::new(&[], &[])), CancellationToken::new()).await.unwrap();
        let error = report.first_failure().unwrap();
        assert!(matches!(error, CallError::Refused { status: told, .. } if *told == status), "{error:?}");
        assert_eq!(crate::ClientError::from(error.clone()).exit(), exit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_says_goodbye() {
    let mut far_end = far_end(Behaviour::Stays, false).await;
    let stop = CancellationToken::new();
    let plan = plan(&far_end, Script::new(&speech(Law::Mu), &[]));
    let call = tokio::spawn(place(plan, stop.clone()));
    far_end.called.notified().await;
    stop.cancel();
    let report = call.await.unwrap().unwrap();
    assert!(report.was_interrupted() && report.answered() == 1, "{report:?}");
    assert!(far_end.heard.recv().await.unwrap().said_goodbye);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_far_end_is_given_up_when_interrupted() {
    let far_end = far_end(Behaviour::IsDead, false).await;
    let stop = CancellationToken::new();
    let call = tokio::spawn(place(plan(&far_end, Script::new(&[], &[])), stop.clone()));
    far_end.called.notified().await;
    stop.cancel();
    let report = call.await.unwrap().unwrap();
    assert_eq!(report.calls, [CallOutcome::Failed(CallError::Interrupted)]);
}
