//! PyTorch's checkpoints, .pth and .pt: a pickle that names the arrays, and their bytes beside it. Burn's reader opens them
//! without executing the pickle, and reads array by array.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};

pub(super) use pytorch_reader::Tensor;

use super::float::{Float, PIECE};
use super::{Location, StoredArray};
use crate::{Error, Result};

/// The arrays that a file's header names.
pub(super) fn open(path: &Path, name: &str) -> Result<BTreeMap<String, StoredArray>> {
    let reader = PytorchReader::new(path).map_err(|error| {
        Error::new(format!("{name} is not a checkpoint of PyTorch that can be read: {error}"))
            .hint("save it again with `torch.save(model.state_dict(), …)`, or as .safetensors")
    })?;
    let length = path.metadata().map_err(|error| Error::io("read", Path::new(name), &error))?.len();
    let stored = |tensor: Tensor| StoredArray {
        shape: tensor.shape().to_vec(),
        float: match tensor.byte_len() as u64 {
            // A stride of 0 can repeat a few stored numbers without end.
            bytes if bytes > length => Err(format!("{bytes} bytes in a file of {length}")),
            _ => float(tensor.dtype()),
        },
        location: Location::InCheckpoint(tensor),
    };
    Ok(reader.into_tensors().into_iter().map(|(name, tensor)| (name, stored(tensor))).collect())
}

fn float(dtype: DType) -> Result<Float, String> {
    match dtype {
        DType::F16 => Ok(Float::F16),
        DType::BF16 => Ok(Float::BF16),
        DType::F32 => Ok(Float::F32),
        DType::F64 => Ok(Float::F64),
        other => Err(format!("{other:?}")),
    }
}

/// An array's numbers. The reader returns bytes; they are converted from the last to the first and freed on the way, so that
/// bytes and numbers are never in memory as a whole at the same time.
pub(super) fn read(tensor: &Tensor, float: Float) -> io::Result<Vec<f32>> {
    let mut bytes = tensor.read()?;
    let mut numbers = vec![0.0; tensor.num_elements()];
    for piece in numbers.rchunks_mut(PIECE.max(tensor.num_elements() / 64)) {
        let rest = bytes.len() - piece.len() * float.size();
        float.convert(&bytes[rest..], piece);
        bytes.truncate(rest);
        bytes.shrink_to_fit();
    }
    Ok(numbers)
}
