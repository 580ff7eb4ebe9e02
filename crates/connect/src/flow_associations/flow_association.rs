use crate::error::ConnectError;
use crate::named::Scene;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::ContactFlowId;

/// The most of one instance.
pub(super) const MOST: usize = 1000;

/// A flow that is started by what comes for an address; kept and shown. Calls are led by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowAssociation {
    /// The address, as it was named.
    pub resource: String,
    /// What the address is for, by the word of the API.
    pub resource_type: String,
    /// The flow.
    pub flow: ContactFlowId,
}

/// Checks the type of an address.
pub(super) fn check_type(word: &str) -> Result<(), ConnectError> {
    const TYPES: [&str; 5] = [
        "SMS_PHONE_NUMBER",
        "INBOUND_EMAIL",
        "OUTBOUND_EMAIL",
        "ANALYTICS_CONNECTOR",
        "WHATSAPP_MESSAGING_PHONE_NUMBER",
    ];
    match TYPES.contains(&word) {
        true => Ok(()),
        false => Err(ConnectError::parameter(format!("ResourceType must be one of {}", TYPES.join(", ")))),
    }
}

/// The association of an address.
pub(super) fn find<'a>(
    scene: &'a Scene<'_>,
    resource: &str,
    resource_type: &str,
) -> Result<&'a FlowAssociation, ConnectError> {
    check_type(resource_type)?;
    let mut known = scene.instance.config.flow_associations.iter();
    let found = known.find(|known| known.resource == resource && known.resource_type == resource_type);
    found.ok_or_else(|| ConnectError::not_found("the resource is associated with no flow"))
}

/// All associations of an instance, those of its numbers among them; each with its type and by what it is sorted.
pub(super) fn all(scene: &Scene<'_>) -> Vec<(String, Value)> {
    let shown = |resource: &str, flow: ContactFlowId, word: &str| {
        let flow = scene.instance.flow_arn(flow);
        (
            format!("{word} {resource}"),
            json!({ "ResourceId": resource, "FlowId": flow, "ResourceType": word }),
        )
    };
    let numbers = scene.directory.phone_numbers().filter(|number| number.instance == scene.instance.id);
    let numbers =
        numbers.filter_map(|number| Some((scene.instance.phone_number_arn(number.id), number.flow?)));
    let numbers = numbers.map(|(number, flow)| shown(&number, flow, "VOICE_PHONE_NUMBER"));
    let others = scene.instance.config.flow_associations.iter();
    numbers.chain(others.map(|known| shown(&known.resource, known.flow, &known.resource_type))).collect()
}
