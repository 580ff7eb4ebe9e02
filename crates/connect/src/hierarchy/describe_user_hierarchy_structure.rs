//! DescribeUserHierarchyStructure: GET /user-hierarchy-structure/{InstanceId}.

use super::level::shown;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Describes the levels of an instance.
pub(crate) struct DescribeUserHierarchyStructure;

impl InstanceView for DescribeUserHierarchyStructure {
    const NAME: &'static str = "DescribeUserHierarchyStructure";

    fn of(_: &Context<'_>, _: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        Ok(Output::json(&json!({ "HierarchyStructure": shown(scene.instance) })))
    }
}
