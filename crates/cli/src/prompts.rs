//! `tympan prompts`: what callers hear, from WAV files and to WAV files.

use crate::failure::Failure;
use crate::global::Global;
use crate::instance::find_instance;
use crate::table::{clock, harmless, table};
use crate::terminal;
use anyhow::Context;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tympan_client::{Connect, Exit};

/// Look at the prompts of an instance; put WAV files into it, and get them out of it
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PromptsVerb {
    /// List the prompts
    Ls {
        #[command(flatten)]
        of: Of,
    },
    /// Make a prompt of a WAV file, or give one another sound
    ///
    /// PCM of 8, 16 or 24 bits, mu-law or A-law, at 4 to 192 kHz, at most 16 MiB and five minutes. It is kept as callers hear it:
    /// 8,000 Hz, one channel.
    Upload {
        /// The WAV file
        file: PathBuf,
        /// What flows call it [default: the name of the file]
        #[arg(long)]
        name: Option<String>,
        /// What it is for, of a new prompt
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Where there is a prompt of this name, give it this sound
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Save the sound of a prompt as callers hear it
    Get {
        /// Its name or id
        prompt: String,
        /// The WAV file; - is standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        of: Of,
    },
}

/// Whose prompts.
#[derive(Debug, clap::Args)]
pub(crate) struct Of {
    /// The instance, by alias or id; needed where there are several
    #[arg(long, value_name = "ALIAS")]
    instance: Option<String>,
}

impl PromptsVerb {
    /// Runs the verb.
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let connect = global.connect()?;
        let (Self::Ls { of } | Self::Upload { of, .. } | Self::Get { of, .. }) = self;
        let instance = find_instance(&connect, of.instance.as_deref()).await?;
        match self {
            Self::Ls { .. } => list(global, &connect, &instance).await,
            Self::Upload { file, name, description, replace, .. } => {
                let name = name.clone().or_else(|| Some(file.file_name()?.to_str()?.to_owned()));
                let name = name.context("the file has no name that is text: give one with --name")?;
                let wav = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                let prompts = global.prompts()?;
                // Without --replace nothing is listed: an upload needs one permission.
                let existing = if *replace { id_of(&connect, &instance, &name).await? } else { None };
                let sent = match existing {
                    Some(id) => prompts.replace(&instance, &id, wav.into()).await?,
                    None => prompts.upload(&instance, &name, description.as_deref(), wav.into()).await?,
                };
                if global.json {
                    terminal::print_json(&sent)?;
                } else {
                    let length = clock(i64::try_from(sent.duration_milliseconds).unwrap_or(i64::MAX));
                    terminal::print(&format!("{} {} {length}", sent.prompt_id, harmless(&sent.name)))?;
                }
                Ok(Exit::Ok)
            }
            Self::Get { prompt, output, .. } => {
                let found = id_of(&connect, &instance, prompt).await?;
                let id = found.ok_or_else(|| Failure::not_found(format!("there is no prompt {prompt:?}")))?;
                write(output, &global.prompts()?.sound(&instance, &id).await?)?;
                Ok(Exit::Ok)
            }
        }
    }
}

/// The prompt of a name or id.
async fn id_of(connect: &Connect, instance: &str, prompt: &str) -> Result<Option<String>, Failure> {
    let known = known(connect, instance).await?;
    let found = known.iter().find(|one| one["Name"] == prompt || one["Id"] == prompt);
    Ok(found.and_then(|one| one["Id"].as_str()).map(str::to_owned))
}

async fn known(connect: &Connect, instance: &str) -> Result<Vec<Value>, Failure> {
    Ok(connect.list("ListPrompts", &format!("/prompts-summary/{instance}"), "PromptSummaryList").await?)
}

async fn list(global: &Global, connect: &Connect, instance: &str) -> Result<Exit, Failure> {
    let prompts = known(connect, instance).await?;
    if global.json {
        terminal::print_json(&prompts)?;
    } else if prompts.is_empty() {
        terminal::note(global, "no prompts");
    } else {
        let text = |prompt: &Value, member: &str| harmless(prompt[member].as_str().unwrap_or_default());
        let rows: Vec<[String; 2]> =
            prompts.iter().map(|prompt| [text(prompt, "Name"), text(prompt, "Id")]).collect();
        terminal::print(&table(["NAME", "ID"], &rows))?;
    }
    Ok(Exit::Ok)
}

fn write(output: &Path, wav: &[u8]) -> Result<(), Failure> {
    if output == Path::new("-") {
        use std::io::Write;
        return Ok(std::io::stdout().lock().write_all(wav)?);
    }
    std::fs::write(output, wav).with_context(|| format!("cannot write {}", output.display()))?;
    Ok(())
}
