//! Dropout.

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::InverseBuilder;
use super::kind::{BackwardPass, Differentiable, ForwardStep, LayerKind};
use crate::Result;
use crate::kernels::Scratch;
use crate::network::batch::{Batch, channels_last};
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::random::Random;

/// In a training step, numbers are set to 0 at this rate and the others scaled up, so that the mean stays; otherwise
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dropout {
    pub rate: f64,
}

impl Dropout {
    /// Factors of the numbers of a batch, channels first.
    fn mask(self, random: &mut Random, numbers: usize) -> Vec<f32> {
        let kept = if self.rate < 1.0 { (1.0 / (1.0 - self.rate)) as f32 } else { 0.0 };
        (0..numbers).map(|_| if random.uniform() < self.rate { 0.0 } else { kept }).collect()
    }
}

/// The random numbers of dropout layer `number`, from 0, in a training step.
pub(in crate::network) fn dropout_random(seed: u64, step: usize, number: usize) -> Random {
    Random::new(seed, &["dropout", &step.to_string(), &number.to_string()])
}

impl std::fmt::Display for Dropout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dropout({})", self.rate)
    }
}

impl LayerKind for Dropout {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn forward(&self, x: Batch, _: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let x = x.numbers;
        let Some(mut random) = pass.dropout_random() else { return Ok(x) };
        let mask = self.mask(&mut random, x.shape().num_elements());
        let mask = Tensor::from_data(TensorData::new(mask, x.shape()), (&x.device(), x.dtype()));
        Ok(x * mask)
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }

    fn is_random(&self) -> bool {
        true
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl Differentiable for Dropout {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        let (x, shape) = (step.x, step.shapes[0]);
        let mask = self.mask(&mut dropout_random(step.seed, step.step, *step.dropouts), x.len());
        *step.dropouts += 1;
        step.kept.resize(x.len(), 0.0);
        let size = shape.iter().product::<usize>().max(1);
        for (to, from) in step.kept.chunks_mut(size).zip(mask.chunks(size)) {
            channels_last(to, from, shape);
        }
        y.iter_mut().zip(x).zip(&*step.kept).for_each(|((y, x), factor)| *y = x * factor);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, kept: &[f32]) {
        pass.gradient.iter_mut().zip(kept).for_each(|(g, factor)| *g *= factor);
    }
}
