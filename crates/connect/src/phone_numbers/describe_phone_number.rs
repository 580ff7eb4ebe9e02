//! DescribePhoneNumber: GET /phone-number/{PhoneNumberId}.

use super::list_phone_numbers_v2::summary;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, NumberTarget};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    phone_number_id: String,
}

/// Describes a claimed number. As in the service, the flow that answers it is not part of the answer.
///
/// Errors: ResourceNotFound.
pub(crate) struct DescribePhoneNumber;

impl Operation for DescribePhoneNumber {
    type Service = ConnectService;
    type Input = Input;
    type Target = NumberTarget;
    const NAME: &'static str = "DescribePhoneNumber";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<NumberTarget, ConnectError> {
        Ok(NumberTarget::of(cx, &input.phone_number_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: NumberTarget) -> Result<Output, ConnectError> {
        let number = target.number?;
        let mut summary = summary(&cx.service.directory(), &number);
        summary["Tags"] = json!(number.tags);
        summary["PhoneNumberStatus"] = json!({ "Status": "CLAIMED" });
        Ok(Output::json(&json!({ "ClaimedPhoneNumberSummary": summary })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench};
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
