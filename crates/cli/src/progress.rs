//! How far a long reading or copying is; only on a terminal.

use crate::global::Global;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use tympan_store::embedded::Progress;

/// A bar on standard error. It vanishes when dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(global: &Global, what: &'static str) -> Self {
        if global.quiet || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_message(what);
        // The template is ours; should it ever be wrong, the default style does.
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn show(&self, progress: Progress) {
        self.0.set_length(progress.total_bytes);
        self.0.set_position(progress.done_bytes);
    }

    /// So many bytes are done, of as many as are known.
    pub(crate) fn done(&self, bytes: u64, of: Option<u64>) {
        self.0.set_length(of.unwrap_or(bytes));
        self.0.set_position(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
