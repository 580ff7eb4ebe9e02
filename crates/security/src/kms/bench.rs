//! What the tests of the operations stand on: a service over a keyring in memory, and shorthand for requests.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::{Arc, LazyLock};
use tympan_auth::{Principal, Refusal, RefusalCause};
use tympan_aws::{Ask, Attempt, Invocation, Operations, Permit};
use tympan_kms::Keyring;
use tympan_types::{AccountId, Caller, Region, WallTime};

pub(crate) const NOW: WallTime = WallTime::from_unix_ms(1_711_124_585_823);
pub(crate) const ABSENT: &str = "99999999-9999-4999-8999-999999999999";

pub(crate) struct Bench {
    pub(crate) service: KmsService,
    pub(crate) keyring: Arc<Keyring>,
    now: Cell<WallTime>,
    pub(crate) caller: Caller,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let caller = Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "TYMPANDEV".into(),
        };
        let keyring = Arc::new(Keyring::in_memory());
        Self { service: KmsService::new(keyring.clone()), keyring, now: Cell::new(NOW), caller }
    }

    /// Lets it be another time.
    pub(crate) fn at(&self, now: WallTime) {
        self.now.set(now);
    }

    /// The same account elsewhere.
    pub(crate) fn abroad(&self) -> Caller {
        Caller { region: Region::parse("eu-west-1").unwrap(), ..self.caller.clone() }
    }

    /// The answer; an empty body is `{}`.
    pub(crate) fn call(&self, operation: &str, request: Value) -> Result<Value, KmsApiError> {
        self.call_as(&self.caller, operation, request)
    }

    pub(crate) fn call_as(
        &self,
        caller: &Caller,
        operation: &str,
        request: Value,
    ) -> Result<Value, KmsApiError> {
        let body = request.to_string();
        let answer = self.attempt(caller, operation, body.as_bytes(), &tympan_aws::Unrestricted).result?;
        Ok(answer.into_json().map_or_else(|| json!({}), |json| serde_json::from_slice(&json).unwrap()))
    }

    pub(crate) fn attempt(
        &self,
        caller: &Caller,
        operation: &str,
        body: &[u8],
        permit: &dyn Permit,
    ) -> Attempt<KmsApiError> {
        let invocation = Invocation { permit, ..Invocation::within_process(caller, self.now.get()) };
        let attempt = OPERATIONS.attempt_named(&self.service, operation, body, &invocation);
        attempt.now_or_never().expect("the operations block, and never wait")
    }

    /// The ARNs that policies are asked about; the error where they are not asked.
    pub(crate) fn resources(&self, operation: &str, body: &[u8]) -> Result<Vec<String>, KmsApiError> {
        let attempt = self.attempt(&self.caller, operation, body, &DenyAll);
        match attempt.result {
            Err(error) if error.code() != KmsErrorCode::AccessDenied => return Err(error),
            _ => {}
        }
        for ask in &attempt.asks {
            assert_eq!(*ask.action, format!("kms:{operation}"));
        }
        Ok(attempt.asks.into_iter().map(|ask| ask.resource.arn.clone()).collect())
    }

    pub(crate) fn refusal(&self, operation: &str, request: Value) -> KmsErrorCode {
        match self.call(operation, request) {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => {
                assert!(!error.message().is_empty(), "{operation} refused without a word");
                error.code()
            }
        }
    }

    /// A new key's id.
    pub(crate) fn key(&self) -> String {
        self.key_of(&self.caller)
    }

    pub(crate) fn key_of(&self, caller: &Caller) -> String {
        let created = self.call_as(caller, "CreateKey", json!({})).unwrap();
        created["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    /// The id of the key behind `alias/aws/kinesisvideo`.
    pub(crate) fn services_key(&self) -> String {
        self.metadata("alias/aws/kinesisvideo")["KeyId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn arn(&self, id: &str) -> String {
        format!("arn:aws:kms:us-west-2:111122223333:key/{id}")
    }

    pub(crate) fn alias(&self, alias: &str, key: &str) {
        self.call("CreateAlias", json!({ "AliasName": alias, "TargetKeyId": key })).unwrap();
    }

    pub(crate) fn metadata(&self, key: &str) -> Value {
        self.call("DescribeKey", json!({ "KeyId": key })).unwrap()["KeyMetadata"].take()
    }

    /// A ciphertext in base64.
    pub(crate) fn encrypt(&self, key: &str, plain: &[u8]) -> String {
        let request = json!({ "KeyId": key, "Plaintext": BASE64.encode(plain) });
        self.call("Encrypt", request).unwrap()["CiphertextBlob"].as_str().unwrap().to_owned()
    }

    pub(crate) fn decrypt(&self, blob: &str) -> Result<Vec<u8>, KmsApiError> {
        let answer = self.call("Decrypt", json!({ "CiphertextBlob": blob }))?;
        Ok(self.bytes(answer["Plaintext"].as_str().unwrap()))
    }

    pub(crate) fn bytes(&self, base64: &str) -> Vec<u8> {
        BASE64.decode(base64).unwrap()
    }
}

static OPERATIONS: LazyLock<Operations<KmsService>> = LazyLock::new(operations);

/// Refuses everything.
struct DenyAll;

impl Permit for DenyAll {
    fn permit(&self, asks: &[Ask]) -> Result<(), Refusal> {
        let account = AccountId::parse("111122223333").unwrap();
        Err(Refusal {
            principal: Principal::user("nobody", account).arn,
            action: asks[0].action.to_string(),
            resource: asks[0].resource.arn.clone(),
            cause: RefusalCause::NoAllow { in_session: false },
        })
    }
}
