//! The control calls: JSON, unsigned, for `curl` and test fixtures. See docs/emulator.md.

use crate::layer::Emulator;
use crate::reply;
use crate::reset::ResetRequest;
use crate::rule::Rule;
use crate::seam::{Body, Router};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::header::{HOST, ORIGIN};
use hyper::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Largest body of a control call, in bytes.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;
/// How long a control call may take to arrive whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a flush waits for the disk.
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
/// Streams that `/_tympan/state` counts at most.
const STREAMS_COUNTED: usize = 100_000;

const ROOT: &str = "/_tympan/";
const NAMES: [&str; 6] = ["", "clock", "faults", "flush", "reset", "state"];

/// Whether a path is one of the control calls.
pub(crate) fn is_control(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(ROOT) else { return path == "/_tympan" };
    NAMES.contains(&rest) || rest.starts_with("faults/")
}

/// What a server says that was not started with `--dev`, of a path that is one of the control calls.
pub fn why_not_here(path: &str) -> Option<&'static str> {
    is_control(path).then_some("The control calls of the emulator exist only under `tympan serve --dev`.")
}

/// What everything else is answered when a reset has failed half-way.
pub(crate) fn refuse_after_a_failed_reset() -> Response<Body> {
    failed_reset().into()
}

/// Answers a control call.
pub(crate) async fn answer<R: Router>(
    emulator: &Emulator<R>,
    request: Request<R::Incoming>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    // A browser says so when a page calls: no page has any business here.
    if head.headers.contains_key(ORIGIN) {
        return refuse(403, "Control calls are not for web pages: this request carries an Origin header.")
            .into();
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_LIMIT_BYTES).collect()).await
    {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return refuse(400, format!("The body could not be read: {error}")).into(),
        Err(_) => return refuse(408, "The body did not arrive.").into(),
    };
    let name = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let done = match (&head.method, name) {
        (&Method::GET, "") => {
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8600");
            Ok(described(host))
        }
        (&Method::GET, "state") => state(emulator).await,
        (&Method::POST, "reset") => reset(emulator, &body).await,
        (&Method::POST, "flush") => flush(emulator).await,
        (&Method::GET, "clock") => Ok(clock(emulator)),
        (&Method::POST, "clock") => advance(emulator, &body).await,
        (&Method::DELETE, "clock") => {
            emulator.parts.clock.restore();
            Ok(clock(emulator))
        }
        (&Method::GET, "faults") => Ok(json!({ "faults": emulator.parts.faults.list() })),
        (&Method::POST, "faults") => arm(emulator, &body),
        (&Method::DELETE, "faults") => Ok(json!({ "removed": emulator.parts.faults.disarm_all() })),
        (&Method::DELETE, name) => disarm(emulator, name),
        (method, _) => {
            let message = format!("There is no {method} of {}: GET {ROOT} lists the calls.", head.uri.path());
            Err(refuse(405, message))
        }
    };
    done.map_or_else(Response::from, |value| reply::json(200, format!("{value:#}\n").into_bytes()))
}

type Done = Result<Value, Refusal>;

/// Why a control call is not done.
#[derive(Debug)]
struct Refusal {
    status: u16,
    message: String,
}

fn refuse(status: u16, message: impl Into<String>) -> Refusal {
    Refusal { status, message: message.into() }
}

fn failed_reset() -> Refusal {
    refuse(503, "A reset has failed; the log says why. Start the server again.")
}

impl From<Refusal> for Response<Body> {
    fn from(refusal: Refusal) -> Self {
        let body = format!("{}\n", json!({ "Message": refusal.message }));
        reply::json(refusal.status, body.into_bytes())
    }
}

/// Reads the JSON of a call; an empty body is `{}`.
fn read<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        refuse(400, format!("The body is not what this call takes: {error}. GET {ROOT} shows examples."))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn reset<R: Router>(emulator: &Emulator<R>, body: &Bytes) -> Done {
    let Nothing {} = read(body)?;
    let begun = Instant::now();
    let (reply, done) = oneshot::channel();
    let gone = || refuse(503, "The server is going down.");
    emulator.parts.resets.send(ResetRequest(reply)).await.map_err(|_| gone())?;
    match done.await {
        Ok(Ok(())) => Ok(json!({ "reset": true, "took_ms": begun.elapsed().as_millis() as u64 })),
        Ok(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), "a reset failed");
            Err(refuse(500, format!("The reset failed: {error:#}. Start the server again.")))
        }
        Err(_) => Err(gone()),
    }
}

async fn state<R: Router>(emulator: &Emulator<R>) -> Done {
    let parts = &emulator.parts;
    let (store, calls) = match &*emulator.generation.read().await {
        Some(generation) => (generation.store.clone(), (generation.calls)()),
        None => return Err(failed_reset()),
    };
    let streams = store.list_streams(&parts.account, &parts.region, None, None, STREAMS_COUNTED).await;
    let streams = streams.map_err(|error| refuse(500, error.to_string()))?.len();
    let stats = store.stats();
    Ok(json!({
        "calls": calls,
        "streams": streams,
        "uploads": stats.writers,
        "fragments_stored": stats.fragments_committed,
        "fragments_in_journal": stats.fragments_in_journal,
        "chunks": stats.chunks_published,
        "bytes_waiting_for_disk": stats.commit_queue_bytes,
        "faults": parts.faults.list().len(),
        "clock": clock(emulator),
    }))
}

async fn store<R: Router>(emulator: &Emulator<R>) -> Result<tympan_store::MediaStore, Refusal> {
    match &*emulator.generation.read().await {
        Some(generation) => Ok(generation.store.clone()),
        None => Err(failed_reset()),
    }
}

/// Everything received is durable, and in a chunk where its upload is over.
async fn flush<R: Router>(emulator: &Emulator<R>) -> Done {
    let store = store(emulator).await?;
    let written = async {
        while store.stats().commit_queue_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(FLUSH_LIMIT, written).await.is_err() {
        return Err(refuse(503, "The disk takes too long; try again."));
    }
    let chunks = store.chunk().await.map_err(|error| refuse(500, error.to_string()))?;
    Ok(json!({ "chunks": chunks, "fragments_in_journal": store.stats().fragments_in_journal }))
}

fn clock<R: Router>(emulator: &Emulator<R>) -> Value {
    let now = emulator.parts.clock.wall_now();
    json!({
        "now": now.to_string(),
        "now_ms": now.unix_ms(),
        "ahead_ms": emulator.parts.clock.ahead_ms(),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: Option<String>,
    advance_ms: Option<u64>,
}

async fn advance<R: Router>(emulator: &Emulator<R>, body: &Bytes) -> Done {
    let ms = match read(body)? {
        Advance { advance: Some(text), advance_ms: None } => duration_ms(&text),
        Advance { advance: None, advance_ms: Some(ms) } => i64::try_from(ms).ok(),
        _ => None,
    };
    let Some(ms) = ms else {
        let message = "Say how far: {\"advance\": \"25h\"} (units ms, s, m, h, d; \"1h30m\" too) or {\"advance_ms\": 1500}. \
                       It goes forward only; DELETE restores it.";
        return Err(refuse(400, message));
    };
    emulator.parts.clock.advance(ms);
    let store = store(emulator).await?;
    let made = store.age(ms).await.map_err(|error| refuse(500, error.to_string()))?;
    // What has expired is served no more in any case; here its bytes go, too.
    let swept = store.sweep().await.map_err(|error| refuse(500, error.to_string()))?;
    let mut shown = clock(emulator);
    shown["chunks"] = made.into();
    shown["chunks_expired"] = swept.chunks_expired.into();
    shown["fragments_dropped"] = swept.fragments_dropped.into();
    Ok(shown)
}

/// Reads `25h`, `90s`, `1h30m`, `1500ms`; `None` for anything else, and for more than fits.
fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut sum) = (text.trim(), 0_i64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|symbol: char| !symbol.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|symbol: char| symbol.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let unit_ms = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(unit_ms)?)?;
        rest = next;
    }
    Some(sum)
}

fn arm<R: Router>(emulator: &Emulator<R>, body: &Bytes) -> Done {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Several {
        faults: Vec<Rule>,
    }
    // Which of the two forms is meant is seen first, so that a mistake is told in the words of the form that was meant.
    let given: Value = read(body)?;
    let several = given.get("faults").is_some();
    let rules = if several { read::<Several>(body)?.faults } else { vec![read::<Rule>(body)?] };
    match emulator.parts.faults.arm(rules) {
        Ok(armed) => Ok(json!({ "faults": armed })),
        Err(error) => Err(refuse(400, error.to_string())),
    }
}

fn disarm<R: Router>(emulator: &Emulator<R>, name: &str) -> Done {
    let id = name.strip_prefix("faults/").and_then(|id| id.parse().ok());
    match id {
        Some(id) if emulator.parts.faults.disarm(id) => Ok(json!({ "removed": 1 })),
        _ => Err(refuse(
            404,
            format!("There is no {ROOT}{name} to delete: GET {ROOT}faults lists what there is."),
        )),
    }
}

fn described(host: &str) -> Value {
    let call = |method: &str, name: &str, does: &str, data: &str| {
        let data = if data.is_empty() { String::new() } else { format!(" -d '{data}'") };
        json!({
            "call": format!("{method} {ROOT}{name}"),
            "does": does,
            "example": format!("curl -s -X {method} http://{host}{ROOT}{name}{data}"),
        })
    };
    json!({
        "calls": [
            call("GET", "", "lists these calls", ""),
            call("GET", "state", "counts calls, streams, fragments and faults", ""),
            call("POST", "reset", "ends calls and connections, and begins anew as after a start with an empty data folder", ""),
            call("POST", "flush", "waits until everything received is on disk and in chunks", ""),
            call("GET", "clock", "shows the clock by which media is stamped and expires", ""),
            call("POST", "clock", "puts that clock ahead", r#"{"advance": "25h"}"#),
            call("DELETE", "clock", "puts it back to the machine's", ""),
            call("GET", "faults", "lists the fault rules and what each has done", ""),
            call("POST", "faults", "adds a fault rule, or several as {\"faults\": [...]}",
                r#"{"operation": "GetMedia", "stream": "*", "fault": {"kind": "reset", "at": {"fragments": 2}}, "times": 1}"#),
            call("DELETE", "faults", "removes all fault rules", ""),
            call("DELETE", "faults/1", "removes one fault rule by its id", ""),
        ],
        "faults": {
            "throttle": {},
            "error": { "code": "ResourceInUseException", "status": 400, "message": "why" },
            "http_status": { "status": 503 },
            "delay": { "ms": 2000 },
            "reset": { "at": { "fragments": 2 } },
            "truncate": { "at": { "bytes": 4096 } },
            "stall": { "ms": 5000, "at": { "fragments": 1 } },
            "kms_denied": { "id": 4501 },
            "quota_reached": {},
            "slow_acks": { "ms": 1000 },
            "ack_error": { "id": 4002, "fragments": 3 },
            "expired_token": {},
            "clock_skew": { "ms": 3_600_000 },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        for (text, ms) in [
            ("25h", 90_000_000),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1500ms", 1_500),
            ("2d", 172_800_000),
            (" 1h 5m ", 3_900_000),
            ("0s", 0),
        ] {
            assert_eq!(duration_ms(text), Some(ms), "{text}");
        }
        for text in ["", "h", "5", "-5h", "5 years", "1.5h", "9223372036854775807d", "99999999999999999999s"]
        {
            assert_eq!(duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn other_paths_are_no_control_calls() {
        for path in ["/_tympan", "/_tympan/", "/_tympan/reset", "/_tympan/faults/3"] {
            assert!(is_control(path), "{path}");
        }
        for path in
            ["/tympan/contacts", "/_tympan/contacts", "/", "/getMedia", "/_tympanx", "/_tympan/resets"]
        {
            assert!(!is_control(path), "{path}");
        }
    }

    #[test]
    fn what_the_description_shows_is_what_the_calls_take() {
        let described = described("localhost");
        for (kind, members) in described["faults"].as_object().unwrap() {
            let mut fault = members.clone();
            fault["kind"] = kind.as_str().into();
            let rule: Rule = serde_json::from_value(json!({ "fault": fault })).unwrap();
            rule.check().unwrap();
        }
        for call in described["calls"].as_array().unwrap() {
            let path = call["call"].as_str().unwrap().split(' ').nth(1).unwrap();
            assert!(is_control(path), "{path}");
        }
    }
}
