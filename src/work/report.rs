//! What a run did.

use std::collections::{BTreeMap, BTreeSet};

use super::Fingerprint;
use super::throughput::{CallsBySize, add_calls};

/// What was done, by name of operation.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How often each operation ran.
    pub ran: BTreeMap<&'static str, usize>,
    /// How often its result was read from the store.
    pub reused: BTreeMap<&'static str, usize>,
    /// Floating-point operations and seconds on one thread.
    pub spent: BTreeMap<&'static str, (f64, f64)>,
    /// How many results that should be kept are not in the store, because they could not be written or are larger than the
    /// store's budget.
    pub unstored: usize,
    /// The same by size of the operation, for estimates.
    pub calls: CallsBySize,
    /// Results that were in the store by the plan, and had to be computed all the same: their files could not be used.
    pub(crate) recomputed: BTreeSet<Fingerprint>,
}

impl Report {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        let add = |to: &mut BTreeMap<_, usize>, from: &BTreeMap<_, usize>| {
            from.iter().for_each(|(name, count)| *to.entry(*name).or_default() += count);
        };
        self.unstored += other.unstored;
        self.recomputed.extend(&other.recomputed);
        add(&mut self.ran, &other.ran);
        add(&mut self.reused, &other.reused);
        for (name, (operations, seconds)) in &other.spent {
            let spent = self.spent.entry(name).or_default();
            *spent = (spent.0 + operations, spent.1 + seconds);
        }
        for (name, sizes) in &other.calls {
            sizes.values().for_each(|calls| add_calls(&mut self.calls, name, *calls));
        }
    }
}
