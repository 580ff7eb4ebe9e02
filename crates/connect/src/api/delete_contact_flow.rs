//! DeleteContactFlow: DELETE /contact-flows/{InstanceId}/{ContactFlowId}.

use super::Answer;
use super::invocation::Invocation;
use crate::error::ConnectError;
use serde_json::json;

/// Deletes a flow that answers no number. Calls that run it go on to their end.
///
/// Errors: InvalidRequest (numbers are attached: their callers would be stranded), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    i.service.change(|edit| {
        let instance = i.instance_in(&edit.directory, i.label("InstanceId"))?;
        let (flow, _) = i.flow_in(&edit.directory, &instance, i.label("ContactFlowId"))?;
        if let Some(number) = edit.directory.phone_numbers().find(|number| number.flow == Some(flow.id)) {
            return Err(ConnectError::request(format!(
                "flow {} answers phone number {}; associate the number with another flow, disassociate or release it first",
                flow.id, number.id
            )));
        }
        edit.remove_flow(flow.id);
        Ok(Some(json!({})))
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

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
