//! Instances, each a contact centre of its own.

mod alias;
mod create_instance;
mod delete_instance;
mod describe_instance;
mod instance;
mod list_instances;

pub use alias::InstanceAlias;
pub use instance::{IdentityManagement, Instance, LambdaAssociation};

pub(crate) use create_instance::CreateInstance;
pub(crate) use delete_instance::DeleteInstance;
pub(crate) use describe_instance::DescribeInstance;
pub(crate) use list_instances::ListInstances;
