//! A program that speaks: text on its stdin, WAV on its stdout.

use super::voice::Voice;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tympan_telephony::audio::wav;

/// Ten minutes of 44.1 kHz and 16 bits.
const WAV_LIMIT_BYTES: u64 = 53 * 1024 * 1024;

/// Runs it once. espeak-ng gets a `-v` for the voice unless it has one; any program finds the voice in `TYMPAN_VOICE`,
/// `TYMPAN_VOICE_ENGINE` and `TYMPAN_VOICE_LANGUAGE`.
pub(super) async fn speak(command: &[String], voice: &Voice, text: &str) -> Result<Vec<i16>, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("neither speech.command nor speech.endpoint is set".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    let is_espeak = program.rsplit('/').next() == Some("espeak-ng");
    if is_espeak && !arguments.iter().any(|argument| argument.starts_with("-v")) {
        command.arg("-v").arg(voice.espeak());
    }
    let mut child = command
        .env("TYMPAN_VOICE", &voice.name)
        .env("TYMPAN_VOICE_ENGINE", voice.engine())
        .env("TYMPAN_VOICE_LANGUAGE", voice.language())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read everything is judged by what it speaks.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
    };
    let read = async {
        let mut spoken = Vec::new();
        match stdout {
            Some(stdout) => stdout.take(WAV_LIMIT_BYTES).read_to_end(&mut spoken).await.map(|_| spoken),
            None => Ok(spoken),
        }
    };
    let ((), spoken) = tokio::join!(write, read);
    let spoken = spoken.map_err(|error| format!("{program} broke off: {error}"))?;
    if spoken.len() as u64 >= WAV_LIMIT_BYTES {
        return Err(format!("{program} spoke without an end"));
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("{program} failed ({status})"));
    }
    wav::read(&spoken).map_err(|error| format!("{program} did not write WAV: {error}"))
}
