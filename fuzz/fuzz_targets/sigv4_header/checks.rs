//! What must hold for any request head. The fuzz target and an ordinary test of `tympan-auth` run the same checks.
//!
//! Input: a request line, header lines, an empty line, a body; line feeds with or without carriage returns.

use tympan_auth::{
    AccessKey, AmzDate, CredentialStore, Credentials, Payload, PayloadHash, RequestParts, Signer,
    SigningOptions, Verifier, scope_of,
};
use tympan_types::{AccountId, Region, WallTime};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "tok/en+EXAMPLE==";

/// Panics if the verifier or the signer misbehaves on this input.
pub(crate) fn check(input: &[u8]) {
    let (head, body) = split_head(input);
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request_line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, rest) = request_line.split_once(' ').unwrap_or(("GET", &request_line));
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
    let (raw_path, raw_query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(&str, &[u8])> = lines.filter_map(header).collect();
    let parts = RequestParts { method, raw_path, raw_query, headers: &headers, local_port: Some(8600) };
    verify(&parts, body);
    sign_and_verify(&parts, body);
}

fn split_head(input: &[u8]) -> (&[u8], &[u8]) {
    for blank in [&b"\n\n"[..], b"\r\n\r\n"] {
        if let Some(at) = input.windows(blank.len()).position(|bytes| bytes == blank) {
            return (&input[..at], &input[at + blank.len()..]);
        }
    }
    (input, &[])
}

fn header(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
}

/// Whatever the head says, nothing panics, and an accepted request is accepted as itself only.
fn verify(parts: &RequestParts<'_>, body: &[u8]) {
    let scope = scope_of(parts);
    let date = parts.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-date"));
    let date = date.and_then(|(_, value)| AmzDate::parse(std::str::from_utf8(value).ok()?.trim()).ok());
    let now = date.map_or(now(), AmzDate::wall_time);
    let store = CredentialStore::new([key(long_term(), "AKIDEXAMPLE"), key(temporary(), "ASIAEXAMPLE")])
        .expect("two ids");
    let pending = match Verifier::default().check_head(now, parts, &store) {
        Ok(pending) => pending,
        Err(rejection) => {
            assert_eq!(rejection.status(), 403);
            assert!(rejection.to_string().len() < 1000, "{rejection}");
            return;
        }
    };
    let scope = scope.expect("a head that passes has a scope");
    for payload in [Payload::of_body(body), Payload::Streamed] {
        let explanation = pending.explain(parts, payload).to_string();
        assert!(!explanation.contains(SECRET) && !explanation.contains(TOKEN), "{explanation}");
        if let Ok(verified) = pending.verify(payload) {
            assert_eq!(verified.caller.access_key_id, scope.access_key_id);
            let other = RequestParts { method: "OTHER", ..*parts };
            let other = Verifier::default().check_head(now, &other, &store).expect("only the method differs");
            assert!(other.verify(payload).is_err() || parts.method == "OTHER");
        }
    }
}

/// What our own signer signs, our own verifier accepts.
fn sign_and_verify(parts: &RequestParts<'_>, body: &[u8]) {
    const MADE_BY_SIGNING: [&str; 4] =
        ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
    let given: Vec<(&str, &[u8])> = parts
        .headers
        .iter()
        .filter(|(name, _)| !MADE_BY_SIGNING.contains(&name.to_ascii_lowercase().as_str()) && is_token(name))
        .copied()
        .collect();
    let hosts: Vec<&[u8]> =
        given.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| *value).collect();
    let names_bytes: usize = given.iter().map(|(name, _)| name.len() + 1).sum();
    let host_is_text = matches!(hosts[..], [host] if std::str::from_utf8(host).is_ok());
    if !host_is_text || given.len() > 100 || names_bytes > 4096 || mentions_amz(parts.raw_query) {
        return;
    }
    let parts = RequestParts { headers: &given, ..*parts };
    let region = Region::parse("us-west-2").expect("a region");
    let store = CredentialStore::new([key(long_term(), "AKIDEXAMPLE"), key(temporary(), "ASIAEXAMPLE")])
        .expect("two ids");
    for (credentials, sign_session_token, normalize_path) in
        [(long_term(), true, true), (temporary(), true, false), (temporary(), false, true)]
    {
        let options = SigningOptions { sign_session_token, normalize_path, ..SigningOptions::default() };
        let signer = Signer::new(&credentials, &region, "kinesisvideo").with_options(options);
        let hash = PayloadHash::of_body(body);

        let added = signer.sign(now(), &parts, hash);
        let mut headers = given.clone();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        accept(&RequestParts { headers: &headers, ..parts }, body, &store);

        let query = signer.presign(now(), &parts, hash, 60);
        accept(&RequestParts { raw_query: &query, ..parts }, body, &store);
    }
}

fn accept(parts: &RequestParts<'_>, body: &[u8], store: &CredentialStore) {
    let pending = Verifier::default().check_head(now(), parts, store).expect("our own head passes");
    pending.verify(Payload::of_body(body)).expect("our own signature is right");
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether signing parameters may be in the query already, percent-encoded or not.
fn mentions_amz(query: &str) -> bool {
    query.contains('%') || query.to_ascii_lowercase().contains("x-amz-")
}

fn now() -> WallTime {
    AmzDate::parse("20150830T123600Z").expect("a date").wall_time()
}

fn long_term() -> Credentials {
    Credentials::new("AKIDEXAMPLE", SECRET)
}

fn temporary() -> Credentials {
    Credentials::new("ASIAEXAMPLE", SECRET).with_session_token(TOKEN)
}

fn key(credentials: Credentials, id: &str) -> AccessKey {
    assert_eq!(credentials.access_key_id, id);
    AccessKey::new(credentials, AccountId::parse("111122223333").expect("an account"))
}
