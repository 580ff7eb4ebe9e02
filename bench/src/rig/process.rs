//! What a process has cost, as `/proc` tells it.

use anyhow::Context;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// One reading of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// User and kernel time of all its threads, ended ones included.
    pub(crate) cpu: Duration,
    /// Resident memory.
    pub(crate) rss_bytes: u64,
    /// Bytes that it caused to be written to a disk.
    pub(crate) written_bytes: u64,
}

impl Usage {
    /// Reads `/proc/PID`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let ticks = cpu_ticks(&read("stat")?).context("/proc/PID/stat is not as proc_pid_stat(5) says")?;
        let rss_kb = field(&read("status")?, "VmRSS:").context("/proc/PID/status has no VmRSS")?;
        // Some kernels are built without it.
        let written_bytes = read("io").ok().and_then(|io| field(&io, "write_bytes:")).unwrap_or(0);
        Ok(Self { cpu: of_ticks(ticks), rss_bytes: rss_kb * 1_024, written_bytes })
    }
}

/// User and kernel time of the threads that live, by their names without numbers: `media-0` counts as `media`.
pub(crate) fn cpu_by_thread(pid: u32) -> BTreeMap<String, Duration> {
    let mut threads = BTreeMap::new();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for stat in tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok()) {
        if let (Some(name), Some(ticks)) = (thread_name(&stat), cpu_ticks(&stat)) {
            *threads.entry(name).or_default() += of_ticks(ticks);
        }
    }
    threads
}

/// Field 2, without what numbers it.
fn thread_name(stat: &str) -> Option<String> {
    let name = stat.split_once('(')?.1.rsplit_once(')')?.0;
    Some(name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '-').to_owned())
}

fn of_ticks(ticks: u64) -> Duration {
    Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

/// `utime` and `stime`, fields 14 and 15. The name in field 2 may hold anything, blanks and brackets included.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || after_name.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// What the files under a folder take up on disk. Files that vanish meanwhile count as nothing.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_times_behind_a_hostile_name() {
        let stat = "7 (a b) 1x) S 1 7 7 0 -1 4194560 100 0 0 0 123 45 6 7 20 0 9 0 3340";
        assert_eq!(cpu_ticks(stat), Some(168));
        assert_eq!(cpu_ticks("7 (short) S 1"), None);
        assert_eq!(thread_name(stat).as_deref(), Some("a b) 1x"));
        assert_eq!(thread_name("7 (media-12) S").as_deref(), Some("media"));
        assert_eq!(field("VmPeak:\t 1 kB\nVmRSS:\t  9344 kB\n", "VmRSS:"), Some(9_344));
    }

    #[test]
    fn reads_this_very_process() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_bytes > 100_000);
        assert!(!cpu_by_thread(std::process::id()).is_empty());
    }

    #[test]
    fn counts_what_lies_in_folders_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(disk_bytes(folder.path()), 0);
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b"), vec![1; 100_000]).unwrap();
        std::fs::File::open(folder.path().join("a/b")).unwrap().sync_all().unwrap();
        assert!(disk_bytes(folder.path()) >= 100_000);
    }
}
