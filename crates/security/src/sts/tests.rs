use super::*;
use futures_util::FutureExt;
use http::Request;
use std::sync::Arc;
use tympan_auth::{
    BodyRule, CredentialSource, Credentials, Facts, Identities, Payload, PayloadHash, Policy, Refusal,
    RequestParts, Role, SESSION_KEY_BYTES, SessionSeal, Signer, Verified, Verifier,
};
use tympan_aws::{Ask, Invocation, NoKeys, Outcome, Permit, Protocol, ReplyBody, Routes, Rule, Stage};
use tympan_types::{AccountId, Caller, Region, WallTime};

const NOW: WallTime = WallTime::from_unix_ms(1_706_238_461_500);
const STREAM: &str = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076";
const ROLE: &str = "arn:aws:iam::111122223333:role/transcriber";

/// A user with full access, one with none, one who may not assume; and a role that reads.
fn identities(seal_key: u8) -> Identities {
    let account = AccountId::parse("111122223333").unwrap();
    let mut identities = Identities::new(account, SessionSeal::new(&[seal_key; SESSION_KEY_BYTES]));
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"sts:*","Resource":"*"}}"#;
    identities.add_policy("no-sts", Policy::parse(deny).unwrap()).unwrap();
    for (id, policies) in
        [("FULL", &["full-access"][..]), ("NONE", &[]), ("DENIED", &["full-access", "no-sts"])]
    {
        let policies: Vec<String> = policies.iter().map(|name| (*name).to_owned()).collect();
        identities.add_key(Credentials::new(id, "secret"), "", &policies).unwrap();
    }
    let role = Role {
        name: "transcriber".into(),
        policies: vec!["consumer".into()],
        assumed_by: vec!["NONE".into(), "DENIED".into()],
        session_max_s: 7_200,
    };
    identities.add_role(role).unwrap();
    identities
}

fn verified(identities: &Identities, id: &str, token: Option<&str>) -> Verified {
    let key = identities.access_key(id, token).unwrap();
    let region = Region::parse("us-west-2").unwrap();
    Verified {
        caller: Caller { account: key.account.clone(), region, access_key_id: id.to_owned() },
        principal: Arc::clone(&key.principal),
        service: "sts".into(),
        body: BodyRule::Signed,
    }
}

fn facts() -> Facts<'static> {
    Facts { now: NOW, source_ip: None, secure_transport: false, region: "us-west-2", resource_tags: None }
}

/// Asks the policies of who sent the request.
struct Policies<'a>(&'a Verified);

impl Permit for Policies<'_> {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        asks.iter().try_for_each(|ask| ask.judge(&self.0.principal, facts()))
    }
}

/// Always the same: what is sealed with it is no secret.
struct Fives;

impl Entropy for Fives {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(5);
        Ok(())
    }
}

struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), NoEntropy> {
        Err(NoEntropy)
    }
}

/// An answer that is none of the operation's.
#[derive(Debug)]
struct Refused {
    code: &'static str,
    status: u16,
    stage: Stage,
    asks: Vec<Ask>,
    body: String,
}

impl Refused {
    fn code(&self) -> &'static str {
        self.code
    }

    fn status(&self) -> u16 {
        self.status
    }
}

fn outcome(identities: Identities, entropy: Arc<dyn Entropy>, verified: &Verified, form: &[u8]) -> Outcome {
    let routes = Routes::new().serve(StsService::new(Arc::new(identities), entropy), operations());
    let (head, ()) = Request::post("/").body(()).unwrap().into_parts();
    let found = routes.find("sts", &head).unwrap();
    let invocation = Invocation {
        caller: &verified.caller,
        principal: Some(&verified.principal),
        now: NOW,
        request_id: "r-1",
        reached_at: None,
        keys: &NoKeys,
        permit: &Policies(verified),
    };
    routes.run(found, &head, form, &invocation).unwrap().now_or_never().expect("it never waits")
}

fn text(outcome: Outcome) -> Result<String, Refused> {
    let Outcome { reply, stage, asks, .. } = outcome;
    assert_eq!(reply.content_type, "text/xml");
    let ReplyBody::Whole(body) = reply.body else { panic!("an answer is no stream") };
    let body = String::from_utf8(body.to_vec()).unwrap();
    match reply.error_type {
        None => Ok(body),
        Some(code) => Err(Refused { code, status: reply.status, stage, asks, body }),
    }
}

fn ask(identities: Identities, verified: &Verified, form: &str) -> Result<String, Refused> {
    let form = format!("Version=2011-06-15&{form}");
    text(outcome(identities, Arc::new(Fives), verified, form.as_bytes()))
}

fn asked_by(id: &str, form: &str) -> Result<String, Refused> {
    let identities = identities(1);
    let verified = verified(&identities, id, None);
    ask(identities, &verified, form)
}

fn value<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}

#[test]
fn everybody_may_ask_who_they_are() {
    let xml = asked_by("NONE", "Action=GetCallerIdentity").unwrap();
    assert!(
        xml.starts_with("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">")
    );
    assert_eq!(value(&xml, "Arn"), "arn:aws:iam::111122223333:user/NONE");
    assert_eq!(value(&xml, "Account"), "111122223333");
    assert_eq!(value(&xml, "RequestId"), "r-1");
}

#[test]
fn a_session_of_a_user_may_do_what_the_user_may_do_until_it_expires() {
    let xml = asked_by("FULL", "Action=GetSessionToken&DurationSeconds=900").unwrap();
    assert_eq!(value(&xml, "Expiration"), "2024-01-26T03:22:41Z");
    let (id, token) = (value(&xml, "AccessKeyId"), value(&xml, "SessionToken"));
    // Another process, with the same key: a restart.
    let again = identities(1);
    let key = again.access_key(id, Some(token)).unwrap();
    assert!(key.credentials.secret.matches(value(&xml, "SecretAccessKey").as_bytes()));
    assert_eq!(key.expires, Some(WallTime::from_unix_ms(1_706_239_361_000)));
    assert!(key.principal.may("kinesisvideo:DeleteStream", STREAM, facts()).is_ok());
    assert_eq!(key.principal.arn, "arn:aws:iam::111122223333:user/FULL");
    assert_eq!(key.principal.parent_key.as_deref(), Some("FULL"));
    // The token is what makes it, and belongs to one id.
    assert!(again.access_key(id, None).is_none());
    assert!(again.access_key("ASIAAAAAAAAAAAAAAAAA", Some(token)).is_none());
    assert!(identities(2).access_key(id, Some(token)).is_none());
    let error = {
        let verified = verified(&again, id, Some(token));
        ask(again, &verified, "Action=GetSessionToken").unwrap_err()
    };
    assert_eq!((error.code(), error.status()), ("AccessDenied", 403));
}

#[test]
fn an_expired_session_is_refused_from_its_last_instant_on() {
    let xml = asked_by("FULL", "Action=GetSessionToken&DurationSeconds=900").unwrap();
    let credentials = Credentials::new(value(&xml, "AccessKeyId"), value(&xml, "SecretAccessKey"))
        .with_session_token(value(&xml, "SessionToken"));
    let region = Region::parse("us-west-2").unwrap();
    let at = |now: WallTime| {
        let hash = PayloadHash::of_nothing();
        let host: [(&str, &[u8]); 1] = [("host", b"127.0.0.1")];
        let parts =
            RequestParts { method: "POST", raw_path: "/", raw_query: "", headers: &host, local_port: None };
        let added = Signer::new(&credentials, &region, "sts").sign(now, &parts, hash);
        let mut headers = host.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let parts = RequestParts { headers: &headers, ..parts };
        let pending = Verifier::default().check_head(now, &parts, &identities(1))?;
        pending.verify(Payload::of_body(b"")).map(|verified| verified.principal.arn.clone())
    };
    let end = WallTime::from_unix_ms(1_706_239_361_000);
    assert_eq!(at(end.plus_ms(-1)).as_deref(), Ok("arn:aws:iam::111122223333:user/FULL"));
    let rejection = at(end).unwrap_err();
    assert_eq!((rejection.error_type(), rejection.status()), ("ExpiredTokenException", 403));
    let protocol = Protocol::Query { namespace: NAMESPACE, version: VERSION };
    let reply = protocol.rejection(&rejection, &rejection.to_string(), "r-1");
    assert_eq!(reply.error_type, Some("ExpiredToken"));
}

proptest::proptest! {
    #[test]
    fn forms_put_together_at_random_are_answered(
        form in "(Action=AssumeRole&Version=2011-06-15&)?[A-Za-z0-9.=&%+]{0,60}",
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
    ) {
        for form in [form.as_bytes(), &bytes] {
            let identities = identities(1);
            let verified = verified(&identities, "NONE", None);
            if let Err(error) = text(outcome(identities, Arc::new(Fives), &verified, form)) {
                assert!(matches!(error.status(), 400 | 403) && error.body.len() < 4_096, "{error:?}");
            }
        }
    }
}

#[test]
fn a_session_ends_with_the_access_key_that_it_was_begun_with() {
    let xml = asked_by("FULL", "Action=GetSessionToken").unwrap();
    let account = AccountId::parse("111122223333").unwrap();
    let without = Identities::new(account, SessionSeal::new(&[1; SESSION_KEY_BYTES]));
    assert!(without.access_key(value(&xml, "AccessKeyId"), Some(value(&xml, "SessionToken"))).is_none());
}

#[test]
fn a_role_is_assumed_by_those_it_names_and_narrowed_by_the_request() {
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kinesisvideo:Get*", "Resource": "*"}}"#;
    let policy: String =
        percent_encoding::utf8_percent_encode(policy, percent_encoding::NON_ALPHANUMERIC).collect();
    let form = format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=one&Policy={policy}");
    let xml = asked_by("NONE", &form).unwrap();
    assert_eq!(value(&xml, "Expiration"), "2024-01-26T04:07:41Z", "an hour is the default");
    assert_eq!(value(&xml, "Arn"), "arn:aws:sts::111122223333:assumed-role/transcriber/one");
    let identities = identities(1);
    let (id, token) = (value(&xml, "AccessKeyId"), value(&xml, "SessionToken"));
    let key = identities.access_key(id, Some(token)).unwrap();
    let may = |action: &str| key.principal.may(action, STREAM, facts()).is_ok();
    assert!(may("kinesisvideo:GetMedia"));
    assert!(!may("kinesisvideo:ListFragments"), "the session policy lacks it");
    assert!(!may("kinesisvideo:GetSignalingChannelEndpoint"), "the role lacks it");
    let session = verified(&identities, id, Some(token));
    let chained = ask(identities, &session, &form).unwrap_err();
    assert_eq!((chained.code(), chained.stage), ("AccessDenied", Stage::Denied));
    assert!(chained.body.contains("a session of a role cannot assume another role"), "{}", chained.body);

    let by_name = format!(
        "Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=one&DurationSeconds=7200\
         &PolicyArns.member.1.arn=arn:aws:iam::aws:policy/producer"
    );
    let xml = asked_by("NONE", &by_name).unwrap();
    let identities = self::identities(1);
    let key = identities.access_key(value(&xml, "AccessKeyId"), Some(value(&xml, "SessionToken"))).unwrap();
    assert!(key.principal.may("kinesisvideo:DescribeStream", STREAM, facts()).is_ok());
    assert!(key.principal.may("kinesisvideo:GetMedia", STREAM, facts()).is_err());
}

#[test]
fn requests_that_are_wrong_are_refused_by_kind() {
    let assume = |rest: &str| format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=one{rest}");
    for (id, form, code, status) in [
        ("FULL", "".to_owned(), "MissingAction", 400),
        ("FULL", "Action=GetFederationToken".to_owned(), "InvalidAction", 400),
        ("FULL", "Action=GetSessionToken&DurationSeconds=899".to_owned(), "ValidationError", 400),
        ("FULL", "Action=GetSessionToken&DurationSeconds=129601".to_owned(), "ValidationError", 400),
        ("FULL", "Action=GetSessionToken&TokenCode=123456".to_owned(), "ValidationError", 400),
        ("FULL", "Action=GetSessionToken&Action=GetCallerIdentity".to_owned(), "ValidationError", 400),
        ("FULL", "Action=AssumeRole&RoleSessionName=one".to_owned(), "ValidationError", 400),
        ("FULL", assume(""), "AccessDenied", 403),
        ("DENIED", assume(""), "AccessDenied", 403),
        ("NONE", assume("&DurationSeconds=7201"), "ValidationError", 400),
        ("NONE", assume("&SourceIdentity=me"), "ValidationError", 400),
        ("NONE", assume("&Tags.member.1.Key=a&Tags.member.1.Value=b"), "ValidationError", 400),
        ("NONE", assume("&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/other"), "ValidationError", 400),
        ("NONE", assume("&PolicyArns.member.2.arn=arn:aws:iam::aws:policy/consumer"), "ValidationError", 400),
        ("NONE", assume("&Policy=%7B%7D"), "MalformedPolicyDocument", 400),
        ("NONE", assume(&format!("&Policy={}", "x".repeat(2_049))), "PackedPolicyTooLarge", 400),
        ("NONE", format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=a%20b"), "ValidationError", 400),
        ("NONE", "Action=AssumeRole&RoleArn=transcriber&RoleSessionName=one".to_owned(), "AccessDenied", 403),
    ] {
        let error = asked_by(id, &form).unwrap_err();
        assert_eq!((error.code(), error.status()), (code, status), "{id} {form}: {error:?}");
    }
    for version in ["2010-05-08", ""] {
        let identities = identities(1);
        let verified = verified(&identities, "FULL", None);
        let form = format!("Action=GetCallerIdentity&Version={version}");
        let error = text(outcome(identities, Arc::new(Fives), &verified, form.as_bytes())).unwrap_err();
        assert_eq!(error.code(), "InvalidAction");
        let named = if version.is_empty() { "(none)" } else { version };
        assert!(error.body.contains(&format!("GetCallerIdentity for version {named}")), "{}", error.body);
    }
}

#[test]
fn what_is_asked_of_the_policies_does_not_tell_which_roles_there_are() {
    let assume = |role: &str| format!("Action=AssumeRole&RoleArn={role}&RoleSessionName=one");
    let asked = |id: &str, form: &str| {
        let error = asked_by(id, form).unwrap_err();
        let ask = error.asks.first().cloned();
        (error.stage, ask.map(|ask| (ask.action.to_string(), ask.resource.arn.clone(), ask.rule)))
    };
    let of = |resource: &str, rule| Some(("sts:AssumeRole".to_owned(), resource.to_owned(), rule));
    // Its policies deny it: it is one of those that may assume the role.
    assert_eq!(asked("DENIED", &assume(ROLE)), (Stage::Denied, of(ROLE, Rule::NotDenied)));
    // The audit file knows the role that was meant; no policy is asked about it.
    assert_eq!(asked("FULL", &assume(ROLE)), (Stage::Denied, of(ROLE, Rule::Noted)));
    let absent = "arn:aws:iam::111122223333:role/absent";
    for id in ["FULL", "NONE", "DENIED"] {
        assert_eq!(asked(id, &assume(absent)), (Stage::Denied, of("*", Rule::Noted)), "{id}");
        let error = asked_by(id, &assume(absent)).unwrap_err();
        assert!(error.body.contains("no role that it may assume has this ARN"), "{}", error.body);
    }
    let refused = asked_by("DENIED", &assume(ROLE)).unwrap_err().body;
    assert!(refused.contains("with an explicit deny in an identity-based policy"), "{refused}");
    // A request that names no operation is none to write down.
    assert_eq!(asked("FULL", "Action=GetFederationToken"), (Stage::Unknown, None));
}

#[test]
fn without_randomness_no_session_begins_and_everything_else_goes_on() {
    let answered = |form: &[u8]| {
        let identities = identities(1);
        let verified = verified(&identities, "NONE", None);
        text(outcome(identities, Arc::new(Dry), &verified, form)).map_err(|error| (error.code, error.status))
    };
    assert!(answered(b"Version=2011-06-15&Action=GetCallerIdentity").is_ok());
    let assume = format!("Version=2011-06-15&Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=one");
    for form in [b"Version=2011-06-15&Action=GetSessionToken", assume.as_bytes()] {
        assert_eq!(answered(form), Err(("InvalidRequest", 500)));
    }
}

#[test]
fn text_of_the_client_is_escaped_in_answers() {
    let error = asked_by("FULL", "Action=%3Cb%3E%26%00").unwrap_err();
    let body = error.body;
    assert!(body.contains("&lt;b&gt;&amp;\u{fffd}") && !body.contains("<b>"), "{body}");
    assert_eq!(value(&body, "Code"), "InvalidAction");
}
