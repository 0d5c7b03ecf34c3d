//! PyTorch's checkpoints: a pickle that names the arrays, and their bytes beside it. Burn's reader opens them
//! without executing the pickle, and reads array by array.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};

pub(super) use pytorch_reader::Tensor;

use super::float::{Float, PIECE};
use super::{Location, StoredArray};
use crate::files::regular::open_regular;
use crate::{Error, Result};

/// The arrays that a file's header names.
pub(super) fn open(path: &Path, name: &str) -> Result<BTreeMap<String, StoredArray>> {
    let reader = PytorchReader::new(path).map_err(|error| refusal(path, name, &error.to_string()))?;
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

/// The first and the last megabyte of a file: beginnings of pickles, and the contents of a zip archive.
fn ends(path: &Path) -> io::Result<Vec<u8>> {
    let (mut file, mut bytes) = (open_regular(path)?, Vec::new());
    file.by_ref().take(1 << 20).read_to_end(&mut bytes)?;
    let rest = file.metadata()?.len().saturating_sub(1 << 20).max(bytes.len() as u64);
    file.seek(SeekFrom::Start(rest))?;
    file.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The error for a file that begins like a checkpoint and is none that can be read, with the reader's reason.
fn refusal(path: &Path, name: &str, why: &str) -> Error {
    let bytes = ends(path).unwrap_or_default();
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let wrong = |what: &str| Error::new(format!("{name} is not a PyTorch checkpoint that can be read: {what}"));
    let again = "fetch it again, or save it again with `torch.save(model.state_dict(), …)`, or as .safetensors";
    let is_zip = bytes.starts_with(b"PK");
    if is_zip && !holds(b"PK\x05\x06") {
        return wrong("it ends early, like a download that broke off").hint("fetch it again, or save it again");
    }
    if is_zip && holds(b".npy") {
        return wrong("it is a NumPy archive (.npz)").hint("its arrays are read by `load_tensors`");
    }
    if is_zip && !holds(b"data.pkl") {
        return wrong("it is a zip archive of other files").hint("unpack it, and name the file of weights in it");
    }
    // PyTorch keeps the source of a module's classes beside it, under this name.
    if bytes.starts_with(b"\x80\x02\x8a\x0a") && (holds(b"X\x06\0\0\0module") || holds(b"U\x06module")) {
        return wrong("it holds a whole module in the old format, with the code of its classes").hint(again);
    }
    wrong(why).hint(again)
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
