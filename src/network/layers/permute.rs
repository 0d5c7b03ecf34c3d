//! Axes of images in another order.

use burn::tensor::Tensor;
use serde::Serialize;

use super::kind::{BackwardPass, LayerKind, Trainable};
use super::{InverseBuilder, Layer, image};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// An image with its axes [channels, height, width] in another order: axis i of the output is axis `axes[i]` of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Permute {
    axes: [usize; 3],
}

impl Permute {
    /// # Errors
    /// When the axes are not 0, 1 and 2, each once.
    pub fn new(axes: &[usize]) -> Result<Self> {
        match *axes {
            [a, b, c] if (0..3).all(|axis| axes.contains(&axis)) => Ok(Self { axes: [a, b, c] }),
            _ => Err(Error::new(format!("{axes:?} is no order of the axes [channels, height, width]"))
                .hint("`permute` takes 0, 1 and 2, each once: `permute([1, 0, 2])` exchanges channels and height")),
        }
    }

    /// The permutation that leads back.
    #[must_use]
    pub fn inverse(self) -> Self {
        let mut axes = [0; 3];
        self.axes.into_iter().enumerate().for_each(|(i, axis)| axes[axis] = i);
        Self { axes }
    }

    /// Fills `y` with the permuted samples of `x`, of shape `from` each; both have their channels last.
    fn apply(self, y: &mut [f32], x: &[f32], from: &[usize]) {
        let [channels, height, width] = image::dimensions(from);
        // How far apart neighbours along each axis of the input lie.
        let steps = [1, width * channels, channels];
        let [step, row_step, column_step] = self.axes.map(|axis| steps[axis]);
        let [to_channels, to_height, to_width] = self.axes.map(|axis| from[axis]);
        let size = (channels * height * width).max(1);
        for (y, x) in y.chunks_mut(size).zip(x.chunks(size)) {
            let mut pixels = y.chunks_mut(to_channels);
            for (row, column) in (0..to_height).flat_map(|row| (0..to_width).map(move |column| (row, column))) {
                let Some(pixel) = pixels.next() else { return };
                let start = row * row_step + column * column_step;
                pixel.iter_mut().enumerate().for_each(|(c, y)| *y = x[start + c * step]);
            }
        }
    }
}

impl std::fmt::Display for Permute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "permute({:?})", self.axes)
    }
}

impl LayerKind for Permute {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [_, _, _] => Ok(self.axes.iter().map(|&axis| input[axis]).collect()),
            _ => Err(Error::new(format!("expects images of shape [channels, height, width], got {input:?}"))),
        }
    }

    fn forward(&self, x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let mut y = vec![0.0; x.data.len()];
        self.apply(&mut y, &x.data, &x.shape);
        Ok(Batch { shape: output, data: y, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let [a, b, c] = self.axes.map(|axis| axis as isize + 1);
        Ok(image::burn_rows(x.into_images().permute([0, a, b, c])))
    }

    fn invert(&self, inverse: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        inverse.push(self.inverse())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn only_moves_numbers(&self) -> bool {
        true
    }

    fn rearranged_back(&self, _: &[usize]) -> Option<Layer> {
        Some(self.inverse().into())
    }
}

impl Trainable for Permute {
    fn forward_into(&self, y: &mut [f32], x: &[f32], [from, _]: [&[usize]; 2], _: &[&[f32]], _: &mut Scratch) {
        self.apply(y, x, from);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        let [_, to] = pass.shapes;
        pass.pass_on(|input, output, _| self.inverse().apply(input, output, to));
    }
}
