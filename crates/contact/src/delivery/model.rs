//! Any order of states, requests and ends of writes.

use super::*;
use crate::fixtures::contact;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tympan_types::WallTime;

#[derive(Debug, Clone)]
enum Step {
    /// The contact changes for a request, and the state is taken.
    Change { is_promised: bool },
    /// The write that is under way ends.
    Written { is_ok: bool },
    /// One that is not under way does.
    Stranger(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|is_promised| Step::Change { is_promised }),
        3 => any::<bool>().prop_map(|is_ok| Step::Written { is_ok }),
        1 => (0u64..99).prop_map(Step::Stranger),
    ]
}

/// What came out: writes with the version of the contact that they hold, and replies.
#[derive(Default)]
struct Seen {
    writes: Vec<(WriteId, Stage, i64)>,
    replies: BTreeMap<RequestId, Vec<Reply>>,
}

impl Seen {
    fn take(&mut self, effects: &mut VecDeque<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Persist { write, stage, contact } => {
                    self.writes.push((write, stage, contact.last_update_timestamp.unix_ms()));
                }
                Effect::Reply { request, reply } => self.replies.entry(request).or_default().push(reply),
                other => panic!("{other:?}"),
            }
        }
    }
}

proptest! {
    /// Writes are one at a time and hold ever newer states, the first opens the contact and the last has its end, and every request is
    /// answered once: that it is set only by a write that began with its change.
    #[test]
    fn states_reach_the_history_in_order_and_every_request_is_answered_once(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let (mut delivery, mut effects, mut seen) = (Delivery::default(), VecDeque::new(), Seen::default());
        let (mut version, mut requests, mut ended) = (0i64, BTreeMap::new(), 0);
        let state = |version: i64| {
            let mut contact = contact();
            contact.last_update_timestamp = WallTime::from_unix_ms(version);
            Arc::new(contact)
        };
        delivery.take(Stage::Opened, state(0), &mut effects);
        seen.take(&mut effects);
        for step in steps {
            match step {
                Step::Change { is_promised } => {
                    version += 1;
                    if is_promised && delivery.has_room() {
                        let request = RequestId::new(version.unsigned_abs());
                        delivery.promise(request);
                        requests.insert(request, version);
                    }
                    delivery.take(Stage::Changed, state(version), &mut effects);
                }
                Step::Written { is_ok } => if ended < seen.writes.len() {
                    let (write, ..) = seen.writes[ended];
                    ended += 1;
                    let failed = || HistoryError { message: "full".to_owned() };
                    let result = if is_ok { Ok(()) } else { Err(failed()) };
                    delivery.written(write, &result, &mut effects);
                    let holds = seen.writes[ended - 1].2;
                    seen.take(&mut effects);
                    for (request, replies) in &seen.replies {
                        prop_assert_eq!(replies.len(), 1);
                        prop_assert!(requests[request] <= holds, "its change was in no write that is over");
                    }
                }
                Step::Stranger(write) => {
                    let write = WriteId::new(1_000 + write);
                    delivery.written(write, &Ok(()), &mut effects);
                }
            }
            seen.take(&mut effects);
            prop_assert!(seen.writes.len() - ended <= 1, "one write at a time");
            prop_assert_eq!(delivery.is_idle(), seen.writes.len() == ended);
        }
        version += 1;
        delivery.take(Stage::Ended, state(version), &mut effects);
        let late = RequestId::new(9_999);
        delivery.too_late(late, &mut effects);
        seen.take(&mut effects);
        while ended < seen.writes.len() {
            prop_assert!(!seen.replies.contains_key(&late), "the last state is not written yet");
            delivery.written(seen.writes[ended].0, &Ok(()), &mut effects);
            ended += 1;
            seen.take(&mut effects);
        }
        prop_assert!(delivery.is_idle());
        prop_assert_eq!(seen.replies.remove(&late), Some(vec![Reply::Over]));
        prop_assert!(seen.replies.keys().eq(requests.keys()), "every request is answered");
        prop_assert!(seen.writes.is_sorted_by(|a, b| a.0 < b.0 && a.2 < b.2));
        prop_assert_eq!(seen.writes[0].1, Stage::Opened);
        prop_assert_eq!(seen.writes.last().map(|(_, stage, at)| (*stage, *at)), Some((Stage::Ended, version)));
    }
}
