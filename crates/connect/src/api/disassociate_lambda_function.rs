//! DisassociateLambdaFunction: DELETE /instance/{InstanceId}/lambda-function.

use super::Answer;
use super::invocation::Invocation;
use crate::error::ConnectError;

/// Takes the permission to invoke a function away from the flows of an instance.
///
/// Errors: InvalidRequest (no function given), ResourceNotFound (instance, or function not associated).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let arn = i.query("functionArn").ok_or_else(|| ConnectError::request("functionArn is required"))?;
    i.service.change(|edit| {
        let mut instance = i.instance_in(&edit.directory, i.label("InstanceId"))?.as_ref().clone();
        if !instance.has_lambda_function(arn) {
            return Err(ConnectError::not_found("the function is not associated with the instance"));
        }
        instance.lambda_functions.retain(|association| association.function_arn != arn);
        edit.put_instance(instance)?;
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn takes_the_permission_away_once() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let arn = "arn:aws:lambda:us-west-2:111122223333:function:echo";
        let target = format!("/instance/{id}/lambda-function");
        bench.call("PUT", &target, json!({ "FunctionArn": arn })).unwrap();
        let encoded = format!("{target}?functionArn={}", arn.replace(':', "%3A"));
        assert_eq!(bench.call("DELETE", &encoded, Value::Null).unwrap(), Value::Null);
        assert!(!bench.reopened().service.may_invoke(id.parse().unwrap(), arn));
        assert_eq!(bench.refusal("DELETE", &encoded, Value::Null), ErrorCode::ResourceNotFound);
        assert_eq!(bench.refusal("DELETE", &target, Value::Null), ErrorCode::InvalidRequest);
    }
}
