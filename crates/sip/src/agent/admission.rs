//! What is refused before any state of it exists: limits of a source first, then of its trunk, then of the whole agent.
//!
//! A refusal is stateless: it is 503 with the Retry-After of [`Refused`], and nothing here remembers that it was sent, but for
//! its bytes. Until a source has shown that it receives what is sent to it, it is sent at most
//! [`Limits::amplification_max`] times the bytes that came from it, plus one message: all messages count, with refusals and
//! repetitions. So a forged source address gains nothing.
//!
//! A source is an IPv4 address, or a /64 of IPv6, for one host can have all addresses of it.

mod bucket;
mod sources;
#[cfg(test)]
mod tests;

use super::{Counter, Limits, Trunk, TrunkId};
use bucket::Bucket;
use sources::{Source, SourceKey, Sources};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tympan_types::Mono;

/// How long a source stays confirmed after the last proof.
const CONFIRMED_MS: i64 = 600_000;
/// The time within which wrong answers to challenges are counted.
const WRONG_WINDOW_MS: i64 = 60_000;
/// Retry-After where calls have to end first: many end or are answered within this time.
const RETRY_FULL_S: u32 = 10;
/// The credit of a source is capped at what this many bytes give, so that years of pings earn no flood.
const CREDIT_BYTES_MAX: u64 = 65_536;

/// A request that is refused 503, without state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    /// For Retry-After.
    pub(super) retry_after_s: u32,
    /// Which limit it was.
    pub(super) why: Counter,
}

/// One admitted call. It goes back by [`Admission::release`] when the call is over.
#[derive(Debug)]
#[must_use = "a call that is not released counts until the process ends"]
pub(super) struct CallTicket {
    /// While the call is half-open: the source, and which of its lives in the table.
    half_open: Option<(SourceKey, u64)>,
    trunk: TrunkId,
}

/// The limits and what was used of them.
#[derive(Debug)]
pub(super) struct Admission {
    limits: Limits,
    sources: Sources,
    /// Only trunks of the configuration come in here: there are as many as it names.
    trunks: BTreeMap<TrunkId, TrunkUse>,
}

#[derive(Debug)]
struct TrunkUse {
    calls: u32,
    bucket: Option<Bucket>,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self { sources: Sources::new(limits.sources_max), limits, trunks: BTreeMap::new() }
    }

    /// Bytes came from this source in a message that may be answered: a request, a repetition too.
    pub(super) fn received(&mut self, source: IpAddr, bytes: usize) {
        let factor = u64::from(self.limits.amplification_max);
        self.sources.with(SourceKey::new(source), |source| {
            let earned = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(factor);
            let cap = CREDIT_BYTES_MAX.saturating_mul(factor);
            source.credit_bytes = source
                .credit_bytes
                .saturating_add_unsigned(earned)
                .min(i64::try_from(cap).unwrap_or(i64::MAX));
        });
    }

    /// True where this message may be sent now; it counts as sent then. What is withheld is as lost as a lost datagram. Messages
    /// of confirmed dialogs and of connections need no asking: their peers are there.
    pub(super) fn may_send(&mut self, now: Mono, source: IpAddr, bytes: usize) -> bool {
        self.sources.with(SourceKey::new(source), |source| {
            if source.is_confirmed(now) {
                return true;
            }
            let may = source.credit_bytes > 0;
            if may {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                source.credit_bytes = source.credit_bytes.saturating_sub_unsigned(bytes);
            }
            may
        })
    }

    /// The source proved that it receives what is sent to it: it named a tag, a nonce or an RSeq of ours, or a connection of it
    /// is open.
    pub(super) fn source_confirmed(&mut self, now: Mono, source: IpAddr) {
        self.sources.with(SourceKey::new(source), |source| {
            source.confirmed_until = Some(now.plus_ms(CONFIRMED_MS));
        });
    }

    /// A request outside of dialogs that no transaction knows.
    pub(super) fn admit_request(&mut self, now: Mono, source: IpAddr) -> Result<(), Refused> {
        let per_s = self.limits.requests_per_source_per_s;
        let burst = per_s.saturating_mul(2);
        let taken = self.sources.with(SourceKey::new(source), |source| {
            source.requests.get_or_insert_with(|| Bucket::full(now, burst)).take(now, per_s, burst)
        });
        taken.map_err(|retry_after_s| Refused { retry_after_s, why: Counter::SourceLimited })
    }

    /// An answer to a challenge may be looked at; else in how many seconds.
    pub(super) fn admit_answer(&mut self, now: Mono, source: IpAddr) -> Result<(), u32> {
        let most = self.limits.wrong_passwords_per_source_per_min;
        let mut result = Ok(());
        self.sources.with_known(SourceKey::new(source), |source| {
            if let Some((since, count)) = source.wrong {
                let age_ms = now.ms_since(since);
                if age_ms >= WRONG_WINDOW_MS {
                    source.wrong = None;
                } else if count >= most {
                    let wait_ms = u32::try_from(WRONG_WINDOW_MS - age_ms).unwrap_or(u32::MAX);
                    result = Err(wait_ms.div_ceil(1_000));
                }
            }
        });
        result
    }

    /// A source gave a wrong answer to a challenge that it did get.
    pub(super) fn answered_wrong(&mut self, now: Mono, source: IpAddr) {
        self.sources.with(SourceKey::new(source), |source| {
            let (_, count) = source.wrong.get_or_insert((now, 0));
            *count = count.saturating_add(1);
        });
    }

    /// A new INVITE, after [`Admission::admit_request`]. `legs` is how many there are now.
    pub(super) fn open_call(
        &mut self,
        now: Mono,
        source: IpAddr,
        trunk: &Trunk,
        legs: usize,
    ) -> Result<CallTicket, Refused> {
        let key = SourceKey::new(source);
        let full = |why| Refused { retry_after_s: RETRY_FULL_S, why };
        if self.sources.with(key, |source| source.half_open) >= self.limits.half_open_per_source {
            return Err(full(Counter::SourceLimited));
        }
        let used = self.trunks.entry(trunk.id.clone()).or_insert_with(|| TrunkUse { calls: 0, bucket: None });
        if trunk.calls_max.is_some_and(|most| used.calls >= most) {
            return Err(full(Counter::TrunkLimited));
        }
        if legs >= self.limits.legs_max {
            return Err(full(Counter::Overloaded));
        }
        // The last, because it takes something.
        match trunk.calls_per_s {
            Some(per_s) => {
                let bucket = used.bucket.get_or_insert_with(|| Bucket::full(now, per_s));
                bucket
                    .take(now, per_s, per_s)
                    .map_err(|retry_after_s| Refused { retry_after_s, why: Counter::TrunkLimited })?;
            }
            None => used.bucket = None,
        }
        used.calls = used.calls.saturating_add(1);
        let life = self.sources.with(key, |source| {
            source.half_open += 1;
            source.life
        });
        Ok(CallTicket { half_open: Some((key, life)), trunk: trunk.id.clone() })
    }

    /// The call is confirmed, by ACK or PRACK: it is no longer half-open, and its source is proved.
    pub(super) fn call_confirmed(&mut self, now: Mono, ticket: &mut CallTicket) {
        if let Some((key, life)) = ticket.half_open.take() {
            self.sources.with(key, |source| {
                source.confirmed_until = Some(now.plus_ms(CONFIRMED_MS));
                source.close(life);
            });
        }
    }

    /// The call is over.
    pub(super) fn release(&mut self, ticket: CallTicket) {
        if let Some((key, life)) = ticket.half_open {
            self.sources.with_known(key, |source| source.close(life));
        }
        if let Some(used) = self.trunks.get_mut(&ticket.trunk) {
            used.calls = used.calls.saturating_sub(1);
        }
    }

    /// Calls of a trunk now.
    #[cfg(test)]
    pub(super) fn calls(&self, trunk: &TrunkId) -> u32 {
        self.trunks.get(trunk).map_or(0, |used| used.calls)
    }

    /// Sources that are remembered.
    #[cfg(test)]
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }
}

impl Source {
    fn is_confirmed(&self, now: Mono) -> bool {
        self.confirmed_until.is_some_and(|until| now < until)
    }

    /// A call of that life is no longer half-open. One that a forgotten life of this source opened is not counted any more.
    fn close(&mut self, life: u64) {
        if self.life == life {
            self.half_open = self.half_open.saturating_sub(1);
        }
    }
}
