//! One KMS request: the target on the first line, the JSON body after it. Nothing panics and nothing is a fault inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tympan_aws::{Invocation, Stage};
use tympan_kms::Keyring;
use tympan_security::kms::{KmsService, operations};
use tympan_types::{AccountId, Caller, Region, WallTime};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let (target, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let target = String::from_utf8_lossy(target);
    let Some(operation) = target.strip_prefix("TrentService.") else { return };
    let (service, operations) = (KmsService::new(Arc::new(Keyring::in_memory())), operations());
    let caller = Caller {
        account: AccountId::parse("111122223333").expect("twelve digits"),
        region: Region::parse("us-west-2").expect("a region"),
        access_key_id: "FUZZ".to_owned(),
    };
    let invocation = Invocation::within_process(&caller, WallTime::from_unix_ms(1_700_000_000_000));
    let mut attempt = operations.attempt_named(&service, operation, body, &invocation);
    let Poll::Ready(attempt) = attempt.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("{operation} waits")
    };
    assert!(attempt.stage == Stage::Unknown || !attempt.asks.is_empty());
    if let Err(error) = attempt.result {
        assert_ne!(error.status(), 500, "{error}");
    }
});
