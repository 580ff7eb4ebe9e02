//! DeleteContactFlow: DELETE /contact-flows/{InstanceId}/{ContactFlowId}.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use crate::versions;
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_flow_id: String,
}

/// Deletes a flow that answers no number. Calls that run it go on to their end.
///
/// Errors: InvalidRequest (numbers are attached: their callers would be stranded), ResourceNotFound.
pub(crate) struct DeleteContactFlow;

impl Operation for DeleteContactFlow {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "DeleteContactFlow";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let found = target.found?;
        cx.service.change(|edit| {
            let flow = edit.flow(&found.flow)?;
            if let Some(number) = edit.directory.phone_numbers().find(|number| number.flow == Some(flow.id)) {
                return Err(ConnectError::request(format!(
                    "flow {} answers phone number {}; associate the number with another flow, disassociate or release it first",
                    flow.id, number.id
                )));
            }
            versions::remove_all(edit, flow.instance, flow.resource_id());
            edit.remove_flow(flow.id);
            Ok(Output::empty_object())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn deletes_a_flow_for_good() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let target = format!("/contact-flows/{instance}/{}", bench.flow(&instance, "a"));
        assert_eq!(bench.call("DELETE", &target, Value::Null).unwrap(), json!({}));
        assert_eq!(bench.reopened().refusal("DELETE", &target, Value::Null), ErrorCode::ResourceNotFound);
        bench.flow(&instance, "a");
    }

    #[test]
    fn a_flow_that_answers_a_number_stays() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let (flow, number) = (bench.flow(&instance, "a"), bench.number(&instance, "+18005550100"));
        let body = json!({ "InstanceId": instance, "ContactFlowId": flow });
        bench.call("PUT", &format!("/phone-number/{number}/contact-flow"), body).unwrap();
        let target = format!("/contact-flows/{instance}/{flow}");
        assert_eq!(bench.refusal("DELETE", &target, Value::Null), ErrorCode::InvalidRequest);
        bench.call("DELETE", &format!("/phone-number/{number}"), Value::Null).unwrap();
        assert!(bench.call("DELETE", &target, Value::Null).is_ok());
    }
}
