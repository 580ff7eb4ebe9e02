//! The generated part of `docs/kvs-compat.md`.

use super::{Case, NOT_IMPLEMENTED, Sdk, Sight, Sights, Table};
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::fmt::Write;

const BEGIN: &str = "<!-- From here on written by `cargo xtask compat`. -->\n";
const END: &str = "<!-- Up to here. -->\n";

/// What the SDKs saw, as Markdown.
///
/// # Errors
/// A lock file that cannot be read.
pub fn render(table: &Table, sights: &BTreeMap<Sdk, Sights>) -> anyhow::Result<String> {
    let mut page = String::from(
        "\n## What three SDKs prove\n\n\
         The cases of `e2e/conformance/cases.json`, run by unmodified SDKs against the real binary \
         (`e2e/tests/sdk_conformance.rs`):\n\n",
    );
    for sdk in sights.keys() {
        let versions = sdk.versions()?;
        let versions: Vec<_> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let (folder, extension, prefix) = match sdk {
            Sdk::Boto3 => ("python", "py", "cases_"),
            Sdk::Rust => ("rust/src", "rs", ""),
            Sdk::JavaScript => ("javascript", "js", ""),
        };
        let programs = ["control", "media", "guarded"]
            .map(|program| format!("[{program}](../e2e/{folder}/{prefix}{program}.{extension})"));
        let programs = programs.join(", ");
        writeln!(page, "* {sdk}: {}; its programs: {programs}", versions.join(", "))?;
    }
    page.push_str(
        "\nA success is an answer whose content was checked. An error counts where it came with its HTTP status, a message \
         and a request id, and as the SDK gives\nAWS's own: boto3 raises `client.exceptions.NAME`, the SDK for Rust \
         gives the variant `NAME` of the operation's error, the one for JavaScript\nthrows the class `NAME`. The numbers \
         are successes + errors.\n\n",
    );
    summary(&mut page, table, sights)?;
    if !table.never.is_empty() {
        page.push_str("\nErrors of nearly every model that no request can provoke:\n\n");
        for (error, why) in &table.never {
            writeln!(page, "* `{error}`: {why}")?;
        }
    }
    for operation in &table.operations {
        writeln!(page, "\n### {}\n\n| case | answer |\n|---|---|", operation.operation)?;
        for case in operation.cases() {
            row(&mut page, &case, table)?;
        }
        for (error, why) in &operation.never {
            writeln!(page, "| never: `{error}` | {why} |")?;
        }
    }
    page.push_str("\n### Signatures\n\nNot in the models: an SDK tells them by their code.\n\n");
    page.push_str("| case | answer |\n|---|---|\n");
    for case in table.cases().iter().filter(|case| case.operation == "Signatures") {
        row(&mut page, case, table)?;
    }
    page.push_str("\n### Not offered\n\nThe answer to a request about a stream. ");
    writeln!(page, "`{NOT_IMPLEMENTED}` is in no model: an SDK tells it by its code.\n")?;
    page.push_str("| operation | answer |\n|---|---|\n");
    for (operation, gives) in &table.refused {
        writeln!(page, "| {operation} | `{gives}`, {} |", status(table, gives)?)?;
    }
    page.push('\n');
    Ok(page)
}

fn summary(page: &mut String, table: &Table, sights: &BTreeMap<Sdk, Sights>) -> anyhow::Result<()> {
    let names: Vec<_> = sights.keys().map(Sdk::to_string).collect();
    writeln!(page, "| operation | {} |\n|---{}|", names.join(" | "), "|---".repeat(names.len()))?;
    let mut line = |title: &str, anchor: &str, counts: &dyn Fn(&str) -> bool| -> anyhow::Result<()> {
        write!(page, "| [{title}](#{anchor}) |")?;
        for sights in sights.values() {
            let own =
                || sights.iter().filter(|((operation, _), _)| counts(operation)).map(|(_, sight)| sight);
            let successes = own().filter(|sight| matches!(sight, Sight::Success)).count();
            let errors = own().filter(|sight| matches!(sight, Sight::Refused { .. })).count();
            write!(page, " {successes} + {errors} |")?;
        }
        Ok(writeln!(page)?)
    };
    for operation in &table.operations {
        let name = &operation.operation;
        line(name, &name.to_ascii_lowercase(), &|operation| operation == name)?;
    }
    line("Signatures", "signatures", &|operation| operation == "Signatures")?;
    let title = format!("{} operations that are not offered", table.refused.len());
    line(&title, "not-offered", &|name| table.refused.contains_key(name))
}

fn row(page: &mut String, case: &Case, table: &Table) -> anyhow::Result<()> {
    if case.succeeds() {
        writeln!(page, "| {} | success |", case.case)?;
    } else {
        writeln!(page, "| {} | `{}`, {} |", case.case, case.gives, status(table, &case.gives)?)?;
    }
    Ok(())
}

fn status(table: &Table, error: &str) -> anyhow::Result<u16> {
    table.statuses.get(error).copied().with_context(|| format!("cases.json has no status for {error}"))
}

/// A page with its generated part replaced.
///
/// # Errors
/// A page without the two marks.
pub fn replace(page: &str, generated: &str) -> anyhow::Result<String> {
    let begin = page.find(BEGIN).map(|at| at + BEGIN.len());
    let end = page.find(END);
    let (begin, end) = begin.zip(end).context("the page has lost the marks of its generated part")?;
    ensure!(begin <= end, "the marks of the page's generated part are in the wrong order");
    Ok(format!("{}{generated}{}", &page[..begin], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replace(&page, "new\n").unwrap(), format!("before\n{BEGIN}new\n{END}after\n"));
        assert!(replace("no marks", "new").is_err());
        assert!(replace(&format!("{END}{BEGIN}"), "new").is_err());
    }
}
