//! ListContactFlows: GET /contact-flows-summary/{InstanceId}.

use super::{ContactFlow, FlowType};
use crate::error::ConnectError;
use crate::instances::Instance;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    #[serde(rename = "contactFlowTypes", default)]
    types: Vec<String>,
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
    #[serde(rename = "maxResults")]
    max_results: Option<String>,
}

/// Lists the flows of an instance by name, of all types or of those asked for.
///
/// Errors: InvalidParameter (a type, paging), ResourceNotFound.
pub(crate) struct ListContactFlows;

impl Operation for ListContactFlows {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "ListContactFlows";
    const QUERY: &'static [&'static str] = &["contactFlowTypes", "nextToken", "maxResults"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 1000)?;
        let types: Result<Vec<FlowType>, String> =
            input.types.iter().map(|word| FlowType::parse(word)).collect();
        let types = types.map_err(ConnectError::parameter)?;
        let instance = target.instance?;
        let directory = cx.service.directory();
        let wanted = directory
            .flows_of(instance.id)
            .filter(|flow| types.is_empty() || types.contains(&flow.flow_type));
        let items = wanted.map(|flow| (flow.name.clone(), summary(&instance, flow)));
        Ok(paging::list(&page, "ContactFlowSummaryList", items))
    }
}

fn summary(instance: &Instance, flow: &ContactFlow) -> Value {
    json!({
        "Id": flow.id,
        "Arn": instance.flow_arn(flow.id),
        "Name": flow.name,
        "ContactFlowType": flow.flow_type.as_str(),
        "ContactFlowState": flow.state.as_str(),
        "ContactFlowStatus": flow.status().as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;

    #[test]
    fn lists_by_name_type_and_page() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        bench.flow(&instance, "b");
        bench.flow(&instance, "a");
        let hold = json!({ "Name": "c", "Type": "CUSTOMER_HOLD", "Content": "{", "Status": "SAVED" });
        bench.call("PUT", &format!("/contact-flows/{instance}"), hold).unwrap();
        let list = |query: &str| {
            let answer = bench
                .call("GET", &format!("/contact-flows-summary/{instance}?{query}"), Value::Null)
                .unwrap();
            let names: Vec<String> = answer["ContactFlowSummaryList"]
                .as_array()
                .unwrap()
                .iter()
                .map(|flow| {
                    format!(
                        "{}:{}",
                        flow["Name"].as_str().unwrap(),
                        flow["ContactFlowStatus"].as_str().unwrap()
                    )
                })
                .collect();
            (names.join(" "), answer.get("NextToken").cloned())
        };
        let (_, token) = list("maxResults=1");
        let token = token.unwrap();
        let with = |query: &str| format!("{query}&nextToken={}", token.as_str().unwrap());
        assert_eq!(list(&with("maxResults=1")).0, "b:PUBLISHED");
        for other in [instance.as_str(), bench.instance("other").as_str()] {
            let query = if other == instance { "contactFlowTypes=CUSTOMER_HOLD" } else { "maxResults=1" };
            let path = format!("/contact-flows-summary/{other}?{}", with(query));
            let refused = bench.refusal("GET", &path, Value::Null);
            assert_eq!(refused, ErrorCode::InvalidParameter, "a token is good for its own request only");
        }
        assert_eq!(list(""), ("a:PUBLISHED b:PUBLISHED c:SAVED".into(), None));
        assert_eq!(
            list("contactFlowTypes=CUSTOMER_HOLD&contactFlowTypes=AGENT_HOLD"),
            ("c:SAVED".into(), None)
        );
        let (names, token) = list("maxResults=2");
        assert_eq!(names, "a:PUBLISHED b:PUBLISHED");
        let token = token.unwrap();
        assert_eq!(
            list(&format!("maxResults=2&nextToken={}", token.as_str().unwrap())),
            ("c:SAVED".into(), None)
        );
    }

    #[test]
    fn refuses_unknown_types_and_instances() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let refusal = |target: String| bench.refusal("GET", &target, Value::Null);
        assert_eq!(
            refusal(format!("/contact-flows-summary/{instance}?contactFlowTypes=X")),
            ErrorCode::InvalidParameter
        );
        assert_eq!(refusal(format!("/contact-flows-summary/{ABSENT}")), ErrorCode::ResourceNotFound);
    }
}
