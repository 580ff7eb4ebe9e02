//! From bytes to samples.

use super::band::{Higher, Lower};
use super::halfband::Decimator;
use super::{Qmf, sample};

/// Decodes one stream. It holds its state in itself: some 600 bytes, and no allocation.
#[derive(Clone, Debug)]
pub struct Decoder {
    lower: Lower,
    higher: Higher,
    join: Qmf,
    decimator: Decimator,
}

impl Decoder {
    /// A decoder for a stream from its first byte.
    pub const fn new() -> Self {
        Self { lower: Lower::new(), higher: Higher::new(), join: Qmf::new(), decimator: Decimator::new() }
    }

    /// Appends one sample at 8 kHz for each byte; [`super::DECIMATION_DELAY_SAMPLES`] late. No byte is refused: all of them mean something.
    pub fn decode(&mut self, payload: &[u8], out_8khz: &mut Vec<i16>) {
        out_8khz.reserve(payload.len());
        for &byte in payload {
            let (earlier, later) = self.decode_pair(byte);
            out_8khz.push(self.decimator.push(earlier, later));
        }
    }

    /// Appends two samples at 16 kHz for each byte, as the recommendation has them.
    pub fn decode_16k(&mut self, payload: &[u8], out_16khz: &mut Vec<i16>) {
        out_16khz.reserve(2 * payload.len());
        for &byte in payload {
            let (earlier, later) = self.decode_pair(byte);
            out_16khz.extend([earlier, later]);
        }
    }

    fn decode_pair(&mut self, byte: u8) -> (i16, i16) {
        let low = self.lower.decode(byte & 0x3f);
        let high = self.higher.decode(byte >> 6);
        let (sum, difference) = self.join.push(low + high, low - high);
        (sample(difference >> 11), sample(sum >> 11))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
