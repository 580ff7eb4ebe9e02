//! The client: answers to challenges.

use super::params::{Params, push_quoted, push_token};
use super::{Algorithm, Digested, hex};
use crate::wire::{Message, Method, Name, Response, Status};
use tympan_types::Redacted;

/// Realms that are answered in one request, as each proxy on the way may have its own.
const REALMS_MAX: usize = 4;
/// A request goes again so often, whatever a server says.
const ATTEMPTS_MAX: u8 = 4;

/// Answers challenges (401, 407) with one user's name and password.
///
/// The answer goes with later requests too, with a count that grows, so that a server that allows it challenges only once.
#[derive(Debug, Clone)]
pub struct Authorizer {
    username: String,
    password: Redacted<String>,
    challenges: Vec<Challenge>,
    invite: Vec<(Name, String)>,
}

#[derive(Debug, Clone)]
struct Challenge {
    /// Authorization or Proxy-Authorization.
    answer_in: Name,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// False where the server did not say it: an old one may not know the parameter.
    names_algorithm: bool,
    has_qop: bool,
    stale: bool,
    /// Times that the nonce was used.
    count: u32,
}

impl Authorizer {
    /// No challenge is known yet.
    pub fn new(username: String, password: Redacted<String>) -> Self {
        Self { username, password, challenges: Vec::new(), invite: Vec::new() }
    }

    /// Takes a challenge to a request that was challenged `attempts` times before. True: the request goes again with
    /// [`Authorizer::headers`]. False: nothing in it can be answered (only `auth-int`, only unknown algorithms), or the answer was
    /// refused: name or password are wrong. After the first time, only a stale nonce or another realm is answered.
    pub fn challenged(&mut self, response: &Response, attempts: u8) -> bool {
        let (challenge_in, answer_in) = match response.status {
            Status::UNAUTHORIZED => (Name::WwwAuthenticate, Name::Authorization),
            Status::PROXY_AUTHENTICATION_REQUIRED => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
            _ => return false,
        };
        let mut may_go_again = false;
        for challenge in strongest(&response.message, challenge_in, answer_in) {
            let is_same = |known: &Challenge| known.answer_in == answer_in && known.realm == challenge.realm;
            let is_known = self.challenges.iter().any(is_same);
            may_go_again |= attempts == 0 || challenge.stale || !is_known;
            self.challenges.retain(|known| !is_same(known));
            if self.challenges.len() >= REALMS_MAX {
                return false;
            }
            self.challenges.push(challenge);
        }
        may_go_again && attempts < ATTEMPTS_MAX
    }

    /// The headers for a request; empty where nothing was challenged. `cnonce` is random.
    pub fn headers(&mut self, method: &Method, uri: &str, cnonce: u64) -> Vec<(Name, String)> {
        let (username, password) = (&self.username, self.password.expose());
        let cnonce = hex(&cnonce.to_be_bytes());
        let answers = self.challenges.iter_mut().map(|challenge| {
            (challenge.answer_in, challenge.answer(username, password, method, uri, &cnonce))
        });
        let headers: Vec<_> = answers.collect();
        if *method == Method::Invite {
            self.invite.clone_from(&headers);
        }
        headers
    }

    /// The headers of the last INVITE: its ACK and CANCEL carry the same (RFC 3261 section 22.1).
    pub fn headers_of_invite(&self) -> &[(Name, String)] {
        &self.invite
    }
}

/// The strongest challenge of each realm that can be answered.
fn strongest(message: &Message, challenge_in: Name, answer_in: Name) -> Vec<Challenge> {
    let mut best: Vec<Challenge> = Vec::new();
    for value in message.values(challenge_in).take(4 * REALMS_MAX) {
        let Some(challenge) = Challenge::parse(value, answer_in) else { continue };
        let is_same = |other: &Challenge| other.realm == challenge.realm;
        if best.iter().any(|other| is_same(other) && other.algorithm >= challenge.algorithm) {
            continue;
        }
        best.retain(|other| !is_same(other));
        if best.len() < REALMS_MAX {
            best.push(challenge);
        }
    }
    best
}

impl Challenge {
    fn parse(value: &[u8], answer_in: Name) -> Option<Self> {
        let params = Params::parse(value)?;
        let algorithm = Algorithm::parse(params.get("algorithm"))?;
        let qop = params.get("qop");
        let offers_auth =
            qop.is_some_and(|qop| qop.split(',').any(|token| token.trim().eq_ignore_ascii_case("auth")));
        // Without `auth` there is `auth-int` alone, or a server of RFC 2069, which knows no session algorithms.
        if !offers_auth && (qop.is_some() || algorithm.is_sess()) {
            return None;
        }
        Some(Self {
            answer_in,
            realm: params.get("realm")?.to_owned(),
            nonce: params.get("nonce")?.to_owned(),
            opaque: params.get("opaque").map(str::to_owned),
            algorithm,
            names_algorithm: params.get("algorithm").is_some(),
            has_qop: offers_auth,
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    fn answer(&mut self, username: &str, password: &str, method: &Method, uri: &str, cnonce: &str) -> String {
        self.count = self.count.saturating_add(1);
        let nc = format!("{:08x}", self.count);
        let auth = self.has_qop.then_some((nc.as_str(), cnonce));
        let response = Digested {
            algorithm: self.algorithm,
            username,
            realm: &self.realm,
            password,
            nonce: &self.nonce,
            auth,
            method: method.as_str(),
            uri,
        }
        .response();
        let mut text = String::with_capacity(320);
        push_quoted(&mut text, "username", username);
        push_quoted(&mut text, "realm", &self.realm);
        push_quoted(&mut text, "nonce", &self.nonce);
        push_quoted(&mut text, "uri", uri);
        push_quoted(&mut text, "response", &response);
        if self.names_algorithm {
            push_token(&mut text, "algorithm", self.algorithm.as_str());
        }
        if let Some(opaque) = &self.opaque {
            push_quoted(&mut text, "opaque", opaque);
        }
        if let Some((nc, cnonce)) = auth {
            push_token(&mut text, "qop", "auth");
            push_token(&mut text, "nc", nc);
            push_quoted(&mut text, "cnonce", cnonce);
        }
        text
    }
}
