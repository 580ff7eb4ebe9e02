//! ListLambdaFunctions: GET /instance/{InstanceId}/lambda-functions.

use super::Answer;
use super::invocation::Invocation;

/// Lists the functions that the flows of an instance may invoke, by ARN.
///
/// Errors: InvalidParameter (paging), ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let paging = i.query_paging(25)?;
    let instance = i.instance()?;
    let arns = instance.lambda_functions.iter().map(|association| association.function_arn.clone());
    Ok(Some(paging.answer("LambdaFunctions", arns.map(|arn| (arn.clone(), arn.into())))))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
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
