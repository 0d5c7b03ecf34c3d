//! Shift and scale of each channel before a network sees it, undone for figures.

use crate::{Error, Result};

/// Mean and standard deviation of each channel: a network sees (x − mean) / std, x in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalisation {
    /// A mean and a standard deviation for every channel.
    ///
    /// # Errors
    /// The numbers of means and deviations differ or are 0, one is not finite, or a deviation is not above 0.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self> {
        if mean.len() != std.len() || mean.is_empty() {
            let message = format!("a normalisation of {} means and {} standard deviations", mean.len(), std.len());
            return Err(Error::new(message).hint("give one of both for every channel"));
        }
        if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(Error::new(format!("a normalisation with the mean {mean}")));
        }
        match std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            Some(std) => Err(Error::new(format!("a normalisation with the standard deviation {std}; it is above 0"))),
            None => Ok(Self { mean, std }),
        }
    }

    /// The moments of ImageNet's pictures, with which torchvision's networks are trained.
    pub fn imagenet() -> Self {
        Self { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.mean.len()
    }

    /// The mean of each channel, which is subtracted.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each channel, by which the difference is divided.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    pub(super) fn normalise(&self, channel: usize, plane: &mut [f32]) {
        let (mean, std) = (self.mean[channel], self.std[channel]);
        plane.iter_mut().for_each(|x| *x = (*x - mean) / std);
    }

    /// Undoes the normalisation of pictures of `shape`, `[channels, height, width]`, one after another. Pictures with another
    /// number of channels are left as they are.
    pub fn restore(&self, pixels: &mut [f32], [channels, height, width]: [usize; 3]) {
        if channels == self.channels() {
            for (i, plane) in pixels.chunks_mut((height * width).max(1)).enumerate() {
                let (mean, std) = (self.mean[i % channels], self.std[i % channels]);
                plane.iter_mut().for_each(|x| *x = *x * std + mean);
            }
        }
    }
}
