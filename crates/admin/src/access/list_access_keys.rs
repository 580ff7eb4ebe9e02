use crate::documentation::{Documentation, Documented, Field, Kind, always, nullable};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_auth::AccessKey;
use tympan_aws::{Operation, Output};
use tympan_types::WallTime;

/// The access keys with what they were used for.
pub(crate) struct ListAccessKeys;

#[derive(Deserialize)]
pub(crate) struct Input {}

const KEY: &[Field] = &[
    always("AccessKeyId", Kind::Text, "its id"),
    always("User", Kind::Text, "the name of its user"),
    always("UserARN", Kind::Text, "the same as policies and the audit file have it"),
    always("Account", Kind::Text, "the account"),
    always("Policies", Kind::List(&Kind::Text), "names of its policies; without one the key may do nothing"),
    nullable(
        "LastUsed",
        Kind::Time,
        "when a request came last that was signed with the key or a session of it; null where none came since the start",
    ),
    always("Requests", Kind::Integer, "such requests since the start"),
    always("Refusals", Kind::Integer, "those of them that were denied"),
];

impl Documented for ListAccessKeys {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists the access keys of the configuration with their users, their policies and their use since the server's start. Secrets are never in the answer.",
        query: &[],
        body: &[],
        answer: &[
            always("Since", Kind::Time, "when counting began"),
            always("AccessKeys", Kind::List(&Kind::Object(KEY)), "the keys by id"),
        ],
        errors: &[],
    };
}

impl Operation for ListAccessKeys {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListAccessKeys";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let parts = cx.service.parts();
        let keys = parts.access.identities.keys();
        let own = keys.into_iter().filter(|(key, _)| key.account == cx.caller.account);
        let keys: Vec<Value> = own.map(|(key, policies)| to_json(cx, key, policies)).collect();
        Ok(Output::json(&json!({ "Since": parts.started.rfc3339_ms(), "AccessKeys": keys })))
    }
}

fn to_json(cx: &Context<'_>, key: &AccessKey, policies: &[String]) -> Value {
    let uses = cx.service.parts().access.key_uses.of(key.id());
    json!({
        "AccessKeyId": key.id(),
        "User": key.principal.user_name(),
        "UserARN": key.principal.arn,
        "Account": key.account,
        "Policies": policies,
        "LastUsed": uses.last_used.map(WallTime::rfc3339_ms),
        "Requests": uses.requests,
        "Refusals": uses.refusals,
    })
}
