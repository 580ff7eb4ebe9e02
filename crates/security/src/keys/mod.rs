//! Master keys: their life, their state, their rotation.

mod cancel_key_deletion;
mod create_key;
mod describe_key;
mod disable_key;
mod disable_key_rotation;
mod enable_key;
mod enable_key_rotation;
mod get_key_rotation_status;
mod key_metadata;
mod list_key_rotations;
mod list_keys;
mod rotate_key_on_demand;
mod schedule_key_deletion;
mod update_key_description;

pub(crate) use cancel_key_deletion::CancelKeyDeletion;
pub(crate) use create_key::CreateKey;
pub(crate) use describe_key::DescribeKey;
pub(crate) use disable_key::DisableKey;
pub(crate) use disable_key_rotation::DisableKeyRotation;
pub(crate) use enable_key::EnableKey;
pub(crate) use enable_key_rotation::EnableKeyRotation;
pub(crate) use get_key_rotation_status::GetKeyRotationStatus;
pub(crate) use list_key_rotations::ListKeyRotations;
pub(crate) use list_keys::ListKeys;
pub(crate) use rotate_key_on_demand::RotateKeyOnDemand;
pub(crate) use schedule_key_deletion::ScheduleKeyDeletion;
pub(crate) use update_key_description::UpdateKeyDescription;
