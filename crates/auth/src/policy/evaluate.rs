//! What policies say about one request: an explicit deny wins, else an allow is needed, else it is denied.

use super::Policy;
use super::document::Statement;
use crate::Principal;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tympan_types::WallTime;

/// What conditions may ask about a request, beside who sent it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The server's clock.
    pub now: WallTime,
    /// Where the request came from.
    pub source_ip: Option<IpAddr>,
    /// Whether it came by TLS.
    pub secure_transport: bool,
    /// The region that it was signed for.
    pub region: &'a str,
    /// The tags of the resource; `None` where it has none or they are not known.
    pub resource_tags: Option<&'a BTreeMap<String, String>>,
}

/// A request as policies see it.
pub(super) struct Question<'a> {
    pub(super) principal: &'a Principal,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) facts: Facts<'a>,
}

/// What an identity may do: the policies that it has, and, of a session, those that it was narrowed with.
///
/// By default nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Permissions {
    identity: Vec<Arc<Policy>>,
    session: Option<Vec<Arc<Policy>>>,
}

impl Permissions {
    /// What these policies allow.
    pub fn new(policies: Vec<Arc<Policy>>) -> Self {
        Self { identity: policies, session: None }
    }

    /// Only what these policies allow as well.
    #[must_use]
    pub fn narrowed(mut self, policies: Vec<Arc<Policy>>) -> Self {
        self.session = Some(policies);
        self
    }

    fn decide(&self, question: &Question<'_>) -> Ruling {
        let mut cause = None;
        let mut allowed_by = None;
        let layers = [Some(&self.identity), self.session.as_ref()];
        for (layer, in_session) in layers.into_iter().zip([false, true]) {
            let Some(policies) = layer else { continue };
            match say(policies, question) {
                Verdict::Denied(place) => {
                    let outcome = Err(RefusalCause::ExplicitDeny { in_session });
                    return Ruling { outcome, statement: Some(place) };
                }
                Verdict::Allowed(place) => allowed_by = allowed_by.or(Some(place)),
                // A deny of the other layer would still win.
                Verdict::Silent => cause = cause.or(Some(RefusalCause::NoAllow { in_session })),
            }
        }
        match cause {
            None => Ruling { outcome: Ok(()), statement: allowed_by },
            Some(cause) => Ruling { outcome: Err(cause), statement: None },
        }
    }
}

/// What policies say about a request, and which statement says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it is allowed.
    pub outcome: Result<(), RefusalCause>,
    /// The first statement that denies it, or the first of the identity that allows it; `None` where no statement decides.
    pub statement: Option<StatementPlace>,
}

/// Where a statement stands, in the layer of policies that [`Ruling::outcome`] is about; counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementPlace {
    /// The place of its policy in the list that [`Permissions`] was made of.
    pub policy: usize,
    /// Its place in that policy.
    pub statement: usize,
}

enum Verdict {
    Denied(StatementPlace),
    Allowed(StatementPlace),
    Silent,
}

fn say(policies: &[Arc<Policy>], question: &Question<'_>) -> Verdict {
    let mut verdict = Verdict::Silent;
    for (policy, statements) in policies.iter().map(|policy| &policy.statements).enumerate() {
        for (statement, said) in statements.iter().enumerate() {
            if !said.is_about(question) {
                continue;
            }
            let place = StatementPlace { policy, statement };
            match (said.allows, &verdict) {
                (false, _) => return Verdict::Denied(place),
                (true, Verdict::Silent) => verdict = Verdict::Allowed(place),
                (true, _) => {}
            }
        }
    }
    verdict
}

impl Statement {
    fn is_about(&self, question: &Question<'_>) -> bool {
        self.actions.has_action(question.action)
            && self.resources.has_resource(question.resource)
            && self.conditions.iter().all(|condition| condition.is_met(question))
    }
}

impl Principal {
    /// Whether this principal may do something to a resource.
    ///
    /// # Errors
    /// [`Refusal`], which says why not in the words that AWS uses.
    pub fn may(&self, action: &str, resource: &str, facts: Facts<'_>) -> Result<(), Refusal> {
        self.ruling(action, resource, facts).outcome.map_err(|cause| Refusal {
            principal: self.arn.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            cause,
        })
    }

    /// As [`Self::may`], with the statement that decides.
    pub fn ruling(&self, action: &str, resource: &str, facts: Facts<'_>) -> Ruling {
        self.permissions.decide(&Question { principal: self, action, resource, facts })
    }
}

/// A request that policies do not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The ARN of who asked.
    pub principal: String,
    /// What they wanted to do.
    pub action: String,
    /// To what.
    pub resource: String,
    /// Why they may not.
    pub cause: RefusalCause,
}

/// Why a request is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// A statement denies it.
    ExplicitDeny {
        /// The statement is of the session's own policies.
        in_session: bool,
    },
    /// No statement allows it.
    NoAllow {
        /// Those of the identity do, those of the session do not.
        in_session: bool,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, action, resource, cause } = self;
        write!(f, "User: {principal} is not authorized to perform: {action} on resource: {resource} ")?;
        match cause {
            RefusalCause::ExplicitDeny { in_session: false } => {
                f.write_str("with an explicit deny in an identity-based policy")
            }
            RefusalCause::ExplicitDeny { in_session: true } => {
                f.write_str("with an explicit deny in a session policy")
            }
            RefusalCause::NoAllow { in_session: false } => {
                write!(f, "because no identity-based policy allows the {action} action")
            }
            RefusalCause::NoAllow { in_session: true } => {
                write!(f, "because no session policy allows the {action} action")
            }
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::AccountId;

    const STREAM: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-1/1598784211076";
    const OTHER: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/other/1598784211076";
    const NOON_MS: i64 = 1_706_270_400_000;

    fn policy(statements: &str) -> Arc<Policy> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Arc::new(Policy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    fn principal(permissions: Permissions) -> Principal {
        let account = AccountId::parse("111122223333").unwrap();
        Principal::user("reader", account).with_permissions(permissions)
    }

    fn facts() -> Facts<'static> {
        Facts {
            now: WallTime::from_unix_ms(NOON_MS),
            source_ip: Some([10, 1, 2, 3].into()),
            secure_transport: false,
            region: "us-west-2",
            resource_tags: None,
        }
    }

    fn allowed(statements: &[&str], action: &str, resource: &str, facts: Facts<'_>) -> bool {
        let policies = statements.iter().map(|statements| policy(statements)).collect();
        principal(Permissions::new(policies)).may(action, resource, facts).is_ok()
    }

    #[test]
    fn an_explicit_deny_wins_else_an_allow_is_needed() {
        const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        const DENY_DEMO: &str = r#"{"Effect":"Deny","Action":"kinesisvideo:Get*",
            "Resource":"arn:aws:kinesisvideo:*:*:stream/demo-*/*"}"#;
        const GET: &str = "kinesisvideo:GetMedia";
        for (statements, action, resource, expected) in [
            (&[][..], GET, STREAM, false),
            (&[ALLOW_ALL], GET, STREAM, true),
            (&[ALLOW_ALL, DENY_DEMO], GET, STREAM, false),
            (&[DENY_DEMO, ALLOW_ALL], GET, STREAM, false),
            (&[DENY_DEMO, ALLOW_ALL], GET, OTHER, true),
            (&[DENY_DEMO, ALLOW_ALL], "kinesisvideo:PutMedia", STREAM, true),
            (&[DENY_DEMO], GET, OTHER, false),
            // Case: actions do not tell it apart, resources do.
            (&[r#"{"Effect":"Allow","Action":"KinesisVideo:getmedia","Resource":"*"}"#], GET, STREAM, true),
            (
                &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*:*:stream/DEMO-1/*"}"#],
                GET,
                STREAM,
                false,
            ),
            // A wildcard of a service is not one of another.
            (&[r#"{"Effect":"Allow","Action":"kinesisvideo:*","Resource":"*"}"#], "kms:Decrypt", "*", false),
            (
                &[r#"{"Effect":"Allow","Action":"*:List*","Resource":"*"}"#],
                "connect:ListInstances",
                "*",
                true,
            ),
            (&[r#"{"Effect":"Allow","Action":"kinesisvideo:Get?edia","Resource":"*"}"#], GET, STREAM, true),
            // Negations.
            (&[r#"{"Effect":"Allow","NotAction":"kms:*","Resource":"*"}"#], GET, STREAM, true),
            (
                &[r#"{"Effect":"Allow","NotAction":["kms:*","kinesisvideo:Get*"],"Resource":"*"}"#],
                GET,
                STREAM,
                false,
            ),
            (
                &[
                    r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:kinesisvideo:*:*:stream/demo-1/*"}"#,
                ],
                GET,
                STREAM,
                false,
            ),
            (
                &[
                    r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:kinesisvideo:*:*:stream/demo-1/*"}"#,
                ],
                GET,
                OTHER,
                true,
            ),
            // A stream that does not exist yet is allowed by a pattern of its name, and by no ARN of another one.
            (
                &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*:*:stream/new/*"}"#],
                "kinesisvideo:CreateStream",
                "arn:aws:kinesisvideo:us-west-2:111122223333:stream/new/*",
                true,
            ),
            (
                &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*:*:stream/new/159"}"#],
                "kinesisvideo:CreateStream",
                "arn:aws:kinesisvideo:us-west-2:111122223333:stream/new/*",
                false,
            ),
            // An operation without a resource of its own is allowed by "*" alone.
            (
                &[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kinesisvideo:*"}"#],
                "kinesisvideo:ListStreams",
                "*",
                false,
            ),
        ] {
            assert_eq!(
                allowed(statements, action, resource, facts()),
                expected,
                "{statements:?} {action} {resource}"
            );
        }
    }

    #[test]
    fn the_statement_that_decides_is_known_by_its_place() {
        let allow = |what: &str| format!(r#"{{"Effect":"Allow","Action":"{what}","Resource":"*"}}"#);
        let deny = |what: &str| format!(r#"{{"Effect":"Deny","Action":"{what}","Resource":"*"}}"#);
        let layer = |policies: &[&[String]]| -> Vec<Arc<Policy>> {
            policies.iter().map(|statements| policy(&statements.join(","))).collect()
        };
        let identity = layer(&[&[allow("a:X"), deny("a:N")], &[allow("b:*"), allow("a:*")]]);
        let session = layer(&[&[deny("a:S")], &[allow("a:*")]]);
        let user = principal(Permissions::new(identity.clone()));
        let narrowed = principal(Permissions::new(identity).narrowed(session));
        for (who, action, place) in [
            (&user, "a:X", Some((0, 0))),
            (&user, "a:Y", Some((1, 1))),
            (&user, "a:N", Some((0, 1))),
            (&user, "c:X", None),
            // The identity's where both allow it, the session's where that denies it.
            (&narrowed, "a:Y", Some((1, 1))),
            (&narrowed, "a:S", Some((0, 0))),
            (&narrowed, "b:X", None),
        ] {
            let ruling = who.ruling(action, STREAM, facts());
            let found = ruling.statement.map(|place| (place.policy, place.statement));
            assert_eq!(found, place, "{action}");
            assert_eq!(ruling.outcome.is_ok(), who.may(action, STREAM, facts()).is_ok(), "{action}");
        }
    }

    #[test]
    fn conditions_must_all_be_met() {
        let tags = BTreeMap::from([("team".to_owned(), "care".to_owned())]);
        let tagged = Facts { resource_tags: Some(&tags), ..facts() };
        let secure = Facts { secure_transport: true, ..facts() };
        let unknown_source = Facts { source_ip: None, ..facts() };
        for (condition, facts, expected) in [
            (r#"{}"#, facts(), true),
            (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, facts(), true),
            (r#"{"IpAddress":{"AWS:sourceip":["192.168.0.0/16","10.1.2.3"]}}"#, facts(), true),
            (r#"{"IpAddress":{"aws:SourceIp":"192.168.0.0/16"}}"#, facts(), false),
            (r#"{"NotIpAddress":{"aws:SourceIp":["192.168.0.0/16","10.1.0.0/16"]}}"#, facts(), false),
            (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, unknown_source, false),
            (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, unknown_source, true),
            (r#"{"IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}}"#, unknown_source, true),
            (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, facts(), false),
            (r#"{"Bool":{"aws:SecureTransport":true}}"#, secure, true),
            (r#"{"DateLessThan":{"aws:CurrentTime":"2024-01-26T12:00:00Z"}}"#, facts(), false),
            (r#"{"DateLessThanEquals":{"aws:CurrentTime":"2024-01-26T12:00:00Z"}}"#, facts(), true),
            (r#"{"DateGreaterThan":{"aws:CurrentTime":"2024-01-26"}}"#, facts(), true),
            (r#"{"DateGreaterThan":{"aws:EpochTime":1706270399}}"#, facts(), true),
            (r#"{"DateEquals":{"aws:EpochTime":"1706270400"}}"#, facts(), true),
            (r#"{"StringEquals":{"aws:username":["writer","reader"]}}"#, facts(), true),
            (r#"{"StringNotEquals":{"aws:username":["writer","reader"]}}"#, facts(), false),
            (r#"{"StringLike":{"aws:username":"read*"}}"#, facts(), true),
            (r#"{"StringEquals":{"aws:username":"read*"}}"#, facts(), false),
            (r#"{"StringEqualsIgnoreCase":{"aws:username":"READER"}}"#, facts(), true),
            (r#"{"StringNotLike":{"aws:RequestedRegion":"eu-*"}}"#, facts(), true),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#, facts(), true),
            (r#"{"ArnLike":{"aws:PrincipalArn":"arn:*:user/*:x:y:z"}}"#, facts(), false),
            (r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#, facts(), true),
            (r#"{"StringEquals":{"aws:ResourceTag/team":"care"}}"#, tagged, true),
            (r#"{"StringEquals":{"aws:ResourceTag/Team":"care"}}"#, tagged, true),
            (r#"{"StringEquals":{"aws:ResourceTag/team":"sales"}}"#, tagged, false),
            (r#"{"StringEquals":{"aws:ResourceTag/team":"care"}}"#, facts(), false),
            (r#"{"StringNotEquals":{"aws:ResourceTag/team":"care"}}"#, facts(), true),
            (r#"{"StringEqualsIfExists":{"aws:ResourceTag/team":"care"}}"#, facts(), true),
            (r#"{"Null":{"aws:ResourceTag/team":"true"}}"#, facts(), true),
            (r#"{"Null":{"aws:ResourceTag/team":"true"}}"#, tagged, false),
            (r#"{"Null":{"aws:SourceIp":"false"}}"#, facts(), true),
            // Several keys and operators: all of them.
            (
                r#"{"StringEquals":{"aws:username":"reader","aws:RequestedRegion":"eu-west-1"}}"#,
                facts(),
                false,
            ),
            (
                r#"{"StringEquals":{"aws:username":"reader"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
                facts(),
                true,
            ),
        ] {
            let statement =
                format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#);
            assert_eq!(
                allowed(&[&statement], "kinesisvideo:GetMedia", STREAM, facts),
                expected,
                "{condition}"
            );
        }
    }

    #[test]
    fn values_and_operators_that_do_not_fit_their_key_are_refused() {
        for condition in [
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0/8"}}"#,
            r#"{"StringEquals":{"aws:SourceIp":"10.0.0.1"}}"#,
            r#"{"Bool":{"aws:SecureTransport":"yes"}}"#,
            r#"{"Bool":{"aws:username":"true"}}"#,
            r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#,
            r#"{"NumericLessThan":{"aws:EpochTime":"3"}}"#,
            r#"{"ArnLike":{"aws:PrincipalArn":"user/x"}}"#,
            r#"{"ForAllValues:StringEquals":{"aws:username":"x"}}"#,
            r#"{"NullIfExists":{"aws:username":"true"}}"#,
            r#"{"StringEquals":{"aws:ResourceTag/":"x"}}"#,
            r#"{"StringEquals":{"aws:username":[]}}"#,
            r#"{"StringEquals":{"aws:username":"${aws:userid}"}}"#,
            r#"{"StringEquals":{"aws:username":{"a":"b"}}}"#,
        ] {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
            );
            let error = Policy::parse(&text).expect_err(condition);
            assert!(error.place().starts_with("Statement.Condition."), "{condition}: {error}");
        }
    }

    #[test]
    fn a_session_may_do_what_both_allow_and_neither_denies() {
        let reads = policy(r#"{"Effect":"Allow","Action":"kinesisvideo:*","Resource":"*"}"#);
        let lists = policy(r#"{"Effect":"Allow","Action":["kinesisvideo:List*","kms:*"],"Resource":"*"}"#);
        let session = principal(Permissions::new(vec![reads]).narrowed(vec![lists]));
        let may = |action: &str| session.may(action, "*", facts()).map_err(|refusal| refusal.cause);
        assert_eq!(may("kinesisvideo:ListStreams"), Ok(()));
        assert_eq!(may("kinesisvideo:GetMedia"), Err(RefusalCause::NoAllow { in_session: true }));
        assert_eq!(may("kms:Decrypt"), Err(RefusalCause::NoAllow { in_session: false }));
        let denies = policy(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#);
        let session = principal(Permissions::default().narrowed(vec![denies]));
        let refusal = session.may("kms:Decrypt", "*", facts()).unwrap_err();
        assert_eq!(refusal.cause, RefusalCause::ExplicitDeny { in_session: true });
    }

    #[test]
    fn a_refusal_is_worded_as_at_aws() {
        let refusal =
            principal(Permissions::default()).may("kinesisvideo:GetMedia", STREAM, facts()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!(
                "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: kinesisvideo:GetMedia on \
                 resource: {STREAM} because no identity-based policy allows the kinesisvideo:GetMedia action"
            )
        );
        let denied = Refusal { cause: RefusalCause::ExplicitDeny { in_session: false }, ..refusal };
        assert!(denied.to_string().ends_with("with an explicit deny in an identity-based policy"));
    }
}
