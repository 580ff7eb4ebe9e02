use super::*;
use crate::Exit;
use crate::testing::{Asked, client, json as answer, refusal, serve};
use std::collections::BTreeMap;

#[tokio::test]
async fn requests_name_their_operation_in_the_target_and_pages_are_read_to_the_last() {
    let endpoint = serve(|asked: Asked| async {
        assert_eq!((asked.path.as_str(), asked.service.as_str()), ("/", "kms"));
        assert_eq!(asked.headers["content-type"], "application/x-amz-json-1.1");
        assert_eq!(asked.headers["x-amz-target"], "TrentService.ListKeys");
        let page = match asked.json().await["Marker"].as_str() {
            None => json!({ "Keys": [{ "KeyId": "a" }], "Truncated": true, "NextMarker": "m" }),
            Some(marker) => {
                assert_eq!(marker, "m");
                json!({ "Keys": [{ "KeyId": "b" }], "Truncated": false })
            }
        };
        answer(200, &page)
    })
    .await;
    assert_eq!(Kms::new(client(), endpoint).key_ids().await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_refusal_has_the_exit_code_of_its_kind() {
    for (code, exit) in [
        ("NotFoundException", Exit::NotFound),
        ("AccessDeniedException", Exit::Denied),
        ("NotAuthorizedException", Exit::Denied),
        ("AlreadyExistsException", Exit::Conflict),
        ("DisabledException", Exit::Conflict),
        ("KMSInvalidStateException", Exit::Conflict),
        ("LimitExceededException", Exit::Conflict),
        ("ValidationException", Exit::Failed),
    ] {
        let endpoint = serve(move |_: Asked| async move { refusal(400, code, "The words.") }).await;
        let error = Kms::new(client(), endpoint).describe_key("k").await.unwrap_err();
        assert_eq!(error.exit(), exit, "{error}");
        assert!(error.to_string().contains("The words."), "{error}");
    }
}

#[tokio::test]
async fn a_data_key_is_never_printed_and_must_have_its_length() {
    let endpoint = serve(|asked: Asked| async {
        let request = asked.json().await;
        let plaintext =
            if request["KeyId"] == "short" { "AAAA" } else { "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=" };
        answer(200, &json!({ "Plaintext": plaintext, "CiphertextBlob": "AQI=", "KeyId": "arn:k" }))
    })
    .await;
    let kms = Kms::new(client(), endpoint);
    let key = kms.generate_data_key("k", &BTreeMap::new()).await.unwrap();
    assert_eq!((key.plaintext[..6].to_vec(), key.ciphertext.as_slice()), (b"secret".to_vec(), &[1, 2][..]));
    assert_eq!(format!("{key:?}"), "NewDataKey { key_arn: \"arn:k\", .. }");
    let error = kms.generate_data_key("short", &BTreeMap::new()).await.unwrap_err();
    assert!(!error.to_string().contains("AAAA"), "{error}");
    assert!(kms.decrypt_data_key("short", &[1], &BTreeMap::new()).await.is_err());
}
