//! `tympan config`: what a server would read, without one.

use crate::failure::Failure;
use crate::global::Global;
use crate::table::{harmless, table};
use crate::terminal;
use serde_json::json;
use std::path::PathBuf;
use tympan_client::Exit;
use tympan_server::config::{self, Entry, Loaded, Origin};
use tympan_server::serve::preflight;

/// Look at the configuration: what is wrong with it, and what it comes to
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ConfigVerb {
    /// Say what would keep a server from starting with a configuration
    ///
    /// Reads the file, the environment's TYMPAN_ variables over it, and the files that it names: secrets, policies,
    /// certificates, flows. Ends with 1 if anything is wrong.
    Check {
        /// The configuration file; without one every key has its default
        #[arg(value_name = "FILE", env = "TYMPAN_CONFIG")]
        file: Option<PathBuf>,
    },
    /// List every key with its value, and where that came from; secrets are not shown
    #[command(
        after_long_help = "With --json: an array of objects with key, value and origin; an origin has a kind (default, file, \
variable or flag) and, for a file, path and line, for the others a name."
    )]
    Show {
        /// The configuration file; without one every key has its default
        #[arg(long, value_name = "FILE", env = "TYMPAN_CONFIG")]
        config: Option<PathBuf>,
        /// The data directory, instead of the configuration's
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Only keys that are not at their defaults
        #[arg(long)]
        changed: bool,
    },
}

impl ConfigVerb {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Check { file } => check(file, global),
            Self::Show { config, data_dir, changed } => {
                let mut loaded = config::load(config.as_deref(), std::env::vars())?;
                if let Some(folder) = data_dir {
                    loaded.set_data_dir(folder, "--data-dir");
                }
                show(&loaded, changed, global)
            }
        }
    }
}

fn check(file: Option<PathBuf>, global: &Global) -> Result<Exit, Failure> {
    let problems = match config::load(file.as_deref(), std::env::vars()) {
        Ok(loaded) => preflight(&loaded.config),
        Err(error) => vec![error.to_string()],
    };
    if global.json {
        terminal::print_json(&json!({ "file": file, "problems": problems }))?;
    } else {
        for problem in &problems {
            terminal::print(problem)?;
        }
    }
    if problems.is_empty() {
        let what = file.map_or("the configuration".to_owned(), |file| file.display().to_string());
        terminal::note(global, &format!("{what} is in order"));
        return Ok(Exit::Ok);
    }
    Ok(Exit::Failed)
}

fn show(loaded: &Loaded, changed: bool, global: &Global) -> Result<Exit, Failure> {
    let mut entries = loaded.entries()?;
    entries.retain(|entry| !changed || entry.origin != Origin::Default);
    if global.json {
        let entries: Vec<_> = entries.iter().map(as_json).collect();
        terminal::print_json(&entries)?;
    } else {
        let row = |entry: &Entry| {
            [entry.key.clone(), harmless(&entry.value.to_string()), harmless(&entry.origin.to_string())]
        };
        let rows: Vec<[String; 3]> = entries.iter().map(row).collect();
        terminal::print(&table(["KEY", "VALUE", "FROM"], &rows))?;
    }
    Ok(Exit::Ok)
}

fn as_json(entry: &Entry) -> serde_json::Value {
    let origin = match &entry.origin {
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { path, line } => json!({ "kind": "file", "path": path, "line": line }),
        Origin::Variable(name) => json!({ "kind": "variable", "name": name }),
        Origin::Flag(name) => json!({ "kind": "flag", "name": name }),
    };
    json!({ "key": entry.key, "value": entry.value, "origin": origin })
}
