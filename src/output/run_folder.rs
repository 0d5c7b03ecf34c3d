//! The run folder: the script as it ran, the files of its outputs, and `run.json`, the record of the run.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::files::write_whole;
use crate::{Error, Result};

/// The default run folder of a script: `runs/NAME` for `…/NAME.rhai`.
pub(crate) fn default_path(script: &Path) -> PathBuf {
    Path::new("runs").join(script.file_stem().unwrap_or(script.as_os_str()))
}

/// A path inside the run folder, as a script gives it.
///
/// # Errors
/// When it leads out of the run folder.
pub(crate) fn output_path(path: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || path.as_os_str().is_empty() {
        return Err(Error::new(format!("\"{}\" is not a name inside the run folder", path.display()))
            .hint("a script writes only there: give a plain name, and choose the folder with --out DIR"));
    }
    Ok(path.to_owned())
}

/// Creates the folder and writes the script into it.
///
/// # Errors
/// When the folder cannot be written to.
pub(crate) fn prepare(folder: &Path, script: &str) -> Result<()> {
    write_whole(&folder.join("script.rhai"), script.as_bytes())
        .map_err(|error| error.hint("choose another run folder: --out DIR"))
}

/// The content of `run.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    pub script: String,
    /// The version of this program.
    pub entroscope: &'static str,
    pub burn: &'static str,
    /// The random number generator.
    pub generator: &'static str,
    pub device: &'a str,
    pub numerics: &'a str,
    pub threads: usize,
    pub parameters: &'a BTreeMap<String, String>,
    pub status: String,
    /// The numbers of points that were computed, reused, and failed.
    pub points: serde_json::Value,
    pub seconds: f64,
    pub seconds_of_work: f64,
    pub operations_run: &'a BTreeMap<&'static str, usize>,
    pub operations_reused: &'a BTreeMap<&'static str, usize>,
    pub spent: BTreeMap<&'static str, Spent>,
    pub files: Vec<String>,
    pub verdicts: &'a [String],
    pub diagnostics: Vec<&'a str>,
    /// Every point with the fingerprint of its result.
    pub results: &'a [(String, String)],
}

/// The cost of all operations of one name.
#[derive(Debug, Serialize)]
pub(crate) struct Spent {
    pub floating_point_operations: f64,
    pub thread_seconds: f64,
}

/// Paths of files in the run folder, relative to it.
pub(crate) fn relative(folder: &Path, files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|path| path.strip_prefix(folder).unwrap_or(path).display().to_string()).collect()
}

/// Writes `run.json`.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_record(folder: &Path, record: &Record<'_>) -> Result<()> {
    // By way of a value: keys are sorted.
    let text = serde_json::to_value(record).and_then(|record| serde_json::to_vec_pretty(&record));
    let text = text.map_err(|error| Error::new(format!("cannot write run.json: {error}")))?;
    write_whole(&folder.join("run.json"), &text)
}
