//! Streams with their size, and who reads them how far behind.

mod list_readers;
mod list_streams;

pub(crate) use list_readers::ListReaders;
pub(crate) use list_streams::ListStreams;
