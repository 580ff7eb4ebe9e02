//! Sound over the wire: media types, and linear samples as bytes.
//!
//! Source: Lex Runtime V2 API reference, RecognizeUtterance, `requestContentType` and `responseContentType`.

use std::sync::Arc;
use tympan_telephony::audio::resample::Resampler;
use tympan_telephony::words::Sound;

/// The media type of a caller's speech as we send it.
pub const SPEECH_TYPE: &str =
    "audio/lpcm; sample-rate=8000; sample-size-bits=16; channel-count=1; is-big-endian=false";
/// The media type in which a reply is asked for.
pub const REPLY_TYPE: &str = "audio/pcm";
/// The rate of `audio/pcm` that does not name one.
const REPLY_RATE_HZ: u32 = 16_000;

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestBody {
    /// UTF-8.
    Text,
    /// 16-bit little-endian mono samples of this rate.
    Pcm {
        /// 8,000 or 16,000.
        rate_hz: u32,
    },
}

impl RequestBody {
    /// Reads the `Content-Type` of RecognizeUtterance.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(content_type: &str) -> Result<Self, String> {
        let media = MediaType::parse(content_type);
        match media.name.as_str() {
            "text/plain" => match media.get(&["charset"]) {
                None => Ok(Self::Text),
                Some(charset) if charset.eq_ignore_ascii_case("utf-8") => Ok(Self::Text),
                Some(charset) => Err(format!("the charset {charset:?} is not utf-8")),
            },
            "audio/l16" | "audio/x-l16" | "audio/lpcm" => {
                let number = |names: &[&str], default: u32| match media.get(names) {
                    None => Ok(default),
                    Some(value) => value.parse::<u32>().map_err(|_| format!("{value:?} is no number")),
                };
                let rate_hz = number(&["sample-rate", "rate"], 16_000)?;
                if number(&["channel-count", "channels"], 1)? != 1 {
                    return Err("audio must have one channel".to_owned());
                }
                if number(&["sample-size-bits"], 16)? != 16 {
                    return Err("audio must have samples of 16 bits".to_owned());
                }
                if media.get(&["is-big-endian"]).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                    return Err("audio must be little-endian".to_owned());
                }
                match rate_hz {
                    8_000 | 16_000 => Ok(Self::Pcm { rate_hz }),
                    other => Err(format!("a sample rate of {other} is not 8000 or 16000")),
                }
            }
            "audio/x-cbr-opus-with-preamble" => Err("Opus is not taken by this server; send PCM".to_owned()),
            other => Err(format!("{:?} is not a media type of speech or text", short(other))),
        }
    }
}

/// The rate of a reply's sound, by its media type; none where it is no PCM.
pub fn reply_rate_hz(content_type: &str) -> Option<u32> {
    let media = MediaType::parse(content_type);
    match media.name.as_str() {
        "audio/pcm" | "audio/lpcm" | "audio/l16" | "audio/x-l16" => {
            let big_endian =
                media.get(&["is-big-endian"]).is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let mono = media.get(&["channel-count", "channels"]).is_none_or(|count| count == "1");
            let rate =
                media.get(&["sample-rate", "rate"]).map_or(Some(REPLY_RATE_HZ), |rate| rate.parse().ok());
            rate.filter(|_| mono && !big_endian)
        }
        _ => None,
    }
}

/// Little-endian samples; half a sample at the end is left out.
pub fn samples_of(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
}

/// A sound as little-endian samples at 8 kHz.
pub fn bytes_of(sound: &Sound) -> Vec<u8> {
    sound.samples().flat_map(i16::to_le_bytes).collect()
}

/// A reply at 8 kHz; none where its rate is one that cannot be brought there.
pub fn at_8_khz(rate_hz: u32, samples: Vec<i16>) -> Option<Sound> {
    if rate_hz == 8_000 {
        return Some(Sound::new(Arc::<[i16]>::from(samples)));
    }
    let input: Vec<f32> = samples.into_iter().map(f32::from).collect();
    Some(Sound::new(Resampler::new(rate_hz)?.resample(&input)))
}

/// A media type with its parameters, names in lower case.
struct MediaType {
    name: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()))
        };
        Self { name, parameters: parts.filter_map(parameter).take(16).collect() }
    }

    fn get(&self, names: &[&str]) -> Option<&str> {
        let named = self.parameters.iter().find(|(name, _)| names.contains(&name.as_str()));
        named.map(|(_, value)| value.as_str())
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_types_of_the_reference_are_read() {
        for (text, expected) in [
            ("text/plain; charset=utf-8", RequestBody::Text),
            ("text/plain", RequestBody::Text),
            ("audio/l16; rate=16000; channels=1", RequestBody::Pcm { rate_hz: 16_000 }),
            ("audio/x-l16; sample-rate=16000; channel-count=1", RequestBody::Pcm { rate_hz: 16_000 }),
            ("Audio/LPCM;Sample-Rate=8000;is-big-endian=false", RequestBody::Pcm { rate_hz: 8_000 }),
            (SPEECH_TYPE, RequestBody::Pcm { rate_hz: 8_000 }),
        ] {
            assert_eq!(RequestBody::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_taken_says_why() {
        for (text, why) in [
            ("audio/lpcm; sample-rate=44100", "44100"),
            ("audio/lpcm; channel-count=2", "one channel"),
            ("audio/lpcm; is-big-endian=true", "little-endian"),
            ("audio/lpcm; sample-size-bits=8", "16 bits"),
            ("audio/lpcm; sample-rate=x", "no number"),
            ("audio/x-cbr-opus-with-preamble; preamble-size=0", "Opus"),
            ("text/plain; charset=latin-1", "utf-8"),
            ("application/json", "media type"),
            ("", "media type"),
        ] {
            let told = RequestBody::parse(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn a_reply_is_pcm_at_the_rate_that_it_names_or_16_khz() {
        for (text, rate) in [
            ("audio/pcm", Some(16_000)),
            ("audio/pcm; rate=8000", Some(8_000)),
            ("audio/lpcm; sample-rate=22050", Some(22_050)),
            ("audio/lpcm; is-big-endian=true", None),
            ("audio/mpeg", None),
            ("audio/ogg", None),
            ("text/plain", None),
        ] {
            assert_eq!(reply_rate_hz(text), rate, "{text}");
        }
    }

    #[test]
    fn a_reply_of_another_rate_is_resampled_and_one_of_8_khz_is_as_it_was() {
        let samples: Vec<i16> = (0..1_600).map(|at| at * 7 % 1_000).collect();
        assert_eq!(
            at_8_khz(8_000, samples.clone()).map(|sound| sound.samples().collect()),
            Some(samples.clone())
        );
        assert_eq!(at_8_khz(16_000, samples.clone()).map(|sound| sound.len()), Some(800));
        assert_eq!(at_8_khz(22_050, samples.clone()).map(|sound| sound.len()), Some(581));
        assert_eq!(at_8_khz(3, samples), None);
        assert_eq!(samples_of(&[1, 0, 2, 0, 9]), [1, 2]);
        assert_eq!(bytes_of(&Sound::new(vec![1, -1])), [1, 0, 255, 255]);
    }
}
