//! Operations that are running and results that are still in memory, shared by runs that follow one another: an edited
//! script takes over what its former version began, and nothing is computed twice at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use super::{Cancel, Fingerprint, Value};
use crate::lock::{lock, wait_for};
use crate::{Error, Result};

/// How often a run that waits for another's operation checks whether it was cancelled itself.
const POLL: Duration = Duration::from_millis(20);

/// Running operations and results in memory, by the keys that the store would use.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<BTreeMap<Fingerprint, Entry>>);

#[derive(Debug)]
enum Entry {
    Running(Arc<Running>),
    /// In memory for as long as something uses it.
    Done(Weak<Value>),
}

/// One running operation.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// Ends this operation alone.
    pub cancel: Cancel,
    outcome: Mutex<Option<Result<Arc<Value>>>>,
    published: Condvar,
}

/// A result that another run computes, or has computed.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    Running(Arc<Running>),
    Done(Arc<Value>),
}

/// Who computes a result.
pub(super) enum Claim {
    Ours(Arc<Running>),
    Theirs(Pending),
}

impl InFlight {
    /// The result, if another run computes it or has it in memory.
    pub(super) fn pending(&self, key: Fingerprint) -> Option<Pending> {
        lock(&self.0).get(&key).and_then(Entry::pending)
    }

    /// Claims a result, unless another run computes it or has it. Whoever gets [`Claim::Ours`] has to
    /// [`InFlight::publish`] it.
    pub(super) fn claim(&self, key: Fingerprint) -> Claim {
        let mut entries = lock(&self.0);
        if let Some(pending) = entries.get(&key).and_then(Entry::pending) {
            return Claim::Theirs(pending);
        }
        let running = Arc::<Running>::default();
        entries.insert(key, Entry::Running(running.clone()));
        Claim::Ours(running)
    }

    /// Hands the outcome to all that wait for it. A result that is kept `in_memory` alone can be found here for as long as
    /// something uses it.
    pub(super) fn publish(&self, key: Fingerprint, running: &Running, result: &Result<Arc<Value>>, in_memory: bool) {
        *lock(&running.outcome) = Some(result.clone());
        running.published.notify_all();
        let mut entries = lock(&self.0);
        match result {
            Ok(value) if in_memory => entries.insert(key, Entry::Done(Arc::downgrade(value))),
            _ => entries.remove(&key),
        };
    }

    /// Ends, at their next step, the operations whose keys are not in `needed` (see [`Plan::keys`](super::Plan::keys)).
    pub fn keep_only(&self, needed: &BTreeSet<Fingerprint>) {
        lock(&self.0).retain(|key, entry| match entry {
            Entry::Running(running) => {
                if !needed.contains(key) {
                    running.cancel.cancel();
                }
                true
            }
            Entry::Done(value) => value.strong_count() > 0,
        });
    }
}

impl Entry {
    fn pending(&self) -> Option<Pending> {
        match self {
            Self::Running(running) => Some(Pending::Running(running.clone())),
            Self::Done(value) => value.upgrade().map(Pending::Done),
        }
    }
}

impl Pending {
    /// The result, once it is computed.
    ///
    /// # Errors
    /// The operation's own, or that `stops` became true.
    pub fn wait(&self, stops: impl Fn() -> bool) -> Result<Arc<Value>> {
        let running = match self {
            Self::Done(value) => return Ok(value.clone()),
            Self::Running(running) => running,
        };
        let mut outcome = lock(&running.outcome);
        loop {
            if let Some(result) = &*outcome {
                return result.clone();
            }
            if stops() {
                return Err(Error::interrupted());
            }
            outcome = wait_for(&running.published, outcome, POLL);
        }
    }
}
