//! The incremental reader: bytes in, cut anywhere; element events out.
//!
//! A [`Reader`] owns no heap memory. Media bytes go from the input to the event without a copy; only the header of an
//! element that a cut fell into passes through a buffer of 12 bytes.
//!
//! An element of unknown size ends where an element begins that cannot stand in it but can stand in one of its
//! ancestors (RFC 8794 section 6.2). Concatenated documents need nothing more than that rule: an EBML header ends the
//! unknown-size Segment before it.
//!
//! Source: RFC 8794, RFC 9559 sections 4 and 5.

use crate::element::{self, ElementId, Kind};
use crate::vint::{self, Size};
use crate::{Limits, MkvError};

/// What a [`Reader`] found. Slices borrow from the input or from the reader, until the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// An element begins.
    Start {
        /// Its id.
        id: ElementId,
        /// Its payload in bytes, or none where it is unknown.
        size: Option<u64>,
        /// Its id and size as they were written.
        header: &'a [u8],
        /// How many masters enclose it.
        depth: usize,
        /// Where its header begins in the stream.
        offset: u64,
    },
    /// Payload of an element that is not a master. One that is empty has one empty piece.
    Data {
        /// The element's id.
        id: ElementId,
        /// The next bytes of its payload.
        bytes: &'a [u8],
        /// Where they stand in its payload.
        offset: u64,
        /// Whether they complete it. The element has no [`Event::End`].
        last: bool,
    },
    /// A master ends.
    End {
        /// Its id.
        id: ElementId,
    },
}

/// Reads EBML, and Matroska in particular, from pieces of any length.
///
/// The law: after each piece, call [`next`](Reader::next) until it returns `None`.
///
/// ```
/// use tympan_mkv::{Limits, read::{Event, Reader}};
///
/// let mut reader = Reader::new(Limits::default());
/// for mut piece in [&[0x1A, 0x45][..], &[0xDF, 0xA3, 0x80]] {
///     while let Some(event) = reader.next(&mut piece)? {
///         println!("{event:?}");
///     }
/// }
/// assert!(reader.finish()?.is_none());
/// # Ok::<(), tympan_mkv::MkvError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    max_depth: usize,
    /// Bytes of the stream that events have covered. Bytes held in `carry` begin here.
    position: u64,
    open: [Open; Limits::DEPTH_CAPACITY],
    depth: usize,
    carry: [u8; MAX_HEADER_BYTES],
    carried: usize,
    state: State,
}

/// An id of 4 bytes and a size of 8.
const MAX_HEADER_BYTES: usize = vint::MAX_ID_BYTES + vint::MAX_SIZE_BYTES;
/// The end of what has none: no stream is that long.
const NO_END: u64 = u64::MAX;

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next byte begins an element, or ends a master.
    BetweenElements,
    /// The next byte belongs to the payload of an element that is not a master.
    InPayload { id: ElementId, done: u64, left: u64 },
    /// The input was refused.
    Failed(MkvError),
}

/// A master that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Open {
    id: ElementId,
    /// Where it ends at the latest: where its nearest ancestor of known size does, if its own size is unknown.
    end: u64,
    size_known: bool,
}

/// A parsed element header.
#[derive(Debug, Clone, Copy)]
struct Header {
    id: ElementId,
    size: Size,
    bytes: usize,
}

/// What the bytes between two elements turned out to be.
enum Found {
    /// The header of this element and what the element holds; true where the header lies in `carry`.
    Element(Header, Kind, bool),
    /// The end of the innermost master.
    End,
    /// Not yet a whole header.
    Incomplete,
}

impl Reader {
    /// A reader at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            max_depth: limits.max_depth.min(Limits::DEPTH_CAPACITY),
            position: 0,
            open: [Open { id: element::VOID, end: NO_END, size_known: false }; Limits::DEPTH_CAPACITY],
            depth: 0,
            carry: [0; MAX_HEADER_BYTES],
            carried: 0,
            state: State::BetweenElements,
        }
    }

    /// Bytes of the stream that events have covered so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes the next event off the front of `input`; `None` when more input is needed, all of it then being taken.
    #[inline]
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Event<'s>>, MkvError> {
        match self.state {
            State::InPayload { id, done, left } => Ok(self.read_payload(id, done, left, input)),
            State::BetweenElements => match self.read_between(input) {
                Ok(Found::Element(header, kind, carried)) => self.start(header, kind, carried, input),
                Ok(Found::End) => Ok(self.close()),
                Ok(Found::Incomplete) => Ok(None),
                Err(error) => self.fail(error),
            },
            State::Failed(error) => Err(error),
        }
    }

    /// Ends the input: yields the end of each master of unknown size, the innermost first, then `None`.
    ///
    /// Errors: [`MkvError::Truncated`] where an element of known size or a header is not complete.
    pub fn finish(&mut self) -> Result<Option<Event<'static>>, MkvError> {
        let offset = self.position + self.carried as u64;
        let cut = |id| MkvError::Truncated { id, offset };
        match self.state {
            State::Failed(error) => return Err(error),
            State::InPayload { id, .. } => return self.fail(cut(Some(id))),
            State::BetweenElements if self.carried > 0 => return self.fail(cut(None)),
            State::BetweenElements => {}
        }
        let incomplete = |open: &&Open| open.size_known && open.end != self.position;
        match self.open().iter().rev().find(incomplete).map(|open| open.id) {
            id @ Some(_) => self.fail(cut(id)),
            None => Ok(self.close()),
        }
    }

    /// Takes a SimpleBlock off the front of `input` if one stands there whole, in the open Cluster: the element, and
    /// the length of its header. Anything else, faults included, is for [`next`](Self::next) to tell.
    ///
    /// Nearly everything in a stream is such a block, and nearly all of them lie in the input whole.
    #[inline]
    pub(crate) fn next_whole_block<'i>(&mut self, input: &mut &'i [u8]) -> Option<(&'i [u8], usize)> {
        const ID: u8 = element::SIMPLE_BLOCK.0 as u8;
        let [ID, size_bytes @ ..] = input.first_chunk::<{ 1 + vint::MAX_SIZE_BYTES }>()? else { return None };
        if !matches!(self.state, State::BetweenElements) || self.carried > 0 {
            return None;
        }
        let open = self.open().last()?;
        let raw = u64::from_be_bytes(*size_bytes);
        let size_len = vint::encoded_len(size_bytes[0])?;
        let Size::Known(size) = vint::size_of(raw >> (64 - 8 * size_len), size_len) else { return None };
        // A size has at most 56 bits.
        let header_bytes = 1 + size_len;
        let bytes = header_bytes as u64 + size;
        if open.id != element::CLUSTER || bytes > input.len() as u64 || bytes > open.end - self.position {
            return None;
        }
        let (block, rest) = input.split_at_checked(bytes as usize)?;
        *input = rest;
        self.position += bytes;
        Some((block, header_bytes))
    }

    /// Passes over the rest of a SimpleBlock's payload: `false`, and nothing has happened, unless that is so many bytes.
    pub(crate) fn skip_block(&mut self, bytes: u64) -> bool {
        let State::InPayload { id: element::SIMPLE_BLOCK, left, .. } = self.state else { return false };
        let is_rest = left == bytes;
        if is_rest {
            self.position += bytes;
            self.state = State::BetweenElements;
        }
        is_rest
    }

    #[inline]
    fn read_payload<'i>(
        &mut self,
        id: ElementId,
        done: u64,
        left: u64,
        input: &mut &'i [u8],
    ) -> Option<Event<'i>> {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        if taken == 0 && left > 0 {
            return None;
        }
        let (bytes, rest) = input.split_at(taken);
        *input = rest;
        let (done_now, left) = (done + taken as u64, left - taken as u64);
        self.position += taken as u64;
        self.state = match left {
            0 => State::BetweenElements,
            _ => State::InPayload { id, done: done_now, left },
        };
        Some(Event::Data { id, bytes, offset: done, last: left == 0 })
    }

    #[inline]
    fn read_between(&mut self, input: &mut &[u8]) -> Result<Found, MkvError> {
        let innermost = self.open().last().copied();
        if innermost.is_some_and(|open| open.end == self.position) {
            return Ok(Found::End);
        }
        let (header, carried) = match input.first_chunk() {
            Some(window) if self.carried == 0 => {
                (Header::parse(window, MAX_HEADER_BYTES, self.position)?, false)
            }
            _ => (self.parse_carried(input)?, true),
        };
        let Some(header) = header else { return Ok(Found::Incomplete) };
        let (kind, place) = element::kind_and_parent(header.id);
        if element::may_stand(header.id, place, innermost.map(|open| open.id)) {
            return Ok(Found::Element(header, kind, carried));
        }
        if self.ends_before(header.id) {
            return Ok(Found::End);
        }
        let parent = innermost.map(|open| open.id);
        Err(MkvError::Misplaced { id: header.id, parent, offset: self.position })
    }

    /// Parses a header that begins in `carry`, or that is near the end of the input; an incomplete one moves to `carry`.
    fn parse_carried(&mut self, input: &mut &[u8]) -> Result<Option<Header>, MkvError> {
        let joined = self.carried + input.len().min(MAX_HEADER_BYTES - self.carried);
        let added = joined - self.carried;
        self.carry[self.carried..joined].copy_from_slice(&input[..added]);
        let header = Header::parse(&self.carry, joined, self.position)?;
        if header.is_none() {
            *input = &input[added..];
            self.carried = joined;
        }
        Ok(header)
    }

    /// Whether an element that cannot stand in the innermost master ends it: all masters from there up to one that
    /// can hold the element are of unknown size.
    #[cold]
    fn ends_before(&self, id: ElementId) -> bool {
        let unknown = self.open().iter().rev().take_while(|open| !open.size_known).count();
        (1..=unknown).any(|closed| {
            let parent = self.depth.checked_sub(closed + 1).map(|index| self.open[index].id);
            element::is_child(id, parent)
        })
    }

    #[inline]
    fn start<'s, 'i: 's>(
        &'s mut self,
        header: Header,
        kind: Kind,
        carried: bool,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'s>>, MkvError> {
        let (offset, depth) = (self.position, self.depth);
        if let Err(error) = self.enter(header, kind) {
            return self.fail(error);
        }
        let bytes = if carried {
            *input = &input[header.bytes - self.carried..];
            self.carried = 0;
            &self.carry[..header.bytes]
        } else {
            let (bytes, rest) = input.split_at(header.bytes);
            *input = rest;
            bytes
        };
        let size = match header.size {
            Size::Known(size) => Some(size),
            Size::Unknown => None,
        };
        Ok(Some(Event::Start { id: header.id, size, header: bytes, depth, offset }))
    }

    /// Moves past the header of an element that may stand here.
    #[inline]
    fn enter(&mut self, Header { id, size, bytes }: Header, kind: Kind) -> Result<(), MkvError> {
        let (offset, header_bytes) = (self.position, bytes as u64);
        let parent_end = self.open().last().map_or(NO_END, |open| open.end);
        let least_size = match size {
            Size::Known(size) => size,
            Size::Unknown => 0,
        };
        let room = parent_end - offset;
        if header_bytes + least_size > room {
            return Err(MkvError::Overrun { id, offset, size: least_size, room });
        }
        match (kind, size) {
            (Kind::Master, _) if self.depth == self.max_depth => {
                return Err(MkvError::TooDeep { id, offset, limit: self.max_depth });
            }
            (Kind::Master, size) => {
                let end = match size {
                    Size::Known(size) => offset + header_bytes + size,
                    Size::Unknown => parent_end,
                };
                self.open[self.depth] = Open { id, end, size_known: size != Size::Unknown };
                self.depth += 1;
            }
            (_, Size::Known(left)) => self.state = State::InPayload { id, done: 0, left },
            (_, Size::Unknown) => return Err(MkvError::UnknownSize { id, offset }),
        }
        self.position += header_bytes;
        Ok(())
    }

    fn close(&mut self) -> Option<Event<'static>> {
        let id = self.open().last()?.id;
        self.depth -= 1;
        Some(Event::End { id })
    }

    #[inline]
    fn open(&self) -> &[Open] {
        &self.open[..self.depth]
    }

    #[cold]
    fn fail<T>(&mut self, error: MkvError) -> Result<T, MkvError> {
        self.state = State::Failed(error);
        Err(error)
    }
}

impl Header {
    /// Parses the first `available` bytes of `window`; `None` where they are fewer than the header has.
    #[inline]
    fn parse(
        window: &[u8; MAX_HEADER_BYTES],
        available: usize,
        offset: u64,
    ) -> Result<Option<Self>, MkvError> {
        if available == 0 {
            return Ok(None);
        }
        let bad_id = MkvError::BadId { offset, byte: window[0] };
        let Some(id_bytes @ 1..=vint::MAX_ID_BYTES) = vint::encoded_len(window[0]) else {
            return Err(bad_id);
        };
        if available <= id_bytes {
            return Ok(None);
        }
        let mut padded = [0; 16];
        padded[..MAX_HEADER_BYTES].copy_from_slice(window);
        let bits = u128::from_be_bytes(padded);
        let id = (bits >> 96) as u32 >> (32 - 8 * id_bytes);
        let data_bits = u32::MAX >> (32 - 7 * id_bytes);
        if id & data_bits == 0 || id & data_bits == data_bits {
            return Err(bad_id);
        }
        let id = ElementId(id);
        let behind_id = ((bits << (8 * id_bytes)) >> 64) as u64;
        let Some(size_bytes) = vint::encoded_len((behind_id >> 56) as u8) else {
            return Err(MkvError::BadSize { id, offset });
        };
        let size = vint::size_of(behind_id >> (64 - 8 * size_bytes), size_bytes);
        let bytes = id_bytes + size_bytes;
        Ok((available >= bytes).then_some(Self { id, size, bytes }))
    }
}

#[cfg(test)]
mod tests;
