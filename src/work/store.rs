//! Results on disk: one file per result, named by its fingerprint, in the safetensors format.
//!
//! A file is written under a temporary name in the same folder, synced and renamed: many processes may share one store, and
//! a crash leaves either the whole result or none. Its hash is checked at every read; a damaged file is set aside, and what
//! cannot be read or set aside is computed again in this run.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use super::stored_file::{self, Content};
use super::{Described, Fingerprint, Keep, Value};
use crate::files::{read_file, sweep, write_whole};
use crate::lock::lock;
use crate::{Error, Result};

/// Default budget for large results, in bytes: the cascades of a few published figures.
pub const DEFAULT_BUDGET: u64 = 10 << 30;

/// Folders of results.
const FOLDERS: [&str; 2] = ["small", "large"];
const EXTENSION: &str = "safetensors";
/// Folder of states of operations that have not finished.
const CHECKPOINTS: &str = "checkpoints";
/// States of an operation that are kept: the last one, and the one before it in case that one is damaged.
const STATES: usize = 2;
/// Folder of files that were found damaged.
const DAMAGED: &str = "damaged";

/// A damaged file that was set aside this long ago is removed by [`Store::gc`].
const KEEP_DAMAGED: Duration = Duration::from_hours(30 * 24);

/// A folder of results.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    budget: u64,
    /// Bytes of all large results; `None` until they are first counted.
    large_bytes: Mutex<Option<u64>>,
    /// Results whose files cannot be used, and could not be set aside. They count as absent.
    unusable: Mutex<BTreeSet<Fingerprint>>,
    /// Whether a write failed: it is reported once.
    pub(super) has_failed: AtomicBool,
}

/// What a store holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct StoreSummary {
    pub results: usize,
    pub bytes: u64,
    pub large_results: usize,
    pub large_bytes: u64,
    /// Files that were set aside because their content did not match their hash.
    pub damaged: usize,
}

/// What [`Store::verify`] found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Results that are whole.
    pub whole: usize,
    /// Files whose content is not what was written. They are set aside.
    pub damaged: Vec<Error>,
    /// Files that cannot be read: they stay where they are.
    pub unreadable: Vec<Error>,
    /// Files of an earlier format, whose description cannot be checked. They are computed again when they are needed.
    pub outdated: usize,
}

/// The outcome of reading one result.
pub(crate) enum ReadOutcome {
    Whole(Value),
    Absent,
    /// The file is damaged, unreadable or of an earlier format. The error says why, and [`Store::contains`] denies the result
    /// from now on.
    Unusable(Error),
}

struct File {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Store {
    /// Opens a folder, which is created if it does not exist. Large results beyond `budget` bytes are removed, least
    /// recently used first.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(root: &Path, budget: u64) -> Result<Self> {
        for folder in FOLDERS {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(|error| {
                Error::io("make the store's folder", &folder, &error).hint("name another folder: --store DIR")
            })?;
        }
        Ok(Self {
            root: root.to_owned(),
            budget,
            large_bytes: Mutex::default(),
            unusable: Mutex::default(),
            has_failed: AtomicBool::new(false),
        })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: Fingerprint, large: bool) -> PathBuf {
        let name = key.to_string();
        self.root.join(if large { "large" } else { "small" }).join(&name[..2]).join(name).with_extension(EXTENSION)
    }

    fn find(&self, key: Fingerprint) -> Option<PathBuf> {
        [false, true].map(|large| self.path(key, large)).into_iter().find(|path| path.exists())
    }

    /// Whether there is a result for `key`. It is verified only when it is read.
    pub fn contains(&self, key: Fingerprint) -> bool {
        self.find(key).is_some() && !lock(&self.unusable).contains(&key)
    }

    /// Reads and verifies a result, and marks it as used now.
    pub(crate) fn read(&self, key: Fingerprint) -> ReadOutcome {
        let Some(path) = self.find(key) else { return ReadOutcome::Absent };
        let why = match read_file(&path).map(|bytes| stored_file::decode(&bytes, &key.to_string())) {
            Ok(Content::Whole(value)) => {
                // Large results are removed by age. In a read-only store this fails, which does not matter.
                let _ = touch(&path);
                return ReadOutcome::Whole(value);
            }
            Ok(Content::Outdated) => {
                Error::new("results that an earlier version of entroscope stored are computed again")
                    .hint("their files do not say which description their numbers belong to; nothing needs to be done")
            }
            Ok(Content::Damaged(why)) => {
                let damaged = Error::new(format!("stored result {} is damaged: {why}", path.display()));
                damaged.hint(format!("{} and will be computed again", self.set_aside(&path)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return ReadOutcome::Absent,
            Err(error) => Error::io("read the stored result", &path, &error).hint("it will be computed again"),
        };
        lock(&self.unusable).insert(key);
        ReadOutcome::Unusable(why)
    }

    /// Moves a damaged file to the folder `damaged`; says what came of it.
    fn set_aside(&self, path: &Path) -> String {
        let folder = self.root.join(DAMAGED);
        let aside = folder.join(path.file_name().unwrap_or_default());
        match fs::create_dir_all(&folder).and_then(|()| fs::rename(path, &aside)) {
            Ok(()) => {
                // The time of the damage, by which `gc` removes it.
                let _ = touch(&aside);
                format!("it was set aside as {}", aside.display())
            }
            Err(error) => format!("it could not be set aside ({error})"),
        }
    }

    /// Writes a result, unless it is kept in memory only. False for a result that is larger than the whole budget: it is not
    /// written, because it would be removed immediately.
    pub(super) fn write(&self, key: Fingerprint, described: &Described, value: &Value) -> Result<bool> {
        let large = match described.operation().keep() {
            Keep::InMemory => return Ok(true),
            Keep::Always => false,
            Keep::WithinBudget if value.bytes() as u64 > self.budget => return Ok(false),
            Keep::WithinBudget => true,
        };
        let path = self.path(key, large);
        let bytes = stored_file::encode(described, &key.to_string(), value)?;
        write_whole(&path, &bytes).map_err(|error| {
            error.hint("make room with `entroscope store gc --keep SIZE`, or name another store: --store DIR")
        })?;
        lock(&self.unusable).remove(&key);
        if large {
            // The result is stored, whether or not the others can be listed.
            let _ = self.make_room(bytes.len() as u64);
        }
        Ok(true)
    }

    /// The states of all operations.
    fn all_checkpoints(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(self.root.join(CHECKPOINTS)).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| is_result(path))
    }

    /// The states of an operation, the last one first, each with its number.
    fn checkpoints(&self, key: Fingerprint) -> Vec<(u64, PathBuf)> {
        let prefix = format!("{key}-");
        let number = |path: PathBuf| {
            let number = path.file_stem()?.to_str()?.strip_prefix(&prefix)?.parse().ok()?;
            Some((number, path))
        };
        let mut found: Vec<(u64, PathBuf)> = self.all_checkpoints().filter_map(number).collect();
        found.sort_by(|a, b| b.cmp(a));
        found
    }

    /// The last undamaged state of an operation. One that is damaged is set aside, with a warning; one that cannot be read is
    /// passed over with a warning, one of an earlier format without.
    pub(super) fn latest_checkpoint(&self, key: Fingerprint, warn: impl Fn(Error)) -> Option<Value> {
        // What a killed process left half-written.
        sweep(&self.root.join(CHECKPOINTS));
        for (number, path) in self.checkpoints(key) {
            match read_file(&path).map(|bytes| stored_file::decode(&bytes, &format!("{key}-{number}"))) {
                Ok(Content::Whole(value)) => return Some(value),
                Ok(Content::Outdated) => {}
                Ok(Content::Damaged(why)) => {
                    let damaged = Error::new(format!("checkpoint {} is damaged: {why}", path.display()));
                    let aside = self.set_aside(&path);
                    warn(
                        damaged
                            .hint(format!("{aside}; the work goes on from the one before it, or from its beginning")),
                    );
                }
                Err(error) => warn(Error::io("read the checkpoint", &path, &error)),
            }
        }
        None
    }

    /// Writes a state of an operation, and removes all but the one before it.
    pub(super) fn write_checkpoint(&self, key: Fingerprint, described: &Described, state: &Value) -> Result<()> {
        let before = self.checkpoints(key);
        let number = before.first().map_or(0, |(number, _)| number + 1);
        if number == 0 {
            // Those of operations that were never resumed.
            self.all_checkpoints().filter(|path| is_old(path)).try_for_each(|path| remove(&path))?;
        }
        let name = format!("{key}-{number}");
        let path = self.root.join(CHECKPOINTS).join(&name).with_extension(EXTENSION);
        write_whole(&path, &stored_file::encode(described, &name, state)?)?;
        before.into_iter().skip(STATES - 1).try_for_each(|(_, path)| remove(&path))
    }

    /// Removes all states of an operation, as far as that is possible.
    pub(super) fn remove_checkpoints(&self, key: Fingerprint) {
        for (_, path) in self.checkpoints(key) {
            let _ = remove(&path);
        }
    }

    /// Counts `added` more bytes and keeps the large results within the budget.
    fn make_room(&self, added: u64) -> Result<()> {
        let mut total = lock(&self.large_bytes);
        let counted = match *total {
            Some(bytes) => bytes + added,
            None => self.files("large")?.iter().map(|file| file.bytes).sum(),
        };
        // Removes more than needed, so that the folder is not listed at every write.
        *total = Some(if counted > self.budget { self.remove_oldest(self.budget / 10 * 9)?.0 } else { counted });
        Ok(())
    }

    /// The folders `ab/` of a folder.
    fn shelves(&self, folder: &str) -> Result<Vec<PathBuf>> {
        let shelves = list(&self.root.join(folder))?.flatten().map(|entry| entry.path());
        Ok(shelves.filter(|path| path.is_dir()).collect())
    }

    /// The results in a folder, least recently used first, without those in a shelf that this user may not list.
    fn files(&self, folder: &str) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for shelf in self.shelves(folder)? {
            let entries = list(&shelf).into_iter().flatten().flatten();
            for entry in entries.filter(|entry| is_result(&entry.path())) {
                // Another process may have removed the file meanwhile.
                let Ok(metadata) = entry.metadata() else { continue };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push(File { path: entry.path(), bytes: metadata.len(), used });
            }
        }
        files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        Ok(files)
    }

    /// Removes large results, least recently used first, until at most `keep` bytes are left. Returns the bytes left, and why a
    /// file could not be removed: it may be another user's.
    fn remove_oldest(&self, keep: u64) -> Result<(u64, Option<Error>)> {
        let files = self.files("large")?;
        let mut failed = None;
        let mut left: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if left <= keep {
                break;
            }
            match remove(&file.path) {
                Ok(()) => left -= file.bytes,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Ok((left, failed))
    }

    /// Removes large results, least recently used first, until at most `keep` bytes are left; partial files of processes that
    /// died; states from which interrupted trainings would go on; and files that were set aside as damaged: those of 30 days
    /// and more, or all of them.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn gc(&self, keep: u64, all_damaged: bool) -> Result<StoreSummary> {
        sweep(&self.root);
        for folder in FOLDERS {
            self.shelves(folder)?.iter().for_each(|shelf| sweep(shelf));
        }
        sweep(&self.root.join(CHECKPOINTS));
        let mut failed = None;
        for file in self.all_checkpoints() {
            failed = failed.or(remove(&file).err());
        }
        for file in self.damaged().map(|entry| entry.path()).filter(|path| all_damaged || is_old(path)) {
            failed = failed.or(remove(&file).err());
        }
        failed = failed.or(self.remove_oldest(keep)?.1);
        failed.map_or_else(|| self.summary(), Err)
    }

    /// What was set aside. Its folder is made when something is.
    fn damaged(&self) -> impl Iterator<Item = fs::DirEntry> {
        fs::read_dir(self.root.join(DAMAGED)).into_iter().flatten().flatten()
    }

    /// Counts what the store has.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn summary(&self) -> Result<StoreSummary> {
        let (small, large) = (self.files("small")?, self.files("large")?);
        let bytes = |files: &[File]| files.iter().map(|file| file.bytes).sum::<u64>();
        Ok(StoreSummary {
            results: small.len() + large.len(),
            bytes: bytes(&small) + bytes(&large),
            large_results: large.len(),
            large_bytes: bytes(&large),
            damaged: self.damaged().count(),
        })
    }

    /// Number and total size of the results of each operation, sorted by name: (name, results, bytes).
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn by_operation(&self) -> Result<Vec<(String, usize, u64)>> {
        let mut counts = std::collections::BTreeMap::<String, (usize, u64)>::new();
        for file in self.files("small")?.into_iter().chain(self.files("large")?) {
            let operation = stored_file::operation_in(&file.path);
            if operation.is_none() && !file.path.exists() {
                // Another process has removed it.
                continue;
            }
            let entry = counts.entry(operation.unwrap_or_else(|| "unreadable".into())).or_default();
            *entry = (entry.0 + 1, entry.1 + file.bytes);
        }
        Ok(counts.into_iter().map(|(name, (results, bytes))| (name, results, bytes)).collect())
    }

    /// Reads and checks every result. Only what was read and found damaged is set aside.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn verify(&self) -> Result<Verified> {
        let mut found = Verified::default();
        for shelf in FOLDERS.into_iter().map(|folder| self.shelves(folder)).collect::<Result<Vec<_>>>()?.concat() {
            found.unreadable.extend(list(&shelf).err());
        }
        for file in self.files("small")?.into_iter().chain(self.files("large")?) {
            let name = file.path.file_stem().unwrap_or_default().to_string_lossy();
            match read_file(&file.path).map(|bytes| stored_file::decode(&bytes, &name)) {
                Ok(Content::Whole(_)) => found.whole += 1,
                Ok(Content::Outdated) => found.outdated += 1,
                Ok(Content::Damaged(why)) => {
                    let aside = self.set_aside(&file.path);
                    found.damaged.push(Error::new(format!("{}: {why}", file.path.display())).hint(aside));
                }
                // Another process has removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => found.unreadable.push(Error::io("read", &file.path, &error)),
            }
        }
        Ok(found)
    }
}

fn is_result(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

fn list(folder: &Path) -> Result<fs::ReadDir> {
    fs::read_dir(folder).map_err(|error| Error::io("list", folder, &error))
}

/// Removes a file, unless another process did.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Gives a file the present time.
#[expect(clippy::disallowed_methods, reason = "times decide what is removed first, not what a result holds")]
fn touch(path: &Path) -> io::Result<()> {
    fs::File::options().append(true).open(path)?.set_modified(SystemTime::now())
}

fn is_old(path: &Path) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > KEEP_DAMAGED))
}
