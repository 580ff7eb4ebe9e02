//! Which track of a stream is meant, and what its frames hold.

use crate::ClientError;
use std::str::FromStr;
use tympan_mkv::fragment::Track;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::pcm;

/// Which track is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TrackChoice {
    /// What the customer says; in a stream that names no such track, the only one, or the only one of audio.
    #[default]
    Customer,
    /// The track of this name or number.
    Named(String),
}

impl FromStr for TrackChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::Named(text.to_owned()))
    }
}

impl TrackChoice {
    /// The number of the track among those of a fragment.
    pub fn pick<'a>(&self, tracks: &'a [Track]) -> Result<&'a Track, ClientError> {
        let named = |name: &str| tracks.iter().find(|track| track.name.as_deref() == Some(name));
        let only = |mut tracks: Box<dyn Iterator<Item = &'a Track> + 'a>| {
            tracks.next().filter(|_| tracks.next().is_none())
        };
        let (found, wanted) = match self {
            Self::Customer => {
                let customer = CUSTOMER_NAMES.iter().find_map(|name| named(name));
                let found = customer
                    .or_else(|| only(Box::new(tracks.iter())))
                    .or_else(|| only(Box::new(tracks.iter().filter(|track| track.kind == AUDIO))));
                (found, "which of the stream's tracks is the customer's is not clear")
            }
            Self::Named(name) => {
                let numbered = name
                    .parse()
                    .ok()
                    .and_then(|number: u64| tracks.iter().find(|track| track.number == number));
                (named(name).or(numbered), "the stream has no such track")
            }
        };
        found.ok_or_else(|| {
            let describe = |track: &Track| {
                format!(
                    "{} {} ({})",
                    track.number,
                    track.name.as_deref().unwrap_or("without a name"),
                    track.codec_id
                )
            };
            let list: Vec<String> = tracks.iter().map(describe).collect();
            ClientError::NotFound(format!("{wanted}: choose one with --track; there is {}", list.join(", ")))
        })
    }
}

/// How samples lie in the frames of a track. All are 8 kHz mono.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// 16-bit signed, little-endian.
    L16,
    /// A byte a sample.
    G711(Law),
}

impl Sound {
    /// What a track holds, as far as it can be told; `None` is nothing that can be played here.
    ///
    /// Connect labels its 16-bit PCM `A_AAC` and adds the private data of 8 kHz mono AAC, or none.
    pub fn of(track: &Track) -> Option<Self> {
        let private = track.codec_private.as_slice();
        match track.codec_id.as_str() {
            "A_AAC" => {
                let named = track.name.as_deref().is_some_and(|name| CONNECT_NAMES.contains(&name));
                (named || matches!(private, [] | [0x15, 0x88])).then_some(Self::L16)
            }
            "A_PCM/INT/LIT" => Some(Self::L16),
            "A_MS/ACM" => {
                // WAVEFORMATEX: format tag, channels, samples per second, little-endian.
                let &[tag, 0, 1, 0, 0x40, 0x1f, 0, 0, ..] = private else { return None };
                match tag {
                    1 => Some(Self::L16),
                    6 => Some(Self::G711(Law::A)),
                    7 => Some(Self::G711(Law::Mu)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// How many samples a frame holds.
    pub fn samples(self, frame: &[u8]) -> u64 {
        match self {
            Self::L16 => frame.len() as u64 / 2,
            Self::G711(_) => frame.len() as u64,
        }
    }

    /// Appends a frame as 16-bit little-endian samples.
    pub fn extend_l16(self, frame: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::L16 => out.extend_from_slice(&frame[..frame.len() & !1]),
            Self::G711(law) => {
                let mut samples = Vec::with_capacity(frame.len());
                law.decode_into(frame, &mut samples);
                pcm::extend_le_bytes(out, &samples);
            }
        }
    }
}

const AUDIO: u8 = 2;
/// What Connect calls the customer's track: since December 2019, and before.
const CUSTOMER_NAMES: [&str; 2] = ["AUDIO_FROM_CUSTOMER", "Track_audio/L16"];
const CONNECT_NAMES: [&str; 3] = ["AUDIO_FROM_CUSTOMER", "Track_audio/L16", "AUDIO_TO_CUSTOMER"];

#[cfg(test)]
mod tests {
    use super::*;

    fn track(number: u64, kind: u8, name: Option<&str>, codec_id: &str, codec_private: &[u8]) -> Track {
        let (name, codec_id) = (name.map(str::to_owned), codec_id.to_owned());
        Track { number, uid: number, kind, name, codec_id, codec_private: codec_private.to_vec() }
    }

    #[test]
    fn the_customers_track_is_found_among_connects_two() {
        let tracks = [
            track(1, 2, Some("AUDIO_TO_CUSTOMER"), "A_AAC", &[0x15, 0x88]),
            track(2, 2, Some("AUDIO_FROM_CUSTOMER"), "A_AAC", &[0x15, 0x88]),
        ];
        assert_eq!(TrackChoice::Customer.pick(&tracks).unwrap().number, 2);
        assert_eq!(TrackChoice::Named("AUDIO_TO_CUSTOMER".into()).pick(&tracks).unwrap().number, 1);
        assert_eq!(TrackChoice::Named("2".into()).pick(&tracks).unwrap().number, 2);
    }

    #[test]
    fn without_a_known_name_the_only_one_is_meant() {
        let (video, audio) =
            (track(1, 1, Some("kinesis_video"), "V_MPEG4/ISO/AVC", &[]), track(2, 2, None, "A_AAC", &[]));
        assert_eq!(TrackChoice::Customer.pick(std::slice::from_ref(&video)).unwrap().number, 1);
        assert_eq!(TrackChoice::Customer.pick(&[video, audio.clone()]).unwrap().number, 2);
        let error =
            TrackChoice::Customer.pick(&[audio.clone(), track(3, 2, Some("b"), "A_AAC", &[])]).unwrap_err();
        assert!(error.to_string().ends_with("there is 2 without a name (A_AAC), 3 b (A_AAC)"), "{error}");
        let error = TrackChoice::Named("x".into()).pick(&[audio]).unwrap_err();
        assert_eq!(error.exit(), crate::Exit::NotFound);
    }

    #[test]
    fn knows_what_can_be_played() {
        let wave = |tag: u8| [tag, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0];
        for (codec, private, sound) in [
            ("A_AAC", &[0x15, 0x88][..], Some(Sound::L16)),
            ("A_AAC", &[0x11, 0x90], None),
            ("A_MS/ACM", &wave(7), Some(Sound::G711(Law::Mu))),
            ("A_MS/ACM", &wave(6), Some(Sound::G711(Law::A))),
            ("A_MS/ACM", &wave(6)[..5], None),
            ("A_OPUS", &[], None),
        ] {
            assert_eq!(Sound::of(&track(1, 2, None, codec, private)), sound, "{codec} {private:?}");
        }
    }

    #[test]
    fn frames_become_16_bit_samples() {
        let mut out = Vec::new();
        Sound::L16.extend_l16(&[1, 2, 3], &mut out);
        Sound::G711(Law::Mu).extend_l16(&[0xff], &mut out);
        assert_eq!(out, [1, 2, 0, 0]);
        assert_eq!((Sound::L16.samples(&[0; 320]), Sound::G711(Law::A).samples(&[0; 160])), (160, 160));
    }
}
