//! The Wyoming protocol: a line of JSON, then as many bytes as it says, over TCP.
//!
//! Source: the protocol's README (rhasspy/wyoming): `transcribe`, `audio-start`, `audio-chunk`, `audio-stop`, and the answer
//! `transcript`. What else a server sends is passed over.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tympan_lex::service::{Speech, SpeechError, Transcript};

/// A line, and the data after it, at most.
const EVENT_MAX_BYTES: u64 = 64 * 1024;
/// A payload that is passed over, at most.
const PAYLOAD_MAX_BYTES: u64 = 1 << 20;
/// Events before the transcript at most.
const EVENTS_MAX: usize = 100;
/// 100 ms at 16 kHz.
const CHUNK_SAMPLES: usize = 1_600;

/// The head of an event.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    data_length: Option<u64>,
    #[serde(default)]
    payload_length: Option<u64>,
}

/// Has a server turn an utterance into text.
pub(super) async fn transcribe(peer: &str, speech: &Speech) -> Result<Transcript, SpeechError> {
    let failed = |error: std::io::Error| SpeechError(format!("the Wyoming server {peer}: {error}"));
    let (reader, mut writer) = TcpStream::connect(peer).await.map_err(failed)?.into_split();
    let send = async {
        let sent = send(&mut writer, speech).await;
        match sent {
            // It stays open for the answer.
            Ok(()) => std::future::pending().await,
            Err(error) => failed(error),
        }
    };
    tokio::select! {
        error = send => Err(error),
        answer = receive(BufReader::new(reader)) => {
            answer.map_err(|SpeechError(why)| SpeechError(format!("the Wyoming server {peer}: {why}")))
        }
    }
}

async fn send(writer: &mut (impl AsyncWrite + Unpin), speech: &Speech) -> std::io::Result<()> {
    // Lex names a locale, and recognisers a language.
    let language = speech.locale.split(['_', '-']).next().unwrap_or_default();
    let format = json!({ "rate": speech.rate_hz, "width": 2, "channels": 1 });
    event(writer, "transcribe", &json!({ "language": language }), &[]).await?;
    event(writer, "audio-start", &format, &[]).await?;
    for chunk in speech.samples.chunks(CHUNK_SAMPLES) {
        let bytes: Vec<u8> = chunk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        event(writer, "audio-chunk", &format, &bytes).await?;
    }
    event(writer, "audio-stop", &json!({}), &[]).await?;
    writer.flush().await
}

async fn event(
    writer: &mut (impl AsyncWrite + Unpin),
    kind: &str,
    data: &Value,
    payload: &[u8],
) -> std::io::Result<()> {
    let mut line = json!({ "type": kind, "data": data, "payload_length": payload.len() }).to_string();
    line.push('\n');
    writer.write_all(line.as_bytes()).await?;
    writer.write_all(payload).await
}

async fn receive(mut reader: BufReader<impl AsyncRead + Unpin>) -> Result<Transcript, SpeechError> {
    let wrong = |what: &str| SpeechError(what.to_owned());
    for _ in 0..EVENTS_MAX {
        let mut line = Vec::new();
        let read = (&mut reader).take(EVENT_MAX_BYTES).read_until(b'\n', &mut line).await;
        read.map_err(|error| SpeechError(error.to_string()))?;
        if line.last() != Some(&b'\n') {
            return Err(wrong(if line.len() as u64 == EVENT_MAX_BYTES {
                "its line is too long"
            } else {
                "it closed"
            }));
        }
        let head: Head = serde_json::from_slice(&line).map_err(|_| wrong("its line is no event"))?;
        let data_length = head.data_length.unwrap_or(0);
        let payload_length = head.payload_length.unwrap_or(0);
        if data_length > EVENT_MAX_BYTES || payload_length > PAYLOAD_MAX_BYTES {
            return Err(wrong("its event is too long"));
        }
        let more = take(&mut reader, data_length).await?;
        take(&mut reader, payload_length).await?;
        let more: Value = serde_json::from_slice(&more).unwrap_or_default();
        let member = |name: &str| more.get(name).or_else(|| head.data.get(name)).and_then(Value::as_str);
        match head.kind.as_str() {
            "transcript" => {
                let text = member("text").ok_or_else(|| wrong("its transcript has no text"))?;
                return Ok(Transcript { text: text.to_owned(), confidence: None });
            }
            "error" => {
                let text: String = member("text").unwrap_or("an error").chars().take(200).collect();
                return Err(SpeechError(text));
            }
            _ => {}
        }
    }
    Err(wrong("it sends events and no transcript"))
}

async fn take(reader: &mut (impl AsyncRead + Unpin), length: u64) -> Result<Vec<u8>, SpeechError> {
    let mut bytes = Vec::new();
    let read = reader.take(length).read_to_end(&mut bytes).await;
    read.map_err(|error| SpeechError(error.to_string()))?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(SpeechError("it closed".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn speech() -> Speech {
        Speech {
            samples: (0..4_000).map(|at| (at % 100) as i16).collect(),
            rate_hz: 8_000,
            locale: "en_US".into(),
            vocabulary: vec!["order".into()],
        }
    }

    /// A peer that reads to `audio-stop`, checks what it got, and then writes `answer`.
    async fn peer(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let (mut reader, mut kinds, mut audio) = (BufReader::new(reader), Vec::new(), Vec::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).await.unwrap();
                let head: Head = serde_json::from_str(&line).unwrap();
                audio.extend(take(&mut reader, head.payload_length.unwrap()).await.unwrap());
                match head.kind.as_str() {
                    "transcribe" => assert_eq!(head.data["language"], "en"),
                    "audio-chunk" | "audio-start" => assert_eq!(head.data["rate"], 8_000),
                    _ => {}
                }
                let is_last = head.kind == "audio-stop";
                kinds.push(head.kind);
                if is_last {
                    break;
                }
            }
            let expected: Vec<u8> = speech().samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            assert_eq!(
                (audio, kinds[0].as_str(), kinds[1].as_str()),
                (expected, "transcribe", "audio-start")
            );
            writer.write_all(&answer).await.unwrap();
        });
        address
    }

    async fn heard(answer: &[u8]) -> Result<String, String> {
        let heard = transcribe(&peer(answer.to_vec()).await, &speech()).await;
        heard.map(|transcript| transcript.text).map_err(|error| error.0)
    }

    #[tokio::test]
    async fn a_transcript_is_read_from_its_line_or_from_the_data_behind_it() {
        assert_eq!(
            heard(b"{\"type\":\"transcript\",\"data\":{\"text\":\"hello\"}}\n").await,
            Ok("hello".into())
        );
        let behind = b"{\"type\":\"info\",\"payload_length\":3}\nabc{\"type\":\"transcript\",\"data_length\":17}\n{\"text\":\"a good\"}";
        assert_eq!(heard(behind).await, Ok("a good".into()));
    }

    #[tokio::test]
    async fn a_peer_that_lies_closes_or_never_ends_is_an_error() {
        for (answer, why) in [
            (b"nonsense\n".to_vec(), "no event"),
            (b"{\"type\":\"transcript\"}\n".to_vec(), "no text"),
            (b"{\"type\":\"error\",\"data\":{\"text\":\"busy\"}}\n".to_vec(), "busy"),
            (b"{\"type\":\"info\",\"data_length\":99999999}\n".to_vec(), "too long"),
            (b"{\"type\":\"info\",\"payload_length\":50}\nab".to_vec(), "closed"),
            (Vec::new(), "closed"),
            (vec![b'a'; 100_000], "too long"),
            (b"{\"type\":\"info\"}\n".repeat(101), "no transcript"),
        ] {
            let told = heard(&answer).await.unwrap_err();
            assert!(told.contains(why), "{why}: {told}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_is_not_there_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert!(transcribe(&address, &speech()).await.is_err());
    }
}
