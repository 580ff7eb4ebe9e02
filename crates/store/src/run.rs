//! A run of records that were read from the disk at once, each opened when its turn comes.

use crate::gone::Gone;
use crate::record::{self, Opened};
use crate::{StoreError, StreamId};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_kms::DataKey;
use tympan_types::{FragmentNumber, ServerTime};

/// Data keys by number; none for one that is lost.
pub(crate) type Keys = Vec<(u32, Option<Arc<DataKey>>)>;

/// Records in order, as they lie on the disk. So what is read ahead takes no more memory than it does there, and a
/// fragment's plain bytes are still in the processor's cache when they are sent.
pub(crate) struct Run {
    stream: StreamId,
    keys: Keys,
    sealed: VecDeque<Sealed>,
}

/// A record and what the index says of it.
pub(crate) struct Sealed {
    pub(crate) number: FragmentNumber,
    pub(crate) server: ServerTime,
    pub(crate) key: u32,
    /// One that could not be read does not hide the others.
    pub(crate) record: Result<BytesMut, StoreError>,
}

impl Run {
    pub(crate) fn new(stream: StreamId, keys: Keys, sealed: impl IntoIterator<Item = Sealed>) -> Self {
        Self { stream, keys, sealed: sealed.into_iter().collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty()
    }

    /// The next record that is not gone.
    pub(crate) fn next(&mut self, gone: &Gone) -> Option<Result<Opened, StoreError>> {
        loop {
            let sealed = self.sealed.pop_front()?;
            if !gone.has_number(sealed.number, sealed.server) {
                return Some(self.open(sealed));
            }
        }
    }

    fn open(&self, sealed: Sealed) -> Result<Opened, StoreError> {
        let Sealed { number, key: key_number, record, .. } = sealed;
        let record = record.map_err(|error| error.about(number))?;
        let key =
            self.keys.iter().find(|(known, _)| *known == key_number).and_then(|(_, key)| key.as_deref());
        let key = key.ok_or_else(|| {
            let stream = self.stream;
            let message = format!(
                "fragment {number} of stream {stream} cannot be read: the catalogue has lost data key {key_number}"
            );
            StoreError::corrupt(message).about(number)
        })?;
        record::open(record, self.stream, number, key)
    }
}
