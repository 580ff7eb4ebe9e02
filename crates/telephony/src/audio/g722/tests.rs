use super::*;
use crate::audio::pcm::{FRAME_SAMPLES, from_le_bytes, rms};
use crate::audio::tone::{amplitude_at, sine};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/audio/", $name)).as_slice()
    };
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    from_le_bytes(bytes).collect()
}

fn decoded_16k(bytes: &[u8]) -> Vec<i16> {
    let mut out = Vec::new();
    Decoder::new().decode_16k(bytes, &mut out);
    out
}

fn encoded_16k(samples: &[i16]) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode_16k(samples, &mut out);
    out
}

/// A sine at 16 kHz.
fn sine_16k(hz: f64, amplitude: f64, length: usize) -> Vec<i16> {
    sine(hz / 2.0, amplitude, length)
}

/// The level of what is left of a tone at 16 kHz after it went through encoder, decoder and low-pass, in dB of the tone's.
fn left_of_tone_db(hz: f64) -> f64 {
    let tone = sine_16k(hz, 8_000.0, 32_000);
    let mut out = Vec::new();
    Decoder::new().decode(&encoded_16k(&tone), &mut out);
    // Where it would be heard: above 4 kHz it folds.
    let folded_hz = if hz > 4_000.0 { 8_000.0 - hz } else { hz };
    20.0 * (amplitude_at(&out[400..8_400], folded_hz) / 8_000.0).max(1e-6).log10()
}

#[test]
fn decodes_every_byte_as_the_reference_decoder_does() {
    assert_eq!(decoded_16k(fixture!("g722-random.g722")), samples(fixture!("g722-random.s16le")));
    assert_eq!(decoded_16k(fixture!("g722-voice.g722")), samples(fixture!("g722-voice.s16le")));
}

#[test]
fn encodes_every_sample_as_the_reference_encoder_does() {
    assert_eq!(encoded_16k(&samples(fixture!("g722-voice.input.s16le"))), fixture!("g722-voice.g722"));
}

#[test]
fn packets_of_any_size_decode_and_encode_like_the_whole() {
    let bytes = fixture!("g722-voice.g722");
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    Decoder::new().decode(bytes, &mut whole);
    let mut decoder = Decoder::default();
    for packet in bytes.chunks(77) {
        decoder.decode(packet, &mut parts);
    }
    assert_eq!(whole.len(), bytes.len(), "a sample at 8 kHz for each byte");
    assert_eq!(parts, whole);

    let (mut again, mut in_parts) = (Vec::new(), Vec::new());
    Encoder::new().encode(&whole, &mut again);
    let mut encoder = Encoder::default();
    for frame in whole.chunks(FRAME_SAMPLES) {
        encoder.encode(frame, &mut in_parts);
    }
    assert_eq!((again.len(), in_parts == again), (whole.len(), true));
}

#[test]
fn the_telephone_band_passes_at_its_level() {
    for hz in [300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
        let left = left_of_tone_db(hz);
        assert!(left.abs() < 0.3, "{hz} Hz: {left:.2} dB");
    }
}

#[test]
fn what_8_khz_cannot_carry_is_gone_and_not_folded() {
    for hz in [4_700.0, 5_000.0, 6_000.0, 6_900.0] {
        let left = left_of_tone_db(hz);
        assert!(left < -50.0, "{hz} Hz: {left:.1} dB");
    }
}

#[test]
fn decimation_delays_by_exactly_twelve_samples() {
    let bytes = encoded_16k(&sine_16k(1_000.0, 8_000.0, 16_000));
    let mut narrow = Vec::new();
    Decoder::new().decode(&bytes, &mut narrow);
    let wide = decoded_16k(&bytes);
    let error: Vec<i16> =
        (400..7_600).map(|index| narrow[index] - wide[2 * (index - DECIMATION_DELAY_SAMPLES)]).collect();
    // What differs is the coding's own noise above 4 kHz.
    assert!(rms(&error) < 40.0, "{}", rms(&error));
}

#[test]
fn what_is_encoded_and_decoded_at_8_khz_comes_back_after_the_stated_delay() {
    let spoken = sine(1_000.0, 8_000.0, 8_000);
    let (mut bytes, mut heard) = (Vec::new(), Vec::new());
    Encoder::new().encode(&spoken, &mut bytes);
    Decoder::new().decode(&bytes, &mut heard);
    // In samples at 16 kHz: an output is at the time of the earlier sample of its pair.
    let delay = INTERPOLATION_DELAY_SAMPLES_16K + 22 + 2 * DECIMATION_DELAY_SAMPLES;
    let expected = |index: usize| {
        let at = (2 * index - delay) as f64 / 16_000.0;
        8_000.0 * (std::f64::consts::TAU * 1_000.0 * at).sin()
    };
    let error: Vec<i16> =
        (400..7_600).map(|index| (f64::from(heard[index]) - expected(index)).round() as i16).collect();
    assert!(rms(&error) < 150.0, "{}", rms(&error));
}

#[test]
fn a_lost_packet_is_forgotten_after_a_while() {
    let bytes = fixture!("g722-voice.g722");
    let mut lossy = Decoder::new();
    let (mut heard, mut whole) = (Vec::new(), Vec::new());
    lossy.decode(&bytes[..1_600], &mut heard);
    lossy.decode(&bytes[1_760..], &mut heard);
    Decoder::new().decode(bytes, &mut whole);
    let error: Vec<i16> =
        heard[2_400..].iter().zip(&whole[2_560..]).map(|(a, b)| a.wrapping_sub(*b)).collect();
    assert!(rms(&error) < rms(&whole) / 10.0, "{} of {}", rms(&error), rms(&whole));
}

#[test]
fn a_packet_costs_no_allocation_where_there_is_room() {
    let (mut out, mut bytes) = (Vec::with_capacity(FRAME_SAMPLES), Vec::with_capacity(FRAME_SAMPLES));
    let (mut decoder, mut encoder) = (Decoder::new(), Encoder::new());
    let places = (out.as_ptr(), bytes.as_ptr());
    for packet in fixture!("g722-voice.g722").chunks_exact(FRAME_SAMPLES) {
        out.clear();
        bytes.clear();
        decoder.decode(packet, &mut out);
        encoder.encode(&out, &mut bytes);
        assert_eq!((out.as_ptr(), bytes.as_ptr()), places);
    }
    // The rest of the state is arrays.
    assert!(size_of::<Decoder>() < 512 && size_of::<Encoder>() < 512);
}
