//! What a function of a flow is sent.
//!
//! Source: Amazon Connect Administrator Guide, "Invoke AWS Lambda functions"; the event of AWS's own Lambda
//! libraries. A bare `"Audio": null` was never seen in a primary source, so before the Start block the
//! object is there with null values: code that does not check then reads null instead of failing.

use crate::{Contact, CustomerAudio, QueueRef};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The event that a function is invoked with.
pub fn event(contact: &Contact, parameters: &BTreeMap<String, String>) -> Value {
    // A first contact names itself as its own origin here, other than in its record.
    let initial = contact.initial_contact_id.unwrap_or(contact.id);
    let previous = contact.previous_contact_id.unwrap_or(contact.id);
    json!({
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": contact.attributes,
                "Channel": contact.channel,
                "ContactId": contact.id,
                "CustomerEndpoint": contact.customer_endpoint,
                "CustomerId": contact.details.customer_id,
                "Description": contact.details.description,
                "InitialContactId": initial,
                "InitiationMethod": contact.initiation_method,
                "InstanceARN": contact.instance.arn(),
                "LanguageCode": contact.language_code(),
                "MediaStreams": { "Customer": { "Audio": audio(contact.customer_audio()) } },
                "Name": contact.details.name,
                "PreviousContactId": previous,
                "Queue": contact.details.target_queue.as_ref().map(queue),
                "References": contact.details.references,
                "SystemEndpoint": contact.system_endpoint,
            },
            "Parameters": parameters,
        },
    })
}

/// `Queue`: an object since 2018.
fn queue(queue: &QueueRef) -> Value {
    let number = |number: &String| json!({ "Address": number, "Type": "TELEPHONE_NUMBER" });
    json!({
        "ARN": queue.arn,
        "Name": queue.name,
        "OutboundCallerId": queue.outbound_caller_id.as_ref().map(number),
    })
}

/// `Customer.Audio`: every value a string, times in epoch milliseconds; stop keys only after the Stop block.
fn audio(audio: Option<&CustomerAudio>) -> Value {
    let Some(audio) = audio else {
        return json!({ "StartFragmentNumber": null, "StartTimestamp": null, "StreamARN": null });
    };
    let mut keys = Map::new();
    let mut put = |key: &str, value: String| {
        keys.insert(key.to_owned(), Value::String(value));
    };
    put("StartFragmentNumber", audio.start_fragment_number.to_string());
    put("StartTimestamp", audio.start_timestamp.unix_ms().to_string());
    if let Some(number) = audio.stop_fragment_number {
        put("StopFragmentNumber", number.to_string());
    }
    if let Some(at) = audio.stop_timestamp {
        put("StopTimestamp", at.unix_ms().to_string());
    }
    put("StreamARN", audio.stream_arn.to_string());
    Value::Object(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::contact;
    use tympan_types::{StreamArn, WallTime};

    fn golden(audio: Value, attributes: Value, parameters: Value) -> Value {
        json!({"Name": "ContactFlowEvent", "Details": {
            "ContactData": {
                "Attributes": attributes,
                "Channel": "VOICE",
                "ContactId": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                "CustomerEndpoint": {"Address": "+15555550123", "Type": "TELEPHONE_NUMBER"},
                "CustomerId": null,
                "Description": null,
                "InitialContactId": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                "InitiationMethod": "INBOUND",
                "InstanceARN": "arn:aws:connect:us-west-2:111122223333:instance/11111111-2222-4333-8444-555555555555",
                "LanguageCode": "en-US",
                "MediaStreams": {"Customer": {"Audio": audio}},
                "Name": null,
                "PreviousContactId": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
                "Queue": null,
                "References": {},
                "SystemEndpoint": {"Address": "+18005550100", "Type": "TELEPHONE_NUMBER"},
            },
            "Parameters": parameters,
        }})
    }

    #[test]
    fn before_the_start_block_the_audio_keys_are_there_with_nulls() {
        let nulls = json!({"StartFragmentNumber": null, "StartTimestamp": null, "StreamARN": null});
        assert_eq!(event(&contact(), &BTreeMap::new()), golden(nulls, json!({}), json!({})));
    }

    // Values of the sample event in aws-lambda-java-libs, those after Stop of admin-guide PR 31.
    #[test]
    fn stop_keys_appear_only_after_the_stop_block() {
        let mut contact = contact();
        contact.attributes.set(BTreeMap::from([("lang".to_owned(), "en".to_owned())])).unwrap();
        let arn = "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60/1565272947806";
        contact.captures.push(CustomerAudio {
            stream_arn: StreamArn::parse(arn).unwrap(),
            start_timestamp: WallTime::from_unix_ms(1_565_781_909_613),
            stop_timestamp: None,
            start_fragment_number: "91343852333181432392682062622220590765191907586".parse().unwrap(),
            stop_fragment_number: None,
            ledger: None,
        });
        let mut audio = json!({
            "StartFragmentNumber": "91343852333181432392682062622220590765191907586",
            "StartTimestamp": "1565781909613",
            "StreamARN": arn,
        });
        let parameters = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let attributes = json!({"lang": "en"});
        assert_eq!(
            event(&contact, &parameters),
            golden(audio.clone(), attributes.clone(), json!({"k": "v"}))
        );
        contact.captures[0].stop_timestamp = Some(WallTime::from_unix_ms(1_565_781_924_000));
        contact.captures[0].stop_fragment_number =
            Some("91343852333181432546186627531311271605344142199".parse().unwrap());
        audio["StopTimestamp"] = json!("1565781924000");
        audio["StopFragmentNumber"] = json!("91343852333181432546186627531311271605344142199");
        assert_eq!(event(&contact, &parameters), golden(audio, attributes, json!({"k": "v"})));
    }
}
