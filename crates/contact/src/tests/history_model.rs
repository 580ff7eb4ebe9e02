//! Lists of contacts against a model.

use crate::fixtures::{contact, instance};
use crate::{Contact, History, HistoryQuery, InstanceRef, MemoryHistory, TimeAxis};
use proptest::prelude::*;
use tympan_types::{ContactId, InstanceId, WallTime};

/// Contacts of two instances, of few times, so that many have the same.
fn some_contact() -> impl Strategy<Value = Contact> {
    let time = 0i64..6;
    let times = (time.clone(), prop::option::of(time.clone()), prop::option::of(time));
    (any::<u8>(), any::<bool>(), times).prop_map(|(id, is_of_other, (began, connected, ended))| {
        let mut contact = contact();
        contact.id = ContactId::from_random([id; 16]);
        if is_of_other {
            contact.instance = other();
        }
        contact.initiation_timestamp = WallTime::from_unix_ms(began);
        contact.connected_to_system_timestamp = connected.map(WallTime::from_unix_ms);
        contact.disconnect_timestamp = ended.map(WallTime::from_unix_ms);
        contact
    })
}

fn other() -> InstanceRef {
    InstanceRef { id: InstanceId::from_random([9; 16]), ..instance() }
}

fn query() -> impl Strategy<Value = HistoryQuery> {
    let axis = prop_oneof![
        Just(TimeAxis::ConnectedToSystem),
        Just(TimeAxis::Disconnect),
        Just(TimeAxis::Initiation),
    ];
    let instance =
        prop_oneof![Just(None), Just(Some(instance().id)), Just(Some(InstanceId::from_random([9; 16])))];
    (instance, axis, -1i64..7, -1i64..7, 1usize..5).prop_map(|(instance, axis, from, to, limit)| {
        let (from, to) = (WallTime::from_unix_ms(from), WallTime::from_unix_ms(to));
        HistoryQuery { account: None, instance, axis, from, to, after: None, limit }
    })
}

fn time_of(contact: &Contact, axis: TimeAxis) -> Option<WallTime> {
    match axis {
        TimeAxis::ConnectedToSystem => contact.connected_to_system_timestamp,
        TimeAxis::Disconnect => contact.disconnect_timestamp,
        TimeAxis::Initiation => Some(contact.initiation_timestamp),
    }
}

proptest! {
    /// Page after page gives every contact that is asked for once, the newest first, and no other, however many have the same time.
    #[test]
    fn pages_of_any_size_together_are_all_that_was_asked_for(
        contacts in prop::collection::vec(some_contact(), 0..40),
        mut query in query(),
    ) {
        let history = MemoryHistory::default();
        let mut known: Vec<Contact> = Vec::new();
        for contact in contacts {
            history.update(&contact).unwrap();
            known.retain(|other| other.id != contact.id);
            known.push(contact);
        }
        let mut expected: Vec<(WallTime, ContactId)> = known
            .iter()
            .filter(|contact| query.instance.is_none_or(|id| id == contact.instance.id))
            .filter_map(|contact| Some((time_of(contact, query.axis)?, contact.id)))
            .filter(|(at, _)| *at >= query.from && *at <= query.to)
            .collect();
        expected.sort_unstable();
        expected.reverse();

        let mut listed = Vec::new();
        loop {
            let page = history.list(&query).unwrap();
            prop_assert!(page.contacts.len() <= query.limit);
            listed.extend(page.contacts.iter().map(|contact| (time_of(contact, query.axis).unwrap(), contact.id)));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        prop_assert_eq!(listed, expected);
    }
}

#[test]
fn a_contact_that_was_opened_twice_is_one_and_the_later_state_counts() {
    let history = MemoryHistory::default();
    let mut contact = contact();
    history.open(&contact).unwrap();
    contact.disconnect_timestamp = Some(WallTime::from_unix_ms(1_706_238_500_000));
    history.close(&contact).unwrap();
    assert_eq!(history.find(contact.id).unwrap().as_ref(), Some(&contact));
    assert_eq!(history.find(ContactId::from_random([1; 16])).unwrap(), None);
    let query = HistoryQuery {
        account: None,
        instance: None,
        axis: TimeAxis::Disconnect,
        from: WallTime::from_unix_ms(1_706_238_500_000),
        to: WallTime::from_unix_ms(1_706_238_500_000),
        after: None,
        limit: 9,
    };
    assert_eq!(history.list(&query).unwrap().contacts, [contact]);
    assert!(history.has_room());
}
