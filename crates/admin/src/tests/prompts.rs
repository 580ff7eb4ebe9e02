//! The sound of prompts: heard, uploaded, refused.

use super::access::Denied;
use super::bench::Bench;
use crate::ErrorCode;
use serde_json::{Value, json};
use tympan_aws::Unrestricted;
use tympan_telephony::audio::wav;

impl Bench {
    pub(super) async fn upload(&self, request: &str, body: &[u8]) -> Result<Value, crate::AdminError> {
        let output = self.attempt_media(&self.caller, &Unrestricted, request, body).await.result?;
        Ok(serde_json::from_slice(&output.into_json().unwrap()).unwrap())
    }

    async fn heard(&self, request: &str) -> Result<Vec<i16>, crate::AdminError> {
        let media = self.attempt_media(&self.caller, &Unrestricted, request, b"").await.result?;
        let media = media.into_media().unwrap();
        assert_eq!(media.content_type, "audio/wav");
        Ok(wav::read(&media.body).unwrap())
    }
}

fn id(answer: &Value) -> &str {
    answer["PromptId"].as_str().unwrap()
}

#[tokio::test]
async fn a_prompt_is_uploaded_heard_and_given_another_sound() {
    let bench = Bench::new();
    let instance = bench.instance();
    let prompts = format!("/tympan/instances/{instance}/prompts");
    let new = format!("POST {prompts}?name=Welcome%20home&description=at%20night");
    let made = bench.upload(&new, &wav::write(&[7; 80])).await.unwrap();
    assert_eq!((&made["Name"], &made["DurationMilliseconds"]), (&json!("Welcome home"), &json!(10)));
    let arn = made["PromptARN"].as_str().unwrap();
    assert!(arn.ends_with(&format!("/prompt/{}", id(&made))), "{arn}");
    let audio = format!("{prompts}/{}/audio", id(&made));
    assert_eq!(bench.heard(&format!("GET {audio}")).await.unwrap(), [7; 80]);
    let replaced = bench.upload(&format!("PUT {audio}"), &wav::write(&[9; 160])).await.unwrap();
    assert_eq!((&replaced["PromptId"], &replaced["DurationMilliseconds"]), (&made["PromptId"], &json!(20)));
    let by_arn = arn.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(bench.heard(&format!("GET {prompts}/{by_arn}/audio")).await.unwrap(), [9; 160]);
    let described = bench.connect(&format!("GET /prompts/{instance}/{}", id(&made)), &json!({}));
    assert_eq!(described["Prompt"]["Description"], "at night");
}

#[tokio::test]
async fn the_seven_prompts_of_the_program_are_heard_and_one_that_cannot_be_fetched_says_why() {
    let bench = Bench::new();
    let instance = bench.instance();
    let list = bench.connect(&format!("GET /prompts-summary/{instance}"), &json!({}));
    let list = list["PromptSummaryList"].as_array().unwrap();
    assert_eq!(list.len(), 7);
    for prompt in list {
        let path = format!("/tympan/instances/{instance}/prompts/{}/audio", prompt["Id"].as_str().unwrap());
        assert!(bench.heard(&format!("GET {path}")).await.unwrap().len() >= 2_800, "{prompt}");
    }
    let away = json!({ "Name": "away", "S3Uri": "s3://b/away.wav" });
    let away = bench.connect(&format!("PUT /prompts/{instance}"), &away);
    let path = format!("/tympan/instances/{instance}/prompts/{}/audio", id(&away));
    let error = bench.heard(&format!("GET {path}")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SoundUnavailable);
    assert!(error.message().contains("s3://b/away.wav is not fetched"), "{error}");
    // An upload takes the place of the address.
    bench.upload(&format!("PUT {path}"), &wav::write(&[1])).await.unwrap();
    assert_eq!(bench.heard(&format!("GET {path}")).await.unwrap(), [1]);
}

#[tokio::test]
async fn an_upload_that_is_refused_changes_nothing() {
    let bench = Bench::new();
    let instance = bench.instance();
    let prompts = format!("/tympan/instances/{instance}/prompts");
    let sound = wav::write(&[1; 8]);
    let made = bench.upload(&format!("POST {prompts}?name=one"), &sound).await.unwrap();
    let audio = format!("{prompts}/{}/audio", id(&made));
    let none = "11111111-2222-4333-8444-555555555555";
    for (request, body, code) in [
        (format!("POST {prompts}?name=one"), sound.as_slice(), ErrorCode::Conflict),
        (format!("POST {prompts}?name="), &sound, ErrorCode::Validation),
        (format!("POST {prompts}"), &sound, ErrorCode::Validation),
        (format!("POST {prompts}?name=two"), b"{}", ErrorCode::Validation),
        (format!("POST /tympan/instances/{none}/prompts?name=two"), &sound, ErrorCode::NotFound),
        (format!("PUT {audio}"), b"OggS", ErrorCode::Validation),
        (format!("PUT {prompts}/{none}/audio"), &sound, ErrorCode::NotFound),
        (format!("GET {prompts}/{none}/audio"), b"", ErrorCode::NotFound),
        (format!("GET {prompts}/Beep.wav/audio"), b"", ErrorCode::NotFound),
    ] {
        assert_eq!(bench.upload(&request, body).await.unwrap_err().code(), code, "{request}");
    }
    let stranger = bench.stranger();
    let seen = bench.attempt_media(&stranger, &Unrestricted, &format!("GET {audio}"), b"").await;
    assert_eq!(seen.result.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(bench.heard(&format!("GET {audio}")).await.unwrap(), [1; 8]);
}

#[tokio::test]
async fn a_policy_is_asked_about_the_prompt_or_its_instance() {
    let bench = Bench::new();
    let instance = bench.instance();
    let root = format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}");
    let none = "11111111-2222-4333-8444-555555555555";
    for (request, action, resource) in [
        (format!("POST /tympan/instances/{instance}/prompts"), "UploadPrompt", root.clone()),
        (
            format!("PUT /tympan/instances/{instance}/prompts/{none}/audio"),
            "PutPromptAudio",
            format!("{root}/prompt/{none}"),
        ),
        (
            format!("GET /tympan/instances/{instance}/prompts/{none}/audio"),
            "GetPromptAudio",
            format!("{root}/prompt/{none}"),
        ),
        (format!("GET /tympan/instances/{instance}/prompts/x/audio"), "GetPromptAudio", root.clone()),
        (format!("GET /tympan/instances/x/prompts/{none}/audio"), "GetPromptAudio", "*".to_owned()),
    ] {
        let body = if request.starts_with("GET") { b"".as_slice() } else { b"no sound" };
        let attempt = bench.attempt_media(&bench.caller, &Denied::default(), &request, body).await;
        assert_eq!(attempt.result.unwrap_err().code(), ErrorCode::AccessDenied, "{request}");
        let asks: Vec<_> =
            attempt.asks.iter().map(|ask| (ask.action.to_string(), ask.resource.arn.clone())).collect();
        assert_eq!(asks, [(format!("tympan:{action}"), resource)], "{request}");
    }
}
