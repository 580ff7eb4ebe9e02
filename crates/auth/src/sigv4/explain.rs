use super::authorization::Claim;
use super::canonical::{CanonicalRequest, decode};
use super::{AmzDate, PayloadHash, RequestParts, Scope, hex, presigned};
use std::fmt;

/// How the server read a signed request, side by side with what the client sent.
///
/// A client's canonical request never travels, so the two are compared through their parts: the developer finds the
/// candidate that looks like the client's own and sees the line that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The signature that the client sent, in hex.
    pub signature: String,
    /// The credential scope that the client sent, with its access key id.
    pub credential: String,
    /// Headers that the client signed.
    pub signed_headers: Vec<String>,
    /// Headers that came along unsigned.
    pub unsigned_headers: Vec<String>,
    /// What the server computed; the first is the one by the book. None if the payload header was refused.
    pub candidates: Vec<Candidate>,
    /// How many further candidates were tried and are not listed.
    pub left_out: usize,
}

/// One canonical request that the client may have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How it deviates from the one by the book, and which payload hash it has.
    pub label: String,
    /// The canonical request; a session token is replaced by its length.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
}

/// As many candidates as a person will read.
const MAX_CANDIDATES: usize = 8;

impl Explanation {
    pub(super) fn new(parts: &RequestParts<'_>, claim: &Claim) -> Self {
        let names = parts.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        Self {
            signature: hex(&claim.signature),
            credential: format!("{}/{}", claim.scope.access_key_id, claim.scope),
            signed_headers: claim.signed_headers.names().map(str::to_owned).collect(),
            unsigned_headers: names.filter(|name| !claim.signed_headers.contains(name)).collect(),
            candidates: Vec::new(),
            left_out: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        deviations: [&str; 3],
        request: &CanonicalRequest<'_>,
        date: AmzDate,
        scope: &Scope,
        payload: &PayloadHash,
    ) {
        if self.candidates.len() == MAX_CANDIDATES {
            self.left_out += 1;
            return;
        }
        let (query, headers) = (redacted_query(request.query), redacted_headers(request.headers));
        let shown = CanonicalRequest { query: &query, headers: headers.as_bytes(), ..*request };
        self.candidates.push(Candidate {
            label: label(deviations, payload),
            canonical_request: String::from_utf8_lossy(&shown.bytes(payload)).into_owned(),
            string_to_sign: request.string_to_sign(date, scope, payload),
        });
    }
}

/// Names a candidate by its deviations.
fn label(deviations: [&str; 3], payload: &PayloadHash) -> String {
    let mut label = String::new();
    for deviation in deviations.into_iter().filter(|deviation| !deviation.is_empty()) {
        label.extend([deviation, "; "]);
    }
    label.push_str(match payload {
        PayloadHash::Sha256(_) if *payload == PayloadHash::of_nothing() => "payload: hash of nothing",
        PayloadHash::Sha256(_) => "payload: SHA-256",
        PayloadHash::Unsigned => "payload: UNSIGNED-PAYLOAD",
        PayloadHash::Streaming => "payload: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    });
    label
}

fn redacted_query(query: &str) -> String {
    let pieces = query.split('&').map(|piece| match piece.split_once('=') {
        Some((name, value)) if decode(name) == presigned::SECURITY_TOKEN.as_bytes() => {
            format!("{name}=[{} bytes]", decode(value).len())
        }
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("&")
}

fn redacted_headers(lines: &[u8]) -> String {
    let lines = String::from_utf8_lossy(lines);
    let shown = lines.split_inclusive('\n').map(|line| match line.split_once(':') {
        Some((name @ super::sign::SECURITY_TOKEN_HEADER, value)) => {
            format!("{name}:[{} bytes]\n", value.trim_end_matches('\n').len())
        }
        _ => line.to_owned(),
    });
    shown.collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        writeln!(f, "The client sent")?;
        writeln!(f, "  credential        {}", self.credential)?;
        writeln!(f, "  signature         {}", self.signature)?;
        writeln!(f, "  signed headers    {}", list(&self.signed_headers))?;
        writeln!(f, "  unsigned headers  {}", list(&self.unsigned_headers))?;
        for (index, candidate) in self.candidates.iter().enumerate() {
            writeln!(f, "\nThe server computed, candidate {} ({})", index + 1, candidate.label)?;
            writeln!(f, "  canonical request")?;
            candidate.canonical_request.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
            writeln!(f, "  string to sign")?;
            candidate.string_to_sign.lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        if self.left_out > 0 {
            writeln!(f, "\n{} further candidates are not listed", self.left_out)?;
        }
        write!(
            f,
            "\nIf a canonical request is the one that your client logs, the secret key differs; \
             otherwise the first line that differs is the cause."
        )
    }
}
