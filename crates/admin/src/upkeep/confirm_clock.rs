use super::describe_expiry::{EXPIRY, expiry};
use crate::documentation::{Documentation, Documented};
use crate::error::AdminError;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// A person says that the server's clock is right: what has expired by it goes.
pub(crate) struct ConfirmClock;

#[derive(Deserialize)]
pub(crate) struct Input {}

impl Documented for ConfirmClock {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Says that the server's clock is right: what has expired by it is removed.",
        query: &[],
        body: &[],
        answer: EXPIRY,
        errors: &[],
    };
}

impl Operation for ConfirmClock {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "ConfirmClock";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, _: Input, (): ()) -> Result<Output, AdminError> {
        let store = &cx.service.parts().store;
        store.confirm_clock();
        Ok(Output::json(&expiry(store)))
    }
}
