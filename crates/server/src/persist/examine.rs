//! What `doctor` says of a control database that no server runs on.

use super::{Damage, kinds, options, told, without};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use tympan_db::Db;

pub(super) const MISSING: &str = "control.db is missing or empty, though a server has run here: what it held is gone unless it is restored from a backup";

/// Rows that are named.
const NAMED: usize = 10;

/// Whether there is what an earlier version kept: it is carried over.
pub(super) fn has_earlier(folder: &Path) -> bool {
    ["settings.db", "contacts.db"].iter().any(|name| folder.join(name).exists())
}

/// What is wrong with the control database of a folder that no server runs on. `start` is the number of the store's last start, where
/// that is known. It is looked at in a copy, because SQLite writes even where one only reads.
pub(crate) fn examine(folder: &Path, start: Option<u64>) -> io::Result<Damage> {
    let scratch = std::env::temp_dir().join(format!("tympan-control-{}", uuid::Uuid::new_v4()));
    std::fs::DirBuilder::new().mode(0o700).create(&scratch)?;
    let examined = examine_in(folder, &scratch, start);
    std::fs::remove_dir_all(&scratch)?;
    examined
}

fn examine_in(folder: &Path, scratch: &Path, start: Option<u64>) -> io::Result<Damage> {
    let mut damage = Damage::new();
    let mut is_there = false;
    for name in ["control.db", "control.db-wal", "CONTROL"] {
        match std::fs::copy(folder.join(name), scratch.join(name)) {
            Ok(bytes) => is_there |= name == "control.db" && bytes > 0,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let has_run = start.is_some_and(|start| start > 0) || scratch.join("CONTROL").exists();
    if is_there {
        damage.extend(examine_copy(scratch));
    } else if has_run && !has_earlier(folder) {
        damage.push(MISSING.to_owned());
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let of_ours = ["control.db", "settings.db", "contacts.db"].iter().any(|file| name.starts_with(file));
        let is_log = name.ends_with("-wal") && !name.starts_with("control.db-wal");
        if of_ours && name.contains(".damaged-") && !is_log {
            damage.push(format!(
                "{name} was set aside, because it is damaged: what it held beside what could be read is not served"
            ));
        }
    }
    Ok(damage)
}

fn examine_copy(scratch: &Path) -> Damage {
    let (db, report) = match Db::open(scratch, kinds(), options()) {
        Ok(opened) => opened,
        Err(error) => return vec![without(&error)],
    };
    let mut damage = told(&report);
    match db.examine() {
        Ok(examination) => {
            if examination.unreadable > 0 {
                let rows = db.unreadable().rows;
                let named: Vec<String> = rows
                    .iter()
                    .take(NAMED)
                    .map(|row| format!("{} {}: {}", row.kind, row.key, row.reason))
                    .collect();
                damage.push(format!(
                    "control.db has {} rows that cannot be read, which are left out: restore it from a backup ({})",
                    examination.unreadable,
                    named.join("; ")
                ));
            }
            if examination.aside_count > 0 {
                let aside = examination.aside.iter().take(NAMED);
                let named: Vec<String> =
                    aside.map(|row| format!("{} {}: {}", row.kind, row.key, row.reason)).collect();
                damage.push(format!(
                    "control.db keeps the bytes of {} rows that could not be read and gave way to others ({})",
                    examination.aside_count,
                    named.join("; ")
                ));
            }
        }
        Err(error) => damage.push(format!("control.db cannot be read to its end: {error}")),
    }
    damage
}
