//! Client and server together, over whole messages.

use super::super::*;
use crate::wire::{Cut, Judged, Method, Name, Request, Response, cut_packet, judge};
use std::net::IpAddr;
use tympan_types::{Mono, Redacted};

const REALM: &str = "tympan";
const URI: &str = "sip:+18005550100@192.0.2.9";

fn judged(start: &str, headers: &[(Name, String)]) -> Judged {
    let headers: String =
        headers.iter().map(|(name, value)| format!("{}: {value}\r\n", name.as_str())).collect();
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\n\
         Call-ID: 1\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    let Cut::Message(message) = cut_packet(text.into_bytes().into()) else { panic!("no message") };
    judge(message, None)
}

fn request(uri: &str, headers: &[(Name, String)]) -> Request {
    let Judged::Request(request) = judged(&format!("INVITE {uri} SIP/2.0"), headers) else {
        panic!("no request")
    };
    *request
}

fn unauthorized(name: Name, challenges: &[&str]) -> Response {
    let status = if name == Name::ProxyAuthenticate { 407 } else { 401 };
    let headers: Vec<_> = challenges.iter().map(|&value| (name, value.to_owned())).collect();
    let Judged::Response(response) = judged(&format!("SIP/2.0 {status} No"), &headers) else {
        panic!("no response")
    };
    *response
}

fn client(username: &str, password: &str) -> Authorizer {
    Authorizer::new(username.to_owned(), password.to_owned().into())
}

fn users() -> Vec<(String, Redacted<String>)> {
    [("alice", "secret"), ("q\"uo\\te", "secret")]
        .map(|(name, password)| (name.to_owned(), password.to_owned().into()))
        .to_vec()
}

fn here() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

fn at(ms: u64) -> Mono {
    Mono::from_millis(50_000 + ms)
}

fn verifier() -> Verifier {
    Verifier::new(&[7; 32])
}

fn challenge(verifier: &mut Verifier, now: Mono) -> Response {
    let challenges = verifier.challenges(now, here(), REALM, false);
    unauthorized(Name::WwwAuthenticate, &challenges.each_ref().map(String::as_str))
}

/// A client that was challenged, and the headers of its INVITE.
fn answered(verifier: &mut Verifier, username: &str, password: &str) -> Vec<(Name, String)> {
    let mut client = client(username, password);
    assert!(client.challenged(&challenge(verifier, at(0)), 0));
    client.headers(&Method::Invite, URI, 1)
}

fn verified(verifier: &mut Verifier, now: Mono, headers: &[(Name, String)]) -> String {
    let users = users();
    format!("{:?}", verifier.verify(now, here(), &request(URI, headers), REALM, &users))
}

#[test]
fn a_challenge_is_answered_and_accepted_by_sha_256() {
    let mut verifier = verifier();
    assert_eq!(verified(&mut verifier, at(0), &[]), "Missing");
    let headers = answered(&mut verifier, "alice", "secret");
    let [(Name::Authorization, value)] = headers.as_slice() else { panic!("{headers:?}") };
    assert!(value.contains("algorithm=SHA-256") && value.contains("nc=00000001"), "{value}");
    assert_eq!(verified(&mut verifier, at(100), &headers), "Accepted(\"alice\")");
}

#[test]
fn names_with_quotes_and_backslashes_are_quoted() {
    let mut verifier = verifier();
    let headers = answered(&mut verifier, "q\"uo\\te", "secret");
    assert!(headers.first().unwrap().1.contains(r#"username="q\"uo\\te""#));
    assert_eq!(verified(&mut verifier, at(0), &headers), r#"Accepted("q\"uo\\te")"#);
}

#[test]
fn a_wrong_password_an_unknown_user_and_another_realm_are_refused() {
    let mut verifier = verifier();
    for (username, password) in [("alice", "Secret"), ("bob", "secret"), ("bob", "")] {
        let headers = answered(&mut verifier, username, password);
        assert_eq!(verified(&mut verifier, at(0), &headers), "Wrong", "{username}");
    }
    let headers = answered(&mut verifier, "alice", "secret");
    let users = users();
    let other = verifier.verify(at(0), here(), &request(URI, &headers), "other", &users);
    assert_eq!(other, Verdict::Missing);
    assert_eq!(verifier.nonces(), 0, "none of them filled the window");
}

#[test]
fn a_replayed_answer_is_refused_and_the_next_count_taken() {
    let mut verifier = verifier();
    let mut client = client("alice", "secret");
    assert!(client.challenged(&challenge(&mut verifier, at(0)), 0));
    let first = client.headers(&Method::Invite, URI, 1);
    let second = client.headers(&Method::Invite, URI, 2);
    assert_eq!(client.headers_of_invite(), second);
    let third = client.headers(&Method::Invite, URI, 3);
    assert_eq!(verified(&mut verifier, at(0), &second), "Accepted(\"alice\")");
    assert_eq!(verified(&mut verifier, at(1), &second), "Replayed");
    assert_eq!(verified(&mut verifier, at(2), &first), "Accepted(\"alice\")");
    assert_eq!(verified(&mut verifier, at(2), &first), "Replayed");
    assert_eq!(verified(&mut verifier, at(2), &third), "Accepted(\"alice\")");
    assert!(Verdict::Replayed.is_stale() && Verdict::Stale.is_stale() && !Verdict::Wrong.is_stale());
}

#[test]
fn a_nonce_is_stale_after_its_minute_and_its_window_is_forgotten_then() {
    let mut verifier = verifier();
    let headers = answered(&mut verifier, "alice", "secret");
    assert_eq!(verified(&mut verifier, at(60_000), &headers), "Accepted(\"alice\")");
    assert_eq!(verified(&mut verifier, at(60_001), &headers), "Stale");
    assert_eq!(verifier.nonces(), 1);
    let mut client = client("alice", "secret");
    assert!(client.challenged(&challenge(&mut verifier, at(120_000)), 0));
    let headers = client.headers(&Method::Invite, URI, 1);
    assert_eq!(verified(&mut verifier, at(120_000), &headers), "Accepted(\"alice\")");
    assert_eq!(verifier.nonces(), 1);
}

#[test]
fn a_nonce_is_bound_to_its_source_realm_and_process() {
    let mut verifier = verifier();
    let headers = answered(&mut verifier, "alice", "secret");
    let (request, users) = (request(URI, &headers), users());
    let there = "198.51.100.1".parse().unwrap();
    assert_eq!(verifier.verify(at(0), there, &request, REALM, &users), Verdict::Stale);
    let mut restarted = Verifier::new(&[8; 32]);
    assert_eq!(restarted.verify(at(0), here(), &request, REALM, &users), Verdict::Stale);
    let mapped = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(verifier.verify(at(0), mapped, &request, REALM, &users), Verdict::Accepted("alice"));
}

#[test]
fn nonces_differ_also_within_a_millisecond() {
    let mut verifier = verifier();
    let [one, other] = [0, 0].map(|ms| verifier.challenges(at(ms), here(), REALM, true));
    assert_ne!(one, other);
    assert!(one.iter().all(|value| value.contains("stale=true") && value.contains("qop=\"auth\"")));
    assert!(one.first().unwrap().contains("SHA-256") && one.last().unwrap().contains("algorithm=MD5"));
}

#[test]
fn a_full_window_asks_again_and_never_accepts_twice() {
    let mut verifier = Verifier::with_limits(&[7; 32], 60_000, 4);
    let answers: Vec<_> = (0..20).map(|_| answered(&mut verifier, "alice", "secret")).collect();
    for headers in &answers {
        assert_eq!(verified(&mut verifier, at(0), headers), "Accepted(\"alice\")");
    }
    assert_eq!(verifier.nonces(), 4);
    for headers in &answers {
        assert_eq!(verified(&mut verifier, at(0), headers), "Replayed");
    }
}

/// The answer of alice with one parameter changed.
fn altered(from: &str, to: &str) -> String {
    let mut verifier = verifier();
    let mut headers = answered(&mut verifier, "alice", "secret");
    let value = &mut headers.first_mut().unwrap().1;
    assert!(value.contains(from), "{value} has no {from}");
    *value = value.replace(from, to);
    verified(&mut verifier, at(0), &headers)
}

#[test]
fn what_is_not_offered_or_broken_is_wrong() {
    for (from, to) in [
        ("qop=auth", "qop=auth-int"),
        ("qop=auth", "x=y"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=+0000001"),
        ("nc=00000001", "nc=00000002"),
        ("algorithm=SHA-256", "algorithm=SHA-256-sess"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("algorithm=SHA-256", "algorithm=token"),
        ("response=\"", "response=\"0"),
        ("uri=\"sip:+18005550100@", "uri=\"sip:+19005550100@"),
        ("username=\"alice\"", "username=\"alice\", userhash=true"),
        ("username=\"alice\"", "username=\"Alice\""),
    ] {
        assert_eq!(altered(from, to), "Wrong", "{to}");
    }
    assert_eq!(altered("nonce=\"", "nonce=\"zz"), "Wrong", "the nonce is part of the digest");
    assert_eq!(altered("realm=\"tympan\"", "realm=\"tympan\", realm=\"x\""), "Missing", "broken");
}

#[test]
fn a_nonce_that_is_not_ours_is_stale_though_the_digest_is_right() {
    for nonce in ["", "00", "zz", &"0".repeat(56), &"é".repeat(28)] {
        let mut client = client("alice", "secret");
        let challenge = format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", qop=\"auth\"");
        assert!(client.challenged(&unauthorized(Name::WwwAuthenticate, &[&challenge]), 0));
        let headers = client.headers(&Method::Invite, URI, 1);
        assert_eq!(verified(&mut verifier(), at(0), &headers), "Stale", "{nonce}");
    }
}

#[test]
fn a_proxy_may_change_the_host_but_not_who_is_called() {
    let mut verifier = verifier();
    let users = users();
    for (uri, verdict) in [
        ("sip:+1-800-555-0100@10.0.0.1;transport=tcp", Verdict::Accepted("alice")),
        ("sip:+18005550101@192.0.2.9", Verdict::Wrong),
    ] {
        let headers = answered(&mut verifier, "alice", "secret");
        let request = request(uri, &headers);
        assert_eq!(verifier.verify(at(0), here(), &request, REALM, &users), verdict, "{uri}");
    }
}

#[test]
fn an_answer_for_another_realm_beside_ours_is_passed_over() {
    let mut verifier = verifier();
    let mut headers = vec![(Name::Authorization, "Digest realm=\"other\", response=\"0\"".to_owned())];
    headers.extend(answered(&mut verifier, "alice", "secret"));
    assert_eq!(verified(&mut verifier, at(0), &headers), "Accepted(\"alice\")");
}

fn chosen(challenges: &[&str]) -> Option<String> {
    let mut client = client("Mufasa", "Circle of Life");
    let response = unauthorized(Name::ProxyAuthenticate, challenges);
    client.challenged(&response, 0).then(|| {
        let headers = client.headers(&Method::Bye, "sip:a@b", 0x0a4f_113b);
        let [(Name::ProxyAuthorization, value)] = headers.as_slice() else { panic!("{headers:?}") };
        value.clone()
    })
}

#[test]
fn the_strongest_challenge_is_answered_in_any_order() {
    let md5 = "Digest realm=\"a\", nonce=\"1\", algorithm=MD5, qop=\"auth,auth-int\"";
    let sha = "Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"";
    let unknown = "Digest realm=\"a\", nonce=\"3\", algorithm=SHA-512-256, qop=\"auth\"";
    for order in [[md5, sha, unknown], [unknown, sha, md5]] {
        let answer = chosen(&order).unwrap();
        assert!(answer.contains("nonce=\"2\"") && answer.contains("algorithm=SHA-256"), "{answer}");
    }
}

#[test]
fn what_cannot_be_answered_is_not() {
    for challenge in [
        "Digest realm=\"a\", nonce=\"1\", qop=\"auth-int\"",
        "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256",
        "Digest realm=\"a\", nonce=\"1\", algorithm=MD5-sess",
        "Digest realm=\"a\"",
        "Digest nonce=\"a\"",
        "Basic realm=\"a\"",
    ] {
        assert_eq!(chosen(&[challenge]), None, "{challenge}");
    }
    let mut client = client("a", "b");
    assert!(!client.challenged(&unauthorized(Name::WwwAuthenticate, &[]), 0));
    assert!(client.headers(&Method::Bye, "sip:a@b", 1).is_empty());
}

#[test]
fn opaque_is_echoed_and_the_algorithm_only_where_it_was_named() {
    let answer =
        chosen(&["Digest realm=\"a \\\"b\\\"\", nonce=\"1\", opaque=\"x\\\\y\", qop=\"auth\""]).unwrap();
    assert!(answer.contains(r#"realm="a \"b\"""#) && answer.contains(r#"opaque="x\\y""#), "{answer}");
    assert!(!answer.contains("algorithm"), "{answer}");
    assert!(answer.contains("qop=auth, nc=00000001, cnonce=\"000000000a4f113b\""), "{answer}");
    let old = chosen(&["Digest realm=\"a\", nonce=\"1\""]).unwrap();
    assert!(!old.contains("qop") && !old.contains("cnonce") && !old.contains("opaque"), "{old}");
}

#[test]
fn a_session_algorithm_is_answered() {
    let answer = chosen(&["Digest realm=\"a\", nonce=\"1\", algorithm=MD5-sess, qop=\"auth\""]).unwrap();
    assert!(answer.contains("algorithm=MD5-sess"), "{answer}");
}

#[test]
fn a_request_goes_again_once_and_once_more_only_for_a_stale_nonce_or_another_realm() {
    let with = |realm: &str, more: &str| {
        let value = format!("Digest realm=\"{realm}\", nonce=\"1\", qop=\"auth\"{more}");
        unauthorized(Name::ProxyAuthenticate, &[&value])
    };
    let mut client = client("a", "b");
    assert!(client.challenged(&with("one", ""), 0));
    assert!(!client.clone().challenged(&with("one", ""), 1), "the password is wrong");
    assert!(client.clone().challenged(&with("one", ", stale=true"), 1));
    assert!(client.challenged(&with("two", ""), 1), "the next proxy");
    assert_eq!(client.headers(&Method::Invite, URI, 1).len(), 2, "both are answered");
    assert!(client.challenged(&with("one", ""), 0), "a later request: the nonce was too old");
    assert!(!client.challenged(&with("one", ", stale=true"), 4), "not for all time");
    assert!(client.challenged(&with("three", ""), 0) && client.challenged(&with("four", ""), 0));
    assert!(!client.challenged(&with("five", ""), 0), "at most four realms");
    assert_eq!(client.headers(&Method::Invite, URI, 1).len(), 4);
}
