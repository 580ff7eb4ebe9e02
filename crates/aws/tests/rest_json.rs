//! A rest-json service: members from all places, authorisation by the resolved value, pages, streams, refusals.

#![allow(clippy::unwrap_used)]

use futures_util::FutureExt;
use http::Request;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use tympan_auth::{Facts, Permissions, Policy, Principal, Refusal, RefusalCause};
use tympan_aws::constraint::{self, Breach};
use tympan_aws::*;
use tympan_types::{AccountId, Caller, Region, WallTime};

error_codes! {
    enum Code {
        NotFound = "ResourceNotFoundException", 404;
        Invalid = "InvalidArgumentException", 400;
        Serialization = "SerializationException", 400;
        Denied = "NotAuthorizedException", 401;
        Throttled = "ClientLimitExceededException", 400;
        NotOffered = "NotImplementedException", 501;
        Unknown = "UnknownOperationException", 404;
        Fault = "InternalFailure", 500;
    }
}

#[derive(Debug)]
struct ThingError(Code, String, Option<String>);

impl ThingError {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self(code, message.into(), None)
    }
}

impl fmt::Display for ThingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for ThingError {}

impl ServiceError for ThingError {
    fn code(&self) -> &'static str {
        self.0.name()
    }
    fn status(&self) -> u16 {
        self.0.status()
    }
    fn message(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.1)
    }
    fn internal_cause(&self) -> Option<&str> {
        self.2.as_deref()
    }
}

impl From<Breach> for ThingError {
    fn from(breach: Breach) -> Self {
        Self::new(Code::Invalid, breach.to_string())
    }
}

impl From<PageError> for ThingError {
    fn from(_: PageError) -> Self {
        Self::new(Code::Invalid, "The specified NextToken is not valid for this request.")
    }
}

impl From<KeysAway> for ThingError {
    fn from(away: KeysAway) -> Self {
        Self(Code::Fault, "The key cannot be looked up.".into(), Some(away.0))
    }
}

/// Things by their aliases; and what was done.
#[derive(Clone, Default)]
struct Things(Arc<State>);

#[derive(Default)]
struct State {
    aliases: Mutex<BTreeMap<String, String>>,
    done: Mutex<Vec<String>>,
}

impl Things {
    fn with(pairs: &[(&str, &str)]) -> Self {
        let things = Self::default();
        pairs.iter().for_each(|(alias, id)| things.point(alias, id));
        things
    }
    fn point(&self, alias: &str, id: &str) {
        self.0.aliases.lock().unwrap().insert(alias.into(), id.into());
    }
    fn find(&self, alias: &str) -> Option<String> {
        self.0.aliases.lock().unwrap().get(alias).cloned()
    }
    fn does(&self, what: String) {
        self.0.done.lock().unwrap().push(what);
    }
    fn done(&self) -> Vec<String> {
        self.0.done.lock().unwrap().clone()
    }
}

impl Service for Things {
    type Error = ThingError;

    fn malformed(_: &'static str, malformed: &Malformed) -> ThingError {
        ThingError::new(Code::Serialization, format!("The request body cannot be read: {malformed}."))
    }
    fn denied(_: &'static str, refusal: &Refusal) -> ThingError {
        ThingError::new(Code::Denied, refusal.to_string())
    }
    fn not_offered(operation: &'static str, _: &'static str) -> ThingError {
        ThingError::new(Code::NotOffered, format!("{operation} is not offered"))
    }
    fn unknown(_: Unknown<'_>) -> ThingError {
        ThingError::new(Code::Unknown, "No operation has this path.")
    }
    fn fault(cause: String) -> ThingError {
        ThingError(Code::Fault, "The service failed inside.".into(), Some(cause))
    }
    fn admit(cx: &Cx<'_, Self>, subject: Option<&str>) -> Result<(), ThingError> {
        if subject == Some("busy") {
            let message = format!("Limit exceeded on number of requests for {} API", cx.operation);
            return Err(ThingError::new(Code::Throttled, message));
        }
        Ok(())
    }
}

/// A thing, looked up once.
struct Thing {
    name: String,
    id: Result<String, Code>,
    arn: String,
    key: Option<KeyUse>,
}

impl Thing {
    fn named(cx: &Cx<'_, Things>, name: &str) -> Result<Self, ThingError> {
        constraint::length(name, "thingName", 1, 8)?;
        let found = cx.service.find(name);
        let arn = arn(found.as_deref().unwrap_or("absent"));
        Ok(Self { name: name.to_owned(), id: found.ok_or(Code::NotFound), arn, key: None })
    }
    fn id(self) -> Result<String, ThingError> {
        self.id.map_err(|code| ThingError::new(code, "The requested thing is not found."))
    }
}

fn arn(id: &str) -> String {
    format!("arn:aws:things:us-west-2:111122223333:thing/{id}")
}

impl Target for Thing {
    fn asks(&self, asks: &mut Asks) {
        asks.on(Resource::new(self.arn.as_str()).shown_as(arn(&format!("{}/*", self.name))));
        if let Some(key) = &self.key {
            asks.uses(key);
        }
    }
    fn subject(&self) -> Option<&str> {
        Some(&self.name)
    }
}

struct RenameThing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RenameInput {
    thing_name: String,
    new_name: Option<String>,
    count: Option<i64>,
}

impl Operation for RenameThing {
    type Service = Things;
    type Input = RenameInput;
    type Target = Thing;
    const NAME: &'static str = "RenameThing";

    async fn resolve(cx: &Cx<'_, Things>, input: &RenameInput) -> Result<Thing, ThingError> {
        Thing::named(cx, &input.thing_name)
    }
    async fn call(cx: &Cx<'_, Things>, input: RenameInput, thing: Thing) -> Result<Output, ThingError> {
        let name = constraint::required(input.new_name, "newName")?;
        constraint::range(input.count.unwrap_or(0), "count", 0, 9)?;
        let id = thing.id()?;
        cx.service.does(format!("rename {id} to {name}"));
        Ok(Output::empty_object())
    }
}

struct CreateThing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateInput {
    thing_name: String,
    kms_key_id: Option<String>,
}

impl Operation for CreateThing {
    type Service = Things;
    type Input = CreateInput;
    type Target = Thing;
    const NAME: &'static str = "CreateThing";

    async fn resolve(cx: &Cx<'_, Things>, input: &CreateInput) -> Result<Thing, ThingError> {
        let key = match &input.kms_key_id {
            Some(key) => cx.key_to_use(key).await?,
            None => None,
        };
        Ok(Thing { key, ..Thing::named(cx, &input.thing_name)? })
    }
    async fn call(cx: &Cx<'_, Things>, _: CreateInput, thing: Thing) -> Result<Output, ThingError> {
        let key = thing.key.map(|key| key.arn).unwrap_or_default();
        cx.service.does(format!("create {} under {key}", thing.name));
        Ok(Output::json(&json!({ "ThingARN": thing.arn })))
    }
}

struct ListThings;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListInput {
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    kind: Vec<String>,
}

impl Operation for ListThings {
    type Service = Things;
    type Input = ListInput;
    type Target = ();
    const NAME: &'static str = "ListThings";
    const QUERY: &'static [&'static str] = &["maxResults", "nextToken", "kind"];

    async fn resolve(_: &Cx<'_, Things>, _: &ListInput) -> Result<(), ThingError> {
        Ok(())
    }
    async fn call(cx: &Cx<'_, Things>, input: ListInput, (): ()) -> Result<Output, ThingError> {
        let token = input.next_token.as_deref();
        let page = Page::new(Alphabet::UrlSafe, cx.tokens([]), token, input.max_results, 100, 100)?;
        let all = cx.service.0.aliases.lock().unwrap().clone();
        let wanted =
            |name: &String| input.kind.is_empty() || input.kind.iter().any(|kind| name.starts_with(kind));
        let (names, next) =
            page.cut(all.into_keys().filter(wanted).map(|name| (name.clone(), Value::from(name))));
        Ok(Output::json(&json!({ "Things": names, "NextToken": next })))
    }
}

/// PutMedia's shape: its input is in its headers, its body goes to the session that it answers with.
struct PutThing;

#[derive(Deserialize)]
struct PutInput {
    name: Option<String>,
    start: Option<f64>,
}

#[derive(Debug, PartialEq)]
struct Session(String, Option<f64>);

impl Operation for PutThing {
    type Service = Things;
    type Input = PutInput;
    type Target = Thing;
    const NAME: &'static str = "PutThing";
    const HEADERS: &'static [(&'static str, &'static str)] =
        &[("x-amzn-thing-name", "name"), ("x-amzn-start", "start")];
    const BODY: BodyRule = BodyRule::Streamed;

    async fn resolve(cx: &Cx<'_, Things>, input: &PutInput) -> Result<Thing, ThingError> {
        Thing::named(cx, constraint::required(input.name.as_deref(), "thingName")?)
    }
    async fn call(_: &Cx<'_, Things>, input: PutInput, thing: Thing) -> Result<Output, ThingError> {
        Ok(Output::stream("application/json", Session(thing.id()?, input.start)))
    }
}

/// RecognizeUtterance's shape: its body is media, and so is its answer.
struct PlayThing;

impl Operation for PlayThing {
    type Service = Things;
    type Input = PutInput;
    type Target = Thing;
    const NAME: &'static str = "PlayThing";
    const HEADERS: &'static [(&'static str, &'static str)] = &[("x-amzn-thing-name", "name")];
    const BODY: BodyRule = BodyRule::Media { limit_bytes: 8 };

    async fn resolve(cx: &Cx<'_, Things>, input: &PutInput) -> Result<Thing, ThingError> {
        Thing::named(cx, constraint::required(input.name.as_deref(), "thingName")?)
    }
    async fn call(cx: &Cx<'_, Things>, _: PutInput, thing: Thing) -> Result<Output, ThingError> {
        let body = cx.media.iter().rev().copied().collect();
        let headers = vec![("x-amzn-thing-id", thing.id()?)];
        Ok(Output::media(Media { content_type: "audio/pcm", headers, body }))
    }
}

/// What of the catalogue is not served, in one type that looks at the operation's name.
struct Labelled;

#[derive(Deserialize)]
struct Nothing {}

impl Operation for Labelled {
    type Service = Things;
    type Input = Nothing;
    type Target = ();
    const NAME: &'static str = "DescribeThing";

    async fn resolve(_: &Cx<'_, Things>, _: &Nothing) -> Result<(), ThingError> {
        Ok(())
    }
    async fn call(cx: &Cx<'_, Things>, _: Nothing, (): ()) -> Result<Output, ThingError> {
        Ok(Output::json(&cx.operation))
    }
}

const CATALOGUE: &[(&str, &str, &str)] = &[
    ("POST", "/things/{ThingName}/name", "RenameThing"),
    ("GET", "/things/{ThingName}", "DescribeThing"),
    ("GET", "/things/summary", "SummarizeThings"),
    ("DELETE", "/things/{ThingName}", "DeleteThing"),
    ("GET", "/things", "ListThings"),
    ("POST", "/createThing", "CreateThing"),
    ("POST", "/putThing", "PutThing"),
    ("POST", "/playThing", "PlayThing"),
];

fn routes(things: &Things) -> Routes {
    let operations = Operations::rest_json("things", CATALOGUE)
        .with(register::<RenameThing>())
        .with(register::<CreateThing>())
        .with(register::<ListThings>())
        .with(register::<PutThing>())
        .with(register::<PlayThing>())
        .with(register::<Labelled>())
        .with(register_as::<Labelled>("SummarizeThings"))
        .for_pages();
    Routes::new().serve(things.clone(), operations)
}

fn caller() -> Caller {
    Caller {
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
        access_key_id: "AKID".into(),
    }
}

const NOW: WallTime = WallTime::from_unix_ms(1_704_164_645_678);

fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// The outcome of a request by someone who may do everything.
fn outcome(things: &Things, method: &str, uri: &str, body: &str) -> Outcome {
    asked(things, method, uri, body, &Unrestricted)
}

fn asked(things: &Things, method: &str, uri: &str, body: &str, permit: &dyn Permit) -> Outcome {
    let (routes, head, caller) = (routes(things), head(method, uri, &[]), caller());
    let invocation = Invocation { keys: &Keys, permit, ..Invocation::within_process(&caller, NOW) };
    let found = routes.find("things", &head).unwrap();
    routes.run(found, &head, body.as_bytes(), &invocation).unwrap().now_or_never().unwrap()
}

fn told(outcome: &Outcome) -> (u16, Option<&'static str>, String) {
    let ReplyBody::Whole(body) = &outcome.reply.body else { panic!("a stream") };
    (outcome.reply.status, outcome.reply.error_type, String::from_utf8(body.to_vec()).unwrap())
}

struct Keys;

impl KeyNames for Keys {
    fn key_to_use<'a>(
        &'a self,
        _: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        Box::pin(async move {
            match named {
                "away" => Err(KeysAway("cannot open /secret".into())),
                "own" => Ok(None),
                alias => Ok(Some(KeyUse { arn: format!("arn:aws:kms:::key/of-{alias}") })),
            }
        })
    }
}

/// Denies actions on resources, and does something before it answers.
struct Denying<'a> {
    denied: &'a str,
    meanwhile: &'a (dyn Fn() + Sync),
    asked: Mutex<Vec<(String, String)>>,
}

impl<'a> Denying<'a> {
    fn nothing(meanwhile: &'a (dyn Fn() + Sync)) -> Self {
        Self { denied: "-", meanwhile, asked: Mutex::default() }
    }
    fn arn(denied: &'a str) -> Self {
        Self { denied, ..Self::nothing(&|| {}) }
    }
    fn asked(self) -> Vec<(String, String)> {
        self.asked.into_inner().unwrap()
    }
}

impl Permit for Denying<'_> {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        (self.meanwhile)();
        for ask in asks {
            self.asked.lock().unwrap().push((ask.action.to_string(), ask.resource.arn.clone()));
            if ask.resource.arn == self.denied {
                let resource = ask.resource.named.clone().unwrap_or_else(|| ask.resource.arn.clone());
                let cause = RefusalCause::NoAllow { in_session: false };
                let (principal, action) = ("arn:aws:iam::1:user/u".into(), ask.action.to_string());
                return Err(Refusal { principal, action, resource, cause });
            }
        }
        Ok(())
    }
}

#[test]
fn members_come_from_the_path_the_query_and_the_body() {
    let things = Things::with(&[("a b", "7"), ("c", "8")]);
    let done = outcome(&things, "POST", "/things/a%20b/name", r#" {"NewName":"n","Count":9,"Unknown":[1]}"#);
    assert_eq!(told(&done), (200, None, "{}".into()));
    assert_eq!(done.reply.content_type, "application/json");
    assert_eq!((done.stage, things.done()), (Stage::Performed, vec!["rename 7 to n".to_owned()]));
    let listed = outcome(&things, "GET", "/things?kind=c&kind=x&maxResults=10", "");
    assert_eq!(told(&listed).2, r#"{"Things":["c"],"NextToken":null}"#);
}

#[test]
fn a_member_of_the_path_or_the_query_is_taken_from_nowhere_else() {
    let things = Things::with(&[("a", "7"), ("b", "8")]);
    let body = r#"{"ThingName":"b","NewName":"n"}"#;
    assert_eq!(told(&outcome(&things, "POST", "/things/a/name?NewName=q&ThingName=b", body)).0, 200);
    assert_eq!(things.done(), ["rename 7 to n"]);
    let listed = outcome(&things, "GET", "/things?kind=a", r#"{"kind":["b"],"maxResults":1}"#);
    assert_eq!(told(&listed).2, r#"{"Things":["a"],"NextToken":null}"#);
}

#[test]
fn a_body_that_is_no_object_or_has_a_member_twice_is_refused_before_anything_is_asked() {
    let things = Things::with(&[("a", "7")]);
    let many: String = (0..65).map(|index| format!("\"m{index}\":0,")).collect();
    let many = format!("{{{many}\"NewName\":\"n\"}}");
    for bad in [
        "[]",
        "\"a\"",
        "{",
        "nonsense",
        r#"{"NewName":"a","NewName":"b"}"#,
        r#"{"NewName":"a","N\u0065wName":"b"}"#,
        r#"{"Unknown":1,"Unknown":2}"#,
        r#"{"NewName":5}"#,
        r#"{"NewName":"a"} x"#,
        &many,
    ] {
        let permit = Denying::arn("-");
        let refused = asked(&things, "POST", "/things/a/name", bad, &permit);
        assert_eq!(
            (refused.stage, refused.reply.error_type),
            (Stage::Unread, Some("SerializationException")),
            "{bad}"
        );
        assert_eq!(refused.asks[0].resource.arn, "*");
        assert_eq!((permit.asked(), things.done()), (vec![], vec![]), "{bad}");
    }
    let long = format!("{{\"NewName\":\"{}\"}}", "x".repeat(256 * 1024));
    assert!(told(&outcome(&things, "POST", "/things/a/name", &long)).2.contains("longer than 262144 bytes"));
}

#[test]
fn an_alias_that_is_renamed_meanwhile_does_not_change_what_is_done() {
    let things = Things::with(&[("a", "7")]);
    let rename = || things.point("a", "666");
    let permit = Denying::nothing(&rename);
    let done = asked(&things, "POST", "/things/a/name", r#"{"NewName":"n"}"#, &permit);
    assert_eq!((told(&done).0, things.find("a").as_deref()), (200, Some("666")));
    assert_eq!(permit.asked(), [("things:RenameThing".to_owned(), arn("7"))]);
    assert_eq!(things.done(), ["rename 7 to n"]);
}

#[test]
fn who_may_not_learns_neither_what_exists_nor_what_is_wrong() {
    let things = Things::with(&[("a", "7")]);
    let denied = |name: &str, body: &str, denied: &str| {
        let refused = asked(&things, "POST", &format!("/things/{name}/name"), body, &Denying::arn(denied));
        assert_eq!((refused.stage, refused.reply.status), (Stage::Denied, 401));
        told(&refused).2
    };
    // No NewName, which the operation would say.
    let message = denied("a", "{}", &arn("7"));
    assert!(
        message.contains("things:RenameThing on resource: arn:aws:things:us-west-2:111122223333:thing/a/*"),
        "{message}"
    );
    assert_eq!(message.replace("thing/a/", "thing/b/"), denied("b", "{}", &arn("absent")));
    // A text that can name nothing is asked for as `*`.
    assert!(denied("far-too-long", r#"{"NewName":"n"}"#, "*").contains("resource: *"));
    assert_eq!(things.done(), Vec::<String>::new());
    let told =
        |name: &str| told(&outcome(&things, "POST", &format!("/things/{name}/name"), r#"{"NewName":"n"}"#));
    assert_eq!(
        told("b"),
        (404, Some("ResourceNotFoundException"), r#"{"Message":"The requested thing is not found."}"#.into())
    );
    assert_eq!(
        told("far-too-long").2,
        r#"{"Message":"1 validation error detected: Value 'far-too-long' at 'thingName' failed to satisfy constraint: Member must have length less than or equal to 8"}"#
    );
}

#[test]
fn the_key_that_a_thing_is_encrypted_under_must_be_granted_too() {
    let things = Things::default();
    let body = r#"{"ThingName":"a","KmsKeyId":"alias/x"}"#;
    let key = "arn:aws:kms:::key/of-alias/x";
    let permit = Denying::arn("-");
    assert_eq!(told(&asked(&things, "POST", "/createThing", body, &permit)).0, 200);
    let asks = [
        ("things:CreateThing", arn("absent")),
        ("kms:DescribeKey", key.into()),
        ("kms:CreateGrant", key.into()),
    ];
    assert_eq!(permit.asked(), asks.map(|(action, arn)| (action.to_owned(), arn)));
    assert_eq!(asked(&things, "POST", "/createThing", body, &Denying::arn(key)).stage, Stage::Denied);
    assert_eq!(things.done(), [format!("create a under {key}")]);
    let permit = Denying::arn("-");
    asked(&things, "POST", "/createThing", r#"{"ThingName":"a","KmsKeyId":"own"}"#, &permit);
    assert_eq!(permit.asked().len(), 1);
}

#[test]
fn a_fault_of_this_side_is_told_before_anything_is_asked() {
    let (things, permit) = (Things::default(), Denying::arn("*"));
    let failed = asked(&things, "POST", "/createThing", r#"{"ThingName":"a","KmsKeyId":"away"}"#, &permit);
    assert_eq!((failed.stage, failed.reply.status, permit.asked()), (Stage::Unread, 500, vec![]));
    assert_eq!(failed.cause.as_deref(), Some("cannot open /secret"));
}

/// The member that names a thing, and no other.
struct Named;

#[derive(Deserialize)]
struct NamingMember {
    #[serde(rename = "ThingName")]
    name: String,
}

impl Operation for Named {
    type Service = Things;
    type Input = NamingMember;
    type Target = Thing;
    const NAME: &'static str = "";

    async fn resolve(cx: &Cx<'_, Things>, input: &NamingMember) -> Result<Thing, ThingError> {
        Thing::named(cx, &input.name)
    }
    async fn call(_: &Cx<'_, Things>, _: NamingMember, _: Thing) -> Result<Output, ThingError> {
        Ok(Output::empty())
    }
}

#[test]
fn where_a_service_says_what_names_resources_a_member_of_another_type_is_told_after_the_policies() {
    let things = Things::with(&[("a", "7")]);
    let operations = Operations::rest_json("things", CATALOGUE).with(register::<RenameThing>());
    let routes = Routes::new().serve(things, operations.names(register::<Named>()));
    let caller = caller();
    let run = |path: &str, body: &str, permit: &dyn Permit| {
        let head = head("POST", path, &[]);
        let invocation = Invocation { permit, ..Invocation::within_process(&caller, NOW) };
        let found = routes.find("things", &head).unwrap();
        let outcome = routes.run(found, &head, body.as_bytes(), &invocation).unwrap().now_or_never().unwrap();
        (outcome.stage, outcome.reply.error_type.unwrap(), outcome.asks[0].resource.arn.clone())
    };
    let seven = arn("7");
    let denied = Denying::arn(&seven);
    let body = r#"{"Count":"many"}"#;
    assert_eq!(
        run("/things/a/name", body, &Unrestricted),
        (Stage::Performed, "SerializationException", seven.clone())
    );
    assert_eq!(
        run("/things/a/name", body, &denied),
        (Stage::Denied, "NotAuthorizedException", seven.clone())
    );
    assert_eq!(denied.asked()[0].0, "things:RenameThing", "the operation's own action");
    for unreadable in ["[]", r#"{"Count":1,"Count":2}"#] {
        let permit = Denying::arn("*");
        assert_eq!(
            run("/things/a/name", unreadable, &permit),
            (Stage::Unread, "SerializationException", "*".to_owned())
        );
        assert_eq!(permit.asked(), []);
    }
}

#[test]
fn a_paging_token_is_good_for_its_request_only() {
    let things = Things::with(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let list = |query: &str| {
        let (status, _, body) = told(&outcome(&things, "GET", &format!("/things?{query}"), ""));
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["Things"].to_string(), body["NextToken"].as_str().map(str::to_owned))
    };
    let (_, first, token) = list("maxResults=2");
    assert_eq!(first, r#"["a","b"]"#);
    let token = token.unwrap();
    assert_eq!(list(&format!("nextToken={token}")), (200, r#"["c"]"#.into(), None));
    assert_eq!(list(&format!("kind=c&nextToken={token}")).0, 400, "another filter");
    assert_eq!(list("nextToken=made-up").0, 400);
    assert_eq!(list("maxResults=101").0, 400);
}

#[test]
fn an_upload_is_authorised_by_its_head_and_answers_with_its_session() {
    let things = Things::with(&[("a", "7")]);
    let (routes, caller) = (routes(&things), caller());
    let run = |headers: &[(&str, &str)], permit: &dyn Permit| {
        let head = head("POST", "/putThing", headers);
        let found = routes.find("things", &head).unwrap();
        assert_eq!(routes.body(found), BodyRule::Streamed);
        let invocation = Invocation { permit, ..Invocation::within_process(&caller, NOW) };
        routes.run(found, &head, b"", &invocation).unwrap().now_or_never().unwrap()
    };
    let headers = [("X-Amzn-Thing-Name", "a"), ("x-amzn-start", "1.5")];
    let reply = run(&headers, &Unrestricted).reply;
    let ReplyBody::Stream(stream) = reply.body else { panic!("no stream") };
    assert_eq!((reply.status, reply.content_type), (200, "application/json"));
    assert_eq!(stream.downcast::<Session>().unwrap(), Session("7".into(), Some(1.5)));
    assert_eq!(run(&headers, &Denying::arn(&arn("7"))).stage, Stage::Denied);
    assert!(told(&run(&[], &Unrestricted)).2.contains("Value null at 'thingName'"));
    assert_eq!(
        run(&[("x-amzn-thing-name", "a"), ("x-amzn-start", "soon")], &Unrestricted).stage,
        Stage::Unread
    );
}

#[test]
fn a_body_that_is_media_is_given_as_it_is_and_the_answer_has_headers_of_its_own() {
    let things = Things::with(&[("a", "7")]);
    let (routes, caller) = (routes(&things), caller());
    let head = head("POST", "/playThing", &[("x-amzn-thing-name", "a")]);
    let found = routes.find("things", &head).unwrap();
    assert_eq!(routes.body(found), BodyRule::Media { limit_bytes: 8 });
    let invocation = Invocation::within_process(&caller, NOW);
    let reply = routes.run(found, &head, b"{\0\xff", &invocation).unwrap().now_or_never().unwrap().reply;
    assert_eq!((reply.status, reply.content_type), (200, "audio/pcm"));
    assert_eq!(reply.headers, [("x-amzn-thing-id", "7".to_owned())]);
    let ReplyBody::Whole(body) = reply.body else { panic!("a stream") };
    assert_eq!(&body[..], b"\xff\0{");
}

#[test]
fn limits_count_by_what_a_call_is_about_and_after_it_is_granted() {
    let things = Things::with(&[("busy", "7")]);
    let refused = outcome(&things, "POST", "/things/busy/name", "{}");
    assert!(told(&refused).2.contains("Limit exceeded on number of requests for RenameThing API"));
    assert_eq!(
        asked(&things, "POST", "/things/busy/name", "{}", &Denying::arn(&arn("7"))).stage,
        Stage::Denied
    );
}

#[test]
fn every_row_of_the_catalogue_is_answered_and_the_more_literal_path_is_meant() {
    let things = Things::default();
    assert_eq!(told(&outcome(&things, "GET", "/things/x", "")).2, "\"DescribeThing\"");
    assert_eq!(told(&outcome(&things, "GET", "/things/summary", "")).2, "\"SummarizeThings\"");
    let refused = outcome(&things, "DELETE", "/things/x", "{}");
    assert_eq!(
        told(&refused),
        (501, Some("NotImplementedException"), r#"{"Message":"DeleteThing is not offered"}"#.into())
    );
    assert_eq!((refused.stage, refused.asks.len()), (Stage::Unknown, 0));
    assert_eq!(told(&outcome(&things, "POST", "/nothing", "")).1, Some("UnknownOperationException"));
}

#[test]
fn a_slip_in_a_path_is_named_before_a_signature_is_looked_at() {
    let routes = routes(&Things::default());
    let nothing = |method: &str, path: &str| routes.nothing_at(&method.parse().unwrap(), path);
    for (method, path) in [("POST", "/createThing"), ("GET", "/things/x"), ("POST", "/"), ("GET", "/")] {
        assert_eq!(nothing(method, path), None, "{method} {path}");
    }
    assert_eq!(nothing("GET", "/createThing").unwrap(), "/createThing takes POST, and this is a GET.");
    for (slip, meant) in [("//createThing/", "/createThing"), ("/CREATETHING", "/createThing")] {
        assert!(nothing("POST", slip).unwrap().ends_with(&format!("did you mean {meant:?}?")), "{slip}");
    }
    assert_eq!(
        nothing("GET", "//things/x/").unwrap(),
        "No operation has the path \"//things/x/\": did you mean \"/things/x\"?"
    );
    assert_eq!(nothing("POST", "/v1/x").unwrap(), "No operation has the path \"/v1/x\".");
    assert_eq!(routes.catalogue().filter(|row| row.path == "/things/{ThingName}").count(), 2);
    let for_pages: Vec<_> = routes.paths_for_pages().collect();
    assert!(for_pages.contains(&"/createThing") && !for_pages.contains(&"/putThing"), "{for_pages:?}");
}

#[test]
fn a_request_is_named_for_counting_signed_or_not() {
    let routes = routes(&Things::default());
    let found = routes.named(&head("POST", "/things/x/name", &[])).unwrap();
    assert_eq!((routes.scope(found), routes.operation(found)), ("things", Some("RenameThing")));
    assert_eq!(routes.named(&head("PATCH", "/things/x/name", &[])), None);
    assert_eq!(routes.find("s3", &head("GET", "/things", &[])), None);
}

#[test]
fn the_policies_of_a_principal_are_asked_with_the_tags_of_the_resource() {
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"things:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}}}"#;
    let policy = Arc::new(Policy::parse(policy).unwrap());
    let account = AccountId::parse("111122223333").unwrap();
    let user = Principal::user("u", account).with_permissions(Permissions::new(vec![policy]));
    let facts =
        Facts { now: NOW, source_ip: None, secure_transport: true, region: "us-west-2", resource_tags: None };
    let ask = |rule, team: Option<&str>| {
        let tags = team.map(|team| BTreeMap::from([("team".to_owned(), team.to_owned())]));
        let resource = Resource { arn: arn("7"), named: Some(arn("a/*")), tags };
        Ask { action: "things:RenameThing".into(), resource: resource.into(), rule }.judge(&user, facts)
    };
    assert!(ask(Rule::Allowed, Some("a")).is_ok());
    assert_eq!(ask(Rule::Allowed, Some("b")).unwrap_err().resource, arn("a/*"));
    assert!(ask(Rule::Allowed, None).is_err());
    assert!(ask(Rule::NotDenied, None).is_ok() && ask(Rule::Noted, None).is_ok());
}

#[test]
fn a_request_costs_one_future_and_what_it_names() {
    let things = Things::default();
    let (routes, head, caller) = (routes(&things), head("GET", "/things/x", &[]), caller());
    let invocation = Invocation::within_process(&caller, NOW);
    let found = routes.find("things", &head).unwrap();
    let mut answered = None;
    let info = allocation_counter::measure(|| {
        answered = routes.run(found, &head, b"{}", &invocation).unwrap().now_or_never();
    });
    assert_eq!(answered.unwrap().reply.status, 200);
    // The future, the list of asks, its `*`, and the body, which becomes `Bytes`.
    assert!(info.count_total <= 6, "{info:?}");
}
