//! A cache of what reading a whole file has shown: the hash of its content, and notes such as whether it decodes. Hashing
//! 47 MB, or decoding a thousand photographs, takes a while, and a script's second run should not repeat it. The hash is
//! believed while the file's [`Stamp`] is the same and can be trusted; otherwise the file is hashed again. Notes hold for a
//! content, so they outlive a stamp. Code that reads the content later checks its hash once more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::stamp::Stamp;
use super::write_whole;
use crate::{Error, Result};

/// Version of the cache's file format; a file of another version is ignored.
const VERSION: u32 = 2;
/// How often a file that changes while it is hashed is hashed again.
const ATTEMPTS: usize = 3;

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    version: u32,
    files: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// What the file looked like before it was hashed and after it; `None` if that proves nothing later.
    stamp: Option<String>,
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
        let known = self.known.get(&key(file)?)?;
        let stamp = known.stamp.as_deref()?;
        Stamp::of(file).ok()?.is_trusted_as(stamp).then_some(&known.digest)
    }

    /// The digest that a file had, if its content is still the same by its hash.
    pub fn of_content(&self, file: &Path, content: &str) -> Option<&Digest> {
        let known = &self.known.get(&key(file)?)?.digest;
        (known.content == content).then_some(known)
    }

    /// Adds the digest of a file that had this stamp before it was read and after it.
    pub fn insert(&mut self, file: &Path, stamp: &Stamp, digest: Digest) {
        if let (Some(_), Some(key)) = (&self.path, key(file)) {
            self.new.insert(key, Entry { stamp: stamp.trusted(), digest });
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
/// Those of `compute`; or the file was written to whenever it was read.
pub(crate) fn content_hash(cache: Option<&Path>, file: &Path, compute: impl Fn() -> Result<String>) -> Result<String> {
    let mut cache = DigestCache::open(cache);
    if let Some(known) = cache.get(file) {
        return Ok(known.content.clone());
    }
    let (stamp, content) = unchanged(file, compute)?;
    cache.insert(file, &stamp, Digest::new(content.clone()));
    cache.save();
    Ok(content)
}

/// What `read` makes of a file that stays the same meanwhile, and the stamp of that file. One that is replaced or written to
/// while it is read is read again.
///
/// # Errors
/// Those of `read`; or the file changed every time.
pub(crate) fn unchanged<T>(file: &Path, read: impl Fn() -> Result<T>) -> Result<(Stamp, T)> {
    let stamp = || Stamp::of(file).map_err(|error| Error::io("read", file, &error));
    let mut before = stamp()?;
    for _ in 0..ATTEMPTS {
        let result = read();
        let after = stamp()?;
        if after == before {
            // The earlier one: what it is trusted for holds for all that was read.
            return Ok((before, result?));
        }
        before = after;
    }
    Err(Error::new(format!("{} changes while it is read", file.display())).hint("run again when it is whole"))
}

/// Removes a file from the cache, and returns the error for a file whose content is no longer the cached one.
pub(crate) fn changed(cache: Option<&Path>, file: &Path) -> Error {
    if let (Some(cache), Some(key)) = (cache, key(file)) {
        let mut files = load(cache);
        if files.remove(&key).is_some() {
            let _ = save(cache, files);
        }
    }
    Error::new(format!("{} has changed since it was opened", file.display())).hint("run again")
}

/// The name of a file in the cache: its absolute path.
fn key(file: &Path) -> Option<String> {
    Some(file.canonicalize().ok()?.to_str()?.to_owned())
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A writer that is faster than the reader, twice; then one that never ends.
    #[test]
    fn a_file_that_is_replaced_while_it_is_hashed_is_hashed_again() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("w.bin"), folder.path().join("content.json"));
        std::fs::write(&file, "one").unwrap();
        let reads = Cell::new(0);
        let hash = |last: usize| {
            content_hash(Some(&cache), &file, || {
                let text = std::fs::read_to_string(&file).unwrap();
                reads.set(reads.get() + 1);
                if reads.get() < last {
                    std::fs::write(folder.path().join("new"), ["two", "six"][reads.get() % 2]).unwrap();
                    std::fs::rename(folder.path().join("new"), &file).unwrap();
                }
                Ok(text)
            })
        };
        assert_eq!((hash(3).unwrap(), reads.get()), ("two".to_owned(), 3));
        reads.set(0);
        let error = hash(usize::MAX).unwrap_err();
        assert!(error.message.ends_with("w.bin changes while it is read"), "{error}");
    }
}
