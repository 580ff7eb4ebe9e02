//! DisassociatePhoneNumberContactFlow: DELETE /phone-number/{PhoneNumberId}/contact-flow.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, NumbersFlow};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: String,
    #[serde(rename = "instanceId", default)]
    instances: Vec<String>,
}

/// Takes the flow from a number: calls to it are refused from now on.
///
/// Errors: InvalidParameter (no instance given, or a number of another one), ResourceNotFound.
pub(crate) struct DisassociatePhoneNumberContactFlow;

impl Operation for DisassociatePhoneNumberContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = NumbersFlow;
    const NAME: &'static str = "DisassociatePhoneNumberContactFlow";
    const QUERY: &'static [&'static str] = &["instanceId"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NumbersFlow, ConnectError> {
        let instances = input.instances.iter().map(String::as_str);
        Ok(NumbersFlow::of(cx, &input.phone_number_id, instances, None))
    }

    async fn call(cx: &Context<'_>, _: Input, target: NumbersFlow) -> Result<Output, ConnectError> {
        let instance = target.instance.ok_or_else(|| ConnectError::parameter("instanceId is required"))?;
        let number = target.number?;
        if number.instance != instance?.id {
            return Err(ConnectError::parameter("the phone number is claimed to another instance"));
        }
        cx.service.change(|edit| {
            let mut number = edit.phone_number(&number)?;
            number.flow = None;
            edit.put_phone_number(number)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn calls_to_the_number_are_refused_again() {
        let bench = Bench::new();
        let (instance, other) = (bench.instance("demo"), bench.instance("other"));
        let (flow, number) = (bench.flow(&instance, "a"), bench.number(&instance, "+18005550100"));
        let target = format!("/phone-number/{number}/contact-flow");
        bench.call("PUT", &target, json!({ "InstanceId": instance, "ContactFlowId": flow })).unwrap();
        let refusal = |target: String| bench.refusal("DELETE", &target, Value::Null);
        assert_eq!(refusal(target.clone()), ErrorCode::InvalidParameter);
        assert_eq!(refusal(format!("{target}?instanceId={other}")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(format!("{target}?instanceId={ABSENT}")), ErrorCode::ResourceNotFound);
        let done = bench.call("DELETE", &format!("{target}?instanceId={instance}"), Value::Null).unwrap();
        assert_eq!(done, Value::Null);
        assert!(bench.reopened().service.route_number("+18005550100").is_none());
    }
}
