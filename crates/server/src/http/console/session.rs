//! Sessions: who may have one, and what it may do from the cookie on.

use super::sign_in_counts::{SignInOutcome, SignIns};
use crate::audit::{Audit, Event, EventKind};
use crate::clock::ServiceClock;
use crate::http::websocket::SessionEnd;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tympan_admin::{NotEnded, Sessions};
use tympan_auth::{BodyRule, Identities, Principal, SESSION_ENTROPY_BYTES, Verified, WebSession, WebToken};
use tympan_types::{Caller, Region, WallTime};

/// How long a session lasts: as long as GetSessionToken's do unless asked.
pub(super) const LIFETIME_S: i64 = 43_200;
/// What the audit file calls a sign-in.
const SIGN_IN: &str = "tympan:SignIn";

/// Who may sign in, who is, and where that is written down, as of now: a reset of `--dev` replaces all three.
#[derive(Clone, Default)]
pub(crate) struct Users {
    known: Arc<RwLock<Option<Known>>>,
    sign_ins: Arc<SignIns>,
}

#[derive(Clone)]
struct Known {
    identities: Arc<Identities>,
    audit: Audit,
    sessions: Sessions,
}

/// The session of a request.
pub(super) struct Current {
    pub(super) session: WebSession,
    /// Cancelled when it is ended.
    ended: CancellationToken,
}

/// A request of a session. In the extensions of what the console hands on.
#[derive(Debug, Clone)]
pub(in super::super) struct SignedIn {
    /// Who sends it, and to which service.
    pub(in super::super) verified: Verified,
    /// When the session is over.
    pub(in super::super) end: SessionEnd,
}

impl Users {
    /// Replaces them.
    pub(crate) fn set(&self, identities: Arc<Identities>, audit: Audit, sessions: Sessions) {
        let known = Known { identities, audit, sessions };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// Lets go of them, and of the database with them: until they are set again no session is good.
    pub(crate) fn clear(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The access key that is proven by a secret.
    pub(super) fn prove(&self, access_key_id: &str, secret: &str) -> Option<String> {
        let Known { identities, .. } = self.known()?;
        identities.prove(access_key_id, secret).map(|key| key.id().to_owned())
    }

    /// Counts of sign-ins.
    pub(crate) fn sign_ins(&self) -> Arc<SignIns> {
        self.sign_ins.clone()
    }

    /// Counts a sign-in.
    pub(super) fn count(&self, outcome: SignInOutcome) {
        self.sign_ins.count(outcome);
    }

    /// Begins a session of an access key.
    pub(super) fn begin(
        &self,
        clock: &ServiceClock,
        access_key_id: &str,
        source: IpAddr,
    ) -> Option<WebToken> {
        let Known { identities, sessions, .. } = self.known()?;
        let mut entropy = [0; SESSION_ENTROPY_BYTES];
        SystemRandom::new().fill(&mut entropy).ok()?;
        let expires = clock.wall_now().plus_ms(LIFETIME_S.saturating_mul(1_000));
        let made = identities.begin_web_session(&entropy, access_key_id, expires);
        // The key of a code may not be there.
        let session = identities.web_session(made.token.expose())?;
        sessions.used(&session, began(&session), source, clock.wall_now()).map(|_| made)
    }

    /// The session of a token, if it is not over, used by a source.
    pub(super) fn session(&self, clock: &ServiceClock, token: &str, source: IpAddr) -> Option<Current> {
        let Known { identities, sessions, .. } = self.known()?;
        let session = identities.web_session(token)?;
        let now = clock.wall_now();
        if now >= session.expires {
            return None;
        }
        let ended = sessions.used(&session, began(&session), source, now)?;
        Some(Current { session, ended })
    }

    /// Ends a session. Blocks.
    pub(super) fn end(&self, clock: &ServiceClock, session: &WebSession) -> Result<(), NotEnded> {
        let Some(Known { sessions, .. }) = self.known() else { return Ok(()) };
        sessions.end(&session.access_key_id, session.expires, clock.wall_now())
    }

    /// Writes down that a session was begun.
    pub(super) fn record_sign_in(&self, token: &WebToken, source: IpAddr, request_id: &str) {
        let Some(Known { identities, audit, .. }) = self.known() else { return };
        let Some(session) = identities.web_session(token.token.expose()) else { return };
        let Principal { arn, parent_key, .. } = &*session.principal;
        audit.record(&Event {
            principal: Some(arn),
            access_key_id: Some(&token.access_key_id),
            session_of: parent_key.as_deref(),
            status: Some(204),
            ..about(EventKind::Administration, source, request_id)
        });
    }

    /// Writes down that a secret or a code was wrong. What was given is not written down: it may be a secret in the wrong place.
    pub(super) fn record_wrong(&self, source: IpAddr, request_id: &str) {
        if let Some(Known { audit, .. }) = self.known() {
            let refused = about(EventKind::Denial, source, request_id);
            audit.record_refusal(&Event { status: Some(401), error: Some("WrongCredentials"), ..refused });
        }
    }
}

/// When a session began: all last equally long.
fn began(session: &WebSession) -> WallTime {
    session.expires.plus_ms(-LIFETIME_S * 1_000)
}

fn about(kind: EventKind, source: IpAddr, request_id: &str) -> Event<'_> {
    Event {
        source_ip: Some(source),
        action: Some(SIGN_IN),
        resource: Some("*"),
        request_id: Some(request_id),
        ..Event::new(kind)
    }
}

impl SignedIn {
    /// A request of a session to the service of a signing name.
    pub(super) fn new(current: &Current, clock: &ServiceClock, region: &Region, service: String) -> Self {
        let Current { session, ended } = current;
        let left_ms = session.expires.unix_ms().saturating_sub(clock.wall_now().unix_ms());
        let caller = Caller {
            account: session.principal.account.clone(),
            region: region.clone(),
            access_key_id: session.access_key_id.clone(),
        };
        let principal = session.principal.clone();
        Self {
            verified: Verified { caller, principal, service, body: BodyRule::Signed },
            end: SessionEnd {
                at: Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or_default()),
                ended: ended.clone(),
            },
        }
    }
}
