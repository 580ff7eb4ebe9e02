use super::*;
use crate::fixtures::contact;
use tympan_types::WallTime;

#[derive(Default)]
struct Rig {
    delivery: Delivery,
    effects: VecDeque<Effect>,
}

impl Rig {
    fn takes(&mut self, stage: Stage, updated_ms: i64) {
        let mut contact = contact();
        contact.last_update_timestamp = WallTime::from_unix_ms(updated_ms);
        self.delivery.take(stage, Arc::new(contact), &mut self.effects);
    }

    fn promises(&mut self, request: u64) {
        self.delivery.promise(RequestId::new(request));
    }

    fn written(&mut self, write: u64, result: Result<(), HistoryError>) {
        self.delivery.written(WriteId::new(write), &result, &mut self.effects);
    }

    /// What was done since the last call: `write 1 Opened 10`, `reply 7 Set`.
    fn done(&mut self) -> Vec<String> {
        let texts = self.effects.drain(..).map(|effect| match effect {
            Effect::Persist { write, stage, contact } => {
                format!("write {} {stage:?} {}", write.number(), contact.last_update_timestamp.unix_ms())
            }
            Effect::Reply { request, reply } => format!("reply {} {reply:?}", request.number()),
            other => panic!("{other:?}"),
        });
        texts.collect()
    }
}

fn full() -> HistoryError {
    HistoryError { message: "full".to_owned() }
}

#[test]
fn one_write_is_under_way_and_of_what_waits_only_the_newest_counts() {
    let mut rig = Rig::default();
    rig.takes(Stage::Opened, 1);
    (2..1_000).for_each(|ms| rig.takes(Stage::Changed, ms));
    assert_eq!(rig.done(), ["write 1 Opened 1"]);
    rig.written(1, Ok(()));
    assert_eq!(rig.done(), ["write 2 Changed 999"]);
    assert!(!rig.delivery.is_idle());
    rig.written(2, Ok(()));
    assert!(rig.done().is_empty() && rig.delivery.is_idle());
}

#[test]
fn a_request_is_answered_by_the_write_that_holds_its_change() {
    let mut rig = Rig::default();
    rig.promises(1);
    rig.takes(Stage::Opened, 1);
    rig.promises(2);
    rig.takes(Stage::Changed, 2);
    rig.promises(3);
    rig.takes(Stage::Changed, 3);
    assert_eq!(rig.done(), ["write 1 Opened 1"]);
    rig.written(1, Ok(()));
    assert_eq!(rig.done(), ["reply 1 Set", "write 2 Changed 3"]);
    rig.written(2, Ok(()));
    assert_eq!(rig.done(), ["reply 2 Set", "reply 3 Set"]);
}

#[test]
fn a_failed_write_is_told_to_those_who_wait_and_what_follows_is_written() {
    let mut rig = Rig::default();
    rig.promises(1);
    rig.takes(Stage::Opened, 1);
    rig.takes(Stage::Changed, 2);
    rig.written(1, Err(full()));
    let refused = format!("reply 1 {:?}", Reply::NotWritten(full()));
    assert_eq!(rig.done(), ["write 1 Opened 1", refused.as_str(), "write 2 Changed 2"]);
}

#[test]
fn what_is_to_be_opened_is_opened_and_what_has_ended_stays_so() {
    for (waiting, newer, written) in [
        (Stage::Opened, Stage::Changed, Stage::Opened),
        (Stage::Opened, Stage::Ended, Stage::Ended),
        (Stage::Changed, Stage::Ended, Stage::Ended),
        (Stage::Ended, Stage::Changed, Stage::Ended),
    ] {
        let mut rig = Rig::default();
        rig.takes(Stage::Changed, 0);
        rig.takes(waiting, 1);
        rig.takes(newer, 2);
        rig.written(1, Ok(()));
        assert_eq!(rig.done()[1], format!("write 2 {written:?} 2"), "{waiting:?}, {newer:?}");
    }
}

#[test]
fn a_request_that_comes_after_the_last_state_is_answered_when_that_is_written() {
    let mut rig = Rig::default();
    rig.takes(Stage::Ended, 1);
    rig.delivery.too_late(RequestId::new(1), &mut rig.effects);
    assert_eq!(rig.done(), ["write 1 Ended 1"]);
    rig.written(1, Ok(()));
    assert_eq!(rig.done(), ["reply 1 Over"]);
    rig.delivery.too_late(RequestId::new(2), &mut rig.effects);
    assert_eq!(rig.done(), ["reply 2 Over"]);
}

#[test]
fn without_a_record_no_request_is_left_waiting() {
    let mut rig = Rig::default();
    rig.promises(1);
    assert!(rig.done().is_empty());
    rig.delivery.give_up(&mut rig.effects);
    assert_eq!(rig.done(), ["reply 1 Over"]);
}

#[test]
fn another_writes_end_changes_nothing() {
    let mut rig = Rig::default();
    rig.written(1, Ok(()));
    rig.takes(Stage::Opened, 1);
    rig.written(2, Ok(()));
    assert!(!rig.delivery.is_idle());
    rig.written(1, Ok(()));
    rig.written(1, Ok(()));
    assert!(rig.delivery.is_idle());
}

#[test]
fn so_many_requests_may_wait_and_no_more() {
    let mut rig = Rig::default();
    rig.promises(1);
    rig.takes(Stage::Opened, 1);
    for request in 2..=REQUESTS_MAX as u64 {
        assert!(rig.delivery.has_room(), "{request}");
        rig.promises(request);
    }
    assert!(!rig.delivery.has_room());
    rig.written(1, Ok(()));
    assert!(rig.delivery.has_room(), "one was answered");
}
