//! The web console over plain sockets, as a browser speaks to it: sign-in, operations, live events, other origins.

use anyhow::Context;
use serde_json::Value;
use tympan_e2e::browser::{Browser, DEV_KEY, Frame, frame};
use tympan_testkit::TestServer;

const CONTACTS: &str = "/api/tympan/tympan/contacts";
const EVENTS: &str = "/api/tympan/tympan/events";

#[test]
fn a_browser_signs_in_by_a_key_lists_contacts_follows_events_and_signs_out() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut browser = Browser::new(&server)?;
    let page = browser.ask("GET", "/contacts", "")?;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors")));
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 401);
    assert_eq!(browser.upgrade(EVENTS)?.1.split(' ').nth(1), Some("401"));
    let wrong = browser.ask("POST", "/api/sign-in", &DEV_KEY.replace("devsecret", "devsecreT"))?;
    assert_eq!(wrong.status, 401, "{}", wrong.body);

    browser.sign_in(DEV_KEY)?;
    let session = browser.ask("GET", "/api/session", "")?.json()?;
    assert_eq!((&session["user"], &session["region"]), (&"TYMPANDEV".into(), &"us-west-2".into()));
    let contacts = browser.ask("GET", &format!("{CONTACTS}?maxResults=5"), "")?;
    assert_eq!(contacts.status, 200, "{}", contacts.body);
    assert!(contacts.json()?["Contacts"].is_array(), "{}", contacts.body);
    let (mut events, head) = browser.upgrade(EVENTS)?;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let Frame::Text(begin) = frame(&mut events)? else { panic!("no text frame") };
    let begin: Value = serde_json::from_str(&begin)?;
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
    browser.sign_in(DEV_KEY)?;
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
    browser.sign_in(DEV_KEY)?;
    assert_eq!(browser.ask("GET", "/api/tympan/_tympan/state", "")?.status, 404);
    tympan_e2e::control::control(&server, "POST", "/_tympan/reset", "")?;
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 401);
    browser.sign_in(DEV_KEY)?;
    assert_eq!(browser.ask("GET", CONTACTS, "")?.status, 200);
    let without = TestServer::builder().env("TYMPAN_CONSOLE__LISTEN", "").start()?;
    assert_eq!((without.console(), without.console_sign_in()), (None, None));
    Ok(())
}
