//! UpdateInstanceAttribute: POST /instance/{InstanceId}/attribute/{AttributeType}.

use super::AttributeType;
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    attribute_type: String,
    value: String,
}

/// Sets an attribute of an instance. INBOUND_CALLS is acted on; the others are kept and shown.
pub(crate) struct UpdateInstanceAttribute;

impl InstanceEdit for UpdateInstanceAttribute {
    type Members = Members;
    const NAME: &'static str = "UpdateInstanceAttribute";

    fn apply(_: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        let attribute = AttributeType::parse(&members.attribute_type)?;
        let value = match members.value.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(ConnectError::parameter("Value must be true or false")),
        };
        attribute.set(instance, value);
        Ok(())
    }
}
