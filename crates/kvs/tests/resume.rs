//! A producer whose connection breaks, again and again: readers get each frame once, save whole fragments whose
//! acknowledgement the cut swallowed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, unreachable_pub, reason = "tests only")]

#[path = "resume/listener.rs"]
mod listener;
#[path = "resume/producer.rs"]
mod producer;
mod support;

use listener::{Done, entries, later, live};
use producer::{Entry, Fragment, Habits, Random, Upload, now_ms};
use std::time::Duration;
use support::{Bench, bench_with, events, head, tag};
use tympan_kvs::{AckEvent, AcksTold, BodyEnd, TimecodeType};
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

/// A window that no test outlasts, and one that any does.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(1);

fn windowed(window: Duration) -> Bench {
    bench_with(|options| {
        options.put_media_resume = window;
        options.get_media_idle = Duration::from_millis(200);
    })
}

fn sequenced(window: Duration) -> Bench {
    bench_with(|options| options.put_media_resume = window)
}

fn habits() -> Habits {
    Habits { relative: false, known_size: false, tagged: true, end_tag: false }
}

fn whole(fragment: &Fragment) -> Entry {
    Entry { frames: fragment.frames.clone() }
}

fn part(fragment: &Fragment, frames: usize) -> Entry {
    Entry { frames: fragment.frames[..frames].to_vec() }
}

async fn none_waits(bench: &Bench) {
    while bench.service.cut_fragments().waiting > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An upload that is cut after so many frames of its only fragment.
async fn cut_after(bench: &Bench, fragment: &Fragment, frames: usize) {
    let mut upload = Upload::open(bench, habits(), fragment.time_ms).await;
    for piece in &upload.pieces(fragment)[..frames] {
        upload.session.push(piece);
    }
    // And half a frame, which belongs to no reader.
    let pieces = upload.pieces(fragment);
    if let Some(next) = pieces.get(frames) {
        upload.session.push(&next[..next.len() / 2]);
    }
    upload.session.finish(BodyEnd::Lost);
    let told = events(&support::acks(&mut upload.session).await);
    assert_eq!(told, ["BUFFERING"], "a part is never acknowledged");
}

async fn send(bench: &Bench, fragments: &[&Fragment]) -> Vec<tympan_kvs::Ack> {
    let mut upload = Upload::open(bench, habits(), fragments[0].time_ms).await;
    for fragment in fragments {
        for piece in upload.pieces(fragment) {
            upload.session.push(&piece);
        }
    }
    upload.session.finish(BodyEnd::Ended);
    support::acks(&mut upload.session).await
}

fn fragment(bench: &Bench, seed: u64) -> Fragment {
    let mut fragment = Fragment::random(&mut Random::new(seed), now_ms(bench), habits());
    while fragment.frames.len() < 4 {
        fragment.frames.push(vec![seed as u8; 9]);
    }
    fragment
}

#[tokio::test]
async fn a_fragment_that_was_cut_off_is_continued_under_its_number_when_it_is_sent_again() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let sent = fragment(&bench, 1);
    let done = Done::default();
    done.with(1);
    let reader = live(&bench, &done);
    cut_after(&bench, &sent, 2).await;
    assert!(bench.stored("s").await.is_empty(), "it is in no list");
    let acks = send(&bench, &[&sent]).await;
    assert_eq!(events(&acks), ["BUFFERING", "RECEIVED", "PERSISTED"]);
    assert!(acks.iter().all(|ack| ack.number.is_some_and(|number| number.sequence() == 1)));
    for heard in [reader.await.unwrap(), later(&bench).await] {
        assert_eq!(entries(&heard), [whole(&sent)]);
        assert_eq!(heard[0].number, acks[0].number.unwrap().to_string());
    }
    assert_eq!(bench.service.cut_fragments().resumed, 1);
}

#[tokio::test]
async fn what_nobody_continues_is_sealed_as_it_stands_when_the_time_is_over() {
    for (window, known_size) in [(SHORT, false), (SHORT, true), (Duration::ZERO, false)] {
        let bench = windowed(window);
        bench.create("s", 24).await;
        let mut sent = fragment(&bench, 2);
        let mut upload = Upload::open(&bench, habits(), sent.time_ms).await;
        if known_size {
            sent = Fragment::random(&mut Random::new(2), sent.time_ms, Habits { known_size, ..habits() });
        }
        for piece in &upload.pieces(&sent)[..1] {
            upload.session.push(piece);
        }
        upload.session.finish(BodyEnd::Lost);
        none_waits(&bench).await;
        assert_eq!(bench.stored_soon("s", 1).await, 1);
        assert_eq!(entries(&later(&bench).await), [part(&sent, 1)], "also where its Cluster says its size");
        // The producer comes too late: at least once.
        send(&bench, &[&sent]).await;
        assert_eq!(entries(&later(&bench).await), [part(&sent, 1), whole(&sent)]);
    }
}

#[tokio::test]
async fn at_the_first_difference_the_old_one_is_sealed_and_the_new_one_stored_whole() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let sent = fragment(&bench, 3);
    let mut other = sent.clone();
    other.frames[1][0] ^= 1;
    cut_after(&bench, &sent, 3).await;
    let acks = send(&bench, &[&other]).await;
    let last = acks.last().unwrap();
    assert_eq!((last.event, last.number.map(|number| number.sequence())), (AckEvent::Persisted, Some(1001)));
    assert_eq!(bench.stored_soon("s", 2).await, 2);
    assert_eq!(entries(&later(&bench).await), [part(&sent, 3), whole(&other)]);
}

#[tokio::test]
async fn another_producer_of_the_stream_ends_nobodys_fragment() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let (mine, theirs) = (fragment(&bench, 4), fragment(&bench, 5));
    let mut upload = Upload::open(&bench, habits(), mine.time_ms).await;
    let pieces = upload.pieces(&mine);
    upload.session.push(&pieces[0]);
    send(&bench, &[&theirs]).await;
    assert!(!upload.session.failed(), "one that is connected goes on");
    upload.session.push(&pieces[1]);
    upload.session.finish(BodyEnd::Lost);
    let second = fragment(&bench, 6);
    send(&bench, &[&second]).await;
    send(&bench, &[&mine]).await;
    assert_eq!(entries(&later(&bench).await), [whole(&mine), whole(&theirs), whole(&second)]);
}

#[tokio::test]
async fn a_connection_that_still_looks_alive_ends_when_its_fragment_comes_again() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let sent = fragment(&bench, 7);
    let mut half_open = Upload::open(&bench, habits(), sent.time_ms).await;
    let pieces = half_open.pieces(&sent);
    half_open.session.push(&pieces[..2].concat());
    send(&bench, &[&sent]).await;
    assert!(half_open.session.failed());
    half_open.session.push(&pieces[2..].concat());
    half_open.session.finish(BodyEnd::Ended);
    assert_eq!(events(&support::acks(&mut half_open.session).await), ["BUFFERING"]);
    assert_eq!(entries(&later(&bench).await), [whole(&sent)]);
}

#[tokio::test]
async fn a_server_that_stops_ends_uploads_between_fragments_and_takes_back_what_will_come_again() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let (first, mut second) = (fragment(&bench, 8), fragment(&bench, 9));
    second.time_ms += 1_000;
    let mut upload = Upload::open(&bench, habits(), first.time_ms).await;
    let pieces = upload.pieces(&first);
    upload.session.push(&pieces[0]);
    upload.session.end_soon();
    upload.session.push(&[pieces[1..].concat(), upload.pieces(&second).concat()].concat());
    let told = events(&support::acks(&mut upload.session).await);
    assert_eq!(told, ["BUFFERING", "RECEIVED", "PERSISTED", "ERROR 4003"]);

    for (acks, kept) in [(AcksTold::Every, 1), (AcksTold::None, 2)] {
        let request = tympan_kvs::PutMediaRequest { acks, ..support::request("s", TimecodeType::Absolute) };
        let mut session = bench.service.put_media(&support::caller(), request).await.unwrap();
        session.push(&[head(&["a"]), second.pieces(second.time_ms as u64)[0].clone()].concat());
        session.end_soon();
        session.finish(BodyEnd::Stopped);
        assert_eq!(bench.stored_soon("s", kept).await, kept, "acks: {acks:?}");
    }
    // And so does one that waits.
    cut_after(&bench, &fragment(&bench, 10), 1).await;
    bench.service.stop();
    none_waits(&bench).await;
    assert_eq!((bench.stored_soon("s", 2).await, bench.service.cut_fragments().taken_back), (2, 2));
}

#[tokio::test]
async fn a_body_that_ends_in_good_order_within_an_element_is_an_error_and_a_lost_one_is_not() {
    for (end, expected) in
        [(BodyEnd::Ended, &["BUFFERING", "ERROR 4006"][..]), (BodyEnd::Lost, &["BUFFERING"])]
    {
        let bench = windowed(SHORT);
        bench.create("s", 24).await;
        let sent = fragment(&bench, 11);
        let mut upload = Upload::open(&bench, habits(), sent.time_ms).await;
        let pieces = upload.pieces(&sent);
        upload.session.push(&pieces[0]);
        upload.session.push(&pieces[1][..10]);
        upload.session.finish(end);
        assert_eq!(events(&support::acks(&mut upload.session).await), expected);
    }
}

#[tokio::test]
async fn persisted_goes_by_the_retention_at_the_end_of_the_fragment() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    let mut session = bench.put("s", TimecodeType::Absolute).await;
    session.push(&head(&["a"]));
    let mut told = Vec::new();
    for (at, change) in
        [(0, None), (1, Some("DECREASE_DATA_RETENTION")), (2, Some("INCREASE_DATA_RETENTION"))]
    {
        if let Some(operation) = change {
            let described =
                bench.call("/describeStream", serde_json::json!({"StreamName": "s"})).await.unwrap();
            let version = described["StreamInfo"]["Version"].clone();
            let request = serde_json::json!({"StreamName": "s", "CurrentVersion": version,
                "Operation": operation, "DataRetentionChangeInHours": 24});
            bench.call("/updateDataRetention", request).await.unwrap();
        }
        let end = tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", "");
        session.push(&[support::cluster(at * 1_000, &[1], &[0]), end].concat());
    }
    session.finish(BodyEnd::Ended);
    for ack in support::acks(&mut session).await {
        if ack.event == AckEvent::Persisted {
            told.push(ack.timecode.unwrap());
        }
    }
    assert_eq!(told, [0, 2_000]);
}

#[tokio::test]
async fn so_many_cut_fragments_wait_and_no_more() {
    let bench = windowed(LONG);
    bench.create("s", 24).await;
    for seed in 0..12 {
        cut_after(&bench, &fragment(&bench, 100 + seed), 1).await;
    }
    let counts = bench.service.cut_fragments();
    assert_eq!((counts.waiting, counts.refused, counts.sealed), (8, 4, 4), "{counts:?}");
}

/// The frames of a recorded body.
#[derive(Default)]
struct Frames(Vec<Vec<u8>>);

impl FragmentSink for Frames {
    fn block(&mut self, block: BlockHeader, payload: &[u8], _last: bool) {
        if block.first {
            self.0.push(Vec::new());
        }
        self.0.last_mut().unwrap().extend_from_slice(payload);
    }
}

#[tokio::test]
async fn what_kvssink_sent_survives_a_cut_anywhere() {
    let recording = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/putmedia/kvssink-alaw-absolute.mkv"
    ))
    .unwrap();
    let mut sent = Frames::default();
    FragmentReader::new(Limits::default()).push(&recording, &mut sent).unwrap();
    let clusters: Vec<usize> =
        (0..recording.len()).filter(|&at| recording[at..].starts_with(b"\x1f\x43\xb6\x75")).collect();
    for cut in (clusters[0] + 400..recording.len()).step_by(1_511) {
        let bench = windowed(LONG);
        bench.create("s", 24).await;
        let mut first = bench.put("s", TimecodeType::Absolute).await;
        first.push(&recording[..cut]);
        first.finish(BodyEnd::Lost);
        // Every whole fragment was acknowledged: the SDK goes on with the one that was cut.
        let from = clusters.iter().rev().find(|&&at| at < cut).unwrap();
        let mut second = bench.put("s", TimecodeType::Absolute).await;
        second.push(&[&recording[..clusters[0]], &recording[*from..]].concat());
        second.finish(BodyEnd::Ended);
        assert!(!events(&support::acks(&mut second).await).iter().any(|event| event.starts_with("ERROR")));
        let heard: Vec<Vec<u8>> =
            entries(&later(&bench).await).into_iter().flat_map(|entry| entry.frames).collect();
        assert!(heard == sent.0, "cut at {cut}: {} of {} frames", heard.len(), sent.0.len());
    }
}

/// What happens to an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The connection breaks, or nothing comes for too long.
    Cut,
    /// It breaks within a frame.
    CutInFrame,
    /// It still looks alive when the next one begins.
    HalfOpen,
    /// The server stops, or its process is killed: what is open is lost.
    Restart,
}

/// A random producer, and what its stream must hold.
struct Script {
    bench: Bench,
    random: Random,
    habits: Habits,
    retained: bool,
    for_good: bool,
    fragments: Vec<Fragment>,
    expected: Vec<Entry>,
    /// Open in the stream without an upload that sends it: its place among the expected, and which it is.
    waiting: Vec<(usize, usize)>,
    /// Sent just now, and whether an earlier upload began it.
    current: Option<(usize, usize, bool)>,
}

impl Script {
    async fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let habits = Habits {
            relative: random.one_in(2),
            known_size: random.one_in(2),
            tagged: random.one_in(2),
            end_tag: random.one_in(2),
        };
        let (retained, for_good) = (!random.one_in(4), random.one_in(8));
        let bench = sequenced(if for_good { SHORT } else { LONG });
        bench.create("s", if retained { 24 } else { 0 }).await;
        let begin_ms = now_ms(&bench) + random.below(1_000) as i64;
        let fragments = (0..3 + random.below(3))
            .map(|at| Fragment::random(&mut random, begin_ms + 2_007 * at as i64, habits))
            .collect();
        let (expected, waiting, current) = (Vec::new(), Vec::new(), None);
        Self { bench, random, habits, retained, for_good, fragments, expected, waiting, current }
    }

    /// Pushes a piece of a fragment.
    fn push(&mut self, upload: &mut Upload, at: usize, index: usize, piece: &[u8]) {
        upload.session.push(piece);
        if index == 0 {
            self.current = Some(match self.waiting.iter().position(|(_, which)| *which == at) {
                Some(waiting) => {
                    let (place, which) = self.waiting.remove(waiting);
                    (place, which, true)
                }
                None => {
                    self.expected.push(part(&self.fragments[at], 0));
                    (self.expected.len() - 1, at, false)
                }
            });
        }
        let Some((place, ..)) = self.current else { return };
        let fragment = &self.fragments[at];
        let frames = (index + 1).min(fragment.frames.len()).max(self.expected[place].frames.len());
        self.expected[place] = part(fragment, frames);
        let last = fragment.frames.len() + usize::from(self.habits.tagged || self.habits.end_tag) - 1;
        if index == last && self.habits.end_tag {
            self.current = None;
        }
    }

    /// Sends from one fragment on, to the end or to a trouble. Returns the fragment from which it would go on.
    async fn upload(&mut self, upload: &mut Upload, from: usize, trouble: bool) -> (usize, Option<Fate>) {
        let trouble_at =
            trouble.then(|| from + self.random.below((self.fragments.len() - from) as u64) as usize);
        let swallowed = trouble && self.random.one_in(3);
        let mut acked = from;
        for at in from..self.fragments.len() {
            let pieces = upload.pieces(&self.fragments[at]);
            let stop_at =
                (trouble_at == Some(at)).then(|| self.random.below(pieces.len() as u64 + 1) as usize);
            for (index, piece) in pieces.iter().enumerate() {
                if stop_at == Some(index) {
                    let fate = pick(&mut self.random, self.for_good);
                    if fate == Fate::CutInFrame {
                        upload.session.push(&piece[..piece.len() / 2]);
                        if index == 0 {
                            // The Cluster that begins has ended the fragment before.
                            self.current = None;
                        }
                    }
                    return (acked, Some(fate));
                }
                self.push(upload, at, index, piece);
            }
            if stop_at == Some(pieces.len()) {
                return (acked, Some(pick(&mut self.random, self.for_good)));
            }
            // A fragment is reported once it has ended: by its tag, or by the next one.
            let ended = at - from + usize::from(self.habits.end_tag);
            if !swallowed {
                upload.read_acks(ended, if self.retained { ended } else { 0 }).await;
                acked = from + ended;
            }
        }
        (acked, None)
    }

    /// What becomes of an upload that did not end; one that looks alive is given back.
    async fn suffer(&mut self, mut upload: Upload, fate: Fate, acked: usize) -> Option<Upload> {
        let current = self.current.take();
        match (fate, current) {
            (Fate::Restart, Some((place, _, false))) => {
                upload.session.finish(BodyEnd::Stopped);
                self.expected.remove(place);
                for (waiting, _) in &mut self.waiting {
                    *waiting -= usize::from(*waiting > place);
                }
                return None;
            }
            // What it has open is the first thing that comes again.
            (Fate::HalfOpen, Some((place, which, _))) if which == acked => {
                self.waiting.push((place, which));
                return Some(upload);
            }
            (_, Some((place, which, _))) => self.waiting.push((place, which)),
            (_, None) => {}
        }
        upload.session.finish(BodyEnd::Lost);
        if self.for_good {
            none_waits(&self.bench).await;
            self.waiting.clear();
        }
        None
    }

    /// Plays it. Returns what readers were given: one that was there, and one that came later.
    async fn play(&mut self) -> [Vec<Entry>; 2] {
        let done = Done::default();
        let reader = live(&self.bench, &done);
        let (mut half_open, mut next, mut troubles) = (Vec::new(), 0, 1 + self.random.below(4));
        loop {
            let mut upload = Upload::open(&self.bench, self.habits, self.fragments[next].time_ms).await;
            let (acked, fate) = self.upload(&mut upload, next, troubles > 0).await;
            let Some(fate) = fate else {
                half_open.clear();
                none_waits(&self.bench).await;
                done.with(self.expected.len());
                upload.end().await;
                let heard = tokio::time::timeout(Duration::from_secs(90), reader).await;
                let heard = heard.expect("the reader that was there hears all of it").unwrap();
                return [entries(&heard), entries(&later(&self.bench).await)];
            };
            troubles -= 1;
            half_open.extend(self.suffer(upload, fate, acked).await);
            next = acked;
        }
    }
}

fn pick(random: &mut Random, for_good: bool) -> Fate {
    match random.below(4) {
        0 => Fate::Cut,
        1 => Fate::CutInFrame,
        2 if !for_good => Fate::HalfOpen,
        _ => Fate::Restart,
    }
}

#[tokio::test]
async fn every_reader_gets_each_frame_once_whatever_happens_to_the_producer() {
    let count: u64 =
        std::env::var("TYMPAN_RESUME_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(40);
    let fresh = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed: u64 =
        std::env::var("TYMPAN_RESUME_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(fresh);
    eprintln!(
        "seed {seed}: TYMPAN_RESUME_SEED repeats it, TYMPAN_RESUME_SEQUENCES asks for more than {count}"
    );
    for index in 0..count {
        let mut script = Script::new(seed.wrapping_add(index)).await;
        let [live, later] = script.play().await;
        assert_eq!(later, script.expected, "a later reader, sequence {index} of seed {seed}");
        assert_eq!(live, script.expected, "a live reader, sequence {index} of seed {seed}");
    }
}
