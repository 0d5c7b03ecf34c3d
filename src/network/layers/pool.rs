//! Pools: the maximum or the mean of windows of an image, channel by channel.

use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::image::{self, dimensions};
use super::inverse::no_rule;
use super::kind::LayerKind;
use super::{Conv2d, ConvTranspose2d, InverseBuilder};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// A window that moves over an image and leaves one number for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pool {
    pub kernel: usize,
    pub stride: usize,
    /// Pixels around the image.
    pub padding: usize,
}

/// The largest number of each window; the pixels around the image do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MaxPool(pub Pool);

/// The mean of each window; the pixels around the image are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AvgPool(pub Pool);

/// Means over windows that divide the image into `size`, height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AdaptiveAvgPool {
    pub size: [usize; 2],
}

impl Pool {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image::size(input, input[0])?;
        if self.kernel == 0 || self.stride == 0 || 2 * self.padding > self.kernel {
            return Err(Error::new(format!(
                "a pool of {} pixels, stride {}, padding {}: the first two are at least 1, the padding at most half a pool",
                self.kernel, self.stride, self.padding
            )));
        }
        let size = |size: usize| (size + 2 * self.padding).checked_sub(self.kernel).map(|x| x / self.stride + 1);
        match (size(height), size(width)) {
            (Some(height), Some(width)) => Ok(vec![input[0], height, width]),
            _ => Err(image::too_small(self.kernel, height, width)),
        }
    }

    fn write(&self, f: &mut std::fmt::Formatter<'_>, name: &str) -> std::fmt::Result {
        write!(f, "{name}({}", self.kernel)?;
        if self.stride != self.kernel {
            write!(f, ", stride {}", self.stride)?;
        }
        if self.padding > 0 {
            write!(f, ", padding {}", self.padding)?;
        }
        f.write_str(")")
    }

    /// Images of shape `output`: `fold` over the pixels of each window, from `start`.
    fn forward(&self, x: &Batch, output: &[usize], start: f32, fold: impl Fn(&mut f32, f32)) -> Vec<f32> {
        let [channels, height, width] = dimensions(&x.shape);
        let inside = |window: usize, size: usize| {
            let from = window * self.stride;
            from.saturating_sub(self.padding)..(from + self.kernel).saturating_sub(self.padding).min(size)
        };
        let mut data = vec![start; x.samples * output.iter().product::<usize>()];
        let mut windows = data.chunks_mut(channels);
        for image in x.data.chunks(channels * height * width) {
            for (y, x) in (0..output[1]).flat_map(|y| (0..output[2]).map(move |x| (y, x))) {
                let Some(window) = windows.next() else { return data };
                for row in inside(y, height) {
                    let columns = inside(x, width);
                    for pixel in image[(row * width + columns.start) * channels..].chunks(channels).take(columns.len())
                    {
                        window.iter_mut().zip(pixel).for_each(|(to, &x)| fold(to, x));
                    }
                }
            }
        }
        data
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize]) -> Result<()> {
        inverse.enlarge(Conv2d { stride: self.stride, ..Conv2d::new(input[0], input[0], self.kernel) }, input)
    }
}

impl std::fmt::Display for MaxPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.write(f, "max_pool")
    }
}

impl LayerKind for MaxPool {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.0.output_shape(input)
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let data = self.0.forward(&x, &output, f32::NEG_INFINITY, |best, x| {
            // Not `max`, which would lose a NaN.
            if x > *best || x.is_nan() {
                *best = x;
            }
        });
        Ok(Batch { shape: output, data, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let Pool { kernel, stride, padding } = self.0;
        let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
        Ok(image::burn_rows(module::max_pool2d(x.into_images(), options)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        self.0.invert(inverse, input)
    }
}

impl std::fmt::Display for AvgPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.write(f, "avg_pool")
    }
}

impl LayerKind for AvgPool {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        self.0.output_shape(input)
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let mut data = self.0.forward(&x, &output, 0.0, |sum, x| *sum += x);
        let part = 1.0 / (self.0.kernel * self.0.kernel) as f32;
        data.iter_mut().for_each(|x| *x *= part);
        Ok(Batch { shape: output, data, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let Pool { kernel, stride, padding } = self.0;
        let options = AvgPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]);
        Ok(image::burn_rows(module::avg_pool2d(x.into_images(), options)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        self.0.invert(inverse, input)
    }
}

impl std::fmt::Display for AdaptiveAvgPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.size {
            [height, width] if height == width => write!(f, "adaptive_avg_pool({height})"),
            size => write!(f, "adaptive_avg_pool({size:?})"),
        }
    }
}

impl LayerKind for AdaptiveAvgPool {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        image::size(input, input[0])?;
        Ok(vec![input[0], self.size[0], self.size[1]])
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let ([channels, height, width], size) = (dimensions(&x.shape), self.size);
        // PyTorch's windows: from the floor of where a part begins to the ceiling of where it ends.
        let window = |i: usize, parts: usize, size: usize| i * size / parts..((i + 1) * size).div_ceil(parts);
        let mut data = vec![0.0; x.samples * output.iter().product::<usize>()];
        let mut windows = data.chunks_mut(channels);
        for image in x.data.chunks(channels * height * width) {
            for (y, x) in (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x))) {
                let Some(mean) = windows.next() else { break };
                let (rows, columns) = (window(y, size[0], height), window(x, size[1], width));
                let part = 1.0 / (rows.len() * columns.len()) as f32;
                for row in rows {
                    for pixel in image[(row * width + columns.start) * channels..].chunks(channels).take(columns.len())
                    {
                        mean.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
                    }
                }
                mean.iter_mut().for_each(|x| *x *= part);
            }
        }
        Ok(Batch { shape: output, data, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(image::burn_rows(module::adaptive_avg_pool2d(x.into_images(), self.size)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        let size = self.size;
        if input[1..] == size {
            return Ok(());
        }
        if (1..3).all(|i| size[i - 1].is_multiple_of(input[i])) {
            return inverse.push(Self { size: [input[1], input[2]] });
        }
        if input[1].is_multiple_of(size[0]) && input[1] * size[1] == input[2] * size[0] {
            let part = input[1] / size[0];
            return inverse.push(ConvTranspose2d(Conv2d { stride: part, ..Conv2d::new(input[0], input[0], part) }));
        }
        Err(no_rule(self, "its parts are not all of one size"))
    }
}
