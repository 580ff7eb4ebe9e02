//! What callers' packets make of a capture: its length is the call's, and what was said is in it.

use anyhow::{Context, ensure};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech};
use tympan_e2e::flow::Flow;
use tympan_e2e::office::Office;
use tympan_e2e::phone::{FRAME, Phone};
use tympan_e2e::raw_peer::{RawCall, RawPeer};

const NUMBER: &str = "+18005550123";
/// What a busy machine may add to a call before and after the caller speaks.
const SLACK: Duration = Duration::from_secs(4);

/// A call that is being captured.
struct Captured {
    office: Office,
    peer: RawPeer,
    call: RawCall,
    phone: Phone,
    began: Instant,
}

impl Captured {
    fn begin(mut office: Office) -> anyhow::Result<Self> {
        office.answer(NUMBER, Flow::of_capture())?;
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut phone = Phone::new()?;
        let mut call = peer.new_call(NUMBER);
        let offer = peer.sdp(phone.port()?, "0 101");
        let began = Instant::now();
        let answer = peer.invite(&mut call, "", &offer)?;
        let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
        office.await_block("start", "Success")?;
        phone.speak_to((office.server.sip().ip(), port).into());
        Ok(Self { office, peer, call, phone, began })
    }

    /// Hangs up; gives the samples that were captured, and how long the call was.
    fn end(mut self) -> anyhow::Result<(Vec<i16>, Duration)> {
        self.peer.hang_up(&mut self.call)?;
        let lasted = self.began.elapsed();
        let record = self.office.record()?;
        Ok((self.office.heard(&record)?.samples, lasted))
    }
}

fn speech(office: &Office, seed: u64, seconds: usize) -> anyhow::Result<(Vec<u8>, Vec<i16>)> {
    let speech = Speech::unique(office.folder(), seed, seconds, Law::Mu)?;
    Ok((std::fs::read(&speech.file)?, speech.samples))
}

/// Everything said is there, in order, with nothing but silence in between; and the capture is no longer than the call.
fn is_whole_and_no_longer_than(captured: &[i16], said: &[i16], lasted: Duration) -> anyhow::Result<()> {
    let spoken: Vec<i16> = captured.iter().copied().filter(|sample| *sample != 0).collect();
    ensure!(spoken == said, "{} of {} samples are there, or others", spoken.len(), said.len());
    let seconds = captured.len() as f64 / 8_000.0;
    ensure!(seconds <= (lasted + SLACK).as_secs_f64(), "{seconds} s were captured of a call of {lasted:?}");
    Ok(())
}

#[test]
fn timestamps_that_jump_ahead_make_no_capture_longer_than_its_call() -> anyhow::Result<()> {
    let office = Office::open_with_default_grace()?;
    let (bytes, said) = speech(&office, 71, 5)?;
    let mut captured = Captured::begin(office)?;
    // Parked and taken up again, by a switch whose clock ran on: each jump is shorter than a long silence.
    for stretch in bytes.chunks(25 * FRAME) {
        captured.phone.say(stretch)?;
        captured.phone.jump(8 * 8_000);
    }
    let (samples, lasted) = captured.end()?;
    is_whole_and_no_longer_than(&samples, &said, lasted)
}

#[test]
fn packets_whose_clock_runs_far_ahead_are_worth_the_time_in_which_they_came() -> anyhow::Result<()> {
    let office = Office::open_with_default_grace()?;
    let (bytes, said) = speech(&office, 72, 5)?;
    let mut captured = Captured::begin(office)?;
    for frame in bytes.chunks(FRAME) {
        captured.phone.say(frame)?;
        captured.phone.jump(9 * 8_000);
    }
    let (samples, lasted) = captured.end()?;
    is_whole_and_no_longer_than(&samples, &said, lasted)
}

#[test]
fn a_packet_of_two_hundred_milliseconds_is_taken_and_one_that_is_cut_is_not() -> anyhow::Result<()> {
    let office = Office::open()?;
    let (bytes, said) = speech(&office, 73, 2)?;
    let mut captured = Captured::begin(office)?;
    // 1,612 bytes: more than an Ethernet frame carries, and whole.
    for packet in bytes.chunks(10 * FRAME) {
        let packet = captured.phone.packet(packet);
        captured.phone.send(&packet)?;
        (0..10).for_each(|_| captured.phone.pace());
    }
    // More than any buffer for a packet holds. Its timestamp is that of a packet which never came.
    let huge = captured.phone.packet(&[0x2A; 6_000]);
    captured.phone.send(&huge)?;
    let office = &captured.office;
    tympan_e2e::until("the cut packet to be counted", || {
        let page = tympan_e2e::control::page(&office.server, "/metrics")?;
        Ok(page
            .lines()
            .any(|line| line.starts_with("tympan_media_truncated_packets_total ") && !line.ends_with(" 0"))
            .then_some(()))
    })?;
    let (samples, lasted) = captured.end()?;
    is_whole_and_no_longer_than(&samples, &said, lasted)
}

#[test]
fn another_port_and_another_source_at_once_lose_a_few_packets_at_most() -> anyhow::Result<()> {
    // None where packets come in time: the latch holds them until it knows their source. It waits for a silence of twice the longest
    // interval of late, so that a stall of this machine costs some. A latch that waits for half a second loses 25.
    const LOST_FRAMES: usize = 15;
    let office = Office::open()?;
    let (bytes, said) = speech(&office, 74, 4)?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut captured = Captured::begin(office)?;
    captured.phone.say(first)?;
    captured.phone.become_another(*b"next")?;
    captured.phone.say(second)?;
    let (samples, _) = captured.end()?;
    let spoken: Vec<i16> = samples.into_iter().filter(|sample| *sample != 0).collect();
    let half = first.len();
    ensure!(spoken.starts_with(&said[..half]), "the first half is not whole");
    let missing = said.len() - spoken.len();
    ensure!(missing <= LOST_FRAMES * FRAME, "{missing} samples after the change are missing");
    ensure!(spoken[half..] == said[half + missing..], "the second half is not whole");
    Ok(())
}

#[test]
fn a_stranger_who_writes_to_the_port_of_a_call_is_not_heard() -> anyhow::Result<()> {
    let office = Office::open()?;
    let (bytes, said) = speech(&office, 75, 3)?;
    let mut captured = Captured::begin(office)?;
    let mut stranger = Phone::new()?;
    stranger.move_to(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66)))?;
    stranger.become_another(*b"fone")?;
    stranger.speak_to(captured.phone.server()?);
    for frame in bytes.chunks(FRAME) {
        let foreign = stranger.packet(&[0x31; FRAME]);
        stranger.send(&foreign)?;
        captured.phone.say(frame)?;
    }
    let (samples, lasted) = captured.end()?;
    is_whole_and_no_longer_than(&samples, &said, lasted)
}
