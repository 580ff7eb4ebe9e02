//! What 20 ms of telephone audio are: quiet, speech, a tone or the tones of a key.
//!
//! A cell is measured by itself, so that what begins with a cell is found in that cell. Tones come first: the share of the
//! energy that one sinusoid, or a known pair of them, accounts for (least squares; an exact pair leaves next to nothing,
//! voiced speech leaves harmonics). What is left is speech where it stands out from the noise of the line, of which the
//! level is followed. Music counts as speech. Sources: ITU-T Q.23 (keys), E.180 (call progress tones),
//! Goertzel, Am. Math. Monthly 65 (1958).

use std::f64::consts::TAU;
use std::sync::LazyLock;

use super::pcm::{FRAME_SAMPLES, SAMPLE_RATE_HZ};
use super::tone::{COLUMNS_HZ, ROWS_HZ};

/// Samples of a cell: 20 ms at 8 kHz.
pub const CELL_SAMPLES: usize = FRAME_SAMPLES;

/// What a cell holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sound {
    /// Silence, or the noise of the line.
    #[default]
    Quiet,
    /// Something that stands out from the noise and is no tone.
    Speech,
    /// One sinusoid, or a pair of call progress tones.
    Tone,
    /// The tones of a telephone key. Which one is not told.
    Key,
}

impl Sound {
    /// The two bits that stand for it in an index.
    pub const fn code(self) -> u8 {
        match self {
            Self::Quiet => 0,
            Self::Speech => 1,
            Self::Tone => 2,
            Self::Key => 3,
        }
    }

    /// What two bits of an index stand for; higher bits are ignored.
    pub const fn from_code(code: u8) -> Self {
        match code & 3 {
            0 => Self::Quiet,
            1 => Self::Speech,
            2 => Self::Tone,
            _ => Self::Key,
        }
    }
}

/// Tells sounds apart, cell by cell. 4 bytes of state: the noise of the line.
#[derive(Clone, Debug)]
pub struct SoundClassifier {
    /// Mean square of the noise.
    noise: f32,
}

impl Default for SoundClassifier {
    fn default() -> Self {
        Self { noise: NOISE_AT_FIRST }
    }
}

impl SoundClassifier {
    /// What this cell is. `energy` is the sum of the squares of its samples.
    pub fn classify(&mut self, cell: &[i16; CELL_SAMPLES], energy: u64) -> Sound {
        let mean_square = energy as f32 / CELL_SAMPLES as f32;
        if mean_square >= TONE_MIN {
            let sound = tone_in(cell, energy as f32);
            if sound != Sound::Quiet {
                return sound;
            }
        }
        if mean_square > SPEECH_MIN.max(self.noise * STANDS_OUT) {
            self.noise = (self.noise * NOISE_RISES).min(NOISE_MAX);
            return Sound::Speech;
        }
        // Digital silence says nothing of the line: a quiet phone sends none of its noise.
        if energy > 0 {
            self.noise = if mean_square < self.noise {
                self.noise + (mean_square - self.noise) * NOISE_FALLS
            } else {
                (self.noise * NOISE_RISES).min(NOISE_MAX)
            }
            .max(NOISE_MIN);
        }
        Sound::Quiet
    }
}

/// The sum of the squares of a run of samples.
pub fn energy(samples: &[i16]) -> u64 {
    let (wide, rest) = samples.as_chunks::<LOUDNESS_LANES>();
    let mut sums = [0u64; LOUDNESS_LANES];
    for samples in wide {
        for (sum, &sample) in sums.iter_mut().zip(samples) {
            *sum += u64::from(square(sample));
        }
    }
    sums.iter().sum::<u64>() + rest.iter().map(|&sample| u64::from(square(sample))).sum::<u64>()
}

/// The largest magnitude of a run of samples.
pub fn peak(samples: &[i16]) -> u16 {
    // The extremes rather than magnitudes: of these every processor takes eight at once.
    let (lowest, highest) = samples
        .iter()
        .fold((0, 0), |(lowest, highest): (i16, i16), &sample| (lowest.min(sample), highest.max(sample)));
    lowest.unsigned_abs().max(highest.unsigned_abs())
}

/// At most 2^30: a magnitude is at most 32,768.
fn square(sample: i16) -> u32 {
    let wide = i32::from(sample);
    (wide * wide).unsigned_abs()
}

/// Frequencies that are always measured: rows and columns of keys, then call progress tones, fax and beep.
const LANES: usize = 16;
const LANES_HZ: [f64; LANES] = [
    ROWS_HZ[0],
    ROWS_HZ[1],
    ROWS_HZ[2],
    ROWS_HZ[3],
    COLUMNS_HZ[0],
    COLUMNS_HZ[1],
    COLUMNS_HZ[2],
    COLUMNS_HZ[3],
    350.0,
    440.0,
    480.0,
    620.0,
    425.0,
    1_000.0,
    1_100.0,
    2_100.0,
];
/// Dial tone, ringing and busy of North America, as lanes.
const PAIRS: [(usize, usize); 3] = [(8, 9), (9, 10), (10, 11)];

/// What one sinusoid and the cell have in common: the products with cosine and sine.
type Product = [f64; 2];

struct Bank {
    coefficients: [f32; LANES],
    lanes: [Lane; LANES],
    /// Triangles of the products of the four waves of each pair with each other.
    pairs: [[[f64; 4]; 4]; PAIRS.len()],
}

#[derive(Clone, Copy)]
struct Lane {
    cos: f64,
    sin: f64,
    gram: [[f64; 2]; 2],
}

static BANK: LazyLock<Bank> = LazyLock::new(|| {
    let radians = LANES_HZ.map(|hz| TAU * hz / f64::from(SAMPLE_RATE_HZ));
    Bank {
        coefficients: radians.map(|w| (2.0 * w.cos()) as f32),
        lanes: radians.map(Lane::new),
        pairs: PAIRS.map(|(a, b)| triangle(&gram_of_pair(radians[a], radians[b]))),
    }
});

impl Lane {
    fn new(w: f64) -> Self {
        let n = CELL_SAMPLES as f64;
        // Sums of cos 2wm and sin 2wm over the cell.
        let ratio = (w * n).sin() / w.sin();
        let (even, odd) = ((w * (n - 1.0)).cos() * ratio, (w * (n - 1.0)).sin() * ratio);
        let gram = [[f64::midpoint(n, even), odd / 2.0], [odd / 2.0, (n - even) / 2.0]];
        Self { cos: w.cos(), sin: w.sin(), gram }
    }

    /// The products of the cell, backwards, with cosine and sine, from the end of Goertzel's recurrence.
    fn product(&self, s1: f32, s2: f32) -> Product {
        let (s1, s2) = (f64::from(s1), f64::from(s2));
        [s1 - s2 * self.cos, s2 * self.sin]
    }

    /// The energy of the best sinusoid of this frequency.
    fn captured(&self, [x, y]: Product) -> f64 {
        let [[a, b], [_, c]] = self.gram;
        (c * x * x - 2.0 * b * x * y + a * y * y) / (a * c - b * b)
    }
}

fn gram_of_pair(w1: f64, w2: f64) -> [[f64; 4]; 4] {
    let waves = [(w1, 0.0), (w1, TAU / 4.0), (w2, 0.0), (w2, TAU / 4.0)];
    // cos(wm - TAU/4) is the sine.
    let at = |(w, phase): (f64, f64), m: usize| (w * m as f64 - phase).cos();
    waves.map(|a| waves.map(|b| (0..CELL_SAMPLES).map(|m| at(a, m) * at(b, m)).sum()))
}

/// The lower triangle `L` of `L L' = G` (Cholesky).
fn triangle(gram: &[[f64; 4]; 4]) -> [[f64; 4]; 4] {
    let mut lower = [[0.0; 4]; 4];
    for row in 0..4 {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let left = gram[row][column] - known;
            lower[row][column] = if row == column { left.sqrt() } else { left / lower[column][column] };
        }
    }
    lower
}

/// The energy of the best sum of a pair's sinusoids: `b' G^-1 b`, where `b` are their products with the cell.
fn captured_by_pair(lower: &[[f64; 4]; 4], first: Product, second: Product) -> f64 {
    let b = [first[0], first[1], second[0], second[1]];
    let (mut solved, mut captured) = ([0.0; 4], 0.0);
    for row in 0..4 {
        let known: f64 = (0..row).map(|k| lower[row][k] * solved[k]).sum();
        solved[row] = (b[row] - known) / lower[row][row];
        captured += solved[row] * solved[row];
    }
    captured
}

/// Goertzel's recurrence for some frequencies at once: its last two values.
fn recurrence(cell: &[f32; CELL_SAMPLES], coefficients: Wide) -> [Wide; 2] {
    let (mut s1, mut s2) = ([0f32; WIDE], [0f32; WIDE]);
    for &sample in cell {
        // In this order each step waits for two operations of the one before, not for three.
        let s0: Wide = std::array::from_fn(|lane| (sample - s2[lane]) + coefficients[lane] * s1[lane]);
        (s1, s2) = (s0, s1);
    }
    [s1, s2]
}

fn tone_in(cell: &[i16; CELL_SAMPLES], energy: f32) -> Sound {
    let cell = cell.map(f32::from);
    if has_more_than_two_tones(&cell, energy) {
        return Sound::Quiet;
    }
    let neighbours = Neighbours::of(&cell);
    // The mean of the cosines of what is in it: no tone and no key is that low, or that high.
    if !(COS_MIN..=COS_MAX).contains(&(neighbours.near_own / neighbours.own_own / 2.0)) {
        return Sound::Quiet;
    }
    if neighbours.left_by_two_tones() > TWO_TONES_LEFT_MAX * neighbours.own_own * RIDGE {
        return Sound::Quiet;
    }
    tone_of(&cell, &neighbours, energy.into())
}

/// What tone a cell is that may be one or two. By itself: few cells come here.
#[inline(never)]
fn tone_of(cell: &[f32; CELL_SAMPLES], neighbours: &Neighbours, energy: f64) -> Sound {
    let bank = &*BANK;
    let (mut s1, mut s2) = ([0f32; LANES], [0f32; LANES]);
    let (coefficients, _) = bank.coefficients.as_chunks::<WIDE>();
    for (lanes, &coefficients) in coefficients.iter().enumerate() {
        let of_lanes = lanes * WIDE..(lanes + 1) * WIDE;
        let [ended, before] = recurrence(cell, coefficients);
        s1[of_lanes.clone()].copy_from_slice(&ended);
        s2[of_lanes].copy_from_slice(&before);
    }
    let mut products = [[0.0; 2]; LANES];
    let mut captured = [0.0; LANES];
    for (at, lane) in bank.lanes.iter().enumerate() {
        products[at] = lane.product(s1[at], s2[at]);
        captured[at] = lane.captured(products[at]);
    }
    let strongest = |lanes: &[f64]| lanes.iter().copied().fold(0.0, f64::max);
    let (row, column) = (strongest(&captured[..4]), strongest(&captured[4..8]));
    if row + column >= KEY_PURITY * energy && row <= column * TWIST_MAX && column <= row * TWIST_MAX {
        return Sound::Key;
    }
    if strongest(&captured) >= TONE_PURITY * energy {
        return Sound::Tone;
    }
    for (&(a, b), lower) in PAIRS.iter().zip(&bank.pairs) {
        // Both are near each other, so each alone has some of the other's energy, too.
        let likely = captured[a] + captured[b] >= energy / 2.0;
        if likely && captured_by_pair(lower, products[a], products[b]) >= TONE_PURITY * energy {
            return Sound::Tone;
        }
    }
    if neighbours.is_sinusoid(cell, energy) { Sound::Tone } else { Sound::Quiet }
}

/// What tells most cells of speech and noise at a small part of the price of a look at their tones: samples that are a few apart see all
/// of the band, where voices fill but its lower end, and the sum of what is left so far only grows.
#[inline(never)]
fn has_more_than_two_tones(cell: &[f32; CELL_SAMPLES], energy: f32) -> bool {
    let mut neighbours = Neighbours::default();
    (0..INNER_APART).step_by(RUN).any(|at| {
        neighbours.add::<APART, RUN>(&cell[at..]);
        neighbours.left_by_two_tones() > APART_LEFT_MAX * energy
    })
}

/// Products of each sample with its neighbours: `near` are the two so many samples beside it, `far` those as far beyond, each added up.
///
/// In one sinusoid `near` is `2 cos w` times the sample; in a sum of two, `far` is a sum of multiples of `near` and the sample.
#[derive(Default)]
struct Neighbours {
    own_own: f32,
    near_own: f32,
    near_near: f32,
    far_own: f32,
    far_near: f32,
    far_far: f32,
}

/// Sums are kept in so many lanes, which a processor adds at once.
const WIDE: usize = 4;
type Wide = [f32; WIDE];

/// How far apart the samples of the first look are, how many of them have neighbours, and how many are looked at in one go.
const APART: usize = 4;
/// Samples that have two neighbours on either side.
const INNER_SAMPLES: usize = CELL_SAMPLES - 4;
const INNER_APART: usize = CELL_SAMPLES - 4 * APART;
const RUN: usize = 48;
const _: () = assert!(INNER_APART.is_multiple_of(RUN) && RUN.is_multiple_of(WIDE));

/// The sum of products. By itself: six of them in one loop have more sums than a processor has registers.
#[inline(never)]
fn product<const COUNT: usize>(a: &[f32; COUNT], b: &[f32; COUNT]) -> f32 {
    const LANES: usize = 2 * WIDE;
    let (a, a_left) = a.as_chunks::<LANES>();
    let (b, b_left) = b.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_left.iter().zip(b_left)) {
        *sum += a * b;
    }
    sums.iter().sum()
}

impl Neighbours {
    fn of(cell: &[f32; CELL_SAMPLES]) -> Self {
        let mut all = Self::default();
        all.add::<1, INNER_SAMPLES>(cell);
        all
    }

    /// Adds the products of all samples of a run but the first and the last, which are neighbours only.
    fn add<const APART: usize, const COUNT: usize>(&mut self, run: &[f32]) {
        let (mut near, mut far) = ([0f32; COUNT], [0f32; COUNT]);
        let Some((own, _)) = run[2 * APART..].split_first_chunk::<COUNT>() else { return };
        for (sum, (before, after)) in near.iter_mut().zip(run[APART..].iter().zip(&run[3 * APART..])) {
            *sum = before + after;
        }
        for (sum, (before, after)) in far.iter_mut().zip(run.iter().zip(&run[4 * APART..])) {
            *sum = before + after;
        }
        self.own_own += product(own, own);
        self.near_own += product(&near, own);
        self.near_near += product(&near, &near);
        self.far_own += product(&far, own);
        self.far_near += product(&far, &near);
        self.far_far += product(&far, &far);
    }

    /// What no sum of two sinusoids explains. As a share of the energy: 0.01 for clean ones behind G.711, 0.08 for one that
    /// is 20 dB above noise, about 0.4 in the middle of speech.
    fn left_by_two_tones(&self) -> f32 {
        // A single sinusoid has no second one: without the ridge there would be no one answer.
        let (own, near) = (self.own_own * RIDGE, self.near_near * RIDGE);
        let determinant = near * own - self.near_own * self.near_own;
        let of_near = (self.far_near * own - self.far_own * self.near_own) / determinant;
        let of_own = (self.far_own * near - self.far_near * self.near_own) / determinant;
        self.far_far - of_near * self.far_near - of_own * self.far_own
    }

    /// Whether the cell is one sinusoid of any frequency.
    fn is_sinusoid(&self, cell: &[f32; CELL_SAMPLES], energy: f64) -> bool {
        let twice_cos = self.near_own / self.own_own;
        let left = self.near_near - twice_cos * self.near_own;
        if left > ONE_TONE_LEFT_MAX * self.own_own {
            return false;
        }
        let (mut s1, mut s2) = (0f32, 0f32);
        for sample in cell {
            (s1, s2) = ((sample - s2) + twice_cos * s1, s1);
        }
        let lane = Lane::new(f64::from(twice_cos / 2.0).acos());
        lane.captured(lane.product(s1, s2)) >= TONE_PURITY * energy
    }
}

const LOUDNESS_LANES: usize = 8;

/// Mean squares of samples. No tone is looked for below about -51 dBFS.
const TONE_MIN: f32 = 90.0 * 90.0;
/// Speech is never quieter than about -54 dBFS.
const SPEECH_MIN: f32 = 64.0 * 64.0;
/// Speech has so many times the energy of the noise: 9 dB.
const STANDS_OUT: f32 = 8.0;
const NOISE_AT_FIRST: f32 = 40.0 * 40.0;
const NOISE_MIN: f32 = 8.0 * 8.0;
/// Noise above -30 dBFS is none.
const NOISE_MAX: f32 = 1_000.0 * 1_000.0;
/// 1.5 dB a second.
const NOISE_RISES: f32 = 1.006_93;
const NOISE_FALLS: f32 = 0.3;
/// Least share of the energy that a tone, or the two of a key, make up.
const TONE_PURITY: f64 = 0.95;
const KEY_PURITY: f64 = 0.9;
/// 8 dB between row and column, either way, as energy.
const TWIST_MAX: f64 = 6.3;
/// Two tones 21 dB above the noise stay below it, and eight cells of ten of speech do not.
const TWO_TONES_LEFT_MAX: f32 = 0.2;
/// A sinusoid 20 dB above the noise stays below it.
const ONE_TONE_LEFT_MAX: f32 = 0.08;
/// The same at the first look, which leaves noise a little more.
const APART_LEFT_MAX: f32 = 0.3;
const RIDGE: f32 = 1.000_1;
/// Cosines of 3,600 and 200 Hz: beyond them is hum or nothing that a telephone carries.
const COS_MIN: f32 = -0.951;
const COS_MAX: f32 = 0.9877;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digit;
    use crate::audio::g711::Law;
    use crate::audio::tone::{key, silence, sine};

    fn sounds(samples: &[i16]) -> Vec<Sound> {
        let mut classifier = SoundClassifier::default();
        let (cells, _) = samples.as_chunks::<CELL_SAMPLES>();
        cells.iter().map(|cell| classifier.classify(cell, energy(cell))).collect()
    }

    fn through(law: Law, samples: &[i16]) -> Vec<i16> {
        samples.iter().map(|&sample| law.decode(law.encode(sample))).collect()
    }

    fn sum(a: &[i16], b: &[i16]) -> Vec<i16> {
        a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
    }

    /// Noise of this amplitude; the same each time.
    fn noise(amplitude: i16, samples: usize) -> Vec<i16> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) * f64::from(amplitude)
        };
        (0..samples).map(|_| next() as i16).collect()
    }

    #[test]
    fn every_frequency_of_a_telephone_is_a_tone_through_either_law() {
        for law in [Law::Mu, Law::A] {
            for tenths_hz in (3_000..34_000).step_by(173) {
                let hz = f64::from(tenths_hz) / 10.0;
                let tone = through(law, &sine(hz, 4_000.0, 1_600));
                let tones = sounds(&tone).iter().filter(|&&sound| sound == Sound::Tone).count();
                assert_eq!(tones, 10, "{hz} Hz, {law:?}");
            }
        }
    }

    #[test]
    fn call_progress_tones_are_tones() {
        for (low, high) in [(350.0, 440.0), (440.0, 480.0), (480.0, 620.0)] {
            let pair = sum(&sine(low, 3_000.0, 1_600), &sine(high, 3_000.0, 1_600));
            assert_eq!(sounds(&through(Law::Mu, &pair)), [Sound::Tone; 10], "{low} + {high} Hz");
        }
    }

    #[test]
    fn every_key_is_a_key_and_not_a_tone() {
        for law in [Law::Mu, Law::A] {
            for digit in Digit::all() {
                for amplitude in [400.0, 4_000.0, 10_000.0] {
                    let line = through(law, &key(digit, amplitude, 1_600));
                    assert_eq!(sounds(&line), [Sound::Key; 10], "{digit} at {amplitude}");
                }
            }
        }
    }

    #[test]
    fn a_tone_in_the_noise_of_a_line_is_a_tone() {
        let tone = sum(&sine(425.0, 4_000.0, 1_600), &noise(200, 1_600));
        assert_eq!(sounds(&tone), [Sound::Tone; 10]);
    }

    #[test]
    fn harmonics_are_speech() {
        for f0 in [90.0, 120.0, 180.0, 230.0] {
            let voice = (1..=12).fold(silence(1_600), |voice, harmonic: i32| {
                sum(&voice, &sine(f0 * f64::from(harmonic), 2_500.0 / f64::from(harmonic).sqrt(), 1_600))
            });
            assert_eq!(sounds(&voice), [Sound::Speech; 10], "{f0} Hz");
        }
    }

    #[test]
    fn noise_is_quiet_however_loud_the_line_is() {
        for amplitude in [1, 20, 60] {
            assert_eq!(sounds(&noise(amplitude, 16_000)), [Sound::Quiet; 100], "{amplitude}");
        }
        let heard = sounds(&noise(400, 80_000 * 3));
        assert_eq!(heard.last(), Some(&Sound::Quiet), "the level of the noise is learnt");
    }

    #[test]
    fn silence_is_quiet_and_teaches_nothing() {
        let mut line = noise(400, 80_000 * 3);
        line.extend(silence(80_000));
        line.extend(noise(400, 1_600));
        assert_eq!(sounds(&line).last(), Some(&Sound::Quiet));
        assert_eq!(sounds(&silence(1_600)), [Sound::Quiet; 10]);
    }

    #[test]
    fn extremes_are_measured_without_a_panic() {
        sounds(&[i16::MIN; 480]);
        sounds(&[i16::MAX; 480]);
        let square: Vec<i16> = (0..480).map(|at| if at % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
        sounds(&square);
        let mut click = silence(480);
        click[200] = i16::MAX;
        sounds(&click);
    }

    #[test]
    fn two_bits_stand_for_a_sound() {
        for sound in [Sound::Quiet, Sound::Speech, Sound::Tone, Sound::Key] {
            assert_eq!(Sound::from_code(sound.code()), sound);
            assert_eq!(Sound::from_code(sound.code() | 0xfc), sound);
        }
    }
}
