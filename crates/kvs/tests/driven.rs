//! A PutMedia session without a runtime: each point at which the one with a runtime waits.
#![allow(clippy::unwrap_used, reason = "tests only")]

use tympan_kvs::{
    AckEvent, AcksTold, BodyEnd, CutFragments, KvsOptions, KvsService, Operation, PutMediaInput,
    PutMediaOutput, PutMediaRequest, PutMediaSession, StreamIdentity, TimecodeType,
};
use tympan_mkv::write::{self, FLAG_KEYFRAME, TrackHead};
use tympan_store::simulation::{SimulatedMachine, fragments_of, now_or_never};
use tympan_store::{MediaStore, StoreOptions, StreamId, StreamRef};
use tympan_types::{AccountId, Caller, Mono, Region, StreamName};

struct Node {
    store: MediaStore,
    service: KvsService,
    stream: StreamId,
}

fn node(change: impl FnOnce(&mut KvsOptions)) -> Node {
    let machine = SimulatedMachine::new(1).unwrap();
    let store = machine.start(StoreOptions::default()).unwrap();
    let mut options = KvsOptions::new("http://simulated", machine.clock().clone());
    change(&mut options);
    let service = KvsService::driven(store.clone(), options);
    let body = br#"{"StreamName": "s", "DataRetentionInHours": 1}"#;
    let caller = caller();
    now_or_never(service.call(&caller, Operation::CreateStream, body)).unwrap().unwrap();
    let named = StreamRef::Name { account: &caller.account, region: &caller.region, name: &name() };
    let stream = now_or_never(store.stream(named)).unwrap().unwrap().id;
    Node { store, service, stream }
}

fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "TYMPANDEV".to_owned(),
    }
}

fn name() -> StreamName {
    StreamName::parse("s").unwrap()
}

impl Node {
    fn begin(&self, at: Mono, idle_close: bool) -> PutMediaSession {
        let stream = StreamIdentity::Name(name());
        let timecodes = TimecodeType::Absolute;
        let request = PutMediaRequest { stream, timecodes, acks: AcksTold::Every, idle_close, resumes: true };
        self.service.begin_put_media(at, &caller(), request).unwrap()
    }

    fn stored(&self) -> usize {
        while self.store.commit_one() {}
        fragments_of(&self.store, self.stream).unwrap().len()
    }

    fn fates(&self) -> (u64, u64, u64, u64) {
        let CutFragments { waiting, resumed, sealed, taken_back, .. } = self.service.cut_fragments();
        (waiting, resumed, sealed, taken_back)
    }
}

/// A document with these Clusters, a block of 20 ms in each.
fn body(timecodes: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    write::DocumentHead::connect([7; 16], &[TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")]).write(&mut out);
    for timecode in timecodes {
        write::cluster_start(&mut out, *timecode);
        write::simple_block(&mut out, 1, 0, FLAG_KEYFRAME, &[1; 320]);
    }
    out
}

fn ms(ms: u64) -> Mono {
    Mono::from_millis(ms)
}

fn told(session: &mut PutMediaSession, now: Mono) -> Vec<Option<AckEvent>> {
    let mut told = Vec::new();
    while let Some(output) = session.poll(now) {
        told.push(match output {
            PutMediaOutput::Ack(ack) => Some(ack.event),
            PutMediaOutput::Closed => None,
        });
    }
    told
}

#[test]
fn persisted_is_told_after_the_commit_and_closed_once_at_the_end() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(1), PutMediaInput::Bytes(&body(&[1_000, 2_000])));
    session.handle(ms(2), PutMediaInput::End(BodyEnd::Finished));
    let received = [AckEvent::Buffering, AckEvent::Received, AckEvent::Buffering, AckEvent::Received];
    assert_eq!(told(&mut session, ms(2)), received.map(Some));
    assert!(node.store.commit_one() && !node.store.commit_one(), "one group of both");
    assert_eq!(told(&mut session, ms(3)), [Some(AckEvent::Persisted), Some(AckEvent::Persisted), None]);
    assert_eq!((session.poll(ms(4)), session.next_deadline()), (None, None));
}

#[test]
fn silence_is_told_at_its_deadline_and_closes_the_session_at_the_last() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(1_000), PutMediaInput::Bytes(&body(&[])));
    let mut idles = Vec::new();
    loop {
        let deadline = session.next_deadline().unwrap();
        assert_eq!(session.poll(Mono::from_nanos(deadline.as_nanos() - 1)), None, "not before");
        match told(&mut session, deadline)[..] {
            [Some(AckEvent::Idle)] => idles.push(deadline),
            [None] => {
                assert_eq!(deadline, ms(31_000));
                break;
            }
            ref other => panic!("{other:?} at {deadline:?}"),
        }
    }
    assert_eq!(idles, [6_000, 11_000, 16_000, 21_000, 26_000].map(ms));
    assert!(session.failed());
    assert_eq!(node.begin(ms(40_000), false).next_deadline(), None, "a capture is never idle");
}

#[test]
fn a_session_that_had_its_share_is_ready_again_at_its_deadline() {
    let node = node(|options| options.limits.put_media_bytes_per_s = Some(100));
    let mut session = node.begin(ms(0), false);
    assert!(session.is_ready(ms(0)));
    let body = body(&[1_000]);
    session.handle(ms(0), PutMediaInput::Bytes(&body));
    assert!(!session.is_ready(ms(0)));
    let deadline = session.next_deadline().unwrap();
    assert_eq!(deadline, ms(body.len() as u64 * 10 - 1_000));
    assert!(!session.is_ready(Mono::from_nanos(deadline.as_nanos() - 1)));
    assert!(session.is_ready(deadline));
    assert_eq!(session.next_deadline(), None);
}

#[test]
fn a_session_is_not_ready_while_too_many_acks_wait() {
    let node = node(|options| options.limits.waiting_acks = 4);
    let mut session = node.begin(ms(0), true);
    let timecodes: Vec<u64> = (1..=5).map(|second| second * 1_000).collect();
    session.handle(ms(0), PutMediaInput::Bytes(&body(&timecodes)));
    assert!(!session.is_ready(ms(1)), "four fragments wait for the disk");
    // The producer is held back, so its silence is not told.
    assert_eq!(told(&mut session, ms(6_000)).last(), Some(&Some(AckEvent::Buffering)));
    node.store.commit_one();
    assert!(session.is_ready(ms(6_000)), "the client has read its acks");
}

#[test]
fn a_cut_fragment_is_sealed_at_its_deadline_by_a_turn() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(500), PutMediaInput::Bytes(&body(&[1_000])));
    session.handle(ms(1_000), PutMediaInput::End(BodyEnd::Lost));
    assert_eq!((node.service.next_deadline(), node.fates()), (Some(ms(11_000)), (1, 0, 0, 0)));
    node.service.turn(ms(10_999));
    assert_eq!((node.stored(), node.fates()), (0, (1, 0, 0, 0)));
    node.service.turn(ms(11_000));
    assert_eq!((node.stored(), node.fates()), (1, (0, 0, 1, 0)));
    assert_eq!(node.service.next_deadline(), None);
}

#[test]
fn a_cut_fragment_is_continued_by_the_upload_that_sends_it_again() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(500), PutMediaInput::Bytes(&body(&[1_000])));
    drop(session);
    let mut again = node.begin(ms(2_000), true);
    again.handle(ms(2_000), PutMediaInput::Bytes(&body(&[1_000])));
    again.handle(ms(2_000), PutMediaInput::End(BodyEnd::Finished));
    node.service.turn(ms(2_000));
    assert_eq!((node.stored(), node.fates()), (1, (0, 1, 0, 0)));
    assert_eq!(told(&mut again, ms(2_001)).last(), Some(&None));
}

#[test]
fn a_service_that_stops_takes_back_what_its_producer_will_send_again() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(0), PutMediaInput::Bytes(&body(&[1_000])));
    session.handle(ms(0), PutMediaInput::End(BodyEnd::Lost));
    let mut other = node.begin(ms(0), true);
    other.handle(ms(0), PutMediaInput::Bytes(&body(&[9_000])));
    other.handle(ms(0), PutMediaInput::EndSoon);
    node.service.stop();
    assert_eq!((node.stored(), node.fates()), (0, (0, 0, 0, 1)));
    other.handle(ms(1), PutMediaInput::Bytes(&body(&[10_000])[body(&[]).len()..]));
    let ends = told(&mut other, ms(1));
    assert!(matches!(ends[..], [Some(AckEvent::Buffering), Some(AckEvent::Received)]), "{ends:?}");
    node.store.commit_one();
    let ends = told(&mut other, ms(1));
    assert!(matches!(ends[..], [Some(AckEvent::Persisted), Some(AckEvent::Error(_)), None]), "{ends:?}");
}

#[test]
fn a_body_that_cannot_be_trusted_leaves_nothing() {
    let node = node(|_| {});
    let mut session = node.begin(ms(0), true);
    session.handle(ms(0), PutMediaInput::Bytes(&body(&[1_000])));
    session.handle(ms(0), PutMediaInput::BreakOff("its hash is another one"));
    let ends = told(&mut session, ms(0));
    assert!(matches!(ends[..], [Some(AckEvent::Buffering), Some(AckEvent::Error(_)), None]), "{ends:?}");
    assert_eq!(node.stored(), 0);
}

#[test]
fn a_connection_beyond_the_limit_is_refused_at_once() {
    let node = node(|options| options.limits.put_media_connections_per_stream = Some(1));
    let first = node.begin(ms(0), true);
    let stream = StreamIdentity::Name(name());
    let (timecodes, acks) = (TimecodeType::Absolute, AcksTold::Every);
    let request = PutMediaRequest { stream, timecodes, acks, idle_close: true, resumes: true };
    assert!(node.service.begin_put_media(ms(0), &caller(), request).is_err());
    drop(first);
    node.begin(ms(1), true);
}
