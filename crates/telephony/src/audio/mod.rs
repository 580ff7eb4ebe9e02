//! Sample formats and signals: 16-bit PCM at 8 kHz inside, G.711, G.722 and WAV at the edges.

pub mod codec;
pub mod g711;
pub mod g722;
pub mod pcm;
pub mod resample;
pub mod sound;
pub mod speech;
pub mod tone;
pub mod tone_digit;
pub mod wav;
