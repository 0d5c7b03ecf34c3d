//! Patches of an image as tokens.

use burn::tensor::Tensor;
use serde::Serialize;

use super::kind::{BackwardPass, Differentiable, ForwardStep, LayerKind, Trainable};
use super::{Conv2d, InverseBuilder, ParamSpec, Reshape, image};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// Every patch of `size` × `size` pixels of an image becomes a token of `outputs` numbers, by one linear map for all patches:
/// a convolution whose stride is its kernel, `[inputs, height, width]` → `[outputs, tokens, 1]`, patches row by row
/// (Dosovitskiy et al. 2021, Tolstikhin et al. 2021).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PatchEmbedding {
    pub size: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl PatchEmbedding {
    fn conv(self) -> Conv2d {
        Conv2d { stride: self.size, ..Conv2d::new(self.inputs, self.outputs, self.size) }
    }

    /// The shape of the convolution's output.
    fn grid(self, input: &[usize]) -> Result<Vec<usize>> {
        let ([height, width], size) = (image::size(input, self.inputs)?, self.size);
        if height.is_multiple_of(size) && width.is_multiple_of(size) {
            return Ok(vec![self.outputs, height / size, width / size]);
        }
        Err(Error::new(format!("an image of {height}×{width} does not divide into patches of {size}×{size} pixels"))
            .hint("take another size of patch, or put `crop(…)` or `circular_pad(…)` before it"))
    }
}

impl std::fmt::Display for PatchEmbedding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "patches({}, {}, {})", self.size, self.inputs, self.outputs)
    }
}

impl LayerKind for PatchEmbedding {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let grid = self.grid(input)?;
        Ok(vec![self.outputs, grid[1] * grid[2], 1])
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        self.conv().param_specs()
    }

    fn operations(&self, input: &[usize]) -> f64 {
        self.conv().operations(input)
    }

    fn forward(&self, x: Batch, output: Vec<usize>, arrays: &[&[f32]], scratch: &mut Scratch) -> Result<Batch> {
        let grid = self.grid(&x.shape)?;
        Ok(Batch { shape: output, ..self.conv().forward(x, grid, arrays, scratch)? })
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        self.conv().burn_forward(x, pass)
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], follows_weights: bool) -> Result<()> {
        inverse.push(Reshape { shape: self.grid(input)? })?;
        self.conv().invert(inverse, input, follows_weights)
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }

    fn wants_image_batches(&self) -> bool {
        true
    }
}

impl Differentiable for PatchEmbedding {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        let [from, to] = step.shapes;
        let grid = self.grid(from).unwrap_or_else(|_| to.to_vec());
        self.conv().forward_into(y, step.x, [from, &grid], step.arrays, step.scratch);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let [from, to] = pass.shapes;
        let grid = self.grid(from).unwrap_or_else(|_| to.to_vec());
        self.conv().backward(&mut BackwardPass {
            shapes: [from, &grid],
            samples: pass.samples,
            x: pass.x,
            arrays: pass.arrays,
            of_arrays: pass.of_arrays,
            gradient: pass.gradient,
            is_passed_on: pass.is_passed_on,
            room: pass.room,
            scratch: pass.scratch,
        });
    }
}
