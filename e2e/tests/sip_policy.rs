//! What a peer may ask for, and who may: Require, session timers, methods, routes, digest.

use anyhow::{Context, ensure};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tympan_e2e::flow::{Flow, hang_up};
use tympan_e2e::office::Office;
use tympan_e2e::raw_message::RawMessage;
use tympan_e2e::raw_peer::{RawCall, RawPeer, ack_of_refusal};
use tympan_testkit::{TestServer, binary};

const NUMBER: &str = "+18005550123";
/// The number of the sample flow that `--dev` brings along.
const SAMPLE: &str = "+18005550100";
/// The discard port: nothing listens to what the server plays.
const NOWHERE: u16 = 9;

fn expect(answer: &RawMessage, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status() == Some(status), "{status} is due, and there came\n{answer}");
    Ok(())
}

/// Calls with these header lines and acknowledges the answer, a reliable provisional one too.
fn call_with(peer: &mut RawPeer, extra: &str) -> anyhow::Result<(RawCall, RawMessage)> {
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "0 101");
    let invite = peer.request(&mut call, "INVITE", extra, Some(("application/sdp", &offer)));
    peer.send(&invite)?;
    let invite_cseq = call.cseq;
    loop {
        let answer = peer.wait_for("a response", |message| {
            message.status() > Some(100) && message.lists("CSeq", &format!("{invite_cseq} INVITE"))
        })?;
        if answer.is_success() {
            call.learn(&answer)?;
            let ack = peer.ack(&call, invite_cseq, None);
            peer.send(&ack)?;
            return Ok((call, answer));
        }
        if answer.status() >= Some(200) {
            peer.send(&ack_of_refusal(&invite, &answer)?)?;
            return Ok((call, answer));
        }
        let Some(number) = answer.header("RSeq") else {
            ensure!(!extra.contains("Require: 100rel"), "a provisional response is not reliable:\n{answer}");
            continue;
        };
        call.learn(&answer)?;
        let acknowledged = format!("RAck: {number} {invite_cseq} INVITE\r\n");
        expect(&peer.ask(&mut call, "PRACK", &acknowledged, None)?, 200)?;
    }
}

#[test]
fn what_is_required_and_not_supported_is_answered_420() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    for extra in ["Require: foo\r\n", "Require: timer, foo\r\n", "Require: 100rel\r\nRequire: foo\r\n"] {
        let (_, answer) = call_with(&mut peer, extra)?;
        expect(&answer, 420)?;
        let named: Vec<String> = answer.headers("Unsupported");
        assert_eq!(named, ["foo"], "{answer}");
    }
    let mut none = peer.new_call(SAMPLE);
    expect(&peer.ask(&mut none, "OPTIONS", "Require: foo\r\n", None)?, 420)
}

#[test]
fn reliable_responses_and_session_timers_may_be_required() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let timer = "Session-Expires: 1800;refresher=uac\r\n";
    for extra in [
        "Require: 100rel\r\n".to_owned(),
        format!("Require: timer\r\nSupported: timer\r\n{timer}"),
        format!("Require: 100rel, timer\r\n{timer}"),
        "Supported: 100rel, timer, replaces, norefersub\r\n".to_owned(),
    ] {
        let mut peer = RawPeer::udp(server.sip())?;
        let (mut call, answer) = call_with(&mut peer, &extra)?;
        expect(&answer, 200).with_context(|| extra.clone())?;
        for method in ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO", "PRACK"] {
            assert!(answer.lists("Allow", method), "no {method} in\n{answer}");
        }
        assert!(answer.lists("Supported", "timer") && answer.lists("Supported", "100rel"), "{answer}");
        if extra.contains("Session-Expires") {
            let expires = answer.header("Session-Expires").with_context(|| format!("{answer}"))?;
            let expires = expires.replace(' ', "");
            ensure!(expires == "1800;refresher=uac", "{answer}");
            assert!(answer.lists("Require", "timer"), "{answer}");
            // The refresh.
            let refresh = peer.ask(&mut call, "UPDATE", &format!("Supported: timer\r\n{timer}"), None)?;
            expect(&refresh, 200)?;
            assert_eq!(refresh.body(), "");
            assert!(refresh.header("Session-Expires").is_some(), "{refresh}");
        }
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

#[test]
fn a_session_that_would_expire_too_soon_is_answered_422() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let (_, answer) = call_with(&mut peer, "Supported: timer\r\nSession-Expires: 30\r\n")?;
    expect(&answer, 422)?;
    let least = answer.header("Min-SE").and_then(|value| value.parse::<u32>().ok());
    ensure!(least.is_some_and(|least| least >= 90), "{answer}");
    Ok(())
}

#[test]
fn methods_that_are_not_offered_are_answered_405_and_refer_of_a_caller_403() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    for method in ["SUBSCRIBE", "REGISTER", "PUBLISH", "MESSAGE"] {
        let mut none = peer.new_call(SAMPLE);
        let answer = peer.ask(&mut none, method, "Event: presence\r\n", None)?;
        expect(&answer, 405)?;
        assert!(answer.lists("Allow", "INVITE"), "{answer}");
    }
    let refer = "Refer-To: <sip:+18005550199@127.0.0.1>\r\n";
    let mut none = peer.new_call(SAMPLE);
    expect(&peer.ask(&mut none, "REFER", refer, None)?, 403)?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    expect(&peer.ask(&mut call, "REFER", refer, None)?, 403)?;
    peer.hang_up(&mut call)
}

#[test]
fn a_route_that_names_another_host_is_refused_and_nothing_is_relayed() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut victim = RawPeer::udp_at([127, 0, 0, 9].into(), server.sip())?;
    for method in ["INVITE", "OPTIONS"] {
        let mut call = peer.new_call(SAMPLE);
        let offer = peer.sdp(NOWHERE, "0 101");
        let route = format!("Route: <sip:{};lr>\r\n", victim.own());
        let request = peer.request(&mut call, method, &route, Some(("application/sdp", &offer)));
        let answer = peer.exchange(&request)?;
        ensure!(answer.status().is_some_and(|status| (400..500).contains(&status)), "{answer}");
        if method == "INVITE" {
            peer.send(&ack_of_refusal(&request, &answer)?)?;
        }
    }
    assert!(victim.received()?.is_empty(), "something was relayed");
    // One that names us, as a proxy before us leaves it, is what it is for.
    let mut call = peer.new_call(SAMPLE);
    let own = format!("Route: <sip:{};lr>\r\n", server.sip());
    expect(&peer.ask(&mut call, "OPTIONS", &own, None)?, 200)
}

/// A digest of `text` as openssl makes it, in hexadecimal.
fn digest_of(algorithm: &str, text: &str) -> anyhow::Result<String> {
    let option = if algorithm.eq_ignore_ascii_case("SHA-256") { "-sha256" } else { "-md5" };
    let mut openssl = Command::new("openssl")
        .args(["dgst", option, "-r"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run openssl")?;
    openssl.stdin.take().context("no pipe")?.write_all(text.as_bytes())?;
    let output = openssl.wait_with_output()?;
    ensure!(output.status.success(), "openssl failed");
    let output = String::from_utf8(output.stdout)?;
    Ok(output.split(' ').next().unwrap_or_default().to_owned())
}

/// One challenge of a 401.
struct Challenge {
    realm: String,
    nonce: String,
    algorithm: String,
    opaque: Option<String>,
    stale: bool,
}

impl Challenge {
    /// The challenge of this algorithm, where there is one.
    fn of(answer: &RawMessage, algorithm: &str) -> Option<Self> {
        let challenges = answer.headers("WWW-Authenticate").into_iter().filter_map(|value| {
            let rest = value.trim().strip_prefix("Digest ")?.to_owned();
            let parameter = |name: &str| {
                rest.split(',').find_map(|pair| {
                    let (found, value) = pair.trim().split_once('=')?;
                    found.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
                })
            };
            Some(Self {
                realm: parameter("realm")?,
                nonce: parameter("nonce")?,
                algorithm: parameter("algorithm").unwrap_or_else(|| "MD5".to_owned()),
                opaque: parameter("opaque"),
                stale: parameter("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            })
        });
        challenges.into_iter().find(|challenge| challenge.algorithm.eq_ignore_ascii_case(algorithm))
    }

    /// An Authorization header (RFC 7616 section 3.4).
    fn response(&self, method: &str, uri: &str, password: &str, count: u32) -> anyhow::Result<String> {
        let Self { realm, nonce, algorithm, .. } = self;
        let (user, client, count) = ("desk", "0a4f113b", format!("{count:08x}"));
        let digest = |text: &str| digest_of(algorithm, text);
        let (first, second) =
            (digest(&format!("{user}:{realm}:{password}"))?, digest(&format!("{method}:{uri}"))?);
        let response = digest(&format!("{first}:{nonce}:{count}:{client}:auth:{second}"))?;
        let opaque = self.opaque.as_ref().map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
        Ok(format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}, qop=auth, nc={count}, cnonce=\"{client}\"{opaque}\r\n"
        ))
    }
}

/// A server whose trunk asks for a password.
fn guarded() -> anyhow::Result<TestServer> {
    let trunks =
        "[{name=\"guarded\", networks=[\"127.0.0.0/8\"], users=[{name=\"desk\", password=\"s3cret word\"}]}]";
    TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks).start()
}

/// An INVITE of `call`, with the header lines that `authorize` makes for its method and URI.
fn attempt(peer: &mut RawPeer, call: &mut RawCall, authorization: &str) -> anyhow::Result<RawMessage> {
    let offer = peer.sdp(NOWHERE, "0 101");
    peer.invite(call, authorization, &offer)
}

#[test]
fn a_trunk_with_users_takes_calls_with_their_password() -> anyhow::Result<()> {
    let server = guarded()?;
    let mut algorithms = 0;
    for algorithm in ["MD5", "SHA-256"] {
        let mut peer = RawPeer::udp(server.sip())?;
        let mut call = peer.new_call(SAMPLE);
        let refusal = attempt(&mut peer, &mut call, "")?;
        expect(&refusal, 401)?;
        let Some(challenge) = Challenge::of(&refusal, algorithm) else { continue };
        algorithms += 1;
        let uri = call.target.clone();
        let wrong = challenge.response("INVITE", &uri, "guess", 1)?;
        let refusal = attempt(&mut peer, &mut call, &wrong)?;
        expect(&refusal, 401)?;
        let challenge = Challenge::of(&refusal, algorithm).context("no challenge")?;
        let right = challenge.response("INVITE", &uri, "s3cret word", 1)?;
        expect(&attempt(&mut peer, &mut call, &right)?, 200)?;
        // What follows in the call may be challenged, too.
        let bye = peer.ask(&mut call, "BYE", "", None)?;
        if bye.status() == Some(401) {
            let challenge = Challenge::of(&bye, algorithm).context("no challenge")?;
            let right = challenge.response("BYE", &call.target.clone(), "s3cret word", 1)?;
            expect(&peer.ask(&mut call, "BYE", &right, None)?, 200)?;
        }
    }
    ensure!(algorithms > 0, "no challenge was understood");
    Ok(())
}

#[test]
fn a_nonce_that_was_used_cannot_be_replayed() -> anyhow::Result<()> {
    let server = guarded()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let refusal = attempt(&mut peer, &mut call, "")?;
    let challenge = Challenge::of(&refusal, "MD5").or_else(|| Challenge::of(&refusal, "SHA-256"));
    let challenge = challenge.context("no challenge")?;
    let uri = call.target.clone();
    let right = challenge.response("INVITE", &uri, "s3cret word", 1)?;
    expect(&attempt(&mut peer, &mut call, &right)?, 200)?;

    // Another host has seen it and sends it again, with a call of its own.
    let mut thief = RawPeer::udp_at([127, 0, 0, 2].into(), server.sip())?;
    for _ in 0..3 {
        let mut stolen = thief.new_call(SAMPLE);
        let answer = attempt(&mut thief, &mut stolen, &right)?;
        expect(&answer, 401)?;
        let next = Challenge::of(&answer, &challenge.algorithm).context("no challenge")?;
        ensure!(next.nonce != challenge.nonce, "the nonce is given out again:\n{answer}");
    }
    // The owner counts on: it is accepted, or gets a new nonce, marked stale because the password was right.
    let mut second = peer.new_call(SAMPLE);
    let counted = challenge.response("INVITE", &uri, "s3cret word", 2)?;
    let answer = attempt(&mut peer, &mut second, &counted)?;
    if answer.status() == Some(401) {
        let next = Challenge::of(&answer, &challenge.algorithm).context("no challenge")?;
        ensure!(next.stale, "a right password is called wrong:\n{answer}");
        let right = next.response("INVITE", &uri, "s3cret word", 1)?;
        expect(&attempt(&mut peer, &mut second, &right)?, 200)?;
    } else {
        expect(&answer, 200)?;
    }
    // A nonce that was never given out is no use.
    let invented = Challenge { nonce: "0123456789abcdef0123456789abcdef".to_owned(), ..challenge };
    let mut third = peer.new_call(SAMPLE);
    let forged = invented.response("INVITE", &uri, "s3cret word", 1)?;
    expect(&attempt(&mut peer, &mut third, &forged)?, 401)
}

#[test]
fn the_test_caller_hears_a_bye_at_any_time() -> anyhow::Result<()> {
    const CALLS: usize = 60;
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    for transport in [None, Some("--tcp")] {
        let begun = Instant::now();
        let called = Command::new(binary()?)
            .args(["call", &format!("sip:{NUMBER}@{}", office.server.sip())])
            .args(["--count", &CALLS.to_string(), "--rate", "60", "--duration", "50"])
            .args(transport)
            .output()?;
        ensure!(called.status.success(), "tympan call: {}", String::from_utf8_lossy(&called.stderr));
        // One that misses its BYE stays up until its longest time is over.
        assert!(begun.elapsed() < Duration::from_secs(40), "{transport:?}: {:?}", begun.elapsed());
    }
    let records = office.records(2 * CALLS)?;
    assert!(records.iter().all(|record| record["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"));
    Ok(())
}
