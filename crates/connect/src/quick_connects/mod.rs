//! Quick connects: what agents transfer to.

mod create_quick_connect;
mod quick_connect;
mod update_quick_connect_config;
mod update_quick_connect_name;

pub use quick_connect::QuickConnect;

pub(crate) use create_quick_connect::CreateQuickConnect;
pub(crate) use update_quick_connect_config::UpdateQuickConnectConfig;
pub(crate) use update_quick_connect_name::UpdateQuickConnectName;
