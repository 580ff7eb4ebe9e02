//! Backups, the clock by which media expires, the doctor, health, the version.

mod confirm_clock;
mod describe_backup;
mod describe_expiry;
mod get_health;
mod get_version;
mod run_doctor;
mod start_backup;

pub(crate) use confirm_clock::ConfirmClock;
pub(crate) use describe_backup::DescribeBackup;
pub(crate) use describe_expiry::DescribeExpiry;
pub(crate) use get_health::GetHealth;
pub use get_health::Health;
pub(crate) use get_version::GetVersion;
pub use run_doctor::Doctor;
pub(crate) use run_doctor::RunDoctor;
pub(crate) use start_backup::StartBackup;
pub use start_backup::{BackupRefusal, Backups, NewBackup};
