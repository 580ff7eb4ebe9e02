//! Secrets: in the clear, or in a file that nobody else can read.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both forms were given.
    #[error("{key} and {key}_file are both set: keep one of them")]
    Both {
        /// The key's path.
        key: String,
    },
    /// The file could not be read.
    #[error("cannot read {path:?}, which {key}_file names: {source}")]
    Unreadable {
        /// The key's path.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others could read the file.
    #[error("{path:?} holds a secret but others can read it (mode {mode:03o}): run `chmod 600 {}`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The secret of `key`, out of its clear form or its `_file` form. Empty means that neither is set.
pub fn read_secret(key: &str, clear: &str, file: &str) -> Result<String, SecretError> {
    match (clear.is_empty(), file.is_empty()) {
        (_, true) => Ok(clear.to_owned()),
        (false, false) => Err(SecretError::Both { key: key.to_owned() }),
        (true, false) => {
            let path = PathBuf::from(file);
            let unreadable =
                |source| SecretError::Unreadable { key: key.to_owned(), path: path.clone(), source };
            let mode = std::fs::metadata(&path).map_err(unreadable)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(SecretError::Exposed { path, mode });
            }
            Ok(std::fs::read_to_string(&path).map_err(unreadable)?.trim_end().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hush\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let file = path.to_str().unwrap();
        assert!(matches!(read_secret("k", "", file), Err(SecretError::Exposed { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_secret("k", "", file).unwrap(), "hush");
        assert!(matches!(read_secret("k", "x", file), Err(SecretError::Both { .. })));
        assert_eq!(read_secret("k", "x", "").unwrap(), "x");
    }
}
