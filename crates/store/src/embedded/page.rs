//! A stream's page: the second, erasable copy of what the catalogue says of one stream, keys included.
//!
//! ```text
//! header, 80 bytes   0 "TYSP"  4 CRC-32C of the rest of the file  8 version u16  12 length of the content u32
//!                   16 stream 16  32 epoch u64  40 created, Unix ms i64  48 expired through, Unix ms i64
//!                   56 version of the metadata u64  64 retention in hours u32  68 tier u8  70 erased ranges u16
//!                   72 tags u32  76 keys u32
//! content            account, region, name, master key, device name, media type, ARN of the master key: each length u32, then
//!                    UTF-8; a length of 2^32 - 1 is "none".  Tags: key, value.  Keys: number u32, created i64, wrapped.
//!                    Erased ranges: first 20, last 20
//! padding            zeros up to a multiple of 4,096 bytes
//! ```
//! Little-endian. Version 1 has neither the ARN nor erased ranges. Source: docs/storage.md section 4.

use crate::{FragmentRange, KeyRow, StorageTier, Stream, StreamId, StreamStatus};
use std::collections::BTreeMap;
use tympan_kms::WrappedKey;
use tympan_types::{AccountId, FragmentNumber, Region, ServerTime, StreamArn, StreamName, WallTime};

/// A page is a multiple of this.
pub const PAGE_BYTES: usize = 4_096;
const HEADER_BYTES: usize = 80;
const MAGIC: [u8; 4] = *b"TYSP";
const VERSION: u16 = 2;
const NONE: u32 = u32::MAX;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Which opening of the store wrote it.
    pub epoch: u64,
    /// What users see of the stream.
    pub stream: Stream,
    /// Fragments up to this server time have expired for good.
    pub expired_through: ServerTime,
    /// All wrapped data keys, by number.
    pub keys: Vec<KeyRow>,
    /// Fragments that are erased and of which something may be left.
    pub erased: Vec<FragmentRange>,
}

/// Why bytes are not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// No page begins like this, or none of a version that is known here.
    #[error("it is no page of a known version")]
    Magic,
    /// The checksum does not match.
    #[error("its checksum does not match")]
    Checksum,
    /// The content ends early, or a field has a value that it cannot have.
    #[error("its content is not that of a page")]
    Content,
}

impl Page {
    /// Whether two pages say the same, whenever they were written.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        (&self.stream, self.expired_through, &self.keys, &self.erased)
            == (&other.stream, other.expired_through, &other.keys, &other.erased)
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let Self { epoch, stream, expired_through, keys, erased } = self;
        let mut bytes = vec![0; HEADER_BYTES];
        put_text(&mut bytes, Some(stream.arn.account().as_str()));
        put_text(&mut bytes, Some(stream.arn.region().as_str()));
        put_text(&mut bytes, Some(stream.arn.name().as_str()));
        put_text(&mut bytes, Some(&stream.kms_key_id));
        put_text(&mut bytes, stream.device_name.as_deref());
        put_text(&mut bytes, stream.media_type.as_deref());
        put_text(&mut bytes, stream.kms_key_arn.as_deref());
        for (key, value) in &stream.tags {
            put_text(&mut bytes, Some(key));
            put_text(&mut bytes, Some(value));
        }
        for key in keys {
            bytes.extend_from_slice(&key.number.to_le_bytes());
            bytes.extend_from_slice(&key.created.unix_ms().to_le_bytes());
            put_bytes(&mut bytes, key.wrapped.as_bytes());
        }
        for range in erased {
            bytes.extend_from_slice(&range.first.to_bytes());
            bytes.extend_from_slice(&range.last.to_bytes());
        }
        let content = length(bytes.len() - HEADER_BYTES);
        bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&content.to_le_bytes());
        bytes[16..32].copy_from_slice(&stream.id.to_bytes());
        bytes[32..40].copy_from_slice(&epoch.to_le_bytes());
        bytes[40..48].copy_from_slice(&stream.arn.created().unix_ms().to_le_bytes());
        bytes[48..56].copy_from_slice(&expired_through.unix_ms().to_le_bytes());
        bytes[56..64].copy_from_slice(&stream.version.to_le_bytes());
        bytes[64..68].copy_from_slice(&stream.retention_hours.to_le_bytes());
        bytes[68] = match stream.storage_tier {
            StorageTier::Hot => 0,
            StorageTier::Warm => 1,
        };
        let ranges = u16::try_from(erased.len()).unwrap_or(u16::MAX);
        bytes[70..72].copy_from_slice(&ranges.to_le_bytes());
        bytes[72..76].copy_from_slice(&length(stream.tags.len()).to_le_bytes());
        bytes[76..80].copy_from_slice(&length(keys.len()).to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a page. Total: any bytes give an answer.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PageError> {
        let header = bytes.get(..HEADER_BYTES).ok_or(PageError::Magic)?;
        let version = u16::from_le_bytes(field(header, 8)?);
        if header[..4] != MAGIC || !(1..=VERSION).contains(&version) {
            return Err(PageError::Magic);
        }
        if u32::from_le_bytes(field(header, 4)?) != crc32c::crc32c(&bytes[8..]) {
            return Err(PageError::Checksum);
        }
        let content = u32::from_le_bytes(field(header, 12)?) as usize;
        let content = bytes[HEADER_BYTES..].get(..content).ok_or(PageError::Content)?;
        let mut fields = Fields(content);
        let account = AccountId::parse(fields.required()?).map_err(|_| PageError::Content)?;
        let region = Region::parse(fields.required()?).map_err(|_| PageError::Content)?;
        let name = StreamName::parse(fields.required()?).map_err(|_| PageError::Content)?;
        let kms_key_id = fields.required()?.to_owned();
        let device_name = fields.text()?.map(ToOwned::to_owned);
        let media_type = fields.text()?.map(ToOwned::to_owned);
        let kms_key_arn = if version > 1 { fields.text()?.map(ToOwned::to_owned) } else { None };
        let mut tags = BTreeMap::new();
        for _ in 0..u32::from_le_bytes(field(header, 72)?) {
            tags.insert(fields.required()?.to_owned(), fields.required()?.to_owned());
        }
        let mut keys = Vec::new();
        for _ in 0..u32::from_le_bytes(field(header, 76)?) {
            let number = u32::from_le_bytes(fields.take()?);
            let created = WallTime::from_unix_ms(i64::from_le_bytes(fields.take()?));
            let wrapped = fields.bytes()?.ok_or(PageError::Content)?;
            keys.push(KeyRow { number, wrapped: WrappedKey::from_bytes(wrapped.to_vec()), created });
        }
        let mut erased = Vec::new();
        for _ in 0..if version > 1 { u16::from_le_bytes(field(header, 70)?) } else { 0 } {
            let (first, last) = (fields.take()?, fields.take()?);
            erased.push(FragmentRange {
                first: FragmentNumber::from_bytes(first),
                last: FragmentNumber::from_bytes(last),
            });
        }
        let created = WallTime::from_unix_ms(i64::from_le_bytes(field(header, 40)?));
        Ok(Self {
            epoch: u64::from_le_bytes(field(header, 32)?),
            expired_through: ServerTime::from_unix_ms(i64::from_le_bytes(field(header, 48)?)),
            stream: Stream {
                id: StreamId::from_bytes(field(header, 16)?),
                arn: StreamArn::new(region, account, name, created),
                device_name,
                media_type,
                kms_key_id,
                kms_key_arn,
                retention_hours: u32::from_le_bytes(field(header, 64)?),
                storage_tier: match header[68] {
                    0 => StorageTier::Hot,
                    1 => StorageTier::Warm,
                    _ => return Err(PageError::Content),
                },
                version: u64::from_le_bytes(field(header, 56)?),
                status: StreamStatus::Active,
                tags,
            },
            keys,
            erased,
        })
    }
}

/// What is left to read of the content.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], PageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(PageError::Content)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn bytes(&mut self) -> Result<Option<&'a [u8]>, PageError> {
        let length = u32::from_le_bytes(self.take()?);
        if length == NONE {
            return Ok(None);
        }
        let (taken, rest) = self.0.split_at_checked(length as usize).ok_or(PageError::Content)?;
        self.0 = rest;
        Ok(Some(taken))
    }

    fn text(&mut self) -> Result<Option<&'a str>, PageError> {
        self.bytes()?.map(std::str::from_utf8).transpose().map_err(|_| PageError::Content)
    }

    fn required(&mut self) -> Result<&'a str, PageError> {
        self.text()?.ok_or(PageError::Content)
    }
}

fn put_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_bytes(out, text.as_bytes()),
        None => out.extend_from_slice(&NONE.to_le_bytes()),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&length(bytes.len()).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Names, tags and wrapped keys are far below 4 GiB.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], PageError> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(PageError::Content)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn page(keys: u32) -> Page {
        let mut stream = crate::conformance::stream("a-stream");
        stream.device_name = Some("a device".into());
        stream.storage_tier = StorageTier::Warm;
        stream.kms_key_arn = Some("arn:aws:kms:us-west-2:111122223333:key/a-key".into());
        stream.tags =
            BTreeMap::from([("a tag".into(), "its välue".into()), ("another".into(), String::new())]);
        let key = |number: u32| KeyRow {
            number,
            wrapped: WrappedKey::from_bytes(vec![number as u8; 90]),
            created: WallTime::from_unix_ms(1_700_000_000_000 + i64::from(number)),
        };
        let expired_through = ServerTime::from_unix_ms(i64::MIN);
        let number = |sequence| FragmentNumber::new(sequence, ServerTime::from_unix_ms(1_700_000_000_000), 7);
        let erased = vec![FragmentRange { first: number(3), last: number(9) }];
        Page { epoch: 7, stream, expired_through, keys: (1..=keys).map(key).collect(), erased }
    }

    #[test]
    fn a_page_says_what_was_written_in_whole_blocks() {
        for (keys, blocks) in [(0, 1), (1, 1), (35, 1), (45, 2), (400, 11)] {
            let page = page(keys);
            let bytes = page.encode();
            assert_eq!(bytes.len(), blocks * PAGE_BYTES, "{keys} keys");
            assert_eq!(Page::parse(&bytes), Ok(page));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_page_is_found() {
        let good = page(3).encode();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert!(Page::parse(&bad).is_err(), "byte {at}");
            assert!(Page::parse(&good[..at]).is_err(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn a_checksum_over_any_content_gives_an_answer(mut bytes in proptest::collection::vec(any::<u8>(), 80..300)) {
            bytes[..4].copy_from_slice(&MAGIC);
            bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
            let checksum = crc32c::crc32c(&bytes[8..]);
            bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
            let _ = Page::parse(&bytes);
        }
    }
}
