//! Packing: a script is run as ever, and what came of it becomes one page.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{ENDING, Opened, band, packed_name};
use crate::files::write_whole;
use crate::page::Recording;
use crate::script::frozen::DataFile;
use crate::script::{Diagnostic, Host, HostEvent, HostObserver, Outcome, Recipe, RunHandle, Settings, Status};
use crate::words::size;
use crate::{Error, Result};

/// How a recipe is packed.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// The file; `NAME.recipe.html` where it is not given.
    pub file: Option<PathBuf>,
    /// Time for the bands of rounding; none are measured in no time.
    pub bands: Duration,
    /// Bytes of the largest file of the project that goes in.
    pub with_data: u64,
    /// Whether a run with failed points, or one that was stopped, is packed.
    pub partial: bool,
}

/// What came of packing.
pub struct Packed {
    pub file: PathBuf,
    pub bytes: usize,
    pub recipe: Recipe,
    /// Points that have a band of rounding.
    pub banded: usize,
    pub outcome: Outcome,
    /// Files of the project that the script reads and that are not in the recipe.
    pub left_out: Vec<String>,
}

/// Runs a script or a recipe and packs what came of it. `handle` and `observer` are those of the run.
///
/// # Errors
/// The script is wrong, points failed or are missing and `partial` is not asked for, or the file cannot be written: everything
/// that is to say about it.
pub fn pack(
    path: &Path,
    settings: Settings,
    options: &PackOptions,
    handle: &RunHandle,
    observer: Arc<HostObserver>,
) -> Result<Packed, Vec<Diagnostic>> {
    let one = |error: Error| vec![Diagnostic::from(error)];
    let opened = Opened::open(path).map_err(one)?;
    let script = opened.as_ref().map_or_else(|| path.to_owned(), Opened::script);
    let make = |settings: Settings| {
        opened.as_ref().map_or_else(|| Host::new(settings.clone()), |opened| opened.host(settings.clone()))
    };
    let place =
        tempfile::tempdir().map_err(|error| one(Error::new(format!("no room for the run's files: {error}"))))?;
    let given = settings.out.clone();
    let running = Settings { out: given.or_else(|| Some(place.path().join("out"))), ..settings.clone() };
    let recording = Recording::new();
    let shows = recording.clone();
    let observe = move |event: HostEvent<'_>| {
        shows.on_event(&event);
        observer(event);
    };
    let host = make(running).with_handle(handle.clone()).with_observer(Arc::new(observe));
    let mut outcome = host.run(&script);
    let Some(mut recipe) = outcome.recipe.take().map(|recipe| *recipe) else {
        return Err(if outcome.status == Status::Interrupted {
            one(Error::interrupted())
        } else {
            outcome.diagnostics
        });
    };
    refuse_partial(&outcome, options.partial)?;
    recording.end(&outcome);
    recipe.thumbnail = recording.thumbnail().map_err(one)?;
    let file = options.file.clone().unwrap_or_else(|| packed_name(&recipe.script));
    refuse_to_replace(&file).map_err(one)?;
    let project = host.settings().project.clone().or_else(|| script.parent().map(Path::to_owned)).unwrap_or_default();
    let left_out = put_files_in(&mut recipe, &project, options.with_data).map_err(one)?;
    let again = |own: Settings| make(Settings { out: own.out, store_dir: own.store_dir, ..settings.clone() });
    // Without the observer: what the script prints was printed.
    let quiet = make(host.settings().clone());
    recipe.work = quiet.evaluated(&script, |evaluated| evaluated.estimate_of_all().operations).unwrap_or_default();
    let banded = match options.bands {
        Duration::ZERO => 0,
        budget => band::measure(&mut recipe, &script, &again, budget).map_err(one)?,
    };
    let page = super::page::page(&recipe, &recording, &host, &file).map_err(one)?;
    write_whole(&file, page.as_bytes()).map_err(one)?;
    Ok(Packed { bytes: page.len(), file, recipe, banded, outcome, left_out })
}

fn refuse_partial(outcome: &Outcome, is_partial: bool) -> Result<(), Vec<Diagnostic>> {
    let failed = outcome.points.failed;
    let what = match outcome.status {
        Status::Done => return Ok(()),
        _ if is_partial => return Ok(()),
        Status::Interrupted => "the run was stopped".to_owned(),
        Status::PointsFailed if failed == 1 => "1 point failed".to_owned(),
        Status::PointsFailed => format!("{failed} points failed"),
        Status::ScriptWrong | Status::NotWritten => "not every output could be made".to_owned(),
    };
    let error = Error::new(format!("nothing is packed: {what}"))
        .hint("pack what there is, marked as a part: --partial; what was computed is kept");
    Err(std::iter::once(error.into()).chain(outcome.diagnostics.iter().cloned()).collect())
}

/// A file that is there is replaced only by its own kind.
fn refuse_to_replace(file: &Path) -> Result<()> {
    if !file.exists() || Recipe::read(file).is_ok() {
        return Ok(());
    }
    Err(Error::new(format!("{} is there and is not a recipe: it would be written over", file.display()))
        .hint(format!("choose another name: -o NAME{ENDING}")))
}

/// Puts files of the project in, up to a size; returns those that stay out.
fn put_files_in(recipe: &mut Recipe, project: &Path, largest: u64) -> Result<Vec<String>> {
    let mut left_out = Vec::new();
    for (name, file) in &mut recipe.files {
        if file.bytes > largest {
            left_out.push(format!("{name} ({})", size(file.bytes as f64)));
            continue;
        }
        let path = project.join(name);
        let bytes = crate::files::read_file(&path).map_err(|error| Error::io("read", &path, &error))?;
        if blake3::hash(&bytes).to_hex().as_str() != file.blake3 {
            return Err(Error::new(format!("{} changed while the script ran", path.display())).hint("pack again"));
        }
        *file = DataFile::of(&bytes, true);
    }
    Ok(left_out)
}
