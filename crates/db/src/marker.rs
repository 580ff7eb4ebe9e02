//! The file `CONTROL` beside the database: which start wrote last, and how far it had come. What a copy of the database from
//! before does not know.
//!
//! `tympan-control 1 <epoch> <revision> <32 hex digits of the start> <CRC-32C of the line before, 8 hex digits>`

use crate::{Revision, StartId};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

pub(crate) const FILE: &str = "CONTROL";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) epoch: u64,
    pub(crate) revision: Revision,
    pub(crate) start: StartId,
}

/// Reads it; `None` where there is none, or none that can be read.
pub(crate) fn read(folder: &Path) -> io::Result<Option<Marker>> {
    match fs::read(folder.join(FILE)) {
        Ok(bytes) => Ok(parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes it, durably: beside, synced, renamed, the folder synced.
pub(crate) fn write(folder: &Path, marker: Marker) -> io::Result<()> {
    let beside = folder.join(format!("{FILE}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(print(marker).as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

fn print(marker: Marker) -> String {
    let Marker { epoch, revision, start } = marker;
    let line = format!("tympan-control 1 {epoch} {} {}", revision.number(), start.hex());
    format!("{line} {:08x}\n", crc32c::crc32c(line.as_bytes()))
}

fn parse(text: &str) -> Option<Marker> {
    let (line, checksum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32c::crc32c(line.as_bytes()) {
        return None;
    }
    let [epoch, revision, start]: [&str; 3] =
        line.strip_prefix("tympan-control 1 ")?.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some(Marker {
        epoch: epoch.parse().ok()?,
        revision: Revision::new(revision.parse().ok()?),
        start: StartId::parse(start)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_wrote_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        let marker = Marker { epoch: 7, revision: Revision::new(9), start: StartId([0xab; 16]) };
        write(folder.path(), marker).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(marker));
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(read(folder.path()).unwrap(), None, "{at}");
        }
    }
}
