//! What a caller does once the call is up: says its piece, presses keys, is silent.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tympan_telephony::Digit;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::g722;
use tympan_telephony::audio::pcm::FRAME_SAMPLES;
use tympan_telephony::audio::tone;
use tympan_telephony::rtp::dtmf::EventSender;
use tympan_telephony::rtp::sender::RtpSender;

/// Keys pressed at some time after the answer: `1@2s`, `1234#@2.5s`, `5` (at once).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPress {
    /// The keys, one after the other.
    pub keys: Vec<Digit>,
    /// Since the answer.
    pub at: Duration,
}

impl FromStr for KeyPress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (keys, at) = text.split_once('@').unwrap_or((text, "0s"));
        let keys: Option<Vec<Digit>> = keys.chars().map(Digit::from_char).collect();
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or("keys are 0-9, *, # and A-D, as in 1@2s")?;
        let seconds: f64 = at
            .strip_suffix('s')
            .unwrap_or(at)
            .parse()
            .map_err(|_| "the time is not seconds, as in 1@2.5s")?;
        let at =
            Duration::try_from_secs_f64(seconds).map_err(|_| "the time is not seconds after the answer")?;
        Ok(Self { keys, at })
    }
}

/// What every caller of a plan does. The audio is kept once for all calls.
#[derive(Debug)]
pub struct Script {
    /// In whole frames.
    speech: Vec<i16>,
    mu: Vec<u8>,
    a: Vec<u8>,
    /// Single keys in the order of their times.
    keys: Vec<(Duration, Digit)>,
}

impl Script {
    /// A script that says `speech` (8 kHz samples) and presses keys; speech pauses while a key is down.
    pub fn new(speech: &[i16], presses: &[KeyPress]) -> Self {
        let mut speech = speech.to_vec();
        speech.resize(speech.len().next_multiple_of(FRAME_SAMPLES), 0);
        let companded = |law: Law| {
            let mut codes = Vec::with_capacity(speech.len());
            law.encode_into(&speech, &mut codes);
            codes
        };
        let mut keys: Vec<_> =
            presses.iter().flat_map(|press| press.keys.iter().map(|digit| (press.at, *digit))).collect();
        // Stable: keys of one press stay in their order.
        keys.sort_by_key(|(at, _)| *at);
        Self { mu: companded(Law::Mu), a: companded(Law::A), speech, keys }
    }

    fn codes(&self, law: Law) -> &[u8] {
        match law {
            Law::Mu => &self.mu,
            Law::A => &self.a,
        }
    }
}

/// What one call's sound is made into.
#[derive(Debug)]
enum Voice {
    G711(Law),
    /// Each byte depends on all before it: every call has an encoder of its own.
    G722(Box<g722::Encoder>),
}

impl Voice {
    fn new(codec: AudioCodec) -> Self {
        match codec.law() {
            Some(law) => Self::G711(law),
            None => Self::G722(Box::default()),
        }
    }

    /// Appends a frame of the speech; silence once it is over.
    fn speak(&mut self, script: &Script, said: usize, frame: &mut Vec<u8>) {
        let place = said..said + FRAME_SAMPLES;
        match self {
            Self::G711(law) => match script.codes(*law).get(place) {
                Some(codes) => frame.extend_from_slice(codes),
                None => frame.resize(frame.len() + FRAME_SAMPLES, law.silence()),
            },
            Self::G722(encoder) => {
                encoder.encode(script.speech.get(place).unwrap_or(&SILENCE), frame);
            }
        }
    }

    /// Appends these samples.
    fn say(&mut self, samples: &[i16], frame: &mut Vec<u8>) {
        match self {
            Self::G711(law) => law.encode_into(samples, frame),
            Self::G722(encoder) => encoder.encode(samples, frame),
        }
    }
}

/// One call's way through the script, a frame of 20 ms at a time.
#[derive(Debug)]
pub(super) struct Performance {
    script: Arc<Script>,
    voice: Voice,
    /// Payload type of telephone events; `None` presses keys as tones.
    events: Option<u8>,
    /// Frames performed.
    frames: u64,
    /// Samples of the speech that were said.
    said: usize,
    /// Keys that were pressed.
    pressed: usize,
    now: Doing,
    /// Room for a frame.
    frame: Vec<u8>,
}

#[derive(Debug)]
enum Doing {
    Speaking,
    /// An event, and how many of its frames are to come.
    Event(EventSender, u32),
    /// A key as a tone, and where it has got to.
    Tone(Vec<i16>, usize),
    /// Silence between keys, and how many frames of it are to come.
    Release(u32),
}

const FRAME: Duration = Duration::from_millis(20);
/// A person's finger; every detector hears it.
const KEY_DOWN: Duration = Duration::from_millis(100);
const KEY_DOWN_FRAMES: u32 = 5;
const KEY_UP_FRAMES: u32 = 3;
/// -10 dBm0 or so, each tone.
const TONE_AMPLITUDE: f64 = 5_000.0;
const SILENCE: [i16; FRAME_SAMPLES] = [0; FRAME_SAMPLES];

impl Performance {
    /// `codec` is what the far end wants to hear, `events` the payload type of its telephone events.
    pub(super) fn new(script: Arc<Script>, codec: AudioCodec, events: Option<u8>) -> Self {
        let voice = Voice::new(codec);
        let frame = Vec::with_capacity(FRAME_SAMPLES);
        Self { script, voice, events, frames: 0, said: 0, pressed: 0, now: Doing::Speaking, frame }
    }

    /// The far end wants to hear another codec, or its events by another number. A codec that stays goes on where it was.
    pub(super) fn change(&mut self, codec: AudioCodec, events: Option<u8>) {
        self.events = events;
        let stays = match &self.voice {
            Voice::G711(law) => codec.law() == Some(*law),
            Voice::G722(_) => codec == AudioCodec::G722,
        };
        if !stays {
            self.voice = Voice::new(codec);
        }
    }

    /// Writes the packets of the next 20 ms: one, or three where a key is let go.
    pub(super) fn frame(
        &mut self,
        sender: &mut RtpSender,
        packet: &mut Vec<u8>,
        mut send: impl FnMut(&[u8]),
    ) {
        self.begin_key();
        self.frames += 1;
        let Self { script, voice, frame, .. } = self;
        frame.clear();
        match &mut self.now {
            Doing::Speaking => {
                voice.speak(script, self.said, frame);
                self.said = (self.said + FRAME_SAMPLES).min(script.speech.len());
            }
            Doing::Tone(tone, place) => {
                voice.say(tone.get(*place..*place + FRAME_SAMPLES).unwrap_or(&SILENCE), frame);
                *place += FRAME_SAMPLES;
                if *place >= tone.len() {
                    self.now = Doing::Release(KEY_UP_FRAMES);
                }
            }
            Doing::Release(left) => {
                voice.say(&SILENCE, frame);
                *left -= 1;
                if *left == 0 {
                    self.now = Doing::Speaking;
                }
            }
            Doing::Event(event, left) => {
                *left -= 1;
                // The packet of the last frame has the end bit, and its two repetitions follow at once.
                let packets = if *left == 0 { 3 } else { 1 };
                for _ in 0..packets {
                    if event.next_packet(sender, packet) {
                        send(packet);
                    }
                }
                if *left == 0 {
                    self.now = Doing::Release(KEY_UP_FRAMES);
                }
                return;
            }
        }
        sender.audio_packet(frame, packet);
        send(packet);
    }

    /// Everything was said and pressed; from here on it is silence.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.now, Doing::Speaking)
            && self.said >= self.script.speech.len()
            && self.pressed >= self.script.keys.len()
    }

    fn begin_key(&mut self) {
        let due = self
            .script
            .keys
            .get(self.pressed)
            .filter(|(at, _)| FRAME * u32::try_from(self.frames).unwrap_or(u32::MAX) >= *at);
        let (Doing::Speaking, Some(&(_, digit))) = (&self.now, due) else { return };
        self.pressed += 1;
        self.now = match self.events {
            Some(payload_type) => {
                Doing::Event(EventSender::new(digit, payload_type, KEY_DOWN), KEY_DOWN_FRAMES)
            }
            None => {
                Doing::Tone(tone::key(digit, TONE_AMPLITUDE, KEY_DOWN_FRAMES as usize * FRAME_SAMPLES), 0)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::audio::tone_digit::ToneDigitDetector;
    use tympan_telephony::rtp::packet::{RtpPacket, RtpTimestamp, Ssrc};
    use tympan_telephony::rtp::payload::PayloadMap;
    use tympan_telephony::rtp::timeline::{Timeline, TimelineConfig, TimelineOutput};
    use tympan_types::Mono;

    fn press(text: &str) -> KeyPress {
        text.parse().unwrap()
    }

    /// What the far end hears in `frames` frames.
    fn perform(script: Script, events: Option<u8>, frames: u64) -> (Vec<i16>, String, Performance) {
        perform_in(AudioCodec::Pcmu, script, events, frames)
    }

    fn perform_in(
        codec: AudioCodec,
        script: Script,
        events: Option<u8>,
        frames: u64,
    ) -> (Vec<i16>, String, Performance) {
        let mut performance = Performance::new(Arc::new(script), codec, events);
        let mut sender = RtpSender::new(Ssrc(1), 0, RtpTimestamp(0), codec.static_payload_type());
        let payloads = PayloadMap::g711().with_audio(9, AudioCodec::G722).with_telephone_event(101);
        let mut timeline =
            Timeline::new(TimelineConfig { payloads, ..TimelineConfig::default() }, Mono::from_millis(0));
        let (mut heard, mut digits, mut packet) = (Vec::new(), String::new(), Vec::new());
        for frame in 0..frames {
            let now = Mono::from_millis(frame * 20);
            performance.frame(&mut sender, &mut packet, |packet| {
                timeline.handle(now, now, &RtpPacket::parse(packet).unwrap());
            });
            if frame + 1 == frames {
                timeline.finish(Mono::from_millis(frames * 20));
            }
            while let Some(output) = timeline.poll() {
                match output {
                    TimelineOutput::Audio(audio) => audio.payload.expand_into(&mut heard),
                    TimelineOutput::Silence { samples, .. } => {
                        heard.resize(heard.len() + samples as usize, 0)
                    }
                    TimelineOutput::Digit { digit, .. } => digits.push(digit.as_char()),
                }
            }
        }
        (heard, digits, performance)
    }

    /// Samples that survive mu-law unchanged.
    fn speech(samples: usize) -> Vec<i16> {
        (0..samples).map(|index| Law::Mu.decode((index % 101) as u8)).collect()
    }

    #[test]
    fn says_its_piece_sample_for_sample_and_is_silent_after() {
        let speech = speech(1_000);
        let (heard, digits, performance) = perform(Script::new(&speech, &[]), Some(101), 50);
        assert_eq!(heard[..1_000], speech);
        assert_eq!(heard[1_000..], [0; 7_000]);
        assert!(digits.is_empty() && performance.is_over());
    }

    #[test]
    fn presses_keys_at_their_times_and_loses_no_word() {
        let speech = speech(1_600);
        let script = Script::new(&speech, &[press("7@0.1s"), press("12#@0.04s")]);
        let (heard, digits, performance) = perform(script, Some(101), 100);
        assert_eq!(digits, "12#7");
        assert!(performance.is_over());
        assert_eq!(heard[..320], speech[..320], "the first key goes down at 40 ms");
        let spoken: Vec<i16> = heard.iter().copied().filter(|sample| *sample != 0).collect();
        let expected: Vec<i16> = speech.iter().copied().filter(|sample| *sample != 0).collect();
        assert_eq!(spoken, expected);
        assert_eq!(heard.len(), 100 * 160);
    }

    #[test]
    fn without_telephone_events_keys_are_tones() {
        let (heard, digits, _) = perform(Script::new(&[], &[press("59@0s")]), None, 50);
        assert!(digits.is_empty());
        let mut detector = ToneDigitDetector::default();
        let mut found = String::new();
        detector.push(&heard, |digit| found.push(digit.as_char()));
        assert_eq!(found, "59");
    }

    /// What a decoder makes of the encoded samples.
    fn through_g722(samples: &[i16]) -> Vec<i16> {
        let (mut codes, mut heard) = (Vec::new(), Vec::new());
        g722::Encoder::new().encode(samples, &mut codes);
        g722::Decoder::new().decode(&codes, &mut heard);
        heard
    }

    #[test]
    fn in_g722_all_frames_are_one_stream_and_a_key_leaves_it_out_for_its_time() {
        let speech = speech(1_600);
        let script = Script::new(&speech, &[press("7@0.1s")]);
        let (heard, digits, performance) = perform_in(AudioCodec::G722, script, Some(101), 50);
        assert_eq!((digits.as_str(), performance.is_over()), ("7", true));
        // 100 ms of speech, 100 ms of the key, 60 ms of silence after it, and the rest.
        let spoken = through_g722(&[&speech[..800], &[0; 480], &speech[800..], &[0; 8_000]].concat());
        assert_eq!(heard[..800], spoken[..800]);
        assert_eq!(heard[800..1_600], [0; 800], "the key is no sound");
        assert_eq!(heard[1_600..], spoken[800..800 + 50 * 160 - 1_600]);
    }

    #[test]
    fn in_g722_without_telephone_events_keys_are_tones() {
        let (heard, _, _) = perform_in(AudioCodec::G722, Script::new(&[], &[press("59@0s")]), None, 50);
        let mut detector = ToneDigitDetector::default();
        let mut found = String::new();
        detector.push(&heard, |digit| found.push(digit.as_char()));
        assert_eq!(found, "59");
    }

    #[test]
    fn a_changed_codec_goes_on_where_the_speech_was_and_one_that_stays_keeps_its_stream() {
        let speech = speech(1_600);
        let mut performance =
            Performance::new(Arc::new(Script::new(&speech, &[])), AudioCodec::G722, Some(101));
        let mut sender = RtpSender::new(Ssrc(1), 0, RtpTimestamp(0), 9);
        let (mut packet, mut sent) = (Vec::new(), Vec::new());
        for frame in 0..10 {
            match frame {
                2 => performance.change(AudioCodec::G722, Some(96)),
                5 => performance.change(AudioCodec::Pcma, Some(96)),
                _ => {}
            }
            let mut send =
                |packet: &[u8]| sent.extend_from_slice(RtpPacket::parse(packet).unwrap().payload());
            performance.frame(&mut sender, &mut packet, &mut send);
        }
        let (mut wide, mut narrow) = (Vec::new(), Vec::new());
        g722::Encoder::new().encode(&speech[..800], &mut wide);
        Law::A.encode_into(&speech[800..], &mut narrow);
        assert_eq!(sent, [wide, narrow].concat());
    }

    #[test]
    fn key_presses_are_read_as_people_write_them() {
        assert_eq!(press("1@2s").at, Duration::from_secs(2));
        assert_eq!(press("1#@2.5").at, Duration::from_millis(2_500));
        assert_eq!(press("*").at, Duration::ZERO);
        for text in ["", "@2s", "x@2s", "1@", "1@-2s", "1@soon", "1@inf"] {
            assert!(text.parse::<KeyPress>().is_err(), "{text}");
        }
    }
}
