//! Where data files are: a flag, the environment, the platform's cache folder.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The environment variable that names a data folder.
pub const DATA_VARIABLE: &str = "ENTROSCOPE_DATA";

/// Folders that data files are looked for in, in this order; downloads go to the first. Files of `mnist` lie in its
/// subfolder `mnist`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    candidates: Vec<PathBuf>,
    digest_cache: Option<PathBuf>,
}

impl Folders {
    /// The folder of a flag if there is one, that of `ENTROSCOPE_DATA` if it is set, and `entroscope/data` in the
    /// platform's cache folder.
    pub fn new(flag: Option<PathBuf>) -> Self {
        let cache = dirs::cache_dir().map(|cache| cache.join("entroscope"));
        let variable = std::env::var_os(DATA_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let candidates = [flag, variable, cache.as_ref().map(|cache| cache.join("data"))];
        Self::at(candidates.into_iter().flatten().collect(), cache.map(|cache| cache.join("content.json")))
    }

    /// These folders, and the file that caches hashes of content; without one, they are computed every time.
    pub fn at(mut candidates: Vec<PathBuf>, digest_cache: Option<PathBuf>) -> Self {
        let all = candidates.clone();
        let mut position = 0..;
        candidates.retain(|folder| position.next().is_some_and(|i: usize| !all[..i].contains(folder)));
        Self { candidates, digest_cache }
    }

    /// Where to look, in this order.
    pub fn candidates(&self) -> &[PathBuf] {
        &self.candidates
    }

    /// Where downloads go.
    ///
    /// # Errors
    /// The platform has no cache folder for this user, and no other folder is named.
    pub fn download_dir(&self) -> Result<&Path> {
        self.candidates.first().map(PathBuf::as_path).ok_or_else(|| {
            Error::new("there is no folder for data: this user has no cache folder")
                .hint(format!("name one: `--data-dir DIR`, or the environment variable {DATA_VARIABLE}"))
        })
    }

    /// The file that caches hashes of content.
    pub(crate) fn digest_cache(&self) -> Option<&Path> {
        self.digest_cache.as_deref()
    }
}
