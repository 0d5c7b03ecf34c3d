//! The approval that a long run waits for: a click on the page.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::lock::{lock, wait_for};

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
        let mut approved = lock(&self.approved);
        *approved = (*approved).max(edit);
        self.changed.notify_all();
    }

    /// Waits until `edit` is approved or is over.
    pub fn wait_for(&self, edit: usize, is_over: impl Fn() -> bool) {
        let mut approved = lock(&self.approved);
        while *approved < edit && !is_over() {
            approved = wait_for(&self.changed, approved, INTERVAL);
        }
    }
}
