use tympan_telephony::audio::g711::Law;

/// What was cut and is to be handed on, in the order of the sound: bytes of the Matroska document, and beside them the indexes of its
/// fragments.
///
/// Samples that came companded stay so: they stand for the little-endian 16-bit samples that their law expands them to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cut {
    bytes: Vec<u8>,
    /// In order, none over another; what no mark spans is Matroska as it is.
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    at: usize,
    bytes: usize,
    what: Marked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marked {
    Codes(Law),
    Index,
}

/// A run of a [`Cut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the document, cut anywhere.
    Mkv(&'a [u8]),
    /// The samples of one block, companded, one byte each; two in the document.
    Codes(Law, &'a [u8]),
    /// The index of the fragment that these bytes are in: comes before what ends it.
    Index(&'a [u8]),
}

impl Cut {
    /// With room for so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), marks: Vec::with_capacity(MARKS) }
    }

    /// Everything, in order.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        Pieces { cut: self, done: 0, marks: self.marks.iter() }
    }

    /// The bytes of the document as they are on the wire.
    pub fn expand_into(&self, out: &mut Vec<u8>) {
        for piece in self.pieces() {
            piece.expand_into(out);
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What it takes of memory: less than it will be on the wire.
    pub fn held_bytes(&self) -> usize {
        self.bytes.len() + self.marks.len() * size_of::<Mark>()
    }

    /// How many bytes its pieces have.
    pub fn piece_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets everything and keeps an ordinary buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.marks.clear();
    }

    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        self.bytes.shrink_to(bytes);
        self.marks.shrink_to(MARKS);
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> (usize, usize) {
        (self.bytes.capacity(), self.marks.capacity())
    }

    /// To write Matroska into.
    pub(crate) fn mkv(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn codes(&mut self, law: Law, codes: &[u8]) {
        self.mark(Marked::Codes(law), |bytes| bytes.extend_from_slice(codes));
    }

    pub(crate) fn index(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.mark(Marked::Index, write);
    }

    fn mark(&mut self, what: Marked, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.bytes.len();
        write(&mut self.bytes);
        self.marks.push(Mark { at, bytes: self.bytes.len().saturating_sub(at), what });
    }
}

/// Marks of an ordinary frame and of the end of a fragment, a few times over.
const MARKS: usize = 16;

struct Pieces<'a> {
    cut: &'a Cut,
    done: usize,
    marks: std::slice::Iter<'a, Mark>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let next = self.marks.as_slice().first();
        let until = next.map_or(self.cut.bytes.len(), |mark| mark.at);
        if until > self.done {
            let mkv = self.cut.bytes.get(self.done..until)?;
            self.done = until;
            return Some(Piece::Mkv(mkv));
        }
        let mark = self.marks.next()?;
        self.done = mark.at.saturating_add(mark.bytes);
        let bytes = self.cut.bytes.get(mark.at..self.done)?;
        Some(match mark.what {
            Marked::Codes(law) => Piece::Codes(law, bytes),
            Marked::Index => Piece::Index(bytes),
        })
    }
}

impl Piece<'_> {
    /// Appends it as it is in the document: nothing of an index.
    pub fn expand_into(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Mkv(bytes) => out.extend_from_slice(bytes),
            Self::Codes(law, codes) => {
                let table = law.table();
                let begin = out.len();
                out.resize(begin + 2 * codes.len(), 0);
                let samples = out.get_mut(begin..).unwrap_or_default().as_chunks_mut::<2>().0;
                for (sample, code) in samples.iter_mut().zip(codes) {
                    *sample = table[usize::from(*code)].to_le_bytes();
                }
            }
            Self::Index(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Cut {
        let mut cut = Cut::default();
        cut.mkv().extend_from_slice(b"head");
        cut.codes(Law::Mu, &[0x80, 0x00]);
        cut.codes(Law::A, &[0xaa]);
        cut.index(|bytes| bytes.extend_from_slice(b"ix"));
        cut.mkv().extend_from_slice(b"tags");
        cut
    }

    #[test]
    fn pieces_come_in_the_order_in_which_they_were_cut() {
        let pieces = [
            Piece::Mkv(b"head"),
            Piece::Codes(Law::Mu, &[0x80, 0x00]),
            Piece::Codes(Law::A, &[0xaa]),
            Piece::Index(b"ix"),
            Piece::Mkv(b"tags"),
        ];
        assert_eq!(example().pieces().collect::<Vec<_>>(), pieces);
    }

    #[test]
    fn on_the_wire_codes_are_samples_and_an_index_is_nothing() {
        let mut wire = Vec::new();
        example().expand_into(&mut wire);
        let samples: Vec<u8> =
            [32_124i16, -32_124, 32_256].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(wire, [&b"head"[..], &samples, b"tags"].concat());
    }

    /// A piece to be cut: what it is and its bytes.
    fn piece() -> impl Strategy<Value = (u8, Vec<u8>)> {
        (0u8..4, prop::collection::vec(any::<u8>(), 0..40))
    }

    proptest! {
        /// Whatever is cut, the pieces are what was cut, in its order, and the wire has samples for codes and nothing for indexes.
        #[test]
        fn pieces_are_what_was_cut_and_the_wire_is_what_they_stand_for(
            pieces in prop::collection::vec(piece(), 0..30),
            rounds in 1usize..3,
        ) {
            let mut cut = Cut::with_capacity(16);
            for _ in 0..rounds {
                cut.clear();
                cut.shrink_to(64);
                let mut wire = Vec::new();
                for (what, bytes) in &pieces {
                    match what {
                        0 => {
                            cut.mkv().extend_from_slice(bytes);
                            wire.extend_from_slice(bytes);
                        }
                        1 => cut.index(|out| out.extend_from_slice(bytes)),
                        law => {
                            let law = if *law == 2 { Law::Mu } else { Law::A };
                            cut.codes(law, bytes);
                            wire.extend(bytes.iter().flat_map(|code| law.decode(*code).to_le_bytes()));
                        }
                    }
                }
                let mut expanded = b"before".to_vec();
                cut.expand_into(&mut expanded);
                prop_assert_eq!(&expanded[6..], &wire);
                let whole: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
                prop_assert_eq!(cut.piece_bytes(), whole.len());
                prop_assert_eq!(cut.is_empty(), whole.is_empty());
                let mut found = Vec::new();
                for piece in cut.pieces() {
                    let (Piece::Mkv(bytes) | Piece::Codes(_, bytes) | Piece::Index(bytes)) = piece;
                    found.extend_from_slice(bytes);
                }
                prop_assert_eq!(found, whole);
                let marked = pieces.iter().filter(|(what, _)| *what > 0).count();
                prop_assert_eq!(cut.pieces().filter(|piece| !matches!(piece, Piece::Mkv(_))).count(), marked);
                prop_assert!(cut.held_bytes() >= cut.piece_bytes());
            }
        }
    }

    #[test]
    fn what_was_cleared_is_empty() {
        let mut cut = example();
        cut.clear();
        assert!(cut.is_empty() && cut.pieces().next().is_none());
        assert_eq!(cut.held_bytes(), 0);
    }
}
