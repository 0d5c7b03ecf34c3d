//! Who computes what is missing. An [`Executor`] takes the targets that a script shows, and gives back their results:
//! [`Local`] computes them in this process, [`DryRun`] only says what there would be to compute.
//!
//! What another executor needs is here as well: a [`Plan`] of what the store lacks, and an [`Estimate`] of what it takes.

mod dry_run;
mod local;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use dry_run::DryRun;
pub use local::Local;

use crate::work::{Event, Fingerprint, Plan, Report, Target, Value};
use crate::{Error, Result};

/// Results by fingerprint; those that are not computed yet are absent.
pub type Computed = BTreeMap<Fingerprint, Result<Arc<Value>>>;

/// Computes results, or finds those that are stored.
pub trait Executor: Send + Sync {
    /// What is missing for some targets. A result that several targets share is planned once.
    ///
    /// # Errors
    /// When a point cannot fit into memory.
    fn plan(&self, targets: Vec<Target>) -> Result<Plan>;

    /// What a plan takes here.
    fn estimate(&self, plan: &Plan) -> Estimate;

    /// Makes results available and reports what happens on the way, from several threads.
    ///
    /// # Errors
    /// When a point cannot fit into memory, or this executor computes nothing and something is missing. A point that
    /// fails is no error of the whole: see [`Execution::failures`].
    fn compute(&self, targets: Vec<Target>, observer: &Observer<'_>) -> Result<Execution>;
}

/// What happens while an executor works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// What is missing is known, if anything is; work begins when the observer returns.
    Planned(&'a Plan, Estimate),
    /// Work goes on.
    Work(Event<'a>),
    /// Everything planned is done, or was stopped.
    Finished,
}

/// Receives the progress of an executor, from several threads.
pub type Observer<'a> = dyn Fn(Progress<'_>) + Sync + 'a;

/// What a plan takes.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Floating-point operations.
    pub operations: f64,
    /// Seconds, from speeds measured here before.
    pub seconds: f64,
    /// Bytes of the largest point.
    pub memory: f64,
}

/// How many points were computed, were stored already, and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Points {
    pub computed: usize,
    pub reused: usize,
    pub failed: usize,
}

impl Points {
    /// Adds those of another computation.
    pub fn add(&mut self, other: Self) {
        self.computed += other.computed;
        self.reused += other.reused;
        self.failed += other.failed;
    }
}

/// What came of a computation.
#[derive(Debug, Default)]
pub struct Execution {
    /// The results. One that was not reached before the user stopped is absent.
    pub computed: Computed,
    /// Which operations ran.
    pub report: Report,
    pub points: Points,
    /// Why points failed, each with the point's name.
    pub failures: Vec<Error>,
    /// Wall-clock time of the work.
    pub duration: Duration,
}
