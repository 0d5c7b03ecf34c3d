//! Storing the results of a run. A disk may be full for a while, so that a write that failed is tried again later.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::plan::Node;
use super::{Described, Fingerprint, Keep, Store, Value};
use crate::lock::lock;
use crate::{Error, Result};

/// See the module.
pub(super) struct Storing<'a> {
    store: &'a Store,
    /// Small results that could not be written. They are tried again after each write that succeeds, and at the end.
    waiting: Mutex<Vec<(Fingerprint, Described, Arc<Value>)>>,
    /// Large results that were not written. They are not held in memory for a second try.
    lost: AtomicUsize,
}

impl<'a> Storing<'a> {
    pub fn new(store: &'a Store) -> Self {
        Self { store, waiting: Mutex::default(), lost: AtomicUsize::new(0) }
    }

    /// Writes a result.
    ///
    /// # Errors
    /// The first time that a write to this store fails.
    pub fn write(&self, node: &Node, value: &Arc<Value>) -> Result<()> {
        let error = match self.store.write(node.key, &node.described, value) {
            Ok(true) => {
                if node.described.operation().keep() != Keep::InMemory {
                    self.write_rest();
                }
                return Ok(());
            }
            Ok(false) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(error) => error,
        };
        if node.described.operation().keep() == Keep::Always {
            lock(&self.waiting).push((node.key, node.described.clone(), value.clone()));
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        if self.store.has_failed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let message = format!("a result is not stored: {}", error.message);
        let goes_on = "the run goes on; every later result is tried as well, and small ones again";
        Err(Error { message, ..error }.hint(goes_on))
    }

    /// Tries the small results that could not be written, until one fails again.
    pub fn write_rest(&self) {
        let mut waiting = lock(&self.waiting);
        while let Some((key, described, value)) = waiting.last() {
            if self.store.write(*key, described, value).is_err() {
                return;
            }
            waiting.pop();
        }
    }

    /// How many results are not in the store.
    pub fn missing(&self) -> usize {
        lock(&self.waiting).len() + self.lost.load(Ordering::Relaxed)
    }
}
