//! Requests of a browser, from its connection to its answer, before services that have something in them.

use super::super::super::policy_questions::services;
use super::super::super::route::Router;
use super::*;
use crate::audit::Audit;
use crate::config;
use crate::lines::{LineWriters, Rotation};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::HeaderMap;
use serde_json::Value;
use std::net::IpAddr;
use tympan_auth::{Credentials, Identities, SESSION_ENTROPY_BYTES, SessionSeal};
use tympan_contact::MemoryHistory;
use tympan_types::AccountId;

const HOST: (&str, &str) = ("host", "127.0.0.1:8601");
const OWN: (&str, &str) = ("origin", "http://127.0.0.1:8601");
const ADMIN: &str = r#"{"accessKeyId":"ADMIN","secretAccessKey":"admin-secret"}"#;
const NARROW: &str = r#"{"accessKeyId":"NARROW","secretAccessKey":"narrow-secret"}"#;
const CONTACTS: &str = "/api/tympan/tympan/contacts";

struct Bench {
    console: Arc<Console<Router>>,
    identities: Arc<Identities>,
    clock: ServiceClock,
    code: Arc<SignInCode>,
    users: Users,
    peer: Peer,
    audit: Audit,
    writers: LineWriters,
    folder: tempfile::TempDir,
}

struct Answered {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn cookie(&self) -> String {
        self.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(config::Http::default(), |_| {})
    }

    fn with(http: config::Http, change: impl FnOnce(&mut ConsoleParts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writers = LineWriters::default();
        let rotation = Rotation { limit_bytes: 1 << 20, kept: 2, kept_for: None };
        let audit = Audit::open(&writers, folder.path().join("audit.jsonl"), rotation).unwrap();
        let account = AccountId::parse("111122223333").unwrap();
        let mut identities = Identities::new(account, SessionSeal::new(&[7; 32]));
        let full = ["full-access".to_owned()];
        identities.add_key(Credentials::new("ADMIN", "admin-secret"), "admin", &full).unwrap();
        let producer = ["producer".to_owned()];
        identities.add_key(Credentials::new("NARROW", "narrow-secret"), "narrow", &producer).unwrap();
        let identities = Arc::new(identities);
        let services = super::super::super::route::Services {
            audit: audit.clone(),
            ..services(folder.path(), Arc::new(MemoryHistory::default()))
        };
        let clock = ServiceClock::default();
        let (users, code) = (Users::default(), Arc::<SignInCode>::default());
        users.set(identities.clone(), audit.clone(), services.admin.sessions().clone());
        let mut parts = ConsoleParts {
            users: users.clone(),
            code: code.clone(),
            own_address: OwnAddress::new(&http),
            web: WebRules::default(),
            is_open: false,
            region: Region::parse("us-west-2").unwrap(),
            clock: clock.clone(),
            unproven: UnprovenBytes::new(1 << 20),
            why_not_here: tympan_emulator::why_not_here,
        };
        change(&mut parts);
        let router = Arc::new(Router::new(services, 8600, CancellationToken::new()));
        let console = Arc::new(Console::new(parts, router));
        let peer = Peer { ip: [127, 0, 0, 1].into(), is_secure: false };
        Self { console, identities, clock, code, users, peer, audit, writers, folder }
    }

    fn at(mut self, ip: &str, is_secure: bool) -> Self {
        self.peer = Peer { ip: ip.parse().unwrap(), is_secure };
        self
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned())).map_err(|never| match never {});
        let mut request = request.body(Incoming::from(BoxBody::new(body))).unwrap();
        request.extensions_mut().insert(self.peer);
        let (head, body) = self.console.clone().answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answered { status: head.status.as_u16(), headers: head.headers, text }
    }

    async fn post(&self, path: &str, body: &str) -> Answered {
        self.ask("POST", path, &[HOST, OWN], body).await
    }

    /// Signs in and gives the cookie.
    async fn signed_in(&self, body: &str) -> String {
        let answer = self.post("/api/sign-in", body).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        answer.cookie()
    }

    async fn get(&self, path: &str, cookie: &str) -> Answered {
        self.ask("GET", path, &[HOST, ("cookie", cookie)], "").await
    }

    fn audited(&self) -> Vec<Value> {
        self.audit.settle();
        self.writers.close();
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_session_is_begun_by_an_access_key_told_and_ended() {
    let bench = Bench::new();
    let answer = bench.post("/api/sign-in", ADMIN).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("tympan-session="), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = answer.cookie();
    let told = bench.get("/api/session", &cookie).await.json();
    assert_eq!(told["user"], "admin");
    assert_eq!((&told["account"], &told["region"]), (&"111122223333".into(), &"us-west-2".into()));
    assert!(told["expires"].as_str().unwrap().ends_with("Z"), "{told}");
    let answer = bench.get(CONTACTS, &cookie).await;
    assert_eq!((answer.status, answer.json()["Contacts"].is_array()), (200, true), "{}", answer.text);
    let out = bench.post("/api/sign-out", "").await;
    assert_eq!((out.status, out.cookie().as_str()), (204, "tympan-session="));
    let answer = bench.get(CONTACTS, "tympan-session=").await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert!(answer.json()["message"].is_string());
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_same_words_and_a_source_may_be_wrong_ten_times() {
    let bench = Bench::new();
    let mut texts = Vec::new();
    for (key, secret) in [("ADMIN", "narrow-secret"), ("ADMIN", ""), ("NONE", "admin-secret"), ("", "")] {
        let body = json!({ "accessKeyId": key, "secretAccessKey": secret }).to_string();
        let answer = bench.post("/api/sign-in", &body).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.headers.contains_key("set-cookie"));
        texts.push(answer.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // What is right counts for nothing.
    for _ in 0..20 {
        bench.signed_in(ADMIN).await;
    }
    for _ in 4..10 {
        assert_eq!(bench.post("/api/sign-in", r#"{"code":"wrong"}"#).await.status, 401);
    }
    let refused = bench.post("/api/sign-in", ADMIN).await;
    assert_eq!(refused.status, 429, "even with the right secret");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 61);
    let other = bench.at("127.0.0.2", false);
    other.signed_in(ADMIN).await;
    let denials = other.audited().into_iter().filter(|line| line["event"] == "denial").collect::<Vec<_>>();
    assert_eq!(denials.len(), 10);
    assert_eq!(denials[0]["action"], "tympan:SignIn");
    assert_eq!((&denials[0]["source_ip"], &denials[0]["access_key_id"]), (&"127.0.0.1".into(), &Value::Null));
}

#[tokio::test]
async fn a_sign_in_is_written_down_with_its_session() {
    let bench = Bench::new();
    bench.signed_in(ADMIN).await;
    let lines = bench.audited();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!((&line["event"], &line["action"]), (&"administration".into(), &"tympan:SignIn".into()));
    assert_eq!(line["principal"], "arn:aws:iam::111122223333:user/admin");
    assert_eq!(line["session_of"], "ADMIN");
    assert!(line["access_key_id"].as_str().unwrap().starts_with("ASIA"), "{line}");
}

#[tokio::test]
async fn a_session_is_listed_and_ended_by_its_user_by_one_who_may_and_by_signing_out() {
    const SESSIONS: &str = "/api/tympan/tympan/sessions";
    let bench = Bench::new();
    let (admin, narrow) = (bench.signed_in(ADMIN).await, bench.signed_in(NARROW).await);
    let listed = bench.get(SESSIONS, &admin).await.json();
    let of = |listed: &Value, user: &str| -> Vec<String> {
        let sessions = listed["Sessions"].as_array().unwrap();
        let own = sessions.iter().filter(|one| one["User"] == user);
        own.map(|one| one["SessionId"].as_str().unwrap().to_owned()).collect()
    };
    let (admins, narrows) = (of(&listed, "admin"), of(&listed, "narrow"));
    assert_eq!((admins.len(), narrows.len()), (1, 1), "{listed}");
    let end = async |id: &str, cookie: &str| {
        let path = format!("{SESSIONS}/{id}");
        bench.ask("DELETE", &path, &[HOST, OWN, ("cookie", cookie)], "").await.status
    };
    // Of others only one who may.
    assert_eq!(bench.get(SESSIONS, &narrow).await.status, 403);
    assert_eq!(end(&admins[0], &narrow).await, 403);
    let own = bench.get(&format!("{SESSIONS}?own=true"), &narrow).await.json();
    assert_eq!((of(&own, "admin").len(), own["Sessions"][0]["Current"].as_bool()), (0, Some(true)), "{own}");
    // One's own, another one of the same user.
    let second = bench.signed_in(NARROW).await;
    assert_eq!(end(&narrows[0], &second).await, 200);
    assert_eq!(
        (bench.get("/api/session", &narrow).await.status, bench.get("/api/session", &second).await.status),
        (401, 200)
    );
    assert_eq!(
        end(&narrows[0], &second).await,
        403,
        "it is not there, which a user who may not end it does not learn"
    );
    assert_eq!(end(&narrows[0], &admin).await, 404);
    // Signing out ends the session, and not the cookie alone.
    let out = bench.ask("POST", "/api/sign-out", &[HOST, OWN, ("cookie", &second)], "").await;
    assert_eq!((out.status, out.cookie().as_str()), (204, "tympan-session="));
    assert_eq!(bench.get("/api/session", &second).await.status, 401);
    // By one who may, with a line.
    let third = bench.signed_in(NARROW).await;
    let id = of(&bench.get(SESSIONS, &admin).await.json(), "narrow").remove(0);
    assert_eq!(end(&id, &admin).await, 200);
    assert_eq!(bench.get("/api/session", &third).await.status, 401);
    let ends: Vec<Value> =
        bench.audited().into_iter().filter(|line| line["action"] == "tympan:EndSession").collect();
    let last = ends.last().unwrap();
    assert_eq!(
        (&last["event"], &last["session_of"]),
        (&"administration".into(), &"ADMIN".into()),
        "{ends:?}"
    );
    assert!(last["resource"].as_str().unwrap().ends_with(&format!(":session/{id}")), "{last}");
}

#[tokio::test]
async fn sign_ins_are_counted_by_their_outcome() {
    let bench = Bench::new();
    bench.signed_in(ADMIN).await;
    for _ in 0..10 {
        bench.post("/api/sign-in", r#"{"code":"wrong"}"#).await;
    }
    bench.post("/api/sign-in", ADMIN).await;
    bench.post("/api/sign-in", "{}").await;
    let counted = bench.users.sign_ins().values().collect::<Vec<_>>();
    assert_eq!(counted, [("accepted", 1), ("wrong", 10), ("too_many", 1), ("exposed", 0), ("failed", 1)]);
    let far = bench.at("192.0.2.1", false);
    far.post("/api/sign-in", ADMIN).await;
    assert!(far.users.sign_ins().values().any(|count| count == ("exposed", 1)));
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let bench = Bench::new();
    let code = bench.code.issue(Instant::now(), "ADMIN").unwrap();
    let body = json!({ "code": code.expose() }).to_string();
    let cookie = bench.signed_in(&body).await;
    assert_eq!(bench.get("/api/session", &cookie).await.json()["user"], "admin");
    for _ in 0..2 {
        let again = bench.post("/api/sign-in", &body).await;
        assert_eq!(again.status, 401);
        assert!(again.json()["message"].as_str().unwrap().contains("was used"));
    }
}

#[tokio::test]
async fn a_session_ends_and_its_cookie_is_taken_back() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    bench.clock.advance(LIFETIME_S * 1_000 - 60_000);
    assert_eq!(bench.get("/api/session", &cookie).await.status, 200);
    bench.clock.advance(60_000);
    for path in ["/api/session", CONTACTS] {
        let answer = bench.get(path, &cookie).await;
        assert_eq!((answer.status, answer.cookie().as_str()), (401, "tympan-session="), "{path}");
    }
    // Begun now, by the same clock, it is good again.
    let cookie = bench.signed_in(ADMIN).await;
    assert_eq!(bench.get("/api/session", &cookie).await.status, 200);
}

#[tokio::test]
async fn nothing_but_a_token_of_the_console_is_a_session() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    let token = cookie.strip_prefix("tympan-session=").unwrap();
    let later = bench.clock.wall_now().plus_ms(3_600_000);
    // It travels in presigned URLs.
    let temporary = bench.identities.begin_session(&[3; SESSION_ENTROPY_BYTES], "ADMIN", None, later);
    let of_credentials = temporary.credentials.session_token.unwrap();
    for wrong in [
        format!("tympan-session={}", of_credentials.expose()),
        format!("tympan-session={}", &token[1..]),
        format!("tympan-session={token}; tympan-session={token}"),
        format!("__Host-tympan-session={token}"),
        "tympan-session=ADMIN".to_owned(),
        String::new(),
    ] {
        assert_eq!(bench.get(CONTACTS, &wrong).await.status, 401, "{wrong}");
    }
    // A cookie of plain HTTP is worth nothing where plain HTTP is not taken.
    let far = bench.at("192.0.2.1", false);
    assert_eq!(far.get(CONTACTS, &cookie).await.status, 401);
}

#[tokio::test]
async fn another_origin_reaches_nothing() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    let cookie = ("cookie", cookie.as_str());
    let foreign = ("origin", "http://evil.example");
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let search = "/api/tympan/tympan/contacts/search";
    let events = "/api/tympan/tympan/events";
    for (method, path, headers) in [
        ("POST", search, vec![HOST, cookie]),
        ("POST", search, vec![HOST, cookie, foreign]),
        ("POST", search, vec![HOST, cookie, ("origin", "null")]),
        ("POST", search, vec![HOST, cookie, ("sec-fetch-site", "same-site")]),
        ("DELETE", "/api/tympan/tympan/contacts/1", vec![HOST, cookie, foreign]),
        ("GET", CONTACTS, vec![HOST, cookie, ("sec-fetch-site", "cross-site")]),
        ("GET", events, vec![HOST, cookie, upgrade[0], upgrade[1]]),
        ("GET", events, vec![HOST, cookie, upgrade[0], upgrade[1], foreign]),
        ("POST", "/api/sign-in", vec![HOST, foreign]),
        ("POST", "/api/sign-out", vec![HOST, foreign]),
        ("OPTIONS", search, vec![HOST, foreign, ("access-control-request-method", "POST")]),
    ] {
        let answer = bench.ask(method, path, &headers, "{}").await;
        assert_eq!(answer.status, 403, "{method} {path} {headers:?}: {}", answer.text);
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let answer = bench.ask("POST", search, &[HOST, cookie, OWN], "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // No WebSocket came about, so that it says how to ask for one.
    assert_eq!(bench.ask("GET", events, &[HOST, cookie, OWN], "").await.status, 426);
}

#[tokio::test]
async fn under_dev_a_name_that_points_here_is_no_name_of_the_console() {
    let dev = |parts: &mut ConsoleParts| {
        parts.web = WebRules::default().under_dev(IpAddr::from([127, 0, 0, 1]), "", &[]);
    };
    let bench = Bench::with(config::Http::default(), dev);
    let rebound = [("host", "evil.example:8601"), ("origin", "http://evil.example:8601")];
    for (method, path) in [("POST", "/api/sign-in"), ("GET", "/"), ("GET", "/api/session")] {
        assert_eq!(bench.ask(method, path, &rebound, ADMIN).await.status, 403, "{method} {path}");
    }
    bench.signed_in(ADMIN).await;
}

#[tokio::test]
async fn policies_hold_and_a_denial_is_the_services_own_and_written_down() {
    let bench = Bench::new();
    let cookie = bench.signed_in(NARROW).await;
    let answer = bench.get(CONTACTS, &cookie).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(answer.headers["x-amzn-errortype"], "AccessDeniedException");
    let message = answer.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.contains("user/narrow is not authorized to perform: tympan:ListContacts"), "{message}");
    let request_id = answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    let lines = bench.audited();
    let denial = lines.iter().find(|line| line["event"] == "denial").unwrap();
    assert_eq!(denial["action"], "tympan:ListContacts");
    assert_eq!(denial["principal"], "arn:aws:iam::111122223333:user/narrow");
    assert_eq!((&denial["session_of"], &denial["source_ip"]), (&"NARROW".into(), &"127.0.0.1".into()));
    assert_eq!(denial["request_id"], request_id.as_str());
}

#[tokio::test]
async fn each_service_is_asked_in_its_own_protocol() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    let own = [HOST, OWN, ("cookie", cookie.as_str())];
    let with = |name: &'static str, value: &'static str| [own.as_slice(), &[(name, value)]].concat();
    let keys = bench.ask("POST", "/api/kms/", &with("x-amz-target", "TrentService.ListKeys"), "{}").await;
    assert_eq!(keys.status, 200, "{}", keys.text);
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let identity = bench.ask("POST", "/api/sts/", &own, form).await;
    assert!(identity.text.contains("arn:aws:iam::111122223333:user/admin"), "{}", identity.text);
    // A session makes no credentials that outlive it.
    let form = "Action=GetSessionToken&Version=2011-06-15";
    assert_eq!(bench.ask("POST", "/api/sts/", &own, form).await.status, 403);
    let made = bench.ask("POST", "/api/kinesisvideo/createStream", &own, r#"{"StreamName":"s"}"#).await;
    assert_eq!(made.status, 200, "{}", made.text);
    // Media is at the address of the APIs.
    let body = r#"{"StreamName":"s","APIName":"GET_MEDIA"}"#;
    let endpoint = bench.ask("POST", "/api/kinesisvideo/getDataEndpoint", &own, body).await;
    assert_eq!(endpoint.json()["DataEndpoint"], "http://127.0.0.1:8600", "{}", endpoint.text);
    let upload = bench.ask("POST", "/api/kinesisvideo/putMedia", &with("x-amzn-stream-name", "s"), "").await;
    assert_eq!(upload.status, 404, "{}", upload.text);
    assert!(upload.text.contains("takes no uploads"), "{}", upload.text);
    assert_eq!(bench.get("/api/connect/instance", &cookie).await.status, 200);
}

#[tokio::test]
async fn no_spelling_of_a_path_reaches_what_is_not_an_operation() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    for path in [
        "/api/tympan//tympan/contacts",
        "/api/tympan/../tympan/contacts",
        "/api/tympan/%2e%2e/tympan/contacts",
        "/api/tympan/tympan%2Fcontacts",
        "/api/tympan/tympan/contacts/",
        "/api/tympan/tympan/./contacts",
        "/api/connect/tympan/contacts",
        "/api/tympan%2Ftympan/contacts",
        "/api//tympan/contacts",
        "/api/nothing/x",
        "/api/tympan",
        "/api/",
        "/api/tympan/healthz",
        "/api/tympan/metrics",
        "/api/tympan/tympan/openapi.json",
        "/api/tympan/_tympan/state",
        "/api/tympan/_tympan",
        "/api/kms/_tympan/faults",
    ] {
        let answer = bench.get(path, &cookie).await;
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        assert!(!answer.text.contains("Contacts\""), "{path}: {}", answer.text);
        // Without a session all of them look the same.
        assert_eq!(bench.get(path, "").await.status, 401, "{path}");
    }
    for path in ["/api/sign-in", "/api/sign-out"] {
        let answer = bench.get(path, &cookie).await;
        assert_eq!((answer.status, &answer.headers["allow"]), (405, &"POST".parse().unwrap()), "{path}");
    }
    assert_eq!(bench.post("/api/session", "").await.status, 405);
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused() {
    let bench = Bench::new();
    let long = format!(r#"{{"code":"{}"}}"#, "x".repeat(BODY_BYTES));
    assert_eq!(bench.post("/api/sign-in", &long).await.status, 413);
    assert_eq!(bench.post("/api/sign-in", "{}").await.status, 400);
    let cookie = bench.signed_in(ADMIN).await;
    let headers = [HOST, OWN, ("cookie", cookie.as_str())];
    let long = format!(r#"{{"NumberPart":"{}"}}"#, "5".repeat(300_000));
    let answer = bench.ask("POST", "/api/tympan/tympan/contacts/search", &headers, &long).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
}

#[tokio::test]
async fn a_secret_crosses_no_network_in_the_clear() {
    let refused = |answer: Answered, advice: &str| {
        assert_eq!(answer.status, 403);
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(advice), "{message}");
    };
    let far = Bench::new().at("192.0.2.1", false);
    refused(far.post("/api/sign-in", ADMIN).await, "http.tls_certificate_file");
    let tls = Bench::new().at("192.0.2.1", true);
    let own = [("host", "pbx.example"), ("origin", "https://pbx.example")];
    let answer = tls.ask("POST", "/api/sign-in", &own, ADMIN).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-tympan-session=") && cookie.ends_with("; Secure"), "{cookie}");
    // Behind a proxy that is not trusted even loopback is no proof.
    let unknown = Bench::new();
    let proxied = [own[0], own[1], ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1")];
    refused(unknown.ask("POST", "/api/sign-in", &proxied, ADMIN).await, "http.trusted_proxies");
    let http =
        config::Http { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..config::Http::default() };
    let trusted = Bench::with(http, |_| {});
    let answer = trusted.ask("POST", "/api/sign-in", &proxied, ADMIN).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert!(answer.cookie().starts_with("__Host-"));
    let plain = [own[0], own[1], ("x-forwarded-proto", "http")];
    refused(trusted.ask("POST", "/api/sign-in", &plain, ADMIN).await, "X-Forwarded-Proto: https");
    assert_eq!(trusted.audited()[0]["source_ip"], "192.0.2.1");
    // A container of which only the host reaches the port.
    let open = Bench::with(config::Http::default(), |parts| parts.is_open = true).at("172.17.0.1", false);
    open.signed_in(ADMIN).await;
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let bench = Bench::new();
    let cookie = bench.signed_in(ADMIN).await;
    for (path, kept) in [
        ("/", "no-cache"),
        ("/contacts/1", "no-cache"),
        ("/api/session", "no-store"),
        (CONTACTS, "no-store"),
        ("/api/x", "no-store"),
    ] {
        let answer = bench.get(path, &cookie).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("cache-control"), kept, "{path}");
    }
}
