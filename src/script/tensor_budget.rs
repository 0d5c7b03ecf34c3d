//! The memory that the tensors of a script share.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::guest::Guest;
use crate::words;
use crate::{Error, Result};

/// How many axes a tensor can have.
pub(super) const RANKS: RangeInclusive<usize> = 1..=4;

/// How many bytes the tensors of a script may take together.
#[derive(Debug)]
pub struct TensorBudget {
    limit: u64,
    taken: AtomicU64,
    guest: Arc<Guest>,
}

/// Bytes reserved in a budget; they are free again when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    bytes: u64,
    budget: Arc<TensorBudget>,
}

impl TensorBudget {
    /// A budget of `limit` bytes, all free; what a guest takes besides is taken from it as well.
    pub(super) fn new(limit: u64, guest: Arc<Guest>) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicU64::new(0), guest })
    }

    /// Reserves what a tensor of this shape needs.
    ///
    /// # Errors
    /// When no tensor has such a shape, or too little is left.
    pub fn reserve(self: &Arc<Self>, shape: &[usize]) -> Result<Reservation> {
        if !RANKS.contains(&shape.len()) {
            return Err(Error::new(format!("a tensor cannot have the shape {shape:?}, of rank {}", shape.len()))
                .hint(format!("a tensor has {} to {} axes", RANKS.start(), RANKS.end())));
        }
        if shape.contains(&0) {
            return Err(Error::new(format!("a tensor cannot have the shape {shape:?}: every size is at least 1")));
        }
        let bytes = shape.iter().try_fold(size_of::<f32>() as u64, |bytes, &size| bytes.checked_mul(size as u64));
        self.reserve_bytes(bytes.unwrap_or(u64::MAX), || format!("a tensor of shape {shape:?}"))
    }

    /// Reserves some bytes for `what`.
    ///
    /// # Errors
    /// When too little is left.
    pub fn reserve_bytes(self: &Arc<Self>, bytes: u64, what: impl Fn() -> String) -> Result<Reservation> {
        self.guest.check_memory(bytes, &what())?;
        let more = |taken: u64| taken.checked_add(bytes).filter(|&all| all <= self.limit);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Reservation { bytes, budget: self.clone() }),
            Err(taken) => {
                let [bytes, limit, taken] = [bytes, self.limit, taken].map(|bytes| words::size(bytes as f64));
                Err(Error::new(format!(
                    "{} takes {bytes}; a script's tensors may take {limit} together, {taken} are taken",
                    what()
                ))
                .hint("raise the limit: --max-memory SIZE"))
            }
        }
    }
}

impl Reservation {
    /// What it was taken from.
    pub fn budget(&self) -> &Arc<TensorBudget> {
        &self.budget
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
