//! What contacts of the past add up to.

use crate::record_parts::{AgentTimes, between_ms, queued_ms};
use tympan_contact::{Contact, DisconnectReason, InitiationMethod};

/// One contact, in the words of metrics. Durations are milliseconds.
///
/// Source: Administrator Guide, "Historical metrics definitions".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) method: Option<InitiationMethod>,
    pub(super) reason: Option<DisconnectReason>,
    pub(super) is_queued: bool,
    pub(super) is_handled: bool,
    /// The customer left the queue before an agent had spoken with him, and went nowhere else.
    pub(super) is_abandoned: bool,
    pub(super) is_transferred_out: bool,
    pub(super) is_transferred_in: bool,
    pub(super) left_on_hold: bool,
    /// Offers that came to nothing.
    pub(super) missed: u64,
    /// In the queue, of those that were in one.
    pub(super) queued_ms: u64,
    pub(super) interaction_ms: u64,
    pub(super) hold_ms: u64,
    pub(super) holds: u64,
    pub(super) after_contact_work_ms: u64,
}

impl Facts {
    pub(super) fn of(contact: &Contact) -> Self {
        let times = AgentTimes::of(contact).unwrap_or_default();
        let is_handled = contact.agent.as_ref().is_some_and(|agent| agent.connected.is_some());
        let is_queued = contact.queue.is_some();
        let goes_on = contact.next_contact_id.is_some() || contact.transferred_to.is_some();
        let offers = u64::from(contact.agent_connection_attempts);
        let from_transfer =
            matches!(contact.initiation_method, InitiationMethod::Transfer | InitiationMethod::QueueTransfer);
        let last_hold = contact.agent.as_ref().and_then(|agent| agent.holds.last());
        let left_on_hold = last_hold.is_some_and(|hold| {
            let end = contact.agent.as_ref().and_then(|agent| agent.left).or(contact.disconnect_timestamp);
            hold.to.is_none() || end.is_some_and(|end| hold.to >= Some(end))
        });
        Self {
            method: Some(contact.initiation_method),
            reason: contact.disconnect_reason,
            is_queued,
            is_handled,
            is_abandoned: is_queued && !is_handled && !goes_on && contact.disconnect_timestamp.is_some(),
            is_transferred_out: is_handled && goes_on,
            is_transferred_in: is_handled && from_transfer,
            left_on_hold: is_handled
                && left_on_hold
                && contact.disconnect_reason == Some(DisconnectReason::CustomerDisconnect),
            missed: if is_queued || is_handled { offers.saturating_sub(u64::from(is_handled)) } else { 0 },
            queued_ms: contact.queue.as_ref().map_or(0, |stay| queued_ms(contact, stay)),
            interaction_ms: times.interaction_ms,
            hold_ms: times.hold_ms,
            holds: times.holds,
            after_contact_work_ms: times.after_contact_work_ms.unwrap_or_else(|| {
                let agent = contact.agent.as_ref().filter(|_| is_handled);
                let began = agent.and_then(|agent| agent.after_contact_work_began);
                began.map_or(0, |from| between_ms(from, contact.last_update_timestamp))
            }),
        }
    }

    pub(super) fn handle_ms(&self) -> u64 {
        self.interaction_ms.saturating_add(self.hold_ms).saturating_add(self.after_contact_work_ms)
    }

    /// Whether an agent spoke with the customer within so many seconds in the queue.
    pub(super) fn is_within(&self, seconds: f64) -> bool {
        self.is_handled && (self.queued_ms as f64) < seconds * 1000.0
    }
}

/// A sum, a mean or a maximum of durations, in seconds; `None` of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    Sum,
    Mean,
    Max,
}

impl Statistic {
    /// Of durations in milliseconds.
    pub(super) fn of(self, durations: impl Iterator<Item = u64>) -> Option<f64> {
        let (mut count, mut sum, mut max) = (0_u64, 0_u64, 0_u64);
        for duration in durations {
            (count, sum, max) = (count + 1, sum.saturating_add(duration), max.max(duration));
        }
        if count == 0 {
            return None;
        }
        Some(match self {
            Self::Sum => sum as f64 / 1000.0,
            Self::Mean => sum as f64 / 1000.0 / count as f64,
            Self::Max => max as f64 / 1000.0,
        })
    }
}

/// How many there are, as a number of metrics.
pub(super) fn count<'a>(facts: impl Iterator<Item = &'a Facts>) -> f64 {
    facts.count() as f64
}

/// The share, in percent, of queued contacts that were answered in time; `None` of none.
pub(super) fn service_level(facts: &[Facts], seconds: f64) -> Option<f64> {
    let over = facts.iter().filter(|facts| facts.is_queued && (facts.is_handled || facts.is_abandoned));
    let all = over.clone().count();
    let in_time = over.filter(|facts| facts.is_within(seconds)).count();
    (all > 0).then(|| 100.0 * in_time as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::met_an_agent;

    #[test]
    fn a_contact_is_handled_or_abandoned_and_its_times_add_up() {
        let contact = met_an_agent();
        let handled = Facts::of(&contact);
        assert!(
            handled.is_handled && handled.is_queued && !handled.is_abandoned && handled.is_transferred_out
        );
        assert_eq!((handled.missed, handled.queued_ms), (1, 7_500));
        assert_eq!(
            (handled.interaction_ms, handled.hold_ms, handled.after_contact_work_ms),
            (23_700, 6_700, 12_900)
        );
        assert_eq!(handled.handle_ms(), 43_300);
        let mut abandoned = contact;
        abandoned.agent = None;
        (abandoned.next_contact_id, abandoned.transferred_to) = (None, None);
        let abandoned = Facts::of(&abandoned);
        assert!(abandoned.is_abandoned && !abandoned.is_handled);
        assert_eq!(abandoned.missed, 2);
        assert_eq!(service_level(&[handled, abandoned], 8.0), Some(50.0));
        assert_eq!(service_level(&[handled, abandoned], 7.0), Some(0.0));
        assert_eq!(service_level(&[], 7.0), None);
    }

    #[test]
    fn a_statistic_of_nothing_is_no_number() {
        for (statistic, expected) in [(Statistic::Sum, 4.0), (Statistic::Mean, 2.0), (Statistic::Max, 3.0)] {
            assert_eq!(statistic.of([1_000, 3_000].into_iter()), Some(expected));
            assert_eq!(statistic.of([].into_iter()), None);
        }
    }

    #[test]
    fn a_customer_who_leaves_while_on_hold_is_told_from_one_who_does_not() {
        let mut contact = met_an_agent();
        contact.disconnect_reason = Some(DisconnectReason::CustomerDisconnect);
        assert!(!Facts::of(&contact).left_on_hold);
        let agent = contact.agent.as_mut().unwrap();
        agent.holds.last_mut().unwrap().to = agent.left;
        assert!(Facts::of(&contact).left_on_hold);
    }
}
