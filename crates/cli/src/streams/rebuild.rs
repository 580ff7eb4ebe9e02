//! `tympan streams rebuild`.

use crate::failure::Failure;
use crate::global::Global;
use crate::progress::Bar;
use crate::terminal::print_json;
use std::io::Write;
use std::path::PathBuf;
use tympan_client::Exit;
use tympan_server::SystemClock;
use tympan_store::embedded::{RebuildReport, rebuild};

/// Arguments of `tympan streams rebuild`.
#[derive(Debug, clap::Args)]
pub(crate) struct RebuildArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl RebuildArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let bar = Bar::new(global, "reading chunks");
        let rebuilt = tokio::task::block_in_place(|| {
            rebuild(&self.directory, SystemClock.wall_now(), &mut |progress| bar.show(progress))
        });
        drop(bar);
        let report = rebuilt?;
        if global.json {
            print_json(&report)?;
        } else {
            write!(std::io::stdout().lock(), "{}", words(&report))?;
        }
        Ok(if report.lost.is_empty() { Exit::Ok } else { Exit::Failed })
    }
}

/// The report for people: what did not come back first, then the sum.
fn words(report: &RebuildReport) -> String {
    let mut lines: Vec<String> = report.lost.iter().map(|line| format!("LOST {line}")).collect();
    let RebuildReport { directory, streams, data_keys, chunks, fragments_in_chunks, .. } = report;
    lines.push(format!(
        "{directory} has a catalogue again: {streams} streams with {data_keys} keys, {fragments_in_chunks} fragments in \
         {chunks} chunks and {} in the journal, {} deletions in the log",
        report.fragments_in_journal, report.deletions
    ));
    if report.chunks_expired > 0 {
        lines.push(format!(
            "{} chunks have expired and are left out; the next start removes them",
            report.chunks_expired
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_comes_first() {
        let report = RebuildReport {
            directory: "/data".into(),
            streams: 2,
            lost: vec!["chunk x is damaged".into()],
            ..RebuildReport::default()
        };
        let words = words(&report);
        assert!(
            words.starts_with("LOST chunk x is damaged\n/data has a catalogue again: 2 streams"),
            "{words}"
        );
    }
}
