use super::*;
use crate::config::{Secret, SpeechRate};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use tokio::net::TcpListener;
use tympan_telephony::audio::wav;

fn configured(config: config::Speech) -> Speech {
    let region = Region::parse("us-west-2").unwrap();
    Speech::new(&config, &region, DescriptorBudget::new(1_000, 0), Arc::new(OneUpload)).unwrap()
}

/// The sound of the one prompt that has any.
struct OneUpload;

const UPLOADED: ResourceId = ResourceId::LEAST;

impl Uploads for OneUpload {
    fn read(&self, prompt: ResourceId) -> Result<Arc<[u8]>, String> {
        match prompt == UPLOADED {
            true => Ok(wav::write(&[8; 16]).into()),
            false => Err("it was removed".to_owned()),
        }
    }
}

fn command(command: &[&str]) -> config::Speech {
    let command = command.iter().map(ToString::to_string).collect();
    config::Speech { command, timeout_ms: 60_000, ..config::Speech::default() }
}

async fn said(speech: &Speech, prompt: Prompt) -> Prepared {
    attempt(speech, prompt).await.unwrap()
}

async fn attempt(speech: &Speech, content: Prompt) -> Result<Prepared, String> {
    speech.prepare(Wanted { content, voice: Voice::default(), recording: None }).await
}

async fn by(speech: &Speech, voice: Voice, content: Prompt) -> Prepared {
    speech.prepare(Wanted { content, voice, recording: None }).await.unwrap()
}

fn text(text: &str) -> Prompt {
    Prompt::Text(text.to_owned())
}

fn ssml(content: &str) -> Prompt {
    Prompt::Ssml(format!("<speak>{content}</speak>"))
}

fn audio(id: &str) -> Prompt {
    Prompt::Audio { id: id.to_owned(), name: None }
}

fn samples(prepared: &Prepared) -> Vec<i16> {
    prepared.sound.samples().collect()
}

/// A folder with a WAV file of these samples, and a command that speaks it and takes down what it was to say.
fn speaker(spoken: &[i16]) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let (file, log) = (dir.path().join("a.wav"), dir.path().join("log"));
    std::fs::write(&file, wav::write(spoken)).unwrap();
    let script =
        format!("cat >> {0}; echo \" by $TYMPAN_VOICE\" >> {0}; cat {1}", log.display(), file.display());
    (dir, script)
}

fn log(dir: &tempfile::TempDir) -> String {
    std::fs::read_to_string(dir.path().join("log")).unwrap_or_default()
}

#[tokio::test]
async fn a_command_speaks_and_is_asked_once_for_each_text_and_voice() {
    let (dir, script) = speaker(&[1, 2, 3, 4]);
    let speech = configured(command(&["sh", "-c", &script]));
    for _ in 0..2 {
        let prepared = said(&speech, text("hello")).await;
        assert_eq!((samples(&prepared), prepared.note), (vec![1, 2, 3, 4], None));
    }
    let olivia = Voice { name: "Olivia".to_owned(), ..Voice::default() };
    by(&speech, olivia, text("hello")).await;
    assert_eq!(log(&dir), "hello by Joanna\nhello by Olivia\n");
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    assert_eq!(
        (count(&speech.stats.spoken), count(&speech.stats.cached), count(&speech.stats.failed)),
        (2, 1, 0)
    );
}

#[tokio::test]
async fn a_prompt_of_breaks_lasts_exactly_as_long_with_a_voice_and_without_one() {
    let (dir, script) = speaker(&[9; 80]);
    for voice in [&["sh", "-c", &script][..], &["no-such-voice"], &[]] {
        let speech = configured(command(voice));
        let prepared = said(&speech, ssml(&"<break time=\"10s\"/>".repeat(18))).await;
        assert_eq!((prepared.sound.duration_ms(), prepared.note), (180_000, None), "{voice:?}");
    }
    assert_eq!(log(&dir), "", "no voice was asked");
}

#[tokio::test]
async fn silence_between_words_is_neither_lengthened_nor_shortened_by_the_voice() {
    let mut spoken = vec![0; 800];
    spoken.extend([5_000; 80]);
    spoken.extend([3; 1_600]);
    let (dir, script) = speaker(&spoken);
    let speech = configured(command(&["sh", "-c", &script]));
    let prepared = said(&speech, ssml("One<break time=\"1s\"/>two")).await;
    assert_eq!(log(&dir), "One by Joanna\ntwo by Joanna\n");
    let samples = samples(&prepared);
    let heard = |range: std::ops::Range<usize>| samples[range].iter().all(|sample| *sample == 5_000);
    assert_eq!(samples.len(), 880 + 8_000 + 80 + 1_600);
    assert!(heard(800..880) && heard(8_880..8_960));
    assert!(samples[880..8_880].iter().all(|sample| *sample == 0));
}

#[tokio::test]
async fn an_expletive_is_a_tone() {
    let speech = configured(command(&["no-such-voice"]));
    let prepared = said(&speech, ssml("<say-as interpret-as=\"expletive\">darn</say-as>")).await;
    let samples = samples(&prepared);
    assert_eq!((samples.len(), prepared.note), (8 * 400, None));
    assert!(tone::amplitude_at(&samples, BLEEP_HZ) > BLEEP_AMPLITUDE / 2.0);
}

#[tokio::test]
async fn without_a_voice_a_prompt_is_silence_of_its_reading_time_and_says_why() {
    let speech = configured(command(&["no-such-voice"]));
    let prepared = said(&speech, text("one two three four five")).await;
    assert_eq!(prepared.sound.duration_ms(), 2_000);
    assert!(prepared.note.unwrap().contains("no-such-voice"));
    let prepared = said(&speech, ssml("one<break time=\"3s\"/>two")).await;
    assert_eq!(prepared.sound.duration_ms(), 500 + 3_000 + 500);
    let prepared = said(&configured(command(&[])), text("hello")).await;
    assert!(prepared.note.unwrap().contains("speech.command"));
}

#[tokio::test]
async fn a_prompt_of_nothing_takes_no_time() {
    let prepared = said(&configured(command(&["no-such-voice"])), text(" ")).await;
    assert_eq!((prepared.sound.duration_ms(), prepared.note), (0, None));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_given_up_and_the_whole_prompt_with_it() {
    let config = config::Speech { timeout_ms: 50, ..command(&["tail", "-f", "/dev/null"]) };
    let speech = configured(config);
    let prepared = said(&speech, ssml("one<break time=\"1s\"/>two<break time=\"1s\"/>three")).await;
    assert_eq!(prepared.sound.duration_ms(), 3 * 500 + 2_000);
    assert!(prepared.note.unwrap().contains("took over 50ms"));
}

#[tokio::test]
async fn so_many_prompts_are_worked_on_and_wait_and_no_more() {
    let config = config::Speech {
        workers: 1,
        waiting_max: 1,
        timeout_ms: 2_000,
        ..command(&["tail", "-f", "/dev/null"])
    };
    let speech = Arc::new(configured(config));
    let waiting: Vec<_> = (0..2)
        .map(|nth| {
            let speech = speech.clone();
            tokio::spawn(async move { said(&speech, text(&format!("prompt {nth}"))).await })
        })
        .collect();
    while speech.places.load(Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let prepared = said(&speech, text("one too many")).await;
    assert!(prepared.note.unwrap().contains("too many prompts wait"));
    assert_eq!(speech.stats.refused.load(Relaxed), 1);
    for task in waiting {
        assert!(task.await.unwrap().note.unwrap().contains("took over"));
    }
    assert_eq!(speech.places.load(Relaxed), 0);
}

#[tokio::test]
async fn recordings_come_from_their_folder_and_from_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("greeting.wav"), wav::write(&[7; 80])).unwrap();
    let speech = configured(config::Speech { prompt_dir: Some(dir.path().into()), ..command(&[]) });
    let arn = "arn:aws:connect:us-west-2:111122223333:instance/i/prompt/greeting";
    for id in
        [arn, "greeting", "greeting.wav", "../greeting", "https://prompts.s3.amazonaws.com/en/greeting.wav"]
    {
        assert_eq!(samples(&said(&speech, audio(id)).await), [7; 80], "{id}");
    }
    for id in ["missing", "", "..", "a/.hidden", "https://example.com/missing.wav", "s3://bucket/missing.wav"]
    {
        let failed = attempt(&speech, audio(id)).await;
        assert!(failed.is_err(), "{id}");
    }
    assert_eq!(speech.stats.failed.load(Relaxed), 6);
}

/// A server that answers every request with this, and what it was asked.
async fn server(answer: impl Fn(&str) -> (u16, Vec<u8>) + Clone + Send + Sync + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let all = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (all, answer) = (all.clone(), answer.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (all, answer) = (all.clone(), answer.clone());
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let header =
                        |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                    let path = head.uri.path().to_owned();
                    let (status, bytes) = answer(&path);
                    let signature = header("authorization");
                    all.lock().unwrap().push((
                        path,
                        signature,
                        serde_json::from_slice(&body).unwrap_or_default(),
                    ));
                    Ok::<_, Infallible>(
                        Response::builder().status(status).body(Full::new(Bytes::from(bytes))).unwrap(),
                    )
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, asked)
}

type Asked = Arc<Mutex<Vec<(String, Option<String>, Value)>>>;

fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn endpoint(url: &str) -> config::Speech {
    config::Speech {
        endpoint: url.parse().ok(),
        access_key_id: "AKID".to_owned(),
        secret_access_key: Secret::from("secret"),
        ..command(&["no-such-voice"])
    }
}

#[tokio::test]
async fn a_polly_compatible_endpoint_is_asked_in_pollys_words_and_speaks() {
    let (url, asked) = server(|_| (200, pcm(&[100, -100, 100, -100]))).await;
    let speech = configured(endpoint(&url));
    let voice = Voice {
        name: "Olivia".to_owned(),
        engine: Some("Neural".to_owned()),
        language: Some("en-AU".to_owned()),
    };
    for _ in 0..2 {
        let prepared = by(&speech, voice.clone(), text("hello")).await;
        assert_eq!((samples(&prepared), prepared.note), (vec![100, -100, 100, -100], None));
    }
    let asked = asked.lock().unwrap();
    let [(path, signature, body)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(path, "/v1/speech");
    let signature = signature.as_deref().unwrap();
    assert!(signature.contains("/us-west-2/polly/aws4_request"), "{signature}");
    let expected = serde_json::json!({
        "Engine": "neural", "OutputFormat": "pcm", "SampleRate": "8000",
        "Text": "hello", "TextType": "text", "VoiceId": "Olivia",
    });
    assert_eq!(*body, expected);
}

#[tokio::test]
async fn speech_of_16_khz_is_brought_to_8() {
    let (url, asked) = server(|_| (200, pcm(&[1_000; 1_600]))).await;
    let speech = configured(config::Speech { sample_rate_hz: SpeechRate::Hz16000, ..endpoint(&url) });
    assert_eq!(said(&speech, text("hello")).await.sound.duration_ms(), 100);
    assert_eq!(asked.lock().unwrap()[0].2["SampleRate"], "16000");
}

#[tokio::test]
async fn an_endpoint_that_refuses_leaves_silence_and_says_why() {
    let (url, _) = server(|_| (400, b"{}".to_vec())).await;
    let speech = configured(endpoint(&url));
    let prepared = said(&speech, text("hello")).await;
    assert_eq!(prepared.sound.duration_ms(), 500);
    assert!(prepared.note.unwrap().contains("400"));
}

#[tokio::test]
async fn recordings_in_s3_come_from_the_endpoint_by_bucket_and_key_and_are_kept() {
    let (url, asked) = server(|path| match path {
        "/prompts/en/hi%20there.wav" => (200, wav::write(&[5; 16])),
        _ => (404, Vec::new()),
    })
    .await;
    let config = config::Speech { s3_endpoint: url.parse().ok(), endpoint: None, ..endpoint(&url) };
    let speech = configured(config);
    for uri in
        ["s3://prompts/en/hi there.wav", "https://prompts.s3.us-west-2.amazonaws.com/en/hi%20there.wav"]
    {
        for _ in 0..2 {
            assert_eq!(samples(&said(&speech, audio(uri)).await), [5; 16], "{uri}");
        }
    }
    let missing = attempt(&speech, audio("s3://prompts/none.wav")).await;
    assert!(missing.unwrap_err().contains("404"));
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3, "each URI is fetched once");
    assert!(asked[0].1.as_deref().unwrap().contains("/us-west-2/s3/aws4_request"));
}

#[tokio::test]
async fn a_uri_is_fetched_where_its_host_is_named_and_nowhere_else() {
    let (url, asked) = server(|_| (200, wav::write(&[6; 16]))).await;
    let speech = configured(config::Speech { uri_hosts: vec!["127.0.0.1".to_owned()], ..command(&[]) });
    let uri = format!("{url}/hi.wav");
    assert_eq!(samples(&said(&speech, audio(&uri)).await), [6; 16]);
    let refused = attempt(&configured(command(&[])), audio(&uri)).await;
    assert!(refused.unwrap_err().contains("speech.uri_hosts"));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_recording_fails() {
    let (url, _) = server(|_| (200, b"<html>".to_vec())).await;
    let speech = configured(config::Speech { uri_hosts: vec!["127.0.0.1".to_owned()], ..command(&[]) });
    assert!(attempt(&speech, audio(&format!("{url}/hi.wav"))).await.is_err());
    let (url, _) = server(|_| (200, wav::write(&vec![1; 5 * 60 * 8_000 + 1]))).await;
    let long = attempt(&speech, audio(&format!("{url}/long.wav"))).await;
    assert!(long.unwrap_err().contains("at most 300 s are taken"));
}

#[tokio::test]
async fn a_prompt_that_the_instance_has_is_played_from_its_file_or_its_address() {
    let (url, _) = server(|_| (200, wav::write(&[6; 16]))).await;
    let speech = configured(config::Speech { uri_hosts: vec!["127.0.0.1".to_owned()], ..command(&[]) });
    let arn = "arn:aws:connect:us-west-2:111122223333:instance/i/prompt/p";
    let file: Arc<[u8]> = wav::write(&[5; 16]).into();
    for (recording, sample) in [
        (Recording::Wav(file.clone()), 5),
        (Recording::Uri(format!("{url}/p.wav")), 6),
        (Recording::Wav(file), 5),
        (Recording::Uploaded { prompt: UPLOADED, sound: UPLOADED }, 8),
    ] {
        let wanted = Wanted { content: audio(arn), voice: Voice::default(), recording: Some(recording) };
        assert_eq!(samples(&speech.prepare(wanted).await.unwrap()), [sample; 16]);
    }
    assert_eq!(speech.stats.cached.load(Relaxed), 1, "the file is read once");
    let gone = ResourceId::from_bytes([1; 16]);
    let gone = PromptSounds::read(&speech, Recording::Uploaded { prompt: gone, sound: gone }).await;
    assert_eq!(gone.unwrap_err(), "it was removed");
    let heard = PromptSounds::read(&speech, Recording::Uploaded { prompt: UPLOADED, sound: UPLOADED }).await;
    assert_eq!(*heard.unwrap(), [8; 16]);
}

#[tokio::test]
async fn a_prompt_of_another_instance_is_found_by_the_name_that_its_flow_has() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Beep.wav"), wav::write(&[7; 80])).unwrap();
    let speech = configured(config::Speech { prompt_dir: Some(dir.path().into()), ..command(&[]) });
    let foreign =
        "arn:aws:connect:eu-west-2:999999999999:instance/i/prompt/1b9f2d3c-7c39-4d4e-9f0a-2b1c3d4e5f60";
    let prompt = Prompt::Audio { id: foreign.to_owned(), name: Some("Beep.wav".to_owned()) };
    assert_eq!(samples(&said(&speech, prompt).await), [7; 80]);
}
