//! DisassociatePhoneNumberContactFlow: DELETE /phone-number/{PhoneNumberId}/contact-flow.

use super::Answer;
use super::invocation::Invocation;
use crate::error::ConnectError;

/// Takes the flow from a number: calls to it are refused from now on.
///
/// Errors: InvalidParameter (no instance given, or a number of another one), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let instance = i.query("instanceId").ok_or_else(|| ConnectError::parameter("instanceId is required"))?;
    i.service.change(|edit| {
        let mut number = i.phone_number_in(&edit.directory)?.as_ref().clone();
        if number.instance != i.instance_in(&edit.directory, instance)?.id {
            return Err(ConnectError::parameter("the phone number is claimed to another instance"));
        }
        number.flow = None;
        edit.put_phone_number(number)?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
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
