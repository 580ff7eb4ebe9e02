use super::*;
use crate::conformance;
use crate::embedded::RecoveryReport;
use crate::{Backend, FragmentHead, NewStream, Persisting, StorageTier, StoreError, StreamRef, Writer};
use std::collections::BTreeMap;
use tympan_types::ProducerTime;

#[test]
fn keeps_what_every_backend_promises() {
    conformance::check(&mut || {
        let machine = SimulatedMachine::new(1).unwrap();
        Box::new(move || {
            let backend = machine.backend().unwrap();
            assert_eq!(backend.report(), &RecoveryReport::default());
            Arc::new(backend) as Arc<dyn Backend>
        })
    });
}

#[test]
fn refuses_one_erasure_more_than_may_wait() {
    let machine = SimulatedMachine::new(1).unwrap();
    let open: conformance::Open = Box::new(move || Arc::new(machine.backend().unwrap()) as Arc<dyn Backend>);
    conformance::one_erasure_more_than_may_wait_is_refused(&open);
}

#[test]
fn keeps_what_every_backend_promises_where_each_restart_is_a_power_cut() {
    for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(1), Unsynced::Torn(2)] {
        conformance::check(&mut || {
            let machine = Mutex::new(SimulatedMachine::new(1).unwrap());
            Box::new(move || {
                let mut machine = machine.lock().unwrap();
                machine.restore_power(unsynced);
                let backend = machine.backend().unwrap();
                assert_eq!(backend.report(), &RecoveryReport::default());
                Arc::new(backend) as Arc<dyn Backend>
            })
        });
    }
}

/// A store with a stream and a session of writing.
pub(super) fn started(machine: &SimulatedMachine) -> (MediaStore, Writer) {
    let store = machine.start(StoreOptions::default()).unwrap();
    let like = conformance::stream("s");
    let new = NewStream {
        arn: like.arn,
        device_name: None,
        media_type: None,
        kms_key_id: like.kms_key_id,
        kms_key_arn: None,
        retention_hours: 24,
        storage_tier: StorageTier::Hot,
        tags: BTreeMap::new(),
    };
    let stream = now_or_never(store.create_stream(new, None)).unwrap().unwrap();
    let writer = now_or_never(store.open_writer(stream.id)).unwrap().unwrap();
    (store, writer)
}

pub(super) fn write(writer: &mut Writer, body: &'static str) -> Persisting {
    let producer = ProducerTime::from_unix_ms(1_700_000_000_000);
    writer.begin(FragmentHead { head: "head".into(), producer }).unwrap();
    writer.push(body.into());
    writer.seal(1_000)
}

fn bodies(store: &MediaStore) -> Vec<String> {
    let arn = conformance::stream("s").arn;
    let stream = now_or_never(store.stream(StreamRef::Arn(&arn))).unwrap().unwrap();
    let fragments = fragments_of(store, stream.id).unwrap();
    fragments.iter().map(|fragment| String::from_utf8(fragment.body.to_vec()).unwrap()).collect()
}

fn after_a_power_cut(mut machine: SimulatedMachine, dead: (MediaStore, Writer)) -> Vec<String> {
    drop(dead);
    machine.restore_power(Unsynced::Lost);
    bodies(&machine.start(StoreOptions::default()).unwrap())
}

#[test]
fn a_promise_is_kept_by_commit_one_and_by_nothing_before() {
    let machine = SimulatedMachine::new(1).unwrap();
    let (store, mut writer) = started(&machine);
    assert!(!store.has_to_commit() && !store.commit_one());
    let mut promise = write(&mut writer, "one");
    assert!(store.has_to_commit());
    assert_eq!(now_or_never(&mut promise), None);
    assert!(store.commit_one() && !store.has_to_commit());
    assert_eq!(now_or_never(&mut promise), Some(Ok(())));
    drop(write(&mut writer, "two"));
    machine.cut_power();
    assert_eq!(after_a_power_cut(machine, (store, writer)), ["one"]);
}

#[test]
fn a_group_of_which_the_power_took_the_answer_was_not_promised_and_may_be_there() {
    let there = |cut: &dyn Fn(&SimulatedMachine)| {
        let machine = SimulatedMachine::new(1).unwrap();
        let (store, mut writer) = started(&machine);
        drop(write(&mut writer, "one"));
        assert!(store.commit_one(), "the segment is begun");
        let mut promise = write(&mut writer, "two");
        cut(&machine);
        assert!(store.commit_one());
        assert!(matches!(now_or_never(&mut promise), Some(Err(_))) && !machine.has_power());
        after_a_power_cut(machine, (store, writer))
    };
    // One write, one sync.
    assert_eq!(there(&|machine| machine.cut_power_at(1)), ["one"]);
    assert_eq!(there(&|machine| machine.cut_power_after(1)), ["one", "two"]);
}

#[test]
fn a_commit_to_the_catalogue_is_a_disk_call_that_the_power_takes_or_leaves() {
    for (call, there) in [(0, false), (1, true)] {
        let mut machine = SimulatedMachine::new(1).unwrap();
        let (store, writer) = started(&machine);
        let stream = writer.stream().id;
        let finished = |backend: &EmbeddedBackend| {
            backend.stream(&crate::StreamKey::Id(stream)).unwrap().unwrap().finished
        };
        match call {
            0 => machine.cut_power_at(0),
            _ => machine.cut_power_after(0),
        }
        writer.close(crate::Ending::Finished);
        while store.turn(Mono::default()) {}
        assert!(!machine.has_power());
        drop(store);
        machine.restore_power(Unsynced::Lost);
        assert_eq!(finished(&machine.backend().unwrap()), there);
    }
}

#[test]
fn housekeeping_is_due_each_round_and_at_once_where_a_job_waits() {
    let machine = SimulatedMachine::new(1).unwrap();
    let (store, writer) = started(&machine);
    let ms = Mono::from_millis;
    while store.turn(ms(0)) {}
    assert_eq!(store.next_turn(ms(100)), Some(ms(500)), "a round after the first turn");
    assert!(!store.turn(ms(499)) && store.turn(ms(500)) && !store.turn(ms(500)));
    assert_eq!(store.next_turn(ms(600)), Some(ms(1_000)));
    drop(writer);
    assert_eq!(store.next_turn(ms(600)), Some(ms(600)), "the session has ended");
    assert!(store.turn(ms(600)) && !store.turn(ms(600)));
}

#[test]
fn a_shutdown_makes_durable_what_is_sealed_and_a_start_finds_it_sealed() {
    let mut machine = SimulatedMachine::new(1).unwrap();
    let (store, mut writer) = started(&machine);
    let mut promise = write(&mut writer, "one");
    now_or_never(store.shutdown()).unwrap();
    assert_eq!(now_or_never(&mut promise), Some(Ok(())));
    drop((store, writer));
    machine.restore_power(Unsynced::Lost);
    let backend = machine.backend().unwrap();
    assert_eq!((backend.report(), backend.cut_off_bytes()), (&RecoveryReport::default(), 0));
    let store = machine.start_on(Arc::new(backend), StoreOptions::default()).unwrap();
    assert_eq!(bodies(&store), ["one"]);
}

#[test]
fn a_store_from_before_the_power_cut_has_no_effect_on_the_disk() {
    let mut machine = SimulatedMachine::new(1).unwrap();
    let (dead, mut writer) = started(&machine);
    machine.restore_power(Unsynced::Kept);
    let store = machine.start(StoreOptions::default()).unwrap();
    let mut promise = write(&mut writer, "from before");
    assert!(dead.commit_one());
    assert!(matches!(now_or_never(&mut promise), Some(Err(_))));
    let arn = conformance::stream("s").arn;
    let id = now_or_never(store.stream(StreamRef::Arn(&arn))).unwrap().unwrap().id;
    let refused: Result<_, StoreError> = now_or_never(dead.open_writer(id)).unwrap();
    assert!(refused.is_err());
    assert_eq!(bodies(&store), Vec::<String>::new());
}

#[test]
fn keys_that_are_away_refuse_and_open_again_afterwards() {
    let machine = SimulatedMachine::new(1).unwrap();
    let (store, mut writer) = started(&machine);
    drop(write(&mut writer, "one"));
    store.commit_one();
    drop((store, writer));
    let store = machine.start(StoreOptions::default()).unwrap();
    let arn = conformance::stream("s").arn;
    let id = now_or_never(store.stream(StreamRef::Arn(&arn))).unwrap().unwrap().id;
    machine.keys().set_away(true);
    assert!(
        matches!(fragments_of(&store, id), Err(error) if matches!(error.kind(), crate::ErrorKind::Key(_)))
    );
    machine.keys().set_away(false);
    assert_eq!(bodies(&store), ["one"]);
}

#[test]
fn the_same_seed_leaves_the_same_bytes_on_the_disk() {
    let digest = |seed| {
        let machine = SimulatedMachine::new(seed).unwrap();
        let (store, mut writer) = started(&machine);
        drop(write(&mut writer, "one"));
        store.commit_one();
        machine.clock().advance_to(Mono::from_millis(10_000_000));
        assert_eq!(now_or_never(store.chunk()).unwrap(), Ok(1));
        machine.disk_digest()
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
