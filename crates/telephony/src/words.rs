//! The words between a call and its media: what is commanded, what happens, and what a tap hands on.
//!
//! Every word names its leg's prompt, tap or bridge; a word that names something that is over changes nothing.

mod sound;

use crate::audio::g711::Law;
use crate::rtp::ledger::Cause;
use crate::sdp::session::Agreement;
use crate::{Digit, SampleOffset};
use std::fmt;
use tympan_types::{BridgeId, ListenId, PromptId, TapId};

pub use sound::{Sound, SoundPart, SoundReader};

/// What a call commands the media of a leg to do.
#[derive(Debug, Clone)]
pub enum MediaCommand {
    /// Go on with what was agreed by offer and answer: codecs, addresses, directions of all streams.
    Negotiate(Box<Agreement>),
    /// Play this after the prompts that still play; [`MediaEvent::PromptFinished`] tells its end.
    Play {
        /// Names it.
        prompt: PromptId,
        /// What to play.
        sound: Sound,
    },
    /// Stop this prompt at once, or take it out of the queue. Its end is not reported.
    Stop {
        /// Which one.
        prompt: PromptId,
    },
    /// Hand on a track from the sample that is due now. [`MediaEvent::TapOpened`] tells which one that is.
    OpenTap {
        /// Names it.
        tap: TapId,
        /// What to hand on.
        track: Track,
    },
    /// End the tap at the sample that is due now. All frames before it come first, then [`MediaEvent::TapClosed`].
    CloseTap {
        /// Which one.
        tap: TapId,
    },
    /// Listen to the far end for one utterance. [`MediaEvent::SpeechBegan`] tells its beginning, [`MediaEvent::Heard`] its end,
    /// which ends the listening too. It takes the place of a listening before it.
    Listen {
        /// Names it.
        listen: ListenId,
        /// The silence that ends an utterance, in milliseconds; in steps of 20.
        pause_ms: u32,
        /// How long an utterance may last, in milliseconds, at most [`UTTERANCE_MAX_MS`]; then it is cut.
        longest_ms: u32,
    },
    /// End a listening that has heard no utterance yet. Its end is not reported.
    StopListening {
        /// Which one.
        listen: ListenId,
    },
    /// Hear and be heard by the other legs of the bridge. Prompts of the leg are heard over it.
    Join {
        /// Which bridge.
        bridge: BridgeId,
    },
    /// Hear the other legs of the bridge and be heard by none of them: a supervisor who listens. [`MediaCommand::Join`] lets the leg
    /// be heard as well.
    Monitor {
        /// Which bridge.
        bridge: BridgeId,
    },
    /// Leave the bridge.
    Leave,
}

/// How long an utterance may be: Lex takes 15 s.
pub const UTTERANCE_MAX_MS: u32 = 15_000;
/// How much of what came before speech began belongs to its utterance: the detector needs some sounds to know it.
pub const UTTERANCE_LEAD_MS: u32 = 300;

/// What a tap hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Track {
    /// What the far end sends, exactly.
    Received,
    /// What the far end hears: prompts and the bridge, on the timeline of [`Track::Received`].
    Sent,
}

/// Which directions of a customer are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tracks {
    /// What the customer says.
    pub from_customer: bool,
    /// What the customer hears.
    pub to_customer: bool,
}

impl Tracks {
    /// The customer's own track and nothing else.
    pub const FROM_CUSTOMER: Self = Self { from_customer: true, to_customer: false };
    /// Nothing.
    pub const NONE: Self = Self { from_customer: false, to_customer: false };
    /// Both directions.
    pub const BOTH: Self = Self { from_customer: true, to_customer: true };

    /// These and those.
    #[must_use]
    pub fn with(self, those: Self) -> Self {
        Self {
            from_customer: self.from_customer || those.from_customer,
            to_customer: self.to_customer || those.to_customer,
        }
    }

    /// What is left of these without those.
    #[must_use]
    pub fn without(self, those: Self) -> Self {
        Self {
            from_customer: self.from_customer && !those.from_customer,
            to_customer: self.to_customer && !those.to_customer,
        }
    }

    /// Whether there is any.
    pub fn any(self) -> bool {
        self.from_customer || self.to_customer
    }
}

/// What a leg's media reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// A key was pressed, heard by RTP.
    Digit(Digit),
    /// The last sample of a prompt was sent; not reported of one that was stopped.
    PromptFinished(PromptId),
    /// A tap begins.
    TapOpened {
        /// Which one.
        tap: TapId,
        /// The position of its first sample in the timeline of the leg.
        at: SampleOffset,
        /// How far that sample lies ahead of this instant, in samples: where the timeline is ahead of the clock, it is due later;
        /// negative where the timeline lags behind the clock, because nothing was received.
        lead_samples: i64,
    },
    /// A tap has handed on its last frame.
    TapClosed {
        /// Which one.
        tap: TapId,
    },
    /// No packet of the far end came for the trunk's media time-out, although the session lets it send.
    MediaTimedOut,
    /// Speech began: a prompt that it may interrupt is to stop. Keys and tones are no speech.
    SpeechBegan {
        /// Who listens.
        listen: ListenId,
    },
    /// An utterance is over, and the listening with it.
    Heard {
        /// Who listened.
        listen: ListenId,
        /// What was said, from [`UTTERANCE_LEAD_MS`] before its beginning on.
        utterance: Sound,
        /// It lasted longer than was asked for, and was cut there.
        cut: bool,
    },
}

/// A piece of a track on its way from a tap to its listener. Frames of a tap follow each other without a hole or an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The tap.
    pub tap: TapId,
    /// The position of the first sample in the timeline of the leg.
    pub at: SampleOffset,
    /// The sound.
    pub payload: Payload<'a>,
}

/// The sound of a frame, as the codec carried it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// G.711 mu-law, one byte a sample.
    Ulaw(&'a [u8]),
    /// G.711 A-law, one byte a sample.
    Alaw(&'a [u8]),
    /// Linear samples at 8 kHz.
    Pcm(&'a [i16]),
    /// Nothing was received here, for this reason.
    Silence {
        /// How many samples.
        samples: u32,
        /// Why.
        cause: Cause,
    },
}

impl Payload<'_> {
    /// How many samples it spans.
    pub fn samples(&self) -> u64 {
        match self {
            Self::Ulaw(bytes) | Self::Alaw(bytes) => bytes.len() as u64,
            Self::Pcm(samples) => samples.len() as u64,
            Self::Silence { samples, .. } => u64::from(*samples),
        }
    }

    /// Appends it as linear samples at 8 kHz: silence as zeros, so two bytes for each of its samples.
    pub fn expand_into(&self, out: &mut Vec<i16>) {
        match *self {
            Self::Ulaw(codes) => Law::Mu.decode_into(codes, out),
            Self::Alaw(codes) => Law::A.decode_into(codes, out),
            Self::Pcm(samples) => out.extend_from_slice(samples),
            Self::Silence { samples, .. } => {
                out.resize(out.len().saturating_add(usize::try_from(samples).unwrap_or(usize::MAX)), 0);
            }
        }
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Someone's voice: only its extent is printed.
        match self {
            Self::Ulaw(codes) => write!(f, "Ulaw({} samples)", codes.len()),
            Self::Alaw(codes) => write!(f, "Alaw({} samples)", codes.len()),
            Self::Pcm(samples) => write!(f, "Pcm({} samples)", samples.len()),
            Self::Silence { samples, cause } => write!(f, "Silence({samples} samples, {cause:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_expands_to_as_many_samples_as_it_spans() {
        let mut out = vec![7];
        for (payload, expected) in [
            (Payload::Ulaw(&[0x80, 0x00]), [32_124, -32_124]),
            (Payload::Alaw(&[0xaa, 0x2a]), [32_256, -32_256]),
            (Payload::Pcm(&[3, -4]), [3, -4]),
            (Payload::Silence { samples: 2, cause: Cause::Lost }, [0, 0]),
        ] {
            out.truncate(1);
            payload.expand_into(&mut out);
            assert_eq!((out[0], &out[1..]), (7, &expected[..]));
            assert_eq!(payload.samples(), 2);
        }
    }

    #[test]
    fn debug_output_holds_no_audio() {
        assert_eq!(format!("{:?}", Payload::Ulaw(&[201, 202])), "Ulaw(2 samples)");
        assert_eq!(format!("{:?}", Payload::Pcm(&[4_711])), "Pcm(1 samples)");
    }
}
