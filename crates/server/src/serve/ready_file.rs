//! Tells the program that started the server that it listens, and where.

use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// The bound addresses.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Addresses {
    /// URL of the APIs.
    pub(super) http: String,
    /// Address and port of SIP, the same for UDP and TCP.
    pub(super) sip: String,
    /// URL of the console; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) console: Option<String>,
    /// Only under `--dev`: the link that signs in to the console, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) console_sign_in: Option<String>,
    /// This process.
    pub(super) pid: u32,
}

/// Writes the file whole: a reader finds either nothing or all of it.
pub(super) fn write(path: &Path, addresses: &Addresses) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = std::fs::File::create(&new)?;
    serde_json::to_writer(&mut file, addresses)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
