//! A command that hears: WAV on its stdin, the words on its stdout.

use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tympan_lex::service::{Speech, SpeechError, Transcript};

/// Far more words than 15 s have.
const TEXT_MAX_BYTES: u64 = 16 * 1024;

pub(super) async fn transcribe(command: &[String], speech: &Speech) -> Result<Transcript, SpeechError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(SpeechError("lex.speech_command is empty".to_owned()));
    };
    let failed = |why: String| SpeechError(format!("{program} {why}"));
    let mut child = Command::new(program)
        .args(arguments)
        .env("TYMPAN_LEX_LOCALE", &speech.locale)
        .env("TYMPAN_LEX_VOCABULARY", speech.vocabulary.join(" "))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let wav = wav(speech);
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read everything is judged by what it writes.
            let _ = stdin.write_all(&wav).await;
        }
    };
    let read = async {
        let mut text = Vec::new();
        match stdout {
            Some(stdout) => stdout.take(TEXT_MAX_BYTES).read_to_end(&mut text).await.map(|_| text),
            None => Ok(text),
        }
    };
    let ((), text) = tokio::join!(write, read);
    let text = text.map_err(|error| failed(format!("broke off: {error}")))?;
    if text.len() as u64 >= TEXT_MAX_BYTES {
        return Err(failed("wrote without an end".to_owned()));
    }
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    let text = String::from_utf8(text).map_err(|_| failed("wrote no UTF-8".to_owned()))?;
    Ok(Transcript { text, confidence: None })
}

/// A WAV file of an utterance: PCM, mono, 16 bit.
pub(super) fn wav(speech: &Speech) -> Vec<u8> {
    let data_bytes = u32::try_from(speech.samples.len().saturating_mul(2)).unwrap_or(u32::MAX);
    let mut wav = Vec::with_capacity(44 + speech.samples.len() * 2);
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&data_bytes.saturating_add(36).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend_from_slice(&speech.rate_hz.to_le_bytes());
    wav.extend_from_slice(&speech.rate_hz.saturating_mul(2).to_le_bytes());
    wav.extend_from_slice(b"\x02\0\x10\0data");
    wav.extend_from_slice(&data_bytes.to_le_bytes());
    wav.extend(speech.samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}
