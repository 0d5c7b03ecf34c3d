//! A cache of what reading a whole file has shown: the hash of its content, and notes such as whether it decodes. Hashing
//! 47 MB, or decoding a thousand photographs, takes a while, and a script's second run should not repeat it. An entry is
//! valid for one path, length and modification time; code that reads the content later checks its hash again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::write_whole;
use crate::{Error, Result};

/// Version of the cache's file format; a file of another version is ignored.
const VERSION: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    version: u32,
    files: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// Bytes on disk.
    length: u64,
    /// Nanoseconds since 1970, as text: JSON's numbers are too short for it.
    modified: String,
    #[serde(flatten)]
    digest: Digest,
}

/// What is cached of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Digest {
    /// BLAKE3 of the raw content; for a file of weights, a line with the hash and name of each array.
    pub content: String,
    /// Anything else that was found out about the file, by topic.
    #[serde(flatten)]
    notes: Map<String, Value>,
}

impl Digest {
    /// A digest without notes.
    pub fn new(content: String) -> Self {
        Self { content, notes: Map::new() }
    }

    /// The note on a topic, if there is one and it is of this type.
    pub fn note<T: DeserializeOwned>(&self, topic: &str) -> Option<T> {
        T::deserialize(self.notes.get(topic)?).ok()
    }

    /// Adds a note; one that cannot be serialised is left out, and found out again next time.
    #[must_use]
    pub fn with_note(mut self, topic: &str, note: &impl Serialize) -> Self {
        if let Ok(note) = serde_json::to_value(note) {
            self.notes.insert(topic.to_owned(), note);
        }
        self
    }
}

/// The cache, loaded once for a batch of files and written once after it.
pub(crate) struct DigestCache {
    path: Option<PathBuf>,
    known: BTreeMap<String, Entry>,
    new: BTreeMap<String, Entry>,
}

impl DigestCache {
    /// Loads the cache from its file; empty where there is none. A cache that cannot be read or written only costs time,
    /// so that is not an error.
    pub fn open(path: Option<&Path>) -> Self {
        let known = path.map(load).unwrap_or_default();
        Self { path: path.map(Path::to_owned), known, new: BTreeMap::new() }
    }

    /// The digest of a file that has not changed since.
    pub fn get(&self, file: &Path) -> Option<&Digest> {
        let (key, length, modified) = self.path.as_ref().and_then(|_| stamp(file))?;
        let known = self.known.get(&key)?;
        ((known.length, &known.modified) == (length, &modified)).then_some(&known.digest)
    }

    /// Adds the digest of a file as it is now.
    pub fn insert(&mut self, file: &Path, digest: Digest) {
        if let Some((key, length, modified)) = self.path.as_ref().and_then(|_| stamp(file)) {
            self.new.insert(key, Entry { length, modified, digest });
        }
    }

    /// Writes the new digests, merged with those that other processes have written meanwhile.
    pub fn save(self) {
        if let (Some(path), false) = (self.path, self.new.is_empty()) {
            let mut files = load(&path);
            files.extend(self.new);
            files.retain(|path, _| Path::new(path).exists());
            let _ = save(&path, files);
        }
    }
}

/// The hash of a file's content: from the cache, or computed and then cached.
///
/// # Errors
/// Those of `compute`.
pub(crate) fn content_hash(
    cache: Option<&Path>,
    file: &Path,
    compute: impl FnOnce() -> Result<String>,
) -> Result<String> {
    let mut cache = DigestCache::open(cache);
    if let Some(known) = cache.get(file) {
        return Ok(known.content.clone());
    }
    let content = compute()?;
    cache.insert(file, Digest::new(content.clone()));
    cache.save();
    Ok(content)
}

/// Removes a file from the cache, and returns the error for a file whose content is no longer the cached one.
pub(crate) fn changed(cache: Option<&Path>, file: &Path) -> Error {
    if let (Some(cache), Some((key, ..))) = (cache, stamp(file)) {
        let mut files = load(cache);
        if files.remove(&key).is_some() {
            let _ = save(cache, files);
        }
    }
    Error::new(format!("{} has changed since it was opened", file.display())).hint("run again")
}

/// Absolute path, length and modification time.
fn stamp(file: &Path) -> Option<(String, u64, String)> {
    let metadata = file.metadata().ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos().to_string();
    Some((file.canonicalize().ok()?.to_str()?.to_owned(), metadata.len(), modified))
}

fn load(path: &Path) -> BTreeMap<String, Entry> {
    let stored = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
    stored.filter(|stored| stored.version == VERSION).unwrap_or_default().files
}

fn save(path: &Path, files: BTreeMap<String, Entry>) -> Result<()> {
    let text = serde_json::to_vec_pretty(&Stored { version: VERSION, files })
        .map_err(|error| Error::new(format!("cannot serialise: {error}")))?;
    write_whole(path, &text)
}
