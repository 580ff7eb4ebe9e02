//! Embeds the built pages of the web console (`console/dist`): each file as it is and, where that is smaller, as brotli.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The best that brotli does; the files are small and compressed once for each build.
const QUALITY: u32 = 11;
/// Brotli's window, as a power of two.
const WINDOW_BITS: u32 = 22;
const BUFFER_BYTES: usize = 64 * 1024;

fn main() -> io::Result<()> {
    // Read when it runs: checkouts that share a target folder share this program, too.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("no CARGO_MANIFEST_DIR"))?;
    let dist = Path::new(&package).join("../../console/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    let mut files = Vec::new();
    collect(&dist.canonicalize()?, "", &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (index, (path, file)) in files.iter().enumerate() {
        let bytes = fs::read(file)?;
        let packed = pack(&bytes)?;
        let place = out.join(format!("console-{index}.br"));
        let packed = if packed.len() < bytes.len() {
            fs::write(&place, packed)?;
            format!("Some(include_bytes!({place:?}))")
        } else {
            "None".to_owned()
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "    Embedded {{ path: {path:?}, bytes: include_bytes!({file:?}), brotli: {packed} }},"
        );
    }
    table.push_str("]\n");
    fs::write(out.join("console.rs"), table)
}

/// Every file below a folder, with its path in a URL.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| {
            io::Error::other(format!("console/dist: {} is not UTF-8", name.to_string_lossy()))
        })?;
        let path = format!("{prefix}/{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, QUALITY, WINDOW_BITS);
    packed.write_all(bytes)?;
    Ok(packed.into_inner())
}
