//! One KMS request: the target on the first line, the JSON body after it. Nothing panics and nothing is a fault inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tympan_kms::Keyring;
use tympan_kms::api::{KmsService, Operation};
use tympan_types::{AccountId, Caller, Region, WallTime};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (target, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Some(operation) = Operation::from_target(&String::from_utf8_lossy(target)) else { return };
    let service = KmsService::new(Arc::new(Keyring::in_memory()));
    let caller = Caller {
        account: AccountId::parse("111122223333").expect("twelve digits"),
        region: Region::parse("us-west-2").expect("a region"),
        access_key_id: "FUZZ".to_owned(),
    };
    if let Ok(resources) = service.resources(&caller, body) {
        assert!(!resources.is_empty());
    }
    if let Err(error) = service.call(WallTime::from_unix_ms(1_700_000_000_000), &caller, operation, body) {
        assert_ne!(error.status(), 500, "{error}");
    }
});
