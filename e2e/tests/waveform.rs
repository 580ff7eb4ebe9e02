//! The waveform of a call: what was said stands where it was said, it is there after a kill, and it goes with the audio.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::path::Path;
use std::process::{Command, Output};
use tympan_e2e::audio::{read_raw, write_wav};
use tympan_e2e::desk::Desk;
use tympan_testkit::{TestServer, TestServerBuilder, binary};

const NUMBER: &str = "+18005550100";
const SAMPLES_PER_S: usize = 8_000;
/// Samples of a cell: where something begins or ends amidst one, it is found in the next.
const CELL: u64 = 160;

fn tympan(server: Option<&TestServer>, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary()?);
    if let Some(server) = server {
        command.envs(server.aws_environment());
    }
    Ok(command.args(arguments).output()?)
}

fn said(output: &Output) -> anyhow::Result<String> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {complaint}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn server(place: &Path) -> TestServerBuilder {
    TestServer::builder()
        .data_dir(place.join("data"))
        .env("TYMPAN_KMS__KEYRING_DIR", place.join("keys").display())
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 300)
}

/// Seconds of sound: none, one sine or two.
fn sound(seconds: f64, frequencies_hz: &[f64]) -> Vec<i16> {
    let value = |at: usize| {
        let phase = |hz: &f64| (TAU * hz * at as f64 / SAMPLES_PER_S as f64).sin();
        frequencies_hz.iter().map(|hz| 6_000.0 * phase(hz)).sum::<f64>() as i16
    };
    (0..(seconds * SAMPLES_PER_S as f64) as usize).map(value).collect()
}

/// Silence, a tone, silence, the tones of the key 5, silence, two tones of a telephone exchange.
fn what_is_said() -> Vec<i16> {
    let pieces = [
        // Until the flow has greeted the caller and started to stream.
        sound(8.0, &[]),
        sound(1.0, &[440.0]),
        sound(1.0, &[]),
        sound(0.5, &[770.0, 1_336.0]),
        sound(1.0, &[]),
        sound(0.4, &[350.0, 440.0]),
        sound(0.5, &[]),
    ];
    pieces.concat()
}

/// The spans of a kind: where they begin and how long they are, in samples.
fn spans(waveform: &Value, kind: &str) -> Vec<(u64, u64)> {
    let spans = waveform["Tracks"][0]["Spans"].as_array().into_iter().flatten();
    let of_kind = spans.filter(|span| span["Kind"] == kind);
    of_kind.filter_map(|span| Some((span["At"].as_u64()?, span["Samples"].as_u64()?))).collect()
}

fn waveform(server: &TestServer) -> anyhow::Result<Value> {
    let arguments = ["contacts", "waveform", "latest", "--columns", "200", "--json"];
    Ok(serde_json::from_str(&said(&tympan(Some(server), &arguments)?)?)?)
}

/// Where the runs of sound in a capture begin and end; a pause is half a second.
fn sounds(samples: &[i16]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for (at, _) in (0u64..).zip(samples).filter(|(_, sample)| **sample != 0) {
        match runs.last_mut() {
            Some((_, end)) if at - *end < 4_000 => *end = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// Whether a span is that of a run of samples: cells that it fills.
fn is_near((at, samples): (u64, u64), (begin, end): (u64, u64)) -> bool {
    at.abs_diff(begin) <= CELL && (at + samples).abs_diff(end) <= CELL
}

#[test]
fn a_call_is_drawn_where_it_was_said_after_a_kill_as_well_and_not_after_its_deletion() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let (wav, raw, svg) = (place.join("said.wav"), place.join("heard.raw"), place.join("drawn.svg"));
    write_wav(&wav, &what_is_said())?;
    let running = server(place).start()?;
    let (uri, wav) = (format!("sip:{NUMBER}@{}", running.sip()), wav.display().to_string());
    said(&tympan(Some(&running), &["call", &uri, "--audio", &wav, "--duration", "14"])?)?;

    let drawn = waveform(&running)?;
    said(&tympan(Some(&running), &["listen", "latest", "-o", &raw.display().to_string()])?)?;
    let heard = read_raw(&raw)?;
    let [tone, key, exchange] = sounds(&heard)[..] else { panic!("three sounds: {:?}", sounds(&heard)) };
    assert_eq!(drawn["Samples"].as_u64(), Some(heard.len() as u64), "the axis is that of the audio");
    let tones = spans(&drawn, "tone");
    assert_eq!(tones.len(), 2, "{drawn:#}");
    assert!(is_near(tones[0], tone) && is_near(tones[1], exchange), "{tones:?}: {tone:?}, {exchange:?}");
    let [key_tone] = spans(&drawn, "key-tone")[..] else { panic!("one key: {drawn:#}") };
    assert!(is_near(key_tone, key), "{key_tone:?}: {key:?}");
    assert_eq!((spans(&drawn, "lost"), spans(&drawn, "speech")), (vec![], vec![]));
    // Columns of silence are silent, and those of the tone are as loud as it is: -14.7 dBFS.
    let peaks = drawn["Tracks"][0]["PeakDbfs"].as_array().context("no levels")?;
    let column = |at: u64| peaks[usize::try_from(at * 200 / heard.len() as u64).unwrap_or(0)].as_f64();
    assert_eq!(column(tone.1 + 4_000), None);
    assert!(column(tone.0 + 4_000).is_some_and(|peak| (peak + 14.7).abs() < 1.0), "{peaks:?}");

    let text = said(&tympan(Some(&running), &["contacts", "waveform", "latest", "--columns", "60"])?)?;
    assert!(text.contains("AUDIO_FROM_CUSTOMER") && text.contains('█') && text.contains("~~~"), "{text}");
    said(&tympan(Some(&running), &["contacts", "waveform", "latest", "--svg", &svg.display().to_string()])?)?;
    assert!(std::fs::read_to_string(&svg)?.contains("<title>tone at "));

    // It was acknowledged with the audio, or is made of it: after a kill it is the same.
    running.kill_9()?;
    let mut running = server(place).start()?;
    let again = waveform(&running)?;
    assert_eq!(again["Tracks"][0]["PeakDbfs"], drawn["Tracks"][0]["PeakDbfs"]);
    assert_eq!(again["Tracks"][0]["Spans"], drawn["Tracks"][0]["Spans"]);

    let stream = drawn["Captures"][0]["StreamARN"].as_str().context("no stream")?.to_owned();
    let mut desk = Desk::new(&running)?;
    desk.call("kinesisvideo", "delete_stream", json!({ "StreamARN": stream }))?;
    drop(desk);
    let gone = waveform(&running)?;
    assert_eq!(gone["Captures"][0]["Deleted"], true, "{gone:#}");
    assert_eq!(spans(&gone, "tone"), []);
    running.terminate()?;
    ensure!(running.wait()?.success(), "{}", running.log());
    let (data, keys) = (place.join("data").display().to_string(), place.join("keys").display().to_string());
    let arguments =
        ["streams", "verify-deletion", &stream, "--json", "--data-dir", &data, "--keyring", &keys];
    let proof: Value = serde_json::from_str(&said(&tympan(None, &arguments)?)?)?;
    assert_eq!((&proof["verdict"], &proof["generations"][0]["decrypted"]), (&json!("gone"), &json!(0)));
    Ok(())
}

#[test]
fn a_contact_that_is_not_there_has_no_waveform() -> anyhow::Result<()> {
    let running = TestServer::start()?;
    let id = "4a573372-1f28-4e26-b97b-0123456789ab";
    let refused = tympan(Some(&running), &["contacts", "waveform", id])?;
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    Ok(())
}
