//! What a running operation is given: its device, idle threads, progress and cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;

use super::checkpoints::Checkpoints;
use super::{IdleThreads, Value};
use crate::{Error, Result};

/// A request to stop, shared by everything that takes long. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything to stop at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// When [`Cancel::cancel`] was called.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// What a running operation may use, and where it reports its progress.
pub struct Context<'a> {
    pub(super) device: Option<&'a Device>,
    /// Two requests to stop: that of everything, and that of this operation.
    pub(super) cancel: [&'a Cancel; 2],
    pub(super) advance: &'a (dyn Fn(f64) + Sync),
    pub(super) idle_threads: &'a dyn IdleThreads,
    pub(super) warn: &'a (dyn Fn(Error) + Sync),
    pub(super) checkpoints: &'a Checkpoints<'a>,
    pub(super) working_bytes: f64,
}

impl Context<'_> {
    /// The device to compute on by Burn's operations; `None` means the host's own loops.
    pub fn device(&self) -> Option<&Device> {
        self.device
    }

    /// The bytes that it may take while it runs, besides inputs and result: its [`Cost::working_bytes`](super::Cost::working_bytes),
    /// or fewer where memory is short, by at most the spare ones.
    pub fn working_bytes(&self) -> f64 {
        self.working_bytes
    }

    /// The threads that have no operation to run. The result must not depend on how many help.
    pub fn idle_threads(&self) -> &dyn IdleThreads {
        self.idle_threads
    }

    /// Reports a warning about this result; the work goes on.
    pub fn warn(&self, warning: Error) {
        (self.warn)(warning);
    }

    /// The last undamaged state that an earlier run of the same operation kept by [`Context::checkpoint`], if there is one.
    pub fn latest_checkpoint(&self) -> Option<Value> {
        self.checkpoints.latest()
    }

    /// Keeps the operation's state in the store if the last one is old enough, so that a run which is killed loses little; only then
    /// is `state` called. The result must be the same from a state as from the beginning.
    ///
    /// # Errors
    /// When `state` fails.
    pub fn checkpoint(&self, state: &dyn Fn() -> Result<Value>) -> Result<()> {
        self.checkpoints.keep(state)
    }

    /// Reports `operations` more floating-point operations as done.
    ///
    /// # Errors
    /// When the operation should stop: the user asked for it, or no result needs it any more.
    pub fn advance(&self, operations: f64) -> Result<()> {
        (self.advance)(operations);
        self.cancel.into_iter().try_for_each(Cancel::check)
    }
}
