//! What the tests of the operations stand on: a service over a keyring in memory, and shorthand for requests.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use std::cell::Cell;
use tympan_types::{AccountId, Region};

pub(super) const NOW: WallTime = WallTime::from_unix_ms(1_711_124_585_823);
pub(super) const ABSENT: &str = "99999999-9999-4999-8999-999999999999";

pub(super) struct Bench {
    pub(super) service: KmsService,
    now: Cell<WallTime>,
    pub(super) caller: Caller,
}

impl Bench {
    pub(super) fn new() -> Self {
        let caller = Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "TYMPANDEV".into(),
        };
        Self { service: KmsService::new(Arc::new(Keyring::in_memory())), now: Cell::new(NOW), caller }
    }

    /// Lets it be another time.
    pub(super) fn at(&self, now: WallTime) {
        self.now.set(now);
    }

    /// The same account elsewhere.
    pub(super) fn abroad(&self) -> Caller {
        Caller { region: Region::parse("eu-west-1").unwrap(), ..self.caller.clone() }
    }

    /// The answer; an empty body is `{}`.
    pub(super) fn call(&self, operation: &str, request: Value) -> Result<Value, KmsApiError> {
        self.call_as(&self.caller, operation, request)
    }

    pub(super) fn call_as(
        &self,
        caller: &Caller,
        operation: &str,
        request: Value,
    ) -> Result<Value, KmsApiError> {
        let operation = Operation::from_target(&format!("TrentService.{operation}")).unwrap();
        let body = request.to_string();
        let answer = self.service.call(self.now.get(), caller, operation, body.as_bytes())?;
        Ok(answer.unwrap_or_else(|| json!({})))
    }

    pub(super) fn refusal(&self, operation: &str, request: Value) -> KmsErrorCode {
        match self.call(operation, request) {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => {
                assert!(!error.message().is_empty(), "{operation} refused without a word");
                error.code()
            }
        }
    }

    /// A new key's id.
    pub(super) fn key(&self) -> String {
        self.key_of(&self.caller)
    }

    pub(super) fn key_of(&self, caller: &Caller) -> String {
        let created = self.call_as(caller, "CreateKey", json!({})).unwrap();
        created["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    /// The id of the key behind `alias/aws/kinesisvideo`.
    pub(super) fn services_key(&self) -> String {
        self.metadata("alias/aws/kinesisvideo")["KeyId"].as_str().unwrap().to_owned()
    }

    pub(super) fn arn(&self, id: &str) -> String {
        format!("arn:aws:kms:us-west-2:111122223333:key/{id}")
    }

    pub(super) fn alias(&self, alias: &str, key: &str) {
        self.call("CreateAlias", json!({ "AliasName": alias, "TargetKeyId": key })).unwrap();
    }

    pub(super) fn metadata(&self, key: &str) -> Value {
        self.call("DescribeKey", json!({ "KeyId": key })).unwrap()["KeyMetadata"].take()
    }

    /// A ciphertext in base64.
    pub(super) fn encrypt(&self, key: &str, plain: &[u8]) -> String {
        let request = json!({ "KeyId": key, "Plaintext": BASE64.encode(plain) });
        self.call("Encrypt", request).unwrap()["CiphertextBlob"].as_str().unwrap().to_owned()
    }

    pub(super) fn decrypt(&self, blob: &str) -> Result<Vec<u8>, KmsApiError> {
        let answer = self.call("Decrypt", json!({ "CiphertextBlob": blob }))?;
        Ok(self.bytes(answer["Plaintext"].as_str().unwrap()))
    }

    pub(super) fn bytes(&self, base64: &str) -> Vec<u8> {
        BASE64.decode(base64).unwrap()
    }
}
