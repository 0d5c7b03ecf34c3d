//! The identity of a file's content, remembered: hashing 47 MB takes a while, and a script's second run should not
//! repeat it. Remembered beside path, length and time of change; whoever reads the content later checks it again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::files::write_whole;
use crate::{Error, Result};

/// Part of the file's format: another number is another format, and is ignored.
const VERSION: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct Memory {
    version: u32,
    files: BTreeMap<String, Remembered>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    /// Bytes on disk.
    length: u64,
    /// Nanoseconds since 1970, as text: JSON's numbers are too short for it.
    modified: String,
    /// BLAKE3 of the raw content; of weights, that of every array.
    content: String,
}

/// The hash of a file's raw content: remembered, or else from `compute`, and then remembered.
pub(crate) fn identity(memory: Option<&Path>, file: &Path, compute: impl FnOnce() -> Result<String>) -> Result<String> {
    // Anything that keeps it from remembering only costs time, so it is not an error.
    let stamp = stamp(file);
    if let (Some(memory), Some((key, length, modified))) = (memory, &stamp)
        && let Some(found) = load(memory).files.remove(key)
        && (found.length, &found.modified) == (*length, modified)
    {
        return Ok(found.content);
    }
    let content = compute()?;
    if let (Some(memory), Some((key, length, modified))) = (memory, stamp) {
        let mut files = load(memory).files;
        files.insert(key, Remembered { length, modified, content: content.clone() });
        files.retain(|path, _| Path::new(path).exists());
        let _ = save(memory, &Memory { version: VERSION, files });
    }
    Ok(content)
}

/// The error for a file whose content turned out to be another than was remembered; forgets it.
pub(crate) fn changed(memory: Option<&Path>, file: &Path) -> Error {
    if let (Some(memory), Some((key, ..))) = (memory, stamp(file)) {
        let mut files = load(memory).files;
        if files.remove(&key).is_some() {
            let _ = save(memory, &Memory { version: VERSION, files });
        }
    }
    Error::new(format!("{} has changed since it was opened", file.display())).hint("run again")
}

/// Absolute path, length and time of change.
fn stamp(file: &Path) -> Option<(String, u64, String)> {
    let metadata = file.metadata().ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos().to_string();
    Some((file.canonicalize().ok()?.to_str()?.to_owned(), metadata.len(), modified))
}

fn load(memory: &Path) -> Memory {
    let read = std::fs::read(memory).ok().and_then(|bytes| serde_json::from_slice::<Memory>(&bytes).ok());
    read.filter(|read| read.version == VERSION).unwrap_or_default()
}

fn save(memory: &Path, content: &Memory) -> Result<()> {
    let text = serde_json::to_vec_pretty(content).map_err(|error| Error::new(format!("cannot serialise: {error}")))?;
    write_whole(memory, &text)
}
