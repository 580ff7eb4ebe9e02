use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tympan_mkv::fragment::{FragmentReader, FragmentSink, HeadPart};
use tympan_mkv::{Limits, MkvError};

/// Splits a GetMedia body into its documents, which are the fragments, byte for byte.
#[derive(Debug)]
pub(super) struct Documents {
    reader: FragmentReader,
    split: Split,
}

impl Documents {
    pub(super) fn new() -> Self {
        Self { reader: FragmentReader::new(Limits::default()), split: Split::default() }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), MkvError> {
        self.reader.push(chunk, &mut self.split)
    }

    /// The body is over; a document that was cut off is dropped.
    pub(super) fn finish(&mut self) {
        if self.reader.finish(&mut self.split).is_ok() {
            self.split.document();
        }
    }

    /// The next document with a Cluster that is complete. One without is an error that the service tells of.
    pub(super) fn poll(&mut self) -> Option<Bytes> {
        self.split.whole.pop_front()
    }
}

#[derive(Debug, Default)]
struct Split {
    open: BytesMut,
    has_cluster: bool,
    whole: VecDeque<Bytes>,
}

impl FragmentSink for Split {
    fn document(&mut self) {
        let document = self.open.split().freeze();
        if std::mem::take(&mut self.has_cluster) {
            self.whole.push_back(document);
        }
    }

    fn head(&mut self, bytes: &[u8], _part: HeadPart) {
        self.open.extend_from_slice(bytes);
    }

    fn cluster_start(&mut self) {
        self.has_cluster = true;
    }

    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }

    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::reader::tests::fragment;

    #[test]
    fn documents_are_the_bytes_that_came() {
        let sent =
            [fragment(1, 0, &[&[1; 320]]), fragment(2, 20, &[&[2; 320]]), fragment(3, 40, &[&[3; 320]])];
        let body = sent.concat();
        for chunk_bytes in [1, 7, 100, body.len()] {
            let mut documents = Documents::new();
            for chunk in body.chunks(chunk_bytes) {
                documents.push(chunk).unwrap();
            }
            documents.finish();
            let got: Vec<Bytes> = std::iter::from_fn(|| documents.poll()).collect();
            assert_eq!(got, sent, "in chunks of {chunk_bytes}");
        }
    }

    #[test]
    fn a_document_that_was_cut_off_is_dropped() {
        let (whole, cut) = (fragment(1, 0, &[&[1; 320]]), fragment(2, 20, &[&[2; 320]]));
        let mut documents = Documents::new();
        documents.push(&whole).unwrap();
        documents.push(&cut[..cut.len() - 5]).unwrap();
        documents.finish();
        assert_eq!(documents.poll().as_deref(), Some(&whole[..]));
        assert_eq!(documents.poll(), None);
    }
}
