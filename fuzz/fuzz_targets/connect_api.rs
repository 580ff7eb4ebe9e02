//! One request to the Connect API: method, path, query and body, a line each, the body to the end.
//! Nothing panics, and nothing is answered with InternalServiceException.
#![no_main]

use http::Request;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use tympan_contact::MemoryHistory;
use tympan_connect::live_calls::NoCalls;
use tympan_connect::settings::MemorySettings;
use tympan_connect::{ConnectService, Ids, Options};
use tympan_types::{AccountId, Caller, Region, WallTime};

struct OneId;

impl Ids for OneId {
    fn random(&self) -> [u8; 16] {
        [7; 16]
    }
}

fuzz_target!(|input: &[u8]| {
    let account = AccountId::parse("111122223333").expect("twelve digits");
    let region = Region::parse("us-west-2").expect("a region");
    let options = Options::new(account.clone(), region.clone());
    let (settings, history) = (Arc::<MemorySettings>::default(), Arc::<MemoryHistory>::default());
    let service = ConnectService::open(settings, history, Arc::new(NoCalls), Arc::new(OneId), options)
        .expect("no document is damaged where there is none");
    let caller = Caller { account, region, access_key_id: "FUZZ".to_owned() };

    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query, body) = (line(), line(), line(), line());
    let [method, path, query] = [method, path, query].map(String::from_utf8_lossy);
    let uri = format!("http://localhost{path}?{query}");
    let Ok(request) = Request::builder().method(&*method).uri(uri).body(()) else { return };
    let (head, ()) = request.into_parts();
    if let Err(error) = service.call(WallTime::from_unix_ms(0), &caller, &head, body) {
        assert_ne!(error.status(), 500, "{error}");
    }
});
