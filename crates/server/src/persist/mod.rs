//! What has to be remembered beside the media, in `control.db`.

mod backlog;
mod contact_index;
mod contact_row;
mod delivery;
mod examine;
mod flow_log_files;
mod history;
mod outbox;
mod records;

pub(crate) use examine::examine;
pub(crate) use history::{ContactHistory, Interrupted};
pub(crate) use outbox::StoreSteps;
pub(crate) use records::{
    DataStream, DeadLetters, LineFile, PUSHED_TO, Push, RecordWays, StreamOf, WayHealth, Webhook,
};

use crate::call::FlowLog;
use crate::centre;
use crate::lines::{LineFileOptions, LineWriters, Rotation};
use anyhow::Context;
use contact_row::ContactRow;
use flow_log_files::FlowLogFiles;
use std::path::Path;
use std::sync::Arc;
use tympan_connect::rows::{self, DbSettings};
use tympan_db::{Db, DbError, Kinds, OpenError, OpenOptions, OpenReport, StartId, migrate};

/// Sentences about what is damaged.
pub(crate) type Damage = Vec<String>;

/// What a start found of the control database.
pub(crate) struct Remembered {
    pub(crate) db: Db,
    pub(crate) settings: Arc<DbSettings>,
    pub(crate) history: Arc<ContactHistory>,
    pub(crate) flow_log: Arc<FlowLog>,
    /// Contacts that were open when the last process ended.
    pub(crate) interrupted: Vec<Interrupted>,
    /// What the start found damaged.
    pub(crate) damage: Damage,
}

/// How the files of lines are kept.
pub(crate) struct Rotations {
    pub(crate) records: Rotation,
    pub(crate) flow_log: Rotation,
}

impl Remembered {
    /// Opens or makes the database, right after the store has begun its start of this number, and carries over what earlier versions kept.
    /// One that cannot be opened stays as it is, and the server goes on without it.
    pub(crate) fn open(
        folder: &Path,
        start: u64,
        writers: &LineWriters,
        rotations: &Rotations,
    ) -> anyhow::Result<Self> {
        let (db, damage) = open(folder, start)?;
        let path = folder.join("contact-records.jsonl");
        let rotation = rotations.records;
        let options =
            LineFileOptions { name: "contact-records", path, mode: 0o644, rotation, missing: |_| None };
        let records = writers.open(options).context("contact-records.jsonl")?;
        let flow_log = FlowLog::open(writers, folder.join("flow-logs.jsonl"), rotations.flow_log)
            .context("flow-logs.jsonl")?;
        let settings = Arc::new(DbSettings::new(db.clone()));
        let files = FlowLogFiles { path: folder.join("flow-logs.jsonl"), kept: rotations.flow_log.kept };
        let (history, committed) = ContactHistory::open(&db, records, flow_log.lines().clone(), files)?;
        let history = history.with_dead_letters(DeadLetters::of(folder));
        let flow_log = Arc::new(flow_log.kept_in(db.clone(), committed));
        let interrupted = history.interrupted();
        Ok(Self { db, settings, history: Arc::new(history), flow_log, interrupted, damage })
    }
}

/// What `control.db` keeps here.
pub(crate) fn kinds() -> Kinds {
    tympan_admin::kinds(centre::kinds(rows::kinds(Kinds::default()))).with_contacts::<ContactRow>()
}

fn options() -> OpenOptions {
    let usual = OpenOptions::new(StartId(uuid::Uuid::new_v4().into_bytes()));
    OpenOptions { outbox: OUTBOX_ENTRIES, ..usual }
}

/// A record of a contact waits there for each sink that is away; 200 bytes each.
const OUTBOX_ENTRIES: u64 = 1_000_000;

fn open(folder: &Path, start: u64) -> Result<(Db, Damage), DbError> {
    let had_earlier = examine::has_earlier(folder);
    let (db, report) = match Db::open(folder, kinds(), options()) {
        Ok(opened) => opened,
        Err(error) => {
            let said = without(&error);
            tracing::error!("{said}");
            return Ok((Db::stand_in(kinds(), options(), &error)?, vec![said]));
        }
    };
    let mut damage = told(&report);
    if report.created && !report.missing && start > 1 && !had_earlier {
        damage.push(examine::MISSING.to_owned());
    }
    damage.iter().for_each(|sentence| tracing::error!("{sentence}"));
    match migrate::migrate(folder, &db) {
        Ok(report) => {
            if report.settings + report.contacts > 0 {
                let (settings, contacts) = (report.settings, report.contacts);
                tracing::info!(
                    settings,
                    contacts,
                    "settings.db and contacts.db were carried over to control.db"
                );
            }
            if report.unreadable > 0 {
                let sentence = format!(
                    "{} rows of settings.db and contacts.db could not be read: their bytes are kept in control.db",
                    report.unreadable
                );
                tracing::error!("{sentence}");
                damage.push(sentence);
            }
            damage.extend(report.damage);
        }
        // The files are as they were, or are read already; the next start goes on.
        Err(error) => {
            let sentence = format!(
                "settings.db and contacts.db were not carried over ({error}); the next start tries again"
            );
            tracing::error!("{sentence}");
            damage.push(sentence);
        }
    }
    Ok((db, damage))
}

fn without(error: &OpenError) -> String {
    format!(
        "{error}; without it uploads and reads go on, and nothing that it holds can be served or changed: instances, flows, numbers \
         and contacts. Stop the server and restore control.db from a backup"
    )
}

/// What an opening says, in sentences.
fn told(report: &OpenReport) -> Damage {
    let mut damage = Damage::new();
    if let Some(older) = report.older_copy {
        damage.push(format!(
            "control.db is an older copy: it was last written by start {} and the last one here was start {}{}; what was written \
             since is not in it. Restore the newest backup, or go on with this one",
            older.epoch,
            older.last_epoch,
            if older.is_same_start { "" } else { ", of another folder or time" },
        ));
    }
    if report.missing {
        damage.push(examine::MISSING.to_owned());
    }
    if let Some(aside) = &report.log_set_aside {
        damage.push(format!(
            "control.db-wal was there without its control.db: it is kept as {}",
            aside.file_name().unwrap_or_default().display()
        ));
    }
    damage
}
