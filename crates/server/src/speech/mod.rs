//! Prompts become sound here: text by a voice, recordings from a folder or a URI.
//!
//! A voice is a Polly-compatible endpoint, or a command such as espeak-ng; it speaks each piece of a prompt by itself, and silence is
//! ours, so that it has its exact length with any voice. What was spoken or fetched is kept, by voice and text: callers of the same
//! flow share the samples. Where nothing can speak, a piece is silence of its reading time, and the flow log says so; a recording that
//! cannot be had fails its block. So many prompts are worked on at once, so many wait, and what is beyond finds no voice.

mod cache;
mod command;
mod endpoint;
mod recording;
#[cfg(test)]
mod tests;
mod voice;

use crate::config::{self, SecretError};
use crate::descriptors::DescriptorBudget;
use crate::outgoing::{HttpClient, KeyConfig, SignedService};
use cache::SoundCache;
use endpoint::SpeechEndpoint;
use recording::Recordings;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tympan_admin::PromptSounds;
use tympan_aws::BoxFuture;
use tympan_connect::ConnectService;
use tympan_contact::Recording;
use tympan_flow::Prompt;
use tympan_flow::ssml::Piece;
use tympan_telephony::audio::tone;
use tympan_telephony::words::{Sound, SoundPart};
use tympan_types::{Region, ResourceId};
pub(crate) use voice::Voice;

/// What was fetched by its URI is fetched again after so long.
const FETCHED_KEPT: Duration = Duration::from_secs(300);
/// The tone in the place of an expletive.
const BLEEP_HZ: f64 = 1_000.0;
const BLEEP_AMPLITUDE: f64 = 4_000.0;
/// Samples that count as the silence of a voice around its words.
const VOICE_SILENCE_MAX: u16 = 8;

/// Where uploaded sounds are kept.
pub(crate) trait Uploads: Send + Sync {
    /// The WAV file of a prompt, or why there is none. It blocks.
    fn read(&self, prompt: ResourceId) -> Result<Arc<[u8]>, String>;
}

impl Uploads for ConnectService {
    fn read(&self, prompt: ResourceId) -> Result<Arc<[u8]>, String> {
        let sound = self.uploaded_sound(prompt).map_err(|error| error.to_string())?;
        sound.ok_or_else(|| "the prompt or its sound was removed meanwhile".to_owned())
    }
}

impl PromptSounds for Speech {
    fn read(&self, recording: Recording) -> BoxFuture<'_, Result<Arc<[i16]>, String>> {
        Box::pin(self.known(recording, Instant::now() + self.timeout))
    }
}

/// Makes prompts. Cheap to share behind an `Arc`.
pub(crate) struct Speech {
    command: Vec<String>,
    endpoint: Option<SpeechEndpoint>,
    recordings: Recordings,
    http: HttpClient,
    began: Instant,
    timeout: Duration,
    /// Prompts that are worked on at once.
    workers: Semaphore,
    /// Prompts that are worked on, or wait.
    places: AtomicUsize,
    places_max: usize,
    cache: Mutex<SoundCache<Key>>,
    uploads: Arc<dyn Uploads>,
    descriptors: DescriptorBudget,
    stats: SpeechStats,
}

/// What is counted of prompts.
#[derive(Debug, Default)]
pub(crate) struct SpeechStats {
    /// Pieces that a voice has spoken.
    pub spoken: AtomicU64,
    /// Pieces and recordings that were in the cache.
    pub cached: AtomicU64,
    /// Pieces that no voice could speak, and recordings that could not be had.
    pub failed: AtomicU64,
    /// Of them, for which there was no room to wait.
    pub refused: AtomicU64,
    /// Recordings that were fetched.
    pub fetched: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Spoken {
        voice: Arc<Voice>,
        text: String,
    },
    /// The nth time since the start that things fetched are fetched again.
    Fetched {
        uri: String,
        period: u64,
    },
    File(ByAddress),
    Uploaded(ResourceId),
}

/// A file in memory; its address tells it from others.
#[derive(Debug, Clone)]
struct ByAddress(Arc<[u8]>);

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ByAddress {}

impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

impl Key {
    fn len(&self) -> usize {
        match self {
            Self::Spoken { text, .. } => text.len(),
            Self::Fetched { uri, .. } => uri.len(),
            Self::File(file) => file.0.len(),
            Self::Uploaded(_) => size_of::<ResourceId>(),
        }
    }
}

/// A prompt that is to become sound.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// What to say or play.
    pub content: Prompt,
    /// Who says it.
    pub voice: Voice,
    /// What the instance has for a recording that it knows.
    pub recording: Option<Recording>,
}

/// A prompt, ready to be played.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Its sound.
    pub sound: Sound,
    /// What the flow log should say of it.
    pub note: Option<String>,
}

impl Speech {
    /// Speaks as configured; its commands take their descriptors from the budget. Uploaded sounds are read from `uploads`.
    pub(crate) fn new(
        config: &config::Speech,
        region: &Region,
        descriptors: DescriptorBudget,
        uploads: Arc<dyn Uploads>,
    ) -> Result<Self, SecretError> {
        let key = KeyConfig {
            secret_key: "speech.secret_access_key",
            access_key_id: &config.access_key_id,
            secret: &config.secret_access_key,
            secret_file: config.secret_access_key_file.as_deref(),
        };
        let endpoint = match &config.endpoint {
            Some(url) => {
                let service = SignedService::new(url, "polly", &key, region)?;
                Some(SpeechEndpoint::new(service, config.sample_rate_hz))
            }
            None => None,
        };
        let s3 = match &config.s3_endpoint {
            Some(url) => Some(SignedService::new(url, "s3", &key, region)?),
            None => None,
        };
        let workers = config.workers.clamp(1, Semaphore::MAX_PERMITS);
        let hosts = config.uri_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self {
            command: config.command.clone(),
            endpoint,
            recordings: Recordings { folder: config.prompt_dir.clone(), s3, hosts },
            http: HttpClient::new(),
            began: Instant::now(),
            timeout: Duration::from_millis(config.timeout_ms),
            workers: Semaphore::new(workers),
            places: AtomicUsize::new(0),
            places_max: workers.saturating_add(config.waiting_max),
            cache: Mutex::new(SoundCache::new(config.cache_bytes)),
            uploads,
            descriptors,
            stats: SpeechStats::default(),
        })
    }

    /// What is counted.
    pub(crate) fn stats(&self) -> &SpeechStats {
        &self.stats
    }

    /// Bytes of the cache.
    pub(crate) fn cache_bytes(&self) -> usize {
        self.cache().bytes()
    }

    /// Turns a prompt into sound; the error says why that is not possible. Takes no longer than `speech.timeout_ms`.
    pub(crate) async fn prepare(&self, wanted: Wanted) -> Result<Prepared, String> {
        let deadline = Instant::now() + self.timeout;
        let Wanted { content, voice, recording } = wanted;
        match (content.pieces(), content) {
            (Some(pieces), _) => {
                let pieces = pieces.map_err(|error| error.to_string())?;
                Ok(self.spoken(&pieces, &Arc::new(voice), deadline).await)
            }
            (None, Prompt::Audio { id, name }) => {
                let samples = match recording {
                    Some(recording) => self.known(recording, deadline).await,
                    None => self.recording(&id, name.as_deref(), deadline).await,
                };
                let samples = samples.inspect_err(|_| self.count_failure())?;
                Ok(Prepared { sound: Sound::new(samples), note: None })
            }
            (None, _) => Err("the prompt is of a kind that is not known".to_owned()),
        }
    }

    /// The samples of a recording of an instance.
    async fn known(&self, recording: Recording, deadline: Instant) -> Result<Arc<[i16]>, String> {
        match recording {
            Recording::Wav(file) => self.file(file, deadline).await,
            Recording::Uri(uri) => self.recording(&uri, None, deadline).await,
            Recording::Uploaded { prompt, sound } => {
                let uploads = self.uploads.clone();
                let made = async move {
                    let read = move || uploads.read(prompt).and_then(|file| recording::decode(&file));
                    spawn_blocking(read).await.map_err(|error| error.to_string())?
                };
                self.get_or(Key::Uploaded(sound), deadline, made).await
            }
        }
    }

    /// Every piece after the one before it, by the same deadline.
    async fn spoken(&self, pieces: &[Piece], voice: &Arc<Voice>, deadline: Instant) -> Prepared {
        let mut parts = Vec::with_capacity(pieces.len());
        let mut reason = None;
        for (at, piece) in pieces.iter().enumerate() {
            let part = match piece {
                Piece::Silence { ms } => SoundPart::silence(*ms),
                Piece::Bleep { ms } => SoundPart::Samples(bleep(*ms).into()),
                Piece::Speech(text) => match self.piece(text, voice, deadline).await {
                    Ok(samples) => {
                        let is_apart =
                            |neighbour: Option<&Piece>| matches!(neighbour, Some(Piece::Silence { .. }));
                        let before = at.checked_sub(1).and_then(|before| pieces.get(before));
                        SoundPart::Samples(trimmed(samples, is_apart(before), is_apart(pieces.get(at + 1))))
                    }
                    Err(error) => {
                        self.count_failure();
                        reason = Some(error);
                        SoundPart::silence(piece.reading_time_ms())
                    }
                },
            };
            parts.push(part);
        }
        let note =
            reason.map(|reason| format!("{reason}: what cannot be spoken is silence of its reading time"));
        Prepared { sound: Sound::of(parts), note }
    }

    async fn piece(&self, text: &str, voice: &Arc<Voice>, deadline: Instant) -> Result<Arc<[i16]>, String> {
        let key = Key::Spoken { voice: voice.clone(), text: text.to_owned() };
        self.get_or(key, deadline, async {
            let samples = match &self.endpoint {
                Some(endpoint) => endpoint.speak(&self.http, voice, text).await?,
                None if self.command.is_empty() => command::speak(&[], voice, text).await?,
                None => {
                    let _permit = self.descriptors.admit_process().await;
                    command::speak(&self.command, voice, text).await?
                }
            };
            self.stats.spoken.fetch_add(1, Relaxed);
            Ok(samples)
        })
        .await
    }

    async fn file(&self, file: Arc<[u8]>, deadline: Instant) -> Result<Arc<[i16]>, String> {
        self.get_or(Key::File(ByAddress(file.clone())), deadline, recording::decoded(file)).await
    }

    /// A file of the folder, by the last part of the id, else by the name; else what the id names as a URI.
    async fn recording(&self, id: &str, name: Option<&str>, deadline: Instant) -> Result<Arc<[i16]>, String> {
        for id in [Some(id), name].into_iter().flatten() {
            match timeout_at(deadline, self.recordings.in_folder(id)).await {
                Ok(Some(found)) => return found.map(Into::into),
                Ok(None) => {}
                Err(_) => return Err("the folder of prompts did not answer in time".to_owned()),
            }
        }
        let period = self.began.elapsed().as_secs() / FETCHED_KEPT.as_secs();
        self.get_or(Key::Fetched { uri: id.to_owned(), period }, deadline, async {
            let samples = self.recordings.fetch(&self.http, id).await?;
            self.stats.fetched.fetch_add(1, Relaxed);
            Ok(samples)
        })
        .await
    }

    /// What is in the cache, else what is made, by one of the workers.
    async fn get_or(
        &self,
        key: Key,
        deadline: Instant,
        make: impl Future<Output = Result<Vec<i16>, String>>,
    ) -> Result<Arc<[i16]>, String> {
        if let Some(samples) = self.cached(&key) {
            return Ok(samples);
        }
        let Some(_place) = Place::take(&self.places, self.places_max) else {
            self.stats.refused.fetch_add(1, Relaxed);
            return Err("too many prompts wait for a voice".to_owned());
        };
        let made = timeout_at(deadline, async {
            // The semaphore is never closed.
            let _worker = self.workers.acquire().await;
            // Another call may have had it made meanwhile.
            match self.cached(&key) {
                Some(samples) => Ok(samples),
                None => make.await.map(Arc::from),
            }
        });
        let samples: Arc<[i16]> =
            made.await.map_err(|_| format!("the prompt took over {:?}", self.timeout))??;
        let bytes = key.len();
        self.cache().keep(key, bytes, samples.clone());
        Ok(samples)
    }

    fn cached(&self, key: &Key) -> Option<Arc<[i16]>> {
        self.cache().get(key).inspect(|_| {
            self.stats.cached.fetch_add(1, Relaxed);
        })
    }

    fn count_failure(&self) {
        self.stats.failed.fetch_add(1, Relaxed);
    }

    fn cache(&self) -> MutexGuard<'_, SoundCache<Key>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of so many places; dropping it gives it back.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(places: &'a AtomicUsize, max: usize) -> Option<Self> {
        let taken = places.fetch_update(Relaxed, Relaxed, |taken| (taken < max).then_some(taken + 1));
        taken.is_ok().then(|| Self(places))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn bleep(ms: u32) -> Vec<i16> {
    let samples = usize::try_from(ms).unwrap_or(usize::MAX).saturating_mul(8);
    tone::sine(BLEEP_HZ, BLEEP_AMPLITUDE, samples)
}

/// Without the silence that a voice leaves beside a silence of the prompt, which has its own length.
fn trimmed(samples: Arc<[i16]>, at_start: bool, at_end: bool) -> Arc<[i16]> {
    let is_heard = |sample: &i16| sample.unsigned_abs() > VOICE_SILENCE_MAX;
    let first = if at_start { samples.iter().position(is_heard).unwrap_or(samples.len()) } else { 0 };
    let end = if at_end {
        samples.iter().rposition(is_heard).map_or(first, |last| last + 1)
    } else {
        samples.len()
    };
    match samples.get(first..end.max(first)) {
        Some(heard) if heard.len() < samples.len() => heard.into(),
        _ => samples,
    }
}
