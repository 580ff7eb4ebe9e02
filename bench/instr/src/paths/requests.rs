//! What every request pays before anything is done for it.

use super::counted;
use anyhow::ensure;
use tympan_auth::{
    AccessKey, AmzDate, CredentialStore, Credentials, Payload, PayloadHash, RequestParts, Signer, Verifier,
};
use tympan_types::{AccountId, Region};

pub(super) fn verify(requests: usize) -> anyhow::Result<()> {
    let credentials = Credentials::new("TYMPANDEV", "tympandevsecret");
    let body = br#"{"StreamName":"bench","StartSelector":{"StartSelectorType":"EARLIEST"}}"#;
    let given: [(&str, &[u8]); 5] = [
        ("host", b"127.0.0.1:8600"),
        ("accept-encoding", b"identity"),
        ("content-type", b"application/json"),
        (
            "user-agent",
            b"Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11",
        ),
        ("content-length", b"72"),
    ];
    let parts = RequestParts {
        method: "POST",
        raw_path: "/getMedia",
        raw_query: "",
        headers: &given,
        local_port: Some(8_600),
    };
    let now = AmzDate::parse("20260101T000000Z")?.wall_time();
    let region = Region::parse("us-west-2")?;
    let added =
        Signer::new(&credentials, &region, "kinesisvideo").sign(now, &parts, PayloadHash::of_body(body));
    let mut headers = given.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let parts = RequestParts { headers: &headers, ..parts };
    let store =
        CredentialStore::new([AccessKey::new(credentials.clone(), AccountId::parse("111122223333")?)])?;
    let verifier = Verifier::default();
    let mut verified = 0;
    counted(|| {
        for _ in 0..requests {
            let pending = verifier.check_head(now, &parts, &store);
            let outcome = pending.and_then(|pending| pending.verify(Payload::of_body(body)));
            verified += usize::from(outcome.is_ok());
        }
    });
    ensure!(verified == requests);
    Ok(())
}
