//! What is said to a person, on standard error.

use crate::global::Global;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use tympan_client::ClientError;

/// Tells of an error: what, why, what to do.
pub(crate) fn error(error: &ClientError) {
    let advice = error.advice().map(|advice| format!("\n  help: {advice}")).unwrap_or_default();
    line(&format!("error: {error}{advice}"));
}

/// A line on standard error, unless `--quiet`.
pub(crate) fn note(global: &Global, text: &str) {
    if !global.quiet {
        line(text);
    }
}

/// A line on standard error.
pub(crate) fn line(text: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A line of data on standard output.
pub(crate) fn print(text: &str) -> Result<(), ClientError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(ClientError::Output)
}

/// A value as JSON on standard output, indented for eyes.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), ClientError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| ClientError::Output(error.into()))?;
    print(&text)
}

/// A line that changes while something goes on; only on a terminal.
pub(crate) fn progress(global: &Global) -> ProgressBar {
    if global.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // The template is ours; should it ever be wrong, the default style does.
    bar.with_style(
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    )
}
