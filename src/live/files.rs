//! Watches the files that a script reads, and nothing else. It watches their folders rather than the files themselves, because
//! editors write aside and rename, or remove and write again, and because a missing file may yet appear.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::Signal;
use crate::files::stamp::Stamp;
use crate::lock::lock;
use crate::{Error, Result};

/// How much a file's time may lag behind the clock: file systems take it from the kernel's tick, of up to 10 ms. It is less
/// than the time for which a save has to be over before an edit begins.
const GRANULARITY: Duration = Duration::from_millis(20);

/// The state of a file or folder, as far as it can be seen without reading it.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Missing,
    File {
        stamp: Stamp,
        modified: Option<SystemTime>,
    },
    /// All its entries, recursively.
    Folder(BTreeMap<PathBuf, Seen>),
}

/// See the module.
pub(super) struct Files {
    watcher: Box<dyn Watcher + Send>,
    folders: BTreeMap<PathBuf, RecursiveMode>,
    followed: Arc<Mutex<Followed>>,
    /// The run folder, canonical: what the program writes is nobody's edit.
    run_folder: PathBuf,
}

/// What is followed.
#[derive(Default)]
struct Followed {
    /// The files and folders, each in the state in which it was last seen.
    seen: BTreeMap<PathBuf, Seen>,
    /// The files that those of them which are links lead to.
    targets: BTreeSet<PathBuf>,
}

impl Followed {
    /// Whether something that happened to `path` may change a followed file.
    fn concerns(&self, path: &Path) -> bool {
        let mut all = self.seen.keys().chain(&self.targets);
        all.any(|watched| path.starts_with(watched) || watched.starts_with(path))
    }
}

fn failed(error: &notify::Error) -> Error {
    Error::new(format!("cannot watch files: {error}"))
        .hint("use --poll SECONDS to look at them at an interval instead, as for network folders")
}

impl Files {
    /// Sends a signal when a followed file may have changed. With `poll` it looks at that interval instead of using the
    /// system's notifications.
    ///
    /// # Errors
    /// When the system cannot watch files.
    pub fn new(signals: Sender<Signal>, poll: Option<Duration>, run_folder: &Path) -> Result<Self> {
        let followed = Arc::<Mutex<Followed>>::default();
        let on_event = {
            let followed = followed.clone();
            move |event: notify::Result<notify::Event>| {
                let Ok(event) = event else { return };
                let followed = lock(&followed);
                if !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan() || event.paths.iter().any(|path| followed.concerns(path)))
                {
                    // The receiver may be gone.
                    let _ = signals.send(Signal::Files);
                }
            }
        };
        let watcher: Box<dyn Watcher + Send> = match poll {
            None => Box::new(RecommendedWatcher::new(on_event, Config::default()).map_err(|error| failed(&error))?),
            Some(interval) => {
                let config = Config::default().with_poll_interval(interval);
                Box::new(PollWatcher::new(on_event, config).map_err(|error| failed(&error))?)
            }
        };
        Ok(Self { watcher, folders: BTreeMap::new(), followed, run_folder: rooted(run_folder) })
    }

    /// Follows `paths` from now on, including missing ones, and nothing else. Returns whether one of the new paths was written
    /// after `since`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn follow(&mut self, paths: &BTreeSet<PathBuf>, since: SystemTime) -> Result<bool> {
        let paths: BTreeSet<PathBuf> = paths.iter().map(|path| rooted(path)).collect();
        // An editor may write a link's target, in another folder.
        let target = |path: &PathBuf| path.canonicalize().ok().filter(|target| target != path);
        let targets: BTreeSet<PathBuf> = paths.iter().filter_map(target).collect();
        let mut folders = BTreeMap::new();
        for path in paths.iter().chain(&targets) {
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
        let mut followed = lock(&self.followed);
        followed.targets = targets;
        let before = std::mem::take(&mut followed.seen);
        let mut late = false;
        for path in paths {
            let seen = before.get(&path).cloned().unwrap_or_else(|| {
                let seen = self.look_at(&path);
                late |= seen.is_newer(since);
                // What was surely written after the edit began has changed since the edit looked at it, if it did.
                if seen.is_newer(since + GRANULARITY) { Seen::Missing } else { seen }
            });
            followed.seen.insert(path, seen);
        }
        Ok(late)
    }

    /// The state of a file or folder now.
    fn look_at(&self, path: &Path) -> Seen {
        let Ok(metadata) = std::fs::metadata(path) else { return Seen::Missing };
        if metadata.is_dir() {
            let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            let entries = entries.filter(|entry| entry.path() != self.run_folder);
            // An empty folder has nothing that anyone reads, such as `runs/` beside the run folder.
            let seen = entries.map(|entry| (entry.path(), self.look_within(&entry)));
            return Seen::Folder(seen.filter(|(_, seen)| *seen != Seen::Folder(BTreeMap::new())).collect());
        }
        Seen::File { stamp: Stamp::from_metadata(&metadata), modified: metadata.modified().ok() }
    }

    /// The state of a folder's entry. A link to a folder may lead in a circle, and is not followed.
    fn look_within(&self, entry: &std::fs::DirEntry) -> Seen {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link && path.is_dir() { Seen::Missing } else { self.look_at(&path) }
    }

    /// Whether a followed file was not there, or not as it is now, when it was last looked at.
    pub fn is_missing(&self, path: &Path) -> bool {
        lock(&self.followed).seen.get(&rooted(path)) == Some(&Seen::Missing)
    }

    /// The files that changed since the last call, or since they were first followed.
    pub fn changed(&self) -> Vec<PathBuf> {
        let mut followed = lock(&self.followed);
        let mut changed = Vec::new();
        for (path, seen) in &mut followed.seen {
            let now = self.look_at(path);
            if now != *seen {
                *seen = now;
                changed.push(path.clone());
            }
        }
        changed
    }
}

/// The path with its deepest existing folder in canonical form, as the system reports it.
fn rooted(path: &Path) -> PathBuf {
    for folder in path.ancestors().skip(1) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let (Ok(real), Ok(rest)) = (folder.canonicalize(), path.strip_prefix(folder).or(Ok::<_, ()>(path))) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

impl Seen {
    fn is_newer(&self, since: SystemTime) -> bool {
        match self {
            Self::Missing => false,
            Self::File { modified, .. } => modified.is_some_and(|modified| modified + GRANULARITY > since),
            Self::Folder(entries) => entries.values().any(|entry| entry.is_newer(since)),
        }
    }
}
