//! What was learnt of a file by reading all of it, remembered: hashing 47 MB, or decoding a thousand photographs, takes a
//! while, and a script's second run should not repeat it. Remembered beside path, length and time of change; whoever reads
//! the content later checks it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::photos::Verdict;
use crate::files::write_whole;
use crate::{Error, Result};

/// Part of the file's format: another number is another format, and is ignored.
const VERSION: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
struct Written {
    version: u32,
    files: BTreeMap<String, Remembered>,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    /// Bytes on disk.
    length: u64,
    /// Nanoseconds since 1970, as text: JSON's numbers are too short for it.
    modified: String,
    #[serde(flatten)]
    facts: Facts,
}

/// What is remembered of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// BLAKE3 of the raw content; of weights, that of every array.
    pub(super) content: String,
    /// What it is as a picture, if it was looked at as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) picture: Option<Verdict>,
}

/// The memory, while files are looked at: read once, written once.
pub(super) struct Memory {
    place: Option<PathBuf>,
    known: BTreeMap<String, Remembered>,
    learnt: BTreeMap<String, Remembered>,
}

impl Memory {
    /// What is remembered in a file; nothing where there is none. Anything that keeps it from remembering only costs
    /// time, so it is not an error.
    pub(super) fn open(place: Option<&Path>) -> Self {
        let known = place.map(load).unwrap_or_default();
        Self { place: place.map(Path::to_owned), known, learnt: BTreeMap::new() }
    }

    /// What is known of a file, if it has not changed since.
    pub(super) fn recall(&self, file: &Path) -> Option<&Facts> {
        let (key, length, modified) = self.place.as_ref().and_then(|_| stamp(file))?;
        let known = self.known.get(&key)?;
        ((known.length, &known.modified) == (length, &modified)).then_some(&known.facts)
    }

    /// Keeps what was found out.
    pub(super) fn learn(&mut self, file: &Path, facts: Facts) {
        if let Some((key, length, modified)) = self.place.as_ref().and_then(|_| stamp(file)) {
            self.learnt.insert(key, Remembered { length, modified, facts });
        }
    }

    /// Writes what was learnt beside what others have learnt meanwhile.
    pub(super) fn save(self) {
        if let (Some(place), false) = (self.place, self.learnt.is_empty()) {
            let mut files = load(&place);
            files.extend(self.learnt);
            files.retain(|path, _| Path::new(path).exists());
            let _ = save(&place, files);
        }
    }
}

/// The hash of a file's raw content: remembered, or else from `compute`, and then remembered.
pub(crate) fn identity(memory: Option<&Path>, file: &Path, compute: impl FnOnce() -> Result<String>) -> Result<String> {
    let mut memory = Memory::open(memory);
    if let Some(known) = memory.recall(file) {
        return Ok(known.content.clone());
    }
    let content = compute()?;
    memory.learn(file, Facts { content: content.clone(), picture: None });
    memory.save();
    Ok(content)
}

/// The error for a file whose content turned out to be another than was remembered; forgets it.
pub(crate) fn changed(memory: Option<&Path>, file: &Path) -> Error {
    if let (Some(memory), Some((key, ..))) = (memory, stamp(file)) {
        let mut files = load(memory);
        if files.remove(&key).is_some() {
            let _ = save(memory, files);
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

fn load(memory: &Path) -> BTreeMap<String, Remembered> {
    let read = std::fs::read(memory).ok().and_then(|bytes| serde_json::from_slice::<Written>(&bytes).ok());
    read.filter(|read| read.version == VERSION).unwrap_or_default().files
}

fn save(memory: &Path, files: BTreeMap<String, Remembered>) -> Result<()> {
    let text = serde_json::to_vec_pretty(&Written { version: VERSION, files })
        .map_err(|error| Error::new(format!("cannot serialise: {error}")))?;
    write_whole(memory, &text)
}
