//! Unpacking: an editable project in a new folder.

use std::path::{Path, PathBuf};

use super::Opened;
use super::cite::{citation, crate_metadata};
use crate::files::write_whole;
use crate::{Error, Result};

/// Writes the files of a recipe into a folder that is empty or not there yet, with `CITATION.cff` and
/// `ro-crate-metadata.json`; returns them.
///
/// # Errors
/// Something is in the folder, or a file cannot be written.
pub fn unpack(opened: &Opened, folder: &Path) -> Result<Vec<PathBuf>> {
    let is_taken = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file();
    if is_taken {
        return Err(Error::new(format!("{} is there and not empty", folder.display()))
            .hint("name a new folder: nothing is written over"));
    }
    let recipe = &opened.recipe;
    let mut files: Vec<(String, Vec<u8>)> =
        recipe.sources.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect();
    for (name, file) in &recipe.files {
        if let Some(bytes) = file.bytes_inside()? {
            files.push((name.clone(), bytes));
        }
    }
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let metadata = serde_json::to_vec_pretty(&crate_metadata(recipe, &names)).unwrap_or_default();
    for (name, bytes) in [("CITATION.cff", citation(recipe).into_bytes()), ("ro-crate-metadata.json", metadata)] {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            files.push((name.to_owned(), bytes));
        }
    }
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        write_whole(&path, &bytes)?;
        written.push(path);
    }
    Ok(written)
}
