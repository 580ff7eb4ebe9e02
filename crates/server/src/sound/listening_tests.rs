//! A listener to captures that a test writes.

use super::*;
use crate::sound::ListenerPlaces;
use crate::sound::testing::{BEGAN_MS, Session, Stage, contact};
use SoundTrack::{FromCustomer, ToCustomer};
use tympan_contact::DisconnectReason;
use tympan_types::{ContactId, WallTime};

struct Bench {
    stage: Stage,
    contact: watch::Sender<Arc<Contact>>,
    places: ListenerPlaces,
}

impl Bench {
    async fn new(retention_hours: u32) -> Self {
        let stage = Stage::new(retention_hours).await;
        let contact = watch::Sender::new(Arc::new(contact(Vec::new())));
        Self { stage, contact, places: ListenerPlaces::new(4) }
    }

    fn change(&self, change: impl FnOnce(&mut Contact)) {
        self.contact.send_modify(|contact| change(Arc::make_mut(contact)));
    }

    /// The newest capture is stopped after this fragment.
    fn stop(&self, last: FragmentNumber) {
        self.change(|contact| {
            let audio = contact.captures.last_mut().unwrap();
            audio.stop_timestamp = Some(audio.start_timestamp);
            audio.stop_fragment_number = Some(last);
        });
    }

    fn disconnect(&self) {
        self.change(|contact| {
            contact.disconnect_timestamp = Some(contact.initiation_timestamp);
            contact.disconnect_reason = Some(DisconnectReason::CustomerDisconnect);
        });
    }

    /// A capture begins at this time.
    async fn start(&self, uid: u8, began_ms: i64, tracks: &[SoundTrack]) -> Session {
        let mut session = self.stage.session(uid, tracks).await;
        let lead_in = session.lead_in(began_ms).await;
        let audio = self.stage.capture(began_ms, lead_in);
        self.change(|contact| contact.captures.push(audio));
        session
    }

    async fn listen(&self, tracks: &[SoundTrack]) -> Listening {
        let (store, clock) = (self.stage.store.clone(), self.stage.clock.clone());
        let place = self.places.take().unwrap();
        Listening::open(store, clock, self.contact.subscribe(), tracks.to_vec(), place).await.unwrap()
    }
}

async fn next(listening: &mut Listening) -> Heard {
    tokio::time::timeout(Duration::from_secs(20), listening.next()).await.unwrap()
}

async fn text(listening: &mut Listening) -> Value {
    match next(listening).await {
        Heard::Text(text) | Heard::End(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn sound(listening: &mut Listening) -> SoundFrame {
    match next(listening).await {
        Heard::Sound(frame) => frame,
        other => panic!("{other:?}"),
    }
}

fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// A block of which no other is the same.
fn block(n: i16) -> [i16; 160] {
    std::array::from_fn(|at| 200 * n + at as i16)
}

#[test]
fn a_frame_goes_out_as_it_is_documented() {
    let frame = SoundFrame { track: 1, after_hole: true, position: 258, arrived_us: -2, pcm: pcm(&[1, -2]) };
    let expected = [
        &[1u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2][..],
        &(-2i64).to_be_bytes(),
        &5i64.to_be_bytes(),
        &[1, 0, 254, 255],
    ];
    assert_eq!(frame.encode(5), expected.concat());
}

async fn hears_a_call_from_its_middle_over_a_pause_to_its_end(retention_hours: u32) {
    let bench = Bench::new(retention_hours).await;
    let mut session = bench.start(1, BEGAN_MS, &[FromCustomer]).await;
    session.begin(BEGAN_MS);
    session.block(&[&block(1)]);
    session.seal().await;
    let last = session.begin(BEGAN_MS + 20);
    session.block(&[&block(2)]);

    let mut listening = bench.listen(&[ToCustomer, FromCustomer]).await;
    let begin = text(&mut listening).await;
    assert_eq!((&begin["Type"], &begin["SampleRateHz"]), (&json!("Begin"), &json!(8_000)));
    assert_eq!(begin["Tracks"], json!(["AUDIO_TO_CUSTOMER", "AUDIO_FROM_CUSTOMER"]));
    assert_eq!(begin["StartTimestamp"], WallTime::from_unix_ms(BEGAN_MS).rfc3339_ms());
    let frame = sound(&mut listening).await;
    assert_eq!((frame.track, frame.position, frame.after_hole), (1, 160, false));
    assert_eq!(frame.pcm, pcm(&block(2)));
    let server_us = 1_000 * last.server_time().unix_ms();
    assert_eq!(frame.arrived_us, server_us);
    session.block(&[&block(3)]);
    let frame = sound(&mut listening).await;
    assert_eq!((frame.position, frame.arrived_us), (320, server_us + 20_000));

    // What is cut between the Stop block and the end of the upload is heard.
    bench.stop(last);
    session.block(&[&block(4)]);
    session.seal().await;
    session.writer.close(tympan_store::Ending::Finished);
    let frame = sound(&mut listening).await;
    assert_eq!((frame.position, frame.pcm), (480, pcm(&block(4))));
    assert_eq!(text(&mut listening).await["Type"], "Paused");

    let mut session = bench.start(2, BEGAN_MS + 5_000, &[FromCustomer]).await;
    let last = session.begin(BEGAN_MS + 5_000);
    session.block(&[&block(5)]);
    assert_eq!(text(&mut listening).await["Type"], "Resumed");
    let frame = sound(&mut listening).await;
    assert_eq!((frame.position, frame.after_hole, frame.pcm), (40_000, true, pcm(&block(5))));
    bench.stop(last);
    bench.disconnect();
    session.block(&[&block(6)]);
    session.seal().await;
    session.writer.close(tympan_store::Ending::Finished);
    let frame = sound(&mut listening).await;
    assert_eq!((frame.position, frame.after_hole), (40_160, false));
    // The stream goes to another call at once.
    let mut other = bench.stage.session(3, &[FromCustomer]).await;
    other.begin(BEGAN_MS + 6_000);
    other.block(&[&block(7)]);
    assert_eq!(text(&mut listening).await, json!({ "Type": "End", "Reason": "CUSTOMER_DISCONNECT" }));
    assert_eq!(bench.places.counts().open, 1);
    drop(listening);
    assert_eq!(bench.places.counts().open, 0);
}

#[tokio::test]
async fn a_listener_hears_a_call_from_its_middle_over_a_pause_to_its_end() {
    hears_a_call_from_its_middle_over_a_pause_to_its_end(24).await;
}

#[tokio::test]
async fn a_listener_hears_a_stream_without_retention() {
    hears_a_call_from_its_middle_over_a_pause_to_its_end(0).await;
}

#[tokio::test]
async fn a_listener_who_comes_first_learns_where_the_axis_begins_with_the_first_sample() {
    let bench = Bench::new(24).await;
    let mut listening = bench.listen(&[FromCustomer]).await;
    let begin = text(&mut listening).await;
    assert_eq!((&begin["Type"], &begin["StartTimestamp"]), (&json!("Begin"), &Value::Null));
    assert_eq!(text(&mut listening).await["Type"], "Paused");
    let mut session = bench.start(1, BEGAN_MS, &[FromCustomer]).await;
    session.begin(BEGAN_MS + 7);
    session.block(&[&block(1)]);
    let axis = WallTime::from_unix_ms(BEGAN_MS + 7).rfc3339_ms();
    assert_eq!(text(&mut listening).await, json!({ "Type": "Resumed", "StartTimestamp": axis }));
    assert_eq!(sound(&mut listening).await.position, 0);
}

#[tokio::test]
async fn a_capture_that_is_widened_goes_on_without_a_hole_and_with_one_more_track() {
    let bench = Bench::new(24).await;
    let mut session = bench.start(1, BEGAN_MS, &[FromCustomer]).await;
    session.begin(BEGAN_MS);
    session.block(&[&block(1)]);
    let mut listening = bench.listen(&SoundTrack::ALL).await;
    assert_eq!(text(&mut listening).await["Type"], "Begin");
    assert_eq!(sound(&mut listening).await.position, 0);
    session.seal().await;
    session.writer.close(tympan_store::Ending::Finished);
    let mut session = bench.stage.session(2, &SoundTrack::ALL).await;
    session.begin(BEGAN_MS + 20);
    session.block(&[&block(2), &block(3)]);
    let (from, to) = (sound(&mut listening).await, sound(&mut listening).await);
    assert_eq!((from.track, from.position, from.after_hole), (0, 160, false));
    assert_eq!((to.track, to.position, to.pcm), (1, 160, pcm(&block(3))));
}

#[tokio::test]
async fn a_listener_to_a_contact_that_was_transferred_hears_nothing_of_the_next_one() {
    let bench = Bench::new(24).await;
    let mut session = bench.start(1, BEGAN_MS, &[FromCustomer]).await;
    session.begin(BEGAN_MS);
    session.block(&[&block(1)]);
    let mut listening = bench.listen(&[FromCustomer]).await;
    assert_eq!(text(&mut listening).await["Type"], "Begin");
    sound(&mut listening).await;
    let next_contact = ContactId::from_random([9; 16]);
    bench.change(|contact| contact.next_contact_id = Some(next_contact));
    bench.disconnect();
    session.block(&[&block(2)]);
    let end = json!({ "Type": "End", "Reason": "TRANSFERRED", "NextContactId": next_contact });
    assert_eq!(text(&mut listening).await, end);
}

#[tokio::test]
async fn the_end_of_a_call_of_which_nothing_is_captured_and_of_a_stream_are_told() {
    let bench = Bench::new(24).await;
    let mut listening = bench.listen(&[FromCustomer]).await;
    text(&mut listening).await;
    text(&mut listening).await;
    bench.disconnect();
    assert_eq!(text(&mut listening).await["Reason"], "CUSTOMER_DISCONNECT");

    let bench = Bench::new(24).await;
    let mut session = bench.start(1, BEGAN_MS, &[FromCustomer]).await;
    session.begin(BEGAN_MS);
    let mut listening = bench.listen(&[FromCustomer]).await;
    text(&mut listening).await;
    let arn = bench.contact.borrow().captures[0].stream_arn.clone();
    bench.stage.store.delete_stream(tympan_store::StreamRef::Arn(&arn), None).await.unwrap();
    assert_eq!(text(&mut listening).await["Reason"], "STREAM_DELETED");
}
