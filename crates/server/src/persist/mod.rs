//! What Connect has to remember, on disk.

mod backlog;
mod history;
mod settings;

pub(crate) use history::{FileHistory, Interrupted};
pub(crate) use settings::SqliteSettings;
