//! ReleasePhoneNumber: DELETE /phone-number/{PhoneNumberId}.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, NumberTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: String,
}

/// Releases a number, with its flow or without. There is no cool-down: it can be claimed again at once.
///
/// Errors: ResourceNotFound.
pub(crate) struct ReleasePhoneNumber;

impl Operation for ReleasePhoneNumber {
    type Service = ConnectService;
    type Input = Input;
    type Target = NumberTarget;
    const NAME: &'static str = "ReleasePhoneNumber";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NumberTarget, ConnectError> {
        Ok(NumberTarget::of(cx, &input.phone_number_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: NumberTarget) -> Result<Output, ConnectError> {
        let number = target.number?;
        cx.service.change(|edit| {
            let number = edit.phone_number(&number)?;
            edit.remove_phone_number(number.id);
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn a_released_number_can_be_claimed_again() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let target = format!("/phone-number/{}", bench.number(&instance, "+18005550100"));
        assert_eq!(bench.call("DELETE", &target, Value::Null).unwrap(), Value::Null);
        assert_eq!(bench.reopened().refusal("DELETE", &target, Value::Null), ErrorCode::ResourceNotFound);
        bench.number(&instance, "+18005550100");
    }
}
