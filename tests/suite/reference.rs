//! Numbers made elsewhere: narrow networks in `tests/reference`, and the published program's own in `../shared/reference`
//! beside the project, where that folder is.

use std::path::{Path, PathBuf};

use super::skip;

/// A file of `tests/reference`.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// A file or folder of `../shared`; the test is skipped where it is absent.
#[track_caller]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if !path.exists() {
        skip::skipped(skip::SHARED, &format!("{} is not here", path.display()));
    }
    path.exists().then_some(path)
}

/// The arrays of a safetensors file.
pub struct Tensors(Vec<u8>);

impl Tensors {
    /// Reads a file of `tests/reference`.
    pub fn read(name: &str) -> Self {
        Self(std::fs::read(path(name)).unwrap())
    }

    /// Reads a file of `../shared/reference`; the test is skipped where it is absent.
    #[track_caller]
    pub fn read_shared(name: &str) -> Option<Self> {
        shared(&format!("reference/{name}")).map(|path| Self(std::fs::read(path).unwrap()))
    }

    fn get<T>(&self, name: &str, then: impl FnOnce(safetensors::tensor::TensorView<'_>) -> T) -> T {
        then(safetensors::SafeTensors::deserialize(&self.0).unwrap().tensor(name).unwrap())
    }

    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.get(name, |tensor| tensor.shape().to_vec())
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        self.get(name, |tensor| bytemuck::pod_collect_to_vec(tensor.data()))
    }

    pub fn f64s(&self, name: &str) -> Vec<f64> {
        self.get(name, |tensor| bytemuck::pod_collect_to_vec(tensor.data()))
    }
}
