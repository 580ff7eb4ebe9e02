//! AssociateLambdaFunction: PUT /instance/{InstanceId}/lambda-function.

use crate::error::{ConnectError, ErrorCode};
use crate::instances::LambdaAssociation;
use crate::service::{ConnectService, Limits};
use crate::target::{Context, InstanceTarget, required};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    function_arn: Option<String>,
    client_token: Option<String>,
}

/// Lets the flows of an instance invoke a function. Whether the function exists shows when it is invoked.
///
/// Errors: InvalidParameter (not a function's ARN), ResourceConflict (associated already),
/// ServiceQuotaExceeded, ResourceNotFound.
pub(crate) struct AssociateLambdaFunction;

impl Operation for AssociateLambdaFunction {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "AssociateLambdaFunction";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let function_arn = required(cx, input.function_arn, "FunctionArn")?;
        let client_token = input.client_token;
        check_function_arn(&function_arn)?;
        let instance = target.instance?;
        cx.service.change(|edit| {
            let mut instance = edit.instance(&instance)?;
            let same = instance.lambda_functions.iter().find(|known| known.function_arn == function_arn);
            if let Some(same) = same {
                return if client_token.is_some() && same.client_token == client_token {
                    Ok(Output::empty())
                } else {
                    Err(ConnectError::new(
                        ErrorCode::ResourceConflict,
                        "the function is associated with the instance already",
                    ))
                };
            }
            let limit = cx.service.options().limits.lambda_functions_per_instance;
            let what = "Lambda functions of an instance";
            Limits::check(instance.lambda_functions.len(), limit, ErrorCode::ServiceQuotaExceeded, what)?;
            instance.lambda_functions.push(LambdaAssociation { function_arn, client_token });
            edit.put_instance(instance)?;
            Ok(Output::empty())
        })
    }
}

/// Checks `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with or without `:VERSION-OR-ALIAS`, to 140 characters.
pub(crate) fn check_function_arn(arn: &str) -> Result<(), ConnectError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let in_shape = matches!(parts.as_slice(), ["arn", partition, "lambda", _, _, "function", _] | ["arn", partition, "lambda", _, _, "function", _, _] if partition.starts_with("aws"));
    if arn.len() <= 140 && in_shape && parts.iter().all(|part| !part.is_empty()) {
        return Ok(());
    }
    Err(ConnectError::parameter(
        "FunctionArn must be arn:aws:lambda:REGION:ACCOUNT:function:NAME, with a version or alias or none, to 140 characters",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:lambda:us-west-2:111122223333:function:echo";

    #[test]
    fn lets_flows_invoke_the_very_function() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let may = |arn: &str| bench.service.may_invoke(id.parse().unwrap(), arn);
        assert!(!may(ARN));
        let target = format!("/instance/{id}/lambda-function");
        assert_eq!(bench.call("PUT", &target, json!({ "FunctionArn": ARN })).unwrap(), Value::Null);
        assert!(may(ARN) && !may(&format!("{ARN}:live")));
        let mapped = Bench::with(|options| options.unassociated_functions = [ARN.to_owned()].into());
        let may = |arn: &str| mapped.service.may_invoke(id.parse().unwrap(), arn);
        assert!(may(ARN) && !may(&format!("{ARN}:live")));
        let open = Bench::with(|options| options.require_lambda_association = false);
        assert!(open.service.may_invoke(id.parse().unwrap(), ARN));
    }

    #[test]
    fn a_second_association_conflicts_unless_it_is_the_same_request() {
        let bench = Bench::new();
        let target = format!("/instance/{}/lambda-function", bench.instance("demo"));
        let body = json!({ "FunctionArn": ARN, "ClientToken": "t" });
        bench.call("PUT", &target, body.clone()).unwrap();
        bench.call("PUT", &target, body).unwrap();
        assert_eq!(bench.refusal("PUT", &target, json!({ "FunctionArn": ARN })), ErrorCode::ResourceConflict);
    }

    #[test]
    fn refuses_other_arns_absent_instances_and_too_many() {
        let bench = Bench::with(|options| options.limits.lambda_functions_per_instance = 0);
        let target = format!("/instance/{}/lambda-function", bench.instance("demo"));
        for arn in ["", "echo", "arn:aws:s3:::bucket", "arn:aws:lambda:r:a:function:", &format!("{ARN}:1:2")]
        {
            assert_eq!(
                bench.refusal("PUT", &target, json!({ "FunctionArn": arn })),
                ErrorCode::InvalidParameter,
                "{arn}"
            );
        }
        assert_eq!(bench.refusal("PUT", &target, json!({})), ErrorCode::InvalidRequest);
        assert_eq!(
            bench.refusal("PUT", &target, json!({ "FunctionArn": ARN })),
            ErrorCode::ServiceQuotaExceeded
        );
        let absent = format!("/instance/{ABSENT}/lambda-function");
        assert_eq!(bench.refusal("PUT", &absent, json!({ "FunctionArn": ARN })), ErrorCode::ResourceNotFound);
    }
}
