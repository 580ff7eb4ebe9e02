use super::form::{credentials, refuse_devices, seconds};
use super::service::StsCx;
use super::{StsError, StsService, TheCaller};
use tympan_aws::{Form, Operation, Output};

const LEAST_S: u32 = 900;
const MOST_S: u32 = 129_600;
const DEFAULT_S: u32 = 43_200;

/// Temporary credentials that may do what the caller may do. Needs no permission.
pub(crate) struct GetSessionToken;

impl Operation for GetSessionToken {
    type Service = StsService;
    type Input = Form;
    type Target = TheCaller;
    const NAME: &'static str = "GetSessionToken";

    async fn resolve(_: &StsCx<'_>, _: &Form) -> Result<TheCaller, StsError> {
        Ok(TheCaller)
    }

    async fn call(cx: &StsCx<'_>, form: Form, _: TheCaller) -> Result<Output, StsError> {
        if StsService::principal(cx)?.parent_key.is_some() {
            return Err(StsError::access_denied("Cannot call GetSessionToken with session credentials"));
        }
        refuse_devices(&form)?;
        let seconds = seconds(&form, "DurationSeconds", LEAST_S, MOST_S, DEFAULT_S)?;
        let expires = cx.now.plus_ms(i64::from(seconds) * 1_000);
        let (parent, entropy) = (&cx.caller.access_key_id, cx.service.entropy()?);
        let made = cx.service.identities().begin_session(&entropy, parent, None, expires);
        Ok(Output::elements(vec![credentials(&made)]))
    }
}
