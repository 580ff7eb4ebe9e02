//! The Connect side: a flow that streams and waits, a number that leads to it, and the contacts that come of it.

use super::http::{Client, Service};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The number that the calls go to.
pub(crate) const NUMBER: &str = "+18005550199";

/// Where a contact's audio is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapturedAudio {
    /// The contact.
    pub(crate) contact_id: String,
    /// The stream.
    pub(crate) stream_arn: String,
    /// The number after which its audio begins.
    pub(crate) start_number: String,
}

/// Who takes part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Parties {
    /// The customer alone, in a flow that waits.
    One,
    /// The customer and another telephone that the flow has called: both speak all the time, and each hears the other.
    Two,
}

/// Makes calls to [`NUMBER`] start media streaming and wait, or talk to another party.
pub(crate) async fn provision(client: &Client, parties: Parties) -> anyhow::Result<()> {
    let instances = client.call(Service::Connect, "GET", "/instance", None).await?;
    let instance = text(&instances["InstanceSummaryList"][0]["Id"]).context("the server has no instance")?;
    let flow = json!({
        "Name": "bench",
        "Type": "CONTACT_FLOW",
        "Content": streaming_flow(parties).to_string(),
    });
    let path = format!("/contact-flows/{instance}");
    let flow = client.call(Service::Connect, "PUT", &path, Some(flow)).await?;
    let flow = text(&flow["ContactFlowId"]).context("CreateContactFlow gave no id")?;
    let claim = json!({ "InstanceId": instance, "PhoneNumber": NUMBER });
    let number = client.call(Service::Connect, "POST", "/phone-number/claim", Some(claim)).await?;
    let number = text(&number["PhoneNumberId"]).context("ClaimPhoneNumber gave no id")?;
    let associate = json!({ "InstanceId": instance, "ContactFlowId": flow });
    let path = format!("/phone-number/{number}/contact-flow");
    client.call(Service::Connect, "PUT", &path, Some(associate)).await?;
    Ok(())
}

/// The number that a flow calls.
const OTHER_NUMBER: &str = "+12065550142";

/// Start media streaming, then a menu without a prompt that no one ever answers; before it, where two take part, a call to the other.
fn streaming_flow(parties: Parties) -> Value {
    let to_error = |next: &str| json!([{ "NextAction": next, "ErrorType": "NoMatchingError" }]);
    let then = match parties {
        Parties::One => "wait",
        Parties::Two => "call",
    };
    let mut flow = json!({
        "Version": "2019-10-30",
        "StartAction": "stream",
        "Metadata": {},
        "Actions": [
            {
                "Identifier": "stream",
                "Type": "UpdateContactMediaStreamingBehavior",
                "Parameters": {
                    "MediaStreamingState": "Enabled",
                    "MediaStreamType": "Audio",
                    "Participants": [{ "ParticipantType": "Customer", "MediaDirections": ["From"] }],
                },
                "Transitions": { "NextAction": then, "Errors": to_error("hang up"), "Conditions": [] },
            },
            {
                "Identifier": "wait",
                "Type": "GetParticipantInput",
                "Parameters": { "InputTimeLimitSeconds": "180", "StoreInput": "False" },
                "Transitions": {
                    "NextAction": "wait",
                    "Errors": [
                        { "NextAction": "wait", "ErrorType": "InputTimeLimitExceeded" },
                        { "NextAction": "wait", "ErrorType": "NoMatchingCondition" },
                        { "NextAction": "hang up", "ErrorType": "NoMatchingError" },
                    ],
                    "Conditions": [],
                },
            },
            { "Identifier": "hang up", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} },
        ],
    });
    if let (Parties::Two, Some(actions)) = (parties, flow["Actions"].as_array_mut()) {
        actions.push(json!({
            "Identifier": "call",
            "Type": "TransferParticipantToThirdParty",
            "Parameters": {
                "ThirdPartyPhoneNumber": OTHER_NUMBER,
                "ThirdPartyConnectionTimeLimitSeconds": "60",
                "ContinueFlowExecution": "True",
            },
            "Transitions": {
                "NextAction": "hang up",
                "Errors": [
                    { "NextAction": "hang up", "ErrorType": "CallFailed" },
                    { "NextAction": "hang up", "ErrorType": "ConnectionTimeLimitExceeded" },
                    { "NextAction": "hang up", "ErrorType": "NoMatchingError" },
                ],
                "Conditions": [],
            },
        }));
    }
    flow
}

/// The newest thousand contacts whose audio is being captured, by the caller's number.
pub(crate) async fn captured(client: &Client) -> anyhow::Result<HashMap<String, CapturedAudio>> {
    let answer = client.call(Service::Tympan, "GET", "/tympan/contacts?maxResults=1000", None).await?;
    let contacts = answer["Contacts"].as_array().context("the answer has no Contacts")?;
    Ok(contacts.iter().filter_map(audio_of).collect())
}

/// Whether a contact has ended and its last fragment is known.
pub(crate) async fn has_ended(client: &Client, contact_id: &str) -> anyhow::Result<bool> {
    let record = client.call(Service::Tympan, "GET", &format!("/tympan/contacts/{contact_id}"), None).await?;
    let stop = &record["Recordings"][0]["FragmentStopNumber"];
    Ok(record["DisconnectTimestamp"].is_string() && stop.is_string())
}

fn audio_of(record: &Value) -> Option<(String, CapturedAudio)> {
    let recording = &record["Recordings"][0];
    let audio = CapturedAudio {
        contact_id: text(&record["ContactId"])?,
        stream_arn: text(&recording["Location"])?,
        start_number: text(&recording["FragmentStartNumber"])?,
    };
    Some((text(&record["CustomerEndpoint"]["Address"])?, audio))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_audio_of_contacts_that_are_captured() {
        let record = json!({
            "ContactId": "c",
            "CustomerEndpoint": { "Address": "+12060000001" },
            "Recordings": [{ "Location": "arn:a", "FragmentStartNumber": "91" }],
        });
        let audio =
            CapturedAudio { contact_id: "c".into(), stream_arn: "arn:a".into(), start_number: "91".into() };
        assert_eq!(audio_of(&record), Some(("+12060000001".into(), audio)));
        assert_eq!(audio_of(&json!({ "ContactId": "c", "Recordings": null })), None);
    }
}
