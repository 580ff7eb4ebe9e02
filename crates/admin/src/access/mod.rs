//! Who may do what, who did what, and by which settings the server runs.

mod audit_trail;
mod end_session;
mod get_configuration;
mod key_uses;
mod list_access_keys;
mod list_audit_lines;
mod list_policies;
mod list_sessions;
mod sessions;
mod simulate_policy;

pub use audit_trail::{AuditTrail, AuditWalk, Visit};
pub(crate) use end_session::EndSession;
pub(crate) use get_configuration::GetConfiguration;
pub use get_configuration::{Configuration, Setting, SettingSource};
pub use key_uses::KeyUses;
pub(crate) use list_access_keys::ListAccessKeys;
pub(crate) use list_audit_lines::ListAuditLines;
pub(crate) use list_policies::ListPolicies;
pub(crate) use list_sessions::ListSessions;
pub use sessions::{NotEnded, Sessions, kinds};
pub(crate) use simulate_policy::SimulatePolicy;

use std::sync::Arc;
use tympan_auth::Identities;

/// What these operations stand on.
pub struct AccessParts {
    /// Keys, policies and roles: those by which requests are decided.
    pub identities: Arc<Identities>,
    /// How often each key was used.
    pub key_uses: KeyUses,
    /// Sessions of the web console.
    pub sessions: Sessions,
    /// The settings of the server.
    pub configuration: Arc<dyn Configuration>,
    /// The audit file.
    pub audit: Arc<dyn AuditTrail>,
}
