//! ClaimPhoneNumber: POST /phone-number/claim.

use super::invocation::Invocation;
use super::{Answer, tags};
use crate::error::{ConnectError, ErrorCode};
use crate::phone_number::{DialledNumber, PhoneNumber};
use crate::service::Limits;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_types::PhoneNumberId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    target_arn: Option<String>,
    instance_id: Option<String>,
    phone_number: String,
    phone_number_description: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    client_token: Option<String>,
}

/// Claims any E.164 number for an instance, whether or not the search offered it: the operator owns it.
///
/// Errors: InvalidParameter (a member, a number that is claimed already, too many numbers), Idempotency (a
/// client token used for another number), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    let number = DialledNumber::e164(&input.phone_number)
        .map_err(|error| ConnectError::parameter(error.to_string()))?;
    let tags = tags::check(input.tags)?;
    if input.phone_number_description.as_ref().is_some_and(|text| text.chars().count() > 500) {
        return Err(ConnectError::parameter("PhoneNumberDescription has at most 500 characters"));
    }
    let (id, arn) = i.service.change(|edit| {
        let target = i.target(&edit.directory, input.target_arn.as_deref(), input.instance_id.as_deref())?;
        let instance =
            target.ok_or_else(|| ConnectError::parameter("InstanceId or TargetArn is required"))?;
        let same_request = |known: &&std::sync::Arc<PhoneNumber>| {
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
        let limit = i.service.options().limits.phone_numbers;
        // The model of this operation has no error for a quota.
        Limits::check(
            edit.directory.phone_number_count(),
            limit,
            ErrorCode::InvalidParameter,
            "phone numbers",
        )?;
        let claimed = PhoneNumber {
            id: PhoneNumberId::from_random(i.service.random()),
            number,
            instance: instance.id,
            account: instance.account.clone(),
            region: instance.region.clone(),
            flow: None,
            description: input.phone_number_description,
            tags,
            claimed: i.now,
            client_token: input.client_token,
        };
        let answer = (claimed.id, instance.phone_number_arn(claimed.id));
        edit.put_phone_number(claimed)?;
        Ok(answer)
    })?;
    Ok(Some(json!({ "PhoneNumberId": id, "PhoneNumberArn": arn })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
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
