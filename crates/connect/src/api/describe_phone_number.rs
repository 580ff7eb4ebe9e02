//! DescribePhoneNumber: GET /phone-number/{PhoneNumberId}.

use super::invocation::Invocation;
use super::{Answer, list_phone_numbers_v2};
use serde_json::json;

/// Describes a claimed number. As in the service, the flow that answers it is not part of the answer.
///
/// Errors: ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let directory = i.service.directory();
    let number = i.phone_number_in(&directory)?;
    let mut summary = list_phone_numbers_v2::summary(&directory, &number);
    summary["Tags"] = json!(number.tags);
    summary["PhoneNumberStatus"] = json!({ "Status": "CLAIMED" });
    Ok(Some(json!({ "ClaimedPhoneNumberSummary": summary })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn shows_a_claimed_number_by_id_or_arn() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let body = json!({ "InstanceId": instance, "PhoneNumber": "+18005550100", "PhoneNumberDescription": "main",
            "Tags": { "team": "a" } });
        let claimed = bench.call("POST", "/phone-number/claim", body).unwrap();
        let id = claimed["PhoneNumberId"].as_str().unwrap();
        let arn = claimed["PhoneNumberArn"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
        for name in [id, &arn] {
            let answer = bench.call("GET", &format!("/phone-number/{name}"), Value::Null).unwrap();
            let number = &answer["ClaimedPhoneNumberSummary"];
            assert_eq!(number["PhoneNumberStatus"]["Status"], "CLAIMED");
            assert_eq!(number["PhoneNumberDescription"], "main");
            assert_eq!(number["Tags"], json!({ "team": "a" }));
            assert_eq!(number["PhoneNumberId"], id);
        }
    }

    #[test]
    fn absent_and_foreign_numbers_are_not_found() {
        let bench = Bench::new();
        let id = bench.number(&bench.instance("demo"), "+18005550100");
        let absent = format!("/phone-number/{ABSENT}");
        assert_eq!(bench.refusal("GET", &absent, Value::Null), ErrorCode::ResourceNotFound);
        let error =
            bench.call_as(&bench.stranger(), "GET", &format!("/phone-number/{id}"), Value::Null).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResourceNotFound);
    }
}
