//! States of long operations in the store: a run that is killed loses what was computed since the last one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Described, Event, EventObserver, Fingerprint, Store, Value};
use crate::lock::lock;
use crate::{Error, Result};

/// Default of the least time between two states. It grows where writing one takes long.
pub const EVERY: Duration = Duration::from_secs(20);
/// The most that it grows to: so much work can be lost.
const MOST: Duration = Duration::from_secs(50);
/// The time between two states is at least this many times the time that writing one took, up to [`MOST`].
const SHARE: u32 = 20;

/// Where one operation keeps its states.
pub(super) struct Checkpoints<'a> {
    store: &'a Store,
    described: &'a Described,
    key: Fingerprint,
    every: Duration,
    observer: &'a EventObserver<'a>,
    timing: Mutex<Timing>,
    /// Whether the operation asked for a state: only then may there be files to remove.
    is_used: AtomicBool,
}

struct Timing {
    /// When the last state was written, or the operation began.
    last: Instant,
    /// How long that took.
    took: Duration,
    has_failed: bool,
}

impl<'a> Checkpoints<'a> {
    #[expect(clippy::disallowed_methods, reason = "when a state is written decides no number")]
    pub fn new(
        store: &'a Store,
        described: &'a Described,
        key: Fingerprint,
        every: Duration,
        observer: &'a EventObserver<'a>,
    ) -> Self {
        let timing = Timing { last: Instant::now(), took: Duration::ZERO, has_failed: false };
        let is_used = AtomicBool::new(false);
        Self { store, described, key, every, observer, timing: Mutex::new(timing), is_used }
    }

    /// The last undamaged state. Damaged ones are set aside, with a warning.
    pub fn latest(&self) -> Option<Value> {
        self.is_used.store(true, Ordering::Relaxed);
        self.store.latest_checkpoint(self.key, |warning| (self.observer)(Event::Warning(&warning)))
    }

    /// Writes a state if it is time. A failed write is reported once.
    ///
    /// # Errors
    /// When `state` fails.
    #[expect(clippy::disallowed_methods, reason = "when a state is written decides no number")]
    pub fn keep(&self, state: &dyn Fn() -> Result<Value>) -> Result<()> {
        let mut timing = lock(&self.timing);
        let now = Instant::now();
        let least = if self.every.is_zero() { self.every } else { self.every.max((SHARE * timing.took).min(MOST)) };
        if now.duration_since(timing.last) < least {
            return Ok(());
        }
        let state = state()?;
        if let Err(error) = self.store.write_checkpoint(self.key, self.described, &state)
            && !std::mem::replace(&mut timing.has_failed, true)
        {
            let error: Error = error.hint("the work goes on; if it is interrupted, it begins anew");
            (self.observer)(Event::Warning(&error));
        }
        *timing = Timing { last: Instant::now(), took: now.elapsed(), ..*timing };
        Ok(())
    }

    /// Removes all states: the result is stored.
    pub fn remove(&self) {
        if self.is_used.load(Ordering::Relaxed) {
            self.store.remove_checkpoints(self.key);
        }
    }
}
