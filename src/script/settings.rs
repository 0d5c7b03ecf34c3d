//! What a host is told before it runs a script.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::work::{Cancel, DEFAULT_BUDGET, Flights};

/// Names the folder of stored results when no flag does.
pub const STORE_VARIABLE: &str = "ENTROSCOPE_STORE";

/// Where things lie and what a run may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Looked at before the environment and the platform's cache directory.
    pub data_dir: Option<PathBuf>,
    pub store_dir: PathBuf,
    /// Bytes of large results that the store keeps.
    pub store_budget: u64,
    /// The run folder; `runs/NAME` where it is not given.
    pub out: Option<PathBuf>,
    /// Where imports may reach; the script's own folder where it is not given.
    pub project: Option<PathBuf>,
    /// Device to compute on, by name.
    pub device: String,
    /// Operations at the same time.
    pub threads: usize,
    /// Bytes that a run may take.
    pub memory: f64,
    /// `param` values by name.
    pub set: Vec<(String, String)>,
    /// Points of sweeps to keep, as an axis and a value; all where it says nothing of an axis.
    pub only: Vec<(String, String)>,
    pub limits: Limits,
    /// Files and folders that scripts read, or look for.
    pub reads: Reads,
    /// How long files wait behind results, for an edit that may take over; not at all in a single run.
    pub linger: Duration,
    /// Stops everything.
    pub cancel: Cancel,
    /// Ends this run: a later edit of the script has taken over.
    pub superseded: Cancel,
    /// What this run and those before it have under way.
    pub flights: Arc<Flights>,
}

/// Files and folders, noted as they are read or looked for; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Reads(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Reads {
    /// Notes one.
    pub fn note(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Settings {
    /// Leaves the machine to whoever looks at the results, before files are painted and written.
    pub(super) fn linger(&self) {
        const STEP: Duration = Duration::from_millis(10);
        let mut left = self.linger;
        while !left.is_zero() && !self.is_over() {
            std::thread::sleep(STEP.min(left));
            left = left.saturating_sub(STEP);
        }
    }

    /// Whether this run has to end: the user stopped it, or a later edit has taken over.
    pub fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.superseded.is_cancelled()
    }
}

/// A script is a guest: what it may take before it is stopped. The same in every build.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Rhai operations, a rough count of expressions evaluated.
    pub operations: u64,
    /// Function calls inside one another.
    pub calls: usize,
    /// Expressions inside one another.
    pub expression_depth: usize,
    /// Elements of an array or map, bytes of a string.
    pub size: usize,
    /// Modules imported.
    pub modules: usize,
    /// Seconds of evaluation; the work that the script asks for does not count.
    pub seconds: f64,
    /// Bytes of the tensors that a script holds.
    pub tensor_bytes: u64,
    /// Points of one sweep.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 50_000_000,
            calls: 64,
            expression_depth: 128,
            size: 10_000_000,
            modules: 100,
            seconds: 60.0,
            tensor_bytes: 4 << 30,
            points: 1_000_000,
        }
    }
}

impl Default for Settings {
    /// All cores, all memory that is free, the user's own cache directory.
    #[expect(clippy::disallowed_methods, reason = "operations at the same time: no number depends on it")]
    fn default() -> Self {
        let store = std::env::var_os(STORE_VARIABLE).map(PathBuf::from);
        let cache = || dirs::cache_dir().unwrap_or_else(|| ".".into()).join("entroscope").join("store");
        Self {
            data_dir: None,
            store_dir: store.unwrap_or_else(cache),
            store_budget: DEFAULT_BUDGET,
            out: None,
            project: None,
            device: crate::device::DEFAULT.to_owned(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: crate::device::free_memory(),
            set: Vec::new(),
            only: Vec::new(),
            reads: Reads::default(),
            limits: Limits::default(),
            linger: Duration::ZERO,
            cancel: Cancel::default(),
            superseded: Cancel::default(),
            flights: Arc::default(),
        }
    }
}
