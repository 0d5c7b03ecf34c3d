//! Layers that only move numbers: `flatten`, `reshape`, `circular_pad` and `crop`.

use burn::tensor::Tensor;
use serde::Serialize;

use super::image::{self, burn_circular_pad, burn_crop};
use super::kind::{BackwardPass, Differentiable, ForwardStep, LayerKind, Trainable};
use super::{Conv2d, InverseBuilder, Layer};
use crate::kernels::Scratch;
use crate::network::batch::{Batch, rearrange};
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// An image as one row of numbers, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flatten;

/// The same numbers in another shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reshape {
    pub shape: Vec<usize>,
}

/// Adds `pad` pixels on every side, from the opposite side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CircularPad {
    pub pad: usize,
}

/// Cuts pixels off before and after the rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Crop {
    pub before: usize,
    pub after: usize,
}

impl std::fmt::Display for Flatten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("flatten")
    }
}

impl LayerKind for Flatten {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(x.reshaped(&output))
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(x.numbers)
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        inverse.push(Reshape { shape: input.to_vec() })
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(&Rearranged)
    }

    fn only_moves_numbers(&self) -> bool {
        true
    }

    fn rearranged_back(&self, input: &[usize]) -> Option<Layer> {
        Some(Reshape { shape: input.to_vec() }.into())
    }
}

impl std::fmt::Display for Reshape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "reshape({:?})", self.shape)
    }
}

impl LayerKind for Reshape {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (shape, numbers) = (&self.shape, input.iter().product::<usize>());
        if shape.iter().product::<usize>() == numbers {
            Ok(shape.clone())
        } else {
            Err(Error::new(format!("{numbers} numbers of shape {input:?} cannot have the shape {shape:?}")))
        }
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(x.reshaped(&output))
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(x.numbers)
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        inverse.push(Self { shape: input.to_vec() })
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(&Rearranged)
    }

    fn only_moves_numbers(&self) -> bool {
        true
    }

    fn rearranged_back(&self, input: &[usize]) -> Option<Layer> {
        Some(Reshape { shape: input.to_vec() }.into())
    }
}

/// The gradients of `flatten` and `reshape`.
struct Rearranged;

impl Trainable for Rearranged {
    fn forward_into(&self, y: &mut [f32], x: &[f32], [from, to]: [&[usize]; 2], _: &[&[f32]], _: &mut Scratch) {
        rearrange(y, x, from, to);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        let [from, to] = pass.shapes;
        pass.pass_on(|input, output, _| rearrange(input, output, to, from));
    }
}

impl std::fmt::Display for CircularPad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "circular_pad({})", self.pad)
    }
}

impl LayerKind for CircularPad {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let ([height, width], pad) = (image::size(input, input[0])?, self.pad);
        if pad > height.min(width) {
            return Err(image::pad_too_large(height, width));
        }
        Ok(vec![input[0], height + 2 * pad, width + 2 * pad])
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(image::moved(x, output, self.source()))
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(image::burn_rows(burn_circular_pad(x.into_images(), self.pad, self.pad)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, _: &[usize], follows_weights: bool) -> Result<()> {
        if follows_weights { Ok(()) } else { inverse.push(Crop { before: self.pad, after: self.pad }) }
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn only_moves_numbers(&self) -> bool {
        true
    }
}

impl CircularPad {
    /// The row or column that one of the padded image repeats, by the size of the image.
    fn source(self) -> impl Fn(usize, usize) -> usize {
        move |at, size| (at + size - self.pad) % size
    }
}

impl Differentiable for CircularPad {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        let ForwardStep { shapes: [from, to], x, .. } = *step;
        let samples = y.len() / to.iter().product::<usize>();
        image::each_moved(samples, [from, to], self.source(), |inner, outer| {
            y[inner..inner + to[0]].copy_from_slice(&x[outer..outer + to[0]]);
        });
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let (shapes, samples, channels) = (pass.shapes, pass.samples, pass.shapes[0][0]);
        pass.pass_on(|input, output, _| {
            input.fill(0.0);
            image::each_moved(samples, shapes, self.source(), |from, to| {
                let pixel = input[to..to + channels].iter_mut().zip(&output[from..from + channels]);
                pixel.for_each(|(sum, g)| *sum += g);
            });
        });
    }
}

impl std::fmt::Display for Crop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self { before, after } if before == after => write!(f, "crop({before})"),
            Self { before, after } => write!(f, "crop([{before}, {after}])"),
        }
    }
}

impl LayerKind for Crop {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image::size(input, input[0])?;
        let less = |size: usize| size.checked_sub(self.before + self.after).filter(|&size| size > 0);
        match (less(height), less(width)) {
            (Some(height), Some(width)) => Ok(vec![input[0], height, width]),
            _ => Err(Error::new(format!("leaves nothing of an image of {height}×{width}"))),
        }
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(image::moved(x, output, |at, _| at + self.before))
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(image::burn_rows(burn_crop(x.into_images(), self.before, self.after)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], follows_weights: bool) -> Result<()> {
        if follows_weights {
            return Ok(());
        }
        inverse.enlarge(Conv2d::new(input[0], input[0], self.before + self.after + 1), input)
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn only_moves_numbers(&self) -> bool {
        true
    }
}

impl Crop {
    /// Visits the rows of cropped images of shape `small` beside those of the whole ones of shape `large`: where each
    /// begins, and its length.
    fn each_row(&self, samples: usize, small: &[usize], large: &[usize], mut visit: impl FnMut(usize, usize, usize)) {
        let row = small[2] * small[0];
        for sample in 0..samples {
            for y in 0..small[1] {
                let inner = (sample * small[1] + y) * row;
                let outer = ((sample * large[1] + y + self.before) * large[2] + self.before) * large[0];
                visit(inner, outer, row);
            }
        }
    }
}

impl Trainable for Crop {
    fn forward_into(&self, y: &mut [f32], x: &[f32], [from, to]: [&[usize]; 2], _: &[&[f32]], _: &mut Scratch) {
        let samples = y.len() / to.iter().product::<usize>();
        self.each_row(samples, to, from, |inner, outer, row| {
            y[inner..inner + row].copy_from_slice(&x[outer..outer + row]);
        });
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        let ([from, to], samples) = (pass.shapes, pass.samples);
        pass.pass_on(|input, output, _| {
            input.fill(0.0);
            self.each_row(samples, to, from, |inner, outer, row| {
                input[outer..outer + row].copy_from_slice(&output[inner..inner + row]);
            });
        });
    }
}
