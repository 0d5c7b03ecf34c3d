//! Who computes what is missing. An [`Executor`] takes the targets that a script shows, and gives back their results:
//! [`Local`] computes them in this process, [`DryRun`] only says what there would be to compute.
//!
//! What another executor needs is here as well: a [`Plan`] of what the store lacks, and an [`Estimate`] of what it takes.

mod dry_run;
mod local;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use dry_run::DryRun;
pub use local::Local;

use crate::work::{Event, Fingerprint, Plan, Report, RestsOn, RowKey, Target, Value};
use crate::{Error, Result, words};

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

    /// What it takes to compute some targets from nothing, whatever is stored.
    fn estimate_of_all(&self, targets: Vec<Target>) -> Estimate;

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
    /// Seconds, the best guess.
    pub seconds: f64,
    /// Seconds of work on one thread; `None` where something of it never ran.
    pub seconds_of_work: Option<f64>,
    /// Seconds at least and at most, from times measured here before; `None` where nothing like it ran before.
    pub interval: Option<(f64, f64)>,
    /// Bytes of the largest point.
    pub memory: f64,
}

impl Estimate {
    /// The time that a share of the work takes, in words.
    pub(crate) fn time_of(&self, share: f64) -> String {
        match self.interval {
            Some((low, high)) => words::interval(low * share, high * share),
            None => "time unknown".to_owned(),
        }
    }
}

/// The time in words: "3 to 8 min".
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.interval {
            Some((low, high)) => f.write_str(&words::interval(low, high)),
            None => f.write_str("time unknown (nothing like it ran here before)"),
        }
    }
}

/// How many points were computed, were stored already, and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    pub computed: usize,
    pub reused: usize,
    pub failed: usize,
}

impl Points {
    /// Counts the points of all results that a run needed, each once.
    pub(crate) fn of(rows: &[ResultOfRow]) -> Self {
        let keys: Vec<RowKey<'_>> = rows.iter().map(|row| (row.point.as_str(), &row.rests_on)).collect();
        let made: BTreeSet<Fingerprint> = rows
            .iter()
            .flat_map(|row| &row.rests_on)
            .filter(|(_, is_work)| **is_work)
            .map(|(result, _)| *result)
            .collect();
        let mut points = Self::default();
        for group in crate::work::points(&keys) {
            let ends = |end: RowEnd| group.iter().any(|&row| rows[row].end == end);
            let is_made = || group.iter().any(|&row| rows[row].rests_on.keys().any(|result| made.contains(result)));
            match () {
                () if ends(RowEnd::Failed) => points.failed += 1,
                () if ends(RowEnd::NotReached) => {}
                () if is_made() => points.computed += 1,
                () => points.reused += 1,
            }
        }
        points
    }
}

/// A result that a row of a table needed, and what became of it.
#[derive(Debug, Clone)]
pub struct ResultOfRow {
    /// The row's name.
    pub point: String,
    pub(crate) rests_on: RestsOn,
    pub end: RowEnd,
}

/// What became of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowEnd {
    There,
    Failed,
    /// The user stopped before.
    NotReached,
}

/// What came of a computation.
#[derive(Debug, Default)]
pub struct Execution {
    /// The results. One that was not reached before the user stopped is absent.
    pub computed: Computed,
    /// Which operations ran.
    pub report: Report,
    /// Every result that rows needed; [`Points`] are counted from those of a whole run.
    pub rows: Vec<ResultOfRow>,
    /// Why points failed, each with the point's name.
    pub failures: Vec<Error>,
    /// Wall-clock time of the work.
    pub duration: Duration,
}
