//! What generated data sets have in common: nothing to download, any number of samples, a seed.

use serde_json::{Value, json};

use super::DatasetPart;
use super::source::{DatasetOptions, MOST_SAMPLES};
use crate::{Error, Result};

/// Options of every generated data set.
pub(super) const OPTIONS: &[&str] = &["size", "train", "test", "seed"];
/// Training and test samples of a generated data set by default: MNIST's numbers.
pub const COUNTS: [usize; 2] = [60_000, 10_000];

/// Numbers of samples to train and to test with.
///
/// # Errors
/// A number is 0 or too large.
pub(super) fn counts(name: &str, options: &DatasetOptions) -> Result<[usize; 2]> {
    let counts = [options.train.unwrap_or(COUNTS[0]), options.test.unwrap_or(COUNTS[1])];
    match counts.iter().find(|&count| !(1..=MOST_SAMPLES).contains(count)) {
        Some(count) => {
            Err(Error::new(format!("{name} of {count} samples: `train` and `test` are from 1 to {MOST_SAMPLES}")))
        }
        None => Ok(counts),
    }
}

/// What identifies a part that `generator` draws, for a fingerprint.
pub(super) fn content(generator: &str, seed: u64, part: DatasetPart) -> Value {
    json!({ "generator": generator, "random": crate::random::GENERATOR, "seed": seed, "part": part.name() })
}
