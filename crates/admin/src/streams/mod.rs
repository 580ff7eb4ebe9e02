//! Streams with their size, what their producers were told, and who reads them how far behind.

mod list_acknowledgements;
mod list_readers;
mod list_streams;

pub(crate) use list_acknowledgements::ListAcknowledgements;
pub(crate) use list_readers::ListReaders;
pub(crate) use list_streams::ListStreams;
