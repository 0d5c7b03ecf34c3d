//! The transform of every photograph before a network sees it: torchvision's Resize, CenterCrop, ToTensor and Normalize, as
//! they work on Pillow's pictures.

use serde_json::{Value, json};

use super::resize::{is_vertical_first, resize};
use super::{Normalisation, Picture};
use crate::{Error, Result};

/// Largest number of pixels on a side that a script may choose.
const LARGEST: usize = 4096;

/// Steps from a picture to numbers, in this order; `None` leaves one out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transform {
    pub(super) grey: bool,
    /// Pixels of the shorter side after resizing.
    pub(super) resize: Option<usize>,
    /// Pixels on a side of the centre that is kept.
    pub(super) crop: Option<usize>,
    pub(super) normalisation: Option<Normalisation>,
}

impl Transform {
    /// # Errors
    /// A size out of range, or a normalisation of other channels than the pictures have.
    pub(super) fn check(&self) -> Result<()> {
        for (option, size) in [("resize", self.resize), ("crop", self.crop)] {
            if let Some(size) = size.filter(|size| !(1..=LARGEST).contains(size)) {
                return Err(Error::new(format!("`{option}` is {size} pixels; it is from 1 to {LARGEST}")));
            }
        }
        if let (Some(resize), Some(crop)) = (self.resize, self.crop)
            && resize < crop
        {
            return Err(Error::new(format!("pictures of {resize} pixels cannot be cropped to {crop}"))
                .hint("make `resize` at least `crop`"));
        }
        match &self.normalisation {
            Some(normalisation) if normalisation.channels() != self.channels() => {
                let (is, has) = (normalisation.channels(), self.channels());
                let error = Error::new(format!("the normalisation is of {is} channels, and pictures have {has} here"));
                Err(error.hint("give a number for every channel: `normalize: #{ mean: [0.5], std: [0.5] }`"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn channels(&self) -> usize {
        if self.grey { 1 } else { 3 }
    }

    /// The size after resizing, where the shorter side becomes `resize`; the longer one is rounded down, as in torchvision.
    fn resized(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        match self.resize {
            Some(short) if width <= height => [short, short * height / width],
            Some(short) => [short * width / height, short],
            None => [width, height],
        }
    }

    /// The size of the result for a picture of this size, or why there is none.
    pub(super) fn size(&self, size: [usize; 2]) -> Result<[usize; 2], String> {
        let [width, height] = self.resized(size);
        if width * height > super::MOST_PIXELS {
            return Err(format!("it would be {width}×{height} pixels when resized"));
        }
        match self.crop {
            Some(crop) if width.min(height) < crop => {
                Err(format!("it is {width}×{height} pixels, smaller than the crop of {crop}"))
            }
            Some(crop) => Ok([crop, crop]),
            None => Ok([width, height]),
        }
    }

    /// Whether a picture of this size is resized in another order than most; see [`is_vertical_first`].
    pub(super) fn is_vertical_first(&self, size: [usize; 2]) -> bool {
        is_vertical_first(size, self.resized(size))
    }

    /// A picture's numbers, `[channels, height, width]`.
    pub(super) fn apply(&self, picture: Picture, out: &mut [f32]) {
        let picture = if self.grey { picture.grey() } else { picture.coloured() };
        let [width, height] = self.resized([picture.width, picture.height]);
        let picture = resize(picture, width, height);
        let (columns, rows) = self.crop.map_or((width, height), |crop| (crop, crop));
        let (left, top) = (middle(width - columns), middle(height - rows));
        let channels = picture.channels;
        for (channel, plane) in out.chunks_exact_mut(rows * columns).enumerate() {
            for (y, line) in plane.chunks_exact_mut(columns).enumerate() {
                let bytes = &picture.pixels[((top + y) * width + left) * channels + channel..];
                line.iter_mut().zip(bytes.iter().step_by(channels)).for_each(|(number, &byte)| {
                    *number = f32::from(byte) / 255.0;
                });
            }
            if let Some(normalisation) = &self.normalisation {
                normalisation.normalise(channel, plane);
            }
        }
    }

    /// Everything that decides the numbers, for a fingerprint.
    pub(super) fn description(&self) -> Value {
        let normalisation = self.normalisation.as_ref().map(|n| json!({ "mean": n.mean(), "std": n.std() }));
        json!({ "grey": self.grey, "resize": self.resize, "crop": self.crop, "normalize": normalisation })
    }
}

/// Half of the surplus, rounded as Python rounds: halves to the even number.
fn middle(surplus: usize) -> usize {
    surplus / 2 + usize::from(surplus % 4 == 3)
}

#[cfg(test)]
mod tests {
    #[test]
    fn halves_are_rounded_to_the_even_number() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(super::middle), [0, 0, 1, 2, 2, 2, 3, 4]);
    }
}
