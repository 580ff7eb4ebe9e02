//! Sessions: who may have one, and what it may do from the cookie on.

use crate::audit::{Audit, Event, EventKind};
use crate::clock::ServiceClock;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tympan_auth::{BodyRule, Identities, Principal, SESSION_ENTROPY_BYTES, Verified, WebSession, WebToken};
use tympan_types::{Caller, Region};

/// How long a session lasts: as long as GetSessionToken's do unless asked.
pub(super) const LIFETIME_S: i64 = 43_200;
/// What the audit file calls a sign-in.
const SIGN_IN: &str = "tympan:SignIn";

/// Who may sign in, and where that is written down, as of now: a reset of `--dev` replaces both.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<RwLock<Option<Known>>>);

#[derive(Clone)]
struct Known {
    identities: Arc<Identities>,
    audit: Audit,
}

/// A request of a session. In the extensions of what the console hands on.
#[derive(Debug, Clone)]
pub(in super::super) struct SignedIn {
    /// Who sends it, and to which service.
    pub(in super::super) verified: Verified,
    /// When the session is over.
    pub(in super::super) ends: Instant,
}

impl Users {
    /// Replaces them.
    pub(crate) fn set(&self, identities: Arc<Identities>, audit: Audit) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { identities, audit });
    }

    fn known(&self) -> Option<Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The access key that is proven by a secret.
    pub(super) fn prove(&self, access_key_id: &str, secret: &str) -> Option<String> {
        let Known { identities, .. } = self.known()?;
        identities.prove(access_key_id, secret).map(|key| key.id().to_owned())
    }

    /// Begins a session of an access key.
    pub(super) fn begin(&self, clock: &ServiceClock, access_key_id: &str) -> Option<WebToken> {
        let Known { identities, .. } = self.known()?;
        let mut entropy = [0; SESSION_ENTROPY_BYTES];
        SystemRandom::new().fill(&mut entropy).ok()?;
        let expires = clock.wall_now().plus_ms(LIFETIME_S.saturating_mul(1_000));
        let made = identities.begin_web_session(&entropy, access_key_id, expires);
        // The key of a code may not be there.
        identities.web_session(made.token.expose()).map(|_| made)
    }

    /// The session of a token, if it is not over.
    pub(super) fn session(&self, clock: &ServiceClock, token: &str) -> Option<WebSession> {
        let session = self.known()?.identities.web_session(token)?;
        (clock.wall_now() < session.expires).then_some(session)
    }

    /// Writes down that a session was begun.
    pub(super) fn record_sign_in(&self, token: &WebToken, source: IpAddr, request_id: &str) {
        let Some(Known { identities, audit }) = self.known() else { return };
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
    pub(super) fn new(session: &WebSession, clock: &ServiceClock, region: &Region, service: String) -> Self {
        let left_ms = session.expires.unix_ms().saturating_sub(clock.wall_now().unix_ms());
        let caller = Caller {
            account: session.principal.account.clone(),
            region: region.clone(),
            access_key_id: session.access_key_id.clone(),
        };
        let principal = session.principal.clone();
        Self {
            verified: Verified { caller, principal, service, body: BodyRule::Signed },
            ends: Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or_default()),
        }
    }
}
