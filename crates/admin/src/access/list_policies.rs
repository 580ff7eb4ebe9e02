use crate::documentation::{Documentation, Documented, Field, Kind, always};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_auth::{Policy, Role};
use tympan_aws::{Operation, Output};

/// The policies with their documents, and the roles.
pub(crate) struct ListPolicies;

#[derive(Deserialize)]
pub(crate) struct Input {}

const POLICY: &[Field] = &[
    always("Name", Kind::Text, "what keys and roles call it"),
    always("IsBuiltIn", Kind::Boolean, "whether the program brings it"),
    always("From", Kind::Text, "built in, the file of the document, or where it stands in the configuration"),
    always("Document", Kind::Opaque, "the policy, as it was read at the start"),
];
const ROLE: &[Field] = &[
    always("Name", Kind::Text, "its name"),
    always("ARN", Kind::Text, "its ARN"),
    always("Policies", Kind::List(&Kind::Text), "names of its policies"),
    always("AssumedBy", Kind::List(&Kind::Text), "ids of the access keys that may assume it"),
    always("SessionMaxSeconds", Kind::Integer, "its sessions last no longer"),
];

impl Documented for ListPolicies {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Lists the policies, those that are built in included, with their documents, and the roles.",
        query: &[],
        body: &[],
        answer: &[
            always("Policies", Kind::List(&Kind::Object(POLICY)), "the policies by name"),
            always("Roles", Kind::List(&Kind::Object(ROLE)), "the roles by name"),
        ],
        errors: &[],
    };
}

impl Operation for ListPolicies {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ListPolicies";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let access = &cx.service.parts().access;
        let policies = access.identities.policies();
        let policies = policies.into_iter().map(|(name, policy)| to_json(cx, name, policy));
        let roles = access.identities.roles();
        let roles: Vec<Value> = roles.into_iter().map(|role| role_to_json(cx, role)).collect();
        Ok(Output::json(&json!({ "Policies": policies.collect::<Vec<_>>(), "Roles": roles })))
    }
}

fn to_json(cx: &Context<'_>, name: &str, policy: &Policy) -> Value {
    let place = cx.service.parts().access.configuration.policy_place(name);
    json!({
        "Name": name,
        "IsBuiltIn": place.is_none(),
        "From": place.as_deref().unwrap_or("built in"),
        "Document": document(policy),
    })
}

/// The document of a policy.
pub(super) fn document(policy: &Policy) -> Value {
    // It is JSON: it was read as such.
    serde_json::from_str(policy.text()).unwrap_or_default()
}

fn role_to_json(cx: &Context<'_>, role: &Role) -> Value {
    json!({
        "Name": role.name,
        "ARN": role.arn(cx.service.parts().access.identities.account()),
        "Policies": role.policies,
        "AssumedBy": role.assumed_by,
        "SessionMaxSeconds": role.session_max_s,
    })
}
