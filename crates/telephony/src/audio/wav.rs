//! WAV files: prompts and test audio in, captured calls out.
//!
//! Reading is tolerant, as files come from pipes and old tools: wrong or unknown lengths, odd chunks, extensible
//! headers. Source: Microsoft Multimedia Programming Interface and Data Specifications 1.0, `WAVE_FORMAT_EXTENSIBLE`.
//! Not implemented: RF64, floating point and compressed formats other than G.711.

use super::g711::Law;
use super::pcm::{SAMPLE_RATE_HZ, extend_le_bytes, from_le_bytes};
use super::resample::Resampler;

/// Reads a WAV file as 8 kHz mono samples.
///
/// Shape: PCM of 8, 16 or 24 bits or G.711; channels are averaged; other rates go through [`Resampler`]. At 8 kHz
/// mono, 16-bit and G.711 samples are taken as they are. A file that ends early gives what it holds.
/// Errors: [`WavError`] when the header is missing or describes something else.
pub fn read(file: &[u8]) -> Result<Vec<i16>, WavError> {
    let (format, data) = chunks(file)?;
    decode(format, data)
}

/// As [`read`], of a file that may hold at most `samples_max` samples at 8 kHz. A longer one is refused by its header: 8-bit samples at
/// 4 kHz take ten times the size of their file while they are resampled.
///
/// Errors: [`WavError::Long`] beside those of [`read`].
pub fn read_within(file: &[u8], samples_max: usize) -> Result<Vec<i16>, WavError> {
    let (format, data) = chunks(file)?;
    let samples = format.length_samples(data.len());
    if samples > samples_max {
        return Err(WavError::Long { samples, samples_max });
    }
    decode(format, data)
}

fn decode(format: Format, data: &[u8]) -> Result<Vec<i16>, WavError> {
    let samples = format.samples(data)?;
    let channels = usize::from(format.channels);
    if format.rate_hz == SAMPLE_RATE_HZ && channels == 1 {
        return Ok(samples);
    }
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().map(|&sample| f32::from(sample)).sum::<f32>() / channels as f32)
        .collect();
    let resampler = Resampler::new(format.rate_hz).ok_or(WavError::Rate { rate_hz: format.rate_hz })?;
    if format.rate_hz == SAMPLE_RATE_HZ {
        return Ok(mono.into_iter().map(|sample| sample.round() as i16).collect());
    }
    Ok(resampler.resample(&mono))
}

/// How many samples a WAV file will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavLength {
    /// Exactly this many.
    Samples(u32),
    /// Not known yet, as when writing to a pipe: readers take what follows until the end.
    Unknown,
}

/// The header of an 8 kHz mono 16-bit WAV file; the samples follow as little-endian bytes.
///
/// Units: lengths above 2,147,483,628 samples (74 hours) do not fit the format and are written as unknown.
pub fn header(length: WavLength) -> [u8; HEADER_BYTES] {
    let data_bytes = match length {
        WavLength::Samples(samples) => {
            samples.checked_mul(2).filter(|bytes| *bytes <= u32::MAX - RIFF_OVERHEAD)
        }
        WavLength::Unknown => None,
    };
    let riff_bytes = data_bytes.map_or(u32::MAX, |bytes| bytes + RIFF_OVERHEAD);
    let mut header = [0; HEADER_BYTES];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &riff_bytes.to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &FORMAT_PCM.to_le_bytes(),
        &1u16.to_le_bytes(),
        &SAMPLE_RATE_HZ.to_le_bytes(),
        &(SAMPLE_RATE_HZ * 2).to_le_bytes(),
        &2u16.to_le_bytes(),
        &16u16.to_le_bytes(),
        b"data",
        &data_bytes.unwrap_or(u32::MAX).to_le_bytes(),
    ];
    let mut end = 0;
    for field in fields {
        header[end..end + field.len()].copy_from_slice(field);
        end += field.len();
    }
    header
}

/// A whole 8 kHz mono 16-bit WAV file.
pub fn write(samples: &[i16]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).map_or(WavLength::Unknown, WavLength::Samples);
    let mut file = header(length).to_vec();
    extend_le_bytes(&mut file, samples);
    file
}

/// Why a file cannot be read as audio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// The file does not begin as a WAV file does.
    #[error("not a WAV file: it does not begin with RIFF and WAVE; convert it, e.g. with sox or ffmpeg")]
    NotWav,
    /// The format or the data chunk is missing, or the format chunk is too short.
    #[error("WAV file without a usable {chunk:?} chunk: it is damaged or cut off")]
    Missing {
        /// Name of the chunk.
        chunk: &'static str,
    },
    /// A sample format that is neither PCM nor G.711, or of another width.
    #[error(
        "WAV format {tag:#06x} with {bits} bits is not supported: use PCM of 8, 16 or 24 bits, mu-law or A-law"
    )]
    Format {
        /// Format tag; for extensible files that of the sub-format.
        tag: u16,
        /// Bits a sample.
        bits: u16,
    },
    /// No channel, or more than 32.
    #[error("WAV file with {channels} channels: use 1 to 32")]
    Channels {
        /// Channels.
        channels: u16,
    },
    /// More samples at 8 kHz than the reader takes.
    #[error("the sound has {} s, and at most {} s are taken", samples.div_ceil(8_000), samples_max / 8_000)]
    Long {
        /// What the file holds.
        samples: usize,
        /// What is taken.
        samples_max: usize,
    },
    /// A sample rate that cannot be resampled.
    #[error("WAV file at {rate_hz} Hz: use a multiple of 25 Hz between 4 and 192 kHz")]
    Rate {
        /// Samples per second and channel.
        rate_hz: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
}

impl Format {
    fn parse(chunk: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let u32_at = |at: usize| Some(u32::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let mut format =
            Self { tag: u16_at(0)?, channels: u16_at(2)?, rate_hz: u32_at(4)?, bits: u16_at(14)? };
        if format.tag == FORMAT_EXTENSIBLE {
            // The sub-format is a GUID whose first two bytes are the plain tag.
            format.tag = u16_at(24)?;
        }
        Some(format)
    }

    /// The samples at 8 kHz that so many bytes stand for; of a format that cannot be read, some number.
    fn length_samples(&self, data_bytes: usize) -> usize {
        let frame_bytes = usize::from(self.channels) * usize::from(self.bits / 8);
        let frames = data_bytes as u64 / (frame_bytes.max(1) as u64);
        let samples = (frames * u64::from(SAMPLE_RATE_HZ)).div_ceil(u64::from(self.rate_hz.max(1)));
        usize::try_from(samples).unwrap_or(usize::MAX)
    }

    fn samples(&self, data: &[u8]) -> Result<Vec<i16>, WavError> {
        if !(1..=CHANNELS_MAX).contains(&self.channels) {
            return Err(WavError::Channels { channels: self.channels });
        }
        let companded = |law: Law| {
            let mut samples = Vec::with_capacity(data.len());
            law.decode_into(data, &mut samples);
            samples
        };
        Ok(match (self.tag, self.bits) {
            // Eight-bit WAV is unsigned.
            (FORMAT_PCM, 8) => data.iter().map(|&byte| (i16::from(byte) - 128) << 8).collect(),
            (FORMAT_PCM, 16) => from_le_bytes(data).collect(),
            (FORMAT_PCM, 24) => data
                .as_chunks::<3>()
                .0
                .iter()
                .map(|&[_, low, high]| i16::from_le_bytes([low, high]))
                .collect(),
            (FORMAT_A_LAW, 8) => companded(Law::A),
            (FORMAT_MU_LAW, 8) => companded(Law::Mu),
            (tag, bits) => return Err(WavError::Format { tag, bits }),
        })
    }
}

/// Finds the format and the data chunk.
fn chunks(file: &[u8]) -> Result<(Format, &[u8]), WavError> {
    let [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', body @ ..] = file else {
        return Err(WavError::NotWav);
    };
    let mut format = None;
    let mut rest = body;
    while let Some((head, content)) = rest.split_first_chunk::<8>() {
        let [n0, n1, n2, n3, l0, l1, l2, l3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        match [n0, n1, n2, n3] {
            name if name == *b"data" => {
                let format = format.ok_or(WavError::Missing { chunk: "fmt " })?;
                // Writers to a pipe leave 0 or the largest number; a file cut off holds less than it says.
                let data = if length == 0 { content } else { &content[..length.min(content.len())] };
                return Ok((format, data));
            }
            name if name == *b"fmt " => format = Format::parse(&content[..length.min(content.len())]),
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = content.get(length.saturating_add(length & 1)..).unwrap_or_default();
    }
    Err(WavError::Missing { chunk: if format.is_some() { "data" } else { "fmt " } })
}

const FORMAT_PCM: u16 = 1;
const FORMAT_A_LAW: u16 = 6;
const FORMAT_MU_LAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xfffe;
const CHANNELS_MAX: u16 = 32;
const HEADER_BYTES: usize = 44;
/// Bytes of the RIFF chunk beside the samples.
const RIFF_OVERHEAD: u32 = HEADER_BYTES as u32 - 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audio::tone::{amplitude_at, sine};

    fn wav(tag: u16, channels: u16, rate_hz: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let block = channels * bits / 8;
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate_hz.to_le_bytes());
        file.extend((rate_hz * u32::from(block)).to_le_bytes());
        file.extend(block.to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn what_is_too_long_is_refused_by_its_length_at_8_khz() {
        for (tag, channels, rate_hz, bits) in
            [(1, 1, 8_000, 16), (1, 2, 8_000, 16), (1, 2, 48_000, 24), (1, 1, 4_000, 8), (7, 1, 8_000, 8)]
        {
            let second = vec![0x55; usize::from(channels * bits / 8) * rate_hz as usize];
            let file = wav(tag, channels, rate_hz, bits, &second);
            assert_eq!(read_within(&file, 8_000).unwrap(), read(&file).unwrap(), "{rate_hz} Hz");
            let long = read_within(&file, 7_999).unwrap_err();
            assert_eq!(long, WavError::Long { samples: 8_000, samples_max: 7_999 }, "{rate_hz} Hz");
        }
        let rate = WavError::Rate { rate_hz: 100 };
        assert_eq!(read_within(&wav(1, 1, 100, 16, &[0; 200]), 8_000), Err(rate));
        assert!(read_within(&wav(1, 0, 0, 0, &[0; 2]), 8_000).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let samples = sine(440.0, 12_000.0, 1_000);
        let file = write(&samples);
        assert_eq!(file.len(), 44 + 2_000);
        assert_eq!(file[4..8], 2_036u32.to_le_bytes());
        assert_eq!(read(&file).unwrap(), samples);
    }

    #[test]
    fn a_piped_file_of_unknown_length_is_read_to_its_end() {
        for placeholder in [0u32, u32::MAX] {
            let mut file = header(WavLength::Unknown).to_vec();
            assert_eq!(file[40..44], u32::MAX.to_le_bytes());
            file[40..44].copy_from_slice(&placeholder.to_le_bytes());
            extend_le_bytes(&mut file, &[1, 2, 3]);
            assert_eq!(read(&file).unwrap(), [1, 2, 3]);
        }
    }

    #[test]
    fn lengths_the_format_cannot_hold_are_unknown() {
        assert_eq!(header(WavLength::Samples(u32::MAX)), header(WavLength::Unknown));
        assert_ne!(header(WavLength::Samples(2_147_483_629)), header(WavLength::Unknown));
    }

    #[test]
    fn companded_files_are_taken_code_by_code() {
        let codes: Vec<u8> = (0..=255).collect();
        for (tag, law) in [(FORMAT_MU_LAW, Law::Mu), (FORMAT_A_LAW, Law::A)] {
            assert_eq!(read(&wav(tag, 1, 8_000, 8, &codes)).unwrap(), law.table());
        }
    }

    #[test]
    fn eight_and_twenty_four_bits_become_sixteen() {
        assert_eq!(read(&wav(FORMAT_PCM, 1, 8_000, 8, &[0, 128, 255])).unwrap(), [-32_768, 0, 32_512]);
        assert_eq!(
            read(&wav(FORMAT_PCM, 1, 8_000, 24, &[9, 0x34, 0x12, 0, 0, 0x80])).unwrap(),
            [0x1234, i16::MIN]
        );
    }

    #[test]
    fn channels_are_averaged() {
        let mut data = Vec::new();
        extend_le_bytes(&mut data, &[100, 300, i16::MAX, i16::MAX, -5, 5]);
        assert_eq!(read(&wav(FORMAT_PCM, 2, 8_000, 16, &data)).unwrap(), [200, i16::MAX, 0]);
    }

    #[test]
    fn cd_audio_becomes_telephone_audio() {
        let mut data = Vec::new();
        for index in 0..44_100 {
            let sample =
                (10_000.0 * (std::f64::consts::TAU * 440.0 * f64::from(index) / 44_100.0).sin()) as i16;
            extend_le_bytes(&mut data, &[sample, sample]);
        }
        let samples = read(&wav(FORMAT_PCM, 2, 44_100, 16, &data)).unwrap();
        assert_eq!(samples.len(), 8_000);
        assert!((amplitude_at(&samples, 440.0) - 10_000.0).abs() < 50.0);
    }

    #[test]
    fn extensible_headers_name_their_format_further_on() {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x28\0\0\0\xfe\xff\x01\0".to_vec();
        file.extend(8_000u32.to_le_bytes());
        file.extend([0x80, 0x3e, 0, 0, 2, 0, 16, 0, 22, 0, 16, 0, 0, 0, 0, 0, 1, 0]);
        file.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        file.extend(b"data\x02\0\0\0\x05\0");
        assert_eq!(read(&file).unwrap(), [5]);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(read(b"OggS"), Err(WavError::NotWav));
        assert_eq!(read(b"RIFF\0\0\0\0WAVE"), Err(WavError::Missing { chunk: "fmt " }));
        assert_eq!(read(&wav(3, 1, 8_000, 32, &[])), Err(WavError::Format { tag: 3, bits: 32 }));
        assert_eq!(read(&wav(1, 0, 8_000, 16, &[])), Err(WavError::Channels { channels: 0 }));
        assert_eq!(read(&wav(1, 1, 1, 16, &[])), Err(WavError::Rate { rate_hz: 1 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut file in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..200) {
            let _ = read(&file);
            let mut cut = wav(1, 2, 16_000, 16, &file);
            cut.truncate(at);
            let _ = read(&cut);
            file.splice(0..0, *b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0");
            let _ = read(&file);
        }
    }
}
