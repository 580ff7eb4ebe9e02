//! ListLambdaFunctions: GET /instance/{InstanceId}/lambda-functions.

use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
    #[serde(rename = "maxResults")]
    max_results: Option<String>,
}

/// Lists the functions that the flows of an instance may invoke, by ARN.
///
/// Errors: InvalidParameter (paging), ResourceNotFound.
pub(crate) struct ListLambdaFunctions;

impl Operation for ListLambdaFunctions {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "ListLambdaFunctions";
    const QUERY: &'static [&'static str] = &paging::QUERY;

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 25)?;
        let instance = target.instance?;
        let arns = instance.lambda_functions.iter().map(|association| association.function_arn.clone());
        Ok(paging::list(&page, "LambdaFunctions", arns.map(|arn| (arn.clone(), arn.into()))))
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn pages_through_the_functions() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        for n in 0..30 {
            let arn = format!("arn:aws:lambda:us-west-2:111122223333:function:f{n:02}");
            bench
                .call("PUT", &format!("/instance/{id}/lambda-function"), json!({ "FunctionArn": arn }))
                .unwrap();
        }
        let target = format!("/instance/{id}/lambda-functions");
        let first = bench.call("GET", &target, Value::Null).unwrap();
        assert_eq!(first["LambdaFunctions"].as_array().unwrap().len(), 25);
        let token = first["NextToken"].as_str().unwrap();
        let rest = bench.call("GET", &format!("{target}?nextToken={token}"), Value::Null).unwrap();
        assert_eq!(rest["LambdaFunctions"][0], "arn:aws:lambda:us-west-2:111122223333:function:f25");
        assert_eq!(rest["LambdaFunctions"].as_array().unwrap().len(), 5);
        let refused = bench.refusal("GET", &format!("{target}?maxResults=26"), Value::Null);
        assert_eq!(refused, ErrorCode::InvalidParameter);
    }
}
