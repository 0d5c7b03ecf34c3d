//! Smaller images: averages over boxes of whole pixels, which need no resampling filter.

use crate::{Error, Result};

/// The side to which images of `full`×`full` pixels are averaged: `size`, or `full` where there is none.
///
/// # Errors
/// `size` does not divide `full`.
pub(super) fn check(name: &str, full: usize, size: Option<usize>) -> Result<usize> {
    match size.unwrap_or(full) {
        side if side > 0 && full.is_multiple_of(side) => Ok(side),
        side => {
            let mut sides: Vec<String> =
                (1..=full).rev().filter(|side| full.is_multiple_of(*side)).map(|side| side.to_string()).collect();
            let last = sides.pop().unwrap_or_default();
            let message = format!("{name} cannot be averaged from {full}×{full} to {side}×{side} pixels");
            Err(Error::new(message).hint(format!("`size` is one of {} and {last}", sides.join(", "))))
        }
    }
}

/// An image of bytes, `[channels, full, full]`, averaged over boxes to `[channels, side, side]` numbers in [0, 1].
pub(super) fn average(image: &[u8], full: usize, side: usize, out: &mut [f32]) {
    let edge = full / side;
    let scale = (255 * edge * edge) as f64;
    for (image, out) in image.chunks_exact(full * full).zip(out.chunks_exact_mut(side * side)) {
        for (i, out) in out.iter_mut().enumerate() {
            let (y, x) = (i / side * edge, i % side * edge);
            let rows = image[y * full..].chunks(full).take(edge);
            let sum: u32 = rows.flat_map(|row| &row[x..x + edge]).map(|&byte| u32::from(byte)).sum();
            // Rounded once: for whole bytes this is the nearest single to byte/255, as torchvision's ToTensor has it.
            *out = (f64::from(sum) / scale) as f32;
        }
    }
}
