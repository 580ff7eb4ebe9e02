//! KMS of a server that keeps no keys.

use super::error::KmsApiError;
use super::key_reference::absent_arn;
use super::operations::CATALOGUE;
use serde::Deserialize;
use tympan_auth::Refusal;
use tympan_aws::{
    BoxFuture, Cx, KeyNames, KeyUse, KeysAway, Malformed, Operation, Operations, Output, Service, Unknown,
    register,
};
use tympan_kms::KeyId;
use tympan_types::Caller;

/// The keys are kept by another KMS, and who manages them has to ask there.
#[derive(Debug, Clone, Copy)]
pub struct KeysElsewhere;

/// The operations of KMS, all of them refused.
pub fn operations_elsewhere() -> Operations<KeysElsewhere> {
    Operations::json_1_1("kms", "TrentService", CATALOGUE).otherwise(register::<Any>())
}

impl KeyNames for KeysElsewhere {
    /// An alias cannot be followed, and counts as itself.
    fn key_to_use<'a>(
        &'a self,
        caller: &'a Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Option<KeyUse>, KeysAway>> {
        let key = KeyId::parse(named).ok().filter(|key| !key.is_the_services());
        let arn = key.and_then(|key| absent_arn(caller, &key));
        Box::pin(std::future::ready(Ok(arn.map(|arn| KeyUse { arn }))))
    }
}

fn keeps_none() -> KmsApiError {
    KmsApiError::unsupported(
        "This server keeps no keys: its configuration has kms.provider = \"external\". Ask the KMS at kms.endpoint.",
    )
}

/// Whatever is asked for.
struct Any;

/// None of its members is looked at.
#[derive(Deserialize)]
struct Input {}

impl Operation for Any {
    type Service = KeysElsewhere;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "";

    async fn resolve(_: &Cx<'_, KeysElsewhere>, _: &Input) -> Result<(), KmsApiError> {
        Ok(())
    }

    async fn call(_: &Cx<'_, KeysElsewhere>, _: Input, (): ()) -> Result<Output, KmsApiError> {
        Err(keeps_none())
    }
}

impl Service for KeysElsewhere {
    type Error = KmsApiError;

    fn malformed(_: &'static str, _: &Malformed) -> KmsApiError {
        keeps_none()
    }

    fn denied(_: &'static str, refusal: &Refusal) -> KmsApiError {
        KmsApiError::new(super::KmsErrorCode::AccessDenied, refusal.to_string())
    }

    fn not_offered(_: &'static str, _: &'static str) -> KmsApiError {
        keeps_none()
    }

    fn unknown(_: Unknown<'_>) -> KmsApiError {
        keeps_none()
    }

    fn fault(cause: String) -> KmsApiError {
        KmsApiError::internal(cause)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
    use futures_util::FutureExt;
    use tympan_aws::{Invocation, Stage};

    #[test]
    fn every_operation_is_asked_for_on_everything_and_refused() {
        let (bench, operations) = (Bench::new(), operations_elsewhere());
        let invocation = Invocation::within_process(&bench.caller, super::super::bench::NOW);
        for (name, body) in [("CreateKey", &b"{}"[..]), ("DescribeKey", br#"{"KeyId":"a"}"#), ("Sign", b"")] {
            let attempt =
                operations.attempt_named(&KeysElsewhere, name, body, &invocation).now_or_never().unwrap();
            assert_eq!(attempt.stage, Stage::Performed);
            let asked: Vec<(&str, &str)> =
                attempt.asks.iter().map(|ask| (&*ask.action, ask.resource.arn.as_str())).collect();
            assert_eq!(asked, [(format!("kms:{name}").as_str(), "*")]);
            assert_eq!(attempt.result.unwrap_err(), keeps_none());
        }
        for (name, body) in [("CreateKey", &b"[]"[..]), ("Nothing", b"{}")] {
            let attempt =
                operations.attempt_named(&KeysElsewhere, name, body, &invocation).now_or_never().unwrap();
            assert_eq!(attempt.result.unwrap_err(), keeps_none());
        }
    }

    #[test]
    fn a_key_to_use_is_asked_for_by_the_arn_that_its_text_says() {
        let caller = Bench::new().caller;
        let to_use = |named: &str| KeysElsewhere.key_to_use(&caller, named).now_or_never().unwrap().unwrap();
        let arn =
            |resource: &str| Some(KeyUse { arn: format!("arn:aws:kms:us-west-2:111122223333:{resource}") });
        assert_eq!(to_use("alias/calls"), arn("alias/calls"));
        assert_eq!(to_use(&ABSENT.to_uppercase()), arn(&format!("key/{ABSENT}")));
        for named in ["alias/aws/kinesisvideo", "no key", "x/y"] {
            assert_eq!(to_use(named), None, "{named}");
        }
    }
}
