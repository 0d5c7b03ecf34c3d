//! How the numbers of reconstruction networks are found: one file for each way.

mod adam;
mod covariance;
mod loaded;
mod ridge;

pub use adam::AdamSolver;
pub(crate) use loaded::METADATA_KEY;
pub(super) use loaded::name_in_file;
pub use ridge::Ridge;

use super::{Cascade, Inverse};
use crate::Result;
use crate::data::Split;
use crate::network::Architecture;
use crate::work::{Described, Provenance};

/// A way to find the numbers of reconstruction networks.
pub trait Solver: std::fmt::Debug + Send + Sync + 'static {
    /// Checks the settings.
    ///
    /// # Errors
    /// When one is out of its range.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The inverse that it finds numbers for, in place of `inverse`, which leads back through block `l` (from 1).
    ///
    /// # Errors
    /// When it finds none for such an inverse.
    fn adapt(&self, inverse: Inverse, _network: &Architecture, _l: usize) -> Result<Inverse> {
        Ok(inverse)
    }

    /// Whether the derived inverse of the first block keeps a relu at its end, as published, although normalised pixels may
    /// be negative.
    fn keeps_relu_at_input(&self) -> bool {
        false
    }

    /// The operation that finds the numbers of block `l` (from 1): see [`Cascade::block`].
    fn solve(&self, cascade: &Cascade, l: usize) -> Described;

    /// What decides the numbers of blocks 1 to `depth` for the data of `split`, besides the blocks and their inverses: a part
    /// of fingerprints, as a JSON object.
    fn description(&self, split: &Split, depth: usize) -> serde_json::Value;

    /// What the file of a saved cascade says about how its numbers were found.
    fn record(&self, split: &Split) -> serde_json::Value {
        self.description(split, 0)
    }

    /// The length of every block's "loss" for so many samples; 0 without losses.
    fn steps(&self, samples: usize) -> usize;

    /// Checks that it leaves losses.
    ///
    /// # Errors
    /// When it does not.
    fn check_losses(&self) -> Result<()> {
        Ok(())
    }

    /// The solver in words, and its seeds.
    fn provenance(&self) -> Provenance;
}
