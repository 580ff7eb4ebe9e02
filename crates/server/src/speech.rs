//! Prompts become sound here: text by the speech command, recordings from the prompt folder.
//!
//! What was spoken once is kept, by the text: callers of the same flow share the samples. Where nothing can speak, a
//! prompt is silence of its reading time, and the flow log says so.

use crate::config;
use crate::descriptors::DescriptorBudget;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tympan_contact::reading_time_ms;
use tympan_flow::Prompt;
use tympan_telephony::audio::wav;
use tympan_telephony::words::Sound;

/// Samples that are kept, over all prompts: ten minutes of speech.
const CACHE_LIMIT_SAMPLES: usize = 10 * 60 * 8_000;

/// Makes prompts. Cheap to share behind an `Arc`.
pub(crate) struct Speech {
    command: Vec<String>,
    timeout: Duration,
    folder: Option<PathBuf>,
    spoken: Mutex<HashMap<String, Arc<[i16]>>>,
    descriptors: DescriptorBudget,
}

/// A prompt, ready to be played.
pub(crate) struct Prepared {
    /// Its sound.
    pub sound: Sound,
    /// What the flow log should say of it.
    pub note: Option<String>,
}

impl Speech {
    /// Speaks as configured; its commands take their descriptors from the budget.
    pub(crate) fn new(config: &config::Speech, descriptors: DescriptorBudget) -> Self {
        Self {
            command: config.command.clone(),
            timeout: Duration::from_millis(config.timeout_ms),
            folder: config.prompt_dir.clone(),
            spoken: Mutex::default(),
            descriptors,
        }
    }

    /// Turns a prompt into sound; the error says why that is not possible.
    pub(crate) async fn prepare(&self, prompt: &Prompt) -> Result<Prepared, String> {
        match prompt {
            Prompt::Audio { id, .. } => {
                let samples = self.recording(id).await?;
                Ok(Prepared { sound: Sound::new(samples), note: None })
            }
            Prompt::Text(text) | Prompt::Ssml(text) => {
                match self.spoken(text, matches!(prompt, Prompt::Ssml(_))).await {
                    Ok(samples) => Ok(Prepared { sound: Sound::new(samples), note: None }),
                    Err(reason) => Ok(Prepared {
                        sound: Sound::silence(reading_time_ms(prompt)),
                        note: Some(format!("{reason}: the prompt is silence of its reading time")),
                    }),
                }
            }
        }
    }

    async fn spoken(&self, text: &str, ssml: bool) -> Result<Arc<[i16]>, String> {
        if text.trim().is_empty() {
            return Ok(Arc::default());
        }
        if let Some(samples) = self.cache().get(text) {
            return Ok(samples.clone());
        }
        let spoken = tokio::time::timeout(self.timeout, self.speak(text, ssml));
        let samples =
            spoken.await.map_err(|_| format!("the speech command took over {:?}", self.timeout))??;
        let mut cache = self.cache();
        // Texts with a caller's name in them come once each: when the room is full, everything goes.
        if cache.values().map(|kept| kept.len()).sum::<usize>() + samples.len() > CACHE_LIMIT_SAMPLES {
            cache.clear();
        }
        cache.insert(text.to_owned(), samples.clone());
        Ok(samples)
    }

    async fn speak(&self, text: &str, ssml: bool) -> Result<Arc<[i16]>, String> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err("speech.command is not set".to_owned());
        };
        let _permit = self.descriptors.admit_process().await;
        // Another call may have had it spoken meanwhile.
        if let Some(samples) = self.cache().get(text) {
            return Ok(samples.clone());
        }
        let mut command = Command::new(program);
        command.args(arguments);
        if ssml && program.ends_with("espeak-ng") {
            command.arg("-m");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run {program}: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read everything is judged by what it speaks.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(format!("{program} failed ({})", output.status));
        }
        let samples =
            wav::read(&output.stdout).map_err(|error| format!("{program} did not write WAV: {error}"))?;
        Ok(samples.into())
    }

    /// A WAV file of the prompt folder, by the last part of an id, ARN or URI.
    async fn recording(&self, id: &str) -> Result<Arc<[i16]>, String> {
        let Some(folder) = &self.folder else {
            return Err("speech.prompt_dir is not set, so recorded prompts cannot be found".to_owned());
        };
        let name = id.rsplit(['/', ':']).next().unwrap_or(id);
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains('\\');
        if !plain {
            return Err(format!("{name:?} names no recording"));
        }
        let file =
            if name.ends_with(".wav") { folder.join(name) } else { folder.join(format!("{name}.wav")) };
        let bytes = tokio::fs::read(&file)
            .await
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let samples = wav::read(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(samples.into())
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<[i16]>>> {
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(command: &[&str], folder: &str) -> Speech {
        let config = config::Speech {
            command: command.iter().map(ToString::to_string).collect(),
            timeout_ms: 60_000,
            prompt_dir: Some(folder.into()),
        };
        Speech::new(&config, DescriptorBudget::new(1_000, 0))
    }

    #[tokio::test]
    async fn a_command_speaks_and_is_asked_once_for_each_text() {
        let dir = tempfile::tempdir().unwrap();
        let (file, log) = (dir.path().join("a.wav"), dir.path().join("log"));
        std::fs::write(&file, wav::write(&[1, 2, 3, 4])).unwrap();
        let script = format!("cat >> {}; cat {}", log.display(), file.display());
        let speech = speech(&["sh", "-c", &script], "");
        for _ in 0..2 {
            let prepared = speech.prepare(&Prompt::Text("hello".into())).await.unwrap();
            assert_eq!((&prepared.sound.samples()[..], prepared.note), (&[1, 2, 3, 4][..], None));
        }
        assert_eq!(std::fs::read_to_string(log).unwrap(), "hello");
    }

    #[tokio::test]
    async fn without_a_voice_a_prompt_is_silence_of_its_reading_time_and_says_why() {
        let prepared =
            speech(&["no-such-voice"], "").prepare(&Prompt::Text("one two three four five".into())).await;
        let prepared = prepared.unwrap();
        assert_eq!(prepared.sound.duration_ms(), 2_000);
        assert!(prepared.note.unwrap().contains("no-such-voice"));
    }

    #[tokio::test]
    async fn recordings_come_from_their_folder_and_from_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("greeting.wav"), wav::write(&[7; 80])).unwrap();
        let speech = speech(&[], dir.path().to_str().unwrap());
        let audio = |id: &str| Prompt::Audio { id: id.to_owned(), name: None };
        let arn = "arn:aws:connect:us-west-2:111122223333:instance/i/prompt/greeting";
        assert_eq!(speech.prepare(&audio(arn)).await.unwrap().sound.samples().len(), 80);
        for id in ["../greeting", "missing", "", "..", "a/.hidden"] {
            let found = speech.prepare(&audio(id)).await;
            assert_eq!(found.is_ok(), id == "../greeting", "{id}");
        }
    }
}
