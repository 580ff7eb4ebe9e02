//! ListPhoneNumbers: GET /phone-numbers-summary/{InstanceId}.

use super::list_phone_numbers_v2::check_type;
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    #[serde(rename = "InstanceId")]
    instance_id: String,
    #[serde(default)]
    phone_number_types: Vec<String>,
    #[serde(default)]
    phone_number_country_codes: Vec<String>,
    next_token: Option<String>,
    max_results: Option<String>,
}

/// Lists the numbers of an instance, the older way.
///
/// Errors: InvalidParameter (a type, paging), ResourceNotFound.
pub(crate) struct ListPhoneNumbers;

impl Operation for ListPhoneNumbers {
    type Service = ConnectService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "ListPhoneNumbers";
    const QUERY: &'static [&'static str] =
        &["phoneNumberTypes", "phoneNumberCountryCodes", "nextToken", "maxResults"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, ConnectError> {
        let (token, size) = (input.next_token.as_deref(), input.max_results.as_deref());
        let page = paging::of_query(cx, token, size, 1000)?;
        let (types, countries) = (input.phone_number_types, input.phone_number_country_codes);
        types.iter().try_for_each(|word| check_type(word))?;
        let instance = target.instance?;
        let directory = cx.service.directory();
        let items = directory.phone_numbers().filter(|number| number.instance == instance.id);
        let items = items.filter_map(|number| {
            let (kind, country) = (number.number.kind().as_str(), number.number.country());
            let is_wanted = (types.is_empty() || types.iter().any(|word| word == kind))
                && (countries.is_empty() || countries.iter().any(|word| Some(word.as_str()) == country));
            let mut item = json!({
                "Id": number.id,
                "Arn": instance.phone_number_arn(number.id),
                "PhoneNumber": number.number.as_str(),
                "PhoneNumberType": kind,
            });
            if let Some(country) = country {
                item["PhoneNumberCountryCode"] = country.into();
            }
            is_wanted.then(|| (number.number.to_string(), item))
        });
        Ok(paging::list(&page, "PhoneNumberSummaryList", items))
    }
}
