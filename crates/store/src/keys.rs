//! Data keys, opened. A session's first use of a key always asks the key provider, so that a key that was disabled
//! stops new sessions at once; in between, opened keys are trusted for a few minutes. While the key provider is away,
//! opened keys are trusted for those minutes as well, so that an outage does not end what goes on.

use crate::store::Core;
use crate::{KeyRow, StoreError, Stream, StreamId, StreamKey};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_kms::{DataKey, EncryptionContext, KeyId, KeyProvider, KmsError};
use tympan_types::{Mono, StreamArn};

pub(crate) struct KeyCache {
    provider: Arc<dyn KeyProvider>,
    opened: Mutex<BTreeMap<(StreamId, u32), Opened>>,
}

struct Opened {
    key: Arc<DataKey>,
    at: Mono,
}

impl KeyCache {
    pub(crate) fn new(provider: Arc<dyn KeyProvider>) -> Self {
        Self { provider, opened: Mutex::default() }
    }

    /// Whether a new stream may name this master key. The ARN of the key that it is bound to, where it names it by an alias.
    pub(crate) async fn check_master(&self, kms_key_id: &str) -> Result<Option<String>, StoreError> {
        let described = self.provider.describe(&master(kms_key_id)?).await?;
        Ok(moves(kms_key_id).then_some(described.arn))
    }

    /// Drops the keys of a stream; they are wiped when the last session that holds them ends.
    pub(crate) fn forget(&self, stream: StreamId) {
        self.opened().retain(|(owner, _), _| *owner != stream);
    }

    fn remember(&self, stream: StreamId, number: u32, key: DataKey, now: Mono, limit: usize) -> Arc<DataKey> {
        let key = Arc::new(key);
        let mut opened = self.opened();
        if opened.len() >= limit
            && let Some(oldest) = opened.iter().min_by_key(|(_, entry)| entry.at).map(|(id, _)| *id)
        {
            opened.remove(&oldest);
        }
        opened.insert((stream, number), Opened { key: key.clone(), at: now });
        key
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<(StreamId, u32), Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// The key that a new session of writing seals under; made here for a stream without one, or with an old one.
    pub(crate) async fn writing_key(
        self: &Arc<Self>,
        stream: &Stream,
    ) -> Result<(u32, Arc<DataKey>), StoreError> {
        let id = stream.id;
        loop {
            let newest = self.blocking(move |core| core.backend.keys(id)).await?.pop();
            let now = self.now();
            if let Some(row) = &newest
                && now.wall.ms_since(row.created) < self.options.key_rotation_ms
            {
                return Ok((row.number, self.open_key(stream, row).await?));
            }
            let number = newest.as_ref().map_or(1, |row| row.number.saturating_add(1));
            let named = stream.kms_key_arn.as_ref().unwrap_or(&stream.kms_key_id);
            let (context, master) = (context_of(stream), master(named)?);
            let (key, wrapped) = match self.keys.provider.generate_data_key(&master, &context).await {
                Ok(made) => made,
                // An old key for a while longer is better than no media.
                Err(KmsError::Unavailable(why)) => {
                    let old = newest.and_then(|row| Some((row.number, self.trusted_key(id, row.number)?)));
                    return old.ok_or_else(|| KmsError::Unavailable(why).into());
                }
                Err(refusal) => return Err(refusal.into()),
            };
            let row = KeyRow { number, wrapped, created: now.wall };
            if self.blocking(move |core| core.backend.add_key(id, &row)).await? {
                let key = self.keys.remember(id, number, key, now.mono, self.options.key_cache_entries);
                return Ok((number, key));
            }
        }
    }

    /// Asks the key provider whether the stream may be read now; a stream that was never written has no key to ask for.
    pub(crate) async fn check_reading(self: &Arc<Self>, stream: &Stream) -> Result<(), StoreError> {
        let id = stream.id;
        if let Some(row) = self.blocking(move |core| core.backend.keys(id)).await?.pop() {
            self.open_key(stream, &row).await?;
        }
        Ok(())
    }

    /// The key with which a stored fragment is opened.
    pub(crate) async fn reading_key(
        self: &Arc<Self>,
        stream: &Stream,
        number: u32,
    ) -> Result<Arc<DataKey>, StoreError> {
        let id = stream.id;
        if let Some(key) = self.trusted_key(id, number) {
            return Ok(key);
        }
        let rows = self.blocking(move |core| core.backend.keys(id)).await?;
        let Some(row) = rows.iter().find(|row| row.number == number) else {
            // A deleted stream has no keys left; anything else is damage.
            let exists = move |core: &Self| core.backend.stream(&StreamKey::Id(id));
            return Err(if rows.is_empty() && self.blocking(exists).await?.is_none() {
                StoreError::stream_not_found()
            } else {
                StoreError::corrupt(format!(
                    "stream {id} has no data key {number}: its fragments cannot be read"
                ))
            });
        };
        self.open_key(stream, row).await
    }

    /// Opens all of a stream's keys beside the cache, for somebody who reads everything once. Keys that the provider
    /// refuses are left out.
    pub(crate) async fn keys_apart(
        self: &Arc<Self>,
        stream: &Stream,
    ) -> Result<HashMap<u32, DataKey>, StoreError> {
        let id = stream.id;
        let mut opened = HashMap::new();
        for row in self.blocking(move |core| core.backend.keys(id)).await? {
            if let Ok(key) = self.keys.provider.unwrap(&row.wrapped, &context_of(stream)).await {
                opened.insert(row.number, key);
            }
        }
        Ok(opened)
    }

    async fn open_key(&self, stream: &Stream, row: &KeyRow) -> Result<Arc<DataKey>, StoreError> {
        match self.keys.provider.unwrap(&row.wrapped, &context_of(stream)).await {
            Ok(key) => {
                let (now, limit) = (self.clock.mono(), self.options.key_cache_entries);
                Ok(self.keys.remember(stream.id, row.number, key, now, limit))
            }
            // Nobody says that the key may not be used; nobody can.
            Err(KmsError::Unavailable(why)) => match self.trusted_key(stream.id, row.number) {
                Some(key) => {
                    tracing::warn!(stream = %stream.id, why, "key provider away; an opened data key goes on");
                    Ok(key)
                }
                None => Err(KmsError::Unavailable(why).into()),
            },
            Err(refusal) => {
                self.keys.forget(stream.id);
                Err(refusal.into())
            }
        }
    }

    /// An opened key that is young enough to be used without asking.
    fn trusted_key(&self, stream: StreamId, number: u32) -> Option<Arc<DataKey>> {
        let (now, opened) = (self.clock.mono(), self.keys.opened());
        let young = |entry: &&Opened| now.ms_since(entry.at) < self.options.key_cache_ms;
        opened.get(&(stream, number)).filter(young).map(|entry| entry.key.clone())
    }
}

fn context_of(stream: &Stream) -> EncryptionContext {
    context(&stream.arn, stream.id)
}

/// Binds a wrapped key to one generation of one stream.
pub(crate) fn context(arn: &StreamArn, id: StreamId) -> EncryptionContext {
    EncryptionContext::new()
        .with("tympan:stream-arn", arn.to_string())
        .with("tympan:stream-id", id.to_string())
}

/// Whether this is an alias that may be pointed to another key. The service's own is not.
fn moves(kms_key_id: &str) -> bool {
    let name = kms_key_id.rsplit_once(':').map_or(kms_key_id, |(_, name)| name);
    name.strip_prefix("alias/").is_some_and(|name| !name.starts_with("aws/"))
}

fn master(kms_key_id: &str) -> Result<KeyId, StoreError> {
    KeyId::parse(kms_key_id).map_err(|error| StoreError::from(KmsError::NotFound(error.to_string())))
}
