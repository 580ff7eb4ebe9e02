//! What the SIP side counts, for `/metrics`.

use crate::metrics::Page;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use tympan_sip::agent::Counter;
use tympan_sip::wire::Dropped;

/// Counters and gauges of the SIP side.
#[derive(Debug, Default)]
pub(crate) struct SipStats {
    legs: AtomicU64,
    transactions: AtomicU64,
    connections: AtomicU64,
    bindings: AtomicU64,
    agent: Mutex<BTreeMap<(&'static str, u16), u64>>,
    shell: [AtomicU64; SHELL.len()],
}

/// What the shell counts by itself: name and help.
const SHELL: [(&str, &str); 8] = [
    ("datagrams_dropped", "Datagrams that came faster than they were handled"),
    ("datagrams_not_sent", "Datagrams that the kernel had no room for, or that have no way to their peer"),
    ("connections_unread", "TCP connections that were closed because their peer did not read"),
    ("connections_idle", "TCP connections that were closed because nothing came"),
    ("connections_partial", "TCP connections that were closed because a message was not completed"),
    ("invitations_refused", "Calls that were refused because too many waited to be looked at"),
    ("legs_unread", "Calls that were ended because their task did not read what happened"),
    ("resolutions_refused", "Names that were not looked up because too many were"),
];

const DATAGRAMS_DROPPED: usize = 0;
const DATAGRAMS_NOT_SENT: usize = 1;
const CONNECTIONS_UNREAD: usize = 2;
const CONNECTIONS_IDLE: usize = 3;
const CONNECTIONS_PARTIAL: usize = 4;
const INVITATIONS_REFUSED: usize = 5;
const LEGS_UNREAD: usize = 6;
const RESOLUTIONS_REFUSED: usize = 7;

/// What the agent counts: name, help, and the name of its label where it has one.
const AGENT: [(&str, &str, Option<&str>); 18] = [
    ("dropped", "Messages that were dropped without an answer, by reason", Some("reason")),
    ("refused", "Requests that were refused because their bytes are in doubt, by status", Some("status")),
    ("source_limited", "Requests beyond the limit of their source", None),
    ("overloaded", "Requests beyond a limit of the whole server", None),
    ("trunk_limited", "Calls beyond a limit of their trunk", None),
    ("stray_responses", "Responses that belong to no transaction", None),
    ("stray_acks", "ACKs that belong to no call", None),
    ("out_of_order", "Requests of a call that came out of order and were answered 500", None),
    ("merged", "Requests that came by a second path and were answered 482", None),
    ("replayed_nonces", "Digest answers to a nonce that was used before", None),
    ("wrong_credentials", "Digest answers with a wrong user or password", None),
    ("registered", "Devices of telephones that registered", None),
    ("reregistered", "Registrations that were refreshed", None),
    ("unregistered", "Registrations that ended: removed, expired, or their connection closed", None),
    ("bindings_full", "Registrations that were refused because there are too many", None),
    ("referred", "Transfers (REFER) that peers asked for", None),
    ("refer_refused", "Transfers (REFER) that were refused without a look at their target", None),
    ("withheld", "Bytes that an unconfirmed source was not sent, because it had got its share", None),
];

impl SipStats {
    /// Counts what the agent reports.
    pub(super) fn count(&self, counter: Counter) {
        let key = match counter {
            Counter::Dropped(dropped) => ("dropped", dropped as u16),
            Counter::Refused(status) => ("refused", status.code()),
            Counter::SourceLimited => ("source_limited", 0),
            Counter::Overloaded => ("overloaded", 0),
            Counter::TrunkLimited => ("trunk_limited", 0),
            Counter::StrayResponse => ("stray_responses", 0),
            Counter::StrayAck => ("stray_acks", 0),
            Counter::OutOfOrder => ("out_of_order", 0),
            Counter::Merged => ("merged", 0),
            Counter::ReplayedNonce => ("replayed_nonces", 0),
            Counter::WrongCredentials => ("wrong_credentials", 0),
            Counter::Registered => ("registered", 0),
            Counter::Reregistered => ("reregistered", 0),
            Counter::Unregistered => ("unregistered", 0),
            Counter::BindingsFull => ("bindings_full", 0),
            Counter::Referred => ("referred", 0),
            Counter::ReferRefused => ("refer_refused", 0),
            Counter::Withheld => ("withheld", 0),
        };
        *self.agent().entry(key).or_default() += 1;
    }

    /// Sets the gauges.
    pub(super) fn now_open(&self, legs: usize, transactions: usize, connections: usize) {
        for (gauge, value) in
            [(&self.legs, legs), (&self.transactions, transactions), (&self.connections, connections)]
        {
            gauge.store(value as u64, Relaxed);
        }
    }

    /// Sets the gauge of bindings.
    pub(super) fn now_bound(&self, bindings: usize) {
        self.bindings.store(bindings as u64, Relaxed);
    }

    pub(super) fn datagram_dropped(&self) {
        self.shell[DATAGRAMS_DROPPED].fetch_add(1, Relaxed);
    }

    pub(super) fn datagram_not_sent(&self) {
        self.shell[DATAGRAMS_NOT_SENT].fetch_add(1, Relaxed);
    }

    pub(super) fn connection_unread(&self) {
        self.shell[CONNECTIONS_UNREAD].fetch_add(1, Relaxed);
    }

    pub(super) fn connection_idle(&self) {
        self.shell[CONNECTIONS_IDLE].fetch_add(1, Relaxed);
    }

    pub(super) fn connection_partial(&self) {
        self.shell[CONNECTIONS_PARTIAL].fetch_add(1, Relaxed);
    }

    pub(super) fn invitation_refused(&self) {
        self.shell[INVITATIONS_REFUSED].fetch_add(1, Relaxed);
    }

    pub(super) fn leg_unread(&self) {
        self.shell[LEGS_UNREAD].fetch_add(1, Relaxed);
    }

    pub(super) fn resolution_refused(&self) {
        self.shell[RESOLUTIONS_REFUSED].fetch_add(1, Relaxed);
    }

    /// The value of one line of the page.
    #[cfg(test)]
    pub(super) fn counted(self: &std::sync::Arc<Self>, line: &str) -> u64 {
        let page = self.page();
        let value = page.lines().find_map(|found| found.strip_prefix(&format!("tympan_sip_{line} ")));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line} lacks:\n{page}"))
    }

    /// All of it as text.
    #[cfg(test)]
    fn page(self: &std::sync::Arc<Self>) -> String {
        let mut registry = prometheus_client::registry::Registry::with_prefix("tympan");
        registry.register_collector(Box::new(self.clone()));
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        page
    }

    /// Adds all of it to a page.
    pub(crate) fn collect(&self, page: &mut Page<'_>) -> fmt::Result {
        for (name, help, value) in [
            ("legs", "SIP calls that are not over", &self.legs),
            ("transactions", "SIP transactions that are open", &self.transactions),
            ("bindings", "Devices of telephones that are registered", &self.bindings),
            ("connections", "TCP connections that SIP has open, of peers and its own", &self.connections),
        ] {
            page.gauge(&format!("sip_{name}"), help, value.load(Relaxed))?;
        }
        for ((name, help), value) in SHELL.iter().zip(&self.shell) {
            page.counter(&format!("sip_{name}"), help, value.load(Relaxed))?;
        }
        let counted = self.agent();
        for (name, help, label) in AGENT {
            let (key, all) = (format!("sip_{name}"), counted.range((name, 0)..=(name, u16::MAX)));
            match label {
                None => page.counter(&key, help, counted.get(&(name, 0)).copied().unwrap_or(0))?,
                Some(label) => {
                    page.counters(
                        &key,
                        help,
                        label,
                        all.map(|((_, code), value)| (label_value(name, *code), *value)),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn agent(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, u16), u64>> {
        self.agent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl prometheus_client::collector::Collector for SipStats {
    fn encode(&self, encoder: prometheus_client::encoding::DescriptorEncoder<'_>) -> fmt::Result {
        self.collect(&mut Page::new(encoder))
    }
}

fn label_value(name: &str, code: u16) -> String {
    let reasons = [
        (Dropped::Garbage, "garbage"),
        (Dropped::NoVia, "no_via"),
        (Dropped::BadResponse, "bad_response"),
        (Dropped::BadAck, "bad_ack"),
    ];
    let reason = reasons.into_iter().find(|(dropped, _)| name == "dropped" && *dropped as u16 == code);
    reason.map_or_else(|| code.to_string(), |(_, reason)| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_sip::wire::Status;

    #[test]
    fn every_counter_is_on_the_page_with_its_labels() {
        let stats = SipStats::default();
        stats.count(Counter::Dropped(Dropped::NoVia));
        stats.count(Counter::Refused(Status::BAD_REQUEST));
        stats.count(Counter::Refused(Status::BAD_REQUEST));
        stats.count(Counter::Merged);
        stats.connection_unread();
        stats.now_open(1, 2, 3);
        let page = std::sync::Arc::new(stats).page();
        for line in [
            "tympan_sip_dropped_total{reason=\"no_via\"} 1",
            "tympan_sip_refused_total{status=\"400\"} 2",
            "tympan_sip_merged_total 1",
            "tympan_sip_source_limited_total 0",
            "tympan_sip_connections_unread_total 1",
            "tympan_sip_legs 1",
            "tympan_sip_transactions 2",
            "tympan_sip_connections 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} lacks:\n{page}");
        }
    }
}
