//! `tympan streams check`.

use crate::data_args::DataArgs;
use crate::failure::Failure;
use crate::global::Global;
use crate::progress::Bar;
use crate::terminal::print_json;
use std::io::Write;
use tympan_client::Exit;
use tympan_kms::KeyProvider;
use tympan_store::embedded::{AtRest, CheckReport, FindingKind, StreamCheck};

/// Arguments of `tympan streams check`.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Only this stream: its name, ARN or id
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
}

impl CheckArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let data = self.data.resolve()?;
        let at_rest = AtRest::open(&data.directory)?;
        let bar = Bar::new(global, "checking");
        let keys = data.keyring.as_ref().map(|keyring| keyring as &dyn KeyProvider);
        let report = at_rest.check(keys, self.stream.as_deref(), &mut |progress| bar.show(progress)).await?;
        drop(bar);
        if global.json {
            print_json(&report)?;
        } else {
            write!(std::io::stdout().lock(), "{}", words(&report, keys.is_some()))?;
        }
        Ok(if report.is_sound() { Exit::Ok } else { Exit::Failed })
    }
}

/// The report for people: what is wrong first, then stream by stream, then the sum.
pub(crate) fn words(report: &CheckReport, with_keys: bool) -> String {
    let mut lines = Vec::new();
    for finding in &report.findings {
        let kind = match finding.kind {
            FindingKind::Damage => "DAMAGED",
            FindingKind::Missing => "MISSING",
            FindingKind::Orphan => "orphan",
            FindingKind::Note => "note",
        };
        let stream = finding.name.as_ref().or(finding.stream.as_ref());
        let whose = match (stream, &finding.fragment) {
            (Some(stream), Some(fragment)) => format!(" {stream}, fragment {fragment}:"),
            (Some(stream), None) => format!(" {stream}:"),
            _ => String::new(),
        };
        lines.push(format!("{kind}{whose} {} ({})", finding.message, finding.place));
    }
    lines.extend(report.streams.iter().map(stream));
    let checked = if with_keys {
        "checksums and encryption"
    } else {
        "checksums only, because there is no keyring to open them with"
    };
    lines.push(format!(
        "{} fragments intact, {} damaged, in {} chunks and {} journal segments ({checked})",
        report.fragments_intact, report.fragments_damaged, report.chunks, report.journal.segments
    ));
    if with_keys && report.fragments_without_key > 0 {
        lines.push(format!(
            "{} of them by checksum only: their keys are refused",
            report.fragments_without_key
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn stream(stream: &StreamCheck) -> String {
    let StreamCheck { name, id, fragments_intact, fragments_damaged, chunks, .. } = stream;
    let skipped = match stream.numbers_skipped {
        0 => String::new(),
        numbers => format!(", {numbers} numbers skipped within sessions"),
    };
    format!("{name} ({id}): {fragments_intact} intact, {fragments_damaged} damaged, {chunks} chunks{skipped}")
}
