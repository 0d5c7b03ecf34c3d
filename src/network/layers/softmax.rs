//! Softmax.

use burn::tensor::{Tensor, activation};
use serde::Serialize;

use super::InverseBuilder;
use super::inverse::no_rule;
use super::kind::{BackwardPass, Differentiable, ForwardStep, LayerKind};
use crate::Result;
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};

/// eˣ divided by its sum over the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Softmax;

/// The softmax of every row of channels of samples of shape `shape`, in place.
fn apply(x: &mut [f32], shape: &[usize]) {
    x.chunks_mut(*shape.first().unwrap_or(&1)).for_each(|row| {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|x| *x = libm::expf(*x - largest));
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= sum);
    });
}

impl std::fmt::Display for Softmax {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("softmax")
    }
}

impl LayerKind for Softmax {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn forward(&self, mut x: Batch, output: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        apply(&mut x.data, &output);
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(x.by_channel(|x| activation::softmax(x, 1)))
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Err(no_rule(self, "its divisor is lost"))
    }

    fn gives_probabilities(&self) -> bool {
        true
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl Differentiable for Softmax {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        y.copy_from_slice(step.x);
        apply(y, step.shapes[0]);
        step.kept.clear();
        step.kept.extend_from_slice(y);
    }

    /// p (g − Σ p g), row by row.
    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, kept: &[f32]) {
        let channels = *pass.shapes[0].first().unwrap_or(&1);
        for (g, p) in pass.gradient.chunks_mut(channels).zip(kept.chunks(channels)) {
            let mean: f32 = g.iter().zip(p).map(|(g, p)| g * p).sum();
            g.iter_mut().zip(p).for_each(|(g, p)| *g = p * (*g - mean));
        }
    }
}
