//! The web console over plain sockets, as a browser speaks to it: sign-in, operations, live events, other origins.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tympan_testkit::TestServer;

const KEY: &str = r#"{"accessKeyId":"TYMPANDEV","secretAccessKey":"tympandevsecret"}"#;
const CONTACTS: &str = "/api/tympan/tympan/contacts";
const EVENTS: &str = "/api/tympan/tympan/events";

/// A browser with the console open.
struct Browser {
    /// Host and port.
    host: String,
    cookie: String,
    /// Of the page that sends the requests.
    origin: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| self.body.clone())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Browser {
    fn new(server: &TestServer) -> anyhow::Result<Self> {
        let origin = server.console().context("no console")?.to_owned();
        let host = origin.trim_start_matches("http://").to_owned();
        Ok(Self { host, cookie: String::new(), origin })
    }

    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let Self { host, cookie, origin } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n{more}\r\n"
        )
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let length = body.len();
        let more = format!("Content-Length: {length}\r\nConnection: close\r\n");
        let mut connection = TcpStream::connect(&self.host)?;
        write!(connection, "{}{body}", self.head(method, path, &more))?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }

    fn sign_in(&mut self, body: &str) -> anyhow::Result<()> {
        let answer = self.ask("POST", "/api/sign-in", body)?;
        ensure!(answer.status == 204, "{}\n{}", answer.head, answer.body);
        let cookie = answer.header("set-cookie").context("no cookie")?;
        ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(())
    }

    /// Asks for a WebSocket, and gives the connection with what has come up to the end of the head.
    fn upgrade(&self, path: &str) -> anyhow::Result<(TcpStream, String)> {
        let more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut connection = TcpStream::connect(&self.host)?;
        connection.set_read_timeout(Some(Duration::from_secs(60)))?;
        connection.write_all(self.head("GET", path, more).as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok((connection, String::from_utf8(head)?))
    }
}

/// The text of a frame that a server sends (RFC 6455 5.2): not masked, whole.
fn text_frame(connection: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = [0; 2];
    connection.read_exact(&mut head)?;
    ensure!(head[0] == 0x81, "no text frame: {head:?}");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            connection.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        length => usize::from(length),
    };
    let mut text = vec![0; length];
    connection.read_exact(&mut text)?;
    Ok(String::from_utf8(text)?)
}

#[test]
fn a_browser_signs_in_by_a_key_lists_contacts_follows_events_and_signs_out() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut browser = Browser::new(&server)?;
    let page = browser.ask("GET", "/contacts", "")?;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors")));
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 401);
    assert_eq!(browser.upgrade(EVENTS)?.1.split(' ').nth(1), Some("401"));
    let wrong = browser.ask("POST", "/api/sign-in", &KEY.replace("devsecret", "devsecreT"))?;
    assert_eq!(wrong.status, 401, "{}", wrong.body);

    browser.sign_in(KEY)?;
    let session = browser.ask("GET", "/api/session", "")?.json()?;
    assert_eq!((&session["user"], &session["region"]), (&"TYMPANDEV".into(), &"us-west-2".into()));
    let contacts = browser.ask("GET", &format!("{CONTACTS}?maxResults=5"), "")?;
    assert_eq!(contacts.status, 200, "{}", contacts.body);
    assert!(contacts.json()?["Contacts"].is_array(), "{}", contacts.body);
    let (mut events, head) = browser.upgrade(EVENTS)?;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let begin: Value = serde_json::from_str(&text_frame(&mut events)?)?;
    assert_eq!(begin["Type"], "Begin", "{begin}");

    let out = browser.ask("POST", "/api/sign-out", "")?;
    assert!(out.status == 204 && out.header("set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    browser.cookie.clear();
    assert_eq!(browser.ask("GET", "/api/session", "")?.status, 401);
    Ok(())
}

#[test]
fn the_link_of_dev_signs_in_once() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let link = server.console_sign_in().context("no link")?;
    let (page, code) = link.split_once("#code=").context("no code")?;
    assert_eq!(page, format!("{}/sign-in", server.console().context("no console")?));
    let body = format!(r#"{{"code":"{code}"}}"#);
    let mut browser = Browser::new(&server)?;
    browser.sign_in(&body)?;
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 200);
    assert_eq!(browser.ask("POST", "/api/sign-in", &body)?.status, 401);
    assert!(!server.log().contains(code), "the code is in the log");
    Ok(())
}

#[test]
fn a_page_of_another_origin_reaches_nothing_with_the_cookie() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut browser = Browser::new(&server)?;
    browser.sign_in(KEY)?;
    let own = browser.origin.clone();
    let port = own.rsplit(':').next().context("no port")?;
    for origin in ["http://evil.example", "null", server.http(), &format!("http://localhost:{port}")] {
        browser.origin = origin.to_owned();
        for (method, path) in [
            ("POST", "/api/sign-in"),
            ("POST", "/api/sign-out"),
            ("POST", "/api/tympan/tympan/contacts/search"),
            ("POST", "/api/kinesisvideo/createStream"),
            ("GET", CONTACTS),
        ] {
            let answer = browser.ask(method, path, r#"{"StreamName":"s"}"#)?;
            assert_eq!(answer.status, 403, "{origin} {method} {path}: {}", answer.body);
        }
        let (_, head) = browser.upgrade(EVENTS)?;
        assert!(head.starts_with("HTTP/1.1 403"), "{origin}: {head}");
    }
    browser.origin = own;
    assert_eq!(browser.ask("POST", "/api/kinesisvideo/createStream", r#"{"StreamName":"s"}"#)?.status, 200);
    Ok(())
}

#[test]
fn a_reset_ends_sessions_and_no_console_is_no_console() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut browser = Browser::new(&server)?;
    browser.sign_in(KEY)?;
    assert_eq!(browser.ask("GET", "/api/tympan/_tympan/state", "")?.status, 404);
    tympan_e2e::control::control(&server, "POST", "/_tympan/reset", "")?;
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 401);
    browser.sign_in(KEY)?;
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 200);
    let without = TestServer::builder().env("TYMPAN_CONSOLE__LISTEN", "").start()?;
    assert_eq!((without.console(), without.console_sign_in()), (None, None));
    Ok(())
}
