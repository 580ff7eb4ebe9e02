//! G.711: the two companding laws of telephony, eight bits a sample at 8 kHz.
//!
//! Source: ITU-T G.711 (11/1988), tables 1a-2b. Decoded values are left-justified in 16 bits, as every softphone
//! and sox do: mu-law spans +-32,124, A-law +-32,256. Encoding picks the nearest segment the way the ITU's G.191
//! reference does, so `encode(decode(c)) == c` for every code but mu-law's negative zero (0x7F), which becomes 0xFF.

/// A G.711 companding law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Mu-law: North America, Japan. RTP payload type 0, `PCMU`.
    Mu,
    /// A-law: everywhere else. RTP payload type 8, `PCMA`.
    A,
}

impl Law {
    /// The linear value of a code.
    pub const fn decode(self, code: u8) -> i16 {
        self.table()[code as usize]
    }

    /// The code for a linear value.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// The code of digital silence: what to send when there is nothing to say.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// Appends the linear values of `codes` to `out`.
    pub fn decode_into(self, codes: &[u8], out: &mut Vec<i16>) {
        let table = self.table();
        out.extend(codes.iter().map(|&code| table[code as usize]));
    }

    /// Appends the codes of `samples` to `out`.
    pub fn encode_into(self, samples: &[i16], out: &mut Vec<u8>) {
        out.extend(samples.iter().map(|&sample| self.encode(sample)));
    }

    /// The encoding name in SDP and RTP (RFC 3551 section 4.5.14).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mu => "PCMU",
            Self::A => "PCMA",
        }
    }

    /// The static RTP payload type (RFC 3551 section 6).
    pub const fn static_payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// All 256 linear values.
    pub const fn table(self) -> &'static [i16; 256] {
        match self {
            Self::Mu => &MU_TO_LINEAR,
            Self::A => &A_TO_LINEAR,
        }
    }
}

const fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let magnitude = ((((code & 0x0f) as i16) << 3) + MU_BIAS) << segment;
    if code & 0x80 == 0 { magnitude - MU_BIAS } else { MU_BIAS - magnitude }
}

const fn encode_mu(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude = if negative { -(sample as i32) } else { sample as i32 };
    let magnitude = (if magnitude > MU_CLIP { MU_CLIP } else { magnitude }) + MU_BIAS as i32;
    // The biased magnitude lies in 132..=32,767, so bit 7 at least is set.
    let segment = (31 - magnitude.leading_zeros()) - 7;
    let interval = (magnitude >> (segment + 3)) & 0x0f;
    let code = (segment << 4) as u8 | interval as u8;
    !(if negative { code | 0x80 } else { code })
}

const fn decode_a(code: u8) -> i16 {
    let code = code ^ A_EVEN_BITS;
    let segment = (code >> 4) & 7;
    let interval = ((code & 0x0f) as i16) << 4;
    let magnitude = match segment {
        0 => interval + 8,
        _ => (interval + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn encode_a(sample: i16) -> u8 {
    // Negative values are mirrored by ones' complement, so that -1 falls into the first negative interval.
    let (magnitude, sign) = if sample >= 0 { (sample as u16, 0x80) } else { (!sample as u16, 0) };
    let steps = magnitude >> 4;
    let code = if steps < 32 {
        steps as u8
    } else {
        let segment = (15 - steps.leading_zeros()) - 3;
        (segment << 4) as u8 | ((steps >> (segment - 1)) & 0x0f) as u8
    };
    (code | sign) ^ A_EVEN_BITS
}

/// Added before the segment search, so that segment borders are powers of two.
const MU_BIAS: i16 = 0x84;
/// The largest magnitude that still fits after the bias.
const MU_CLIP: i32 = 32_635;
/// A-law codes travel with their even bits inverted.
const A_EVEN_BITS: u8 = 0x55;

static MU_TO_LINEAR: [i16; 256] = table(false);
static A_TO_LINEAR: [i16; 256] = table(true);

const fn table(a_law: bool) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = if a_law { decode_a(code as u8) } else { decode_mu(code as u8) };
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mu_law_decodes_the_values_of_itu_table_2() {
        // Decoder output values of G.711 tables 2a and 2b, times 4 (14 bits left-justified in 16).
        let known = [
            (0xff, 0),
            (0x7f, 0),
            (0xfe, 8),
            (0x7e, -8),
            (0xef, 132),
            (0xdf, 396),
            (0xcf, 924),
            (0xbf, 1_980),
            (0xaf, 4_092),
            (0x9f, 8_316),
            (0x8f, 16_764),
            (0x80, 32_124),
            (0x00, -32_124),
        ];
        for (code, linear) in known {
            assert_eq!(Law::Mu.decode(code), linear, "code {code:#04x}");
        }
    }

    #[test]
    fn a_law_decodes_the_values_of_itu_table_1() {
        // Decoder output values of G.711 tables 1a and 1b, times 8 (13 bits left-justified in 16).
        let known = [
            (0xd5, 8),
            (0x55, -8),
            (0xd4, 24),
            (0xc5, 264),
            (0xf5, 528),
            (0xe5, 1_056),
            (0x95, 2_112),
            (0x85, 4_224),
            (0xb5, 8_448),
            (0xa5, 16_896),
            (0xaa, 32_256),
            (0x2a, -32_256),
        ];
        for (code, linear) in known {
            assert_eq!(Law::A.decode(code), linear, "code {code:#04x}");
        }
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(code)), expected);
        }
    }

    #[test]
    fn silence_codes_decode_to_the_smallest_magnitude() {
        assert_eq!(Law::Mu.decode(Law::Mu.silence()), 0);
        assert_eq!(Law::A.decode(Law::A.silence()), 8);
        assert_eq!(Law::Mu.encode(0), Law::Mu.silence());
        assert_eq!(Law::A.encode(0), Law::A.silence());
    }

    #[test]
    fn extremes_clip_instead_of_wrapping() {
        assert_eq!(Law::Mu.decode(Law::Mu.encode(i16::MAX)), 32_124);
        assert_eq!(Law::Mu.decode(Law::Mu.encode(i16::MIN)), -32_124);
        assert_eq!(Law::A.decode(Law::A.encode(i16::MAX)), 32_256);
        assert_eq!(Law::A.decode(Law::A.encode(i16::MIN)), -32_256);
    }

    proptest! {
        #[test]
        fn encoding_errs_by_at_most_half_a_step(sample in any::<i16>()) {
            for law in [Law::Mu, Law::A] {
                let error = (i32::from(law.decode(law.encode(sample))) - i32::from(sample)).abs();
                // Steps double per segment: an eighth of the magnitude at worst, 16 near zero; clipping apart.
                let magnitude = i32::from(sample).abs();
                prop_assert!(error <= 16.max(magnitude / 16 + 8) || magnitude > 32_000, "{law:?} {sample} off by {error}");
            }
        }

        #[test]
        fn encoding_keeps_the_order_of_samples(a in any::<i16>(), b in any::<i16>()) {
            for law in [Law::Mu, Law::A] {
                let (low, high) = (a.min(b), a.max(b));
                prop_assert!(law.decode(law.encode(low)) <= law.decode(law.encode(high)));
            }
        }
    }
}
