use std::fmt;

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

    /// Appends the body of `plain_bytes` bytes, which are known to be few enough for memory; `false` if `stored` is not
    /// such a body in this form, and whatever was appended does not count then. Total: any bytes give an answer.
    fn decode(&self, stored: &[u8], plain_bytes: usize, out: &mut Vec<u8>) -> bool;
}
