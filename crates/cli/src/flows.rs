//! `tympan flows`: contact-flow files, looked at without a server.

use crate::failure::Failure;
use crate::global::Global;
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;
use tympan_client::Exit;
use tympan_flow::Flow;

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
    pub(crate) fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let mut out = std::io::stdout().lock();
        match self {
            Self::Check { file } => {
                let flow = read(file)?;
                let problems = flow.problems();
                let exit = if problems.is_empty() { Exit::Ok } else { Exit::Failed };
                let unsupported: Vec<_> =
                    flow.blocks().iter().filter(|block| !block.is_supported()).collect();
                if global.json {
                    let unsupported: Vec<_> = unsupported
                        .iter()
                        .map(|block| serde_json::json!({ "Identifier": block.identifier(), "Type": block.type_name() }))
                        .collect();
                    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                    writeln!(
                        out,
                        "{}",
                        serde_json::json!({ "problems": problems, "unsupported": unsupported })
                    )?;
                    return Ok(exit);
                }
                for problem in problems {
                    writeln!(out, "{problem}")?;
                }
                for block in &unsupported {
                    let (identifier, type_name) = (block.identifier(), block.type_name());
                    writeln!(
                        out,
                        "{identifier:?} ({type_name}) does not run here: it takes its error branch"
                    )?;
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
