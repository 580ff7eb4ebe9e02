//! ClaimPhoneNumber: POST /phone-number/claim.

use super::{DialledNumber, PhoneNumber};
use crate::error::{ConnectError, ErrorCode};
use crate::service::{ConnectService, Limits};
use crate::tags;
use crate::target::{Context, NamedInstance, required};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_aws::{Operation, Output};
use tympan_types::PhoneNumberId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    target_arn: Option<String>,
    instance_id: Option<String>,
    phone_number: Option<String>,
    phone_number_description: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    client_token: Option<String>,
}

/// Claims any E.164 number for an instance, whether or not the search offered it: the operator owns it.
///
/// Errors: InvalidParameter (a member, a number that is claimed already, too many numbers), Idempotency (a
/// client token used for another number), ResourceNotFound.
pub(crate) struct ClaimPhoneNumber;

impl Operation for ClaimPhoneNumber {
    type Service = ConnectService;
    type Input = Input;
    type Target = NamedInstance;
    const NAME: &'static str = "ClaimPhoneNumber";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NamedInstance, ConnectError> {
        Ok(NamedInstance::of(cx, input.target_arn.as_deref(), input.instance_id.as_deref()))
    }

    async fn call(cx: &Context<'_>, input: Input, target: NamedInstance) -> Result<Output, ConnectError> {
        let number = required(cx, input.phone_number, "PhoneNumber")?;
        let number =
            DialledNumber::e164(&number).map_err(|error| ConnectError::parameter(error.to_string()))?;
        let tags = tags::check(input.tags)?;
        if input.phone_number_description.as_ref().is_some_and(|text| text.chars().count() > 500) {
            return Err(ConnectError::parameter("PhoneNumberDescription has at most 500 characters"));
        }
        let instance =
            target.instance?.ok_or_else(|| ConnectError::parameter("InstanceId or TargetArn is required"))?;
        let (id, arn) = cx.service.change(|edit| {
            let instance = edit.instance(&instance)?;
            let same_request = |known: &&Arc<PhoneNumber>| {
                input.client_token.is_some()
                    && known.client_token == input.client_token
                    && known.instance == instance.id
            };
            if let Some(same) = edit.directory.phone_numbers().find(same_request) {
                return if same.number == number {
                    Ok((same.id, instance.phone_number_arn(same.id)))
                } else {
                    Err(ConnectError::new(
                        ErrorCode::Idempotency,
                        "ClientToken was used before to claim another number",
                    ))
                };
            }
            if edit.directory.dialled(&number).is_some() {
                return Err(ConnectError::parameter("PhoneNumber is claimed already; release it first"));
            }
            let limit = cx.service.options().limits.phone_numbers;
            let count = edit.directory.phone_number_count();
            // The model of this operation has no error for a quota.
            Limits::check(count, limit, ErrorCode::InvalidParameter, "phone numbers")?;
            let claimed = PhoneNumber {
                id: PhoneNumberId::from_random(cx.service.random()),
                number,
                instance: instance.id,
                account: instance.account.clone(),
                region: instance.region.clone(),
                flow: None,
                description: input.phone_number_description,
                tags,
                claimed: cx.now,
                client_token: input.client_token,
            };
            let answer = (claimed.id, instance.phone_number_arn(claimed.id));
            edit.put_phone_number(claimed)?;
            Ok(answer)
        })?;
        Ok(Output::json(&json!({ "PhoneNumberId": id, "PhoneNumberArn": arn })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
    use serde_json::Value;

    fn claim(bench: &Bench, body: Value) -> Result<Value, ConnectError> {
        bench.call("POST", "/phone-number/claim", body)
    }

    #[test]
    fn claims_by_instance_id_or_target_arn() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let answer =
            claim(&bench, json!({ "InstanceId": instance, "PhoneNumber": "+442079460000" })).unwrap();
        let id = answer["PhoneNumberId"].as_str().unwrap();
        assert_eq!(
            answer["PhoneNumberArn"],
            format!("arn:aws:connect:us-west-2:111122223333:phone-number/{id}")
        );
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}");
        claim(&bench, json!({ "TargetArn": arn, "PhoneNumber": "+442079460001" })).unwrap();
    }

    #[test]
    fn a_repeated_client_token_repeats_the_answer() {
        let bench = Bench::new();
        let mut body =
            json!({ "InstanceId": bench.instance("demo"), "PhoneNumber": "+12", "ClientToken": "t" });
        let first = claim(&bench, body.clone()).unwrap();
        assert_eq!(claim(&bench.reopened(), body.clone()).unwrap(), first);
        body["PhoneNumber"] = "+13".into();
        assert_eq!(claim(&bench, body).unwrap_err().code(), ErrorCode::Idempotency);
    }

    #[test]
    fn refuses_bad_numbers_claimed_ones_and_too_many() {
        let bench = Bench::with(|options| options.limits.phone_numbers = 1);
        let instance = bench.instance("demo");
        let refusal = |number: &str| {
            claim(&bench, json!({ "InstanceId": instance, "PhoneNumber": number })).unwrap_err().code()
        };
        assert_eq!(refusal("support"), ErrorCode::InvalidParameter);
        assert_eq!(refusal("8005550100"), ErrorCode::InvalidParameter);
        bench.number(&instance, "+18005550100");
        assert_eq!(refusal("+18005550100"), ErrorCode::InvalidParameter);
        assert_eq!(refusal("+18005550101"), ErrorCode::InvalidParameter);
        let code = |body: Value| claim(&bench, body).unwrap_err().code();
        assert_eq!(code(json!({ "PhoneNumber": "+12" })), ErrorCode::InvalidParameter);
        assert_eq!(code(json!({ "InstanceId": ABSENT, "PhoneNumber": "+12" })), ErrorCode::ResourceNotFound);
        assert_eq!(code(json!({})), ErrorCode::InvalidParameter);
    }
}
