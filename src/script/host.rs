//! Runs a script, from its text to its run folder: load, check, describe, compute, show.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rhai::{Engine, EvalAltResult, Scope};

use super::diagnostic::Diagnostic;
use super::frozen::{DataUse, FrozenResult};
use super::guest::{self, Guest};
use super::loader::Loader;
use super::outcome::{Checked, Outcome, Status};
use super::reference::Reference;
use super::run_handle::RunHandle;
use super::session::{HostEvent, HostObserver, Outputs, Purpose, Session, Setup, Shown, needs_results};
use super::settings::Settings;
use super::{check, engine, reference, whole_numbers};
use crate::Error;
use crate::device::DeviceChoice;
use crate::error::panicked;
use crate::executor::{Computed, Estimate};
use crate::work::Target;

/// Functions that an embedding program adds to the host's own.
pub(crate) type Primitives = Vec<Arc<dyn Fn(&mut Engine) + Send + Sync>>;

/// Runs scripts. One host may run many, one after another.
pub struct Host {
    pub(super) settings: Settings,
    pub(super) handle: RunHandle,
    /// Chosen when it is first needed, from its name in the settings.
    device: Arc<OnceLock<DeviceChoice>>,
    observer: Arc<HostObserver>,
    primitives: Primitives,
    /// The recipe that its script is part of.
    frozen: Option<Arc<FrozenScript>>,
    /// See [`Resources::rounding`](crate::work::Resources::rounding).
    rounding: Option<u64>,
    /// The functions that scripts can call; they are always the same.
    declared: Arc<OnceLock<check::Declared>>,
}

/// A script that is part of a recipe.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrozenScript {
    /// The path that the user gave.
    pub given: PathBuf,
    /// The script's path within the recipe's project.
    pub script: String,
    /// Its name in messages, such as "cone.recipe.html/cone.rhai".
    pub shown: String,
    /// Texts of the program's own modules as the recipe has them.
    pub built_in: BTreeMap<String, String>,
}

/// A script that was loaded, checked and evaluated: what it shows is described.
pub(crate) struct Evaluated {
    pub(super) session: Arc<Session>,
    pub(super) text: String,
    /// Names and texts of the modules that it imported.
    pub(super) modules: Vec<(String, String)>,
    pub(super) outputs: Outputs,
}

/// Why a script was not evaluated to its end.
struct Failed {
    diagnostics: Vec<Diagnostic>,
    /// A file that it saves could not be written.
    is_unwritten: bool,
}

impl Host {
    /// A host without an observer, with a handle of its own.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            handle: RunHandle::default(),
            device: Arc::default(),
            observer: Arc::new(|_| ()),
            primitives: Vec::new(),
            frozen: None,
            rounding: None,
            declared: Arc::default(),
        }
    }

    /// The same host for another run: with another handle and another observer.
    #[must_use]
    pub fn for_run(&self, handle: RunHandle, observer: Arc<HostObserver>) -> Self {
        let Self { settings, device, primitives, declared, frozen, rounding, .. } = self;
        Self {
            settings: settings.clone(),
            handle,
            device: device.clone(),
            observer,
            primitives: primitives.clone(),
            frozen: frozen.clone(),
            rounding: *rounding,
            declared: declared.clone(),
        }
    }

    /// Runs can be stopped, and share what they have under way, by this handle.
    #[must_use]
    pub fn with_handle(self, handle: RunHandle) -> Self {
        Self { handle, ..self }
    }

    /// Receives the events of every run.
    #[must_use]
    pub fn with_observer(self, observer: Arc<HostObserver>) -> Self {
        Self { observer, ..self }
    }

    /// Adds functions to the engine of every script: see `examples/primitive.rs`.
    #[must_use]
    pub fn with_primitive(mut self, add: impl Fn(&mut Engine) + Send + Sync + 'static) -> Self {
        self.primitives.push(Arc::new(add));
        self
    }

    /// How runs are stopped.
    pub fn handle(&self) -> &RunHandle {
        &self.handle
    }

    /// The path by which the user knows a script: that of its recipe, if it is part of one.
    pub(crate) fn given<'a>(&'a self, script: &'a Path) -> &'a Path {
        self.frozen.as_ref().map_or(script, |frozen| &frozen.given)
    }

    /// Runs scripts as parts of a recipe.
    #[must_use]
    pub(crate) fn with_frozen(self, frozen: FrozenScript) -> Self {
        Self { frozen: Some(Arc::new(frozen)), ..self }
    }

    /// Moves every number that is computed: see [`Resources::rounding`](crate::work::Resources::rounding).
    #[must_use]
    pub(crate) fn with_rounding(self, seed: u64) -> Self {
        Self { rounding: Some(seed), ..self }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The device that the settings name; it is chosen and tried once.
    ///
    /// # Errors
    /// When there is no such device, or it does not compute.
    pub fn device(&self) -> crate::Result<&DeviceChoice> {
        if let Some(device) = self.device.get() {
            return Ok(device);
        }
        let device = DeviceChoice::named(&self.settings.device)?;
        Ok(self.device.get_or_init(|| device))
    }

    fn session(&self, script: &str, loader: &Loader, purpose: Purpose, guest: Arc<Guest>) -> crate::Result<Session> {
        let setup = Setup {
            guest,
            settings: self.settings.clone(),
            handle: self.handle.clone(),
            device: self.device()?.clone(),
            observer: self.observer.clone(),
            purpose,
            rounding: self.rounding,
            frozen: self.frozen.clone(),
        };
        Session::new(script, loader.clone(), setup)
    }

    /// Loads, checks and describes a script, and says what running it would do; computes nothing.
    ///
    /// # Errors
    /// When the script is wrong: everything that was found.
    pub fn check(&self, script: &Path) -> Result<Checked, Vec<Diagnostic>> {
        self.as_guest(script, Self::check_here).unwrap_or_else(|error| Err(vec![error.into()]))
    }

    /// Does something with a script on the thread of a guest.
    ///
    /// # Errors
    /// When the guest was left behind.
    fn as_guest<T: Send + 'static>(
        &self,
        script: &Path,
        act: impl FnOnce(&Self, &Path, Arc<Guest>) -> T + Send + 'static,
    ) -> crate::Result<T> {
        let (host, script) = (self.for_run(self.handle.clone(), self.observer.clone()), script.to_owned());
        guest::host(&self.settings.limits, &self.handle, move |guest| act(&host, &script, guest))
    }

    /// Evaluates a script, on the thread of a guest, and does something with what it shows.
    ///
    /// # Errors
    /// When the script is wrong: everything that was found.
    pub(crate) fn evaluated<T: Send + 'static>(
        &self,
        script: &Path,
        act: impl FnOnce(&Evaluated) -> T + Send + 'static,
    ) -> Result<T, Vec<Diagnostic>> {
        let evaluate = |host: &Self, script: &Path, guest| {
            let evaluated = host.evaluate(script, Purpose::Run, guest).map_err(|failed| failed.diagnostics)?;
            Ok(act(&evaluated))
        };
        self.as_guest(script, evaluate).unwrap_or_else(|error| Err(vec![error.into()]))
    }

    fn check_here(&self, script: &Path, guest: Arc<Guest>) -> Result<Checked, Vec<Diagnostic>> {
        let Evaluated { session, outputs, .. } =
            self.evaluate(script, Purpose::Check, guest).map_err(|failed| failed.diagnostics)?;
        let folder = session.run_folder().map_err(|error| vec![error.into()])?;
        let files: Vec<PathBuf> = outputs.iter().flat_map(|shown| shown.output.files()).collect();
        let writable = folder.check_all(&files, session.is_whole(), &session.reads());
        writable.map_err(|error| vec![error.into()])?;
        let wanted = std::mem::take(&mut session.state().wanted);
        let targets = wanted.into_iter().chain(targets(&outputs)).collect();
        let plan = session.executor().plan(targets).map_err(|error| vec![error.into()])?;
        let estimate = session.executor().estimate(&plan);
        let state = session.state();
        let (params, failed_points, warnings) = (state.params.clone(), state.failed_points, state.warnings.clone());
        Ok(Checked { plan, estimate, params, failed_points, warnings })
    }

    /// Everything that scripts can call.
    ///
    /// # Errors
    /// If no engine can be made.
    pub fn reference(&self) -> Result<Reference, Diagnostic> {
        Ok(reference::collect(&self.engine_at(Path::new("."))?))
    }

    /// An engine without a script, for the project in a folder; nothing is computed or written.
    pub(crate) fn engine_at(&self, project: &Path) -> Result<Engine, Diagnostic> {
        let loader = Loader::new(project, self.handle.reads.clone(), self.settings.limits.modules)?;
        let session = self.session("", &loader, Purpose::Check, Arc::default())?;
        engine::engine(&Arc::new(session), &loader, &self.primitives)
    }

    /// Runs a script: evaluates it, computes what it shows, and fills its run folder.
    #[expect(clippy::disallowed_methods, reason = "the time that a run took is reported; no number depends on it")]
    pub fn run(&self, script: &Path) -> Outcome {
        let started = Instant::now();
        let run = move |host: &Self, script: &Path, guest| host.run_here(script, started, guest);
        let mut outcome = match self.as_guest(script, run) {
            Ok(outcome) => outcome,
            Err(_) if self.handle.is_over() => Outcome::new(Status::Interrupted, Vec::new()),
            Err(error) => Outcome::new(Status::ScriptWrong, vec![error.into()]),
        };
        outcome.seconds = started.elapsed().as_secs_f64();
        outcome
    }

    fn run_here(&self, script: &Path, started: Instant, guest: Arc<Guest>) -> Outcome {
        let run = || match self.evaluate(script, Purpose::Run, guest) {
            Ok(evaluated) => self.show(script, started, evaluated),
            Err(_) if self.handle.is_over() => Outcome::new(Status::Interrupted, Vec::new()),
            Err(Failed { diagnostics, is_unwritten }) => {
                let status = if is_unwritten { Status::NotWritten } else { Status::ScriptWrong };
                Outcome::new(status, diagnostics)
            }
        };
        catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|panic| Outcome::new(Status::NotWritten, vec![panicked("the run", panic.as_ref()).into()]))
    }

    fn evaluate(&self, script: &Path, purpose: Purpose, guest: Arc<Guest>) -> Result<Evaluated, Failed> {
        let one = |diagnostic: Diagnostic| Failed { diagnostics: vec![diagnostic], is_unwritten: false };
        let shown = self.frozen.as_ref().map(|frozen| frozen.shown.clone());
        let name = shown.unwrap_or_else(|| script.display().to_string());
        let folder = script.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let project = self.settings.project.as_deref().unwrap_or(folder);
        // Compiling is timed as evaluation is.
        guest.start_clock();
        let loader = Loader::new(project, self.handle.reads.clone(), self.settings.limits.modules)
            .map_err(|error| one(error.into()))?;
        let session = Arc::new(self.session(&name, &loader, purpose, guest).map_err(|error| one(error.into()))?);
        let engine = engine::engine(&session, &loader, &self.primitives).map_err(one)?;
        let (ast, text) = loader.script(&engine, script, &name).map_err(|error| {
            // What it took for a comment may be the reason.
            let sources = loader.sources();
            let divisions =
                sources.texts().flat_map(|(file, text)| whole_numbers::divisions_in_comments(text, file, &sources));
            let diagnostics = std::iter::once(error).chain(divisions).collect();
            Failed { diagnostics, is_unwritten: false }
        })?;
        session.notify(HostEvent::Loaded);
        let declared = self.declared.get_or_init(|| check::declared(&engine));
        let wrong = check::check(&engine, declared, &loader, &ast);
        let sources = loader.sources();
        for (file, text) in sources.texts() {
            whole_numbers::divisions_in_comments(text, file, &sources)
                .into_iter()
                .for_each(|found| session.warn(found));
        }
        if !wrong.is_empty() {
            return Err(Failed { diagnostics: wrong, is_unwritten: false });
        }
        session.notify(HostEvent::Checked);
        session.guest.start_clock();
        match engine.run_ast_with_scope(&mut Scope::new(), &ast) {
            Err(error) if purpose == Purpose::Check && needs_results(&error) => {
                let place = Diagnostic::eval(&error, &name, &loader.sources()).place;
                session.warn(Diagnostic::from(Error::needs_results()).at(place));
            }
            Err(error) if !matches!(*error, EvalAltResult::Exit(..)) => {
                // Points that failed before may be the reason: they are said as well.
                let diagnostic = Diagnostic::eval(&error, &name, &loader.sources());
                let forms = reference::forms_of_unmatched(&engine, &error);
                let error = forms.into_iter().fold(diagnostic, Diagnostic::hint);
                let state = session.state();
                let diagnostics = [vec![error], state.warnings.clone()].concat();
                return Err(Failed { diagnostics, is_unwritten: state.is_unwritten });
            }
            _ => session.check_params().map_err(|error| one(error.into()))?,
        }
        session.guest.stop_clock();
        let outputs: Outputs = std::mem::take(&mut session.state().shown).into();
        for Shown { output, place } in outputs.iter() {
            output.check().map_err(|error| one(Diagnostic::from(error).at(place.clone())))?;
        }
        session.notify(HostEvent::Described(&outputs));
        let modules = loader.modules();
        Ok(Evaluated { session, text, modules, outputs })
    }
}

impl Evaluated {
    /// What it shows.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// What it shows has to be computed from: every result once for each point.
    pub fn targets(&self) -> Vec<Target> {
        let mut known = BTreeSet::new();
        let mut targets = targets(&self.outputs);
        targets.retain(|target| known.insert((target.point.clone(), target.result.fingerprint())));
        targets
    }

    /// Results of some targets, computed where they are missing.
    ///
    /// # Errors
    /// When a point cannot fit into memory.
    pub fn compute(&self, targets: Vec<Target>) -> crate::Result<Computed> {
        self.session.computed(targets)
    }

    /// What it takes to compute everything from nothing.
    pub fn estimate_of_all(&self) -> Estimate {
        self.session.executor().estimate_of_all(self.targets())
    }

    /// All results that were needed so far, those among them that the script itself went on from.
    pub fn results(&self) -> Vec<FrozenResult> {
        self.session.state().results.clone()
    }

    /// The data sets that the script opened.
    pub fn data(&self) -> BTreeMap<String, DataUse> {
        self.session.state().data.clone()
    }
}

/// What has to be computed for some outputs.
pub(super) fn targets(outputs: &Outputs) -> Vec<Target> {
    outputs.iter().flat_map(|shown| shown.output.targets()).collect()
}
