//! The media session of a leg: a packet to a tap, and a frame of silence out.

use super::counted;
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::time::Duration;
use tympan_media::{Input, Output, Port, Session, SessionSpec, SilenceSending};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::rtp::packet::{RtpTimestamp, Ssrc};
use tympan_telephony::rtp::payload::PayloadMap;
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::sdp::{Agreement, Codec, Direction, StreamAgreement};
use tympan_telephony::words::{MediaCommand, Track};
use tympan_types::{LegId, Mono, TapId, WallTime};

const PEER: &str = "192.0.2.1:4000";

fn session(silence: SilenceSending) -> anyhow::Result<(Session, SocketAddr)> {
    let mut session = Session::new(
        at(0),
        SessionSpec {
            leg: LegId::new(1),
            signalling: None,
            trust: Trust::KnownHosts,
            media_timeout: Some(Duration::from_secs(1_800)),
            silence,
            silence_grace: Duration::from_millis(500),
            ptime_ms: None,
            wall: WallTime::from_unix_ms(1_700_000_000_000),
            random: [7; 32],
        },
    );
    let remote = PEER.parse()?;
    let stream = StreamAgreement {
        local: 0,
        remote,
        remote_rtcp: None,
        rtcp_mux: true,
        codec: Codec { kind: AudioCodec::Pcmu, payload_type: 0 },
        dtmf: Some(101),
        direction: Direction::SendRecv,
        ptime_ms: 20,
        payloads: PayloadMap::g711().with_telephone_event(101),
        label: None,
    };
    let agreement = Box::new(Agreement { streams: vec![Some(stream)] });
    session.handle(at(0), Input::Command(MediaCommand::Negotiate(agreement)));
    Ok((session, remote))
}

/// The beginning of a frame of 20 ms.
fn at(frame: usize) -> Mono {
    Mono::from_micros(frame as u64 * 20_000)
}

pub(super) fn received(packets: usize) -> anyhow::Result<()> {
    let (mut session, from) = session(SilenceSending::Off)?;
    let tap = MediaCommand::OpenTap { tap: TapId::new(1), track: Track::Received };
    session.handle(at(0), Input::Command(tap));
    let mut sender = RtpSender::new(Ssrc(7), 65_000, RtpTimestamp(99), 0);
    let codes: Vec<u8> = (0..packets * 160).map(|index| index as u8).collect();
    let datagrams: Vec<Vec<u8>> = sender.audio_packets(&codes, 160).collect();
    let mut samples = 0;
    while session.poll().is_some() {}
    counted(|| {
        for (index, bytes) in datagrams.iter().enumerate() {
            let arrived = at(index);
            let datagram =
                Input::Datagram { stream: 0, port: Port::Rtp, from, bytes, truncated: false, arrived };
            session.handle(arrived, datagram);
            while let Some(output) = session.poll() {
                if let Output::Frame(frame) = output {
                    samples += frame.payload.samples();
                }
            }
        }
    });
    ensure!(samples == packets as u64 * 160, "{samples} samples of {packets} packets");
    Ok(())
}

pub(super) fn sent(frames: usize) -> anyhow::Result<()> {
    let (mut session, _) = session(SilenceSending::Silence)?;
    let mut sent = 0;
    counted(|| {
        for frame in 0..frames {
            session.handle(at(frame), Input::TimePassed);
            while let Some(output) = session.poll() {
                sent += usize::from(matches!(output, Output::Transmit { bytes, .. } if bytes.len() == 172));
            }
        }
    });
    session.next_deadline().context("the session lives")?;
    ensure!(sent == frames, "{sent} of {frames} frames");
    Ok(())
}
