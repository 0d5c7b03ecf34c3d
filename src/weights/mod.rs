//! Weights in files, by name: .safetensors, and PyTorch's checkpoints. Content decides between them, whatever the file's name.
//! Opening a file reads the names, types and shapes of its arrays; their numbers are read array by array, when an operation
//! runs.

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
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use match_names::Naming;
pub use read::Wanted;
pub(crate) use save::save;

use crate::files::digest_cache;
use crate::files::kind::{Kind, START};
use crate::files::regular::open_regular;
use crate::files::stamp::Stamp;
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
    /// The file's stamp before its header was read: places of arrays hold for that file.
    stamp: Stamp,
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

/// What is taken for weights, in a message.
const TAKEN: &str = "weights are read from .safetensors, and from PyTorch's checkpoints (.pth, .pt, .ckpt, .bin); content \
                     decides, not the name";

enum Format {
    Safetensors,
    Checkpoint,
}

/// The format of a file by its first bytes; by its name only where they say nothing. If it is none of them, what it is.
fn format(path: &Path) -> io::Result<Result<Format, Option<Kind>>> {
    let mut start = Vec::new();
    open_regular(path)?.take(START).read_to_end(&mut start)?;
    let is_pickle = start.first() == Some(&0x80) && start.get(8) != Some(&b'{');
    if is_pickle || start.starts_with(b"PK") || start.get(257..262) == Some(b"ustar") {
        return Ok(Ok(Format::Checkpoint));
    }
    // The length of the header, then its first character.
    if start.get(3..9) == Some(b"\0\0\0\0\0{") {
        return Ok(Ok(Format::Safetensors));
    }
    let kind = Kind::of(&start);
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    Ok(match ending.as_deref() {
        Some("safetensors") if kind.is_none() || start.len() < 9 && !start.is_empty() => Ok(Format::Safetensors),
        Some("pth" | "pt" | "ckpt" | "bin") if kind.is_none() => Ok(Format::Checkpoint),
        _ => Err(kind),
    })
}

/// The hash of an array: the same for the same shape and single-precision numbers, wherever they come from.
pub(crate) fn array_hash(shape: &[usize], numbers: &[f32]) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{shape:?}\n").as_bytes()).update(bytemuck::cast_slice(numbers));
    hash.finalize().to_hex().to_string()
}

impl WeightFile {
    /// Reads a file's header. Messages call the file `name`; `cache` is the file that caches hashes.
    ///
    /// # Errors
    /// The file is of no known format, or not whole.
    pub fn open(path: &Path, name: &str, cache: Option<&Path>) -> Result<Self> {
        let failed = |error: io::Error| Error::io("read", Path::new(name), &error);
        let stamp = Stamp::of(path).map_err(failed)?;
        let (tensors, metadata) = match format(path).map_err(failed)? {
            Ok(Format::Safetensors) => safetensors::open(path, name)?,
            Ok(Format::Checkpoint) => (pytorch::open(path, name)?, BTreeMap::new()),
            Err(kind) => return Kind::refusal(kind, name, TAKEN),
        };
        let (path, name, cache) = (path.to_owned(), name.to_owned(), cache.map(Path::to_owned));
        Ok(Self { path, name, tensors, metadata, cache, stamp })
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
    pub(crate) fn hashes(&self) -> Result<BTreeMap<String, String>> {
        let lines = digest_cache::content_hash(self.cache.as_deref(), &self.path, || {
            let floats = self.tensors.iter().filter(|(_, stored)| stored.float.is_ok());
            floats.map(|(name, stored)| Ok(format!("{} {name}\n", self.read(name, stored)?.1))).collect()
        })?;
        // Places in another file's header mean nothing here, and its hashes would be those of other bytes.
        if Stamp::of(&self.path).ok().as_ref() != Some(&self.stamp) {
            return Err(self.changed());
        }
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
        if float == Float::F64 && numbers.iter().any(|number| number.is_infinite()) {
            let message = format!("{name} in {} holds numbers that are infinite in single precision", self.name);
            return Err(Error::new(message).hint("single precision ends at 3.4e38"));
        }
        let hash = array_hash(&stored.shape, &numbers);
        Ok((numbers, hash))
    }

    fn changed(&self) -> Error {
        digest_cache::changed(self.cache.as_deref(), &self.path)
    }
}
