//! One table of cases, three SDKs, one page.
//!
//! `conformance/cases.json` says what every operation is to answer. The programs of `python/`, `rust/` and `javascript/`
//! run the cases and report what they saw, without knowing what was expected. `docs/kvs-compat.md` is written from it.

mod page;
mod sdk;
mod table;

pub use page::{render, replace};
pub use sdk::{Absent, Sdk, Sight};
pub use table::{Case, NOT_IMPLEMENTED, Operation, Table};

use crate::{environment, python};
use anyhow::Context;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tympan_testkit::{TestServer, TestServerBuilder};

/// What one SDK saw, by operation and case.
pub type Sights = BTreeMap<(String, String), Sight>;

/// The SDKs that can be run here; under `cargo xtask test` that is all of them.
///
/// # Panics
/// When one is missing and `TYMPAN_E2E_SDKS` is `all`.
pub fn here() -> Vec<Sdk> {
    let all = std::env::var("TYMPAN_E2E_SDKS").is_ok_and(|wanted| wanted == "all");
    let there = |sdk: &Sdk| match sdk.command() {
        Ok(_) => true,
        Err(absent) => {
            assert!(!all, "the {sdk} is missing: {absent}");
            println!("skipped: the {sdk} is not here; {absent}");
            false
        }
    };
    Sdk::ALL.into_iter().filter(there).collect()
}

/// Runs every case of the table through an SDK, each on a server with the settings that it needs.
///
/// # Errors
/// A server that does not start, or a program that does not report on each of its cases.
pub fn run(sdk: Sdk, table: &Table) -> anyhow::Result<Sights> {
    let mut sights = Sights::new();
    for (settings, cases) in table.by_server() {
        let server = server(&settings)?;
        sights.extend(sdk.run(&server, &cases).with_context(|| format!("{sdk}, server {settings:?}"))?);
    }
    Ok(sights)
}

/// A server for the cases that name `settings`; the empty name stands for those that need nothing.
fn server(settings: &str) -> anyhow::Result<TestServer> {
    let builder = match settings {
        "" | "video" => patient(),
        "guest" => patient().env("TYMPAN_CONFIG", folder().join("conformance/guest.toml").display()),
        // A call of archived media spends one point; AWS's 500 a second are more than one client can ask for.
        "limits" => limited().env("TYMPAN_KVS__READ_POINTS_PER_STREAM_PER_S", 5),
        // Nor does a client on a busy machine make AWS's 50 calls a second.
        "account limits" => limited().env("TYMPAN_KVS__CHANGES_PER_ACCOUNT_PER_S", 5),
        "one stream" => TestServer::builder().env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 1),
        "slow statuses" => patient().env("TYMPAN_KVS__STATUS_DELAY_MS", 600_000),
        other => anyhow::bail!("cases.json names a server {other:?} that nobody knows how to set up"),
    };
    let server = builder.start()?;
    if settings == "video" {
        python::run(&server, "sdk_video.py", &[]);
    }
    Ok(server)
}

/// Bodies of GetMedia end soon, and every case may have streams of its own.
pub fn patient() -> TestServerBuilder {
    let builder = TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 300);
    builder.env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", 1_000)
}

/// AWS's limits. A body of GetMedia lasts until its reader is done with it.
fn limited() -> TestServerBuilder {
    patient().env("TYMPAN_KVS__LIMITS", "aws").env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 60_000)
}

/// What differs between the table and what an SDK saw, a line each.
pub fn differences(sdk: Sdk, table: &Table, sights: &Sights) -> Vec<String> {
    let mut lines = Vec::new();
    for case in table.cases() {
        let what = format!("{sdk}: {}: {}", case.operation, case.case);
        match sights.get(&case.key()) {
            None => lines.push(format!("{what}: nothing was reported")),
            Some(Sight::Failed(why)) => lines.push(format!("{what}: {why}")),
            Some(sight) => lines.extend(sight.differs(&case, table).map(|why| format!("{what}: {why}"))),
        }
    }
    lines
}

/// Uploads of other producers as they were recorded; those of them that are on this machine.
pub fn recordings() -> Vec<Case> {
    let folder = Path::new(&environment::ground_truth()).join("putmedia");
    let files = ["c-producer-aac-relative.mkv", "ffmpeg-h264.mkv", "kvssink-alaw-absolute.mkv"];
    let there = files.into_iter().filter(|file| folder.join(file).is_file());
    there
        .map(|file| Case {
            operation: "Recordings".into(),
            case: file.into(),
            gives: "success".into(),
            server: String::new(),
            modelled: false,
        })
        .collect()
}

/// The cases as the programs read them.
fn request(cases: &[Case]) -> String {
    let cases: Vec<_> =
        cases.iter().map(|case| json!({ "operation": case.operation, "case": case.case })).collect();
    json!(cases).to_string()
}

/// The folder of the black-box tests.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The page that is written from the tests.
pub fn page_file() -> PathBuf {
    folder().join("../docs/kvs-compat.md")
}
