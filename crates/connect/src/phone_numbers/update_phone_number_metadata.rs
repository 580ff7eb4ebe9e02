//! UpdatePhoneNumberMetadata: PUT /phone-number/{PhoneNumberId}/metadata.

use crate::error::ConnectError;
use crate::named::Members;
use crate::service::ConnectService;
use crate::target::{Context, NumberTarget};
use tympan_aws::{Operation, Output};

/// Changes the description of a number; an empty one is none.
///
/// Errors: InvalidParameter, ResourceNotFound.
pub(crate) struct UpdatePhoneNumberMetadata;

impl Operation for UpdatePhoneNumberMetadata {
    type Service = ConnectService;
    type Input = Members;
    type Target = NumberTarget;
    const NAME: &'static str = "UpdatePhoneNumberMetadata";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NumberTarget, ConnectError> {
        Ok(NumberTarget::of(cx, input.text("PhoneNumberId")))
    }

    async fn call(
        cx: &Context<'_>,
        mut input: Members,
        target: NumberTarget,
    ) -> Result<Output, ConnectError> {
        let description: Option<String> = input.take(cx, "PhoneNumberDescription")?;
        if description.as_ref().is_some_and(|text| text.chars().count() > 500) {
            return Err(ConnectError::parameter("PhoneNumberDescription has at most 500 characters"));
        }
        let number = target.number?;
        cx.service.change(|edit| {
            let mut number = edit.phone_number(&number)?;
            number.description = description.or(number.description).filter(|text| !text.is_empty());
            edit.put_phone_number(number)?;
            Ok(Output::empty())
        })
    }
}
