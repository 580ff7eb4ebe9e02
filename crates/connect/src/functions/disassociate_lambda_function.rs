//! DisassociateLambdaFunction: DELETE /instance/{InstanceId}/lambda-function.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "functionArn")]
    function_arn: Option<String>,
}

/// Takes the permission to invoke a function away from the flows of an instance.
///
/// Errors: InvalidRequest (no function given), ResourceNotFound (instance, or function not associated).
pub(crate) struct DisassociateLambdaFunction;

impl Operation for DisassociateLambdaFunction {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "DisassociateLambdaFunction";
    const QUERY: &'static [&'static str] = &["functionArn"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let arn = input.function_arn.ok_or_else(|| ConnectError::request("functionArn is required"))?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let mut instance = edit.instance(&instance)?;
            if !instance.has_lambda_function(&arn) {
                return Err(ConnectError::not_found("the function is not associated with the instance"));
            }
            instance.lambda_functions.retain(|association| association.function_arn != arn);
            edit.put_instance(instance)?;
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
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
