//! White noise: images without structure, for what a cascade does with pure information. Pixels are independent and
//! uniform in [0, 1); classes are drawn at random and mean nothing.

use super::{CLASSES, Part};
use crate::random::Random;

/// Part of every fingerprint: another number is another set of images.
pub(super) const GENERATOR: &str = "noise/1";

/// Draws sample `index`. It depends on nothing but the arguments.
pub(super) fn fill(seed: u64, part: Part, index: usize, out: &mut [f32]) {
    let mut random = Random::new(seed, &["noise", part.name(), &index.to_string()]);
    // 24 bits fill a single exactly, so that no number is rounded up to 1.
    out.fill_with(|| (random.bits() >> 8) as f32 / (1 << 24) as f32);
}

/// The classes of the first `count` samples; a longer list begins with a shorter one.
pub(super) fn labels(seed: u64, part: Part, count: usize) -> Vec<u8> {
    let mut random = Random::new(seed, &["noise", part.name(), "labels"]);
    (0..count).map(|_| random.below(CLASSES as u32) as u8).collect()
}
