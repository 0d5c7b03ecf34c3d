//! The approval that a long run waits for: a click on the page.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often a waiting edit looks whether it is over.
const INTERVAL: Duration = Duration::from_millis(50);

/// The last edit that was approved, by number.
#[derive(Default)]
pub(super) struct Approval {
    approved: Mutex<usize>,
    changed: Condvar,
}

impl Approval {
    /// Lets `edit` and those before it run.
    pub fn approve(&self, edit: usize) {
        let mut approved = self.approved.lock().unwrap_or_else(PoisonError::into_inner);
        *approved = (*approved).max(edit);
        self.changed.notify_all();
    }

    /// Waits until `edit` is approved or is over.
    pub fn wait_for(&self, edit: usize, is_over: impl Fn() -> bool) {
        let mut approved = self.approved.lock().unwrap_or_else(PoisonError::into_inner);
        while *approved < edit && !is_over() {
            (approved, _) = self.changed.wait_timeout(approved, INTERVAL).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
