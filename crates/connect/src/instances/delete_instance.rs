//! DeleteInstance: DELETE /instance/{InstanceId}.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
}

/// Deletes an instance with its flows, and releases its numbers. Calls that are up go on to their end, and
/// the audio that was captured stays for its retention.
///
/// Errors: ResourceNotFound.
pub(crate) struct DeleteInstance;

impl Operation for DeleteInstance {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "DeleteInstance";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let instance = target.instance?;
        cx.service.change(|edit| {
            let instance = edit.instance(&instance)?;
            edit.remove_instance(instance.id);
            Ok(Output::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;
    use crate::settings::Settings;
    use serde_json::Value;

    #[test]
    fn takes_flows_and_numbers_with_it() {
        let bench = Bench::new();
        let (gone, stays) = (bench.instance("gone"), bench.instance("stays"));
        bench.flow(&gone, "a");
        bench.number(&gone, "+18005550100");
        bench.flow(&stays, "a");
        bench.number(&stays, "+18005550101");
        assert_eq!(bench.call("DELETE", &format!("/instance/{gone}"), Value::Null).unwrap(), Value::Null);
        assert_eq!(bench.settings.load().unwrap().len(), 3);
        bench.number(&stays, "+18005550100");
        assert_eq!(
            bench.refusal("DELETE", &format!("/instance/{gone}"), Value::Null),
            ErrorCode::ResourceNotFound
        );
    }

    #[test]
    fn a_deletion_cut_short_is_finished_at_the_next_start() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        bench.flow(&id, "a");
        bench.number(&id, "+18005550100");
        bench.settings.remove("connect-instance", &id).unwrap();
        bench.reopened();
        assert!(bench.settings.load().unwrap().is_empty());
    }

    #[test]
    fn an_absent_instance_is_not_found() {
        let target = format!("/instance/{ABSENT}");
        assert_eq!(Bench::new().refusal("DELETE", &target, Value::Null), ErrorCode::ResourceNotFound);
    }
}
