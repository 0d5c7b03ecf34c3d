//! PyTorch's checkpoints in a build without the feature `pytorch`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::StoredArray;
use super::float::Float;
use crate::{Error, Result};

/// There is none.
#[derive(Debug)]
pub(super) enum Tensor {}

pub(super) fn open(_: &Path, name: &str) -> Result<BTreeMap<String, StoredArray>> {
    let error = Error::new(format!("{name} is a checkpoint of PyTorch, which this build leaves out"));
    Err(error.hint("save it as .safetensors, or build with the feature `pytorch`"))
}

pub(super) fn read(tensor: &Tensor, _: Float) -> io::Result<Vec<f32>> {
    match *tensor {}
}
