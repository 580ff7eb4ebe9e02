use super::service::StsCx;
use super::{StsError, StsService, TheCaller};
use serde::Deserialize;
use tympan_aws::{Element, Operation, Output};

/// No parameter is looked at.
#[derive(Deserialize)]
pub(crate) struct Input {}

/// Tells the caller who they are. Needs no permission, and no policy can deny it.
pub(crate) struct GetCallerIdentity;

impl Operation for GetCallerIdentity {
    type Service = StsService;
    type Input = Input;
    type Target = TheCaller;
    const NAME: &'static str = "GetCallerIdentity";

    async fn resolve(_: &StsCx<'_>, _: &Input) -> Result<TheCaller, StsError> {
        Ok(TheCaller)
    }

    async fn call(cx: &StsCx<'_>, _: Input, _: TheCaller) -> Result<Output, StsError> {
        let principal = StsService::principal(cx)?;
        Ok(Output::elements(vec![
            Element::text("Arn", &principal.arn),
            Element::text("UserId", &principal.user_id),
            Element::text("Account", principal.account.as_str()),
        ]))
    }
}
