//! White noise: images without structure, for what a cascade does with pure information. Pixels are independent and
//! uniform in [0, 1); classes are drawn at random and mean nothing.

use std::path::PathBuf;

use serde_json::Value;

use super::source::{CatalogueEntry, DatasetOptions, MOST_SIDE, Opened, SampleSource, fill_samples};
use super::{DatasetPart, Folders, generated};
use crate::random::Random;
use crate::{Error, Result};

const NAME: &str = "noise";
/// Version of the generator, part of every fingerprint: another number is another set of images.
const GENERATOR: &str = "noise/1";
const CLASSES: usize = 10;
/// Pixels on a side unless a script asks for another size.
const SIDE: usize = 28;

/// `noise` in the catalogue.
pub(super) struct NoiseEntry;

#[derive(Debug)]
struct Noise {
    seed: u64,
    side: usize,
    counts: [usize; 2],
}

impl CatalogueEntry for NoiseEntry {
    fn name(&self) -> &str {
        NAME
    }

    fn about(&self) -> &'static str {
        "white noise, 28×28 or any size, ten classes that mean nothing"
    }

    fn options(&self) -> &'static [&'static str] {
        generated::OPTIONS
    }

    fn open(&self, options: &DatasetOptions, _: &Folders) -> Result<Opened> {
        let side = options.size.unwrap_or(SIDE);
        if !(1..=MOST_SIDE).contains(&side) {
            return Err(Error::new(format!("noise of {side}×{side} pixels: `size` is from 1 to {MOST_SIDE}")));
        }
        let (seed, counts) = (options.seed.unwrap_or(0), generated::counts(NAME, options)?);
        Ok(Opened { source: Box::new(Noise { seed, side, counts }), warnings: Vec::new() })
    }

    fn folders(&self, _: &Folders) -> Vec<PathBuf> {
        Vec::new()
    }
}

impl SampleSource for Noise {
    fn counts(&self) -> [usize; 2] {
        self.counts
    }

    fn shape(&self) -> [usize; 3] {
        [1, self.side, self.side]
    }

    fn classes(&self) -> usize {
        CLASSES
    }

    /// A longer list begins with a shorter one.
    fn labels(&self, part: DatasetPart) -> Result<Vec<Option<u32>>> {
        let mut random = Random::new(self.seed, &["noise", part.name(), "labels"]);
        Ok((0..self.counts[part as usize]).map(|_| Some(random.below(CLASSES as u32))).collect())
    }

    /// A sample depends on the seed, the part and its own index only.
    fn pixels(&self, part: DatasetPart, indices: &[usize]) -> Result<Vec<f32>> {
        fill_samples(indices, self.side * self.side, |i, out| {
            let mut random = Random::new(self.seed, &["noise", part.name(), &i.to_string()]);
            // 24 bits fill a single exactly, so that no number is rounded up to 1.
            out.fill_with(|| (random.bits() >> 8) as f32 / (1 << 24) as f32);
            Ok(())
        })
    }

    fn content(&self, part: DatasetPart) -> Value {
        generated::content(GENERATOR, self.seed, part)
    }

    fn seeds(&self) -> Vec<u64> {
        vec![self.seed]
    }
}
