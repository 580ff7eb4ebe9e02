use super::list_sessions::is_of_requester;
use super::sessions::{Listed, NotEnded};
use crate::documentation::{Documentation, Documented};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Asks, Operation, Output, Resource, Target};

/// Ends a session of the web console.
pub(crate) struct EndSession;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    session_id: String,
}

/// The session, if it is listed.
pub(crate) struct SessionTarget {
    resource: Resource,
    found: Option<Listed>,
    is_own: bool,
}

impl Target for SessionTarget {
    /// A user may always end a session of their own.
    fn asks(&self, asks: &mut Asks) {
        match self.is_own {
            true => asks.noted(self.resource.clone()),
            false => asks.on(self.resource.clone()),
        }
    }
}

impl Documented for EndSession {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Ends a session of the web console for good: its cookie is refused from then on, also after a restart, and its WebSockets are closed with 4001. A user may end sessions of their own without a permission.",
        query: &[],
        body: &[],
        answer: &[],
        errors: &[ErrorCode::NotFound, ErrorCode::LimitExceeded],
    };
}

impl Operation for EndSession {
    type Service = AdminService;
    type Input = Input;
    type Target = SessionTarget;
    const NAME: &'static str = "EndSession";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<SessionTarget, AdminError> {
        let id = &input.session_id;
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            return Ok(SessionTarget { resource: Resource::any(), found: None, is_own: false });
        }
        let (region, account) = (&cx.caller.region, &cx.caller.account);
        let resource = Resource::new(format!("arn:aws:tympan:{region}:{account}:session/{id}"));
        let found = cx.service.parts().access.sessions.find(id, account, cx.now);
        let is_own = found.as_ref().is_some_and(|session| is_of_requester(cx, session));
        Ok(SessionTarget { resource, found, is_own })
    }

    async fn call(cx: &Context<'_>, _: Input, target: SessionTarget) -> Result<Output, AdminError> {
        let Some(session) = target.found else {
            let message = "There is no such session: it is over, or was not used since the server's start.";
            return Err(AdminError::new(ErrorCode::NotFound, message));
        };
        match cx.service.parts().access.sessions.end(&session.id, session.expires, cx.now) {
            Ok(()) => Ok(Output::json(&json!({}))),
            Err(refusal @ NotEnded::TooMany) => {
                Err(AdminError::new(ErrorCode::LimitExceeded, refusal.to_string()))
            }
            Err(refusal @ NotEnded::NotKept(_)) => Err(AdminError::internal(refusal)),
        }
    }
}
