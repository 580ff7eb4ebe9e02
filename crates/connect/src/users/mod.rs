//! Users: the agents and supervisors of an instance.

mod create_user;
mod dismiss_user_contact;
mod put_user_status;
mod update_user_hierarchy;
mod update_user_identity_info;
mod update_user_phone_config;
mod update_user_routing_profile;
mod update_user_security_profiles;
mod user;

pub use user::{IdentityInfo, PhoneConfig, PhoneType, User};

pub(crate) use create_user::CreateUser;
pub(crate) use dismiss_user_contact::DismissUserContact;
pub(crate) use put_user_status::PutUserStatus;
pub(crate) use update_user_hierarchy::UpdateUserHierarchy;
pub(crate) use update_user_identity_info::UpdateUserIdentityInfo;
pub(crate) use update_user_phone_config::UpdateUserPhoneConfig;
pub(crate) use update_user_routing_profile::UpdateUserRoutingProfile;
pub(crate) use update_user_security_profiles::UpdateUserSecurityProfiles;
