use crate::documentation::{Documentation, Documented, Kind, always};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Tells the version of the program, and since when it runs.
pub(crate) struct GetVersion;

#[derive(Deserialize)]
pub(crate) struct Input {}

impl Documented for GetVersion {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Tells the version of the program, and since when it runs.",
        query: &[],
        body: &[],
        answer: &[
            always("Version", Kind::Text, "of the program"),
            always("StartTimestamp", Kind::Time, "when it started"),
            always("Now", Kind::Time, "its clock"),
        ],
        errors: &[],
    };
}

impl Operation for GetVersion {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "GetVersion";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let parts = cx.service.parts();
        Ok(Output::json(&json!({
            "Version": parts.version,
            "StartTimestamp": parts.started.rfc3339_ms(),
            "Now": cx.now.rfc3339_ms(),
        })))
    }
}
