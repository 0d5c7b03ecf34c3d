//! The files and folders that a script may read: those in its project's folder and in the data folders.

use std::path::{Component, Path, PathBuf};

use super::session::Session;
use crate::files::regular::special;
use crate::{Error, Result};

impl Session {
    /// The file that a script means: it is in a folder that the script may read.
    ///
    /// # Errors
    /// There is none, or it is elsewhere.
    pub(super) fn readable_file(&self, path: &str) -> Result<PathBuf> {
        self.readable(path, "file", Path::is_file)
    }

    /// The folder that a script means: it is in one that the script may read.
    ///
    /// # Errors
    /// There is none, or it is elsewhere.
    pub(super) fn readable_folder(&self, path: &str) -> Result<PathBuf> {
        self.readable(path, "folder", Path::is_dir)
    }

    fn readable(&self, path: &str, what: &str, is_wanted: fn(&Path) -> bool) -> Result<PathBuf> {
        let folders: Vec<&Path> = self.readable_folders().collect();
        let (mut escapes, mut other) = (false, None);
        for folder in &folders {
            let Ok(folder) = folder.canonicalize() else { continue };
            if !Path::new(path).components().any(|part| part == Component::ParentDir) {
                self.handle.reads.note(&folder.join(path));
            }
            let Ok(found) = folder.join(path).canonicalize() else { continue };
            if found.starts_with(&folder) && is_wanted(&found) {
                self.handle.reads.note(&found);
                return Ok(found);
            }
            if found.starts_with(&folder)
                && let Ok(metadata) = found.metadata()
            {
                other = Some(special(&metadata).unwrap_or("it is a file, not a folder"));
            }
            escapes |= !found.starts_with(&folder);
        }
        if escapes {
            return Err(Error::new(format!("\"{path}\" leads out of the folders that a script may read"))
                .hint("a script reads only its project's folder (--project DIR) and that of data (--data-dir DIR)"));
        }
        if let Some(other) = other {
            return Err(Error::new(format!("\"{path}\" cannot be read: {other}")));
        }
        let absolute = |path: &Path| std::path::absolute(path).ok();
        let unwritten: Vec<PathBuf> = self.state().unwritten.iter().filter_map(|path| absolute(path)).collect();
        if folders.iter().filter_map(|folder| absolute(&folder.join(path))).any(|path| unwritten.contains(&path)) {
            return Err(Error::needs_results());
        }
        let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        Err(Error::new(format!("there is no {what} \"{path}\"")).hint(format!("looked in {}", folders.join(", "))))
    }
}
