//! DescribeInstanceAttribute: GET /instance/{InstanceId}/attribute/{AttributeType}.

use super::AttributeType;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Describes an attribute of an instance.
pub(crate) struct DescribeInstanceAttribute;

impl InstanceView for DescribeInstanceAttribute {
    const NAME: &'static str = "DescribeInstanceAttribute";

    fn of(_: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let attribute = AttributeType::parse(input.text("AttributeType"))?;
        Ok(Output::json(&json!({ "Attribute": attribute.shown(scene.instance) })))
    }
}
