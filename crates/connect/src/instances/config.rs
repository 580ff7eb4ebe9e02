use crate::bots::Bot;
use crate::flow_associations::FlowAssociation;
use crate::hierarchy::Level;
use crate::instance_attributes::AttributeType;
use crate::storage::SinkStorage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is set on an instance beside what it was created with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceConfig {
    /// Attributes that were set; the others are as in a new instance.
    pub attributes: BTreeMap<AttributeType, bool>,
    /// The levels on which groups of users stand, the highest first.
    pub hierarchy: Vec<Level>,
    /// Where records and recordings go.
    pub storage: Vec<SinkStorage>,
    /// The bots that flows may use.
    pub bots: Vec<Bot>,
    /// Which flows messages to addresses start.
    pub flow_associations: Vec<FlowAssociation>,
    /// Whether it was given the resources that every instance begins with. They are given once: what is deleted stays so.
    pub has_defaults: bool,
}
