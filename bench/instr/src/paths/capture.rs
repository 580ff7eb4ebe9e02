//! From a datagram to a block of Matroska, on the media thread.

use super::counted;
use anyhow::ensure;
use tympan_capture::{Anchor, Cut, Cutter, CutterSpec, TrackProfile};
use tympan_telephony::SampleOffset;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
use tympan_telephony::words::Tracks;
use tympan_types::Mono;
use tympan_types::{ContactId, InstanceId, WallTime};

/// Samples of a frame: 20 ms.
const FRAME_8K: usize = 160;
const FRAME_US: u64 = 20_000;

pub(super) const ANCHOR: Anchor =
    Anchor { at: SampleOffset::ZERO, wall: WallTime::from_unix_ms(1_700_000_000_000) };

pub(super) fn spec() -> anyhow::Result<CutterSpec> {
    Ok(CutterSpec {
        contact: ContactId::parse("00000000-0000-4000-8000-000000000001")?,
        instance: InstanceId::parse("00000000-0000-4000-8000-000000000002")?,
        tracks: Tracks::FROM_CUSTOMER,
        profile: TrackProfile::Current,
        segment_uid: [7; 16],
        has_lead_in: true,
    })
}

pub(super) fn g711_decode(frames: usize) -> anyhow::Result<()> {
    let codes: Vec<u8> = (0..FRAME_8K).map(|index| (index * 7) as u8).collect();
    let mut samples = Vec::with_capacity(FRAME_8K);
    let mut sum = 0_i64;
    counted(|| {
        for _ in 0..frames {
            samples.clear();
            Law::Mu.decode_into(std::hint::black_box(&codes), &mut samples);
            sum += samples.len() as i64;
        }
    });
    ensure!(sum == (frames * FRAME_8K) as i64);
    Ok(())
}

pub(super) fn rtp_to_block(packets: usize) -> anyhow::Result<()> {
    let mut sender = RtpSender::new(Ssrc(7), 65_000, RtpTimestamp(99), 0);
    let datagrams: Vec<Vec<u8>> = (0..packets)
        .map(|index| {
            let mut datagram = Vec::new();
            sender.audio_packet(&[index as u8; FRAME_8K], &mut datagram);
            datagram
        })
        .collect();
    let at = |index: usize| Mono::from_micros(index as u64 * FRAME_US);
    let mut timeline = Timeline::new(TimelineConfig::default(), at(0));
    let mut cutter = Cutter::new(&spec()?, ANCHOR);
    let mut out = Cut::default();
    cutter.open(&mut out);
    let mut refused = 0;
    counted(|| {
        for (index, datagram) in datagrams.iter().enumerate() {
            match RtpPacket::parse(datagram) {
                Ok(packet) => timeline.handle(at(index), at(index), &packet),
                Err(_) => refused += 1,
            }
            while let Some(output) = timeline.poll() {
                if let TimelineOutput::Audio(audio) = output {
                    cutter.received(audio.at, audio.payload, &mut out);
                }
            }
            // Handed on, as the capture does.
            out.clear();
        }
    });
    ensure!(refused == 0 && cutter.stats().ledger.samples() == (packets * FRAME_8K) as u64);
    Ok(())
}
