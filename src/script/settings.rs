//! The settings of a run: plain data, which can be written down and read back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::words;
use crate::work::{CHECKPOINT_EVERY, DEFAULT_BUDGET};
use crate::{Error, Result};

/// Names the folder of stored results when no flag does.
pub const STORE_VARIABLE: &str = "ENTROSCOPE_STORE";

/// Where things lie and what a run may use. What is live about a run is its [`RunHandle`](super::RunHandle).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Looked at before the environment and the platform's cache directory.
    pub data_dir: Option<PathBuf>,
    /// Where results are kept. Empty for a user who has no cache directory: then [`Settings::store_dir`] is an error.
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
    /// Time between two checkpoints of a training.
    pub checkpoint_every: Duration,
    /// `param` values by name.
    pub set: Vec<(String, String)>,
    /// Points of sweeps to keep, each as an axis and a value; axes that are not named keep all their points.
    pub only: Vec<(String, String)>,
    pub limits: Limits,
}

/// A script is a guest: what it may take before it is stopped. The same in every build, and each a flag of the program.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct Limits {
    /// Expressions evaluated, by Rhai's rough count.
    #[arg(long = "max-operations", value_name = "N", default_value_t = Limits::default().operations)]
    pub operations: u64,
    /// Function calls inside one another.
    #[arg(long = "max-calls", value_name = "N", default_value_t = Limits::default().calls)]
    pub calls: usize,
    /// Expressions inside one another.
    #[arg(long = "max-nesting", value_name = "N", default_value_t = Limits::default().nesting)]
    pub nesting: usize,
    /// Elements of an array or map, bytes of a text.
    #[arg(long = "max-size", value_name = "N", default_value_t = Limits::default().size)]
    pub size: usize,
    /// Modules imported.
    #[arg(long = "max-modules", value_name = "N", default_value_t = Limits::default().modules)]
    pub modules: usize,
    /// Seconds of evaluation; the work that the script asks for does not count.
    #[arg(long = "max-seconds", value_name = "SECONDS", default_value_t = Limits::default().seconds)]
    pub seconds: f64,
    /// Bytes that a script takes, tensors included, such as 500M; the work that it asks for does not count (see `--memory`).
    #[arg(id = "max-memory", long = "max-memory", value_name = "SIZE", default_value = "2G", value_parser = words::bytes)]
    pub memory: u64,
    /// Points of one sweep.
    #[arg(long = "max-points", value_name = "N", default_value_t = Limits::default().points)]
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 50_000_000,
            calls: 64,
            nesting: 128,
            size: 10_000_000,
            modules: 100,
            seconds: 60.0,
            memory: 2 << 30,
            points: 1_000_000,
        }
    }
}

impl Default for Settings {
    /// All cores, all memory that is free, the user's own cache directory.
    #[expect(clippy::disallowed_methods, reason = "operations at the same time: no number depends on it")]
    fn default() -> Self {
        let store = std::env::var_os(STORE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = || dirs::cache_dir().map(|cache| cache.join("entroscope").join("store")).unwrap_or_default();
        Self {
            data_dir: None,
            store_dir: store.unwrap_or_else(cache),
            store_budget: DEFAULT_BUDGET,
            out: None,
            project: None,
            device: crate::device::DEFAULT.to_owned(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: crate::device::free_memory(),
            checkpoint_every: CHECKPOINT_EVERY,
            set: Vec::new(),
            only: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Where results are kept.
    ///
    /// # Errors
    /// No folder is named, and this user has no cache directory to keep them in.
    pub fn store_dir(&self) -> Result<&Path> {
        if self.store_dir.as_os_str().is_empty() {
            return Err(Error::new("there is no folder for results: this user has no home with a cache directory")
                .hint(format!("name one: `--store DIR`, or the environment variable {STORE_VARIABLE}")));
        }
        Ok(&self.store_dir)
    }
}
