//! What is under way, and what is still in memory: shared by runs that follow one another, so that an edited script takes
//! over what its former version began, and nothing is computed twice at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{Cancel, Fingerprint, Plan, Value};
use crate::{Error, Result};

/// How often one who waits for another's operation looks whether it is still to wait.
const PATIENCE: Duration = Duration::from_millis(20);

/// Operations under way and results in memory, by the names that the store would give them.
#[derive(Debug, Default)]
pub struct Flights(Mutex<BTreeMap<Fingerprint, Entry>>);

#[derive(Debug)]
enum Entry {
    Running(Arc<Flight>),
    /// In memory for as long as somebody needs it.
    Landed(Weak<Value>),
}

/// One operation under way.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Ends this operation alone.
    pub cancel: Cancel,
    outcome: Mutex<Option<Result<Arc<Value>>>>,
    landed: Condvar,
}

/// A result that somebody else computes, or did.
#[derive(Debug, Clone)]
pub(super) enum Held {
    Running(Arc<Flight>),
    Landed(Arc<Value>),
}

/// Who computes a result.
pub(super) enum Turn {
    Ours(Arc<Flight>),
    Theirs(Held),
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Fingerprint, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is under way or in memory for a result.
    pub(super) fn held(&self, key: Fingerprint) -> Option<Held> {
        self.lock().get(&key).and_then(Entry::held)
    }

    /// Begins to compute a result, unless somebody does or did. Whoever begins has to [`Flights::land`] it.
    pub(super) fn begin(&self, key: Fingerprint) -> Turn {
        let mut entries = self.lock();
        if let Some(held) = entries.get(&key).and_then(Entry::held) {
            return Turn::Theirs(held);
        }
        let flight = Arc::<Flight>::default();
        entries.insert(key, Entry::Running(flight.clone()));
        Turn::Ours(flight)
    }

    /// Tells all who wait what came of it. What is `kept` in memory alone can be found for as long as it is needed.
    pub(super) fn land(&self, key: Fingerprint, flight: &Flight, result: &Result<Arc<Value>>, in_memory: bool) {
        *flight.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.clone());
        flight.landed.notify_all();
        let mut entries = self.lock();
        match result {
            Ok(value) if in_memory => entries.insert(key, Entry::Landed(Arc::downgrade(value))),
            _ => entries.remove(&key),
        };
    }

    /// Ends, at their next step, the operations that none of `plan`'s results needs.
    pub fn keep_only(&self, plan: &Plan) {
        let wanted: BTreeSet<Fingerprint> = plan.nodes.iter().map(|node| node.key).collect();
        self.lock().retain(|key, entry| match entry {
            Entry::Running(flight) => {
                if !wanted.contains(key) {
                    flight.cancel.cancel();
                }
                true
            }
            Entry::Landed(value) => value.strong_count() > 0,
        });
    }
}

impl Entry {
    fn held(&self) -> Option<Held> {
        match self {
            Self::Running(flight) => Some(Held::Running(flight.clone())),
            Self::Landed(value) => value.upgrade().map(Held::Landed),
        }
    }
}

impl Held {
    /// The result, once it is there.
    ///
    /// # Errors
    /// The operation's own, or that `stops` said so.
    pub fn wait(&self, stops: impl Fn() -> bool) -> Result<Arc<Value>> {
        let flight = match self {
            Self::Landed(value) => return Ok(value.clone()),
            Self::Running(flight) => flight,
        };
        let mut outcome = flight.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(result) = &*outcome {
                return result.clone();
            }
            if stops() {
                return Err(Error::interrupted());
            }
            (outcome, _) = flight.landed.wait_timeout(outcome, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
