//! Variable-length integers: the sizes, ids and track numbers of EBML.
//!
//! The number of leading zero bits in the first byte, plus one, is the length in bytes; the rest are data bits.
//!
//! Source: RFC 8794 sections 4 (variable-size integer), 5 (element id), 6 (element data size).

use bytes::BufMut;

/// The longest element size, in bytes.
pub const MAX_SIZE_BYTES: usize = 8;
/// The longest element id, in bytes.
pub const MAX_ID_BYTES: usize = 4;

/// The length in bytes that a first byte announces: 1 to 8, or none for a zero byte.
#[inline]
pub fn encoded_len(first: u8) -> Option<usize> {
    (first != 0).then(|| first.leading_zeros() as usize + 1)
}

/// An element size as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Payload bytes.
    Known(u64),
    /// All data bits are one, at any length: the element ends where its content does.
    Unknown,
}

/// Reads the data bits of a complete vint: `bytes` is exactly the length that its first byte announces, at most 8.
#[inline]
pub fn data_bits(bytes: &[u8]) -> u64 {
    big_endian(bytes) & max_data(bytes.len())
}

/// Reads a complete size, of the length that its first byte announces.
#[inline]
pub fn size(bytes: &[u8]) -> Size {
    size_of(big_endian(bytes), bytes.len())
}

/// The size whose `len` bytes, marker included, are the low bytes of `raw`.
#[inline]
pub(crate) fn size_of(raw: u64, len: usize) -> Size {
    match raw & max_data(len) {
        all if all == max_data(len) => Size::Unknown,
        known => Size::Known(known),
    }
}

/// Reads 0 to 8 big-endian bytes; of a longer run only the last 8 count.
#[inline]
pub fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| (value << 8) | u64::from(byte))
}

/// The fewest bytes that hold `size`; [`None`] from 2^56 - 1 on, which no size can say.
pub fn size_len(size: u64) -> Option<usize> {
    (1..=MAX_SIZE_BYTES).find(|&len| size < max_data(len))
}

/// Writes `size` in `width` bytes, or in more where it does not fit.
///
/// Sizes that no vint can say (from 2^56 - 1 on) are written as unknown; no buffer in memory reaches them.
pub fn put_size(out: &mut impl BufMut, size: u64, width: usize) {
    match size_len(size) {
        Some(least) => put(out, size, width.clamp(least, MAX_SIZE_BYTES)),
        None => put_unknown_size(out, MAX_SIZE_BYTES),
    }
}

/// Writes the unknown size in `width` bytes, 1 to 8: all data bits one.
pub fn put_unknown_size(out: &mut impl BufMut, width: usize) {
    let width = width.clamp(1, MAX_SIZE_BYTES);
    put(out, max_data(width), width);
}

fn put(out: &mut impl BufMut, data: u64, width: usize) {
    let marked = data | (1 << (7 * width));
    out.put_uint(marked, width);
}

/// All data bits of a vint of `len` bytes.
#[inline]
const fn max_data(len: usize) -> u64 {
    u64::MAX >> (64 - 7 * len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_is_all_data_bits_one_at_any_of_the_eight_lengths() {
        for width in 1..=8 {
            let mut bytes = Vec::new();
            put_unknown_size(&mut bytes, width);
            assert_eq!(bytes.len(), width);
            assert_eq!(encoded_len(bytes[0]), Some(width));
            assert_eq!(size(&bytes), Size::Unknown);
        }
    }

    #[test]
    fn worked_examples_of_kvs_recordings() {
        assert_eq!(size(&[0x10, 0, 0, 0xEB]), Size::Known(235));
        assert_eq!(size(&[0x40, 0x67]), Size::Known(103));
        assert_eq!(size(&[0xFF]), Size::Unknown);
        assert_eq!(size(&[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Size::Unknown);
        assert_eq!(size(&[0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE]), Size::Known((1 << 56) - 2));
    }

    #[test]
    fn a_size_of_all_ones_takes_one_byte_more() {
        assert_eq!((size_len(126), size_len(127)), (Some(1), Some(2)));
        assert_eq!((size_len((1 << 56) - 2), size_len((1 << 56) - 1)), (Some(8), None));
    }

    #[test]
    fn no_length_begins_with_a_zero_byte() {
        assert_eq!(encoded_len(0), None);
        assert_eq!((encoded_len(0x80), encoded_len(0x01)), (Some(1), Some(8)));
    }

    proptest! {
        #[test]
        fn sizes_round_trip_at_every_width(value in 0u64..(1 << 56) - 1, width in 1usize..=8) {
            let mut bytes = Vec::new();
            put_size(&mut bytes, value, width);
            prop_assert_eq!(encoded_len(bytes[0]), Some(bytes.len()));
            prop_assert!(bytes.len() >= width);
            prop_assert_eq!(size(&bytes), Size::Known(value));
        }
    }
}
