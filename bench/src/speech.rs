//! Speech-like sound at 8 kHz, the same at every run: syllables of a voice with pauses between them.
//!
//! What is compressed, companded or compared in a benchmark should neither be silence nor noise. Every sample is one
//! that G.711 can carry, as the audio of nearly all telephone calls is.

use tympan_telephony::audio::g711::Law;

/// Samples in a second.
pub(crate) const HZ: usize = 8_000;

/// Mu-law codes of so many seconds.
pub(crate) fn mu_law(seconds: usize) -> Vec<u8> {
    let mut voice = Voice::new();
    (0..seconds * HZ).map(|_| Law::Mu.encode(voice.next_sample())).collect()
}

/// The same as little-endian 16-bit samples.
pub(crate) fn pcm(mu_law: &[u8]) -> Vec<u8> {
    mu_law.iter().flat_map(|&code| Law::Mu.decode(code).to_le_bytes()).collect()
}

/// Glottal pulses through two resonances, an envelope of syllables, and breath.
struct Voice {
    at: usize,
    random: u32,
    phase: f32,
    formants: [Resonance; 2],
}

struct Resonance {
    feedback: [f32; 2],
    state: [f32; 2],
}

impl Resonance {
    fn new(hz: f32, bandwidth_hz: f32) -> Self {
        let radius = (-std::f32::consts::PI * bandwidth_hz / HZ as f32).exp();
        let angle = std::f32::consts::TAU * hz / HZ as f32;
        Self { feedback: [2.0 * radius * angle.cos(), -radius * radius], state: [0.0; 2] }
    }

    fn pass(&mut self, input: f32) -> f32 {
        let output = input + self.feedback[0] * self.state[0] + self.feedback[1] * self.state[1];
        self.state = [output, self.state[0]];
        output
    }
}

impl Voice {
    fn new() -> Self {
        let formants = [Resonance::new(520.0, 90.0), Resonance::new(1_450.0, 120.0)];
        Self { at: 0, random: 0x2545_F491, phase: 0.0, formants }
    }

    fn noise(&mut self) -> f32 {
        // xorshift32
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random as f32 / u32::MAX as f32 - 0.5
    }

    fn next_sample(&mut self) -> i16 {
        let time_s = self.at as f32 / HZ as f32;
        self.at += 1;
        // Four syllables a second for two seconds, then a pause of one.
        let talks = time_s % 3.0 < 2.0;
        let syllable = (std::f32::consts::PI * ((time_s * 4.0) % 1.0)).sin();
        let loudness = if talks { syllable * syllable } else { 0.0 };
        let pitch_hz = 115.0 + 25.0 * (time_s * 1.7).sin();
        self.phase += pitch_hz / HZ as f32;
        let pulse = if self.phase >= 1.0 { 1.0 } else { 0.0 };
        self.phase %= 1.0;
        let excitation = loudness * (pulse + 0.04 * self.noise()) + 0.000_5 * self.noise();
        let voiced = self.formants.iter_mut().fold(excitation, |signal, formant| formant.pass(signal));
        (voiced * 2_400.0).clamp(-30_000.0, 30_000.0) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_each_time_loud_at_times_and_quiet_at_times() {
        let (once, again) = (mu_law(3), mu_law(3));
        assert_eq!(once, again);
        let peak =
            |codes: &[u8]| codes.iter().map(|&code| Law::Mu.decode(code).unsigned_abs()).max().unwrap();
        let (talk, pause) = once.split_at(2 * HZ + HZ / 2);
        assert!(peak(talk) > 2_000 && peak(talk) < 30_000, "{}", peak(talk));
        assert!(peak(pause) < 200, "{}", peak(pause));
        assert_eq!(pcm(&once).len(), 2 * once.len());
    }
}
