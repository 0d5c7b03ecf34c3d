//! One evaluation of a script: its parameters, axes, outputs and warnings.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use rhai::{Dynamic, EvalAltResult, NativeCallContext};

use super::diagnostic::{Diagnostic, Place};
use super::frozen::{DataUse, FrozenResult};
use super::guest::Guest;
use super::host::FrozenScript;
use super::loader::Loader;
use super::run_handle::RunHandle;
use super::settings::Settings;
use super::tensor_budget::TensorBudget;
use crate::allocation::{self, Unstopped};
use crate::data::Folders;
use crate::device::DeviceChoice;
use crate::executor::{Computed, DryRun, Estimate, Execution, Executor, Local, Points, Progress, ResultOfRow};
use crate::files::write_whole;
use crate::lock::{Guard, lock};
use crate::output::Output;
use crate::output::run_folder::RunFolder;
use crate::work::{Event, Fingerprint, Plan, Report, Resources, Store, Target};
use crate::{Error, Result};

/// What a native function returns: an [`Error`] turns into Rhai's by `?`, and gets the place of the call.
pub type Native<T> = std::result::Result<T, Box<EvalAltResult>>;

impl From<Error> for Box<EvalAltResult> {
    fn from(error: Error) -> Self {
        let position = rhai::Position::NONE;
        if error.needs_results {
            // The script cannot catch this: it would go on as if its work had failed.
            EvalAltResult::ErrorTerminated(Dynamic::from(error), position).into()
        } else {
            EvalAltResult::ErrorRuntime(Dynamic::from(error), position).into()
        }
    }
}

/// What happens while a script runs.
#[derive(Debug)]
pub enum HostEvent<'a> {
    /// The script printed.
    Printed(&'a str),
    /// Its text was read and compiled.
    Loaded,
    /// No mistake was found in it; evaluation begins.
    Checked,
    /// The script was evaluated: this is what it shows.
    Described(&'a Outputs),
    /// What is missing is known, if anything is; work begins when the observer returns.
    Planned(&'a Plan, Estimate),
    /// Work goes on.
    Work(Event<'a>),
    /// Everything planned is done, or was stopped.
    Finished,
}

/// One thing that a script shows, and the place that asked for it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub output: Arc<dyn Output>,
    pub place: Option<Place>,
}

/// All that a script shows, in its order.
pub type Outputs = Arc<[Shown]>;

impl<'a> From<Progress<'a>> for HostEvent<'a> {
    fn from(progress: Progress<'a>) -> Self {
        match progress {
            Progress::Planned(plan, estimate) => Self::Planned(plan, estimate),
            Progress::Work(event) => Self::Work(event),
            Progress::Finished => Self::Finished,
        }
    }
}

/// Receives the events of a run, from several threads.
pub type HostObserver = dyn Fn(HostEvent<'_>) + Send + Sync;

/// What a session is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Run,
    /// Nothing is computed or written.
    Check,
}

/// What a session is made from, beside its script.
pub(super) struct Setup {
    pub settings: Settings,
    pub handle: RunHandle,
    pub device: DeviceChoice,
    pub observer: Arc<HostObserver>,
    pub purpose: Purpose,
    pub guest: Arc<Guest>,
    /// See [`Resources::rounding`].
    pub rounding: Option<u64>,
    pub frozen: Option<Arc<FrozenScript>>,
}

/// See the module.
pub struct Session {
    pub settings: Settings,
    pub handle: RunHandle,
    pub folders: Folders,
    pub device: DeviceChoice,
    /// The memory of the script's tensors.
    pub tensors: Arc<TensorBudget>,
    /// The thread that the script is evaluated on.
    pub(super) guest: Arc<Guest>,
    executor: Box<dyn Executor>,
    observer: Arc<HostObserver>,
    loader: Loader,
    /// The script's name in messages.
    script: String,
    /// The recipe that it is part of, if it is.
    frozen: Option<Arc<FrozenScript>>,
    /// Whether anything may be written; not by `check`.
    writes: bool,
    /// Opened when it is first needed.
    folder: OnceLock<Result<RunFolder>>,
    state: Mutex<State>,
}

/// A file, a line, a column.
type FilePosition = (String, usize, usize);

#[derive(Default)]
pub(super) struct State {
    pub shown: Vec<Shown>,
    /// Files that the script wrote itself.
    pub files: Vec<PathBuf>,
    /// Whether one of them could not be written.
    pub is_unwritten: bool,
    /// Parameters that the script asked for, with their values.
    pub params: BTreeMap<String, String>,
    /// What each of them is where nobody sets it.
    pub defaults: BTreeMap<String, String>,
    /// The data sets that it opened.
    pub data: BTreeMap<String, DataUse>,
    /// What it printed, up to a megabyte.
    pub printed: Vec<String>,
    /// Axes of its sweeps, by name.
    pub axes: BTreeSet<String>,
    pub report: Report,
    /// Every result that was needed so far, for the recipe.
    pub results: Vec<FrozenResult>,
    known_results: BTreeSet<(String, Fingerprint)>,
    /// Results that were needed so far, by rows of tables.
    pub rows: Vec<ResultOfRow>,
    /// Points that failed in the script.
    pub failed_points: usize,
    /// What stops nothing and must not be hidden: failed points, damaged results.
    pub warnings: Vec<Diagnostic>,
    /// Their messages and places.
    said: BTreeSet<(String, Option<FilePosition>)>,
    /// Files that the script would have written; only kept by `check`.
    pub unwritten: BTreeSet<PathBuf>,
    /// Results that the script asks for before its end; only kept by `check`.
    pub wanted: Vec<Target>,
    /// Places of arithmetic that a warning names already: file, line and column.
    pub said_at: BTreeSet<(String, Option<usize>, Option<usize>)>,
    pub work_seconds: f64,
}

impl Session {
    pub(super) fn new(script: &str, loader: Loader, setup: Setup) -> Result<Self> {
        let Setup { settings, handle, device, observer, purpose, guest, rounding, frozen } = setup;
        let resources = Resources {
            device: None,
            threads: settings.threads,
            memory: settings.memory,
            cancel: handle.cancel.clone(),
            superseded: handle.superseded.clone(),
            in_flight: handle.in_flight.clone(),
            checkpoint_every: settings.checkpoint_every,
            rounding,
        };
        let store = Store::open(settings.store_dir()?, settings.store_budget)?;
        let local = Local::new(store, device.clone(), resources);
        Ok(Self {
            folders: Folders::new(settings.data_dir.clone()),
            tensors: TensorBudget::new(settings.limits.memory, guest.clone()),
            guest,
            device,
            executor: match purpose {
                Purpose::Run => Box::new(local),
                Purpose::Check => Box::new(DryRun(local)),
            },
            observer,
            loader,
            script: script.to_owned(),
            frozen,
            writes: purpose == Purpose::Run,
            folder: OnceLock::new(),
            state: Mutex::default(),
            handle,
            settings,
        })
    }

    /// The session that a native function was called in.
    ///
    /// # Errors
    /// When the engine is not this host's.
    pub fn from_context(context: &NativeCallContext<'_>) -> Result<Arc<Self>> {
        context
            .tag()
            .and_then(|tag| tag.clone().try_cast::<Arc<Self>>())
            .ok_or_else(|| Error::new("this function works only in a script that the host runs"))
    }

    /// Makes it the session of the script on this thread.
    pub(super) fn enter(self: &Arc<Self>) {
        HERE.set(Arc::downgrade(self));
    }

    /// The session of the script on this thread, where no call is at hand: options are read in many places.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn here() -> Result<Arc<Self>> {
        HERE.with_borrow(Weak::upgrade)
            .ok_or_else(|| Error::new("a late number is computed only on the thread of a script that the host runs"))
    }

    pub(super) fn state(&self) -> Guard<'_, State> {
        lock(&self.state)
    }

    /// Reports an event.
    pub fn notify(&self, event: HostEvent<'_>) {
        if let HostEvent::Printed(text) = event {
            self.state().keep_printed(text);
        }
        if !self.guest.is_left() {
            let _others_wait = Unstopped::begin();
            (self.observer)(event);
        }
    }

    /// Shows something when the script is done; `context` is the call that asks for it.
    ///
    /// # Errors
    /// When it would write over what was shown before.
    pub(super) fn show(&self, context: &NativeCallContext<'_>, output: impl Output + 'static) -> Result<()> {
        let place = self.place(context);
        let mut state = self.state();
        let files = output.files();
        let shared = |shown: &Shown| shown.output.files().into_iter().find(|file| files.contains(file));
        let mut before = state.shown.iter().map(|shown| (shared(shown), &shown.place));
        if let Some((Some(file), place)) = before.find(|(shared, _)| shared.is_some()) {
            let by = place.as_ref().map(|place| format!(" by line {}", place.line)).unwrap_or_default();
            return Err(Error::new(format!("{} is written already{by}", file.display())).hint(
                "give it another name; a figure is written as .svg, as .png and, its numbers, as .csv, whatever is asked for",
            ));
        }
        state.shown.push(Shown { output: Arc::new(output), place });
        Ok(())
    }

    /// The script's name in messages.
    pub(super) fn script_name(&self) -> &str {
        &self.script
    }

    /// The folder of its project.
    pub(super) fn project(&self) -> &Path {
        self.loader.project()
    }

    /// The recipe that the script is part of, if it is.
    pub(super) fn frozen(&self) -> Option<&FrozenScript> {
        self.frozen.as_deref()
    }

    /// The folders that a script may read: its project's, and those of data.
    pub(super) fn readable_folders(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.loader.project()).chain(self.folders.candidates().iter().map(PathBuf::as_path))
    }

    /// The run folder.
    ///
    /// # Errors
    /// See [`RunFolder::open`].
    pub(super) fn run_folder(&self) -> Result<&RunFolder> {
        let open = || RunFolder::open(self.settings.out.as_deref(), Path::new(&self.script));
        self.folder.get_or_init(open).as_ref().map_err(Clone::clone)
    }

    /// What this run reads, the script included: nothing may be written over it.
    pub(super) fn reads(&self) -> BTreeSet<PathBuf> {
        let mut reads = self.handle.reads.all();
        reads.insert(PathBuf::from(&self.script));
        reads
    }

    /// Whether anything may be written; not by `check`.
    pub(super) fn writes(&self) -> bool {
        self.writes
    }

    /// Whether all points of sweeps are computed, not only those of `--only`.
    pub(super) fn is_whole(&self) -> bool {
        self.settings.only.is_empty()
    }

    /// Writes a file into the run folder now; not when a script is only described.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let folder = self.run_folder()?;
        folder.check(path, self.is_whole(), &self.reads())?;
        let path = folder.outputs(self.is_whole()).join(path);
        if !self.writes {
            self.state().unwritten.insert(path);
            return Ok(());
        }
        let written = write_whole(&path, bytes);
        let mut state = self.state();
        state.is_unwritten |= written.is_err();
        written?;
        if !state.files.contains(&path) {
            state.files.push(path);
        }
        Ok(())
    }

    /// Notes that a point of a sweep failed, with the place in the script.
    pub(super) fn point_failed(&self, point: &str, error: &EvalAltResult) {
        let diagnostic = Diagnostic::eval(error, &self.script, &self.loader.sources());
        let message = format!("{point}: {}", diagnostic.message);
        self.state().failed_points += 1;
        self.warn(Diagnostic { message, ..diagnostic });
    }

    /// Says something that stops nothing, once.
    pub fn warn(&self, warning: impl Into<Diagnostic>) {
        let warning = warning.into().as_warning();
        let mut state = self.state();
        let place = warning.place.as_ref().map(|place| (place.file.clone(), place.line, place.column));
        if state.said.insert((warning.message.clone(), place)) {
            state.warnings.push(warning);
        }
    }

    /// Says, once, something about a call that stops nothing.
    pub fn warn_at(&self, context: &NativeCallContext<'_>, warning: Error) {
        let place = self.place(context);
        self.warn(Diagnostic::from(warning).at(place));
    }

    /// Whether nothing was said about this place before.
    pub(super) fn is_first_at(&self, context: &NativeCallContext<'_>) -> bool {
        let position = context.call_position();
        let file = context.call_source().unwrap_or(&self.script).to_owned();
        self.state().said_at.insert((file, position.line(), position.position()))
    }

    /// The place of a call.
    fn place(&self, context: &NativeCallContext<'_>) -> Option<Place> {
        let file = context.call_source().unwrap_or(&self.script);
        self.loader.sources().place(file, context.call_position())
    }

    /// What `print` shows of a result: of one that is not computed while the script is only checked, just that.
    pub(super) fn printed(text: Native<String>) -> Native<String> {
        match text {
            Err(error) if needs_results(&error) => Ok(NOT_COMPUTED.to_owned()),
            text => text,
        }
    }

    /// Who computes what the script shows.
    pub(super) fn executor(&self) -> &dyn Executor {
        self.executor.as_ref()
    }

    /// Results of some targets, computed where they are missing. A result that was not reached before the user stopped
    /// is absent.
    ///
    /// # Errors
    /// When a point cannot fit into memory, or nothing may be computed here.
    pub(crate) fn computed(&self, targets: Vec<Target>) -> Result<Computed> {
        if targets.is_empty() {
            return Ok(Computed::new());
        }
        if !self.writes {
            self.state().wanted.extend(targets.iter().cloned());
        }
        let observe = |progress: Progress<'_>| {
            if let Progress::Work(Event::Warning(error)) = &progress {
                self.warn((*error).clone());
            }
            self.notify(progress.into());
        };
        let execution = self.guest.without_clock(|| {
            let _others_wait = Unstopped::begin();
            self.executor.compute(targets.clone(), &observe)
        })?;
        let Execution { computed, report, rows, failures, duration } = execution;
        failures.into_iter().for_each(|failure| self.warn(failure));
        self.freeze(&targets, &computed);
        let mut state = self.state();
        state.work_seconds += duration.as_secs_f64();
        state.report.add(&report);
        state.rows.extend(rows);
        drop(state);
        // Other threads allocated them, and this one is the last to let go of them.
        let bytes: usize = computed.values().flatten().map(|value| value.bytes()).sum();
        allocation::take_over(bytes as u64);
        Ok(computed)
    }

    /// The points of the run so far, each counted once.
    pub(super) fn points(&self) -> Points {
        let state = self.state();
        let points = Points::of(&state.rows);
        Points { failed: points.failed + state.failed_points, ..points }
    }
}

impl State {
    /// Whether a result was not noted before; it is now.
    pub fn is_new_result(&mut self, target: &Target) -> bool {
        self.known_results.insert((target.point.clone(), target.result.fingerprint()))
    }

    fn keep_printed(&mut self, text: &str) {
        /// Bytes that are kept of what a script prints.
        const KEPT: usize = 1 << 20;
        if self.printed.iter().map(String::len).sum::<usize>() + text.len() <= KEPT {
            self.printed.push(text.to_owned());
        }
    }
}

thread_local! {
    static HERE: RefCell<Weak<Session>> = const { RefCell::new(Weak::new()) };
}

/// What is printed in a check of a result that is not computed.
const NOT_COMPUTED: &str = "(not computed yet)";

/// Whether a check ended since the script goes on from a result that is not computed: it asks for the result, or makes
/// something of the words that stand for it.
pub(super) fn needs_results(error: &EvalAltResult) -> bool {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            needs_results(inner)
        }
        EvalAltResult::ErrorTerminated(why, _) => why.read_lock::<Error>().is_some_and(|error| error.needs_results),
        EvalAltResult::ErrorRuntime(why, _) => {
            why.read_lock::<Error>().is_some_and(|error| error.message.contains(NOT_COMPUTED))
        }
        error => error.to_string().contains(NOT_COMPUTED),
    }
}
