//! The run folder: the script as it ran, what it showed, and a record from which both can be made again.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Host, Outcome};
use crate::files::write_whole;
use crate::{Error, Result};

/// `runs/NAME` for `…/NAME.rhai`.
pub(super) fn usual(script: &Path) -> PathBuf {
    Path::new("runs").join(script.file_stem().unwrap_or(script.as_os_str()))
}

/// Makes the folder and puts the script into it.
pub(super) fn prepare(folder: &Path, script: &str) -> Result<()> {
    write_whole(&folder.join("script.rhai"), script.as_bytes())
        .map_err(|error| error.hint("choose another run folder: --out DIR"))
}

/// Writes `run.json`: versions, device, parameters, fingerprints, timings, and how the points fared.
pub(super) fn write_record(folder: &Path, script: &Path, host: &Host, outcome: &Outcome) -> Result<()> {
    let names = |paths: &[PathBuf]| -> Vec<String> {
        paths.iter().map(|path| path.strip_prefix(folder).unwrap_or(path).display().to_string()).collect()
    };
    let spent = outcome.report.spent.iter().map(|(name, (operations, seconds))| {
        (*name, json!({ "floating_point_operations": operations, "thread_seconds": seconds }))
    });
    let settings = host.settings();
    let record = json!({
        "script": script.display().to_string(),
        "entroscope": env!("CARGO_PKG_VERSION"),
        "burn": crate::device::BURN_VERSION,
        "generator": crate::random::GENERATOR,
        "device": settings.device,
        "numerics": host.device()?.numerics(),
        "threads": settings.threads,
        "parameters": outcome.params,
        "status": format!("{:?}", outcome.status),
        "points": outcome.points,
        "seconds": outcome.seconds,
        "seconds_of_work": outcome.seconds_of_work,
        "operations_run": outcome.report.ran,
        "operations_reused": outcome.report.reused,
        "spent": spent.map(|(name, spent)| (name.to_owned(), spent)).collect::<serde_json::Map<_, _>>(),
        "files": names(&outcome.files),
        "verdicts": outcome.verdicts,
        "diagnostics": outcome.diagnostics.iter().map(|d| d.message.clone()).collect::<Vec<_>>(),
        "results": outcome.results,
    });
    let path = folder.join("run.json");
    let text =
        serde_json::to_vec_pretty(&record).map_err(|error| Error::new(format!("cannot write run.json: {error}")))?;
    write_whole(&path, &text)
}
