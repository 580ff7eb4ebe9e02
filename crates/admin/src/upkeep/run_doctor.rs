use crate::documentation::{Documentation, Documented, Field, Kind, always};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{BoxFuture, Operation, Output};

/// Looks at the server's machine: what keeps it from keeping its promises.
pub(crate) struct RunDoctor;

/// Looks at the machine of the server.
pub trait Doctor: Send + Sync {
    /// Findings, as `tympan doctor --json` has them.
    fn examine(&self) -> BoxFuture<'_, Value>;
}

#[derive(Deserialize)]
pub(crate) struct Input {}

const FINDING: &[Field] = &[
    always("check", Kind::Text, "the subject, such as clock"),
    always("state", Kind::OneOf(&["ok", "warning", "problem"]), "how it is"),
    always("what", Kind::Text, "what is so"),
    always("why", Kind::Text, "why that matters; empty where all is well"),
    always("do", Kind::Text, "what to do; empty where there is nothing to do"),
];

impl Documented for RunDoctor {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Looks at the server's machine as `tympan doctor` does there.",
        query: &[],
        body: &[],
        answer: &[always(
            "Findings",
            Kind::List(&Kind::Object(FINDING)),
            "what was looked at, and what came of it",
        )],
        errors: &[],
    };
}

impl Operation for RunDoctor {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "RunDoctor";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let findings = cx.service.parts().doctor.examine().await;
        Ok(Output::json(&json!({ "Findings": findings })))
    }
}
