//! The record: one fragment as it stands in the journal and, unchanged, in a chunk.
//!
//! ```text
//!  0 magic "TYMF"    8 version u16   12 length u32    32 number 20, big-endian   68 duration ms u32   80 body length u32
//!  4 CRC-32C u32    10 form u16      16 stream 16     52 producer ms i64         72 key number u32    84 nonce 12
//!                                                     60 server ms i64           76 head length u32   96 ciphertext, tag 16
//! ```
//! Little-endian but for the number. The CRC covers everything after itself; bytes 8..84 are the associated data of
//! the encryption, so no fragment can pass for another one, in another stream, at another time. Where a record lies is
//! not part of it: it moves from journal to chunk byte for byte. The body may stand in a smaller form, which the header
//! names; the lengths of head and body are always those of the plain bytes. Source: docs/storage.md section 2.

use crate::codec::Piece;
use crate::index_block;
use crate::{BodyCodec, Fragment, FragmentMeta, StoreError, StreamId};
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::ops::Range;
use tympan_kms::{DataKey, NONCE_BYTES, TAG_BYTES, random_nonce};
use tympan_types::{FragmentNumber, ProducerTime, ServerTime};

/// Bytes before the ciphertext.
pub const RECORD_HEADER_BYTES: usize = 96;
/// No record is larger; a length beyond this is damage.
pub(crate) const MAX_RECORD_BYTES: usize = 256 << 20;
const MAGIC: [u8; 4] = *b"TYMF";
/// What is written. Version 1, which knew the plain form only, is still read.
const VERSION: u16 = 2;
const OLDEST_VERSION: u16 = 1;
/// The form of a body that stands as it came.
const PLAIN: u16 = 0;
const ASSOCIATED: Range<usize> = 8..84;

/// What stands before a fragment's ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// The stream generation.
    pub stream: StreamId,
    /// The fragment.
    pub meta: FragmentMeta,
    /// Which of the stream's data keys it is sealed under.
    pub key: u32,
    /// The nonce it is sealed with.
    pub nonce: [u8; NONCE_BYTES],
    /// The form in which the body stands: 0 as it came, else that of a [`BodyCodec`].
    pub form: u16,
    /// Bytes of the body in that form.
    pub stored_body_bytes: u32,
    version: u16,
}

/// A sealed fragment, ready for the journal.
#[derive(Clone)]
pub struct Record {
    header: [u8; RECORD_HEADER_BYTES],
    ciphertext: Vec<u8>,
    /// The sealed index of the fragment, which goes to the journal with it; empty where there is none.
    index: Vec<u8>,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("the record is cut off")]
    CutOff,
    /// The first four bytes are something else.
    #[error("no record begins here")]
    Magic,
    /// A later version of this program wrote it.
    #[error("record format {0} is newer than this program")]
    Version(u16),
    /// The lengths within the header contradict each other.
    #[error("the record's lengths contradict each other")]
    Length,
    /// The checksum does not match.
    #[error("the record's checksum does not match")]
    Checksum,
}

impl Record {
    /// Encrypts a fragment, with its body in the codec's form where that is smaller. `parts` are its head and then its
    /// body, in order; their lengths are those in `meta`.
    pub(crate) fn seal<'a>(
        stream: StreamId,
        meta: FragmentMeta,
        key: (u32, &DataKey),
        codec: Option<&dyn BodyCodec>,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        Self::seal_with(random_nonce(), stream, meta, key, codec, parts)
    }

    /// As [`Self::seal`], with a nonce that was never used under this key before.
    pub(crate) fn seal_with<'a>(
        nonce: [u8; NONCE_BYTES],
        stream: StreamId,
        meta: FragmentMeta,
        key: (u32, &DataKey),
        codec: Option<&dyn BodyCodec>,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let plain_bytes = usize::try_from(meta.size_bytes()).unwrap_or(usize::MAX);
        let mut plain = Vec::with_capacity(plain_bytes.saturating_add(TAG_BYTES));
        for part in parts {
            plain.extend_from_slice(part);
        }
        debug_assert_eq!(plain.len(), plain_bytes, "the parts are what meta says");
        let smaller = codec.and_then(|codec| smaller_form(codec, &plain, meta.head_bytes as usize));
        let (form, content) = smaller.unwrap_or((PLAIN, plain));
        Self::encrypt(nonce, stream, meta, key, form, content)
    }

    /// As [`Self::seal_with`], of a body in pieces, of which some may be in the codec's form already.
    pub(crate) fn seal_pieces(
        nonce: [u8; NONCE_BYTES],
        stream: StreamId,
        meta: FragmentMeta,
        key: (u32, &DataKey),
        codec: Option<&dyn BodyCodec>,
        head: &[u8],
        pieces: &[Piece],
    ) -> Self {
        let coded = pieces.iter().any(Piece::is_coded);
        if let Some(codec) = codec.filter(|_| coded)
            && let Some(joined) = joined_form(codec, meta, head, pieces)
        {
            return Self::encrypt(nonce, stream, meta, key, codec.form(), joined);
        }
        let plain: Vec<Bytes> = pieces.iter().map(Piece::plain).collect();
        let parts = std::iter::once(head).chain(plain.iter().map(|piece| &piece[..]));
        Self::seal_with(nonce, stream, meta, key, codec, parts)
    }

    /// Encrypts head and body, which stand in this form.
    fn encrypt(
        nonce: [u8; NONCE_BYTES],
        stream: StreamId,
        meta: FragmentMeta,
        key: (u32, &DataKey),
        form: u16,
        mut ciphertext: Vec<u8>,
    ) -> Self {
        let stored_body_bytes = ciphertext.len().saturating_sub(meta.head_bytes as usize);
        // No larger than the plain body, whose length is a u32.
        let stored_body_bytes = u32::try_from(stored_body_bytes).unwrap_or(u32::MAX);
        let header =
            RecordHeader { stream, meta, key: key.0, nonce, form, stored_body_bytes, version: VERSION };
        let mut header = header.encode();
        key.1.seal(nonce_of(&header), &header[ASSOCIATED], &mut ciphertext);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[8..]), &ciphertext);
        header[4..8].copy_from_slice(&checksum.to_le_bytes());
        Self { header, ciphertext, index: Vec::new() }
    }

    /// The same with the index of its fragment, sealed under the same key with a nonce of its own.
    pub(crate) fn with_index(mut self, nonce: [u8; NONCE_BYTES], key: (u32, &DataKey), index: &[u8]) -> Self {
        let (stream, number) = (field(&self.header, 16), field(&self.header, 32));
        let (stream, number) = (StreamId::from_bytes(stream), FragmentNumber::from_bytes(number));
        self.index = index_block::seal(nonce, stream, number, key, index);
        self
    }

    /// Bytes in the journal, its index included.
    pub fn len(&self) -> usize {
        RECORD_HEADER_BYTES + self.ciphertext.len() + self.index.len()
    }

    /// Never: a record has at least a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Appends the record to a buffer, and behind it its index.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.ciphertext);
        out.extend_from_slice(&self.index);
    }
}

impl RecordHeader {
    /// Reads the header at the beginning of `bytes` and checks that its fields agree; the checksum is not looked at.
    ///
    /// # Errors
    /// All but [`RecordError::Checksum`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let header: &[u8; RECORD_HEADER_BYTES] = bytes.first_chunk().ok_or(RecordError::CutOff)?;
        if header[..4] != MAGIC {
            return Err(RecordError::Magic);
        }
        let version = u16::from_le_bytes(field(header, 8));
        if !(OLDEST_VERSION..=VERSION).contains(&version) {
            return Err(RecordError::Version(version));
        }
        let meta = FragmentMeta {
            number: FragmentNumber::from_bytes(field(header, 32)),
            producer: ProducerTime::from_unix_ms(i64::from_le_bytes(field(header, 52))),
            server: ServerTime::from_unix_ms(i64::from_le_bytes(field(header, 60))),
            duration_ms: u32::from_le_bytes(field(header, 68)),
            head_bytes: u32::from_le_bytes(field(header, 76)),
            body_bytes: u32::from_le_bytes(field(header, 80)),
        };
        let length = u32::from_le_bytes(field(header, 12));
        let around_body = (RECORD_HEADER_BYTES + TAG_BYTES) as u64 + u64::from(meta.head_bytes);
        let stored = u64::from(length).checked_sub(around_body).and_then(|stored| u32::try_from(stored).ok());
        let form = u16::from_le_bytes(field(header, 10));
        let fits = |stored: &u32| match form {
            PLAIN => *stored == meta.body_bytes,
            // A form is only chosen where it is smaller, and the first version knew none.
            _ => *stored < meta.body_bytes && version > OLDEST_VERSION,
        };
        let largest = around_body + u64::from(meta.body_bytes) > MAX_RECORD_BYTES as u64;
        let stored_body_bytes =
            stored.filter(|stored| fits(stored) && !largest).ok_or(RecordError::Length)?;
        Ok(Self {
            stream: StreamId::from_bytes(field(header, 16)),
            meta,
            key: u32::from_le_bytes(field(header, 72)),
            nonce: nonce_of(header),
            form,
            stored_body_bytes,
            version,
        })
    }

    /// Reads the record at the beginning of `bytes` and checks it whole; bytes after it do not matter.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn check(bytes: &[u8]) -> Result<Self, RecordError> {
        let header = Self::parse(bytes)?;
        let record = bytes.get(..header.record_bytes()).ok_or(RecordError::CutOff)?;
        if crc32c::crc32c(&record[8..]) != u32::from_le_bytes([record[4], record[5], record[6], record[7]]) {
            return Err(RecordError::Checksum);
        }
        Ok(header)
    }

    /// Bytes of the whole record on disk.
    pub fn record_bytes(&self) -> usize {
        let stored_bytes = u64::from(self.meta.head_bytes) + u64::from(self.stored_body_bytes);
        usize::try_from(stored_bytes).unwrap_or(usize::MAX).saturating_add(RECORD_HEADER_BYTES + TAG_BYTES)
    }

    fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let Self { stream, meta, key, nonce, form, version, .. } = self;
        // A record too long for its length field is refused by the writer before it gets here.
        let length = u32::try_from(self.record_bytes()).unwrap_or(u32::MAX);
        let mut header = [0; RECORD_HEADER_BYTES];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            header[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&MAGIC);
        put(&[0; 4]);
        put(&version.to_le_bytes());
        put(&form.to_le_bytes());
        put(&length.to_le_bytes());
        put(&stream.to_bytes());
        put(&meta.number.to_bytes());
        put(&meta.producer.unix_ms().to_le_bytes());
        put(&meta.server.unix_ms().to_le_bytes());
        put(&meta.duration_ms.to_le_bytes());
        put(&key.to_le_bytes());
        put(&meta.head_bytes.to_le_bytes());
        put(&meta.body_bytes.to_le_bytes());
        put(nonce);
        header
    }
}

/// Head as it is, body in the codec's form; `None` where that is not smaller.
fn smaller_form(codec: &dyn BodyCodec, plain: &[u8], head_bytes: usize) -> Option<(u16, Vec<u8>)> {
    let (head, body) = plain.split_at_checked(head_bytes)?;
    let mut smaller = Vec::with_capacity(plain.len() + TAG_BYTES);
    smaller.extend_from_slice(head);
    (codec.encode(body, &mut smaller) && smaller.len() < plain.len()).then(|| (codec.form(), smaller))
}

/// Head and body in the codec's form, made of pieces, where that is smaller.
fn joined_form(codec: &dyn BodyCodec, meta: FragmentMeta, head: &[u8], pieces: &[Piece]) -> Option<Vec<u8>> {
    let plain_bytes = usize::try_from(meta.size_bytes()).unwrap_or(usize::MAX);
    let mut joined = Vec::with_capacity(plain_bytes / 2 + head.len() + TAG_BYTES);
    joined.extend_from_slice(head);
    let is_joined = codec.join(&mut pieces.iter().map(Piece::part), &mut joined);
    (is_joined && joined.len() < plain_bytes).then_some(joined)
}

/// A record of which head and body are readable, the body in the form in which it is kept.
pub(crate) struct Opened {
    header: RecordHeader,
    head: Bytes,
    stored_body: Bytes,
}

/// Decrypts, where it lies, the record at the beginning of `bytes`, which the index says is fragment `number` of `stream`.
///
/// The tag is stronger than the checksum, so the checksum is not looked at again.
pub(crate) fn open(
    mut bytes: BytesMut,
    stream: StreamId,
    number: FragmentNumber,
    key: &DataKey,
) -> Result<Opened, StoreError> {
    let damaged = |why: &dyn fmt::Display| damaged(stream, number, why);
    let header = RecordHeader::parse(&bytes).map_err(|error| damaged(&error))?;
    if (header.stream, header.meta.number) != (stream, number) {
        return Err(damaged(&"another fragment stands in its place"));
    }
    let plain = decrypt_in_place(&mut bytes, &header, key).map_err(|error| damaged(&error))?;
    let mut stored_body = bytes.freeze().slice(plain);
    let head = stored_body.split_to(header.meta.head_bytes as usize);
    Ok(Opened { header, head, stored_body })
}

impl Opened {
    /// The fragment, its body as it came.
    pub(crate) fn into_fragment(self, codec: Option<&dyn BodyCodec>) -> Result<Fragment, StoreError> {
        let (meta, head) = (self.header.meta, self.head.clone());
        let body = if self.header.form == PLAIN {
            self.stored_body
        } else {
            let mut body = Vec::with_capacity(meta.body_bytes as usize);
            self.append_body(codec, &mut body)?;
            body.into()
        };
        Ok(Fragment { meta, head, body })
    }

    /// Appends the head, what `between` adds to it, and the body as it came. After an error `out` is as it was.
    pub(crate) fn append(
        &self,
        codec: Option<&dyn BodyCodec>,
        out: &mut Vec<u8>,
        between: impl FnOnce(&FragmentMeta, &mut Vec<u8>),
    ) -> Result<FragmentMeta, StoreError> {
        let begin = out.len();
        out.extend_from_slice(&self.head);
        between(&self.header.meta, out);
        let appended = self.append_body(codec, out);
        appended.inspect_err(|_| out.truncate(begin))?;
        Ok(self.header.meta)
    }

    fn append_body(&self, codec: Option<&dyn BodyCodec>, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let RecordHeader { form, stream, meta, .. } = self.header;
        if form == PLAIN {
            out.extend_from_slice(&self.stored_body);
            return Ok(());
        }
        let Some(codec) = codec.filter(|codec| codec.form() == form) else {
            let why = format_args!("this program does not know form {form}");
            return Err(damaged(stream, meta.number, &why));
        };
        let (begin, plain_bytes) = (out.len(), meta.body_bytes as usize);
        if codec.decode(&self.stored_body, plain_bytes, out) && out.len() - begin == plain_bytes {
            return Ok(());
        }
        Err(damaged(stream, meta.number, &"its body does not expand to what it was"))
    }
}

fn damaged(stream: StreamId, number: FragmentNumber, why: &dyn fmt::Display) -> StoreError {
    let message = format!("fragment {number} of stream {stream} is damaged and cannot be served: {why}");
    StoreError::corrupt(message).about(number)
}

/// Whether the record at the beginning of `bytes`, which has this header, opens under a key. The error is the end of a
/// sentence that begins with the fragment.
pub(crate) fn check_opens(bytes: &[u8], header: &RecordHeader, key: &DataKey) -> Result<(), String> {
    let record = bytes.get(..header.record_bytes()).ok_or_else(|| RecordError::CutOff.to_string())?;
    decrypt_in_place(&mut record.to_vec(), header, key).map(drop)
}

/// Where in `bytes` head and body, the latter in its form, stand afterwards.
fn decrypt_in_place(bytes: &mut [u8], header: &RecordHeader, key: &DataKey) -> Result<Range<usize>, String> {
    let record = bytes.get_mut(..header.record_bytes()).ok_or_else(|| RecordError::CutOff.to_string())?;
    let (before, sealed) = record.split_at_mut(RECORD_HEADER_BYTES);
    let plain_bytes =
        key.open(header.nonce, &before[ASSOCIATED], sealed).map_err(|error| error.to_string())?;
    Ok(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + plain_bytes)
}

fn nonce_of(header: &[u8; RECORD_HEADER_BYTES]) -> [u8; NONCE_BYTES] {
    field(header, 84)
}

/// `N` bytes of a header; every caller's range lies within it by the layout above.
fn field<const N: usize>(header: &[u8; RECORD_HEADER_BYTES], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn meta(sequence: u64, head: &[u8], body: &[u8]) -> FragmentMeta {
        let server = ServerTime::from_unix_ms(1_700_000_000_000 + sequence as i64);
        FragmentMeta {
            number: FragmentNumber::new(sequence, server, 7),
            producer: ProducerTime::from_unix_ms(1_700_000_000_000),
            server,
            duration_ms: 1_000,
            head_bytes: head.len() as u32,
            body_bytes: body.len() as u32,
        }
    }

    pub(crate) fn sealed(stream: StreamId, sequence: u64, body: &[u8]) -> (FragmentMeta, Record) {
        let meta = meta(sequence, b"head", body);
        let key = DataKey::from_bytes([1; 32]);
        (meta, Record::seal(stream, meta, (1, &key), None, [&b"head"[..], body].into_iter()))
    }

    fn open(
        bytes: &[u8],
        stream: StreamId,
        number: FragmentNumber,
        key: &DataKey,
        codec: Option<&dyn BodyCodec>,
    ) -> Result<Fragment, StoreError> {
        let mut appended = b"before ".to_vec();
        let opened = super::open(bytes.into(), stream, number, key)?;
        let meta = opened.append(codec, &mut appended, |_, out| out.extend_from_slice(b" between "));
        let fragment = opened.into_fragment(codec);
        match (&fragment, meta) {
            (Ok(fragment), Ok(meta)) => {
                assert_eq!(meta, fragment.meta);
                let parts = [&b"before "[..], &fragment.head, b" between ", &fragment.body];
                assert_eq!(appended, parts.concat());
            }
            (Err(_), Err(_)) => assert_eq!(appended, b"before "),
            (fragment, meta) => panic!("{fragment:?} and {meta:?}"),
        }
        fragment
    }

    fn bytes_of(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write_to(&mut bytes);
        bytes
    }

    #[test]
    fn what_was_sealed_opens_and_says_whose_it_is() {
        let stream = StreamId::from_bytes([9; 16]);
        let (meta, record) = sealed(stream, 5, b"body");
        let mut bytes = bytes_of(&record);
        assert_eq!(bytes.len(), record.len());
        bytes.extend_from_slice(b"what follows");
        let header = RecordHeader::check(&bytes).unwrap();
        assert_eq!((header.stream, header.meta, header.key), (stream, meta, 1));
        let fragment = open(&bytes, stream, meta.number, &DataKey::from_bytes([1; 32]), None).unwrap();
        assert_eq!(fragment, Fragment { meta, head: "head".into(), body: "body".into() });
        assert!(!bytes.windows(4).any(|window| window == b"body"), "nothing readable on disk");
        assert!(open(&bytes, stream, meta.number, &DataKey::from_bytes([2; 32]), None).is_err());
        assert!(open(&bytes, stream, FragmentNumber::MIN, &DataKey::from_bytes([1; 32]), None).is_err());
    }

    #[test]
    fn a_changed_bit_anywhere_is_found() {
        let stream = StreamId::from_bytes([9; 16]);
        let (meta, record) = sealed(stream, 5, b"body");
        let good = bytes_of(&record);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(RecordHeader::check(&bad).is_err(), "byte {at} by checksum");
            let in_crc = (4..8).contains(&at);
            let opened = open(&bad, stream, meta.number, &DataKey::from_bytes([1; 32]), None);
            assert_eq!(opened.is_ok(), in_crc, "byte {at} by tag");
        }
    }

    /// Bodies of one byte, as that byte; expands to `grow` bytes too many.
    #[derive(Debug)]
    struct RunLength {
        form: u16,
        grow: usize,
    }

    impl BodyCodec for RunLength {
        fn form(&self) -> u16 {
            self.form
        }

        fn encode(&self, body: &[u8], out: &mut Vec<u8>) -> bool {
            out.extend(body.first());
            body.iter().all(|byte| Some(byte) == body.first())
        }

        fn decode(&self, stored: &[u8], plain_bytes: usize, out: &mut Vec<u8>) -> bool {
            out.extend(stored.first().map(|byte| vec![*byte; plain_bytes + self.grow]).unwrap_or_default());
            !stored.is_empty()
        }
    }

    #[test]
    fn a_body_is_kept_in_the_smaller_form_and_given_back_as_it_came() {
        let (stream, key) = (StreamId::from_bytes([9; 16]), DataKey::from_bytes([1; 32]));
        let codec = RunLength { form: 3, grow: 0 };
        for (body, form, saved) in [(&b"aaaaaa"[..], 3, 5), (b"ab", 0, 0), (b"a", 0, 0), (b"", 0, 0)] {
            let meta = meta(5, b"head", body);
            let record =
                Record::seal(stream, meta, (1, &key), Some(&codec), [&b"head"[..], body].into_iter());
            let bytes = bytes_of(&record);
            let header = RecordHeader::check(&bytes).unwrap();
            assert_eq!((header.form, header.meta, header.record_bytes()), (form, meta, bytes.len()));
            assert_eq!(bytes.len(), RECORD_HEADER_BYTES + 4 + body.len() - saved + TAG_BYTES);
            let fragment = open(&bytes, stream, meta.number, &key, Some(&codec)).unwrap();
            assert_eq!(fragment, Fragment { meta, head: "head".into(), body: Bytes::copy_from_slice(body) });
            // Without the codec, with another one, with one that is wrong: an error, not other bytes.
            for codec in [None, Some(RunLength { form: 4, grow: 0 }), Some(RunLength { form: 3, grow: 1 })] {
                let codec = codec.as_ref().map(|codec| codec as &dyn BodyCodec);
                let opened = open(&bytes, stream, meta.number, &key, codec);
                assert_eq!(opened.is_err(), form > 0, "{opened:?}");
            }
            // The form is sealed with the rest.
            let mut bad = bytes.clone();
            bad[10] ^= 1;
            assert!(open(&bad, stream, meta.number, &key, Some(&codec)).is_err());
        }
    }

    #[test]
    fn the_first_version_is_read_and_knew_no_form() {
        let stream = StreamId::from_bytes([9; 16]);
        let with = |version, form, stored_body_bytes| {
            let meta = meta(5, b"head", b"body");
            let header =
                RecordHeader { stream, meta, key: 1, nonce: [0; 12], form, stored_body_bytes, version };
            RecordHeader::parse(&header.encode()).map(|header| header.form)
        };
        assert_eq!(with(1, 0, 4), Ok(0));
        assert_eq!(with(1, 1, 3), Err(RecordError::Length));
        assert_eq!(with(2, 1, 3), Ok(1));
        assert_eq!(with(2, 1, 4), Err(RecordError::Length));
        assert_eq!(with(2, 0, 3), Err(RecordError::Length));
        assert_eq!(with(3, 0, 4), Err(RecordError::Version(3)));
    }

    #[test]
    fn every_cut_is_found() {
        let (_, record) = sealed(StreamId::from_bytes([9; 16]), 5, b"body");
        let good = bytes_of(&record);
        for length in 0..good.len() {
            assert_eq!(RecordHeader::check(&good[..length]), Err(RecordError::CutOff));
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), magic: bool) {
            if magic && bytes.len() > 10 {
                bytes[..4].copy_from_slice(&MAGIC);
                bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
            }
            prop_assert!(RecordHeader::check(&bytes).is_err());
            let key = DataKey::from_bytes([1; 32]);
            prop_assert!(open(&bytes, StreamId::from_bytes([0; 16]), FragmentNumber::MIN, &key, None).is_err());
        }
    }
}
