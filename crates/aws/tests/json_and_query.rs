//! A JSON 1.1 service and one of the query protocol.

#![allow(clippy::unwrap_used)]

use futures_util::FutureExt;
use http::Request;
use http::request::Parts;
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use tympan_auth::{Principal, Refusal};
use tympan_aws::constraint::Breach;
use tympan_aws::*;
use tympan_types::{AccountId, Caller, Region, WallTime};

error_codes! {
    enum Code {
        Serialization = "SerializationException", 400;
        Validation = "ValidationException", 400;
        AccessDenied = "AccessDeniedException", 400;
        Unsupported = "UnsupportedOperationException", 400;
        UnknownOperation = "UnknownOperationException", 400;
        Internal = "KMSInternalException", 500;
        MissingAction = "MissingAction", 400;
        InvalidAction = "InvalidAction", 400;
        ValidationError = "ValidationError", 400;
        Denied = "AccessDenied", 403;
    }
}

#[derive(Debug)]
struct Failed(Code, String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Failed {}

impl ServiceError for Failed {
    fn code(&self) -> &'static str {
        self.0.name()
    }
    fn status(&self) -> u16 {
        self.0.status()
    }
    fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.1)
    }
    fn is_denial(&self) -> bool {
        self.0 == Code::Denied
    }
}

impl From<Breach> for Failed {
    fn from(breach: Breach) -> Self {
        Self(Code::Validation, breach.to_string())
    }
}

struct Keys;

impl Service for Keys {
    type Error = Failed;
    fn malformed(operation: &'static str, malformed: &Malformed) -> Failed {
        // Only the place is printed: the text at it may be plaintext of a caller.
        let what = match malformed {
            Malformed::Json(error) => {
                format!("not what {operation} takes: line {}, column {}.", error.line(), error.column())
            }
            other => other.to_string(),
        };
        Failed(Code::Serialization, what)
    }
    fn denied(_: &'static str, refusal: &Refusal) -> Failed {
        Failed(Code::AccessDenied, refusal.to_string())
    }
    fn not_offered(operation: &'static str, why: &'static str) -> Failed {
        Failed(Code::Unsupported, format!("{operation} is not offered by this server: {why}."))
    }
    fn unknown(_: Unknown<'_>) -> Failed {
        Failed(Code::UnknownOperation, "no such target".into())
    }
    fn fault(cause: String) -> Failed {
        Failed(Code::Internal, cause)
    }
}

struct Encrypt;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptInput {
    key_id: Option<String>,
    plaintext: Option<String>,
}

impl Operation for Encrypt {
    type Service = Keys;
    type Input = EncryptInput;
    type Target = Resource;
    const NAME: &'static str = "Encrypt";

    async fn resolve(_: &Cx<'_, Keys>, input: &EncryptInput) -> Result<Resource, Failed> {
        Ok(Resource::new(format!(
            "arn:aws:kms:::key/{}",
            constraint::required(input.key_id.as_deref(), "keyId")?
        )))
    }
    async fn call(_: &Cx<'_, Keys>, input: EncryptInput, key: Resource) -> Result<Output, Failed> {
        let plaintext = constraint::required(input.plaintext, "plaintext")?;
        if plaintext == "unwritable" {
            return Ok(Output::json(&std::collections::BTreeMap::from([((1, 2), 3)])));
        }
        constraint::blob_length(plaintext.as_bytes(), "plaintext", 4096)?;
        Ok(Output::json(&json!({ "CiphertextBlob": plaintext.len(), "KeyId": key.arn })))
    }
}

struct DisableKey;

impl Operation for DisableKey {
    type Service = Keys;
    type Input = EncryptInput;
    type Target = ();
    const NAME: &'static str = "DisableKey";

    async fn resolve(_: &Cx<'_, Keys>, _: &EncryptInput) -> Result<(), Failed> {
        Ok(())
    }
    async fn call(_: &Cx<'_, Keys>, _: EncryptInput, (): ()) -> Result<Output, Failed> {
        Ok(Output::empty())
    }
}

struct Tokens;

impl Service for Tokens {
    type Error = Failed;
    fn malformed(_: &'static str, malformed: &Malformed) -> Failed {
        Failed(Code::ValidationError, malformed.to_string())
    }
    fn denied(_: &'static str, refusal: &Refusal) -> Failed {
        Failed(Code::Denied, refusal.to_string())
    }
    fn not_offered(operation: &'static str, _: &'static str) -> Failed {
        Failed(Code::InvalidAction, operation.to_owned())
    }
    fn unknown(named: Unknown<'_>) -> Failed {
        match named {
            Unknown::NoAction => Failed(Code::MissingAction, "it needs the parameter Action".into()),
            Unknown::Action(name) => Failed(Code::InvalidAction, format!("{name} is not offered")),
            Unknown::Version { action, version } => Failed(
                Code::InvalidAction,
                format!("Could not find operation {action} for version {version}"),
            ),
            Unknown::Operation => Failed(Code::InvalidAction, String::new()),
        }
    }
    fn fault(cause: String) -> Failed {
        Failed(Code::Internal, cause)
    }
}

/// GetCallerIdentity needs no permission.
struct Asker;

impl Target for Asker {
    fn asks(&self, asks: &mut Asks) {
        asks.noted(Resource::any());
    }
}

struct GetCallerIdentity;

#[derive(Deserialize)]
struct Nothing {}

impl Operation for GetCallerIdentity {
    type Service = Tokens;
    type Input = Nothing;
    type Target = Asker;
    const NAME: &'static str = "GetCallerIdentity";

    async fn resolve(_: &Cx<'_, Tokens>, _: &Nothing) -> Result<Asker, Failed> {
        Ok(Asker)
    }
    async fn call(cx: &Cx<'_, Tokens>, _: Nothing, _: Asker) -> Result<Output, Failed> {
        let principal = cx.principal.ok_or_else(|| Failed(Code::Denied, "nobody".into()))?;
        Ok(Output::elements(vec![Element::text("Arn", &principal.arn)]))
    }
}

struct AssumeRole;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeInput {
    role_arn: Option<String>,
    duration_seconds: Option<u32>,
    #[serde(flatten)]
    all: Form,
}

impl Operation for AssumeRole {
    type Service = Tokens;
    type Input = AssumeInput;
    type Target = Resource;
    const NAME: &'static str = "AssumeRole";

    async fn resolve(_: &Cx<'_, Tokens>, input: &AssumeInput) -> Result<Resource, Failed> {
        let arn = input.role_arn.as_deref();
        Ok(Resource::new(arn.ok_or_else(|| Failed(Code::ValidationError, "RoleArn is missing.".into()))?))
    }
    async fn call(_: &Cx<'_, Tokens>, input: AssumeInput, role: Resource) -> Result<Output, Failed> {
        if role.arn == "closed" {
            return Err(Failed(Code::Denied, "no role that it may assume has this ARN".into()));
        }
        let policies =
            input.all.members("PolicyArns", "arn").map(str::to_owned).collect::<Vec<_>>().join("+");
        let seconds = input.duration_seconds.map_or("none".to_owned(), |seconds| seconds.to_string());
        Ok(Output::elements(vec![Element::text("Said", format!("{} {seconds} {policies}", role.arn))]))
    }
}

fn routes() -> Routes {
    let keys = Operations::json_1_1(
        "kms",
        "TrentService",
        &[("Encrypt", ""), ("DisableKey", ""), ("Sign", "there are no asymmetric keys")],
    );
    let names = &["AssumeRole", "GetCallerIdentity", "GetFederationToken"];
    let tokens = Operations::query("sts", "https://sts.amazonaws.com/doc/2011-06-15/", "2011-06-15", names);
    Routes::new()
        .serve(Keys, keys.with(register::<Encrypt>()).with(register::<DisableKey>()).blocking())
        .serve(Tokens, tokens.with(register::<AssumeRole>()).with(register::<GetCallerIdentity>()))
}

fn head(method: &str, uri: &str, target: &str) -> Parts {
    let request = Request::builder().method(method).uri(uri).header("x-amz-target", target);
    request.body(()).unwrap().into_parts().0
}

fn run(scope: &str, head: &Parts, body: &str) -> Outcome {
    let account = AccountId::parse("111122223333").unwrap();
    let region = Region::parse("us-west-2").unwrap();
    let principal = Principal::user("u", account.clone());
    let caller = Caller { account, region, access_key_id: "AKID".into() };
    let now = WallTime::from_unix_ms(0);
    let within = Invocation::within_process(&caller, now);
    let invocation = Invocation { principal: Some(&principal), request_id: "r-1", ..within };
    let routes = routes();
    let found = routes.find(scope, head).unwrap();
    routes.run(found, head, body.as_bytes(), &invocation).unwrap().now_or_never().unwrap()
}

fn told(outcome: &Outcome) -> (u16, &'static str, String) {
    let ReplyBody::Whole(body) = &outcome.reply.body else { panic!("a stream") };
    let body = String::from_utf8(body.to_vec()).unwrap();
    (outcome.reply.status, outcome.reply.error_type.unwrap_or_default(), body)
}

fn kms(operation: &str, body: &str) -> Outcome {
    run("kms", &head("POST", "/", &format!("TrentService.{operation}")), body)
}

fn sts(form: &str) -> Outcome {
    run("sts", &head("POST", "/", ""), form)
}

#[test]
fn a_target_names_its_operation() {
    let outcome = kms("Encrypt", r#"{"KeyId":"k","Plaintext":"abc"}"#);
    assert_eq!(told(&outcome), (200, "", r#"{"CiphertextBlob":3,"KeyId":"arn:aws:kms:::key/k"}"#.into()));
    assert_eq!(outcome.reply.content_type, "application/x-amz-json-1.1");
    assert_eq!(
        (&*outcome.asks[0].action, outcome.asks[0].resource.arn.as_str()),
        ("kms:Encrypt", "arn:aws:kms:::key/k")
    );
    assert_eq!(told(&kms("DisableKey", "")), (200, "", String::new()));
    for (method, uri, target) in [
        ("GET", "/", "TrentService.Encrypt"),
        ("POST", "/x", "TrentService.Encrypt"),
        ("POST", "/", "TrentService.encrypt"),
        ("POST", "/", "TrentServiceEncrypt"),
        ("POST", "/", "Kinesis_20131202.Encrypt"),
        ("POST", "/", ""),
    ] {
        let unknown = run("kms", &head(method, uri, target), "{}");
        assert_eq!(
            (unknown.stage, told(&unknown).1),
            (Stage::Unknown, "UnknownOperationException"),
            "{target}"
        );
    }
}

#[test]
fn errors_of_json_1_1_have_their_type_in_the_body_and_quote_no_secret() {
    let (status, code, body) = told(&kms("Encrypt", r#"{"KeyId":"k"}"#));
    assert_eq!((status, code), (400, "ValidationException"));
    assert!(body.starts_with(r#"{"__type":"ValidationException","message":"1 validation error detected: Value null at 'plaintext'"#), "{body}");
    assert_eq!(
        told(&kms("Sign", "{}")).2,
        r#"{"__type":"UnsupportedOperationException","message":"Sign is not offered by this server: there are no asymmetric keys."}"#
    );
    let body = told(&kms("Encrypt", r#"{"KeyId":"k","Plaintext":{"swordfish":1}}"#)).2;
    assert!(body.contains("not what Encrypt takes: line 1, column") && !body.contains("swordfish"), "{body}");
    let failed = kms("Encrypt", r#"{"KeyId":"k","Plaintext":"unwritable"}"#);
    assert_eq!((failed.reply.status, failed.reply.error_type), (500, Some("KMSInternalException")));
}

#[test]
fn a_form_is_answered_in_xml() {
    let outcome = sts("Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(
        told(&outcome).2,
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/u</Arn></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    assert_eq!((outcome.reply.content_type, outcome.asks[0].rule), ("text/xml", Rule::Noted));
    let get = head("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "");
    assert_eq!(told(&run("sts", &get, "")).0, 200);
}

#[test]
fn parameters_become_what_their_fields_want() {
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=r%2F1&DurationSeconds=900&PolicyArns.member.1.arn=a\
                &PolicyArns.member.2.arn=b";
    assert!(told(&sts(form)).2.contains("<Said>r/1 900 a+b</Said>"));
    let empty = "Action=AssumeRole&Version=2011-06-15&RoleArn=r&DurationSeconds=";
    assert!(told(&sts(empty)).2.contains("<Said>r none </Said>"));
    let soon = "Action=AssumeRole&Version=2011-06-15&RoleArn=r&DurationSeconds=soon";
    assert_eq!((sts(soon).stage, told(&sts(soon)).1), (Stage::Unread, "ValidationError"));
}

#[test]
fn what_a_form_must_have_is_said_in_xml() {
    for (form, code, part) in [
        ("", "MissingAction", "it needs the parameter Action"),
        ("Action=AssumeRole", "InvalidAction", "Could not find operation AssumeRole for version "),
        ("Action=AssumeRole&Version=2010-05-08", "InvalidAction", "for version 2010-05-08"),
        (
            "Action=GetFederationToken&Version=2011-06-15",
            "InvalidAction",
            "GetFederationToken is not offered",
        ),
        ("Action=a&Action=b", "ValidationError", "The parameter Action stands there twice."),
        ("Action=AssumeRole&Version=2011-06-15", "ValidationError", "RoleArn is missing."),
    ] {
        let outcome = sts(form);
        let (status, told_code, body) = told(&outcome);
        assert_eq!((status, told_code), (400, code), "{form}");
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>");
        assert!(
            body.contains(&error)
                && body.contains(part)
                && body.ends_with("<RequestId>r-1</RequestId></ErrorResponse>"),
            "{body}"
        );
    }
}

#[test]
fn a_denial_by_the_service_itself_counts_as_one() {
    let outcome = sts("Action=AssumeRole&Version=2011-06-15&RoleArn=closed");
    assert_eq!(
        (outcome.stage, outcome.reply.status, outcome.asks[0].resource.arn.as_str()),
        (Stage::Denied, 403, "closed")
    );
}

#[test]
fn one_table_has_all_services() {
    let routes = routes();
    assert_eq!(routes.scopes().collect::<Vec<_>>(), ["kms", "sts"]);
    let found = routes.named(&head("POST", "/", "TrentService.Encrypt")).unwrap();
    assert_eq!((routes.operation(found), routes.may_block(found)), (Some("Encrypt"), true));
    let found = routes.find("sts", &head("POST", "/", "")).unwrap();
    assert_eq!(
        (routes.operation(found), routes.may_block(found), routes.body(found)),
        (None, false, BodyRule::USUAL)
    );
}

#[test]
fn a_caller_within_the_process_gets_the_error_itself() {
    let keys = Operations::json_1_1("kms", "TrentService", &[("Encrypt", ""), ("Sign", "there are none")])
        .with(register::<Encrypt>());
    let account = AccountId::parse("111122223333").unwrap();
    let caller =
        Caller { account, region: Region::parse("us-west-2").unwrap(), access_key_id: "AKID".into() };
    let invocation = Invocation::within_process(&caller, WallTime::from_unix_ms(0));
    let code = |name: &str, body: &'static [u8]| {
        let attempt = keys.attempt_named(&Keys, name, body, &invocation).now_or_never().unwrap();
        attempt.result.err().map(|error| error.0)
    };
    assert_eq!(code("Encrypt", br#"{"KeyId":"k","Plaintext":"abc"}"#), None);
    assert_eq!(code("Encrypt", b"[]"), Some(Code::Serialization));
    assert_eq!(code("Sign", b""), Some(Code::Unsupported));
    assert_eq!(code("Nothing", b""), Some(Code::UnknownOperation));
    let head = head("POST", "/", "TrentService.Encrypt");
    let attempt = keys.attempt(&Keys, &head, b"{}", &invocation).now_or_never().unwrap();
    assert_eq!(attempt.result.unwrap_err().0, Code::Validation);
}
