//! GetPromptFile: GET /prompts/{InstanceId}/{PromptId}/file.

use super::{Prompt, Source};
use crate::error::ConnectError;
use crate::named::{Members, Named, Scene, View};
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use serde_json::json;
use std::fmt::Write;
use tympan_aws::Output;

/// Says where the sound of a prompt is. The address has no signature: what reads it needs a right of its own there.
///
/// Errors: ResourceNotFound (also of a prompt that every instance has, and of one that was uploaded: they have no address).
pub(crate) struct GetPromptFile;

impl View for GetPromptFile {
    type Spec = Prompt;
    const NAME: &'static str = "GetPromptFile";

    fn of(
        _: &Context<'_>,
        _: &Members,
        scene: &Scene<'_>,
        named: &Named<Prompt>,
    ) -> Result<Output, ConnectError> {
        let Source::Uri(uri) = &named.spec.source else {
            let place = if named.spec.is_uploaded() { "was uploaded" } else { "is in the program" };
            return Err(ConnectError::not_found(format!(
                "the sound of prompt {:?} {place} and has no address: tympan:GetPromptAudio gives it",
                named.name
            )));
        };
        Ok(Output::json(&json!({
            "PromptPresignedUrl": url(uri, scene.instance.region.as_str()),
            "LastModifiedTime": epoch_seconds(named.modified),
            "LastModifiedRegion": scene.instance.region.to_string(),
        })))
    }
}

/// The address of a sound by https. A bucket stands in the path, since it may have dots, which no certificate covers.
fn url(uri: &str, region: &str) -> String {
    let Some(object) = uri.strip_prefix("s3://") else { return uri.to_owned() };
    let mut url = format!("https://s3.{region}.amazonaws.com/");
    for byte in object.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, text};
    use crate::error::ErrorCode;
    use serde_json::Value;

    #[test]
    fn the_address_of_a_prompt_is_that_of_its_object_and_one_of_the_program_has_none() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let get = |id: &str| bench.call("GET", &format!("/prompts/{instance}/{id}/file"), Value::Null);
        for (uri, address) in [
            ("s3://b.x/en/hi+ä.wav", "https://s3.us-west-2.amazonaws.com/b.x/en/hi%2B%C3%A4.wav"),
            ("https://example.com/hi.wav?a=b", "https://example.com/hi.wav?a=b"),
        ] {
            let body = json!({ "Name": uri, "S3Uri": uri });
            let id = text(&bench.call("PUT", &format!("/prompts/{instance}"), body).unwrap()["PromptId"]);
            let answer = get(&id).unwrap();
            assert_eq!(answer["PromptPresignedUrl"], address);
            assert_eq!(answer["LastModifiedRegion"], "us-west-2");
        }
        let prompts = bench.call("GET", &format!("/prompts-summary/{instance}"), Value::Null).unwrap();
        let list = prompts["PromptSummaryList"].as_array().unwrap();
        let beep = list.iter().find(|prompt| prompt["Name"] == "Beep.wav");
        let in_program = beep.map_or_else(|| ABSENT.to_owned(), |prompt| text(&prompt["Id"]));
        assert_eq!(get(&in_program).unwrap_err().code(), ErrorCode::ResourceNotFound);
    }
}
