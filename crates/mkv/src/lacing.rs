//! Several frames in one block.
//!
//! Source: RFC 9559 section 10.3.

use crate::vint;

/// How a block's payload is divided into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacing {
    /// The payload is one frame.
    None,
    /// Sizes as runs of 255 and a rest.
    Xiph,
    /// Frames of one size.
    Fixed,
    /// The first size, then differences, as vints.
    Ebml,
}

impl Lacing {
    /// The lacing that a block's flags announce.
    pub fn of(flags: u8) -> Self {
        match flags & 0x06 {
            0x02 => Self::Xiph,
            0x04 => Self::Fixed,
            0x06 => Self::Ebml,
            _ => Self::None,
        }
    }
}

/// The sizes in the payload of a laced block do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame sizes of a laced block do not add up to its payload")]
pub struct LacingError;

/// The frames of a block, without a copy.
///
/// Shape: `payload` is all that follows the block's flags; 1 to 256 frames come out.
/// Errors: sizes that leave the payload; the iterator ends after one.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    lacing: Lacing,
    /// Sizes not yet read (Xiph, EBML).
    sizes: &'a [u8],
    /// Frames not yet given.
    data: &'a [u8],
    left: usize,
    previous_size: Option<usize>,
}

impl<'a> Frames<'a> {
    /// Reads the lacing head of a block's payload.
    pub fn new(flags: u8, payload: &'a [u8]) -> Result<Self, LacingError> {
        let lacing = Lacing::of(flags);
        let (left, rest) = match (lacing, payload.split_first()) {
            (Lacing::None, _) => (1, payload),
            (_, Some((&count, rest))) => (usize::from(count) + 1, rest),
            (_, None) => return Err(LacingError),
        };
        let mut frames = Self { lacing, sizes: rest, data: rest, left, previous_size: None };
        if matches!(lacing, Lacing::Xiph | Lacing::Ebml) {
            // The data begin behind the last size; walk a copy of the sizes to find where.
            let mut ahead = frames.clone();
            (1..left).try_for_each(|_| ahead.next_size().map(drop))?;
            frames.data = ahead.sizes;
        }
        if lacing == Lacing::Fixed && !rest.len().is_multiple_of(left) {
            return Err(LacingError);
        }
        Ok(frames)
    }

    /// Reads the size of one frame that is not the last.
    fn next_size(&mut self) -> Result<usize, LacingError> {
        let size = match self.lacing {
            Lacing::None => self.data.len(),
            Lacing::Fixed => self.data.len() / self.left.max(1),
            Lacing::Xiph => {
                let full = self.sizes.iter().take_while(|&&byte| byte == 255).count();
                let last = *self.sizes.get(full).ok_or(LacingError)?;
                self.sizes = &self.sizes[full + 1..];
                255 * full + usize::from(last)
            }
            Lacing::Ebml => {
                let bytes =
                    self.sizes.first().and_then(|&first| vint::encoded_len(first)).ok_or(LacingError)?;
                let (vint, rest) = self.sizes.split_at_checked(bytes).ok_or(LacingError)?;
                self.sizes = rest;
                let value = i64::try_from(vint::data_bits(vint)).map_err(|_| LacingError)?;
                let size = match self.previous_size {
                    None => value,
                    // A difference is biased by half of its range.
                    Some(previous) => previous as i64 + value - ((1 << (7 * bytes - 1)) - 1),
                };
                usize::try_from(size).map_err(|_| LacingError)?
            }
        };
        self.previous_size = Some(size);
        Ok(size)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<&'a [u8], LacingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = match self.left {
            0 => return None,
            1 => Ok(self.data.len()),
            _ => self.next_size(),
        };
        self.left -= 1;
        let frame = size.and_then(|size| self.data.split_at_checked(size).ok_or(LacingError));
        Some(match frame {
            Ok((frame, rest)) => {
                self.data = rest;
                Ok(frame)
            }
            Err(error) => {
                self.left = 0;
                Err(error)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(flags: u8, payload: &[u8]) -> Result<Vec<&[u8]>, LacingError> {
        Frames::new(flags, payload)?.collect()
    }

    #[test]
    fn a_block_without_lacing_is_one_frame_even_when_it_is_empty() {
        assert_eq!(frames(0x80, b"abc"), Ok(vec![&b"abc"[..]]));
        assert_eq!(frames(0x00, b""), Ok(vec![&b""[..]]));
    }

    /// RFC 9559 section 10.3.2: frames of 800, 500 and 1000 bytes.
    #[test]
    fn xiph_sizes_of_the_rfc() {
        let mut payload = vec![2, 0xFF, 0xFF, 0xFF, 0x23, 0xFF, 0xF5];
        payload.extend(std::iter::repeat_n(0, 2300));
        let sizes: Vec<_> = frames(0x02, &payload).unwrap().iter().map(|frame| frame.len()).collect();
        assert_eq!(sizes, [800, 500, 1000]);
    }

    /// RFC 9559 section 10.3.3: the same frames; 500 - 800 = -300 is written 5ED3.
    #[test]
    fn ebml_sizes_of_the_rfc() {
        let mut payload = vec![2, 0x43, 0x20, 0x5E, 0xD3];
        payload.extend(std::iter::repeat_n(0, 2300));
        let sizes: Vec<_> = frames(0x06, &payload).unwrap().iter().map(|frame| frame.len()).collect();
        assert_eq!(sizes, [800, 500, 1000]);
    }

    #[test]
    fn fixed_lacing_divides_evenly_or_not_at_all() {
        assert_eq!(frames(0x04, b"\x02aabbcc"), Ok(vec![&b"aa"[..], b"bb", b"cc"]));
        assert_eq!(frames(0x04, b"\x02aabbc"), Err(LacingError));
    }

    #[test]
    fn sizes_beyond_the_payload_are_refused() {
        assert_eq!(frames(0x02, b"\x01\x05ab"), Err(LacingError));
        assert_eq!(frames(0x02, b"\x01\xFF"), Err(LacingError));
        assert_eq!(frames(0x06, b"\x02\x81\x80ab"), Err(LacingError));
        assert_eq!(frames(0x06, b""), Err(LacingError));
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_frames_are_parts_of_the_payload(
            flags: u8,
            payload in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            if let Ok(frames) = frames(flags, &payload) {
                prop_assert!(frames.len() <= 256);
                prop_assert!(frames.iter().map(|frame| frame.len()).sum::<usize>() <= payload.len());
            }
        }
    }
}
