//! Any values in the rows of the catalogue: an error or an answer, never a panic.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[path = "../../crates/store/tests/files/catalogue_oracle.rs"]
mod catalogue_oracle;

/// Where the copies are made: in memory, where there is such a place.
static PLACE: OnceLock<PathBuf> = OnceLock::new();

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let place = PLACE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        folder.join(format!("tympan-fuzz-catalogue-{}", std::process::id()))
    });
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/store/format-2");
    catalogue_oracle::check_catalogue(&template, place, input);
});
