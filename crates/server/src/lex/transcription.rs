//! Speech into text, by a Wyoming server or a command: so many utterances at once, each in its time.

use super::{command, wyoming};
use crate::config;
use crate::descriptors::DescriptorBudget;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tympan_aws::BoxFuture;
use tympan_lex::service::{Speech, SpeechError, SpeechToText, Transcript};

/// What turns speech into text.
enum Way {
    Wyoming(String),
    Command(Vec<String>),
}

struct Transcription {
    way: Way,
    limit: Duration,
    workers: Semaphore,
    descriptors: DescriptorBudget,
}

/// The way that is configured, if one is.
pub(super) fn of(config: &config::Lex, descriptors: DescriptorBudget) -> Option<Arc<dyn SpeechToText>> {
    let way = match (config.wyoming.as_str(), config.speech_command.as_slice()) {
        ("", []) => return None,
        ("", command) => Way::Command(command.to_vec()),
        (peer, _) => Way::Wyoming(peer.to_owned()),
    };
    let limit = Duration::from_millis(u64::from(config.speech_timeout_ms));
    let workers = Semaphore::new(config.speech_workers);
    Some(Arc::new(Transcription { way, limit, workers, descriptors }))
}

impl SpeechToText for Transcription {
    fn transcribe<'a>(&'a self, speech: Speech) -> BoxFuture<'a, Result<Transcript, SpeechError>> {
        let work = async move {
            // It is never closed.
            let _place = self.workers.acquire().await;
            match &self.way {
                Way::Wyoming(peer) => wyoming::transcribe(peer, &speech).await,
                Way::Command(command) => {
                    let _permit = self.descriptors.admit_process().await;
                    command::transcribe(command, &speech).await
                }
            }
        };
        Box::pin(async move {
            let limit_ms = self.limit.as_millis();
            let late = || Err(SpeechError(format!("it took longer than {limit_ms} ms")));
            timeout(self.limit, work).await.unwrap_or_else(|_| late())
        })
    }
}
