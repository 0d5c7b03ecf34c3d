//! The memory that the tensors of a script share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::RANKS;
use crate::words;
use crate::{Error, Result};

/// How many bytes the tensors of a script may take together.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    taken: AtomicU64,
}

/// Bytes taken from a budget, given back when the last tensor that rests on them is gone.
#[derive(Debug)]
pub struct Claim {
    bytes: u64,
    budget: Arc<Budget>,
}

impl Budget {
    /// Nothing is taken yet.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicU64::new(0) })
    }

    /// Takes what a tensor of this shape needs.
    ///
    /// # Errors
    /// When no tensor has such a shape, or too little is left.
    pub fn claim(self: &Arc<Self>, shape: &[usize]) -> Result<Claim> {
        if !RANKS.contains(&shape.len()) {
            return Err(Error::new(format!("a tensor cannot have the shape {shape:?}, of rank {}", shape.len()))
                .hint(format!("a tensor has {} to {} axes", RANKS.start(), RANKS.end())));
        }
        if shape.contains(&0) {
            return Err(Error::new(format!("a tensor cannot have the shape {shape:?}: every size is at least 1")));
        }
        let bytes = shape.iter().try_fold(size_of::<f32>() as u64, |bytes, &size| bytes.checked_mul(size as u64));
        self.claim_bytes(bytes.unwrap_or(u64::MAX), || format!("a tensor of shape {shape:?}"))
    }

    /// Takes some bytes for `what`.
    ///
    /// # Errors
    /// When too little is left.
    pub fn claim_bytes(self: &Arc<Self>, bytes: u64, what: impl FnOnce() -> String) -> Result<Claim> {
        let more = |taken: u64| taken.checked_add(bytes).filter(|&all| all <= self.limit);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Claim { bytes, budget: self.clone() }),
            Err(taken) => {
                let [bytes, limit, taken] = [bytes, self.limit, taken].map(|bytes| words::size(bytes as f64));
                Err(Error::new(format!(
                    "{} takes {bytes}; a script's tensors may take {limit} together, {taken} are taken",
                    what()
                ))
                .hint("raise the limit: --max-tensors SIZE"))
            }
        }
    }
}

impl Claim {
    /// What it was taken from.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
