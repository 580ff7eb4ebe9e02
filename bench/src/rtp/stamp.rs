//! What makes each packet of the load recognisable in the PCM that comes back.
//!
//! Mu-law is an alphabet of 256 codes that decode to 255 values: both zeros become 0. A payload here avoids the zeros,
//! so decoding loses nothing, every sample of a packet can be told from silence, and the exact bytes that were sent
//! can be told from the samples that were read.

use crate::clock::Monotonic;

/// Samples, and bytes, in a packet of 20 ms.
pub(crate) const PACKET_8K: usize = 160;

/// The payload of one packet.
pub(crate) type Payload = [u8; PACKET_8K];

/// Who sent a packet and when: all that its payload is made of.
///
/// Shape: a marker of 4 codes that occur nowhere else, then seven-bit digits: call (3), sequence (4), time (9),
/// and a filling that depends on all of them and so is their check. Calls, sequences and times wrap at 21, 28 and 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The call.
    pub(crate) call: u32,
    /// The packet's number within the call, from 0.
    pub(crate) sequence: u32,
    /// When it was handed to the kernel.
    pub(crate) sent: Monotonic,
}

/// The codes that a payload begins with.
pub(crate) const MARKER: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

impl Stamp {
    /// The payload.
    pub(crate) fn payload(self) -> Payload {
        let mut payload = [0; PACKET_8K];
        self.write(&mut payload);
        payload
    }

    /// Writes the payload.
    pub(crate) fn write(self, payload: &mut Payload) {
        let fields = [u64::from(self.call), u64::from(self.sequence), self.sent.0];
        let mut noise = Noise(fields.iter().fold(SEED, |hash, field| mix(hash ^ field)));
        let (marker, digits) = payload.split_at_mut(MARKER.len());
        marker.copy_from_slice(&MARKER);
        let mut rest = digits;
        for (field, width) in fields.into_iter().zip(FIELD_DIGITS) {
            let (field_digits, after) = rest.split_at_mut(width);
            write_digits(field, field_digits);
            rest = after;
        }
        for run in rest.chunks_mut(DIGITS_PER_WORD) {
            write_digits(noise.next(), run);
        }
    }

    /// Reads a payload; `None` unless it is, code for code, what this stamp would write.
    pub(crate) fn read(payload: &Payload) -> Option<Self> {
        let mut rest = payload.strip_prefix(&MARKER)?;
        let mut fields = [0; FIELD_DIGITS.len()];
        for (field, width) in fields.iter_mut().zip(FIELD_DIGITS) {
            let (field_digits, after) = rest.split_at(width);
            *field = read_digits(field_digits)?;
            rest = after;
        }
        let [call, sequence, sent] = fields;
        let stamp = Self {
            call: u32::try_from(call).ok()?,
            sequence: u32::try_from(sequence).ok()?,
            sent: Monotonic(sent),
        };
        (stamp.payload() == *payload).then_some(stamp)
    }
}

/// Digits of call, sequence and time.
const FIELD_DIGITS: [usize; 3] = [3, 4, 9];

/// Digits of the filling that one word of noise gives.
const DIGITS_PER_WORD: usize = 9;

fn write_digits(mut value: u64, digits: &mut [u8]) {
    for digit in digits {
        *digit = code((value & 0x7f) as u8);
        value >>= 7;
    }
}

fn read_digits(digits: &[u8]) -> Option<u64> {
    digits.iter().rev().try_fold(0, |value, &code| Some(value << 7 | u64::from(digit(code)?)))
}

/// The negative half of mu-law, with another code in place of its zero.
fn code(digit: u8) -> u8 {
    match 0x80 | digit {
        NEGATIVE_HALF_ZERO => STAND_IN,
        code => code,
    }
}

fn digit(code: u8) -> Option<u8> {
    match code {
        STAND_IN => Some(NEGATIVE_HALF_ZERO & 0x7f),
        NEGATIVE_HALF_ZERO => None,
        _ => (code & 0x80 != 0).then_some(code & 0x7f),
    }
}

/// The code of zero among those with the high bit.
const NEGATIVE_HALF_ZERO: u8 = 0xff;
/// Neither zero nor part of the marker.
const STAND_IN: u8 = 0x10;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(SEED);
        mix(self.0)
    }
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tympan_telephony::audio::g711::Law;

    fn stamps() -> impl Strategy<Value = Stamp> {
        (0_u32..1 << 21, 0_u32..1 << 28, 0_u64..1 << 63).prop_map(|(call, sequence, sent)| Stamp {
            call,
            sequence,
            sent: Monotonic(sent),
        })
    }

    #[test]
    fn digits_and_codes_are_one_to_one() {
        for value in 0..=0x7f {
            assert_eq!(digit(code(value)), Some(value));
            assert!(!MARKER.contains(&code(value)));
        }
        assert_eq!(digit(0xff), None);
        assert_eq!(digit(0x7f), None);
    }

    proptest! {
        #[test]
        fn survives_decoding_and_encoding(stamp in stamps()) {
            let payload = stamp.payload();
            let through_pcm = payload.map(|code| Law::Mu.encode(Law::Mu.decode(code)));
            prop_assert_eq!(through_pcm, payload);
            prop_assert_eq!(Stamp::read(&through_pcm), Some(stamp));
        }

        #[test]
        fn no_sample_is_silent_and_no_marker_occurs_within(stamp in stamps()) {
            let payload = stamp.payload();
            prop_assert!(payload.iter().all(|&code| Law::Mu.decode(code) != 0));
            prop_assert!(!payload[MARKER.len()..].iter().any(|code| MARKER.contains(code)));
        }

        #[test]
        fn any_changed_code_is_noticed(stamp in stamps(), at in 0..PACKET_8K, code: u8) {
            let mut payload = stamp.payload();
            prop_assume!(payload[at] != code);
            payload[at] = code;
            prop_assert_eq!(Stamp::read(&payload), None);
        }

        #[test]
        fn garbage_is_no_stamp(garbage: [[u8; 32]; 5]) {
            let payload: Payload = garbage.concat().try_into().unwrap();
            prop_assert_eq!(Stamp::read(&payload), None);
        }
    }
}
