//! AssociatePhoneNumberContactFlow: PUT /phone-number/{PhoneNumberId}/contact-flow.

use crate::error::ConnectError;
use crate::flows::{ContactFlow, FlowType};
use crate::service::ConnectService;
use crate::target::{Context, NumbersFlow, missing};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: String,
    instance_id: Option<String>,
    contact_flow_id: Option<String>,
}

/// Lets a flow answer a number, from the next call on.
///
/// Errors: InvalidParameter (a number of another instance, a flow that cannot answer), ResourceNotFound.
pub(crate) struct AssociatePhoneNumberContactFlow;

impl Operation for AssociatePhoneNumberContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = NumbersFlow;
    const NAME: &'static str = "AssociatePhoneNumberContactFlow";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NumbersFlow, ConnectError> {
        let (instance, flow) = (input.instance_id.as_deref(), input.contact_flow_id.as_deref());
        Ok(NumbersFlow::of(cx, &input.phone_number_id, instance, flow))
    }

    async fn call(cx: &Context<'_>, input: Input, target: NumbersFlow) -> Result<Output, ConnectError> {
        let instance = target.instance.ok_or_else(|| missing(cx, "InstanceId"))?;
        if input.contact_flow_id.is_none() {
            return Err(missing(cx, "ContactFlowId"));
        }
        let (number, instance) = (target.number?, instance?);
        if number.instance != instance.id {
            return Err(ConnectError::parameter("the phone number is claimed to another instance"));
        }
        let flow = target.flow.ok_or_else(|| missing(cx, "ContactFlowId"))??.flow;
        cx.service.change(|edit| {
            let mut number = edit.phone_number(&number)?;
            let flow = edit.flow(&flow)?;
            check_can_answer(&flow)?;
            number.flow = Some(flow.id);
            edit.put_phone_number(number)?;
            Ok(Output::empty())
        })
    }
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
    use crate::bench::{ABSENT, Bench, FLOW, text};
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
        assert_eq!(refusal(&one, &create("CUSTOMER_QUEUE", "PUBLISHED")), ErrorCode::InvalidParameter);
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
