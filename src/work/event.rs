//! What a run reports while it goes on.

use std::sync::Arc;

use super::{Fingerprint, Value};
use crate::{Error, Result};

/// Something that happened while a plan ran.
#[derive(Debug)]
pub enum Event<'a> {
    /// An operation starts, for the first point that needs it.
    Started { operation: &'static str, point: &'a str },
    /// A point whose work depends on what it finds goes on with this, in words.
    Tries { point: &'a str, what: &'a str },
    /// This many more floating-point operations are done.
    Advanced(f64),
    /// A target is computed or has failed; `fingerprint` is its description's.
    Done { target: usize, point: &'a str, fingerprint: Fingerprint, result: &'a Result<Arc<Value>> },
    /// Something that the user should know and that stops nothing.
    Warning(&'a Error),
}

/// Is called with the events of a run, from several threads.
pub type EventObserver<'a> = dyn Fn(Event<'_>) + Sync + 'a;
