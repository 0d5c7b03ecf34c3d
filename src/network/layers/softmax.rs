//! Softmax.

use burn::tensor::{Tensor, activation};
use serde::Serialize;

use super::InverseBuilder;
use super::inverse::no_rule;
use super::kind::LayerKind;
use crate::Result;
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};

/// eˣ divided by its sum over the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Softmax;

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
        x.data.chunks_mut(*output.first().unwrap_or(&1)).for_each(|row| {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = libm::expf(*x - largest));
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|x| *x /= sum);
        });
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
}
