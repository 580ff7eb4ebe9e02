//! SearchAvailablePhoneNumbers: POST /phone-number/search-available.

use super::invocation::Invocation;
use super::page::Paging;
use super::{Answer, list_phone_numbers_v2};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    target_arn: Option<String>,
    instance_id: Option<String>,
    phone_number_country_code: String,
    phone_number_type: String,
    phone_number_prefix: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Offers the numbers of the configured ranges that nobody claimed and that fit country, type and prefix.
///
/// Errors: InvalidParameter (a member, or a target that does not exist: the model has no ResourceNotFound).
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let input: Input = i.input()?;
    list_phone_numbers_v2::check_type(&input.phone_number_type)?;
    let prefix = list_phone_numbers_v2::parse_prefix(input.phone_number_prefix.as_deref())?;
    let tokens = i.tokens([
        input.target_arn.as_deref().unwrap_or_default(),
        input.instance_id.as_deref().unwrap_or_default(),
        &input.phone_number_country_code,
        &input.phone_number_type,
        input.phone_number_prefix.as_deref().unwrap_or_default(),
    ]);
    let paging = Paging::new(tokens, input.next_token.as_deref(), input.max_results, 10)?;
    let directory = i.service.directory();
    i.target(&directory, input.target_arn.as_deref(), input.instance_id.as_deref())
        .map_err(|error| error.under(crate::error::ErrorCode::InvalidParameter))?;
    let offered = i.service.options().number_ranges.iter().flat_map(|range| range.numbers());
    let wanted = offered
        .filter(|number| number.country() == Some(&input.phone_number_country_code))
        .filter(|number| number.kind().as_str() == input.phone_number_type)
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
    Ok(Some(paging.answer("AvailableNumbersList", items)))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
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
