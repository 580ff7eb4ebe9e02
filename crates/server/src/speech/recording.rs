//! Recorded prompts: WAV files of a folder, and of what a URI names.
//!
//! | named by | comes from |
//! |---|---|
//! | a prompt that was uploaded | `control.db` |
//! | an id, an ARN, a URI | `speech.prompt_dir`: the file of its last part, with or without `.wav` |
//! | `s3://BUCKET/KEY`, `https://BUCKET.s3.REGION.amazonaws.com/KEY`, `https://s3.REGION.amazonaws.com/BUCKET/KEY` | `speech.s3_endpoint`, at `/BUCKET/KEY` |
//! | `https://HOST/...`, `http://HOST/...` | there, where `speech.uri_hosts` names the host |
//!
//! Limits, those of the service: 50 MB, five minutes. Redirects are not followed.

use crate::outgoing::{HttpClient, SignedService};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::path::{Path, PathBuf};
use tokio::task::spawn_blocking;
use tympan_connect::prompts::SAMPLES_MAX;
use tympan_telephony::audio::wav;

/// Source: Administrator Guide, "Supported file types": less than 50 MB.
const RECORDING_LIMIT_BYTES: usize = 50 * 1024 * 1024;
/// What the path of an object keeps as it is (RFC 3986, unreserved, and the slash).
const KEPT_IN_KEYS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Where recordings are.
pub(super) struct Recordings {
    pub(super) folder: Option<PathBuf>,
    pub(super) s3: Option<SignedService>,
    /// In lower case.
    pub(super) hosts: Vec<String>,
}

/// Where one recording is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An object of the S3-compatible store.
    Object { bucket: String, key: String },
    /// Anywhere else.
    Url(Uri),
}

impl Place {
    /// That of a URI; `None` where the text is none.
    pub(super) fn of(uri: &str) -> Option<Self> {
        if let Some(object) = uri.strip_prefix("s3://") {
            let (bucket, key) = object.split_once('/')?;
            return Self::object(bucket, key);
        }
        let parsed: Uri = uri.parse().ok()?;
        if !matches!(parsed.scheme_str(), Some("https" | "http")) {
            return None;
        }
        let host = parsed.host()?.to_ascii_lowercase();
        if let Some(host) = host.strip_suffix(".amazonaws.com") {
            let path = percent_decode_str(parsed.path().trim_start_matches('/')).decode_utf8().ok()?;
            let is_s3 = |name: &str| name == "s3" || name.starts_with("s3.") || name.starts_with("s3-");
            if is_s3(host) {
                let (bucket, key) = path.split_once('/')?;
                return Self::object(bucket, key);
            }
            if let Some((bucket, service)) =
                host.split_once(".s3").map(|(bucket, rest)| (bucket, format!("s3{rest}")))
                && is_s3(&service)
            {
                return Self::object(bucket, &path);
            }
        }
        Some(Self::Url(parsed))
    }

    fn object(bucket: &str, key: &str) -> Option<Self> {
        let is_bucket = !bucket.is_empty()
            && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            && !bucket.starts_with('.');
        let is_key = !key.is_empty() && !key.split('/').any(|part| matches!(part, "." | ".."));
        (is_bucket && is_key).then(|| Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl Recordings {
    /// The samples of a file of the folder; `None` where it has none of that name.
    pub(super) async fn in_folder(&self, id: &str) -> Option<Result<Vec<i16>, String>> {
        let folder = self.folder.clone()?;
        let name = id.rsplit(['/', ':']).next().unwrap_or(id).to_owned();
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', '\0']);
        if !is_plain {
            return None;
        }
        // A worker's end is a defect that its own thread reports.
        spawn_blocking(move || read_file(&folder, &name)).await.ok().flatten()
    }

    /// Fetches what a URI names.
    pub(super) async fn fetch(&self, http: &HttpClient, uri: &str) -> Result<Vec<i16>, String> {
        let request = self.request(uri)?;
        let answer = http.send(request, RECORDING_LIMIT_BYTES).await.map_err(|error| error.to_string())?;
        if !answer.status.is_success() {
            return Err(format!("the recording's URI was answered {}", answer.status));
        }
        decoded(answer.body).await
    }

    fn request(&self, uri: &str) -> Result<Request<Full<Bytes>>, String> {
        let place = Place::of(uri).ok_or("it is neither in speech.prompt_dir nor a URI")?;
        match (place, &self.s3) {
            (Place::Object { bucket, key }, Some(s3)) => {
                let path = format!("/{bucket}/{}", utf8_percent_encode(&key, KEPT_IN_KEYS));
                s3.request(Method::GET, &path, &[], Vec::new()).map_err(|error| error.to_string())
            }
            (Place::Object { .. }, None) if uri.starts_with("s3://") => {
                Err("speech.s3_endpoint is not set, so recordings in S3 cannot be fetched".to_owned())
            }
            (Place::Object { .. }, None) => {
                let uri = uri.parse().map_err(|_| "it is no URI".to_owned())?;
                self.plain(uri, "set speech.s3_endpoint, or name its host in speech.uri_hosts")
            }
            (Place::Url(uri), _) => self.plain(uri, "speech.uri_hosts does not name its host"),
        }
    }

    fn plain(&self, uri: Uri, otherwise: &str) -> Result<Request<Full<Bytes>>, String> {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        if !self.hosts.contains(&host) {
            return Err(format!("the recording is not fetched: {otherwise}"));
        }
        Request::get(uri).body(Full::default()).map_err(|error| error.to_string())
    }
}

/// The samples of a WAV file, made where they hold up nothing.
pub(super) async fn decoded(file: impl AsRef<[u8]> + Send + 'static) -> Result<Vec<i16>, String> {
    spawn_blocking(move || decode(file.as_ref())).await.map_err(|error| error.to_string())?
}

fn read_file(folder: &Path, name: &str) -> Option<Result<Vec<i16>, String>> {
    let file = if name.ends_with(".wav") { folder.join(name) } else { folder.join(format!("{name}.wav")) };
    let told = |error: std::io::Error| format!("cannot read {}: {error}", file.display());
    let bytes = match file.metadata() {
        Ok(found) if found.len() > RECORDING_LIMIT_BYTES as u64 => {
            return Some(Err(format!("{} has more than 50 MB", file.display())));
        }
        Ok(_) => std::fs::read(&file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(told(error))),
    };
    Some(match bytes {
        Ok(bytes) => decode(&bytes).map_err(|error| format!("{}: {error}", file.display())),
        Err(error) => Err(told(error)),
    })
}

pub(super) fn decode(file: &[u8]) -> Result<Vec<i16>, String> {
    wav::read_within(file, SAMPLES_MAX).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_object_is_one_place() {
        let object =
            |key: &str| Some(Place::Object { bucket: "prompts.example".to_owned(), key: key.to_owned() });
        for uri in [
            "s3://prompts.example/en/hi.wav",
            "https://prompts.example.s3.amazonaws.com/en/hi.wav",
            "https://prompts.example.s3.us-west-2.amazonaws.com/en/hi.wav",
            "https://prompts.example.s3-us-west-2.amazonaws.com/en/hi.wav",
            "https://s3.us-west-2.amazonaws.com/prompts.example/en/hi.wav",
            "https://s3-us-west-2.amazonaws.com/prompts.example/en/hi.wav",
            "https://S3.amazonaws.com/prompts.example/en/hi.wav",
        ] {
            assert_eq!(Place::of(uri), object("en/hi.wav"), "{uri}");
        }
        assert_eq!(Place::of("https://prompts.example.s3.amazonaws.com/a%20b.wav"), object("a b.wav"));
    }

    #[test]
    fn other_uris_stay_what_they_are_and_what_is_none_is_none() {
        assert!(matches!(Place::of("https://prompts.example/hi.wav"), Some(Place::Url(_))));
        assert!(matches!(Place::of("https://lambda.us-west-2.amazonaws.com/hi.wav"), Some(Place::Url(_))));
        for uri in [
            "",
            "hi.wav",
            "file:///etc/passwd",
            "s3://",
            "s3://b",
            "s3://b/",
            "s3://../x",
            "s3://b/../../x",
            "arn:aws:connect:r:a:instance/i/prompt/p",
        ] {
            assert_eq!(Place::of(uri), None, "{uri}");
        }
    }
}
