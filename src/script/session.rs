//! One evaluation of a script: what it may reach, what it has shown so far, what was computed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, NativeCallContext};

use super::diagnostic::{Diagnostic, Place};
use super::loader::Loader;
use super::options::nearest;
use super::settings::Settings;
use super::table::Axis;
use super::tensor::Budget;
use crate::data::Folders;
use crate::files::write_whole;
use crate::output::run_folder::default_path;
use crate::output::{Computed, Output, Scalar};
use crate::work::{self, Event, Plan, Report, Resources, Store, Target};
use crate::{Error, Result, device};

/// What a native function returns: an [`Error`] turns into Rhai's by `?`, and gets the place of the call.
pub type Native<T> = std::result::Result<T, Box<EvalAltResult>>;

impl From<Error> for Box<EvalAltResult> {
    fn from(error: Error) -> Self {
        EvalAltResult::ErrorRuntime(Dynamic::from(error), rhai::Position::NONE).into()
    }
}

/// What is told while a script runs.
#[derive(Debug)]
pub enum Told<'a> {
    /// The script printed.
    Printed(&'a str),
    /// Its text was read and compiled.
    Loaded,
    /// Nothing wrong was found in it; it is evaluated now.
    Checked,
    /// The script was evaluated: this is what it shows.
    Described(&'a Outputs),
    /// What is missing is known, if anything is; what there is to do begins when this was heard.
    Planned(&'a Plan, Estimate),
    /// Work goes on.
    Work(Event<'a>),
    /// The work that was planned is over.
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

/// What a plan will take.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Floating-point operations.
    pub operations: f64,
    pub seconds: f64,
    /// Bytes of the largest point.
    pub memory: f64,
}

/// Hears what a session tells.
pub type Audience = dyn Fn(Told<'_>) + Send + Sync;

/// How points fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Points {
    pub computed: usize,
    pub reused: usize,
    pub failed: usize,
}

/// See the module.
pub struct Session {
    pub settings: Settings,
    pub folders: Folders,
    pub store: Store,
    pub device: burn::tensor::Device,
    /// The memory of the script's tensors.
    pub tensors: Arc<Budget>,
    numerics: String,
    audience: Arc<Audience>,
    loader: Loader,
    /// The script's name in messages.
    script: String,
    /// Describe only: nothing is computed (the `check` subcommand).
    describe_only: bool,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub shown: Vec<Shown>,
    /// Files that the script wrote itself.
    pub files: Vec<PathBuf>,
    /// Parameters that the script asked for, with their values.
    pub params: BTreeMap<String, String>,
    /// Axes of its sweeps, by name.
    pub axes: BTreeSet<String>,
    pub report: Report,
    pub points: Points,
    /// What stops nothing and must not be hidden: failed points, damaged results.
    pub warnings: Vec<Diagnostic>,
    pub work_seconds: f64,
    /// When evaluation must end; moved on by the time that work takes.
    pub deadline: Option<Instant>,
}

impl Session {
    pub(super) fn new(
        settings: Settings,
        audience: Arc<Audience>,
        loader: Loader,
        script: &str,
        describe_only: bool,
    ) -> Result<Self> {
        Ok(Self {
            folders: Folders::new(settings.data_dir.clone()),
            store: Store::open(&settings.store_dir, settings.store_budget)?,
            device: device::named(&settings.device)?,
            tensors: Budget::new(settings.limits.tensor_bytes),
            numerics: device::numerics(&settings.device),
            audience,
            loader,
            script: script.to_owned(),
            describe_only,
            state: Mutex::new(State::default()),
            settings,
        })
    }

    /// The session that a native function was called in.
    ///
    /// # Errors
    /// When the engine is not this host's.
    pub fn of(context: &NativeCallContext<'_>) -> Result<Arc<Self>> {
        context
            .tag()
            .and_then(|tag| tag.clone().try_cast::<Arc<Self>>())
            .ok_or_else(|| Error::new("this function works only in a script that the host runs"))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the audience.
    pub fn tell(&self, told: Told<'_>) {
        (self.audience)(told);
    }

    /// Shows something when the script is done; `context` is the call that asks for it.
    ///
    /// # Errors
    /// When it would write over what was shown before.
    pub(super) fn show(&self, context: &NativeCallContext<'_>, output: impl Output + 'static) -> Result<()> {
        let file = context.call_source().unwrap_or(&self.script);
        let place = self.loader.sources().place(file, context.call_position());
        let mut state = self.state();
        let files = output.files();
        let shared = |shown: &Shown| shown.output.files().into_iter().find(|file| files.contains(file));
        let mut before = state.shown.iter().map(|shown| (shared(shown), &shown.place));
        if let Some((Some(file), place)) = before.find(|(shared, _)| shared.is_some()) {
            let by = place.as_ref().map(|place| format!(" by line {}", place.line)).unwrap_or_default();
            return Err(Error::new(format!("{} is written already{by}", file.display())).hint(
                "give it another name; a figure is written as .svg, as .png and, its numbers, as .csv, whichever is asked for",
            ));
        }
        state.shown.push(Shown { output: Arc::new(output), place });
        Ok(())
    }

    /// The folders that a script may read: its project's, and those of data.
    pub(super) fn readable_folders(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.loader.project()).chain(self.folders.candidates().iter().map(PathBuf::as_path))
    }

    /// The run folder.
    pub(super) fn run_folder(&self) -> PathBuf {
        self.settings.out.clone().unwrap_or_else(|| default_path(Path::new(&self.script)))
    }

    /// Writes a file into the run folder now; not when a script is only described.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        if self.describe_only {
            return Ok(());
        }
        let path = self.run_folder().join(path);
        write_whole(&path, bytes)?;
        let mut state = self.state();
        if !state.files.contains(&path) {
            state.files.push(path);
        }
        Ok(())
    }

    /// Notes that a point of a sweep failed, with the place in the script.
    pub(super) fn point_failed(&self, point: &str, error: &EvalAltResult) {
        let diagnostic = Diagnostic::eval(error, &self.script, &self.loader.sources());
        let message = format!("{point}: {}", diagnostic.message);
        self.state().points.failed += 1;
        self.warn(Diagnostic { message, ..diagnostic });
    }

    /// Says something that stops nothing, once.
    pub fn warn(&self, warning: impl Into<Diagnostic>) {
        let warning = warning.into().as_warning();
        let mut state = self.state();
        if !state.warnings.contains(&warning) {
            state.warnings.push(warning);
        }
    }

    /// The value of a `param`: what `--set` says, read as the type of its default.
    ///
    /// # Errors
    /// When what `--set` says cannot be read so.
    pub fn param(&self, name: &str, default: &Dynamic) -> Result<Dynamic> {
        let value = match self.settings.set.iter().rev().find(|(set, _)| set == name) {
            None => default.clone(),
            Some((_, text)) => {
                let value = match default.type_name() {
                    "i64" => text.parse().map(Dynamic::from_int).ok(),
                    "f64" => text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Dynamic::from_float),
                    "bool" => text.parse().map(Dynamic::from_bool).ok(),
                    "string" => Some(text.into()),
                    _ => None,
                };
                value.ok_or_else(|| {
                    let wanted = super::options::describe(default);
                    Error::new(format!("--set {name}={text}: not a value like the script's {wanted}"))
                })?
            }
        };
        self.state().params.insert(name.to_owned(), value.to_string());
        Ok(value)
    }

    /// The values of an axis that `--only` leaves.
    ///
    /// # Errors
    /// When it leaves none.
    pub(super) fn only(&self, axis: Axis) -> Result<Axis> {
        let wanted: Vec<&str> =
            self.settings.only.iter().filter(|(name, _)| name == axis.name()).map(|(_, text)| text.as_str()).collect();
        self.state().axes.insert(axis.name().to_owned());
        let is_wanted = |value: &Scalar| wanted.iter().any(|text| is_meant(value, text));
        if wanted.is_empty() {
            return Ok(axis);
        }
        let left = axis.filtered(is_wanted);
        if left.values().is_empty() {
            let values: Vec<String> = axis.values().iter().map(Scalar::pretty).collect();
            return Err(Error::new(format!(
                "--only {0}={1}: the axis \"{0}\" has no such value",
                axis.name(),
                wanted[0]
            ))
            .hint(format!("it has {}", values.join(", "))));
        }
        Ok(left)
    }

    /// What `print` shows of a result: of one that is not computed while the script is only checked, just that.
    pub(super) fn printed(&self, text: Native<String>) -> Native<String> {
        if self.describe_only { Ok(text.unwrap_or_else(|_| "(not computed yet)".to_owned())) } else { text }
    }

    /// What is missing for some targets; each result counts once.
    ///
    /// # Errors
    /// When a point cannot fit into memory.
    pub(super) fn plan(&self, mut targets: Vec<Target>) -> Result<Plan> {
        let mut known = BTreeSet::new();
        targets.retain(|target| known.insert(target.result.fingerprint()));
        let plan = Plan::new(targets, &self.store, &self.settings.flights, &self.numerics);
        plan.check_memory(self.settings.memory)?;
        Ok(plan)
    }

    /// Computes what is missing for some targets. A result that was not reached before the user stopped it is absent.
    ///
    /// # Errors
    /// When a point cannot fit into memory, or nothing may be computed here.
    #[expect(clippy::disallowed_methods, reason = "how long it took is told, and does not count as evaluation")]
    pub(crate) fn computed(&self, targets: Vec<Target>) -> Result<Computed> {
        if targets.is_empty() {
            return Ok(Computed::new());
        }
        let plan = self.plan(targets)?;
        let (missing, reused) = plan.missing_and_reused();
        self.tell(Told::Planned(&plan, self.estimate(&plan)));
        if self.describe_only && missing > 0 {
            return Err(
                Error::new("the script needs results here before it can go on").hint("`entroscope run` computes them")
            );
        }
        let plan = plan.stacked(device::points_at_once(&self.settings.device), self.settings.memory);
        let resources = Resources {
            device: device::in_place_of_own_loops(&self.settings.device, &self.device),
            threads: self.settings.threads,
            memory: self.settings.memory,
            cancel: self.settings.cancel.clone(),
            superseded: self.settings.superseded.clone(),
            flights: self.settings.flights.clone(),
        };
        let started = Instant::now();
        let (results, report) = work::run(&plan, &self.store, &resources, &|event| {
            if let Event::Warning(error) = &event {
                self.warn((*error).clone());
            }
            self.tell(Told::Work(event));
        });
        let took = started.elapsed();
        self.tell(Told::Finished);
        if missing > 0 {
            work::Speeds::open(&self.store, &self.numerics).learn(&report);
        }
        let (mut failed, mut interrupted) = (BTreeSet::new(), BTreeSet::new());
        for (target, result) in plan.targets().iter().zip(&results) {
            match result {
                Ok(_) => {}
                Err(error) if error.interrupted => {
                    interrupted.insert(&target.point);
                }
                Err(error) => {
                    failed.insert(&target.point);
                    self.warn(Error { message: format!("{}: {}", target.point, error.message), ..error.clone() });
                }
            }
        }
        let mut state = self.state();
        state.work_seconds += took.as_secs_f64();
        state.deadline = state.deadline.map(|deadline| deadline + took);
        state.report.add(&report);
        state.points.failed += failed.len();
        state.points.reused += reused;
        state.points.computed += missing.saturating_sub(failed.union(&interrupted).count());
        drop(state);
        let named = plan.targets().iter().map(|target| target.result.fingerprint()).zip(results);
        Ok(named.filter(|(_, result)| !result.as_ref().is_err_and(|error| error.interrupted)).collect())
    }

    /// From here on, evaluation is timed.
    #[expect(clippy::disallowed_methods, reason = "a script that evaluates for too long is stopped")]
    pub(super) fn start_clock(&self) {
        let limit = Duration::try_from_secs_f64(self.settings.limits.seconds).unwrap_or(Duration::MAX);
        self.state().deadline = Instant::now().checked_add(limit);
    }

    /// # Errors
    /// When `--set` names a parameter, or `--only` an axis, that the script does not have.
    pub(super) fn check_params(&self) -> Result<()> {
        let state = self.state();
        if let Some((name, _)) = self.settings.only.iter().find(|(name, _)| !state.axes.contains(name)) {
            let axes: Vec<&str> = state.axes.iter().map(String::as_str).collect();
            return Err(Error::new(format!("--only {name}: no sweep has an axis of that name"))
                .hint(format!("the axes are {}", axes.join(", "))));
        }
        let Some((name, _)) = self.settings.set.iter().find(|(name, _)| !state.params.contains_key(name)) else {
            return Ok(());
        };
        let error = Error::new(format!("--set {name}: the script has no parameter of that name"));
        Err(match nearest(name, state.params.keys().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if state.params.is_empty() => error.hint("it has none: `param(\"name\", value)` makes one"),
            None => error.hint(format!("it has {}", state.params.keys().cloned().collect::<Vec<_>>().join(", "))),
        })
    }

    pub(super) fn estimate(&self, plan: &Plan) -> Estimate {
        let operations = plan.floating_point_operations();
        let speeds = work::Speeds::open(&self.store, &self.numerics);
        Estimate {
            operations: operations.values().sum(),
            seconds: speeds.seconds(&operations) / self.settings.threads.max(1) as f64,
            memory: plan.memory_per_target().into_iter().fold(0.0, f64::max),
        }
    }

    /// Whether evaluation has taken too long, or the user wants to stop.
    #[expect(clippy::disallowed_methods, reason = "a script that evaluates for too long is stopped")]
    pub(super) fn should_stop(&self) -> Option<Error> {
        if self.settings.is_over() {
            return Some(Error::interrupted());
        }
        let late = self.state().deadline.is_some_and(|deadline| Instant::now() > deadline);
        late.then(|| {
            Error::new(format!("the script took more than {} s to evaluate", self.settings.limits.seconds))
                .hint("raise the limit: --max-seconds N")
        })
    }
}

/// Whether `--only` means this value by this text.
fn is_meant(value: &Scalar, text: &str) -> bool {
    match (value.number(), text.parse::<f64>()) {
        // What is shown is rounded to seven digits.
        (Some(value), Ok(wanted)) => (value - wanted).abs() <= 1e-6 * value.abs().max(wanted.abs()),
        _ => value.to_string() == text,
    }
}
