use crate::documentation::{Field, Kind, always};
use crate::error::AdminError;
use serde_json::json;
use std::sync::Arc;
use tympan_aws::{BoxFuture, Output};
use tympan_connect::prompts::{KnownPrompt, SAMPLES_MAX};
use tympan_contact::Recording;
use tympan_telephony::audio::wav::{self, WavError};

/// The largest file that is taken: five minutes of stereo at 8 kHz, or of one channel at 16 kHz, fit.
pub const PROMPT_UPLOAD_MAX_BYTES: usize = 16 << 20;

/// Reads the sound of prompts.
pub trait PromptSounds: Send + Sync {
    /// The samples at 8 kHz that a caller hears; the error says why a caller hears none.
    fn read(&self, recording: Recording) -> BoxFuture<'_, Result<Arc<[i16]>, String>>;
}

/// A sound that was uploaded, as it is kept.
#[derive(Debug)]
pub(super) struct Uploaded {
    /// 8 kHz, one channel, 16 bits.
    pub(super) wav: Vec<u8>,
    samples: usize,
}

impl Uploaded {
    /// Reads a file as a caller will hear it.
    pub(super) fn read(file: &[u8]) -> Result<Self, AdminError> {
        const MAKE: &str = "for example: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav";
        if file.is_empty() {
            return Err(AdminError::validation("The body is empty: send a WAV file."));
        }
        let most_s = SAMPLES_MAX / 8_000;
        let samples = wav::read_within(file, SAMPLES_MAX).map_err(|error| {
            AdminError::validation(match error {
                WavError::Long { samples, .. } => format!(
                    "The sound has {} s, and a prompt at most {most_s}: cut it, {MAKE} trim 0 {most_s}.",
                    samples.div_ceil(8_000)
                ),
                error => format!("The body cannot be played: {error}."),
            })
        })?;
        if samples.is_empty() {
            return Err(AdminError::validation("The WAV file has no samples: a caller would hear nothing."));
        }
        Ok(Self { wav: wav::write(&samples), samples: samples.len() })
    }

    /// What an upload is answered with.
    pub(super) fn answer(prompt: &KnownPrompt, samples: usize) -> Output {
        Output::json(&json!({
            "PromptId": prompt.id,
            "PromptARN": prompt.arn,
            "Name": prompt.name,
            "DurationMilliseconds": samples / 8,
        }))
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }
}

/// The members of [`Uploaded::answer`].
pub(super) const ANSWER: &[Field] = &[
    always("PromptId", Kind::Text, "the prompt"),
    always("PromptARN", Kind::Text, "its ARN"),
    always("Name", Kind::Text, "its name"),
    always("DurationMilliseconds", Kind::Integer, "how long a caller hears it"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_kept_as_a_caller_hears_it() {
        let uploaded = Uploaded::read(&wav::write(&[1, 2, 3])).unwrap();
        assert_eq!((wav::read(&uploaded.wav).unwrap(), uploaded.samples()), (vec![1, 2, 3], 3));
        // Mu-law, two channels.
        let mut law = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x07\0\x02\0".to_vec();
        law.extend(8_000u32.to_le_bytes());
        law.extend(16_000u32.to_le_bytes());
        law.extend(b"\x02\0\x08\0data\x04\0\0\0\xff\xff\x7f\x7f");
        let uploaded = Uploaded::read(&law).unwrap();
        assert_eq!((wav::read(&uploaded.wav).unwrap(), uploaded.wav.len()), (vec![0, 0], 48));
    }

    #[test]
    fn what_cannot_be_played_is_refused_and_the_error_says_what_to_do() {
        let mut long = wav::write(&vec![1; SAMPLES_MAX + 1]);
        for (file, words) in [
            (b"".as_slice(), "send a WAV file"),
            (b"ID3 and so on", "convert it"),
            (&wav::write(&[]), "no samples"),
            (&long, "301 s, and a prompt at most 300: cut it"),
        ] {
            let error = Uploaded::read(file).unwrap_err();
            assert!(error.message().contains(words), "{error}");
        }
        long.truncate(long.len() - 2);
        assert!(Uploaded::read(&long).is_ok(), "five minutes");
    }
}
