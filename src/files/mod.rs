//! Files: atomic writes, whose name never refers to a partly written file; reading of regular files only; what a file is by
//! its first bytes; and a cache of what is known about contents.

pub(crate) mod digest_cache;
pub(crate) mod kind;
pub(crate) mod regular;
pub(crate) mod stamp;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::lock::lock;
use crate::{Error, Result};

/// The extension of a file while it is being written.
pub(crate) const PARTIAL: &str = "part";

/// The first letters of its name. Its writer holds a lock on it, so that one without a lock was left by a process that died.
const OURS: &str = ".entroscope-";

/// As [`OURS`] in versions before this one, whose files have no lock.
const OURS_BEFORE: &str = ".tmp";

/// A partial file of this age was left by a process that died, whatever its lock says: some file systems have none.
const ABANDONED: Duration = Duration::from_hours(24);

/// The content of a file; an error for a folder or a pipe in its place.
///
/// # Errors
/// The operating system's.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    regular::read_regular(path, u64::MAX)
}

/// Writes `bytes` under a temporary name in the same folder, syncs and renames. Readers see the old file or the new one. The
/// folder is created if it does not exist. Permissions follow the umask.
///
/// # Errors
/// The operating system's error, with the file's name.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || put_whole(path, |file| Ok(file.write_all(bytes)?));
    // Some network file systems show another machine no lock, so that it may have swept the partial file away.
    let written = match write() {
        Err(Unwritten::File(error)) if error.kind() == io::ErrorKind::NotFound => write(),
        written => written,
    };
    written.map_err(|error| error.at(path))
}

/// Like [`write_whole`], for content that is not in memory at once: `write` writes it piece by piece.
///
/// # Errors
/// The operating system's error, with the file's name, or that of `write`.
pub(crate) fn write_whole_by(path: &Path, write: impl FnOnce(&mut File) -> Result<(), Unwritten>) -> Result<()> {
    put_whole(path, write).map_err(|error| error.at(path))
}

fn put_whole(path: &Path, write: impl FnOnce(&mut File) -> Result<(), Unwritten>) -> Result<(), Unwritten> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    sweep_once(folder);
    let mut aside = partial_file(folder)?;
    write(aside.as_file_mut())?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The error of a file that cannot be written.
pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Error {
    let hint = "check that the folder may be written to, and that the disk has room";
    Error { unwritten: true, ..Error::io("write", path, error) }.hint(hint)
}

/// A new partial file, locked by this process. It is removed when it is dropped.
pub(crate) fn partial_file(folder: &Path) -> io::Result<NamedTempFile> {
    let suffix = format!(".{PARTIAL}");
    let mut builder = tempfile::Builder::new();
    builder.prefix(OURS).suffix(&suffix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let file = builder.tempfile_in(folder)?;
        // Another process may sweep the folder at this moment: it holds the lock, or has removed the file before.
        let is_swept = matches!(file.as_file().try_lock(), Err(fs::TryLockError::WouldBlock)) || !file.path().exists();
        if !is_swept {
            return Ok(file);
        }
    }
}

/// Removes the partial files that processes that died left in a folder. What cannot be removed stays.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_abandoned) {
        let _ = fs::remove_file(entry.path());
    }
}

/// Sweeps each folder once in the life of this process.
fn sweep_once(folder: &Path) {
    static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if lock(&SWEPT).insert(folder.to_owned()) {
        sweep(folder);
    }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let (path, name) = (entry.path(), entry.file_name());
    let name = name.to_string_lossy();
    let Some(name) = name.strip_suffix(PARTIAL).and_then(|name| name.strip_suffix('.')) else { return false };
    let is_ours = name.starts_with(OURS);
    let is_ours_before = name.strip_prefix(OURS_BEFORE).is_some_and(|random| random.len() == 6);
    let Some(metadata) = entry.metadata().ok().filter(fs::Metadata::is_file) else { return false };
    let is_old = || {
        let modified = metadata.modified();
        modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > ABANDONED))
    };
    let is_unlocked = || File::options().write(true).open(&path).is_ok_and(|file| file.try_lock().is_ok());
    (is_ours && is_unlocked()) || ((is_ours || is_ours_before) && is_old())
}

/// Why a file was not written: the operating system's error, or that of its content.
pub(crate) enum Unwritten {
    File(io::Error),
    Content(Error),
}

impl Unwritten {
    fn at(self, path: &Path) -> Error {
        match self {
            Self::Content(error) => error,
            Self::File(error) => unwritten(path, &error),
        }
    }
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Content(error)
    }
}
