//! Where instances keep what calls leave behind: live media streaming, contact records, recordings.

mod associate_instance_storage_config;
mod describe_instance_storage_config;
mod disassociate_instance_storage_config;
mod list_instance_storage_configs;
mod media_streams;
mod sink;
mod storage_config;
mod update_instance_storage_config;

pub use media_streams::{MAX_RETENTION_HOURS, MediaStreamStorage};
pub use sink::{Sink, SinkResource, SinkStorage};

pub(crate) use associate_instance_storage_config::AssociateInstanceStorageConfig;
pub(crate) use describe_instance_storage_config::DescribeInstanceStorageConfig;
pub(crate) use disassociate_instance_storage_config::DisassociateInstanceStorageConfig;
pub(crate) use list_instance_storage_configs::ListInstanceStorageConfigs;
pub(crate) use update_instance_storage_config::UpdateInstanceStorageConfig;
