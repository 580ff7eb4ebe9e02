//! What the API changes about contacts beside their attributes.

use super::flows::start_and_talk;
use super::rig::Rig;
use crate::{REQUESTS_MAX, Reply, Stage};
use std::collections::BTreeMap;
use tympan_flow::{ContactChange, ContactData};
use tympan_types::ContactId;

fn name(name: &str) -> ContactChange {
    ContactChange::Data(ContactData { name: Some(name.to_owned()), ..ContactData::default() })
}

#[test]
fn a_change_is_answered_when_the_contact_is_written_with_it() {
    let mut rig = Rig::answered(&start_and_talk());
    let id = rig.live.contact().id;
    let request = rig.change(id, name("a call"));
    assert_eq!(rig.reply(request), Some(Reply::Set));
    let (stage, contact) = rig.states().pop().unwrap();
    assert_eq!((stage, contact.details.name.as_deref()), (Stage::Changed, Some("a call")));
    rig.hung_up();
    rig.wait_for_deadline();
    assert_eq!(rig.ended().details.name.as_deref(), Some("a call"), "the record has it");
    let late = rig.change(id, name("late"));
    assert_eq!(rig.reply(late), Some(Reply::Over), "the history takes it");
}

#[test]
fn a_change_before_the_call_is_up_is_written_with_it() {
    let mut rig = Rig::new(&start_and_talk());
    let id = rig.live.contact().id;
    let early = rig.change(id, name("early"));
    assert_eq!(rig.reply(early), None);
    rig.leg(crate::LegEvent::Confirmed);
    assert_eq!(rig.reply(early), Some(Reply::Set));
    assert_eq!(rig.live.contact().details.name.as_deref(), Some("early"));
}

#[test]
fn a_change_that_is_too_much_or_of_another_conversation_changes_nothing() {
    let mut rig = Rig::answered(&start_and_talk());
    let before = rig.live.contact().clone();
    let tags: BTreeMap<String, String> = (0..100).map(|n| (format!("tag{n}"), String::new())).collect();
    let request = rig.change(before.id, ContactChange::Tag(tags));
    assert!(matches!(rig.reply(request), Some(Reply::Refused(reason)) if reason.contains("50 tags")));
    let request = rig.change(ContactId::from_random([9; 16]), name("other"));
    assert_eq!(rig.reply(request), Some(Reply::Over));
    assert_eq!(rig.live.contact(), &before);
}

#[test]
fn so_many_changes_wait_and_further_ones_are_refused() {
    let mut rig = Rig::answered(&start_and_talk());
    let id = rig.live.contact().id;
    rig.held = Some(Vec::new());
    let requests: Vec<_> = (0..=REQUESTS_MAX).map(|n| rig.change(id, name(&n.to_string()))).collect();
    let refused = requests.iter().filter(|request| rig.reply(**request) == Some(Reply::Busy)).count();
    assert_eq!(refused, 1);
}
