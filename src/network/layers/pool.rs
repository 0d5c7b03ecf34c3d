//! Pools: the maximum or the mean of windows of an image, channel by channel.

use std::ops::Range;

use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::image::{self, dimensions};
use super::inverse::no_rule;
use super::kind::{BackwardPass, Differentiable, ForwardStep, LayerKind};
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

    /// As [`each_window`] takes it.
    fn inside(self) -> impl Fn(usize, usize, usize) -> Range<usize> {
        move |_, window, size| {
            let from = window * self.stride;
            from.saturating_sub(self.padding)..(from + self.kernel).saturating_sub(self.padding).min(size)
        }
    }

    /// Images of shape `output`: `fold` over the pixels of each window, from `start`.
    fn fold(self, y: &mut [f32], x: &[f32], shapes: [&[usize]; 2], start: f32, fold: impl Fn(&mut f32, f32)) {
        let channels = shapes[0][0];
        y.fill(start);
        each_window(shapes, y.len(), self.inside(), |window, pixels| {
            let window = &mut y[window..window + channels];
            for &pixel in pixels {
                window.iter_mut().zip(&x[pixel..pixel + channels]).for_each(|(to, &x)| fold(to, x));
            }
        });
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize]) -> Result<()> {
        inverse.enlarge(Conv2d { stride: self.stride, ..Conv2d::new(input[0], input[0], self.kernel) }, input)
    }
}

/// Visits the windows of images: where a window's numbers begin in the output, of `numbers` in all, and where its pixels
/// begin in the input. `inside` gives the rows (axis 0) or columns (axis 1) of a window by its number and the size of the image.
fn each_window(
    [input, output]: [&[usize]; 2],
    numbers: usize,
    inside: impl Fn(usize, usize, usize) -> Range<usize>,
    mut visit: impl FnMut(usize, &[usize]),
) {
    let [channels, height, width] = dimensions(input);
    let (mut at, mut pixels) = (0, Vec::new());
    for sample in 0..numbers / output.iter().product::<usize>().max(1) {
        for (y, x) in (0..output[1]).flat_map(|y| (0..output[2]).map(move |x| (y, x))) {
            pixels.clear();
            for row in inside(0, y, height) {
                let row = (sample * height + row) * width;
                pixels.extend(inside(1, x, width).map(|column| (row + column) * channels));
            }
            visit(at, &pixels);
            at += channels;
        }
    }
}

/// Passes the gradient of means over windows on: every pixel of a window gets its part of the window's.
fn pass_means_on(
    pass: &mut BackwardPass<'_>,
    inside: impl Fn(usize, usize, usize) -> Range<usize>,
    part: impl Fn(&[usize]) -> f32,
) {
    let (shapes, channels) = (pass.shapes, pass.shapes[0][0]);
    pass.pass_on(|input, output, _| {
        input.fill(0.0);
        each_window(shapes, output.len(), inside, |window, pixels| {
            let part = part(pixels);
            for &pixel in pixels {
                let sums = input[pixel..pixel + channels].iter_mut();
                sums.zip(&output[window..window + channels]).for_each(|(sum, g)| *sum += part * g);
            }
        });
    });
}

/// Replaces the largest number so far. Not `max`, which would lose a NaN.
fn keep_largest(best: &mut f32, x: f32) {
    if x > *best || x.is_nan() {
        *best = x;
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
        let mut data = vec![0.0; x.samples * output.iter().product::<usize>()];
        self.0.fold(&mut data, &x.data, [&x.shape, &output], f32::NEG_INFINITY, keep_largest);
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

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
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
        let mut data = vec![0.0; x.samples * output.iter().product::<usize>()];
        self.apply(&mut data, &x.data, [&x.shape, &output]);
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

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
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
        let mut data = vec![0.0; x.samples * output.iter().product::<usize>()];
        self.apply(&mut data, &x.data, [&x.shape, &output]);
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

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl Differentiable for MaxPool {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        self.0.fold(y, step.x, step.shapes, f32::NEG_INFINITY, keep_largest);
    }

    /// The first of the largest pixels of a window gets the window's gradient.
    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let (shapes, channels, x) = (pass.shapes, pass.shapes[0][0], pass.x);
        pass.pass_on(|input, output, _| {
            input.fill(0.0);
            let mut best = vec![(f32::NEG_INFINITY, 0); channels];
            each_window(shapes, output.len(), self.0.inside(), |window, pixels| {
                best.fill((f32::NEG_INFINITY, pixels[0]));
                for &pixel in pixels {
                    for (best, &x) in best.iter_mut().zip(&x[pixel..pixel + channels]) {
                        if x > best.0 || x.is_nan() {
                            *best = (x, pixel);
                        }
                    }
                }
                for (channel, (&(_, pixel), g)) in best.iter().zip(&output[window..window + channels]).enumerate() {
                    input[pixel + channel] += g;
                }
            });
        });
    }
}

impl AvgPool {
    fn part(self) -> f32 {
        1.0 / (self.0.kernel * self.0.kernel) as f32
    }

    fn apply(self, y: &mut [f32], x: &[f32], shapes: [&[usize]; 2]) {
        self.0.fold(y, x, shapes, 0.0, |sum, x| *sum += x);
        y.iter_mut().for_each(|x| *x *= self.part());
    }
}

impl Differentiable for AvgPool {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        self.apply(y, step.x, step.shapes);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        pass_means_on(pass, self.0.inside(), |_| self.part());
    }
}

impl AdaptiveAvgPool {
    /// PyTorch's windows: from the floor of where a part begins to the ceiling of where it ends.
    fn inside(self) -> impl Fn(usize, usize, usize) -> Range<usize> {
        move |axis, i, size| i * size / self.size[axis]..((i + 1) * size).div_ceil(self.size[axis])
    }

    fn apply(self, y: &mut [f32], x: &[f32], shapes: [&[usize]; 2]) {
        let channels = shapes[0][0];
        y.fill(0.0);
        each_window(shapes, y.len(), self.inside(), |window, pixels| {
            let (window, part) = (&mut y[window..window + channels], part_of(pixels));
            for &pixel in pixels {
                window.iter_mut().zip(&x[pixel..pixel + channels]).for_each(|(sum, x)| *sum += x);
            }
            window.iter_mut().for_each(|x| *x *= part);
        });
    }
}

fn part_of(pixels: &[usize]) -> f32 {
    1.0 / pixels.len() as f32
}

impl Differentiable for AdaptiveAvgPool {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        self.apply(y, step.x, step.shapes);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        pass_means_on(pass, self.inside(), part_of);
    }
}
