//! What is live about a run, beside its settings: how to stop it, what it has under way, what it reads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lock::lock;
use crate::work::{Cancel, InFlight};

/// The handle of a run; clones share it.
#[derive(Debug, Clone, Default)]
pub struct RunHandle {
    /// Stops everything at its next step.
    pub cancel: Cancel,
    /// Ends this run: a later edit of the script has taken over.
    pub superseded: Cancel,
    /// What this run, and others that share the handle's value, have under way.
    pub in_flight: Arc<InFlight>,
    /// The files and folders that the script reads or looks for.
    pub reads: ReadLog,
    /// How long the run folder's files wait after the results, so that a page is drawn first; zero in a single run.
    pub linger: Duration,
}

impl RunHandle {
    /// Whether the run has to end: the user stopped it, or a later edit has taken over.
    pub fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.superseded.is_cancelled()
    }

    /// Waits for as long as the files of the run folder should, or until the run is over.
    pub(super) fn linger(&self) {
        const STEP: Duration = Duration::from_millis(10);
        let mut left = self.linger;
        while !left.is_zero() && !self.is_over() {
            std::thread::sleep(STEP.min(left));
            left = left.saturating_sub(STEP);
        }
    }
}

/// Files and folders, noted as they are read or looked for; clones share it.
#[derive(Debug, Clone, Default)]
pub struct ReadLog(Arc<Mutex<BTreeSet<PathBuf>>>);

impl ReadLog {
    /// Notes one.
    pub fn note(&self, path: &Path) {
        lock(&self.0).insert(path.to_owned());
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<PathBuf> {
        lock(&self.0).clone()
    }
}
