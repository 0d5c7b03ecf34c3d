//! The pictures in a folder and its subfolders, by name.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Extensions of files that are opened, in lower case; their content decides between JPEG and PNG.
const READ: [&str; 5] = ["jpg", "jpeg", "jpe", "jfif", "png"];
/// Extensions of other pictures: a warning names those that are skipped.
const NOT_READ: [&str; 9] = ["avif", "bmp", "gif", "heic", "jp2", "ppm", "tif", "tiff", "webp"];

/// One file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Its path within the folder, with `/` between folders.
    pub(super) name: String,
}

/// A picture that is skipped.
#[derive(Debug)]
pub(super) struct Skipped {
    pub(super) name: String,
    /// A clause that follows its name.
    pub(super) why: String,
}

impl File {
    /// The subfolder that it is in, if it is in one.
    pub(super) fn subfolder(&self) -> Option<&str> {
        self.name.split_once('/').map(|(first, _)| first)
    }
}

/// All pictures, sorted by name, folder by folder; and what is skipped.
pub(super) fn list(folder: &Path) -> Result<(Vec<File>, Vec<Skipped>)> {
    let mut listing = Listing { root: folder, files: Vec::new(), skipped: Vec::new() };
    listing.enter(folder, &mut Vec::new())?;
    Ok((listing.files, listing.skipped))
}

struct Listing<'a> {
    /// Canonical path; links may lead anywhere within it.
    root: &'a Path,
    files: Vec<File>,
    skipped: Vec<Skipped>,
}

impl Listing<'_> {
    fn enter(&mut self, folder: &Path, names: &mut Vec<String>) -> Result<()> {
        let failed = |error: std::io::Error| Error::io("read the folder", folder, &error);
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            names.push(name);
            if entry.file_type().map_err(failed)?.is_dir() {
                self.enter(&entry.path(), names)?;
            } else {
                self.add(entry.path(), names.join("/"));
            }
            names.pop();
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, name: String) {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let why = if NOT_READ.contains(&ending.as_str()) {
            "only JPEG and PNG are read"
        } else if path.is_dir() {
            "it is a link to a folder"
        } else if READ.contains(&ending.as_str()) {
            match path.canonicalize() {
                Ok(path) if path.starts_with(self.root) => return self.files.push(File { path, name }),
                Ok(_) => "it is a link that leads out of the folder",
                Err(_) => "it is a link that leads nowhere",
            }
        } else {
            return;
        };
        self.skipped.push(Skipped { name, why: why.into() });
    }
}
