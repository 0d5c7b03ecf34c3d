//! .safetensors: a JSON header with the location of each array, then the arrays. The format's own crate parses the header;
//! each array is read from its location, so that the file is never in memory as a whole.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata};

use super::float::{Float, PIECE};
use super::{Location, StoredArray};
use crate::files::regular::open_regular;
use crate::{Error, Result};

/// Bytes of the header's length, which precedes it.
const LENGTH: u64 = 8;
/// Longest header that is read, in bytes; the crate's own limit.
const LONGEST: u64 = 100_000_000;

type Header = (BTreeMap<String, StoredArray>, BTreeMap<String, String>);

/// A file's arrays and metadata, from its header.
pub(super) fn open(path: &Path, name: &str) -> Result<Header> {
    let failed = |error: io::Error| Error::io("read", Path::new(name), &error);
    let wrong = |what: String| {
        Error::new(format!("{name} is not a whole safetensors file: {what}")).hint("fetch it again, or save it again")
    };
    let mut file = open_regular(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut header = [0; LENGTH as usize];
    file.read_exact(&mut header).map_err(|_| wrong(format!("it has {length} bytes")))?;
    let header_length = u64::from_le_bytes(header);
    let start = LENGTH.saturating_add(header_length);
    if header_length > LONGEST || start > length {
        return Err(wrong(format!("its header should have {header_length} bytes, the file has {length}")));
    }
    let mut header = vec![0; header_length as usize];
    file.read_exact(&mut header).map_err(failed)?;
    let header: Metadata =
        serde_json::from_slice(&header).map_err(|error| wrong(format!("its header cannot be read ({error})")))?;
    let expected = start.saturating_add(header.data_len() as u64);
    if expected != length {
        return Err(wrong(format!("by its header it has {expected} bytes, found {length}")));
    }
    let stored = |info: &safetensors::tensor::TensorInfo| StoredArray {
        shape: info.shape.clone(),
        float: float(info.dtype),
        location: Location::At(start + info.data_offsets.0 as u64),
    };
    let tensors = header.tensors().into_iter().map(|(name, info)| (name, stored(info))).collect();
    Ok((tensors, header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()))
}

fn float(dtype: Dtype) -> Result<Float, String> {
    match dtype {
        Dtype::F16 => Ok(Float::F16),
        Dtype::BF16 => Ok(Float::BF16),
        Dtype::F32 => Ok(Float::F32),
        Dtype::F64 => Ok(Float::F64),
        other => Err(other.to_string()),
    }
}

/// `count` numbers from byte `place` of the file on.
pub(super) fn read(path: &Path, place: u64, float: Float, count: usize) -> io::Result<Vec<f32>> {
    let mut file = open_regular(path)?;
    file.seek(SeekFrom::Start(place))?;
    let mut numbers = vec![0.0; count];
    // Same byte order as in the file.
    if float == Float::F32 && cfg!(target_endian = "little") {
        file.read_exact(bytemuck::cast_slice_mut(&mut numbers))?;
        return Ok(numbers);
    }
    let mut bytes = vec![0; PIECE.min(count) * float.size()];
    for piece in numbers.chunks_mut(PIECE) {
        let bytes = &mut bytes[..piece.len() * float.size()];
        file.read_exact(bytes)?;
        float.convert(bytes, piece);
    }
    Ok(numbers)
}
