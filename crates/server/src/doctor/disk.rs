//! The disk under the data directory: room, and how long a promise takes.

use super::{Finding, nearest};
use nix::sys::statfs::{self, FsType};
use nix::sys::statvfs::statvfs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const CHECK: &str = "disk";
/// Below this much room a server stops taking media within minutes.
const LITTLE_BYTES: u64 = 1 << 30;
const LITTLE_INODES: u64 = 10_000;
/// Writes that are synced, one after the other.
const SYNCS: usize = 8;
const SYNC_BYTES: usize = 16 << 10;
/// Above this a call's audio is acknowledged late enough to be noticed.
const SLOW: Duration = Duration::from_millis(50);

pub(super) fn examine(data: &Path) -> Vec<Finding> {
    let folder = nearest(data);
    let mut findings = Vec::new();
    match statvfs(folder) {
        Ok(space) => {
            let free_bytes = space.blocks_available().saturating_mul(space.fragment_size());
            let total_bytes = space.blocks().saturating_mul(space.fragment_size());
            findings.push(room(folder, free_bytes, total_bytes));
            findings.extend(inodes(folder, space.files_available(), space.files()));
        }
        Err(error) => findings.push(Finding::problem(
            CHECK,
            format!("{} cannot be looked at: {error}", folder.display()),
            "nothing is known of the room on it",
            format!("`df {}`", folder.display()),
        )),
    }
    findings.extend(kind(folder));
    findings.push(match time_syncs(folder) {
        Ok(times) => sync_latency(&times),
        Err(error) => Finding::problem(
            CHECK,
            format!("a file in {} cannot be written and synced: {error}", folder.display()),
            "the server could not keep anything there",
            format!("run it as the owner of {}, and see `dmesg` for errors of the disk", folder.display()),
        ),
    });
    findings
}

fn room(folder: &Path, free_bytes: u64, total_bytes: u64) -> Finding {
    let place = folder.display();
    let what = format!("{} MB of {} MB are free at {place}", free_bytes >> 20, total_bytes >> 20);
    if free_bytes < LITTLE_BYTES / 4 {
        let why = "uploads will be refused with ARCHIVAL_ERROR within minutes";
        Finding::problem(CHECK, what, why, "make room, shorten retentions, or give it a larger disk")
    } else if free_bytes < LITTLE_BYTES || free_bytes < total_bytes / 20 {
        let why = "a hundred calls fill a gigabyte in about ten minutes";
        Finding::warning(CHECK, what, why, "make room, shorten retentions, or give it a larger disk")
    } else {
        Finding::ok(CHECK, what)
    }
}

/// Some file systems make inodes as they need them, and say that they have none.
fn inodes(folder: &Path, free: u64, total: u64) -> Option<Finding> {
    if total == 0 {
        return None;
    }
    let what = format!("{free} of {total} inodes are free at {}", folder.display());
    Some(if free < LITTLE_INODES {
        let why = "every five minutes of a call are a file: without inodes no chunk can be made, and the journal grows";
        Finding::problem(CHECK, what, why, format!("remove small files; `df -i {}`", folder.display()))
    } else {
        Finding::ok(CHECK, what)
    })
}

fn kind(folder: &Path) -> Option<Finding> {
    let kind: FsType = statfs::statfs(folder).ok()?.filesystem_type();
    let place = folder.display();
    if kind == statfs::TMPFS_MAGIC {
        return Some(Finding::warning(
            CHECK,
            format!("{place} is in memory (tmpfs)"),
            "everything is gone when the machine restarts",
            "set data_dir to a folder on a disk",
        ));
    }
    (kind == statfs::NFS_SUPER_MAGIC).then(|| {
        Finding::warning(
            CHECK,
            format!("{place} is on NFS"),
            "locks and fsync are only as good as that server's",
            "use a local disk, or mount with hard and without nolock",
        )
    })
}

/// How long each of some synced writes takes.
fn time_syncs(folder: &Path) -> std::io::Result<Vec<Duration>> {
    let path = folder.join(format!(".tympan-doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let bytes = [0x5a; SYNC_BYTES];
    let mut measure = || {
        let begun = Instant::now();
        file.write_all(&bytes).and_then(|()| file.sync_data()).map(|()| begun.elapsed())
    };
    let times: std::io::Result<Vec<Duration>> = (0..SYNCS).map(|_| measure()).collect();
    std::fs::remove_file(&path)?;
    times
}

fn sync_latency(times: &[Duration]) -> Finding {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (median, slowest) = (sorted.get(sorted.len() / 2), sorted.last());
    let what =
        format!("{SYNCS} synced writes took {:.1} ms (median), {:.1} ms at most", ms(median), ms(slowest));
    if median.is_some_and(|median| *median > SLOW) {
        Finding::warning(
            CHECK,
            what,
            "each group of fragments is acknowledged after one of these; Start blocks wait for the first",
            "a disk with a battery-backed or power-loss-protected cache, or fewer neighbours on this one: `iostat -x 1`",
        )
    } else {
        Finding::ok(CHECK, what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn room_is_judged_by_what_is_left() {
        let state = |free, total| room(Path::new("/"), free, total).state;
        assert_eq!(state(500 << 30, 1_000 << 30), State::Ok);
        assert_eq!(state(30 << 30, 1_000 << 30), State::Warning);
        assert_eq!(state(100 << 20, 1_000 << 30), State::Problem);
        assert_eq!(inodes(Path::new("/"), 0, 0), None);
        assert_eq!(inodes(Path::new("/"), 5, 1_000_000).unwrap().state, State::Problem);
    }

    #[test]
    fn the_disk_is_measured_and_left_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let times = time_syncs(place.path()).unwrap();
        assert_eq!(times.len(), SYNCS);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        assert_eq!(sync_latency(&[Duration::from_millis(200)]).state, State::Warning);
        assert_eq!(sync_latency(&[Duration::from_millis(2)]).state, State::Ok);
        assert!(time_syncs(&place.path().join("nothing")).is_err());
        // A folder that is still to be made is judged by the one above it.
        assert!(
            examine(&place.path().join("a/b")).iter().any(|finding| finding.what.contains("synced writes"))
        );
    }
}
