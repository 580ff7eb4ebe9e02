//! Attributes of an instance: what it does, each true or false.

mod attribute_type;
mod describe_instance_attribute;
mod list_instance_attributes;
mod update_instance_attribute;

pub use attribute_type::AttributeType;

pub(crate) use describe_instance_attribute::DescribeInstanceAttribute;
pub(crate) use list_instance_attributes::ListInstanceAttributes;
pub(crate) use update_instance_attribute::UpdateInstanceAttribute;
