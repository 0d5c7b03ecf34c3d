//! Weights in files, by name: .safetensors, and PyTorch's .pth and .pt. An opened file says what it holds; its numbers are
//! read array by array, when an operation wants them.

mod float;
mod match_names;
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

/// A file of weights: what it holds is known, its numbers are not read yet.
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    /// As the script calls it.
    name: String,
    tensors: BTreeMap<String, Held>,
    /// What its header says beside that.
    metadata: BTreeMap<String, String>,
    /// Where the hashes of its arrays are remembered.
    memory: Option<PathBuf>,
}

/// One array in a file.
#[derive(Debug)]
struct Held {
    shape: Vec<usize>,
    /// The type of its numbers; in words where no weights are of that type.
    float: Result<Float, String>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// So many bytes from the file's start.
    At(u64),
    InCheckpoint(pytorch_reader::Tensor),
}

impl WeightFile {
    /// Reads what a file says of itself. Messages call it `name`; hashes are remembered in the file `memory`.
    ///
    /// # Errors
    /// When it is of no known kind, or not whole.
    pub fn open(path: &Path, name: &str, memory: Option<&Path>) -> Result<Self> {
        let (tensors, metadata) = match path.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => safetensors::open(path, name)?,
            Some("pth" | "pt") => (pytorch::open(path, name)?, BTreeMap::new()),
            _ => return Err(Error::new(format!("{name}: weights are in a file .safetensors, .pth or .pt"))),
        };
        Ok(Self { path: path.to_owned(), name: name.to_owned(), tensors, metadata, memory: memory.map(Path::to_owned) })
    }

    /// As the script calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its header says beside the arrays.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The hashes of all arrays with numbers that weights can be, by name: remembered, or else from reading all of them.
    fn hashes(&self) -> Result<BTreeMap<String, String>> {
        let lines = digest_cache::content_hash(self.memory.as_deref(), &self.path, || {
            let floats = self.tensors.iter().filter(|(_, held)| held.float.is_ok());
            floats.map(|(name, held)| Ok(format!("{} {name}\n", self.read(name, held)?.1))).collect()
        })?;
        let split = |line: &str| line.split_once(' ').map(|(hash, name)| (name.to_owned(), hash.to_owned()));
        Ok(lines.lines().filter_map(split).collect())
    }

    /// An array's numbers, and their hash.
    fn read(&self, name: &str, held: &Held) -> Result<(Vec<f32>, String)> {
        let float = held.float.clone().map_err(Error::new)?;
        let numbers = match &held.place {
            Place::At(place) => safetensors::read(&self.path, *place, float, held.shape.iter().product()),
            Place::InCheckpoint(tensor) => pytorch::read(tensor, float),
        };
        let numbers = numbers.map_err(|error| match error.kind() {
            // It was long enough when it was opened.
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => Error::io(&format!("read {name} in"), &self.path, &error),
        })?;
        let mut hash = blake3::Hasher::new();
        hash.update(format!("{:?}\n", held.shape).as_bytes()).update(bytemuck::cast_slice(&numbers));
        Ok((numbers, hash.finalize().to_hex().to_string()))
    }

    fn changed(&self) -> Error {
        digest_cache::changed(self.memory.as_deref(), &self.path)
    }
}
