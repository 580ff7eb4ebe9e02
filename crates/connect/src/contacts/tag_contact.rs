//! TagContact: POST /contact/tags.

use super::change::change;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_flow::ContactChange;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: Option<String>,
    instance_id: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags to a contact, live or ended.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound, Throttling.
pub(crate) struct TagContact;

impl Operation for TagContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "TagContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let (instance, contact) = (input.instance_id.as_deref(), input.contact_id.as_deref());
        ContactTarget::of(cx, instance.unwrap_or_default(), contact.unwrap_or_default(), None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.contact_id, "ContactId")?;
        required(cx, input.instance_id, "InstanceId")?;
        let tags = required(cx, input.tags, "Tags")?;
        let fits = |(key, value): (&String, &String)| {
            (1..=128).contains(&key.chars().count())
                && value.chars().count() <= 256
                && !key.to_ascii_lowercase().starts_with("aws:")
        };
        if tags.is_empty() || !tags.iter().all(fits) {
            return Err(ConnectError::parameter(
                "a tag has a key of 1 to 128 characters that does not begin with aws:, and a value of at most 256",
            ));
        }
        let (_, contact) = target.known()?;
        change(cx, &contact, &ContactChange::Tag(tags))?;
        Ok(Output::empty_object())
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, ended_contact, live_contact};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn tags_of_live_and_ended_contacts_come_and_go() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        for contact in [live_contact(&bench, &instance), ended_contact(&bench, &instance)] {
            let id = contact.id.to_string();
            let tags = |tags: Value| {
                bench.call(
                    "POST",
                    "/contact/tags",
                    json!({ "InstanceId": instance, "ContactId": id, "Tags": tags }),
                )
            };
            assert_eq!(tags(json!({ "team": "blue", "case": "7" })).unwrap(), json!({}));
            let shown = || {
                let shown = bench.call("GET", &format!("/contacts/{instance}/{id}"), Value::Null).unwrap();
                shown["Contact"]["Tags"].clone()
            };
            assert_eq!(shown()["team"], "blue");
            let untag = format!("/contact/tags/{instance}/{id}?TagKeys=team&TagKeys=none");
            assert_eq!(bench.call("DELETE", &untag, Value::Null).unwrap(), json!({}));
            assert_eq!((shown().get("team"), &shown()["case"]), (None, &json!("7")));
            for bad in
                [json!({}), json!({ "aws:x": "y" }), json!({ "": "y" }), json!({ "k": "x".repeat(257) })]
            {
                assert_eq!(tags(bad).unwrap_err().code(), ErrorCode::InvalidParameter);
            }
        }
        let body = json!({ "InstanceId": instance, "ContactId": ABSENT, "Tags": { "k": "v" } });
        assert_eq!(bench.refusal("POST", "/contact/tags", body), ErrorCode::ResourceNotFound);
        let untag = format!("/contact/tags/{instance}/{ABSENT}?TagKeys=team");
        assert_eq!(bench.refusal("DELETE", &untag, Value::Null), ErrorCode::ResourceNotFound);
    }
}
