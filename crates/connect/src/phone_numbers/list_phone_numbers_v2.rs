//! ListPhoneNumbersV2: POST /phone-number/list.

use super::PhoneNumber;
use crate::directory::Directory;
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, NamedInstance};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    target_arn: Option<String>,
    instance_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
    phone_number_country_codes: Option<Vec<String>>,
    phone_number_types: Option<Vec<String>>,
    phone_number_prefix: Option<String>,
}

/// Lists claimed numbers of one instance, or of all of the caller's account and region, by number.
///
/// Errors: InvalidParameter (a member, paging), ResourceNotFound.
pub(crate) struct ListPhoneNumbersV2;

impl Operation for ListPhoneNumbersV2 {
    type Service = ConnectService;
    type Input = Input;
    type Target = NamedInstance;
    const NAME: &'static str = "ListPhoneNumbersV2";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NamedInstance, ConnectError> {
        Ok(NamedInstance::of(cx, input.target_arn.as_deref(), input.instance_id.as_deref()))
    }

    async fn call(cx: &Context<'_>, input: Input, target: NamedInstance) -> Result<Output, ConnectError> {
        let prefix = parse_prefix(input.phone_number_prefix.as_deref())?;
        let types = input.phone_number_types.unwrap_or_default();
        types.iter().try_for_each(|word| check_type(word))?;
        let countries = input.phone_number_country_codes.unwrap_or_default();
        let one = [&input.target_arn, &input.instance_id, &input.phone_number_prefix];
        let one = one.map(|member| member.as_deref().unwrap_or_default());
        // The empty text between the lists keeps a type from being taken for a country.
        let lists = types.iter().map(String::as_str).chain([""]).chain(countries.iter().map(String::as_str));
        let tokens = cx.tokens(one.into_iter().chain(lists));
        let page = paging::page(tokens, input.next_token.as_deref(), input.max_results, 1000)?;
        let target = target.instance?;
        let directory = cx.service.directory();
        let wanted = directory
            .phone_numbers()
            .filter(|number| number.account == cx.caller.account && number.region == cx.caller.region)
            .filter(|number| target.as_ref().is_none_or(|instance| number.instance == instance.id))
            .filter(|number| prefix.is_none_or(|prefix| number.number.as_str().starts_with(prefix)))
            .filter(|number| {
                types.is_empty() || types.iter().any(|word| word == number.number.kind().as_str())
            })
            .filter(|number| {
                countries.is_empty()
                    || number.number.country().is_some_and(|code| countries.iter().any(|c| c == code))
            });
        let items = wanted.map(|number| (number.number.to_string(), summary(&directory, number)));
        Ok(paging::list(&page, "ListPhoneNumbersSummaryList", items))
    }
}

/// A number as lists show it.
pub(super) fn summary(directory: &Directory, number: &PhoneNumber) -> Value {
    let mut summary = json!({
        "PhoneNumberId": number.id,
        "PhoneNumber": number.number.as_str(),
        "PhoneNumberType": number.number.kind().as_str(),
        "InstanceId": number.instance,
    });
    if let Some(country) = number.number.country() {
        summary["PhoneNumberCountryCode"] = country.into();
    }
    if let Some(text) = &number.description {
        summary["PhoneNumberDescription"] = text.as_str().into();
    }
    if let Some(instance) = directory.instance(number.instance) {
        summary["PhoneNumberArn"] = instance.phone_number_arn(number.id).into();
        summary["TargetArn"] = instance.arn().into();
    }
    summary
}

/// Checks a word for a type of numbers.
pub(super) fn check_type(word: &str) -> Result<(), ConnectError> {
    const TYPES: [&str; 7] =
        ["TOLL_FREE", "DID", "UIFN", "SHARED", "THIRD_PARTY_TF", "THIRD_PARTY_DID", "SHORT_CODE"];
    if TYPES.contains(&word) {
        return Ok(());
    }
    Err(ConnectError::parameter(format!("PhoneNumberType must be one of {}", TYPES.join(" "))))
}

/// Checks a prefix of numbers; it contains the plus of the country code.
///
/// Source: the model's pattern `\+?[0-9]{1,11}`, and the member's note that the plus must be there.
pub(super) fn parse_prefix(prefix: Option<&str>) -> Result<Option<&str>, ConnectError> {
    let Some(text) = prefix else { return Ok(None) };
    let digits = text.strip_prefix('+').unwrap_or_default();
    if (1..=11).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Some(text));
    }
    Err(ConnectError::parameter("PhoneNumberPrefix must be + and 1 to 11 digits, country code first"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;

    fn list(bench: &Bench, body: Value) -> Vec<String> {
        let answer = bench.call("POST", "/phone-number/list", body).unwrap();
        let items = answer["ListPhoneNumbersSummaryList"].as_array().unwrap();
        items.iter().map(|item| item["PhoneNumber"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn lists_by_instance_country_type_and_prefix() {
        let bench = Bench::new();
        let (one, two) = (bench.instance("one"), bench.instance("two"));
        bench.number(&one, "+442079460000");
        bench.number(&one, "+18005550100");
        bench.number(&two, "+12065550100");
        assert_eq!(list(&bench, json!({})), ["+12065550100", "+18005550100", "+442079460000"]);
        assert_eq!(list(&bench, json!({ "InstanceId": one })), ["+18005550100", "+442079460000"]);
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{two}");
        assert_eq!(list(&bench, json!({ "TargetArn": arn })), ["+12065550100"]);
        assert_eq!(list(&bench, json!({ "PhoneNumberCountryCodes": ["GB"] })), ["+442079460000"]);
        assert_eq!(list(&bench, json!({ "PhoneNumberTypes": ["TOLL_FREE"] })), ["+18005550100"]);
        assert_eq!(list(&bench, json!({ "PhoneNumberPrefix": "+1206" })), ["+12065550100"]);
        assert_eq!(list(&bench, json!({ "MaxResults": 1 })), ["+12065550100"]);
        let strangers = bench.call_as(&bench.stranger(), "POST", "/phone-number/list", json!({})).unwrap();
        assert_eq!(strangers["ListPhoneNumbersSummaryList"], json!([]));
    }

    #[test]
    fn a_summary_has_the_modelled_members() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let id = bench.number(&instance, "+18005550100");
        let answer = bench.call("POST", "/phone-number/list", json!({})).unwrap();
        assert_eq!(
            answer["ListPhoneNumbersSummaryList"][0],
            json!({
                "PhoneNumberId": id,
                "PhoneNumber": "+18005550100",
                "PhoneNumberType": "TOLL_FREE",
                "InstanceId": instance,
                "PhoneNumberCountryCode": "US",
                "PhoneNumberArn": format!("arn:aws:connect:us-west-2:111122223333:phone-number/{id}"),
                "TargetArn": format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}"),
            })
        );
    }

    #[test]
    fn refuses_bad_members_and_absent_instances() {
        let bench = Bench::new();
        let refusal = |body| bench.refusal("POST", "/phone-number/list", body);
        assert_eq!(refusal(json!({ "PhoneNumberTypes": ["X"] })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!({ "PhoneNumberPrefix": "1206" })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!({ "MaxResults": 1001 })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!({ "NextToken": "*" })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!("x")), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!({ "InstanceId": ABSENT })), ErrorCode::ResourceNotFound);
    }
}
