//! `POST /_tympan/reset`: this life of the server ends, its files go, and another begins behind the same sockets.

use super::line_files::LineFiles;
use super::wire::{self, Emulation, Furnished, Life, Running};
use crate::call::CallRegistry;
use crate::config::Config;
use crate::http::Router;
use crate::kms::Keys;
use crate::sink::CaptureQueue;
use anyhow::{Context, bail};
use async_trait::async_trait;
use std::collections::HashSet;
use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tympan_emulator::{Component, Generation, ResetRequest, clear_all};
use tympan_store::MediaStore;

/// How long calls and uploads may take to end when they are told to. They need milliseconds.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How long clients may take to read the end of what they asked for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The lock stays: it is what keeps other servers out of the folder.
const LOCK: &str = "LOCK";

/// How the files begin that a server keeps in its folder.
const OWN: [&str; 20] = [
    "CLOCK",
    "CONTROL",
    "JOURNAL",
    "FORMAT",
    LOCK,
    "RESERVE",
    "audit.jsonl",
    "catalog.db",
    "chunks",
    "contact-records.jsonl",
    "contacts.db",
    "control.db",
    "dead-letter",
    "flow-logs.jsonl",
    "journal",
    "keyring",
    "lost+found",
    "session.key",
    "settings.db",
    "streams",
];

/// Which files of the data folder are this server's: all but those of others that were there before it.
pub(super) struct OwnFiles {
    folder: PathBuf,
    of_others: HashSet<OsString>,
}

impl OwnFiles {
    /// Looks at a folder before the server writes to it.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut of_others = HashSet::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let own = name.to_str().is_some_and(|name| OWN.iter().any(|own| name.starts_with(own)));
            if !own {
                of_others.insert(name);
            }
        }
        Ok(Self { folder: folder.canonicalize()?, of_others })
    }

    /// Waits until this process has none of the databases open. One that is closed only after its file was removed might
    /// take files of the same name with it, and those belong to the next life.
    async fn closed(&self, limit: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let open = self.open()?;
            if open.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > limit {
                bail!("these databases are still in use: {open:?}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The databases in the folder, and their logs, that this process has open.
    fn open(&self) -> io::Result<Vec<PathBuf>> {
        let mut open = Vec::new();
        for entry in std::fs::read_dir("/proc/self/fd")? {
            // A descriptor may be closed between the two looks.
            if let Ok(target) = std::fs::read_link(entry?.path())
                && target.starts_with(&self.folder)
                && target.to_string_lossy().contains(".db")
            {
                open.push(target);
            }
        }
        Ok(open)
    }

    fn remove(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() == LOCK || self.of_others.contains(&entry.file_name()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Waits for `ended`, and resets the server meanwhile as often as it is asked for.
pub(super) async fn serve_until(
    ended: impl Future<Output = io::Result<()>>,
    running: &mut Running,
    config: &Config,
) -> io::Result<()> {
    tokio::pin!(ended);
    loop {
        let asked = async {
            match &mut running.emulation {
                Some(Emulation { resets, .. }) => resets.recv().await,
                None => None,
            }
        };
        tokio::select! {
            outcome = &mut ended => return outcome,
            Some(ResetRequest(reply)) = asked => {
                let done = running.reset(config).await;
                // The client may have gone.
                let _ = reply.send(done);
            }
        }
    }
}

impl Running {
    /// Ends calls and connections, removes everything that was kept, and begins anew. The sockets stay; who calls or
    /// asks meanwhile waits.
    async fn reset(&mut self, config: &Config) -> anyhow::Result<()> {
        let Some(Emulation { emulator, own_files, .. }) = &self.emulation else {
            bail!("only a server under --dev can be reset");
        };
        let mut generation = emulator.hold().await;
        let Some(Life { calls, queue, store, line_files, keys, admission_task, shutdown }) = self.life.take()
        else {
            bail!("an earlier reset failed half-way");
        };
        let invitations = admission_task.close().await?;
        self.site.users.clear();
        let mut calls = Calls(Some(calls));
        let mut uploads = Uploads { store: Some(store.clone()), shutdown };
        let mut media = Media(Some((queue, store, line_files, keys)));
        let mut folder = Folder { files: own_files, generation: generation.take() };
        clear_all(&mut [&mut calls, &mut uploads, &mut media, &mut emulator.laid(), &mut folder]).await?;
        let stored = wire::reopen_store(config, &self.site)?;
        let furnished = wire::furnish(config, &self.site, stored).await?;
        let Furnished { calls, queue, store, line_files, keys, shutdown, admission, centre_task, services } =
            furnished;
        *generation = Some(self.site.generation(services, &store, &calls, &shutdown));
        let admission_task = centre_task.begin(admission, self.sip.calls(), invitations);
        self.life = Some(Life { calls, queue, store, line_files, keys, admission_task, shutdown });
        tracing::info!("reset");
        Ok(())
    }
}

// What is cleared lets go of everything that it holds: only then are the databases closed, and their files can go.

/// Calls that are up: they are hung up, and their records closed.
struct Calls(Option<CallRegistry>);

#[async_trait]
impl Component for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        let Some(calls) = self.0.take() else { return Ok(()) };
        calls.drain(Duration::ZERO);
        if tokio::time::timeout(END_LIMIT, calls.emptied()).await.is_err() {
            tracing::warn!(calls = calls.len(), "calls did not end in time; a reset goes on without them");
        }
        Ok(())
    }
}

/// Uploads, and the upkeep that runs beside them.
struct Uploads {
    store: Option<MediaStore>,
    shutdown: CancellationToken,
}

#[async_trait]
impl Component for Uploads {
    fn name(&self) -> &'static str {
        "uploads"
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        let Some(store) = self.store.take() else { return Ok(()) };
        let ended = async {
            while store.stats().writers > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(END_LIMIT, ended).await.is_err() {
            tracing::warn!("uploads did not end in time; a reset goes on without them");
        }
        Ok(())
    }
}

/// What writes: the queue of captures, the store, files of lines; and the keys.
struct Media(Option<(Arc<CaptureQueue>, MediaStore, LineFiles, Keys)>);

#[async_trait]
impl Component for Media {
    fn name(&self) -> &'static str {
        "the store"
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        if let Some((queue, store, line_files, _keys)) = self.0.take() {
            queue.close();
            store.shutdown().await;
            line_files.close().await;
        }
        Ok(())
    }
}

/// The data folder, once what still sends from it has come to an end.
struct Folder<'a> {
    files: &'a OwnFiles,
    generation: Option<Generation<Router>>,
}

#[async_trait]
impl Component for Folder<'_> {
    fn name(&self) -> &'static str {
        "the data folder"
    }

    async fn clear(&mut self) -> anyhow::Result<()> {
        let cut_off = self.generation.take().map(Generation::close);
        if self.files.closed(PATIENCE).await.is_err()
            && let Some(cut_off) = cut_off
        {
            cut_off();
        }
        self.files.closed(END_LIMIT).await?;
        self.files.remove().context("the files of the last life cannot be removed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn databases_that_are_open_are_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let own = OwnFiles::of(folder.path()).unwrap();
        let _log = std::fs::File::create(folder.path().join("flow-logs.jsonl")).unwrap();
        own.closed(Duration::ZERO).await.unwrap();
        let file = std::fs::File::create(folder.path().join("control.db")).unwrap();
        let refused = own.closed(Duration::from_millis(10)).await.unwrap_err();
        assert!(refused.to_string().contains("control.db"), "{refused}");
        drop(file);
        own.closed(Duration::from_secs(10)).await.unwrap();
    }

    #[test]
    fn what_others_had_in_the_folder_stays_and_all_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("notes.txt"), "theirs").unwrap();
        std::fs::create_dir(path("photos")).unwrap();
        std::fs::write(path("catalog.db-wal"), "of an earlier start").unwrap();
        std::fs::write(path("LOCK"), "").unwrap();
        std::fs::create_dir(path("streams")).unwrap();
        std::fs::write(path("streams").join("one.stream"), "keys").unwrap();
        let own = OwnFiles::of(folder.path()).unwrap();
        std::fs::create_dir(path("chunks")).unwrap();
        std::fs::write(path("chunks").join("one"), "media").unwrap();
        std::fs::write(path("something-new.jsonl"), "a later version's").unwrap();
        own.remove().unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["LOCK", "notes.txt", "photos"]);
    }
}
