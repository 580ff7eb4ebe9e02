use crate::ClientError;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Seek, SeekFrom, Stdout, Write};
use std::path::{Path, PathBuf};

/// Where recordings go: a file, or standard output.
#[derive(Debug)]
pub enum Destination {
    /// A file.
    File {
        /// Its path, for errors.
        path: PathBuf,
        /// The open file.
        file: BufWriter<File>,
    },
    /// Standard output; every write is passed on at once.
    Standard(Stdout),
}

impl Destination {
    /// Opens a path; `-` is standard output. A file that exists is replaced.
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        if path == Path::new("-") {
            let stdout = std::io::stdout();
            if stdout.is_terminal() {
                let message =
                    "audio is not written to a terminal: pipe it into a player, or name a file with -o";
                return Err(ClientError::Usage(message.to_owned()));
            }
            return Ok(Self::Standard(stdout));
        }
        match File::create(path) {
            Ok(file) => Ok(Self::File { path: path.to_owned(), file: BufWriter::new(file) }),
            Err(error) => Err(ClientError::File { path: path.to_owned(), error }),
        }
    }

    /// Whether this is standard output.
    pub fn is_standard(&self) -> bool {
        matches!(self, Self::Standard(_))
    }

    /// Writes what comes next.
    ///
    /// # Errors
    /// The file, or what reads standard output, takes no more.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        match self {
            Self::File { path, file } => file.write_all(bytes).map_err(|error| file_error(path, error)),
            Self::Standard(stdout) => {
                stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(ClientError::Output)
            }
        }
    }

    /// Lets other programs see what was written so far.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn flush(&mut self) -> Result<(), ClientError> {
        match self {
            Self::File { path, file } => file.flush().map_err(|error| file_error(path, error)),
            Self::Standard(stdout) => stdout.flush().map_err(ClientError::Output),
        }
    }

    /// Replaces the beginning; on a pipe that is past, and nothing happens.
    pub(super) fn rewrite_start(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let Self::File { path, file } = self else { return Ok(()) };
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map(|_| ())
            .map_err(|error| file_error(path, error))
    }
}

fn file_error(path: &Path, error: std::io::Error) -> ClientError {
    ClientError::File { path: path.to_owned(), error }
}
