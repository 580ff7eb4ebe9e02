//! The designer's names for contact data: a namespace ("Type") and an attribute, as JSONPath.
//!
//! Source: Admin guide, "List of available contact attributes", whose columns are Attribute, Type and
//! JSONPath. Exports write either the attribute's title ("Queue name") or its path ("Queue.Name"): both are
//! read, in any case.

/// The JSONPath of an attribute in a namespace.
pub(crate) fn json_path(namespace: &str, attribute: &str) -> String {
    let attribute = attribute.strip_prefix("$.").unwrap_or(attribute);
    match squeezed(namespace).as_str() {
        "userdefined" => below("Attributes", attribute),
        "external" => below("External", attribute),
        "flow" | "flowattributes" => below("FlowAttributes", attribute),
        "lex" => below("Lex", attribute),
        "lexslots" => below("Lex.Slots", attribute),
        "lexattributes" | "lexsessionattributes" => below("Lex.SessionAttributes", attribute),
        "mediastreams" => media_stream(attribute),
        "system" | "agent" | "queuemetrics" | "metrics" => {
            titled(SYSTEM, attribute).map_or_else(|| path_of(attribute), str::to_owned)
        }
        // Newer namespaces are named as their root is.
        _ => below(&namespace.replace(' ', ""), attribute),
    }
}

fn media_stream(attribute: &str) -> String {
    let name = attribute.rsplit('.').next().unwrap_or(attribute);
    titled(MEDIA_STREAMS, name).map_or_else(|| below("MediaStreams.Customer.Audio", name), str::to_owned)
}

fn titled(table: &'static [(&str, &str)], title: &str) -> Option<&'static str> {
    let title = squeezed(title);
    table.iter().find(|(name, _)| *name == title).map(|(_, path)| *path)
}

fn path_of(attribute: &str) -> String {
    format!("$.{attribute}")
}

/// `$.root.a.b` where the name is a plain path, else `$.root['any name']`.
fn below(root: &str, name: &str) -> String {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let name = name.strip_prefix(root).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
    if name.split('.').all(plain) {
        format!("$.{root}.{name}")
    } else {
        format!("$.{root}['{}']", name.replace('\\', r"\\").replace('\'', r"\'"))
    }
}

/// Letters and digits only, in lower case: "Media streams" and "MediaStreams" are one name.
fn squeezed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

const MEDIA_STREAMS: &[(&str, &str)] = &[
    ("customeraudiostreamarn", "$.MediaStreams.Customer.Audio.StreamARN"),
    ("customeraudiostarttimestamp", "$.MediaStreams.Customer.Audio.StartTimestamp"),
    ("customeraudiostoptimestamp", "$.MediaStreams.Customer.Audio.StopTimestamp"),
    ("customeraudiostartfragmentnumber", "$.MediaStreams.Customer.Audio.StartFragmentNumber"),
    ("customeraudiostopfragmentnumber", "$.MediaStreams.Customer.Audio.StopFragmentNumber"),
];

const SYSTEM: &[(&str, &str)] = &[
    ("agentarn", "$.Agent.ARN"),
    ("agentfirstname", "$.Agent.FirstName"),
    ("agentlastname", "$.Agent.LastName"),
    ("agentusername", "$.Agent.UserName"),
    ("channel", "$.Channel"),
    ("contactid", "$.ContactId"),
    ("customercallbacknumber", "$.CustomerCallbackNumber"),
    ("customerendpointtype", "$.CustomerEndpoint.Type"),
    ("customerid", "$.CustomerId"),
    ("customernumber", "$.CustomerEndpoint.Address"),
    ("dialednumber", "$.SystemEndpoint.Address"),
    ("initialcontactid", "$.InitialContactId"),
    ("initiationmethod", "$.InitiationMethod"),
    ("instancearn", "$.InstanceARN"),
    ("language", "$.LanguageCode"),
    ("previouscontactid", "$.PreviousContactId"),
    ("queuearn", "$.Queue.ARN"),
    ("queuename", "$.Queue.Name"),
    ("queueoutboundcalleridnumber", "$.Queue.OutboundCallerId.Address"),
    ("queueoutboundcalleridnumbertype", "$.Queue.OutboundCallerId.Type"),
    ("queueoutboundnumber", "$.Queue.OutboundCallerId.Address"),
    ("storedcustomerinput", "$.StoredCustomerInput"),
    ("systemendpointtype", "$.SystemEndpoint.Type"),
    ("texttospeechvoice", "$.TextToSpeechVoiceId"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Reference;
    use proptest::prelude::*;

    #[test]
    fn titles_and_paths_are_both_read() {
        for (namespace, attribute, path) in [
            ("System", "Queue name", "$.Queue.Name"),
            ("System", "Queue.Name", "$.Queue.Name"),
            ("System", "Customer Number", "$.CustomerEndpoint.Address"),
            ("System", "Stored customer input", "$.StoredCustomerInput"),
            ("System", "CustomerEndpoint.Address", "$.CustomerEndpoint.Address"),
            ("User Defined", "k", "$.Attributes.k"),
            ("User defined", "k with space", "$.Attributes['k with space']"),
            ("External", "a.b", "$.External.a.b"),
            ("Lex", "IntentName", "$.Lex.IntentName"),
            ("Lex Slots", "City", "$.Lex.Slots.City"),
            ("Media streams", "Customer audio stream ARN", "$.MediaStreams.Customer.Audio.StreamARN"),
            ("Media Streams", "Customer.Audio.StreamARN", "$.MediaStreams.Customer.Audio.StreamARN"),
            (
                "MediaStreams",
                "MediaStreams.Customer.Audio.StartTimestamp",
                "$.MediaStreams.Customer.Audio.StartTimestamp",
            ),
            ("Media streams", "StartPosition", "$.MediaStreams.Customer.Audio.StartPosition"),
            ("Flow", "turn", "$.FlowAttributes.turn"),
        ] {
            assert_eq!(json_path(namespace, attribute), path, "{namespace} / {attribute}");
        }
    }

    proptest! {
        #[test]
        fn a_user_defined_name_is_found_again(name in "[^.$].{0,12}") {
            let path = json_path("User Defined", &name);
            if let Some(reference) = Reference::parse(&path) {
                prop_assert_eq!(reference.root(), "Attributes");
                if !name.starts_with("Attributes.") {
                    prop_assert_eq!(reference.key(), name);
                }
            } else {
                prop_assert!(false, "{} is no reference", path);
            }
        }
    }
}
