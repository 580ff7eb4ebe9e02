//! The published SigV4 test suite: each case is signed, and each signed request is verified, in header and query form.

mod ground_truth;
mod request_text;

use ground_truth::ground_truth;
use request_text::RequestText;
use serde_json::Value;
use std::path::Path;
use tympan_auth::{
    AccessKey, AmzDate, CredentialStore, Credentials, Payload, PayloadHash, Signer, SigningOptions, Verifier,
};
use tympan_types::{AccountId, Region, WallTime};

struct Case<'a> {
    folder: &'a Path,
    credentials: Credentials,
    options: SigningOptions,
    region: Region,
    service: String,
    now: WallTime,
    expires_s: u32,
}

impl<'a> Case<'a> {
    fn read(folder: &'a Path) -> Self {
        let context: Value = serde_json::from_str(&text(folder, "context.json")).expect("a context");
        let string = |value: &Value| value.as_str().expect("a text").to_owned();
        let held = &context["credentials"];
        let mut credentials =
            Credentials::new(string(&held["access_key_id"]), string(&held["secret_access_key"]));
        if let Some(token) = held["token"].as_str() {
            credentials = credentials.with_session_token(token);
        }
        let date = string(&context["timestamp"]).replace(['-', ':'], "");
        Self {
            folder,
            credentials,
            options: SigningOptions {
                normalize_path: context["normalize"].as_bool().expect("a choice"),
                send_payload_hash: context["sign_body"].as_bool().expect("a choice"),
                sign_session_token: !context["omit_session_token"].as_bool().unwrap_or(false),
            },
            region: Region::parse(&string(&context["region"])).expect("a region"),
            service: string(&context["service"]),
            now: AmzDate::parse(&date).expect("a date").wall_time(),
            expires_s: context["expiration_in_seconds"]
                .as_u64()
                .and_then(|s| u32::try_from(s).ok())
                .expect("seconds"),
        }
    }

    fn signs_the_header_form(&self) {
        let request = RequestText::parse(&text(self.folder, "request.txt"));
        let signer = Signer::new(&self.credentials, &self.region, &self.service).with_options(self.options);
        let added =
            request.with_parts(|parts| signer.sign(self.now, parts, PayloadHash::of_body(request.body())));
        let (name, authorization) = added.last().expect("an Authorization header");
        assert_eq!(*name, "authorization");
        let signed = RequestText::parse(&text(self.folder, "header-signed-request.txt"));
        assert_eq!(Some(authorization.as_str()), signed.header("authorization"));
    }

    fn signs_the_query_form(&self) {
        let request = RequestText::parse(&text(self.folder, "request.txt"));
        let signer = Signer::new(&self.credentials, &self.region, &self.service).with_options(self.options);
        let hash = PayloadHash::of_body(request.body());
        let query = request.with_parts(|parts| signer.presign(self.now, parts, hash, self.expires_s));
        let signed = RequestText::parse(&text(self.folder, "query-signed-request.txt"));
        assert_eq!(query, signed.with_parts(|parts| parts.raw_query.to_owned()));
    }

    fn verifies(&self, form: &str) {
        let request = RequestText::parse(&text(self.folder, &format!("{form}-signed-request.txt")));
        let account = AccountId::parse("111122223333").expect("an account");
        let store =
            CredentialStore::new([AccessKey::new(self.credentials.clone(), account)]).expect("one key");
        let payload = Payload::of_body(request.body());
        let explanation = request.with_parts(|parts| {
            let pending = Verifier::default().check_head(self.now, parts, &store).expect("a head in order");
            let verified = pending.verify(payload).expect("a right signature");
            assert_eq!(
                (verified.caller.region, verified.service),
                (self.region.clone(), self.service.clone())
            );
            pending.explain(parts, payload)
        });

        let to_sign = text(self.folder, &format!("{form}-string-to-sign.txt"));
        let candidate = explanation.candidates.iter().find(|candidate| candidate.string_to_sign == to_sign);
        let candidate = candidate.expect("the published string to sign is a candidate");
        let canonical = text(self.folder, &format!("{form}-canonical-request.txt"));
        let signs_a_token = canonical.to_ascii_lowercase().contains("x-amz-security-token");
        assert!(signs_a_token || candidate.canonical_request == canonical);
        if let Some(token) = &self.credentials.session_token {
            assert!(!explanation.to_string().contains(token.expose()), "a token is never shown");
        }
    }

    fn refuses_after_a_change(&self, form: &str) {
        let signed = text(self.folder, &format!("{form}-signed-request.txt"));
        let changed = signed.replacen("Host:example", "Host:exemple", 1);
        assert_ne!(changed, signed);
        let request = RequestText::parse(&changed);
        let account = AccountId::parse("111122223333").expect("an account");
        let store =
            CredentialStore::new([AccessKey::new(self.credentials.clone(), account)]).expect("one key");
        let verdict = request.with_parts(|parts| {
            let pending = Verifier::default().check_head(self.now, parts, &store).expect("a head in order");
            pending.verify(Payload::of_body(request.body()))
        });
        assert_eq!(verdict.expect_err("altered").error_type(), "InvalidSignatureException");
    }
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("a file of the suite")
}

#[test]
fn all_cases_sign_and_verify() {
    let Some(suite) = ground_truth("sigv4/suite") else { return };
    let mut folders: Vec<_> = suite.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in &folders {
        println!("{}", folder.display());
        let case = Case::read(folder);
        case.signs_the_header_form();
        case.signs_the_query_form();
        for form in ["header", "query"] {
            case.verifies(form);
            case.refuses_after_a_change(form);
        }
    }
    assert_eq!(folders.len(), 38, "the suite is complete");
}
