//! Reading of regular files, and of nothing else: opening a pipe waits for a writer, and a device may never end.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Opens a file for reading, if it is a regular one.
///
/// # Errors
/// The operating system's, or [`special`].
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    // Before it is opened, because that may wait; and of what was opened.
    let check = |metadata: Metadata| special(&metadata).map_or(Ok(()), |what| Err(io::Error::other(what)));
    check(path.metadata()?)?;
    let file = File::open(path)?;
    check(file.metadata()?)?;
    Ok(file)
}

/// The content of a regular file of at most `most` bytes.
///
/// # Errors
/// Those of [`open_regular`]; or it is longer.
pub(crate) fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open_regular(path)?;
    bytes.reserve_exact(file.metadata()?.len().min(most) as usize);
    if file.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// What a file is that is not regular, as a clause; links are followed.
pub(crate) fn special(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("it is a pipe (FIFO), not a file");
        }
        if kind.is_socket() {
            return Some("it is a socket, not a file");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("it is a device, not a file");
        }
    }
    Some(if kind.is_dir() { "it is a folder, not a file" } else { "it is not a regular file" })
}
