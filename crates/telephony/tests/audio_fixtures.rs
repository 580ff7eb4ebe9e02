//! The files of `fixtures/audio`: reads them, and makes them anew on demand.

use std::fs;
use std::path::PathBuf;

use tympan_telephony::Digit;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::tone::{amplitude_at, key, silence, sine};
use tympan_telephony::audio::tone_digit::ToneDigitDetector;
use tympan_telephony::audio::{pcm, wav};

#[test]
fn a_cd_quality_prompt_keeps_its_tone_and_loses_what_a_phone_cannot_carry() {
    let samples = wav::read(&read("cd-stereo-440hz-9khz.wav")).unwrap();
    assert_eq!(samples.len(), 1_600);
    let middle = &samples[400..1_200];
    assert!((amplitude_at(middle, 440.0) - 8_000.0).abs() < 100.0);
    // 9 kHz would fold to 1 kHz.
    assert!(amplitude_at(middle, 1_000.0) < 20.0);
}

#[test]
fn a_mu_law_prompt_is_taken_code_by_code() {
    let samples = wav::read(&read("mulaw-1000hz.wav")).unwrap();
    let expected: Vec<i16> =
        sine(1_000.0, 8_000.0, 1_600).iter().map(|&s| Law::Mu.decode(Law::Mu.encode(s))).collect();
    assert_eq!(samples, expected);
}

#[test]
fn a_piped_file_without_a_length_is_read_and_its_keys_are_heard() {
    let mut digits = String::new();
    let samples = wav::read(&read("piped-keys-159.wav")).unwrap();
    ToneDigitDetector::default().push(&samples, |digit| digits.push(digit.as_char()));
    assert_eq!(digits, "159");
}

#[test]
#[ignore = "writes fixtures/audio anew"]
fn make_the_audio_fixtures() {
    let mut cd = Vec::new();
    for index in 0..8_820 {
        let at =
            |hz: f64| (8_000.0 * (std::f64::consts::TAU * hz * f64::from(index) / 44_100.0).sin()) as i16;
        pcm::extend_le_bytes(&mut cd, &[at(440.0) + at(9_000.0); 2]);
    }
    write("cd-stereo-440hz-9khz.wav", &with_header(1, 2, 44_100, 16, &cd));

    let mut codes = Vec::new();
    Law::Mu.encode_into(&sine(1_000.0, 8_000.0, 1_600), &mut codes);
    write("mulaw-1000hz.wav", &with_header(7, 1, 8_000, 8, &codes));

    let mut piped = wav::header(wav::WavLength::Unknown).to_vec();
    for digit in "159".chars().filter_map(Digit::from_char) {
        pcm::extend_le_bytes(&mut piped, &key(digit, 5_000.0, 640));
        pcm::extend_le_bytes(&mut piped, &silence(640));
    }
    write("piped-keys-159.wav", &piped);
}

fn with_header(tag: u16, channels: u16, rate_hz: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let frame_bytes = channels * bits / 8;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend((rate_hz * u32::from(frame_bytes)).to_le_bytes());
    file.extend(frame_bytes.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/audio").join(name)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn write(name: &str, content: &[u8]) {
    fs::write(path(name), content).expect("fixtures can be written");
}
