use crate::documentation::{Documentation, Documented, Field, Kind, always, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use tympan_aws::{Operation, Output};

/// Begins a backup into a folder of the server's machine.
///
/// A caller with this action can write to any folder that the server can write to, keys included.
pub(crate) struct StartBackup;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    directory: PathBuf,
    #[serde(default)]
    copies: bool,
    #[serde(default)]
    with_keys: bool,
}

/// Makes backups, one at a time.
pub trait Backups: Send + Sync {
    /// Begins one.
    ///
    /// # Errors
    /// [`BackupRefusal`]
    fn start(&self, new: NewBackup) -> Result<(), BackupRefusal>;

    /// What became of the newest one: the members of DescribeBackup's answer.
    fn newest(&self) -> Value;
}

/// A backup to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBackup {
    /// Where it goes, on the server's machine: absolute, empty or not there.
    pub directory: PathBuf,
    /// Copies instead of hard links.
    pub copies: bool,
    /// The keys too.
    pub with_keys: bool,
}

/// Why no backup was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BackupRefusal {
    /// One is being made.
    #[error("A backup is being made: ask again when it is done.")]
    Busy,
    /// The path is relative.
    #[error("Directory must be an absolute path on the server's machine.")]
    Relative,
}

/// The state of the newest backup.
pub(super) const BACKUP: &[Field] = &[
    always("Status", Kind::OneOf(&["NONE", "RUNNING", "COMPLETE", "FAILED"]), "how far it is"),
    maybe("Directory", Kind::Text, "where it goes"),
    maybe("DoneBytes", Kind::Integer, "bytes that are copied; while it runs"),
    maybe("TotalBytes", Kind::Integer, "bytes that there are, as far as is known; while it runs"),
    maybe("Report", Kind::Opaque, "what is in it; once it is complete"),
    maybe("Message", Kind::Text, "why it failed"),
];

impl Documented for StartBackup {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Begins a backup into a folder of the server's machine.",
        query: &[],
        body: &[
            always("Directory", Kind::Text, "an absolute path: a folder that is empty or not there"),
            maybe("Copies", Kind::Boolean, "copies instead of hard links"),
            maybe("WithKeys", Kind::Boolean, "the master keys too"),
        ],
        answer: BACKUP,
        errors: &[ErrorCode::InUse],
    };
}

impl Operation for StartBackup {
    type Service = AdminService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "StartBackup";

    async fn resolve(_: &Context<'_>, _: &Input) -> Result<(), AdminError> {
        Ok(())
    }

    async fn call(cx: &Context<'_>, input: Input, (): ()) -> Result<Output, AdminError> {
        let Input { directory, copies, with_keys } = input;
        let backups = &cx.service.parts().backups;
        backups.start(NewBackup { directory, copies, with_keys }).map_err(|refusal| {
            let code = match refusal {
                BackupRefusal::Busy => ErrorCode::InUse,
                BackupRefusal::Relative => ErrorCode::Validation,
            };
            AdminError::new(code, refusal.to_string())
        })?;
        Ok(Output::json(&backups.newest()))
    }
}
