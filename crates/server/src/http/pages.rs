//! Web pages: what [`cors`] says of their requests, around everything that answers.

use super::body::{Body, Incoming};
use super::listener::Answer;
use super::respond;
use hyper::{Request, Response};
use serde_json::json;
use std::sync::Arc;
use tympan_aws::cors::{self, Refusal, WebRules};

fn refuse(refusal: &Refusal) -> Response<Body> {
    tracing::debug!(%refusal, "a request of a web page is refused");
    let body = json!({ "Message": refusal.to_string() }).to_string().into_bytes();
    respond::error(403, "AccessDeniedException", body)
}

/// A layer around everything that answers.
pub(super) struct Pages<A> {
    rules: WebRules,
    inner: Arc<A>,
}

impl<A: Answer> Pages<A> {
    pub(super) fn around(inner: Arc<A>, rules: WebRules) -> Arc<Self> {
        Arc::new(Self { rules, inner })
    }
}

impl<A: Answer> Answer for Pages<A> {
    const TEARS: bool = A::TEARS;

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let origin = match self.rules.check(&head) {
            Ok(origin) => origin.filter(|_| self.inner.is_for_pages(head.uri.path())),
            Err(refusal) => return refuse(&refusal),
        };
        let Some(origin) = origin else {
            return self.inner.clone().answer(Request::from_parts(head, body)).await;
        };
        let mut response = match cors::preflight(&head) {
            Some(headers) => {
                let mut response = respond::text(200, "");
                response.headers_mut().extend(headers);
                response
            }
            None => self.inner.clone().answer(Request::from_parts(head, body)).await,
        };
        cors::readable_by(origin, response.headers_mut());
        response
    }
}
