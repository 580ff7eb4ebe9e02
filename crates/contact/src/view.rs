//! What flows read of a contact by JSONPath. What is unset has no value: a comparison with it matches nothing.

use super::{Contact, CustomerAudio, Endpoint};
use crate::context::Context;
use crate::{AgentRef, InstanceSettings, QueueRef};
use tympan_flow::{ContactView, FlowType, Reference, ResourceRef};

/// A contact as a flow of this type sees it: some of what is known of it has a value only where an agent has a part.
///
/// | reference | has a value in |
/// |---|---|
/// | `$.Agent.*` | whispers and holds: the agent; transfers to an agent: the one who is to take the contact |
/// | `$.InitiationMethod` | all but the whispers to agent and customer |
/// | `$.Queue.OutboundCallerId.*` | outbound whispers |
///
/// Source: Administrator Guide, "List of available contact attributes".
pub(crate) struct SeenByFlow<'a> {
    contact: &'a Contact,
    instance: &'a dyn InstanceSettings,
    flow_type: FlowType,
}

impl<'a> SeenByFlow<'a> {
    /// The contact in focus.
    pub(crate) fn of(cx: &'a Context, flow_type: FlowType) -> Self {
        Self { contact: &cx.contact, instance: &*cx.instance, flow_type }
    }

    fn agent(&self, part: &str) -> Option<String> {
        match self.flow_type {
            FlowType::AgentTransfer => {
                let target = self.contact.details.target_queue.as_ref().filter(|queue| queue.is_agents)?;
                let target = ResourceRef::of(target.arn.clone());
                agent(&self.instance.agent(self.contact.instance.id, &target)?, part)
            }
            FlowType::AgentHold
            | FlowType::AgentWhisper
            | FlowType::CustomerHold
            | FlowType::CustomerWhisper
            | FlowType::OutboundWhisper => agent(&self.contact.agent.as_ref()?.agent, part),
            FlowType::Campaign
            | FlowType::ContactFlow
            | FlowType::CustomerQueue
            | FlowType::Module
            | FlowType::QueueTransfer => None,
        }
    }
}

impl ContactView for SeenByFlow<'_> {
    fn value(&self, reference: &Reference) -> Option<String> {
        let of = self.flow_type;
        match reference.parts().as_slice() {
            ["Agent", part] => self.agent(part),
            ["InitiationMethod"] if matches!(of, FlowType::AgentWhisper | FlowType::CustomerWhisper) => None,
            ["Queue", "OutboundCallerId", _] if of != FlowType::OutboundWhisper => None,
            _ => self.contact.value(reference),
        }
    }
}

impl ContactView for Contact {
    fn value(&self, reference: &Reference) -> Option<String> {
        match reference.parts().as_slice() {
            ["AwsRegion"] => Some(self.instance.region.to_string()),
            ["Attributes", ..] => self.attributes.value(&reference.key()).map(str::to_owned),
            ["Channel"] => Some(self.channel.to_string()),
            ["ContactId"] => Some(self.id.to_string()),
            ["CustomerEndpoint", part] => endpoint(self.customer_endpoint.as_ref()?, part),
            ["InitialContactId"] => Some(self.initial_contact_id.unwrap_or(self.id).to_string()),
            ["InitiationMethod"] => Some(self.initiation_method.to_string()),
            ["InstanceARN"] => Some(self.instance.arn()),
            ["CustomerCallbackNumber"] => self.callback_number(),
            ["CustomerId"] => self.details.customer_id.clone(),
            ["Description"] => self.details.description.clone(),
            ["LanguageCode"] => Some(self.language_code().to_owned()),
            ["Name"] => self.details.name.clone(),
            ["Queue", part @ ..] => queue(self.details.target_queue.as_ref()?, part),
            ["References", name, part] => {
                let reference = self.details.references.get(*name)?;
                match *part {
                    "Type" => Some(reference.kind.clone()),
                    "Value" => Some(reference.value.clone()),
                    _ => None,
                }
            }
            ["Tags", key] => self.details.tags.get(*key).cloned(),
            ["TextToSpeechVoiceId"] => Some(self.voice().to_owned()),
            ["Media", "Sip", "Headers", name] => self.sip_header(name),
            ["MediaStreams", "Customer", "Audio", part] => audio(self.customer_audio()?, part),
            ["PreviousContactId"] => Some(self.previous_contact_id.unwrap_or(self.id).to_string()),
            ["SystemEndpoint", part] => endpoint(self.system_endpoint.as_ref()?, part),
            _ => None,
        }
    }
}

impl Contact {
    /// The language that the contact speaks.
    pub fn language_code(&self) -> &str {
        self.details.language_code.as_deref().unwrap_or("en-US")
    }

    /// The name of the voice that speaks to it.
    pub fn voice(&self) -> &str {
        self.details.voice.as_ref().map_or(DEFAULT_VOICE, |voice| &voice.name)
    }

    /// The number that was set, else the customer's own.
    fn callback_number(&self) -> Option<String> {
        let own = || self.customer_endpoint.as_ref().map(|endpoint| &endpoint.address);
        self.details.callback_number.as_ref().or_else(own).map(|number| number.expose().clone())
    }

    /// A header of the INVITE; header names do not distinguish case (RFC 3261 7.3.1).
    fn sip_header(&self, name: &str) -> Option<String> {
        let (_, value) = self.sip_headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.expose().clone())
    }
}

/// The voice until a flow sets one.
const DEFAULT_VOICE: &str = "Joanna";

fn queue(queue: &QueueRef, part: &[&str]) -> Option<String> {
    match part {
        ["ARN"] => Some(queue.arn.clone()),
        ["Name"] => Some(queue.name.clone()).filter(|name| !name.is_empty()),
        ["OutboundCallerId", "Address"] => queue.outbound_caller_id.clone(),
        ["OutboundCallerId", "Type"] => {
            queue.outbound_caller_id.as_ref().map(|_| "TELEPHONE_NUMBER".to_owned())
        }
        _ => None,
    }
}

fn agent(agent: &AgentRef, part: &str) -> Option<String> {
    let value = match part {
        "ARN" => &agent.arn,
        "FirstName" => &agent.first_name,
        "LastName" => &agent.last_name,
        "UserName" => &agent.user_name,
        _ => return None,
    };
    Some(value.clone()).filter(|value| !value.is_empty())
}

fn endpoint(endpoint: &Endpoint, part: &str) -> Option<String> {
    match part {
        "Address" => Some(endpoint.address.expose().clone()),
        "Type" => Some(endpoint.kind.clone()),
        _ => None,
    }
}

/// Times are epoch milliseconds: real flows test whether `StartTimestamp` begins with "1".
fn audio(audio: &CustomerAudio, part: &str) -> Option<String> {
    match part {
        "StartFragmentNumber" | "StartPosition" => Some(audio.start_fragment_number.to_string()),
        "StartTimestamp" => Some(audio.start_timestamp.unix_ms().to_string()),
        "StopFragmentNumber" | "StopPosition" => audio.stop_fragment_number.map(|number| number.to_string()),
        "StopTimestamp" => audio.stop_timestamp.map(|at| at.unix_ms().to_string()),
        "StreamARN" => Some(audio.stream_arn.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::contact;
    use tympan_types::{Redacted, StreamArn, WallTime};

    fn value(contact: &Contact, path: &str) -> Option<String> {
        contact.value(&Reference::parse(path).unwrap())
    }

    fn with_audio() -> Contact {
        let mut contact = contact();
        contact.captures.push(CustomerAudio {
            stream_arn: StreamArn::parse("arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1").unwrap(),
            start_timestamp: WallTime::from_unix_ms(1_706_238_461_465),
            stop_timestamp: None,
            start_fragment_number: "91343852333181432392682062607743920146159169392".parse().unwrap(),
            stop_fragment_number: None,
            ledger: None,
        });
        contact
    }

    #[test]
    fn flows_see_the_agent_and_the_caller_id_where_they_have_a_meaning() {
        let mut contact = contact();
        contact.agent =
            Some(crate::AgentPart::accepted(crate::tests::ends::ada(), contact.initiation_timestamp));
        contact.details.target_queue = Some(QueueRef {
            arn: "arn:bob".to_owned(),
            name: String::new(),
            hours_arn: None,
            outbound_caller_id: Some("+18005550111".to_owned()),
            is_agents: true,
        });
        let settings = crate::tests::rig::Rig::settings(Vec::new());
        let mut seen = std::collections::BTreeMap::<&str, Vec<FlowType>>::new();
        for flow_type in FlowType::ALL {
            let view = SeenByFlow { contact: &contact, instance: &*settings, flow_type };
            for (path, expected) in [
                ("$.Agent.UserName", "ada"),
                ("$.Agent.FirstName", "Ada"),
                ("$.InitiationMethod", "INBOUND"),
                ("$.Queue.OutboundCallerId.Address", "+18005550111"),
            ] {
                match view.value(&Reference::parse(path).unwrap()).as_deref() {
                    Some("bob") => {
                        assert_eq!((path, flow_type), ("$.Agent.UserName", FlowType::AgentTransfer))
                    }
                    Some(value) if value == expected => seen.entry(path).or_default().push(flow_type),
                    Some(value) => panic!("{path} is {value} in {flow_type}"),
                    None => {}
                }
            }
        }
        let with_agent = [
            FlowType::CustomerHold,
            FlowType::CustomerWhisper,
            FlowType::AgentHold,
            FlowType::AgentWhisper,
            FlowType::OutboundWhisper,
        ];
        assert_eq!(seen["$.Agent.UserName"], with_agent);
        assert_eq!(seen["$.Queue.OutboundCallerId.Address"], [FlowType::OutboundWhisper]);
        assert_eq!(seen["$.InitiationMethod"].len(), FlowType::ALL.len() - 2);
        let other = [FlowType::AgentTransfer];
        let first_names = seen["$.Agent.FirstName"].iter().filter(|one| !other.contains(one));
        assert!(first_names.eq(with_agent.iter()));
    }

    #[test]
    fn both_spellings_of_the_positions_resolve() {
        let mut contact = with_audio();
        let stop = "91343852333181432546186627531311271605344142199";
        contact.captures[0].stop_fragment_number = Some(stop.parse().unwrap());
        contact.captures[0].stop_timestamp = Some(WallTime::from_unix_ms(1_706_238_492_000));
        for (path, expected) in [
            ("StartFragmentNumber", "91343852333181432392682062607743920146159169392"),
            ("StartPosition", "91343852333181432392682062607743920146159169392"),
            ("StartTimestamp", "1706238461465"),
            ("StopFragmentNumber", stop),
            ("StopPosition", stop),
            ("StopTimestamp", "1706238492000"),
            ("StreamARN", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/s/1"),
        ] {
            let path = format!("$.MediaStreams.Customer.Audio.{path}");
            assert_eq!(value(&contact, &path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_unset_has_no_value() {
        for path in [
            "$.MediaStreams.Customer.Audio.StreamARN",
            "$.MediaStreams.Customer.Audio.StartPosition",
            "$.Attributes.nothing",
            "$.Queue.Name",
            "$.Queue.OutboundCallerId.Address",
            "$.CustomerId",
            "$.Description",
            "$.Name",
            "$.References.doc.Value",
            "$.Tags.team",
            "$.MediaStreams.Agent.Audio.StreamARN",
        ] {
            assert_eq!(value(&contact(), path), None, "{path}");
        }
        assert_eq!(value(&with_audio(), "$.MediaStreams.Customer.Audio.StopTimestamp"), None);
    }

    #[test]
    fn answers_for_what_flows_have_set() {
        let mut contact = contact();
        contact.details = serde_json::from_value(serde_json::json!({
            "name": "a call", "description": "of the test", "language_code": "de-DE", "customer_id": "c1",
            "references": { "doc": { "Value": "https://example.test", "Type": "URL" } },
            "tags": { "team": "blue" }, "callback_number": "+18005550199",
            "target_queue": { "arn": "arn:q", "name": "BasicQueue", "outbound_caller_id": "+18005550100" },
            "voice": { "name": "Vicki" },
        }))
        .unwrap();
        for (path, expected) in [
            ("$.Name", "a call"),
            ("$.Description", "of the test"),
            ("$.LanguageCode", "de-DE"),
            ("$.CustomerId", "c1"),
            ("$.References.doc.Value", "https://example.test"),
            ("$.References.doc.Type", "URL"),
            ("$.Tags.team", "blue"),
            ("$.CustomerCallbackNumber", "+18005550199"),
            ("$.Queue.ARN", "arn:q"),
            ("$.Queue.Name", "BasicQueue"),
            ("$.Queue.OutboundCallerId.Address", "+18005550100"),
            ("$.Queue.OutboundCallerId.Type", "TELEPHONE_NUMBER"),
            ("$.TextToSpeechVoiceId", "Vicki"),
        ] {
            assert_eq!(value(&contact, path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn answers_for_endpoints_attributes_ids_and_headers() {
        let mut contact = contact();
        contact.attributes.set([("k with space".to_owned(), "v".to_owned())].into_iter().collect()).unwrap();
        contact.sip_headers.insert("P-Asserted-Identity".to_owned(), Redacted::new("sip:a@b".to_owned()));
        for (path, expected) in [
            ("$.CustomerEndpoint.Address", "+15555550123"),
            ("$.SystemEndpoint.Address", "+18005550100"),
            ("$.SystemEndpoint.Type", "TELEPHONE_NUMBER"),
            ("$.Attributes.['k with space']", "v"),
            ("$.ContactId", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
            ("$.InitialContactId", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
            ("$.Channel", "VOICE"),
            ("$.InitiationMethod", "INBOUND"),
            ("$.AwsRegion", "us-west-2"),
            ("$.CustomerCallbackNumber", "+15555550123"),
            ("$.LanguageCode", "en-US"),
            ("$.TextToSpeechVoiceId", "Joanna"),
            ("$.Media.Sip.Headers.p-asserted-identity", "sip:a@b"),
        ] {
            assert_eq!(value(&contact, path).as_deref(), Some(expected), "{path}");
        }
    }
}
