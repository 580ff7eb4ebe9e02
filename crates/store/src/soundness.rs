//! Whether stored bytes are still what was written.

use crate::{FragmentMeta, RecordHeader, StreamId, record};
use tympan_kms::DataKey;

/// Checks a record against what its index says of it: checksum, identity, and the GCM tag where there is a key.
///
/// The error is the end of a sentence that begins with the fragment.
pub(crate) fn check_record(
    bytes: &[u8],
    stream: StreamId,
    meta: &FragmentMeta,
    key_number: u32,
    key: Option<&DataKey>,
) -> Result<(), String> {
    let header = RecordHeader::check(bytes).map_err(|error| error.to_string())?;
    if (header.stream, header.meta.number) != (stream, meta.number) {
        return Err("another fragment stands in its place".to_owned());
    }
    if (header.meta, header.key) != (*meta, key_number) {
        return Err("the index says something else of it than its own header".to_owned());
    }
    if let Some(key) = key {
        record::check_opens(bytes, &header, key)?;
    }
    Ok(())
}
