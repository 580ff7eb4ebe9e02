//! The upkeep of `control.db`: how far it has come is noted, and contacts whose time is over are erased.

use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tympan_connect::ConnectService;
use tympan_db::contact::Expiry;
use tympan_db::{Db, DbError};
use tympan_store::MediaStore;
use tympan_types::{InstanceId, WallTime};

/// Between two passes.
const INTERVAL: Duration = Duration::from_secs(600);
/// Contacts that are erased in one commit: calls write between two of them.
const CONTACTS: usize = 50;
/// Contacts whose losses are looked at in one commit.
const LOOKED_AT: usize = 500;
const DAY_MS: i64 = 86_400_000;

/// How long contacts are kept.
pub(crate) struct Kept {
    /// In days; 0 keeps them.
    pub days: u32,
    /// Of instances that have a time of their own, by alias.
    pub of: Vec<(String, u32)>,
}

impl Kept {
    /// The time before which contacts of an instance that has this alias are over; none where they are kept.
    fn before(&self, alias: Option<&str>, now: WallTime) -> Option<WallTime> {
        let own =
            self.of.iter().find(|(known, _)| alias.is_some_and(|alias| known.eq_ignore_ascii_case(alias)));
        let days = own.map_or(self.days, |(_, days)| *days);
        (days > 0).then(|| now.plus_ms(-i64::from(days).saturating_mul(DAY_MS)))
    }
}

/// Keeps the database until `shutdown`. The first pass begins at once. Time is the store's: a clock that is in doubt erases nothing early.
pub(crate) async fn keep_control(
    db: Db,
    connect: ConnectService,
    store: MediaStore,
    kept: Kept,
    shutdown: CancellationToken,
) {
    if db.refuses().is_some() {
        return;
    }
    loop {
        if let Err(error) = pass(&db, &connect, store.trusted_now(), &kept).await {
            tracing::error!(%error, "control.db could not be kept in order; it is tried again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        // The start has noted itself.
        if let Err(error) = blocking(&db, Db::note_progress).await {
            tracing::warn!(%error, "how far control.db has come could not be noted");
        }
    }
}

async fn pass(db: &Db, connect: &ConnectService, now: WallTime, kept: &Kept) -> Result<(), DbError> {
    let instances = blocking(db, |db| db.read(|reader| reader.contact_instances())).await?;
    let mut erased = 0;
    for id in instances {
        let instance = connect.instance(id);
        let alias = instance.as_ref().map(|instance| instance.alias.as_str());
        if let Some(before) = kept.before(alias, now) {
            erased += expire(db, id, before).await?;
        }
    }
    if erased > 0 {
        let is_empty = blocking(db, Db::empty_log).await?;
        tracing::info!(erased, is_empty, "contacts whose time was over are erased");
    }
    // Of contacts of builds that had no such index; afterwards the first look says that there are none.
    while !blocking(db, |db| db.index_losses(LOOKED_AT)).await? {}
    Ok(())
}

async fn expire(db: &Db, id: InstanceId, before: WallTime) -> Result<usize, DbError> {
    let mut erased = 0;
    loop {
        let some = blocking(db, move |db| db.expire_contacts(Expiry::Instance(id, before), CONTACTS)).await?;
        erased += some;
        if some < CONTACTS {
            return Ok(erased);
        }
    }
}

async fn blocking<T: Send + 'static>(
    db: &Db,
    work: impl FnOnce(&Db) -> Result<T, DbError> + Send + 'static,
) -> Result<T, DbError> {
    let db = db.clone();
    let done = spawn_blocking(move || work(&db)).await;
    done.unwrap_or_else(|error| Err(DbError::Other(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_may_have_a_time_of_its_own_and_0_keeps_contacts() {
        let kept = Kept { days: 731, of: vec![("Support".to_owned(), 1), ("archive".to_owned(), 0)] };
        let now = WallTime::from_unix_ms(1_000 * DAY_MS);
        let before = |alias| kept.before(alias, now).map(|at| at.unix_ms() / DAY_MS);
        assert_eq!(before(Some("support")), Some(999));
        assert_eq!(before(Some("archive")), None);
        assert_eq!((before(Some("other")), before(None)), (Some(269), Some(269)));
    }
}
