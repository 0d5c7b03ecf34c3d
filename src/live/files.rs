//! Watching the files that a script was made from, and nothing else. Folders are watched, not files: editors write aside and
//! rename, or remove and write anew, and a file that is missing may yet appear.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::Happened;
use crate::{Error, Result};

/// The files and folders that count, and how they were when they were last looked at.
type Stamps = BTreeMap<PathBuf, Stamp>;

/// What tells one state of a file or folder from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    Missing,
    File {
        length: u64,
        modified: Option<SystemTime>,
        node: u64,
    },
    /// Everything in it, its subfolders too.
    Folder(BTreeMap<PathBuf, Stamp>),
}

/// See the module.
pub(super) struct Files {
    watcher: Box<dyn Watcher + Send>,
    folders: BTreeMap<PathBuf, RecursiveMode>,
    stamps: Arc<Mutex<Stamps>>,
}

fn failed(error: &notify::Error) -> Error {
    Error::new(format!("cannot watch files: {error}"))
        .hint("look at them now and then instead: --poll SECONDS (as on network folders)")
}

impl Files {
    /// Sends what may have changed; `poll` is how often to look where the system does not tell.
    ///
    /// # Errors
    /// When the system cannot watch files.
    pub fn new(happened: Sender<Happened>, poll: Option<Duration>) -> Result<Self> {
        let stamps = Arc::<Mutex<Stamps>>::default();
        let heard = {
            let stamps = stamps.clone();
            move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                let stamps = stamps.lock().unwrap_or_else(PoisonError::into_inner);
                let matters = |path: &PathBuf| {
                    stamps.keys().any(|watched| path.starts_with(watched) || watched.starts_with(path))
                };
                if !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan() || event.paths.iter().any(matters))
                {
                    // Whoever listens may have ended.
                    let _ = happened.send(Happened::Files);
                }
            }
        };
        let watcher: Box<dyn Watcher + Send> = match poll {
            None => Box::new(RecommendedWatcher::new(heard, Config::default()).map_err(|error| failed(&error))?),
            Some(interval) => {
                let config = Config::default().with_poll_interval(interval);
                Box::new(PollWatcher::new(heard, config).map_err(|error| failed(&error))?)
            }
        };
        Ok(Self { watcher, folders: BTreeMap::new(), stamps })
    }

    /// Watches `paths` from now on, missing ones too, and nothing else. Whether one of the new ones was written after `since`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn follow(&mut self, paths: &BTreeSet<PathBuf>, since: SystemTime) -> Result<bool> {
        let paths: BTreeSet<PathBuf> = paths.iter().map(|path| rooted(path)).collect();
        let mut folders = BTreeMap::new();
        for path in &paths {
            if path.is_dir() {
                folders.insert(path.clone(), RecursiveMode::Recursive);
            }
            if let Some(parent) = path.ancestors().skip(1).find(|parent| parent.is_dir()) {
                folders.entry(parent.to_owned()).or_insert(RecursiveMode::NonRecursive);
            }
        }
        for (folder, mode) in &self.folders {
            if folders.get(folder) != Some(mode) {
                // It may be gone.
                let _ = self.watcher.unwatch(folder);
            }
        }
        for (folder, mode) in &folders {
            if self.folders.get(folder) != Some(mode) {
                self.watcher.watch(folder, *mode).map_err(|error| failed(&error))?;
            }
        }
        self.folders = folders;
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *stamps);
        let mut late = false;
        for path in paths {
            let stamp = before.get(&path).cloned().unwrap_or_else(|| {
                let stamp = Stamp::of(&path);
                late |= stamp.is_newer(since);
                stamp
            });
            stamps.insert(path, stamp);
        }
        Ok(late)
    }

    /// The files that are not as they were when this was last asked, or they were first followed.
    pub fn changed(&self) -> Vec<PathBuf> {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Vec::new();
        for (path, stamp) in stamps.iter_mut() {
            let now = Stamp::of(path);
            if now != *stamp {
                *stamp = now;
                changed.push(path.clone());
            }
        }
        changed
    }
}

/// A path below its deepest existing folder's real one, as the system names it.
fn rooted(path: &Path) -> PathBuf {
    for folder in path.ancestors().skip(1) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let (Ok(real), Ok(rest)) = (folder.canonicalize(), path.strip_prefix(folder).or(Ok::<_, ()>(path))) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let Ok(metadata) = std::fs::metadata(path) else { return Self::Missing };
        if metadata.is_dir() {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            return Self::Folder(entries.map(|entry| (entry.path(), Self::of(&entry.path()))).collect());
        }
        Self::File { length: metadata.len(), modified: metadata.modified().ok(), node: node(&metadata) }
    }

    fn is_newer(&self, since: SystemTime) -> bool {
        match self {
            Self::Missing => false,
            Self::File { modified, .. } => modified.is_some_and(|modified| modified > since),
            Self::Folder(entries) => entries.values().any(|entry| entry.is_newer(since)),
        }
    }
}

/// A file that was written aside and renamed is another one, be it as long and as old.
#[cfg(unix)]
fn node(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn node(_: &std::fs::Metadata) -> u64 {
    0
}
