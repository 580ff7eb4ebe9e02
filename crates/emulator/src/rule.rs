//! A rule: which requests, how often, and what happens to them. Its JSON is documented in docs/emulator.md.

use serde::{Deserialize, Serialize};
use tympan_connect::error::ErrorCode;
use tympan_kvs::{ErrorId, KvsErrorCode};

/// When a fault strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The operation's name; `*` stands for any number of any characters.
    #[serde(default = "anything")]
    pub(crate) operation: String,
    /// The stream's name; `*` as above. A request without a stream matches `*` alone.
    #[serde(default = "anything")]
    pub(crate) stream: String,
    /// What happens.
    pub(crate) fault: Fault,
    /// So many matching requests pass first.
    #[serde(default)]
    pub(crate) after: u64,
    /// It strikes so often; absent: as often as it matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
    /// The chance that a matching request is struck.
    #[serde(default = "certain")]
    pub(crate) probability: f64,
    /// From which the chances are drawn: the same seed, the same draws.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// PutMedia: the fragment after so many is answered with an ERROR ack, and the session ends.
    AckError {
        /// `ErrorId`, of those that the service knows.
        id: u16,
        /// Whole fragments before it.
        #[serde(default)]
        fragments: u64,
    },
    /// The request is refused as if the clocks of client and server were apart.
    ClockSkew {
        /// How far the server's clock seems to be ahead; negative: behind. Beyond the skew that is allowed.
        #[serde(default = "an_hour_ms")]
        ms: i64,
    },
    /// The answer comes so much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is refused with an error of its service.
    Error {
        /// The exception's name.
        code: String,
        /// The HTTP status, needed for a code that the service has not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The request is refused as one with an expired session token.
    ExpiredToken {},
    /// A bare status, as of a load balancer that reaches no server.
    HttpStatus {
        /// 400 to 599.
        status: u16,
    },
    /// The KMS refuses the stream's key.
    KmsDenied {
        /// 4500 to 4506.
        #[serde(default = "access_denied")]
        id: u16,
    },
    /// The account may have no more streams.
    QuotaReached {},
    /// The connection is reset (TCP RST).
    Reset {
        /// Where in the body; absent: instead of an answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Place>,
    },
    /// PutMedia: each ack comes so much later.
    SlowAcks {
        /// Milliseconds.
        ms: u64,
    },
    /// The body stops for a while and goes on.
    Stall {
        /// Milliseconds.
        ms: u64,
        /// Where in the body.
        at: Place,
    },
    /// The request is refused for coming too fast.
    Throttle {},
    /// The body ends too early, but in good order.
    Truncate {
        /// Where in the body.
        at: Place,
    },
}

/// A place in the body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the midst of the fragment that follows so many whole ones.
    Fragments(u64),
    /// After so many bytes.
    Bytes(u64),
}

/// Where faults are laid on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seam {
    /// Between HTTP and the services.
    Edge,
    /// Between store and key provider.
    Keys,
    /// Between captures and the streams that they lease.
    Streams,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The fault does not go with the operation.
    #[error(
        "the fault {fault:?} strikes {allowed}; {operation:?} is none of them: leave \"operation\" out, or name one"
    )]
    Operation {
        /// The fault's kind.
        fault: &'static str,
        /// What it strikes.
        allowed: String,
        /// What was asked for.
        operation: String,
    },
    /// A number is out of its range.
    #[error("{name} is {value}; it is {expected}")]
    Range {
        /// The member.
        name: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// An error code that no service here has, without a status.
    #[error("no service here has the error {0:?}: give its \"status\" too")]
    Code(String),
}

const PUT_MEDIA: &[&str] = &["PutMedia"];
/// Operations whose answer is a body of media or of acks.
const STREAMING: &[&str] = &["GetMedia", "GetMediaForFragmentList", "PutMedia"];
/// Operations that use a stream's key; the last stands for the flow block.
const WITH_KEY: &[&str] =
    &["CreateStream", "GetMedia", "GetMediaForFragmentList", "PutMedia", "StartMediaStreaming"];
const CREATING: &[&str] = &["CreateStream", "StartMediaStreaming"];

impl Fault {
    /// Its name in JSON.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::AckError { .. } => "ack_error",
            Self::ClockSkew { .. } => "clock_skew",
            Self::Delay { .. } => "delay",
            Self::Error { .. } => "error",
            Self::ExpiredToken {} => "expired_token",
            Self::HttpStatus { .. } => "http_status",
            Self::KmsDenied { .. } => "kms_denied",
            Self::QuotaReached {} => "quota_reached",
            Self::Reset { .. } => "reset",
            Self::SlowAcks { .. } => "slow_acks",
            Self::Stall { .. } => "stall",
            Self::Throttle {} => "throttle",
            Self::Truncate { .. } => "truncate",
        }
    }

    /// The operations that it can strike; `None`: any.
    fn operations(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::AckError { .. } | Self::SlowAcks { .. } => Some(PUT_MEDIA),
            Self::Stall { .. } | Self::Truncate { .. } | Self::Reset { at: Some(_) } => Some(STREAMING),
            Self::KmsDenied { .. } => Some(WITH_KEY),
            Self::QuotaReached {} => Some(CREATING),
            _ => None,
        }
    }

    fn strikes_at(&self, seam: Seam) -> bool {
        match self {
            Self::KmsDenied { .. } => seam == Seam::Keys,
            Self::QuotaReached {} => matches!(seam, Seam::Edge | Seam::Streams),
            _ => seam == Seam::Edge,
        }
    }

    fn check(&self) -> Result<(), RuleError> {
        let range = |name, value: &dyn ToString, expected| {
            Err(RuleError::Range { name, value: value.to_string(), expected })
        };
        match self {
            Self::AckError { id, .. } if ErrorId::from_id(*id).is_none() => {
                range("id", id, "an ErrorId of PutMedia, such as 4002")
            }
            Self::KmsDenied { id } if !(4500..=4506).contains(id) => range("id", id, "from 4500 to 4506"),
            Self::HttpStatus { status } | Self::Error { status: Some(status), .. }
                if !(400..=599).contains(status) =>
            {
                range("status", status, "from 400 to 599")
            }
            Self::Error { code, status: None, .. } if status_of(code).is_none() => {
                Err(RuleError::Code(code.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// The status of an error by its name, of whichever service has it.
pub(crate) fn status_of(code: &str) -> Option<u16> {
    let kvs = KvsErrorCode::ALL.iter().find(|known| known.name() == code).map(|known| known.status());
    kvs.or_else(|| ErrorCode::ALL.iter().find(|known| known.name() == code).map(|known| known.status()))
}

impl Rule {
    /// Refuses what could never strike, or would strike with something that does not exist.
    pub(crate) fn check(&self) -> Result<(), RuleError> {
        if !(0.0..=1.0).contains(&self.probability) {
            let value = self.probability.to_string();
            return Err(RuleError::Range { name: "probability", value, expected: "from 0 to 1" });
        }
        if let Some(operations) = self.fault.operations()
            && !operations.iter().any(|name| fits(&self.operation, name))
        {
            return Err(RuleError::Operation {
                fault: self.fault.kind(),
                allowed: operations.join(", "),
                operation: self.operation.clone(),
            });
        }
        self.fault.check()
    }

    /// Whether a request is one of those that the rule is about.
    pub(crate) fn matches(&self, seam: Seam, operation: &str, stream: Option<&str>) -> bool {
        self.may_match(seam, operation)
            && (self.is_about_any_stream() || stream.is_some_and(|name| fits(&self.stream, name)))
    }

    /// Whether a request might match, its stream still unknown.
    pub(crate) fn may_match(&self, seam: Seam, operation: &str) -> bool {
        self.fault.strikes_at(seam)
            && fits(&self.operation, operation)
            && self.fault.operations().is_none_or(|names| names.contains(&operation))
    }

    /// Whether the stream does not matter.
    pub(crate) fn is_about_any_stream(&self) -> bool {
        self.stream == "*"
    }
}

/// Whether `text` is what `pattern` says, in which `*` stands for any number of characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(literal) else { return false };
    // The first place where the next literal fits is as good as any later one, but for the last literal.
    rest.is_empty()
        || text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
}

fn anything() -> String {
    "*".to_owned()
}

fn certain() -> f64 {
    1.0
}

fn access_denied() -> u16 {
    4500
}

fn an_hour_ms() -> i64 {
    3_600_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(value: serde_json::Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "any"),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a*c", "ac"),
            ("a*b*c", "a-b-b-c"),
            ("x", "x"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("", "a"), ("a*", "ba"), ("*c", "cb"), ("a*b*c", "a-c"), ("x", "xx"), ("x", "X")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_strikes_at_its_seam_and_nowhere_else() {
        let throttle =
            rule(json!({ "operation": "GetMedia", "stream": "a*", "fault": { "kind": "throttle" } }));
        assert!(throttle.matches(Seam::Edge, "GetMedia", Some("abc")));
        assert!(!throttle.matches(Seam::Edge, "GetMedia", Some("b")));
        assert!(!throttle.matches(Seam::Edge, "GetMedia", None), "a request without a stream");
        assert!(!throttle.matches(Seam::Edge, "PutMedia", Some("abc")));
        assert!(!throttle.matches(Seam::Keys, "GetMedia", Some("abc")));
        let kms = rule(json!({ "fault": { "kind": "kms_denied" } }));
        assert!(kms.matches(Seam::Keys, "StartMediaStreaming", Some("s")));
        assert!(!kms.matches(Seam::Edge, "GetMedia", Some("s")));
        let quota = rule(json!({ "fault": { "kind": "quota_reached" } }));
        assert!(quota.matches(Seam::Edge, "CreateStream", Some("s")));
        assert!(quota.matches(Seam::Streams, "StartMediaStreaming", Some("s")));
        assert!(!quota.matches(Seam::Edge, "ListStreams", None));
    }

    #[test]
    fn what_could_never_strike_is_refused_with_what_would() {
        let refused = |value| rule(value).check().unwrap_err().to_string();
        let said = refused(json!({ "operation": "GetMedia", "fault": { "kind": "slow_acks", "ms": 5 } }));
        assert!(said.contains("PutMedia") && said.contains("GetMedia"), "{said}");
        let said = refused(json!({ "fault": { "kind": "error", "code": "NoSuchException" } }));
        assert!(said.contains("status"), "{said}");
        refused(json!({ "fault": { "kind": "ack_error", "id": 1 } }));
        refused(json!({ "fault": { "kind": "kms_denied", "id": 4507 } }));
        refused(json!({ "fault": { "kind": "http_status", "status": 200 } }));
        refused(json!({ "fault": { "kind": "throttle" }, "probability": 1.5 }));
        for accepted in [
            json!({ "fault": { "kind": "error", "code": "ResourceNotFoundException" } }),
            json!({ "fault": { "kind": "error", "code": "NoSuchException", "status": 418 } }),
            json!({ "operation": "Put*", "fault": { "kind": "ack_error", "id": 4002, "fragments": 3 } }),
            json!({ "fault": { "kind": "reset", "at": { "bytes": 10 } }, "times": 1, "after": 2, "seed": 9 }),
        ] {
            rule(accepted.clone()).check().unwrap_or_else(|error| panic!("{accepted}: {error}"));
        }
    }

    #[test]
    fn members_that_are_not_known_are_refused() {
        for value in [
            json!({ "fault": { "kind": "throttle" }, "tmes": 1 }),
            json!({ "fault": { "kind": "throttle", "ms": 1 } }),
            json!({ "fault": { "kind": "reset", "at": { "frames": 1 } } }),
            json!({ "fault": { "kind": "truncate" } }),
            json!({ "fault": { "kind": "melt" } }),
        ] {
            assert!(serde_json::from_value::<Rule>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_rule_reads_as_it_was_written() {
        let written = json!({ "operation": "GetMedia", "stream": "*", "fault": { "kind": "stall", "ms": 5,
            "at": { "fragments": 2 } }, "after": 1, "times": 3, "probability": 0.5, "seed": 7 });
        assert_eq!(serde_json::to_value(rule(written.clone())).unwrap(), written);
    }
}
