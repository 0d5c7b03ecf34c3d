//! What a running operation gets: its device, idle threads, progress and cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;

use crate::kernels::Crew;
use crate::{Error, Result};

/// The user's wish to stop, shared by everything that takes long.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything to stop at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// When somebody asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// What a running operation can ask and tell.
pub struct Context<'a> {
    pub(super) device: Option<&'a Device>,
    /// The user's wish to stop everything, and that to stop this operation.
    pub(super) cancel: [&'a Cancel; 2],
    pub(super) advance: &'a (dyn Fn(f64) + Sync),
    pub(super) crew: &'a dyn Crew,
}

impl Context<'_> {
    /// What computes in place of the host's own loops, by Burn's operations; none where those do.
    pub fn device(&self) -> Option<&Device> {
        self.device
    }

    /// The threads that have nothing else to do. What comes out must not depend on how many come.
    pub fn crew(&self) -> &dyn Crew {
        self.crew
    }

    /// A step is done: `operations` more floating-point operations.
    ///
    /// # Errors
    /// When the user asked to stop, or has no use for it any more.
    pub fn advance(&self, operations: f64) -> Result<()> {
        (self.advance)(operations);
        self.cancel.into_iter().try_for_each(Cancel::check)
    }
}
