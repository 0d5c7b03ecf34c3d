//! Results on disk: one file per result, named by its fingerprint, in the safetensors format.
//!
//! A file is written under a temporary name in the same folder, synced and renamed: many processes may share one store, and
//! a crash leaves either the whole result or none. Its hash is checked at every read; a damaged file is set aside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use super::array::{Array, Data};
use super::{Described, Fingerprint, Keep, Value};
use crate::files::{PARTIAL, write_whole};
use crate::lock::lock;
use crate::{Error, Result};

/// Default budget for large results, in bytes: the cascades of a few published figures.
pub const DEFAULT_BUDGET: u64 = 10 << 30;

/// The header's key for the description and the hash of the numbers.
const METADATA_KEY: &str = "entroscope";

/// A temporary file older than this was left by a process that died.
const ABANDONED: Duration = Duration::from_hours(24);

/// A folder of results.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    budget: u64,
    /// Bytes of all large results; `None` until they are first counted.
    large_bytes: Mutex<Option<u64>>,
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

/// The outcome of reading one result.
pub(crate) enum ReadOutcome {
    Whole(Value),
    Absent,
    /// The file was damaged and is set aside; the error says why.
    Damaged(Error),
}

struct File {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl File {
    /// Whether it is still being written, or was when its process died.
    fn is_partial(&self) -> bool {
        self.path.extension().is_none_or(|extension| extension == PARTIAL)
    }
}

impl Store {
    /// Opens a folder, which is created if it does not exist. Large results beyond `budget` bytes are removed, least
    /// recently used first.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(root: &Path, budget: u64) -> Result<Self> {
        for folder in ["small", "large"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(|error| {
                Error::io("make the store's folder", &folder, &error).hint("name another folder: --store DIR")
            })?;
        }
        Ok(Self { root: root.to_owned(), budget, large_bytes: Mutex::new(None) })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: Fingerprint, large: bool) -> PathBuf {
        let name = key.to_string();
        self.root.join(if large { "large" } else { "small" }).join(&name[..2]).join(name).with_extension("safetensors")
    }

    fn find(&self, key: Fingerprint) -> Option<PathBuf> {
        [false, true].map(|large| self.path(key, large)).into_iter().find(|path| path.exists())
    }

    /// Whether there is a result for `key`. It is verified only when it is read.
    pub fn contains(&self, key: Fingerprint) -> bool {
        self.find(key).is_some()
    }

    /// Reads and verifies a result, and marks it as used now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time of the last use decides what is removed first, not what a result holds"
    )]
    pub(crate) fn read(&self, key: Fingerprint) -> ReadOutcome {
        let Some(path) = self.find(key) else { return ReadOutcome::Absent };
        match fs::read(&path) {
            Ok(bytes) => match decode(&bytes) {
                Ok(value) => {
                    // Large results are removed by age. In a read-only store this fails, which does not matter.
                    let _ =
                        fs::File::options().append(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
                    ReadOutcome::Whole(value)
                }
                Err(why) => {
                    let aside = self.set_aside(&path);
                    ReadOutcome::Damaged(
                        Error::new(format!("stored result {} is damaged: {why}", path.display())).hint(aside),
                    )
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => ReadOutcome::Absent,
            Err(error) => ReadOutcome::Damaged(Error::io("read the stored result", &path, &error)),
        }
    }

    fn set_aside(&self, path: &Path) -> String {
        let folder = self.root.join("damaged");
        let aside = folder.join(path.file_name().unwrap_or_default());
        match fs::create_dir_all(&folder).and_then(|()| fs::rename(path, &aside)) {
            Ok(()) => format!("it was set aside as {} and will be computed again", aside.display()),
            Err(error) => format!("it could not be set aside ({error}); remove it by hand"),
        }
    }

    /// Writes a result, unless it is kept in memory only.
    pub(super) fn write(&self, key: Fingerprint, described: &Described, value: &Value) -> Result<()> {
        let large = match described.operation().keep() {
            Keep::InMemory => return Ok(()),
            Keep::Always => false,
            // It would be removed immediately.
            Keep::WithinBudget if value.bytes() as u64 > self.budget => return Ok(()),
            Keep::WithinBudget => true,
        };
        let path = self.path(key, large);
        let bytes = encode(described, value)?;
        write_whole(&path, &bytes).map_err(|error| {
            error.hint("make room with `entroscope store gc --keep SIZE`, or name another store: --store DIR")
        })?;
        if large { self.make_room(bytes.len() as u64) } else { Ok(()) }
    }

    /// Counts `added` more bytes and keeps the large results within the budget.
    fn make_room(&self, added: u64) -> Result<()> {
        let mut total = lock(&self.large_bytes);
        let counted = match *total {
            Some(bytes) => bytes + added,
            None => self.files("large")?.iter().map(|file| file.bytes).sum(),
        };
        // Removes more than needed, so that the folder is not listed at every write.
        *total = Some(if counted > self.budget { self.remove_oldest(self.budget / 10 * 9)? } else { counted });
        Ok(())
    }

    /// The results in a folder, least recently used first, without partial files.
    fn files(&self, folder: &str) -> Result<Vec<File>> {
        let mut files = self.entries(folder)?;
        files.retain(|file| !file.is_partial());
        Ok(files)
    }

    fn entries(&self, folder: &str) -> Result<Vec<File>> {
        let mut files = Vec::new();
        let root = self.root.join(folder);
        let list = |path: &Path| fs::read_dir(path).map_err(|error| Error::io("list", path, &error));
        for shelf in list(&root)?.flatten().filter(|entry| entry.path().is_dir()) {
            for entry in list(&shelf.path())?.flatten() {
                // Another process may have removed the file meanwhile.
                let Ok(metadata) = entry.metadata() else { continue };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push(File { path: entry.path(), bytes: metadata.len(), used });
            }
        }
        files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        Ok(files)
    }

    /// Removes large results, least recently used first, until at most `keep` bytes are left. Returns the bytes left.
    fn remove_oldest(&self, keep: u64) -> Result<u64> {
        let files = self.files("large")?;
        let mut left: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if left <= keep {
                break;
            }
            match fs::remove_file(&file.path) {
                Ok(()) => left -= file.bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => left -= file.bytes,
                Err(error) => return Err(Error::io("remove", &file.path, &error)),
            }
        }
        Ok(left)
    }

    /// Removes large results, least recently used first, until at most `keep` bytes are left, and partial files of
    /// processes that died.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn gc(&self, keep: u64) -> Result<StoreSummary> {
        for folder in ["small", "large"] {
            for file in self.entries(folder)?.iter().filter(|file| file.is_partial()) {
                if file.used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    fs::remove_file(&file.path).map_err(|error| Error::io("remove", &file.path, &error))?;
                }
            }
        }
        self.remove_oldest(keep)?;
        self.summary()
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
            damaged: fs::read_dir(self.root.join("damaged")).map_or(0, Iterator::count),
        })
    }

    /// Number and total size of the results of each operation, sorted by name: (name, results, bytes).
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn by_operation(&self) -> Result<Vec<(String, usize, u64)>> {
        let mut counts = std::collections::BTreeMap::<String, (usize, u64)>::new();
        for file in self.files("small")?.into_iter().chain(self.files("large")?) {
            let entry = counts.entry(operation_in(&file.path).unwrap_or_else(|| "unreadable".into())).or_default();
            *entry = (entry.0 + 1, entry.1 + file.bytes);
        }
        Ok(counts.into_iter().map(|(name, (results, bytes))| (name, results, bytes)).collect())
    }

    /// Reads and checks every result. Damaged ones are set aside. Returns the number of whole results and the errors of the
    /// others.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn verify(&self) -> Result<(usize, Vec<Error>)> {
        let (mut whole, mut damaged) = (0, Vec::new());
        for file in self.files("small")?.into_iter().chain(self.files("large")?) {
            match fs::read(&file.path).map_err(|error| Error::io("read", &file.path, &error)).and_then(|b| decode(&b)) {
                Ok(_) => whole += 1,
                Err(why) => {
                    let aside = self.set_aside(&file.path);
                    damaged.push(Error::new(format!("{}: {why}", file.path.display())).hint(aside));
                }
            }
        }
        Ok((whole, damaged))
    }
}

/// The hash of the numbers, with their names and shapes, sorted by name.
fn hash<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>) -> String {
    let mut hash = blake3::Hasher::new();
    for (name, shape, bytes) in tensors {
        hash.update(format!("{name} {shape:?} {}\n", bytes.len()).as_bytes()).update(bytes);
    }
    hash.finalize().to_hex().to_string()
}

fn encode(described: &Described, value: &Value) -> Result<Vec<u8>> {
    let views: Vec<(&str, Dtype, &[usize], &[u8])> = value
        .arrays()
        .map(|(name, array)| {
            let (dtype, bytes) = match &array.data {
                Data::F32(data) => (Dtype::F32, bytemuck::cast_slice(data)),
                Data::F64(data) => (Dtype::F64, bytemuck::cast_slice(data)),
                Data::U32(data) => (Dtype::U32, bytemuck::cast_slice(data)),
            };
            (name, dtype, array.shape.as_slice(), bytes)
        })
        .collect();
    let metadata = json!({
        "description": described.description(),
        "hash": hash(views.iter().map(|&(name, _, shape, bytes)| (name, shape, bytes))),
    });
    let views = views
        .into_iter()
        .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(dtype, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    views
        .and_then(|views| safetensors::serialize(views, Some([(METADATA_KEY.into(), metadata.to_string())].into())))
        .map_err(|error| Error::new(format!("cannot serialise a result: {error}")))
}

fn decode(bytes: &[u8]) -> Result<Value> {
    let wrong = |error: &dyn std::fmt::Display| Error::new(format!("not a whole safetensors file ({error})"));
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(|error| wrong(&error))?;
    let expected = header
        .metadata()
        .as_ref()
        .and_then(|metadata| serde_json::from_str::<serde_json::Value>(metadata.get(METADATA_KEY)?).ok())
        .and_then(|metadata| Some(metadata.get("hash")?.as_str()?.to_owned()))
        .ok_or_else(|| wrong(&"no hash in its header"))?;
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| wrong(&error))?;
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let found = hash(tensors.iter().map(|(name, view)| (name.as_str(), view.shape(), view.data())));
    if found != expected {
        return Err(Error::new(format!(
            "its numbers hash to {}…, its header says {}…",
            &found[..8],
            expected.get(..8).unwrap_or_default()
        )));
    }
    let mut value = Value::default();
    for (name, view) in &tensors {
        let data: Data = match view.dtype() {
            Dtype::F32 => bytemuck::pod_collect_to_vec::<u8, f32>(view.data()).into(),
            Dtype::F64 => bytemuck::pod_collect_to_vec::<u8, f64>(view.data()).into(),
            Dtype::U32 => bytemuck::pod_collect_to_vec::<u8, u32>(view.data()).into(),
            other => return Err(Error::new(format!("array {name:?} has the unexpected type {other:?}"))),
        };
        value = value.with_array(name, Array { shape: view.shape().to_vec(), data });
    }
    Ok(value)
}

/// The name of the operation in a file's header.
fn operation_in(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut file = fs::File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length).min(1 << 20)).read_to_end(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    let ours: serde_json::Value = serde_json::from_str(header["__metadata__"][METADATA_KEY].as_str()?).ok()?;
    Some(ours["description"]["operation"].as_str()?.to_owned())
}
