//! The file of one result: safetensors, with the result's name, its description and a hash in the header.
//!
//! The hash covers the whole file, its own digits taken as zeros, so that any changed byte is found, and a file with another
//! result's name is not taken for that result.

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use super::array::{Array, Data};
use super::{Described, Value};
use crate::{Error, Result};

/// The header's key for name, description and hash.
const METADATA: &str = "entroscope.2";
/// The same before this format. The hash was one of the numbers alone.
const METADATA_BEFORE: &str = "entroscope";

/// Digits of a hash.
const DIGITS: usize = 64;
const ZEROS: [u8; DIGITS] = [b'0'; DIGITS];

/// What a file holds.
pub(crate) enum Content {
    Whole(Value),
    /// A result in the earlier format.
    Outdated,
    /// Not what was written, and why.
    Damaged(Error),
}

/// The file of a result with this name.
///
/// # Errors
/// When it cannot be serialised.
pub(crate) fn encode(described: &Described, name: &str, value: &Value) -> Result<Vec<u8>> {
    let views = value.arrays().map(|(name, array)| {
        let (dtype, bytes) = match &array.data {
            Data::F32(data) => (Dtype::F32, bytemuck::cast_slice(data)),
            Data::F64(data) => (Dtype::F64, bytemuck::cast_slice(data)),
            Data::U32(data) => (Dtype::U32, bytemuck::cast_slice(data)),
        };
        Ok((name, TensorView::new(dtype, array.shape.clone(), bytes)?))
    });
    let zeros = String::from_utf8_lossy(&ZEROS);
    let metadata = json!({ "blake3": zeros, "description": described.description(), "name": name });
    let mut bytes = views
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .and_then(|views| safetensors::serialize(views, Some([(METADATA.into(), metadata.to_string())].into())))
        .map_err(|error| Error::new(format!("cannot serialise a result: {error}")))?;
    seal(&mut bytes).ok_or_else(|| Error::new("cannot serialise a result: its hash has no place"))?;
    Ok(bytes)
}

/// Writes the hash of a file in the place of its first zeros; gives the place, `None` where there is none.
pub(crate) fn seal(bytes: &mut [u8]) -> Option<Range<usize>> {
    let hash = blake3::hash(bytes).to_hex();
    let at = find(bytes, &ZEROS)?;
    bytes[at..at + DIGITS].copy_from_slice(hash.as_bytes());
    Some(at..at + DIGITS)
}

/// Reads and verifies the file of the result with this name.
pub(crate) fn decode(bytes: &[u8], name: &str) -> Content {
    match verified(bytes, name) {
        Ok(Some(value)) => Content::Whole(value),
        Ok(None) => Content::Outdated,
        Err(why) => Content::Damaged(why),
    }
}

/// The result, or `None` for one in the earlier format.
fn verified(bytes: &[u8], name: &str) -> Result<Option<Value>> {
    let wrong = |error: &dyn std::fmt::Display| Error::new(format!("not a whole safetensors file ({error})"));
    let file = SafeTensors::deserialize(bytes).map_err(|error| wrong(&error))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| wrong(&error))?;
    let metadata = header.metadata().as_ref();
    if metadata.is_some_and(|metadata| metadata.contains_key(METADATA_BEFORE)) {
        return Ok(None);
    }
    let ours: serde_json::Value = metadata
        .and_then(|metadata| serde_json::from_str(metadata.get(METADATA)?).ok())
        .ok_or_else(|| wrong(&"no hash in its header"))?;
    let text = |key: &str| ours[key].as_str().unwrap_or_default();
    check_hash(bytes, text("blake3"))?;
    if text("name") != name {
        return Err(Error::new(format!("it holds the result {}…", text("name").get(..8).unwrap_or_default())));
    }
    file.tensors()
        .iter()
        .try_fold(Value::default(), |value, (name, view)| {
            let data: Data = match view.dtype() {
                Dtype::F32 => bytemuck::pod_collect_to_vec::<u8, f32>(view.data()).into(),
                Dtype::F64 => bytemuck::pod_collect_to_vec::<u8, f64>(view.data()).into(),
                Dtype::U32 => bytemuck::pod_collect_to_vec::<u8, u32>(view.data()).into(),
                other => return Err(Error::new(format!("array {name:?} has the unexpected type {other:?}"))),
            };
            Ok(value.with_array(name, Array { shape: view.shape().to_vec(), data }))
        })
        .map(Some)
}

/// # Errors
/// When the file's hash, with zeros in place of its digits, is not `expected`.
fn check_hash(bytes: &[u8], expected: &str) -> Result<()> {
    let digits = Some(expected.as_bytes()).filter(|digits| digits.len() == DIGITS);
    let at = digits.and_then(|digits| find(bytes, digits)).ok_or_else(|| Error::new("its header has no whole hash"))?;
    let mut hash = blake3::Hasher::new();
    hash.update(&bytes[..at]).update(&ZEROS).update(&bytes[at + DIGITS..]);
    let found = hash.finalize().to_hex();
    if found.as_str() == expected {
        return Ok(());
    }
    let expected = expected.get(..8).unwrap_or_default();
    Err(Error::new(format!("its content hashes to {}…, its header says {expected}…", &found[..8])))
}

/// Where `digits` stand in a file. The hash is the first entry of its header: keys are sorted.
fn find(bytes: &[u8], digits: &[u8]) -> Option<usize> {
    bytes.windows(DIGITS).position(|window| window == digits)
}

/// The name of the operation in a file's header.
pub(super) fn operation_in(path: &Path) -> Option<String> {
    let mut file = path.is_file().then(|| fs::File::open(path).ok())??;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length).min(1 << 20)).read_to_end(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    let ours = [METADATA, METADATA_BEFORE].into_iter().find_map(|key| header["__metadata__"][key].as_str())?;
    let ours: serde_json::Value = serde_json::from_str(ours).ok()?;
    Some(ours["description"]["operation"].as_str()?.to_owned())
}
