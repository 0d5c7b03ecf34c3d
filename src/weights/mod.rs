//! Weights in files, by name: .safetensors, and PyTorch's .pth and .pt. Opening a file reads the names, types and shapes of
//! its arrays; their numbers are read array by array, when an operation runs.

mod float;
mod match_names;
#[cfg(feature = "pytorch")]
mod pytorch;
#[cfg(not(feature = "pytorch"))]
#[path = "no_pytorch.rs"]
mod pytorch;
mod read;
mod safetensors;
mod save;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use match_names::Naming;
pub use read::Wanted;
pub(crate) use save::save;

use crate::files::digest_cache;
use crate::{Error, Result};
use float::Float;

/// An opened file of weights: its contents are known, but its numbers are not read yet.
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    /// The script's name for it.
    name: String,
    tensors: BTreeMap<String, StoredArray>,
    /// Other entries of its header.
    metadata: BTreeMap<String, String>,
    /// The file that caches the hashes of its arrays.
    cache: Option<PathBuf>,
}

/// One array in a file.
#[derive(Debug)]
struct StoredArray {
    shape: Vec<usize>,
    /// The type of its numbers; `Err` names a type that weights cannot have.
    float: Result<Float, String>,
    location: Location,
}

#[derive(Debug)]
enum Location {
    /// Bytes from the file's start.
    At(u64),
    #[cfg_attr(not(feature = "pytorch"), allow(dead_code, reason = "nothing opens a checkpoint"))]
    InCheckpoint(pytorch::Tensor),
}

impl WeightFile {
    /// Reads a file's header. Messages call the file `name`; `cache` is the file that caches hashes.
    ///
    /// # Errors
    /// The file is of no known format, or not whole.
    pub fn open(path: &Path, name: &str, cache: Option<&Path>) -> Result<Self> {
        let (tensors, metadata) = match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => safetensors::open(path, name)?,
            Some("pth" | "pt") => (pytorch::open(path, name)?, BTreeMap::new()),
            _ => return Err(Error::new(format!("{name}: weights are in a file .safetensors, .pth or .pt"))),
        };
        Ok(Self { path: path.to_owned(), name: name.to_owned(), tensors, metadata, cache: cache.map(Path::to_owned) })
    }

    /// The script's name for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An entry of its header beside the arrays.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// Hashes of all floating-point arrays, by name: from the cache, or else from reading all of them.
    fn hashes(&self) -> Result<BTreeMap<String, String>> {
        let lines = digest_cache::content_hash(self.cache.as_deref(), &self.path, || {
            let floats = self.tensors.iter().filter(|(_, stored)| stored.float.is_ok());
            floats.map(|(name, stored)| Ok(format!("{} {name}\n", self.read(name, stored)?.1))).collect()
        })?;
        let split = |line: &str| line.split_once(' ').map(|(hash, name)| (name.to_owned(), hash.to_owned()));
        Ok(lines.lines().filter_map(split).collect())
    }

    /// An array's numbers, and their hash.
    fn read(&self, name: &str, stored: &StoredArray) -> Result<(Vec<f32>, String)> {
        let float = stored.float.clone().map_err(Error::new)?;
        let numbers = match &stored.location {
            Location::At(place) => safetensors::read(&self.path, *place, float, stored.shape.iter().product()),
            Location::InCheckpoint(tensor) => pytorch::read(tensor, float),
        };
        let numbers = numbers.map_err(|error| match error.kind() {
            // The file was long enough when it was opened.
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => Error::io(&format!("read {name} in"), &self.path, &error),
        })?;
        let mut hash = blake3::Hasher::new();
        hash.update(format!("{:?}\n", stored.shape).as_bytes()).update(bytemuck::cast_slice(&numbers));
        Ok((numbers, hash.finalize().to_hex().to_string()))
    }

    fn changed(&self) -> Error {
        digest_cache::changed(self.cache.as_deref(), &self.path)
    }
}
