//! Aliases of flows: names for their versions.

mod create;
mod delete;
mod describe;
mod list;
mod update;

pub(crate) use create::CreateContactFlowAlias;
pub(crate) use delete::DeleteContactFlowAlias;
pub(crate) use describe::DescribeContactFlowAlias;
pub(crate) use list::ListContactFlowAliases;
pub(crate) use update::UpdateContactFlowAlias;

use super::ContactFlow;
use crate::error::ConnectError;
use crate::named::Scene;
use crate::target::{Context, FlowTarget};
use tympan_aws::Output;

/// Changes the aliases of a flow.
fn change(
    cx: &Context<'_>,
    target: FlowTarget,
    apply: impl FnOnce(&Scene<'_>, &mut ContactFlow) -> Result<Output, ConnectError>,
) -> Result<Output, ConnectError> {
    let found = target.found?;
    cx.service.change(|edit| {
        let mut flow = edit.flow(&found.flow)?;
        let (directory, instance) = (&edit.directory, &found.instance);
        let scene = Scene { service: cx.service, directory, instance, now: cx.now };
        let answer = apply(&scene, &mut flow)?;
        edit.put_flow(flow)?;
        Ok(answer)
    })
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, FLOW, text};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn an_alias_is_a_name_for_a_version_and_can_be_moved_to_another_one() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let flow = format!("/contact-flows/{instance}/{}", bench.flow(&instance, "a"));
        let get = |path: &str| bench.call("GET", &format!("{flow}{path}"), Value::Null).unwrap();
        bench.call("PUT", &format!("{flow}/version"), json!({ "Description": "first" })).unwrap();
        let changed = FLOW.replacen('{', "{ ", 1);
        bench.call("POST", &format!("{flow}/content"), json!({ "Content": changed })).unwrap();
        bench.call("PUT", &format!("{flow}/version"), json!({})).unwrap();
        let body = json!({ "AliasName": "live", "ContactFlowVersion": 1, "Description": "" });
        let id = text(&bench.call("PUT", &format!("{flow}/alias"), body.clone()).unwrap()["Id"]);
        assert_eq!(
            bench.refusal("PUT", &format!("{flow}/alias"), body),
            ErrorCode::DuplicateResource,
            "a name that is taken"
        );
        let shown = get(&format!("/alias/{id}"))["ContactFlowAlias"].clone();
        assert_eq!((&shown["Name"], &shown["Version"]), (&json!("live"), &json!(1)));
        assert!(shown.get("Description").is_none() && shown["ContactFlowArn"].is_string());
        assert_eq!(get("%3Alive")["ContactFlow"]["VersionDescription"], "first");
        let refusal = bench.refusal("DELETE", &format!("{flow}/version/1"), Value::Null);
        assert_eq!(refusal, ErrorCode::InvalidRequest, "an alias is of it");
        bench.call("POST", &format!("{flow}/alias/{id}"), json!({ "ContactFlowVersion": 2 })).unwrap();
        bench.call("DELETE", &format!("{flow}/version/1"), Value::Null).unwrap();
        let reopened = bench.reopened();
        let list = reopened.call("GET", &format!("{flow}/aliases"), Value::Null).unwrap();
        let listed = &list["ContactFlowAliasSummaryList"][0];
        assert_eq!((&listed["AliasName"], &listed["Version"]), (&json!("live"), &json!(2)));
        reopened.call("DELETE", &format!("{flow}/alias/{id}"), Value::Null).unwrap();
        let gone = reopened.refusal("GET", &format!("{flow}/alias/{id}"), Value::Null);
        assert_eq!(gone, ErrorCode::ResourceNotFound);
    }

    #[test]
    fn aliases_of_nothing_are_refused_and_a_flow_has_a_hundred_of_them() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let flow = format!("/contact-flows/{instance}/{}", bench.flow(&instance, "a"));
        let add = |name: &str, version: u32| {
            let body = json!({ "AliasName": name, "ContactFlowVersion": version });
            bench.call("PUT", &format!("{flow}/alias"), body).map_err(|error| error.code())
        };
        assert_eq!(add("live", 1), Err(ErrorCode::ResourceNotFound), "no such version");
        bench.call("PUT", &format!("{flow}/version"), json!({})).unwrap();
        assert_eq!(add("a b", 1), Err(ErrorCode::InvalidParameter));
        (0..100).for_each(|number| drop(add(&format!("a{number}"), 1).unwrap()));
        assert_eq!(add("last", 1), Err(ErrorCode::LimitExceeded));
        let refusal = |method, path: &str| bench.refusal(method, &format!("{flow}{path}"), json!({}));
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(refusal(method, &format!("/alias/{ABSENT}")), ErrorCode::ResourceNotFound, "{method}");
        }
    }
}
