//! What the centre counts, for `/metrics`.

use super::Centre;
use std::sync::atomic::{AtomicU64, Ordering};
use tympan_contact::routing::{QueueKey, RoutingCounters};

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfferOutcome {
    Made,
    Accepted,
    Joined,
    Missed,
    Failed,
    Abandoned,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    offers: [AtomicU64; 6],
    untold: AtomicU64,
}

impl Counts {
    pub(super) fn offer(&self, outcome: OfferOutcome) {
        if let Some(count) = self.offers.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn untold(&self) {
        self.untold.fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, outcome: OfferOutcome) -> u64 {
        self.offers.get(outcome as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// The numbers of a moment. No label says which queue or agent: those are unbounded, and the API has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CentreStats {
    /// Contacts that wait in queues.
    pub waiting: u64,
    /// Callbacks whose time has not come.
    pub scheduled: u64,
    /// The age of the oldest contact that waits.
    pub oldest_ms: u64,
    /// Agents by state.
    pub agents: [(&'static str, u64); 6],
    /// Offers by what became of them.
    pub offers: [(&'static str, u64); 6],
    /// Agents' parts in contacts, those that are rung among them.
    pub parts: u64,
    /// News that a call did not take.
    pub untold: u64,
    /// What the routing counts.
    pub routing: RoutingCounters,
}

impl Centre {
    /// The numbers of this moment.
    pub(crate) fn stats(&self) -> CentreStats {
        let now = self.now();
        let state = self.state();
        let (mut waiting, mut scheduled, mut oldest_ms) = (0, 0, 0);
        let mut agents = [0_u64; 6];
        for plan in state.plans.values() {
            let own = plan.agents.keys().map(|user| {
                tympan_contact::routing::AgentKey { instance: plan.instance, user: *user }.own_queue()
            });
            let standard = plan.queues.keys().map(|queue| QueueKey::standard(plan.instance, *queue));
            for queue in standard.chain(own) {
                let counts = state.routing.queue_contacts(now, queue);
                waiting += u64::from(counts.in_queue);
                scheduled += u64::from(counts.scheduled);
                oldest_ms = oldest_ms.max(u64::try_from(counts.oldest_age_ms).unwrap_or(0));
            }
            for profile in plan.profiles.keys() {
                let counts = state.routing.profile_agents(plan.instance, *profile);
                let of_profile = [
                    counts.online,
                    counts.available,
                    counts.on_contact,
                    counts.after_contact_work,
                    counts.non_productive,
                    counts.error,
                ];
                agents.iter_mut().zip(of_profile).for_each(|(sum, count)| *sum += u64::from(count));
            }
        }
        let [online, available, on_contact, after_contact_work, non_productive, error] = agents;
        let of = |outcome| self.0.counts.of(outcome);
        CentreStats {
            waiting,
            scheduled,
            oldest_ms,
            agents: [
                ("online", online),
                ("available", available),
                ("on_contact", on_contact),
                ("after_contact_work", after_contact_work),
                ("non_productive", non_productive),
                ("error", error),
            ],
            offers: [
                ("made", of(OfferOutcome::Made)),
                ("accepted", of(OfferOutcome::Accepted)),
                ("joined", of(OfferOutcome::Joined)),
                ("missed", of(OfferOutcome::Missed)),
                ("failed", of(OfferOutcome::Failed)),
                ("abandoned", of(OfferOutcome::Abandoned)),
            ],
            parts: u64::try_from(state.offers.len()).unwrap_or(u64::MAX),
            untold: self.0.counts.untold.load(Ordering::Relaxed),
            routing: state.routing.counters(),
        }
    }
}
