//! Writing a file so that its name never shows a part of it.

use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// What a file aside is called until it is whole.
pub(crate) const ASIDE: &str = "part";

/// Writes aside in the same folder, syncs and renames; makes the folder if need be. Whoever looks sees the old file or
/// the new one.
///
/// # Errors
/// What the operating system says, with the file's name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut aside = tempfile::Builder::new().suffix(&format!(".{ASIDE}")).tempfile_in(folder)?;
        aside.write_all(bytes)?;
        aside.as_file().sync_all()?;
        aside.persist(path)?;
        Ok(())
    };
    write().map_err(|error| {
        Error::io("write", path, &error).hint("check that the folder may be written to, and that the disk has room")
    })
}
