//! The index of a fragment, sealed: behind the fragment's record in the journal and, unchanged, in the side file of a chunk.
//!
//! ```text
//!  0 magic "TYMX"    8 version u16   16 stream 16              52 key number u32    68 ciphertext, tag 16
//!  4 CRC-32C u32    12 length u32    32 number 20, big-endian  56 nonce 12
//! ```
//! Little-endian but for the number. The CRC covers everything after itself; bytes 8..56 are the associated data. What the
//! index says is not the store's to know. Source: docs/storage.md section 2.

use crate::StreamId;
use std::ops::Range;
use tympan_kms::{DataKey, NONCE_BYTES, TAG_BYTES};
use tympan_types::FragmentNumber;

/// Bytes before the ciphertext.
pub(crate) const INDEX_HEADER_BYTES: usize = 68;
/// A fragment of an hour has 0.5 MB; what is larger is left out.
pub(crate) const MAX_INDEX_BYTES: usize = 2 << 20;
pub(crate) const INDEX_MAGIC: [u8; 4] = *b"TYMX";
const VERSION: u16 = 1;
const ASSOCIATED: Range<usize> = 8..56;

/// What stands before the ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexHeader {
    pub(crate) stream: StreamId,
    pub(crate) number: FragmentNumber,
    /// Which of the stream's data keys it is sealed under: the one of its fragment.
    pub(crate) key: u32,
    nonce: [u8; NONCE_BYTES],
    length: usize,
}

/// Encrypts the index of a fragment with a nonce that was never used under this key before.
pub(crate) fn seal(
    nonce: [u8; NONCE_BYTES],
    stream: StreamId,
    number: FragmentNumber,
    (key_number, key): (u32, &DataKey),
    index: &[u8],
) -> Vec<u8> {
    let length = u32::try_from(INDEX_HEADER_BYTES + index.len() + TAG_BYTES).unwrap_or(u32::MAX);
    let mut header = [0; INDEX_HEADER_BYTES];
    header[..4].copy_from_slice(&INDEX_MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&length.to_le_bytes());
    header[16..32].copy_from_slice(&stream.to_bytes());
    header[32..52].copy_from_slice(&number.to_bytes());
    header[52..56].copy_from_slice(&key_number.to_le_bytes());
    header[56..68].copy_from_slice(&nonce);
    let mut ciphertext = Vec::with_capacity(index.len() + TAG_BYTES);
    ciphertext.extend_from_slice(index);
    key.seal(nonce, &header[ASSOCIATED], &mut ciphertext);
    let mut block = Vec::with_capacity(INDEX_HEADER_BYTES + ciphertext.len());
    block.extend_from_slice(&header);
    block.extend_from_slice(&ciphertext);
    let checksum = crc32c::crc32c(&block[8..]);
    block[4..8].copy_from_slice(&checksum.to_le_bytes());
    block
}

impl IndexHeader {
    /// Reads the header at the beginning of `bytes`; the checksum is not looked at. `None` where none begins.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; INDEX_HEADER_BYTES] = bytes.first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(field(header, 12)?)).ok()?;
        let least = INDEX_HEADER_BYTES + TAG_BYTES;
        let known = header[..4] == INDEX_MAGIC
            && u16::from_le_bytes(field(header, 8)?) == VERSION
            && (least..=least + MAX_INDEX_BYTES).contains(&length);
        known.then_some(Self {
            stream: StreamId::from_bytes(field(header, 16)?),
            number: FragmentNumber::from_bytes(field(header, 32)?),
            key: u32::from_le_bytes(field(header, 52)?),
            nonce: field(header, 56)?,
            length,
        })
    }

    /// Reads the block at the beginning of `bytes` and checks it whole.
    pub(crate) fn check(bytes: &[u8]) -> Option<Self> {
        let header = Self::parse(bytes)?;
        let block = bytes.get(..header.length)?;
        let stored = u32::from_le_bytes(field(block, 4)?);
        (crc32c::crc32c(&block[8..]) == stored).then_some(header)
    }

    /// Bytes of the whole block.
    pub(crate) fn block_bytes(&self) -> usize {
        self.length
    }
}

/// Bytes of the block that stands behind the record of this fragment; 0 if there is none that is whole.
pub(crate) fn behind_record(bytes: &[u8], stream: StreamId, number: FragmentNumber) -> usize {
    let header =
        IndexHeader::check(bytes).filter(|header| (header.stream, header.number) == (stream, number));
    header.map_or(0, |header| header.block_bytes())
}

/// The index in a block; `None` if it does not open under this key.
pub(crate) fn open(block: &[u8], key: &DataKey) -> Option<Vec<u8>> {
    let header = IndexHeader::parse(block)?;
    let mut sealed = block.get(INDEX_HEADER_BYTES..header.length)?.to_vec();
    let plain_bytes = key.open(header.nonce, block.get(ASSOCIATED)?, &mut sealed).ok()?;
    sealed.truncate(plain_bytes);
    Some(sealed)
}

/// The blocks in `bytes` that are whole, and where each lies. What is damaged is passed over.
pub(crate) fn blocks(bytes: &[u8]) -> impl Iterator<Item = (IndexHeader, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
            if let Some(header) = IndexHeader::check(rest) {
                let range = at..at + header.block_bytes();
                at = range.end;
                return Some((header, range));
            }
            at += 1 + rest[1..].windows(INDEX_MAGIC.len()).position(|window| window == INDEX_MAGIC)?;
        }
    })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tympan_types::ServerTime;

    const STREAM: StreamId = StreamId::from_bytes([9; 16]);

    fn number(sequence: u64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(5), 0)
    }

    fn key() -> DataKey {
        DataKey::from_bytes([7; 32])
    }

    fn sealed(sequence: u64, index: &[u8]) -> Vec<u8> {
        seal([1; NONCE_BYTES], STREAM, number(sequence), (3, &key()), index)
    }

    #[test]
    fn what_was_sealed_opens_and_says_whose_it_is() {
        let block = sealed(1, b"an index");
        let header = IndexHeader::check(&block).unwrap();
        assert_eq!((header.stream, header.number, header.key), (STREAM, number(1), 3));
        assert_eq!(open(&block, &key()).unwrap(), b"an index");
        assert_eq!(open(&block, &DataKey::from_bytes([8; 32])), None);
        assert!(!block.windows(8).any(|window| window == b"an index"));
        assert_eq!(behind_record(&block, STREAM, number(1)), block.len());
        assert_eq!(behind_record(&block, STREAM, number(2)), 0);
    }

    #[test]
    fn a_block_cannot_pass_for_that_of_another_fragment() {
        let mut block = sealed(1, b"an index");
        block[32..52].copy_from_slice(&number(2).to_bytes());
        let checksum = crc32c::crc32c(&block[8..]);
        block[4..8].copy_from_slice(&checksum.to_le_bytes());
        assert!(IndexHeader::check(&block).is_some());
        assert_eq!(open(&block, &key()), None);
    }

    #[test]
    fn a_damaged_block_does_not_hide_the_others() {
        let three = [sealed(1, b"one"), sealed(2, b"two"), sealed(3, b"three")];
        let mut bytes = three.concat();
        bytes[three[0].len() + 70] ^= 1;
        let found: Vec<u64> = blocks(&bytes).map(|(header, _)| header.number.sequence()).collect();
        assert_eq!(found, [1, 3]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_passed_over(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = IndexHeader::check(&bytes);
            prop_assert_eq!(blocks(&bytes).count(), 0);
            prop_assert_eq!(open(&bytes, &key()), None);
        }

        #[test]
        fn a_changed_bit_is_found(at: proptest::sample::Index, bit in 0u8..8) {
            let mut block = sealed(1, b"an index");
            let at = at.index(block.len());
            block[at] ^= 1 << bit;
            prop_assert!(IndexHeader::check(&block).is_none());
        }
    }
}
