//! The armed rules: decides for each request, counts, and draws chances that repeat.

use crate::rule::{Fault, Rule, RuleError, Seam};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The rules of this server, in the order in which they came. Clones are the same rules.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    rule: Rule,
    /// Requests that the rule is about, struck or not.
    matched: u64,
    /// Requests that were struck.
    fired: u64,
    chances: Chances,
}

impl Faults {
    /// Adds rules after those that are there, all or none of them. Gives each as it will be listed.
    ///
    /// # Errors
    /// The first rule that could never strike.
    pub fn arm(&self, rules: Vec<Rule>) -> Result<Vec<Value>, RuleError> {
        rules.iter().try_for_each(Rule::check)?;
        let mut table = self.table();
        let mut shown = Vec::with_capacity(rules.len());
        for rule in rules {
            table.last_id += 1;
            let chances = Chances(rule.seed);
            let armed = Armed { id: table.last_id, rule, matched: 0, fired: 0, chances };
            shown.push(armed.show());
            table.armed.push(armed);
        }
        Ok(shown)
    }

    /// Every rule with what it has done.
    pub fn list(&self) -> Vec<Value> {
        self.table().armed.iter().map(Armed::show).collect()
    }

    /// Removes one rule; `false` if there is none of this id.
    pub(crate) fn disarm(&self, id: u64) -> bool {
        let mut table = self.table();
        let before = table.armed.len();
        table.armed.retain(|armed| armed.id != id);
        table.armed.len() < before
    }

    /// Removes every rule, and says how many there were.
    pub fn disarm_all(&self) -> usize {
        std::mem::take(&mut self.table().armed).len()
    }

    /// Whether the stream must be known before [`Self::strike`] can decide.
    pub(crate) fn ask_for_stream(&self, seam: Seam, operation: &str) -> bool {
        let asks = |armed: &Armed| !armed.rule.is_about_any_stream() && armed.rule.may_match(seam, operation);
        self.table().armed.iter().any(asks)
    }

    /// Decides what happens to a request: the first rule that strikes it does, later ones do not even count it.
    pub(crate) fn strike(&self, seam: Seam, operation: &str, stream: Option<&str>) -> Option<Fault> {
        let mut table = self.table();
        table.armed.iter_mut().find_map(|armed| armed.strike(seam, operation, stream))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn strike(&mut self, seam: Seam, operation: &str, stream: Option<&str>) -> Option<Fault> {
        let Rule { after, times, probability, .. } = self.rule;
        if self.is_spent(times) || !self.rule.matches(seam, operation, stream) {
            return None;
        }
        self.matched += 1;
        if self.matched <= after || !self.chances.draw(probability) {
            return None;
        }
        self.fired += 1;
        tracing::info!(rule = self.id, kind = self.rule.fault.kind(), operation, stream, "a fault strikes");
        Some(self.rule.fault.clone())
    }

    fn is_spent(&self, times: Option<u64>) -> bool {
        times.is_some_and(|times| self.fired >= times)
    }

    fn show(&self) -> Value {
        json!({
            "id": self.id,
            "rule": self.rule,
            "matched": self.matched,
            "fired": self.fired,
            "spent": self.is_spent(self.rule.times),
        })
    }
}

/// SplitMix64: any seed will do, and one seed gives one sequence.
#[derive(Debug)]
struct Chances(u64);

impl Chances {
    fn draw(&mut self, probability: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // 53 bits are what a double holds exactly: a number from 0 up to, not including, 1.
        ((bits >> 11) as f64) / ((1_u64 << 53) as f64) < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(rules: Value) -> Faults {
        let faults = Faults::default();
        faults.arm(serde_json::from_value(rules).unwrap()).unwrap();
        faults
    }

    fn strikes(faults: &Faults, count: usize) -> Vec<bool> {
        (0..count).map(|_| faults.strike(Seam::Edge, "GetMedia", Some("s")).is_some()).collect()
    }

    #[test]
    fn some_pass_first_and_then_so_many_are_struck() {
        let faults = armed(json!([{ "fault": { "kind": "throttle" }, "after": 2, "times": 1 }]));
        assert_eq!(strikes(&faults, 5), [false, false, true, false, false]);
        let listed = &faults.list()[0];
        assert_eq!(
            (&listed["matched"], &listed["fired"], &listed["spent"]),
            (&json!(3), &json!(1), &json!(true))
        );
    }

    #[test]
    fn the_same_seed_draws_the_same_chances() {
        let draws = |seed: u64| {
            let rule = json!([{ "fault": { "kind": "throttle" }, "probability": 0.3, "seed": seed }]);
            strikes(&armed(rule), 1_000)
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let struck = draws(7).iter().filter(|struck| **struck).count();
        assert!((200..400).contains(&struck), "{struck} of 1,000 at 0.3");
        let never = json!([{ "fault": { "kind": "throttle" }, "probability": 0.0 }]);
        assert_eq!(strikes(&armed(never), 3), [false; 3]);
    }

    #[test]
    fn the_first_rule_that_strikes_is_the_only_one() {
        let faults = armed(json!([
            { "operation": "PutMedia", "fault": { "kind": "expired_token" } },
            { "fault": { "kind": "throttle" }, "times": 1 },
            { "fault": { "kind": "delay", "ms": 1 } },
        ]));
        let kinds: Vec<_> = (0..2)
            .filter_map(|_| faults.strike(Seam::Edge, "GetMedia", None))
            .map(|fault| fault.kind())
            .collect();
        assert_eq!(kinds, ["throttle", "delay"]);
        let matched: Vec<_> = faults.list().iter().map(|rule| rule["matched"].clone()).collect();
        assert_eq!(matched, [json!(0), json!(1), json!(1)]);
    }

    #[test]
    fn one_bad_rule_arms_none() {
        let faults = Faults::default();
        let rules =
            json!([{ "fault": { "kind": "throttle" } }, { "fault": { "kind": "kms_denied", "id": 1 } }]);
        assert!(faults.arm(serde_json::from_value(rules).unwrap()).is_err());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn rules_go_one_by_one_or_all_at_once_and_ids_are_not_used_again() {
        let faults = armed(json!([{ "fault": { "kind": "throttle" } }, { "fault": { "kind": "throttle" } }]));
        assert!(faults.disarm(1) && !faults.disarm(1));
        assert_eq!(faults.disarm_all(), 1);
        let rule = json!([{ "fault": { "kind": "throttle" } }]);
        assert_eq!(faults.arm(serde_json::from_value(rule).unwrap()).unwrap()[0]["id"], 3);
    }

    #[test]
    fn the_stream_is_asked_for_only_where_a_rule_wants_it() {
        let faults =
            armed(json!([{ "operation": "GetMedia", "stream": "a", "fault": { "kind": "throttle" } }]));
        assert!(faults.ask_for_stream(Seam::Edge, "GetMedia"));
        assert!(!faults.ask_for_stream(Seam::Edge, "ListStreams"));
        let faults = armed(json!([{ "fault": { "kind": "throttle" } }]));
        assert!(!faults.ask_for_stream(Seam::Edge, "GetMedia"));
    }
}
