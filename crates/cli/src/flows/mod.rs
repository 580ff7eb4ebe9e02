//! `tympan flows`: contact-flow files, looked at without a server, put into an instance and got out of one.

mod file;
mod import;
mod references;

use crate::failure::Failure;
use crate::global::Global;
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;
use tympan_client::Exit;
use tympan_flow::{Flow, FlowType};

/// Look at contact-flow files
#[derive(Debug, clap::Subcommand)]
pub(crate) enum FlowsVerb {
    /// Say what would keep a flow from being published, and which of its blocks run here
    Check {
        /// The flow, in the flow language or as an older designer export
        file: PathBuf,
    },
    /// Draw a flow: `tympan flows graph flow.json | dot -Tsvg > flow.svg`
    Graph {
        /// The flow
        file: PathBuf,
        /// What to write: `dot` for Graphviz, `mermaid` for Markdown pages
        #[arg(long, value_enum, default_value = "dot")]
        format: Drawing,
    },
    /// Put flows into an instance, and say what their references lead to
    ///
    /// A file is a flow in either format, alone or within an answer to DescribeContactFlow. A flow of the same name gets the
    /// content; where an ARN of the file is not here, the name beside it decides when the flow runs.
    Import {
        /// A file, or a folder with JSON files
        path: PathBuf,
        /// Publish it: without this, flows are saved
        #[arg(long)]
        publish: bool,
        /// The instance, by alias or id; needed where there are several
        #[arg(long, value_name = "ALIAS")]
        instance: Option<String>,
    },
    /// Write all flows and modules of an instance into a folder, one file each
    Export {
        /// The folder; it is made if it is not there
        folder: PathBuf,
        /// The instance, by alias or id; needed where there are several
        #[arg(long, value_name = "ALIAS")]
        instance: Option<String>,
    },
}

/// Languages of drawings.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Drawing {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
}

impl FlowsVerb {
    /// Runs the verb.
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Import { path, publish, instance } => {
                import::import(global, path, instance.as_deref(), *publish).await
            }
            Self::Export { folder, instance } => import::export(global, folder, instance.as_deref()).await,
            Self::Check { .. } | Self::Graph { .. } => self.look(global),
        }
    }

    /// Runs a verb that needs no server.
    fn look(&self, global: &Global) -> Result<Exit, Failure> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Import { .. } | Self::Export { .. } => Ok(Exit::Ok),
            Self::Check { file } => {
                let flow = read(file)?;
                // A module's own metadata names no type.
                let flow_type = flow.flow_type().and_then(FlowType::parse);
                let problems =
                    flow_type.map_or_else(|| flow.problems().to_vec(), |kind| flow.problems_as(kind));
                let exit = if problems.is_empty() { Exit::Ok } else { Exit::Failed };
                let unsupported: Vec<_> =
                    flow.blocks().iter().filter(|block| !block.is_supported()).collect();
                if global.json {
                    let unsupported: Vec<_> = unsupported
                        .iter()
                        .map(|block| {
                            serde_json::json!({
                                "Identifier": block.identifier(),
                                "Type": block.type_name(),
                                "Reason": block.reason(),
                            })
                        })
                        .collect();
                    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                    writeln!(
                        out,
                        "{}",
                        serde_json::json!({ "problems": problems, "unsupported": unsupported })
                    )?;
                    return Ok(exit);
                }
                for problem in &problems {
                    writeln!(out, "{problem}")?;
                }
                for block in &unsupported {
                    let (identifier, type_name) = (block.identifier(), block.type_name());
                    let reason = match block.reason() {
                        "" => "it lacks what it needs",
                        reason => reason,
                    };
                    writeln!(out, "{identifier:?} ({type_name}) takes its error branch here: {reason}")?;
                }
                if problems.is_empty() {
                    writeln!(
                        out,
                        "{} blocks, {} of them do not run here",
                        flow.blocks().len(),
                        unsupported.len()
                    )?;
                }
                Ok(exit)
            }
            Self::Graph { file, format } => {
                let flow = read(file)?;
                let drawing = match format {
                    Drawing::Dot => flow.to_dot(),
                    Drawing::Mermaid => flow.to_mermaid(),
                };
                write!(out, "{drawing}")?;
                Ok(Exit::Ok)
            }
        }
    }
}

fn read(file: &PathBuf) -> anyhow::Result<Flow> {
    let content = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Flow::parse(&content).with_context(|| format!("{} is not a contact flow", file.display()))
}
