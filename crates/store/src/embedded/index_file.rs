//! The side file of a chunk: the indexes of its fragments, `<chunk>.index`.
//!
//! ```text
//! header, 64 bytes   0 "TYIS"  4 CRC-32C of the rest  8 version u16  16 stream 16  32 epoch u64  40 zeros
//! blocks             as in the journal, ascending by number; fragments without an index have none
//! ```
//! It promises nothing of its own: whatever is wrong with it, the chunk is whole, and an index can be made of audio.
//! Source: docs/storage.md section 4.

use super::chunk_store::ChunkStore;
use super::disk::{Disk, DiskFile, read_range};
use crate::{ChunkRow, StoreError, StreamId};
use std::io;
use std::path::Path;

/// Bytes before the first block.
const INDEX_FILE_HEADER_BYTES: usize = 64;
const MAGIC: [u8; 4] = *b"TYIS";
const VERSION: u16 = 1;
/// No side file is larger; a chunk of the usual size has some hundred kilobytes.
const MAX_FILE_BYTES: u64 = 256 << 20;
const SUFFIX: &str = ".index";

/// The side file of a chunk.
pub(super) fn index_object(object: &str) -> String {
    format!("{object}{SUFFIX}")
}

/// The chunk that a file is the side file of.
pub(super) fn chunk_of(object: &str) -> Option<&str> {
    object.strip_suffix(SUFFIX).filter(|chunk| chunk.ends_with(".chunk"))
}

/// Writes a side file, durable when this returns but for its name. Without blocks there is none.
pub(super) fn write(
    disk: &dyn Disk,
    path: &Path,
    stream: StreamId,
    epoch: u64,
    blocks: &[u8],
) -> io::Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    let mut bytes = vec![0; INDEX_FILE_HEADER_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&stream.to_bytes());
    bytes[32..40].copy_from_slice(&epoch.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(blocks);
    let file = disk.create(path)?;
    file.write_all_at(&bytes, 0)?;
    file.sync_data()
}

/// The blocks of a side file; an error says in a sentence why there are none to be had.
pub(super) fn read(file: &dyn DiskFile, stream: StreamId) -> Result<Vec<u8>, String> {
    let mut bytes = (|| {
        let length = file.len()?.min(MAX_FILE_BYTES);
        read_range(file, 0, length)
    })()
    .map_err(|error: io::Error| format!("it cannot be read: {error}"))?;
    let sound = bytes.first_chunk::<INDEX_FILE_HEADER_BYTES>().is_some_and(|header| {
        header[..4] == MAGIC
            && header[8..10] == VERSION.to_le_bytes()
            && header[4..8] == crc32c::crc32c(&header[8..]).to_le_bytes()
            && header[16..32] == stream.to_bytes()
    });
    if !sound {
        return Err("its header is damaged".to_owned());
    }
    Ok(bytes.split_off(INDEX_FILE_HEADER_BYTES))
}

impl ChunkStore {
    /// The blocks of a chunk's side file; none if there is no such file or it cannot be read.
    pub(super) fn indexes(&self, chunk: &ChunkRow) -> Vec<u8> {
        let object = index_object(&chunk.object);
        let why = match self.disk().open(&self.root().join(&object)) {
            Ok(file) => match read(&*file, chunk.stream) {
                Ok(blocks) => return blocks,
                Err(why) => why,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => format!("it cannot be opened: {error}"),
        };
        tracing::warn!(object, why, "the index of a chunk cannot be used; indexes are made of its audio");
        Vec::new()
    }

    /// Removes side files of which the chunk is gone.
    pub(super) fn remove_index_files(&self, orphans: &[String]) -> Result<(), StoreError> {
        for object in orphans {
            match self.disk().remove(&self.root().join(object)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io(format_args!("remove {object}"), &error));
                }
                _ => tracing::info!(object, "the index of a chunk that is gone is removed"),
            }
        }
        Ok(())
    }
}
