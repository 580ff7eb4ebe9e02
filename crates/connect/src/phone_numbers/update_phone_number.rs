//! UpdatePhoneNumber: PUT /phone-number/{PhoneNumberId}.

use super::PhoneNumber;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, NumberAndInstance};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: String,
    target_arn: Option<String>,
    instance_id: Option<String>,
}

/// Claims a number to another instance; no flow answers it there until one is associated.
///
/// Errors: InvalidParameter, ResourceNotFound.
pub(crate) struct UpdatePhoneNumber;

impl Operation for UpdatePhoneNumber {
    type Service = ConnectService;
    type Input = Input;
    type Target = NumberAndInstance;
    const NAME: &'static str = "UpdatePhoneNumber";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NumberAndInstance, ConnectError> {
        let (target_arn, instance_id) = (input.target_arn.as_deref(), input.instance_id.as_deref());
        Ok(NumberAndInstance::of(cx, &input.phone_number_id, target_arn, instance_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: NumberAndInstance) -> Result<Output, ConnectError> {
        let instance = target.instance?;
        let instance =
            instance.ok_or_else(|| ConnectError::parameter("InstanceId or TargetArn is required"))?;
        let number = target.number?;
        cx.service.change(|edit| {
            let (number, instance) = (edit.phone_number(&number)?, edit.instance(&instance)?);
            let answer =
                json!({ "PhoneNumberId": number.id, "PhoneNumberArn": instance.phone_number_arn(number.id) });
            if number.instance != instance.id {
                edit.put_phone_number(PhoneNumber { instance: instance.id, flow: None, ..number })?;
            }
            Ok(Output::json(&answer))
        })
    }
}
