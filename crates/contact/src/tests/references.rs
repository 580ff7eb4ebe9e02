//! Every reference of the flow language: `docs/references.md` says where its value comes from, and is held to the code.

use crate::fixtures::contact;
use crate::{Contact, CustomerAudio};
use serde_json::json;
use tympan_flow::{ContactView, Reference};
use tympan_types::{Redacted, StreamArn, WallTime};

/// Those of the Administrator Guide's attribute list: a K stands for any name.
const OF_THE_GUIDE: &[&str] = &[
    "$.Attributes.K",
    "$.External.K",
    "$.FlowAttributes.K",
    "$.Lex.IntentName",
    "$.Lex.Slots.K",
    "$.Lex.SessionAttributes.K",
    "$.Lex.DialogState",
    "$.Lex.IntentConfidence.Score",
    "$.Lex.AlternateIntents.K.IntentName",
    "$.Lex.SentimentResponse.Label",
    "$.Lex.SentimentResponse.Scores.Positive",
    "$.CustomerEndpoint.Address",
    "$.CustomerEndpoint.Type",
    "$.SystemEndpoint.Address",
    "$.SystemEndpoint.Type",
    "$.CustomerCallbackNumber",
    "$.StoredCustomerInput",
    "$.Queue.Name",
    "$.Queue.ARN",
    "$.Queue.OutboundCallerId.Address",
    "$.Queue.OutboundCallerId.Type",
    "$.TextToSpeechVoiceId",
    "$.ContactId",
    "$.InitialContactId",
    "$.PreviousContactId",
    "$.Task.ContactId",
    "$.Channel",
    "$.InstanceARN",
    "$.InitiationMethod",
    "$.Name",
    "$.Description",
    "$.CustomerId",
    "$.References.K.Value",
    "$.References.K.Type",
    "$.LanguageCode",
    "$.AwsRegion",
    "$.Agent.UserName",
    "$.Agent.FirstName",
    "$.Agent.LastName",
    "$.Agent.ARN",
    "$.Metrics.Queue.Name",
    "$.Metrics.Queue.ARN",
    "$.Metrics.Queue.Size",
    "$.Metrics.Queue.OldestContactAge",
    "$.Metrics.Agents.Online.Count",
    "$.Media.Sip.Headers.P-Asserted-Identity",
    "$.Media.Sip.Headers.P-Charge-Info",
    "$.Media.Sip.Headers.From",
    "$.Media.Sip.Headers.To",
    "$.Media.Sip.Headers.ISUP-OLI",
    "$.Media.Sip.Headers.JIP",
    "$.MediaStreams.Customer.Audio.StreamARN",
    "$.MediaStreams.Customer.Audio.StartTimestamp",
    "$.MediaStreams.Customer.Audio.StopTimestamp",
    "$.MediaStreams.Customer.Audio.StartFragmentNumber",
    "$.MediaStreams.Customer.Audio.StopFragmentNumber",
    "$.MediaStreams.Customer.Audio.StartPosition",
    "$.MediaStreams.Customer.Audio.StopPosition",
];

/// A contact of which everything is known.
fn known() -> Contact {
    let mut contact = contact();
    contact.attributes.set([("K".to_owned(), "v".to_owned())].into()).unwrap();
    for name in ["From", "To", "P-Asserted-Identity", "P-Charge-Info", "ISUP-OLI", "JIP", "X-K"] {
        contact.sip_headers.insert(name.to_owned(), Redacted::new("v".to_owned()));
    }
    contact.details = serde_json::from_value(json!({
        "name": "n", "description": "d", "language_code": "de-DE", "customer_id": "c",
        "references": { "K": { "Value": "v", "Type": "URL" } }, "tags": { "K": "v" },
        "target_queue": { "arn": "arn:q", "name": "q", "outbound_caller_id": "+18005550100" },
    }))
    .unwrap();
    contact.captures.push(CustomerAudio {
        stream_arn: StreamArn::parse("arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1").unwrap(),
        start_timestamp: WallTime::from_unix_ms(1_706_238_461_465),
        stop_timestamp: Some(WallTime::from_unix_ms(1_706_238_492_000)),
        start_fragment_number: "91343852333181432392682062607743920146159169392".parse().unwrap(),
        stop_fragment_number: Some("91343852333181432546186627531311271605344142199".parse().unwrap()),
        ledger: None,
    });
    contact
}

/// The rows of the table: reference, and where its value comes from.
fn documented() -> Vec<(String, String)> {
    let page = include_str!("../../../../docs/references.md");
    let rows = page.lines().filter_map(|line| {
        let (path, from) = line.strip_prefix("| `$.")?.split_once("` | ")?;
        Some((format!("$.{path}"), from.trim_end_matches(" |").to_owned()))
    });
    rows.collect()
}

#[test]
fn every_reference_of_the_guide_is_documented_once() {
    let documented = documented();
    for path in OF_THE_GUIDE {
        assert_eq!(documented.iter().filter(|(known, _)| known == path).count(), 1, "{path}");
    }
}

#[test]
fn what_the_table_says_of_a_reference_is_so() {
    let contact = known();
    let documented = documented();
    assert!(documented.len() > 50);
    for (path, from) in documented {
        let reference = Reference::parse(&path).unwrap_or_else(|| panic!("{path} is no reference"));
        let is_the_contacts = !from.starts_with("flow: ") && !from.starts_with("unset: ");
        assert_eq!(contact.value(&reference).is_some(), is_the_contacts, "{path}: {from}");
    }
}
