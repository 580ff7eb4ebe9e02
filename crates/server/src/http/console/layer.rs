//! The console before the services: pages, sign-in, and the operations of the services under `/api/`.

use super::super::authorize::Peer;
use super::super::body::{self, Body, Incoming};
use super::super::listener::{Answer, Listener};
use super::super::own_address::OwnAddress;
use super::super::request_body::RequestBody;
use super::super::respond;
use super::super::slot::Slot;
use super::super::unproven::{UnprovenBytes, Unread};
use super::assets::Assets;
use super::attempts::{Attempts, TooMany};
use super::channel::Channel;
use super::code::SignInCode;
use super::cookie::SessionCookie;
use super::origin;
use super::protect::protect;
use super::session::{Current, LIFETIME_S, SignedIn, Users};
use super::sign_in::{BODY_BYTES, SignIn};
use super::sign_in_counts::SignInOutcome;
use super::target::{ROOT, Target};
use crate::clock::ServiceClock;
use bytes::Bytes;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER, SET_COOKIE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tympan_auth::{WebSession, WebToken};
use tympan_aws::cors::WebRules;
use tympan_types::Region;

/// How long the body of a sign-in may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a console works with.
pub(crate) struct ConsoleParts {
    /// Who may sign in.
    pub(crate) users: Users,
    /// The code of the link that `--dev` prints.
    pub(crate) code: Arc<SignInCode>,
    /// Which proxies are trusted.
    pub(crate) own_address: OwnAddress,
    /// Under which names the console may be asked.
    pub(crate) web: WebRules,
    /// Secrets may come by plain HTTP from anywhere: `--dev-listen-anywhere`.
    pub(crate) is_open: bool,
    /// The region of the services.
    pub(crate) region: Region,
    /// By which sessions end.
    pub(crate) clock: ServiceClock,
    /// For bodies of senders that have not proven who they are.
    pub(crate) unproven: Arc<UnprovenBytes>,
    /// Why a path is for no page: it is a control call of the emulator.
    pub(crate) why_not_here: fn(&str) -> Option<&'static str>,
}

/// Serves the console before `services` until `shutdown`; returns when the last request is answered.
pub(crate) async fn serve(
    listener: Listener,
    parts: ConsoleParts,
    services: Arc<impl Answer>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    listener.serve(Arc::new(Console::new(parts, services)), shutdown).await
}

/// A layer before what answers the APIs. It replaces their signature by the cookie of a session, and nothing else.
pub(super) struct Console<A> {
    parts: ConsoleParts,
    assets: Assets,
    attempts: Attempts,
    services: Arc<A>,
}

/// What a request comes to, before its body is looked at.
enum Step {
    /// It is answered.
    Answered(Response<Body>),
    /// It signs in.
    SignIn(Channel),
    /// It signs out, of this session if it has one.
    SignOut(Channel, Option<WebSession>),
    /// It is an operation of a service.
    HandOn(SignedIn, Target),
}

impl<A: Answer> Console<A> {
    pub(super) fn new(parts: ConsoleParts, services: Arc<A>) -> Self {
        Self { parts, assets: Assets::embedded(), attempts: Attempts::default(), services }
    }

    fn step(&self, head: &Parts, peer: Peer) -> Step {
        if let Err(refusal) = self.parts.web.check_host(head) {
            return Step::Answered(message(403, &refusal.to_string()));
        }
        let Some(rest) = head.uri.path().strip_prefix(ROOT) else {
            return Step::Answered(self.assets.answer(head));
        };
        let channel = Channel::of(&self.parts.own_address, &head.headers, peer, self.parts.is_open);
        // Before the origin, which an unknown proxy with TLS makes look foreign: this says what to do.
        if let ("sign-in", Channel::Exposed(exposure)) = (rest, channel) {
            self.parts.users.count(SignInOutcome::Exposed);
            return Step::Answered(message(403, exposure.advice()));
        }
        if let Err(refusal) = origin::check(head, channel) {
            return Step::Answered(message(403, &refusal.to_string()));
        }
        match (rest, &head.method) {
            ("sign-in", &Method::POST) => Step::SignIn(channel),
            ("sign-out", &Method::POST) => {
                let current = self.session(head, peer, channel);
                Step::SignOut(channel, current.map(|current| current.session))
            }
            ("session", &Method::GET) => Step::Answered(self.described(head, peer, channel)),
            ("sign-in" | "sign-out", _) => Step::Answered(wrong_method("POST")),
            ("session", _) => Step::Answered(wrong_method("GET")),
            _ => self.operation(head, peer, channel),
        }
    }

    fn operation(&self, head: &Parts, peer: Peer, channel: Channel) -> Step {
        // Only who is signed in learns what there is.
        let Some(current) = self.session(head, peer, channel) else {
            return Step::Answered(not_signed_in(channel));
        };
        let ConsoleParts { clock, region, why_not_here, .. } = &self.parts;
        match Target::of(&head.uri) {
            Some(target) if why_not_here(target.uri.path()).is_none() => {
                let signed_in = SignedIn::new(&current, clock, region, target.service.clone());
                Step::HandOn(signed_in, target)
            }
            _ => Step::Answered(message(404, "There is nothing here: operations are at /api/SERVICE/PATH.")),
        }
    }

    fn session(&self, head: &Parts, peer: Peer, channel: Channel) -> Option<Current> {
        let token = SessionCookie::of(channel)?.value(&head.headers)?;
        let source = self.parts.own_address.source(&head.headers, peer);
        self.parts.users.session(&self.parts.clock, token, source)
    }

    fn described(&self, head: &Parts, peer: Peer, channel: Channel) -> Response<Body> {
        let Some(Current { session, .. }) = self.session(head, peer, channel) else {
            return not_signed_in(channel);
        };
        let principal = &session.principal;
        let body = json!({
            "user": principal.user_name().unwrap_or(&principal.arn),
            "account": principal.account.as_str(),
            "region": self.parts.region.as_str(),
            "expires": session.expires.rfc3339_ms(),
        });
        respond::json(200, body.to_string().into_bytes())
    }

    /// Ends the session of a request, and takes its cookie back. Where the session cannot be ended for good, its cookie is gone all the same.
    async fn sign_out(&self, channel: Channel, session: Option<WebSession>) -> Response<Body> {
        if let Some(session) = session {
            let ConsoleParts { users, clock, .. } = &self.parts;
            let (users, clock) = (users.clone(), clock.clone());
            let ended = tokio::task::spawn_blocking(move || users.end(&clock, &session)).await;
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a session was not ended for good when its user signed out")
                }
                Err(error) => tracing::error!(%error, "signing out failed"),
            }
        }
        signed_out(channel)
    }

    async fn sign_in(&self, head: &Parts, body: RequestBody, peer: Peer, channel: Channel) -> Response<Body> {
        let (response, outcome) = self.try_sign_in(head, body, peer, channel).await;
        self.parts.users.count(outcome);
        response
    }

    async fn try_sign_in(
        &self,
        head: &Parts,
        body: RequestBody,
        peer: Peer,
        channel: Channel,
    ) -> (Response<Body>, SignInOutcome) {
        let failed = |response| (response, SignInOutcome::Failed);
        let source = self.parts.own_address.source(&head.headers, peer);
        let exposure = head.extensions.get::<Slot>().map(Slot::expose);
        let read = timeout(BODY_TIMEOUT, self.parts.unproven.read(Some(source), body, BODY_BYTES)).await;
        drop(exposure);
        let body: Bytes = match read {
            Ok(Ok(body)) => body,
            Ok(Err(Unread::TooLarge)) => {
                return failed(message(
                    413,
                    &format!("The body is too long: at most {BODY_BYTES} bytes are taken."),
                ));
            }
            Ok(Err(Unread::Broken(error))) => {
                return failed(message(400, &format!("The body could not be read ({error}).")));
            }
            Ok(Err(Unread::Displaced)) => {
                return failed(later(503, 1, "Too much arrives at once; try again."));
            }
            Err(_) => return failed(message(408, "The body did not arrive.")),
        };
        let sign_in = match SignIn::parse(&body) {
            Ok(sign_in) => sign_in,
            Err(refusal) => return failed(message(400, &refusal.to_string())),
        };
        let (now, users) = (Instant::now(), &self.parts.users);
        if let Err(TooMany { wait }) = self.attempts.begin(now, source) {
            let seconds = wait.as_secs() + 1;
            let response =
                later(429, seconds, &format!("Too many wrong attempts; try again in {seconds} s."));
            return (response, SignInOutcome::TooMany);
        }
        let (proven, wrong) = match sign_in {
            SignIn::Key { access_key_id, secret } => {
                (users.prove(&access_key_id, secret.expose()), "The access key id or its secret is wrong.")
            }
            SignIn::Code(code) => (
                self.parts.code.redeem(now, code.expose()),
                "The code of the link is wrong, was used, or is older than 10 minutes. Sign in with an access key, or start the \
                 server again for another link.",
            ),
        };
        let request_id = uuid::Uuid::new_v4().to_string();
        let (response, outcome) = match proven {
            Some(access_key_id) => {
                self.attempts.right(source);
                match users.begin(&self.parts.clock, &access_key_id, source) {
                    Some(token) => {
                        users.record_sign_in(&token, source, &request_id);
                        (signed_in(channel, &token), SignInOutcome::Accepted)
                    }
                    None => failed(message(503, "No session can be begun now; try again.")),
                }
            }
            None => {
                users.record_wrong(source, &request_id);
                (message(401, wrong), SignInOutcome::Wrong)
            }
        };
        (respond::identify(response, &request_id), outcome)
    }
}

impl<A: Answer> Answer for Console<A> {
    const TEARS: bool = A::TEARS;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let Some(peer) = head.extensions.get::<Peer>().copied() else {
            return protect(message(500, "The request came by no connection."));
        };
        protect(match self.step(&head, peer) {
            Step::Answered(response) => {
                // The body is taken all the same, so that its sender can read the answer.
                drop(RequestBody::new(body, &head.headers));
                response
            }
            Step::SignIn(channel) => {
                let body = RequestBody::new(body, &head.headers);
                self.sign_in(&head, body, peer, channel).await
            }
            Step::SignOut(channel, session) => {
                drop(RequestBody::new(body, &head.headers));
                self.sign_out(channel, session).await
            }
            Step::HandOn(signed_in, target) => {
                head.uri = target.uri;
                head.extensions.insert(signed_in);
                self.services.clone().answer(Request::from_parts(head, body)).await
            }
        })
    }
}

/// An answer for pages and people.
fn message(status: u16, text: &str) -> Response<Body> {
    respond::json(status, json!({ "message": text }).to_string().into_bytes())
}

fn later(status: u16, seconds: u64, text: &str) -> Response<Body> {
    let mut response = message(status, text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn wrong_method(method: &'static str) -> Response<Body> {
    let mut response = message(405, &format!("This takes {method}."));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    response
}

/// An answer without a body that sets or ends the cookie.
fn cookie(header: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(header) = header {
        response.headers_mut().insert(SET_COOKIE, header);
    }
    response
}

fn signed_in(channel: Channel, token: &WebToken) -> Response<Body> {
    cookie(SessionCookie::of(channel).and_then(|cookie| cookie.set(token.token.expose(), LIFETIME_S)))
}

fn signed_out(channel: Channel) -> Response<Body> {
    cookie(SessionCookie::of(channel).and_then(SessionCookie::end))
}

/// A cookie that is good no longer is taken back.
fn not_signed_in(channel: Channel) -> Response<Body> {
    let mut response = message(401, "You are not signed in, or your session is over.");
    if let Some(end) = SessionCookie::of(channel).and_then(SessionCookie::end) {
        response.headers_mut().insert(SET_COOKIE, end);
    }
    response
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
