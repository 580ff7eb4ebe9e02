use super::start_backup::BACKUP;
use crate::documentation::{Documentation, Documented};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// Tells of the newest backup since the start of the server.
pub(crate) struct DescribeBackup;

#[derive(Deserialize)]
pub(crate) struct Input {}

impl Documented for DescribeBackup {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Tells of the newest backup since the start of the server.",
        query: &[],
        body: &[],
        answer: BACKUP,
        errors: &[],
    };
}

impl Operation for DescribeBackup {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "DescribeBackup";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        Ok(Output::json(&cx.service.parts().backups.newest()))
    }
}
