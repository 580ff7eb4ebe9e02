use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A smaller form in which bodies may be kept, and the way back. What the bytes mean is the codec's secret.
///
/// Promise: what `encode` made, `decode` turns into exactly the bytes that `encode` was given. The store keeps the
/// form's number with each fragment, so a number is never given to another form.
pub trait BodyCodec: fmt::Debug + Send + Sync + 'static {
    /// The number of the form: 1 or more; 0 is the plain one.
    fn form(&self) -> u16;

    /// Appends `body` in this form; `false` if it is not worth it, and whatever was appended does not count then.
    /// Runs once per fragment on the thread that seals it.
    fn encode(&self, body: &[u8], out: &mut Vec<u8>) -> bool;

    /// Appends, in this form, the body that these parts make together; `false` if it is not worth it, and whatever was appended does not count
    /// then. As [`Self::encode`], for bodies of which parts came in the form already.
    fn join(&self, parts: &mut dyn Iterator<Item = BodyPart<'_>>, out: &mut Vec<u8>) -> bool {
        let _ = (parts, out);
        false
    }

    /// Appends the body of `plain_bytes` bytes, which are known to be few enough for memory; `false` if `stored` is not
    /// such a body in this form, and whatever was appended does not count then. Total: any bytes give an answer.
    fn decode(&self, stored: &[u8], plain_bytes: usize, out: &mut Vec<u8>) -> bool;
}

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPart<'a> {
    /// As it is.
    Plain(&'a [u8]),
    /// In the codec's form, to be decoded by itself.
    Coded(&'a [u8]),
}

/// A piece of an open fragment's body, as its writer gave it.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Plain(Bytes),
    Coded { bytes: Bytes, plain_bytes: usize, codec: Arc<dyn BodyCodec> },
}

impl Piece {
    /// Its length as it is read.
    pub(crate) fn plain_bytes(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Coded { plain_bytes, .. } => *plain_bytes,
        }
    }

    /// As it is read.
    pub(crate) fn plain(&self) -> Bytes {
        match self {
            Self::Plain(bytes) => bytes.clone(),
            Self::Coded { bytes, plain_bytes, codec } => {
                let mut plain = Vec::with_capacity(*plain_bytes);
                if !codec.decode(bytes, *plain_bytes, &mut plain) {
                    // The writer made it with this codec. Whatever it is, the lengths that were told stay true.
                    tracing::error!("a piece of a fragment is not in the form that its writer said");
                    plain.clear();
                    plain.resize(*plain_bytes, 0);
                }
                plain.into()
            }
        }
    }

    pub(crate) fn part(&self) -> BodyPart<'_> {
        match self {
            Self::Plain(bytes) => BodyPart::Plain(bytes),
            Self::Coded { bytes, .. } => BodyPart::Coded(bytes),
        }
    }

    pub(crate) fn is_coded(&self) -> bool {
        matches!(self, Self::Coded { .. })
    }
}
