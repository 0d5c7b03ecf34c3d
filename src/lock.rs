//! Locks that go on after a panic. An operation that panics fails only its own result, and no lock here is held while one
//! runs, so the state behind a poisoned lock is whole.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::allocation::Unstopped;

/// A lock that is held. Meanwhile no allocation stops its thread: others would wait for it for good.
pub(crate) struct Guard<'a, T> {
    guard: MutexGuard<'a, T>,
    held: Unstopped,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Locks `mutex`.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Guard<'_, T> {
    let held = Unstopped::begin();
    Guard { guard: mutex.lock().unwrap_or_else(PoisonError::into_inner), held }
}

/// Waits until `changed` is notified.
pub(crate) fn wait<'a, T>(changed: &Condvar, Guard { guard, held }: Guard<'a, T>) -> Guard<'a, T> {
    Guard { guard: changed.wait(guard).unwrap_or_else(PoisonError::into_inner), held }
}

/// Waits until `changed` is notified, or for `most` at the longest.
pub(crate) fn wait_for<'a, T>(changed: &Condvar, Guard { guard, held }: Guard<'a, T>, most: Duration) -> Guard<'a, T> {
    Guard { guard: changed.wait_timeout(guard, most).unwrap_or_else(PoisonError::into_inner).0, held }
}

/// What `mutex` held.
pub(crate) fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
