//! `tympan doctor`: what matters before and while a server runs, looked at on this machine. It changes nothing but a file
//! of a few kilobytes in the data directory, which it removes again.

mod clock;
mod data;
mod disk;
mod limits;
mod ports;
mod programs;
mod server;

pub(crate) use programs::find_program;

use crate::config::Config;
use serde::Serialize;
use std::path::Path;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and may not always.
    Warning,
    /// It does not work, or something will be lost.
    Problem,
}

/// What was looked at, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The subject, such as `clock`.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What is so.
    pub what: String,
    /// Why that matters; empty where all is well.
    pub why: String,
    /// What to do, with the command; empty where there is nothing to do.
    #[serde(rename = "do")]
    pub action: String,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: State::Ok, what: what.into(), why: String::new(), action: String::new() }
    }

    /// Something that works, and may not always.
    pub fn warning(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self { check, state: State::Warning, what: what.into(), why: why.into(), action: action.into() }
    }

    /// Something that does not work.
    pub fn problem(
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self { state: State::Problem, ..Self::warning(check, what, why, action) }
    }
}

/// Looks at everything. `endpoint` is where clients would look for the server.
pub async fn examine(config: &Config, endpoint: &str) -> Vec<Finding> {
    let answer = server::ask(endpoint).await;
    let mut findings = ports::examine(config, &answer).await;
    findings.extend(clock::examine(config, &answer));
    findings.extend(disk::examine(&config.data_dir));
    findings.extend(data::examine(config));
    findings.extend(limits::examine(config));
    findings.extend(programs::examine(config));
    findings.push(server::examine(endpoint, &answer));
    findings
}

/// The nearest folder above a path that exists: where the path would be made.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"))
}
