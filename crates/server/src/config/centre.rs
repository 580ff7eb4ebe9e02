//! `[centre]`: what the routing allows agents.

use serde::{Deserialize, Serialize};
use tympan_contact::routing::RoutingOptions;

/// `[centre]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Centre {
    /// How long an agent's telephone rings for a contact.
    pub ring_limit_s: u32,
    /// When a contact that an agent missed is cleared by itself; 0: never.
    pub clear_missed_after_s: u32,
    /// How long work after a contact lasts at most, where the agent's settings have no limit; 0: until it is ended.
    pub after_contact_work_limit_s: u32,
}

impl Default for Centre {
    fn default() -> Self {
        Self { ring_limit_s: 20, clear_missed_after_s: 0, after_contact_work_limit_s: 0 }
    }
}

impl Centre {
    /// In the words of the routing.
    pub(crate) fn routing(&self) -> RoutingOptions {
        let ms = |seconds: u32| seconds.saturating_mul(1_000);
        let limit = |seconds: u32| (seconds > 0).then(|| ms(seconds));
        RoutingOptions {
            ring_limit_ms: ms(self.ring_limit_s.max(1)),
            clear_missed_after_ms: limit(self.clear_missed_after_s),
            after_contact_work_limit_ms: limit(self.after_contact_work_limit_s),
            ..RoutingOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(Centre::default().routing(), RoutingOptions::default());
        let limited =
            Centre { clear_missed_after_s: 30, after_contact_work_limit_s: 60, ..Centre::default() };
        let options = limited.routing();
        assert_eq!(options.clear_missed_after_ms, Some(30_000));
        assert_eq!(options.after_contact_work_limit_ms, Some(60_000));
    }
}
