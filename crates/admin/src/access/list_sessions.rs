use super::sessions::Listed;
use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe, nullable};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Asks, Operation, Output, Resource, Target};

/// Lists the sessions of the web console.
pub(crate) struct ListSessions;

#[derive(Deserialize)]
pub(crate) struct Input {
    own: Option<bool>,
}

/// Whose sessions are asked for: one's own need no permission.
pub(crate) struct Whose {
    is_own: bool,
}

impl Target for Whose {
    fn asks(&self, asks: &mut Asks) {
        match self.is_own {
            true => asks.noted(Resource::any()),
            false => asks.on(Resource::any()),
        }
    }
}

const SESSION: &[Field] = &[
    always("SessionId", Kind::Text, "its id: access_key_id in its audit lines"),
    nullable("User", Kind::Text, "the name of its user"),
    always("UserARN", Kind::Text, "the same as policies and the audit file have it"),
    nullable("AccessKeyId", Kind::Text, "the access key that it was begun with"),
    always("Began", Kind::Time, "when its user signed in"),
    always("Expires", Kind::Time, "when it is over"),
    always("LastUsed", Kind::Time, "its newest request; an open page asks every 30 s"),
    always("SourceAddress", Kind::Text, "where that came from"),
    always("Current", Kind::Boolean, "whether this request is of the session itself"),
];

impl Documented for ListSessions {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists the sessions of the web console that were used since the server's start and are not over, the one used last first: at most 1000.",
        query: &[maybe(
            "own",
            Kind::Boolean,
            "only those of the requester's user, which needs no permission; false unless given",
        )],
        body: &[],
        answer: &[
            always("Sessions", Kind::List(&Kind::Object(SESSION)), "the sessions"),
            always(
                "Displaced",
                Kind::Integer,
                "sessions since the start that gave their place in the list to others; each is listed again with its next request",
            ),
        ],
        errors: &[],
    };
}

impl Operation for ListSessions {
    type Service = AdminService;
    type Input = Input;
    type Target = Whose;
    const NAME: &'static str = "ListSessions";
    const QUERY: &'static [&'static str] = &["own"];

    async fn resolve(_: &Context<'_>, input: &Input) -> Result<Whose, AdminError> {
        Ok(Whose { is_own: input.own.unwrap_or(false) })
    }

    async fn call(cx: &Context<'_>, _: Input, target: Whose) -> Result<Output, AdminError> {
        let sessions = &cx.service.parts().access.sessions;
        let (listed, displaced) = sessions.list(&cx.caller.account, cx.now);
        let wanted = listed.iter().filter(|one| !target.is_own || is_of_requester(cx, one));
        let shown: Vec<Value> = wanted.map(|one| to_json(cx, one)).collect();
        Ok(Output::json(&json!({ "Sessions": shown, "Displaced": displaced })))
    }
}

/// Whether a session is one of the user who asks.
pub(super) fn is_of_requester(cx: &Context<'_>, session: &Listed) -> bool {
    cx.principal.is_some_and(|principal| principal.arn == session.user_arn)
}

fn to_json(cx: &Context<'_>, session: &Listed) -> Value {
    json!({
        "SessionId": session.id,
        "User": session.user,
        "UserARN": session.user_arn,
        "AccessKeyId": session.access_key_id,
        "Began": session.began.rfc3339_ms(),
        "Expires": session.expires.rfc3339_ms(),
        "LastUsed": session.last_used.rfc3339_ms(),
        "SourceAddress": session.source.to_string(),
        "Current": session.id == cx.caller.access_key_id,
    })
}
