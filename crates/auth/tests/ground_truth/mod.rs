//! Where the recorded ground truth is.

use std::path::PathBuf;

/// A file or folder of the recorded ground truth; `None`, with a note, where it is absent.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn ground_truth(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TYMPAN_GROUND_TRUTH").map(PathBuf::from);
    let root =
        root.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures").into());
    let path = root.join(name);
    if !path.exists() {
        eprintln!("skipped: there is no {} (set TYMPAN_GROUND_TRUTH)", path.display());
        return None;
    }
    Some(path)
}
