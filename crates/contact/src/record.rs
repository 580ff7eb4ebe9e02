//! What a contact record is made of: which contacts have one, and how their last facts are found. Its JSON is the service's.

use crate::{AgentPart, Contact, CustomerAudio, DisconnectReason};
use tympan_types::{FragmentNumber, WallTime};

/// The contact's call has ended.
pub(crate) fn disconnected(contact: &mut Contact, now: WallTime, reason: DisconnectReason) {
    contact.disconnect_timestamp = Some(now);
    contact.disconnect_reason = Some(reason);
}

/// Whether a contact that has ended leaves a record.
///
/// A caller who gave up before the call was up leaves none, as there was no contact. An answer that was never acknowledged does: it tells
/// of a caller whom our answers do not reach.
pub fn is_due(contact: &Contact) -> bool {
    contact.connected_to_system_timestamp.is_some()
        || contact.disconnect_reason == Some(DisconnectReason::TelecomProblem)
}

/// Whether nothing more is to come of a contact: its call has ended, and so has its agent's work after it. Its record is for then.
pub fn is_complete(contact: &Contact) -> bool {
    let works_on = |agent: &AgentPart| {
        agent.connected.is_some()
            && agent.after_contact_work_began.is_some()
            && agent.after_contact_work_ended.is_none()
    };
    contact.disconnect_timestamp.is_some() && !contact.agent.as_ref().is_some_and(works_on)
}

/// Closes a contact whose server died in mid-call.
///
/// `last_fragment` is the last fragment that its running capture left in the stream; where that is not known, the
/// lead-in stands in, which exists in any case. The call ends at the last instant it is known to have lived,
/// the change of the record is dated `now`.
pub fn close_interrupted(
    mut contact: Contact,
    last_fragment: Option<FragmentNumber>,
    now: WallTime,
) -> Contact {
    let mut last_alive = contact.last_update_timestamp;
    if let Some(audio) = contact.captures.last_mut().filter(|audio| audio.is_running()) {
        let first = audio.start_fragment_number;
        let last = last_fragment.filter(|last| *last >= first).unwrap_or(first);
        last_alive = last_alive.max(WallTime::from_unix_ms(last.server_time().unix_ms()));
        audio.stop_fragment_number = Some(last);
        audio.stop_timestamp = Some(last_alive);
    }
    // An update may have failed after the times were set: what is there stays.
    contact.disconnect_timestamp.get_or_insert(last_alive);
    contact.disconnect_reason.get_or_insert(DisconnectReason::Other);
    if let Some(stay) = &mut contact.queue {
        stay.dequeued.get_or_insert(last_alive);
    }
    if let Some(agent) = &mut contact.agent {
        agent.left.get_or_insert(last_alive);
        for hold in &mut agent.holds {
            hold.to.get_or_insert(last_alive);
        }
        if agent.after_contact_work_began.is_some() {
            agent.after_contact_work_ended.get_or_insert(last_alive);
        }
    }
    for state in &mut contact.monitoring {
        state.to.get_or_insert(last_alive);
    }
    contact.date_later(now);
    contact
}

/// An earlier contact of an interrupted conversation, which had ended by then: what it says of a capture that went on in `closed`
/// ends as there. `None` where no capture of it ran.
pub fn close_earlier(mut earlier: Contact, closed: &Contact, now: WallTime) -> Option<Contact> {
    let audio = earlier.captures.last_mut().filter(|audio| audio.is_running())?;
    let is_it = |other: &&CustomerAudio| {
        other.stream_arn == audio.stream_arn && other.start_fragment_number == audio.start_fragment_number
    };
    let went_on = closed.captures.iter().rev().find(is_it)?;
    audio.stop_timestamp = went_on.stop_timestamp;
    audio.stop_fragment_number = went_on.stop_fragment_number;
    earlier.date_later(now);
    Some(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::fixtures::contact;
    use tympan_types::{ServerTime, StreamArn};

    fn number(sequence: u64, server_ms: i64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(server_ms), 0)
    }

    fn capturing(start: FragmentNumber) -> Contact {
        let mut contact = contact();
        contact.captures.push(CustomerAudio {
            stream_arn: StreamArn::parse("arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1").unwrap(),
            start_timestamp: contact.initiation_timestamp,
            stop_timestamp: None,
            start_fragment_number: start,
            stop_fragment_number: None,
            ledger: None,
        });
        contact
    }

    #[test]
    fn an_interrupted_contact_ends_where_its_last_fragment_does() {
        let began = contact().initiation_timestamp.unix_ms();
        let (first, last) = (number(1, began + 100), number(9, began + 8_000));
        let now = WallTime::from_unix_ms(began + 60_000);
        let closed = close_interrupted(capturing(first), Some(last), now);
        let audio = closed.customer_audio().unwrap();
        assert_eq!(audio.stop_fragment_number, Some(last));
        assert_eq!(audio.stop_timestamp, Some(WallTime::from_unix_ms(began + 8_000)));
        assert_eq!(closed.disconnect_timestamp, audio.stop_timestamp);
        assert_eq!(closed.disconnect_reason, Some(DisconnectReason::Other));
        assert_eq!(closed.last_update_timestamp, now);
        assert_eq!(closed.captures.len(), 1);
    }

    #[test]
    fn without_a_known_last_fragment_the_lead_in_stands_in() {
        let began = contact().initiation_timestamp.unix_ms();
        let first = number(1001, began + 100);
        let foreign = number(7, began - 1_000_000);
        for last in [None, Some(foreign)] {
            let closed = close_interrupted(capturing(first), last, WallTime::from_unix_ms(began + 1));
            assert_eq!(closed.customer_audio().unwrap().stop_fragment_number, Some(first));
        }
    }

    #[test]
    fn an_earlier_contact_says_the_same_of_the_capture_that_was_interrupted_and_of_no_other() {
        let began = contact().initiation_timestamp.unix_ms();
        let (first, last) = (number(1_001, began + 100), number(1_050, began + 50_000));
        let closed = close_interrupted(capturing(first), Some(last), WallTime::from_unix_ms(began + 60_000));
        let mut earlier = capturing(first);
        earlier.disconnect_timestamp = Some(WallTime::from_unix_ms(began + 20_000));
        let ended = close_earlier(earlier.clone(), &closed, closed.last_update_timestamp).unwrap();
        assert_eq!(ended.captures[0].stop_fragment_number, Some(last));
        assert_eq!(ended.captures[0].stop_timestamp, closed.captures[0].stop_timestamp);
        assert_eq!(ended.disconnect_timestamp, earlier.disconnect_timestamp);
        assert!(ended.last_update_timestamp > earlier.last_update_timestamp);
        assert_eq!(close_earlier(ended, &closed, closed.last_update_timestamp), None, "it runs no more");
        let other = capturing(number(7, began));
        assert_eq!(close_earlier(other, &closed, closed.last_update_timestamp), None);
    }

    #[test]
    fn an_interrupted_contact_without_capture_gets_a_record_too() {
        let closed = close_interrupted(contact(), None, WallTime::from_unix_ms(i64::MAX));
        assert_eq!(closed.disconnect_timestamp, Some(contact().initiation_timestamp));
        assert_eq!(closed.captures, []);
    }

    #[test]
    fn what_an_agent_and_a_queue_had_begun_ends_with_the_server_that_died() {
        use crate::{AgentPart, AgentRef, Hold, MonitorState, QueueRef, QueueStay};
        let mut contact = contact();
        let at = contact.last_update_timestamp;
        let queue = QueueRef {
            arn: "arn:q".to_owned(),
            name: "q".to_owned(),
            hours_arn: None,
            outbound_caller_id: None,
            is_agents: false,
        };
        contact.queue = Some(QueueStay { queue, enqueued: at, dequeued: None });
        let agent = AgentRef {
            id: tympan_types::ResourceId::LEAST,
            arn: "arn:a".to_owned(),
            user_name: "a".to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            routing_profile_arn: "arn:p".to_owned(),
            routing_profile_name: "p".to_owned(),
        };
        contact.agent = Some(AgentPart {
            connected: Some(at),
            holds: vec![Hold { from: at, to: None }],
            after_contact_work_began: Some(at),
            ..AgentPart::accepted(agent, at)
        });
        contact.monitoring = vec![MonitorState { state: "BARGE".to_owned(), from: at, to: None }];
        assert!(!is_complete(&contact), "its call is up");
        contact.disconnect_timestamp = Some(at);
        assert!(!is_complete(&contact), "its agent works on");
        let closed = close_interrupted(contact, None, at.plus_ms(60_000));
        assert!(is_complete(&closed));
        let agent = closed.agent.unwrap();
        assert_eq!(
            (agent.left, agent.holds[0].to, agent.after_contact_work_ended),
            (Some(at), Some(at), Some(at))
        );
        assert_eq!((closed.queue.unwrap().dequeued, closed.monitoring[0].to), (Some(at), Some(at)));
    }
}
