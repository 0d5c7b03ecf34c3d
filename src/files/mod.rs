//! Files: atomic writes, whose name never refers to a partly written file, and a cache of what is known about contents.

pub(crate) mod digest_cache;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// The extension of a file while it is being written.
pub(crate) const PARTIAL: &str = "part";

/// Writes `bytes` under a temporary name in the same folder, syncs and renames. Readers see the old file or the new one. The
/// folder is created if it does not exist.
///
/// # Errors
/// The operating system's error, with the file's name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_by(path, |file| Ok(file.write_all(bytes)?))
}

/// Like [`write_whole`], for content that is not in memory at once: `write` writes it piece by piece.
///
/// # Errors
/// The operating system's error, with the file's name, or that of `write`.
pub(crate) fn write_whole_by(path: &Path, write: impl FnOnce(&mut File) -> Result<(), Unwritten>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = || -> Result<(), Unwritten> {
        std::fs::create_dir_all(folder)?;
        let mut aside = tempfile::Builder::new().suffix(&format!(".{PARTIAL}")).tempfile_in(folder)?;
        write(aside.as_file_mut())?;
        aside.as_file().sync_all()?;
        aside.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    whole().map_err(|error| match error {
        Unwritten::Content(error) => error,
        Unwritten::File(error) => {
            Error::io("write", path, &error).hint("check that the folder may be written to, and that the disk has room")
        }
    })
}

/// Why a file was not written: the operating system's error, or that of its content.
pub(crate) enum Unwritten {
    File(std::io::Error),
    Content(Error),
}

impl From<std::io::Error> for Unwritten {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Content(error)
    }
}
