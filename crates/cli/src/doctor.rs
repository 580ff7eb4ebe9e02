//! `tympan doctor`.

use crate::failure::Failure;
use crate::global::Global;
use crate::table::harmless;
use crate::terminal::print_json;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use tympan_client::Exit;
use tympan_server::config;
use tympan_server::doctor::{self, Finding, State};

/// Arguments of `tympan doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The configuration file; without one every key has its default
    #[arg(long, value_name = "FILE", env = "TYMPAN_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Ask a running server to look at its own machine instead (action tympan:RunDoctor)
    #[arg(long, conflicts_with_all = ["config", "data_dir"])]
    remote: bool,
}

impl DoctorArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        if self.remote {
            return remote(global).await;
        }
        let mut findings = Vec::new();
        match config::load(self.config.as_deref(), std::env::vars()) {
            Ok(loaded) => {
                let mut config = loaded.config;
                let what = match &self.config {
                    Some(file) => format!("{} is in order", file.display()),
                    None => "no file: every key has its default, or what the environment says".to_owned(),
                };
                findings.push(Finding::ok("config", what));
                findings.extend(self.config.as_deref().and_then(exposed));
                if let Some(folder) = self.data_dir {
                    config.data_dir = folder;
                }
                let named = global.endpoint.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
                let endpoint = named
                    .filter(|endpoint| !endpoint.is_empty())
                    .unwrap_or_else(|| format!("http://{}", config.http.listen));
                findings.extend(doctor::examine(&config, &endpoint).await);
            }
            Err(error) => findings.push(Finding::problem(
                "config",
                error.to_string(),
                "the server cannot start, and nothing else can be judged",
                "correct it; config/tympan.toml shows every key at its default",
            )),
        }
        if global.json {
            print_json(&findings)?;
        } else {
            write!(std::io::stdout().lock(), "{}", words(&findings))?;
        }
        let problem = findings.iter().any(|finding| finding.state == State::Problem);
        Ok(if problem { Exit::Failed } else { Exit::Ok })
    }
}

/// What the server finds where it runs.
async fn remote(global: &Global) -> Result<Exit, Failure> {
    let findings = global.machine()?.doctor().await?;
    let problem = findings.iter().any(|finding| finding["state"] == "problem");
    if global.json {
        print_json(&findings)?;
    } else {
        let text: String = findings.iter().map(words_of).collect();
        write!(std::io::stdout().lock(), "{text}")?;
    }
    Ok(if problem { Exit::Failed } else { Exit::Ok })
}

/// As `words` has them.
fn words_of(finding: &Value) -> String {
    let text = |name: &str| harmless(finding[name].as_str().unwrap_or_default());
    let state = match finding["state"].as_str() {
        Some("ok") => "ok",
        Some("warning") => "warning",
        _ => "PROBLEM",
    };
    lines(state, &text("check"), &text("what"), &text("why"), &text("do"))
}

/// A warning where others can read secrets in the configuration file.
fn exposed(file: &Path) -> Option<Finding> {
    let exposed = config::exposed_secrets(file).ok()??;
    Some(Finding::warning(
        "config",
        exposed.to_string(),
        "other users of this machine can sign requests with them",
        format!("chmod 600 {}, or move the secrets to files of their own (*_file)", file.display()),
    ))
}

fn words(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, state, what, why, action } in findings {
        let state = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
        };
        text.push_str(&lines(state, check, what, why, action));
    }
    text
}

fn lines(state: &str, check: &str, what: &str, why: &str, action: &str) -> String {
    let mut text = format!("{state:<8} {check:<7} {what}\n");
    if !why.is_empty() {
        text.push_str(&format!("{:17}why: {why}\n", ""));
    }
    if !action.is_empty() {
        text.push_str(&format!("{:17}do:  {action}\n", ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_why_and_what_to_do_in_three_lines() {
        let findings = [Finding::ok("clock", "it is kept by NTP"), Finding::problem("disk", "a", "b", "c")];
        assert_eq!(
            words(&findings),
            "ok       clock   it is kept by NTP\n\
             PROBLEM  disk    a\n                 why: b\n                 do:  c\n"
        );
        let told: String = findings.iter().map(|f| words_of(&serde_json::to_value(f).unwrap())).collect();
        assert_eq!(told, words(&findings), "as a server tells them");
    }
}
