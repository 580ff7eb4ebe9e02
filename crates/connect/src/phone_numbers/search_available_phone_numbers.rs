//! SearchAvailablePhoneNumbers: POST /phone-number/search-available.

use super::list_phone_numbers_v2::{check_type, parse_prefix};
use crate::error::{ConnectError, ErrorCode};
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, NamedInstance, required};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    target_arn: Option<String>,
    instance_id: Option<String>,
    phone_number_country_code: Option<String>,
    phone_number_type: Option<String>,
    phone_number_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Offers the numbers of the configured ranges that nobody claimed and that fit country, type and prefix.
///
/// Errors: InvalidParameter (a member, or a target that does not exist: the model has no ResourceNotFound).
pub(crate) struct SearchAvailablePhoneNumbers;

impl Operation for SearchAvailablePhoneNumbers {
    type Service = ConnectService;
    type Input = Input;
    type Target = NamedInstance;
    const NAME: &'static str = "SearchAvailablePhoneNumbers";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NamedInstance, ConnectError> {
        Ok(NamedInstance::of(cx, input.target_arn.as_deref(), input.instance_id.as_deref()))
    }

    async fn call(cx: &Context<'_>, input: Input, target: NamedInstance) -> Result<Output, ConnectError> {
        let country = required(cx, input.phone_number_country_code, "PhoneNumberCountryCode")?;
        let kind = required(cx, input.phone_number_type, "PhoneNumberType")?;
        check_type(&kind)?;
        let prefix = parse_prefix(input.phone_number_prefix.as_deref())?;
        let tokens = cx.tokens([
            input.target_arn.as_deref().unwrap_or_default(),
            input.instance_id.as_deref().unwrap_or_default(),
            &country,
            &kind,
            input.phone_number_prefix.as_deref().unwrap_or_default(),
        ]);
        let page = paging::page(tokens, input.next_token.as_deref(), input.max_results, 10)?;
        target.instance.map_err(|error| error.under(ErrorCode::InvalidParameter))?;
        let directory = cx.service.directory();
        let offered = cx.service.options().number_ranges.iter().flat_map(|range| range.numbers());
        let wanted = offered
            .filter(|number| number.country() == Some(country.as_str()))
            .filter(|number| number.kind().as_str() == kind)
            .filter(|number| prefix.is_none_or(|prefix| number.as_str().starts_with(prefix)))
            .filter(|number| directory.dialled(number).is_none());
        let items = wanted.map(|number| {
            let item = json!({
                "PhoneNumber": number.as_str(),
                "PhoneNumberCountryCode": number.country(),
                "PhoneNumberType": number.kind().as_str(),
            });
            (number.to_string(), item)
        });
        Ok(paging::list(&page, "AvailableNumbersList", items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;
    use serde_json::Value;

    fn body(country: &str, kind: &str) -> Value {
        json!({ "PhoneNumberCountryCode": country, "PhoneNumberType": kind })
    }

    #[test]
    fn offers_what_nobody_claimed() {
        let bench = Bench::new();
        bench.number(&bench.instance("demo"), "+18005550100");
        let mut request = body("US", "TOLL_FREE");
        request["MaxResults"] = 2.into();
        let answer = bench.call("POST", "/phone-number/search-available", request.clone()).unwrap();
        assert_eq!(
            answer["AvailableNumbersList"],
            json!([
                { "PhoneNumber": "+18005550101", "PhoneNumberCountryCode": "US", "PhoneNumberType": "TOLL_FREE" },
                { "PhoneNumber": "+18005550102", "PhoneNumberCountryCode": "US", "PhoneNumberType": "TOLL_FREE" },
            ])
        );
        request["NextToken"] = answer["NextToken"].clone();
        let next = bench.call("POST", "/phone-number/search-available", request).unwrap();
        assert_eq!(next["AvailableNumbersList"][0]["PhoneNumber"], "+18005550103");
    }

    #[test]
    fn country_type_and_prefix_narrow_the_offer() {
        let bench = Bench::new();
        let count = |request: Value| {
            let answer = bench.call("POST", "/phone-number/search-available", request).unwrap();
            answer["AvailableNumbersList"].as_array().unwrap().len()
        };
        assert_eq!(count(body("GB", "TOLL_FREE")), 0);
        assert_eq!(count(body("US", "DID")), 0);
        let mut request = body("US", "TOLL_FREE");
        request["PhoneNumberPrefix"] = "+18005550105".into();
        assert_eq!(count(request), 1);
    }

    #[test]
    fn refuses_bad_members_as_invalid_parameter() {
        let bench = Bench::new();
        let mut absent = body("US", "DID");
        absent["InstanceId"] = ABSENT.into();
        let mut group = body("US", "DID");
        group["TargetArn"] = "arn:aws:connect:us-west-2:111122223333:traffic-distribution-group/x".into();
        for request in [body("US", "NONE"), json!({}), absent, group] {
            let refused = bench.refusal("POST", "/phone-number/search-available", request);
            assert_eq!(refused, ErrorCode::InvalidParameter);
        }
    }
}
