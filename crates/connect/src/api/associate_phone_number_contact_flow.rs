//! AssociatePhoneNumberContactFlow: PUT /phone-number/{PhoneNumberId}/contact-flow.

use super::Answer;
use super::invocation::Invocation;
use crate::error::ConnectError;
use crate::flows::{ContactFlow, FlowType};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    instance_id: String,
    contact_flow_id: String,
}

/// Lets a flow answer a number, from the next call on.
///
/// Errors: InvalidParameter (a number of another instance, a flow that cannot answer), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    i.service.change(|edit| {
        let mut number = i.phone_number_in(&edit.directory)?.as_ref().clone();
        let instance = i.instance_in(&edit.directory, &input.instance_id)?;
        if number.instance != instance.id {
            return Err(ConnectError::parameter("the phone number is claimed to another instance"));
        }
        let (flow, _) = i.flow_in(&edit.directory, &instance, &input.contact_flow_id)?;
        check_can_answer(&flow)?;
        number.flow = Some(flow.id);
        edit.put_phone_number(number)?;
        Ok(None)
    })
}

/// Refuses a flow that could not answer a call.
pub(crate) fn check_can_answer(flow: &ContactFlow) -> Result<(), ConnectError> {
    if flow.flow_type != FlowType::ContactFlow {
        return Err(ConnectError::parameter(format!(
            "a flow of type {} cannot answer calls; its type must be CONTACT_FLOW",
            flow.flow_type.as_str()
        )));
    }
    if flow.published.is_none() {
        return Err(ConnectError::parameter("the flow is only saved; publish it first"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench, FLOW, text};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn routes_the_number_to_the_flow() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let (flow, number) = (bench.flow(&instance, "welcome"), bench.number(&instance, "+18005550100"));
        assert!(bench.service.route_number("+18005550100").is_none());
        let body = json!({ "InstanceId": instance, "ContactFlowId": flow });
        let target = format!("/phone-number/{number}/contact-flow");
        assert_eq!(bench.call("PUT", &target, body).unwrap(), Value::Null);
        for dialled in ["+18005550100", "18005550100"] {
            let routed = bench.reopened().service.route_number(dialled).unwrap();
            assert_eq!(routed.instance.alias.as_str(), "demo");
            assert_eq!(routed.flow.identity.name, "welcome");
            assert!(routed.flow.identity.arn.ends_with(&format!("/contact-flow/{flow}")));
        }
        assert!(bench.service.route_number("+18005550101").is_none());
        assert!(bench.service.route_number("").is_none());
    }

    #[test]
    fn an_instance_that_takes_no_calls_is_not_routed_to() {
        let bench = Bench::new();
        let body = json!({ "IdentityManagementType": "SAML", "InstanceAlias": "quiet",
            "InboundCallsEnabled": false, "OutboundCallsEnabled": true });
        let instance = text(&bench.call("PUT", "/instance", body).unwrap()["Id"]);
        let (flow, number) = (bench.flow(&instance, "a"), bench.number(&instance, "+18005550100"));
        let body = json!({ "InstanceId": instance, "ContactFlowId": flow });
        bench.call("PUT", &format!("/phone-number/{number}/contact-flow"), body).unwrap();
        assert!(bench.service.route_number("+18005550100").is_none());
    }

    #[test]
    fn refuses_flows_that_cannot_answer_and_numbers_of_others() {
        let bench = Bench::new();
        let (one, two) = (bench.instance("one"), bench.instance("two"));
        let number = bench.number(&one, "+18005550100");
        let target = format!("/phone-number/{number}/contact-flow");
        let refusal = |instance: &str, flow: &str| {
            bench.refusal("PUT", &target, json!({ "InstanceId": instance, "ContactFlowId": flow }))
        };
        let create = |kind: &str, status: &str| {
            let body = json!({ "Name": kind, "Type": kind, "Content": FLOW, "Status": status });
            text(&bench.call("PUT", &format!("/contact-flows/{one}"), body).unwrap()["ContactFlowId"])
        };
        assert_eq!(refusal(&one, &create("CUSTOMER_HOLD", "PUBLISHED")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(&one, &create("CONTACT_FLOW", "SAVED")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(&two, &bench.flow(&two, "b")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(&one, ABSENT), ErrorCode::ResourceNotFound);
        assert_eq!(refusal(ABSENT, ABSENT), ErrorCode::ResourceNotFound);
        assert_eq!(bench.refusal("PUT", &target, json!({})), ErrorCode::InvalidParameter);
        let absent = format!("/phone-number/{ABSENT}/contact-flow");
        let body = json!({ "InstanceId": one, "ContactFlowId": ABSENT });
        assert_eq!(bench.refusal("PUT", &absent, body), ErrorCode::ResourceNotFound);
    }
}
