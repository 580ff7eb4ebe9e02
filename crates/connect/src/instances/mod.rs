//! Instances, each a contact centre of its own.

mod alias;
mod config;
mod create_instance;
mod delete_instance;
mod describe_instance;
mod edited;
mod instance;
mod list_instances;
mod looked_at;

pub use alias::InstanceAlias;
pub use config::InstanceConfig;
pub use instance::{IdentityManagement, Instance, LambdaAssociation};

pub(crate) use create_instance::CreateInstance;
pub(crate) use delete_instance::DeleteInstance;
pub(crate) use describe_instance::DescribeInstance;
pub(crate) use edited::{Edited, InstanceEdit};
pub(crate) use list_instances::ListInstances;
pub(crate) use looked_at::{InstanceView, LookedAt};
