//! Writes weights array by array into a .safetensors file that PyTorch can read.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorInfo};
use serde_json::json;

use crate::files::write_whole_by;
use crate::{Error, Result};

/// Key of the header's entries beside the arrays.
const METADATA: &str = "__metadata__";

/// Writes arrays of these names and shapes, and other entries of the header; `arrays` yields their numbers in the same
/// order, one block at a time.
///
/// # Errors
/// Two arrays have the same name, `arrays` yields an error, or the file cannot be written.
pub(crate) fn save<'a>(
    path: &Path,
    names: &[(String, Vec<usize>)],
    metadata: &[(&str, String)],
    arrays: impl Iterator<Item = Result<Vec<Cow<'a, [f32]>>>>,
) -> Result<()> {
    let header = header(names, metadata)?;
    write_whole_by(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for block in arrays {
            block?.iter().try_for_each(|array| file.write_all(bytemuck::cast_slice(array)))?;
        }
        Ok(())
    })
}

fn header(names: &[(String, Vec<usize>)], metadata: &[(&str, String)]) -> Result<Vec<u8>> {
    let mut known = BTreeSet::new();
    if let Some((name, _)) = names.iter().find(|(name, _)| !known.insert(name)) {
        return Err(Error::new(format!("two arrays are called {name:?}; in a file each has its own name"))
            .hint("give the blocks other names with `named`"));
    }
    // Sorted, unlike the crate's own header, so that the same weights give the same file.
    let metadata: serde_json::Map<_, _> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let mut header = serde_json::Map::from_iter([(METADATA.to_owned(), metadata.into())]);
    // PyTorch's tools expect this entry.
    header[METADATA]["format"] = json!("pt");
    let mut at = 0;
    for (name, shape) in names {
        let start = at;
        at += shape.iter().product::<usize>() * size_of::<f32>();
        let info = TensorInfo { dtype: Dtype::F32, shape: shape.clone(), data_offsets: (start, at) };
        header.insert(name.clone(), json!(info));
    }
    let mut header = serde_json::Value::from(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}
