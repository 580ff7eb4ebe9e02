use super::{CallError, Lateness, LegReport};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who ended a call that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// The far end hung up.
    FarEnd,
    /// The plan's time was over.
    Plan,
    /// Ctrl-C.
    Interrupt,
}

impl EndedBy {
    fn words(self) -> &'static str {
        match self {
            Self::FarEnd => "the far end hung up",
            Self::Plan => "the caller hung up",
            Self::Interrupt => "interrupted",
        }
    }
}

/// How one call went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was answered.
    Answered {
        /// From the INVITE to the answer.
        after: Duration,
        /// From the answer to the end.
        lasted: Duration,
        /// Who ended it.
        ended_by: EndedBy,
        /// Its media.
        media: LegReport,
    },
    /// It did not come about.
    Failed(CallError),
}

/// How a plan of calls went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The calls, in the order they were begun.
    pub calls: Vec<CallOutcome>,
    /// How far behind its deadline each packet was sent.
    pub lateness: Lateness,
}

impl Report {
    /// The calls that were answered.
    pub fn answered(&self) -> usize {
        self.calls.iter().filter(|call| matches!(call, CallOutcome::Answered { .. })).count()
    }

    /// The first failure, in the order in which the calls were begun.
    pub fn first_failure(&self) -> Option<&CallError> {
        self.calls.iter().find_map(|call| match call {
            CallOutcome::Failed(error) => Some(error),
            CallOutcome::Answered { .. } => None,
        })
    }

    /// Whether Ctrl-C ended it.
    pub fn was_interrupted(&self) -> bool {
        self.calls.iter().any(|call| {
            matches!(
                call,
                CallOutcome::Answered { ended_by: EndedBy::Interrupt, .. }
                    | CallOutcome::Failed(CallError::Interrupted)
            )
        })
    }

    /// For people.
    pub fn summary(&self) -> String {
        let media = self.media();
        let packets = format!(
            "{} packets sent, {} received; the latest 1 % left more than {:.1} ms late",
            media.packets_sent,
            media.packets_received,
            self.lateness.percentile(0.99).as_secs_f64() * 1e3
        );
        match self.calls.as_slice() {
            [CallOutcome::Answered { after, lasted, ended_by, .. }] => {
                let (after, lasted) = (after.as_secs_f64(), lasted.as_secs_f64());
                format!("answered after {after:.2} s, {lasted:.1} s long, {}; {packets}", ended_by.words())
            }
            [CallOutcome::Failed(error)] => error.to_string(),
            calls => {
                let failures: String = self
                    .failures()
                    .iter()
                    .map(|(label, count)| format!(", {count} failed ({label})"))
                    .collect();
                format!("{} calls: {} answered{failures}; {packets}", calls.len(), self.answered())
            }
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let media = self.media();
        let us = |lateness: Duration| u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX);
        let call = |call: &CallOutcome| match call {
            CallOutcome::Answered { after, lasted, ended_by, media } => json!({
                "Answered": true,
                "AnswerSeconds": after.as_secs_f64(),
                "Seconds": lasted.as_secs_f64(),
                "EndedBy": ended_by,
                "PacketsSent": media.packets_sent,
                "PacketsReceived": media.packets_received,
            }),
            CallOutcome::Failed(error) => json!({ "Answered": false, "Error": error.to_string() }),
        };
        json!({
            "Calls": self.calls.len(),
            "Answered": self.answered(),
            "Failed": self.failures(),
            "PacketsSent": media.packets_sent,
            "PacketsUnsent": media.packets_unsent,
            "PacketsReceived": media.packets_received,
            "LatenessP50Microseconds": us(self.lateness.percentile(0.5)),
            "LatenessP99Microseconds": us(self.lateness.percentile(0.99)),
            "LatenessMaxMicroseconds": us(self.lateness.max()),
            "Outcomes": self.calls.iter().map(call).collect::<Vec<_>>(),
        })
    }

    fn failures(&self) -> BTreeMap<String, u64> {
        let mut failures = BTreeMap::new();
        for call in &self.calls {
            if let CallOutcome::Failed(error) = call {
                *failures.entry(error.label()).or_default() += 1;
            }
        }
        failures
    }

    /// All calls together, without what was heard.
    fn media(&self) -> LegReport {
        let mut sum = LegReport::default();
        for call in &self.calls {
            if let CallOutcome::Answered { media, .. } = call {
                sum.packets_sent += media.packets_sent;
                sum.packets_unsent += media.packets_unsent;
                sum.packets_received += media.packets_received;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(packets: u64) -> CallOutcome {
        let media = LegReport { packets_sent: packets, packets_received: packets, ..LegReport::default() };
        let (after, lasted) = (Duration::from_millis(120), Duration::from_secs(2));
        CallOutcome::Answered { after, lasted, ended_by: EndedBy::FarEnd, media }
    }

    fn refused(status: u16) -> CallOutcome {
        CallOutcome::Failed(CallError::Refused { status, reason: "Not Found".into() })
    }

    #[test]
    fn one_call_is_told_in_words() {
        let report = Report { calls: vec![answered(100)], lateness: Lateness::default() };
        assert!(
            report
                .summary()
                .starts_with("answered after 0.12 s, 2.0 s long, the far end hung up; 100 packets sent")
        );
        let report = Report { calls: vec![refused(404)], lateness: Lateness::default() };
        assert_eq!(report.summary(), "the call was refused: 404 Not Found");
    }

    #[test]
    fn many_calls_are_counted_by_outcome() {
        let report = Report {
            calls: vec![answered(1), refused(503), answered(2), refused(404), refused(503)],
            lateness: Lateness::default(),
        };
        assert!(
            report
                .summary()
                .starts_with("5 calls: 2 answered, 1 failed (404), 2 failed (503); 3 packets sent")
        );
        let json = report.to_json();
        assert_eq!((json["Failed"]["503"].as_u64(), json["PacketsSent"].as_u64()), (Some(2), Some(3)));
        assert_eq!(report.first_failure().map(CallError::label).as_deref(), Some("503"));
    }
}
