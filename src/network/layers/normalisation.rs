//! Batch and layer normalisation.

use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::kind::LayerKind;
use super::params::scale_and_shift;
use super::{InverseBuilder, ParamKind, ParamSpec};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch, Mode};
use crate::{Error, Result};

/// How far a batch's mean and variance move the running ones; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Each channel minus its mean, divided by its standard deviation, then scaled and shifted: by the running averages, or
/// in a training step by the batch's own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BatchNorm {
    pub features: usize,
    pub epsilon: f64,
}

/// Each sample minus its mean, divided by its standard deviation, then every number scaled and shifted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerNorm {
    pub shape: Vec<usize>,
    pub epsilon: f64,
}

impl std::fmt::Display for BatchNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "batch_norm({})", self.features)
    }
}

impl LayerKind for BatchNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [n] | [n, _, _] if n == self.features => Ok(input.to_vec()),
            _ => Err(Error::new(format!("expects {} channels, got {input:?}", self.features))),
        }
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        let averages = [
            ParamSpec::new("running_mean", &[self.features], ParamKind::RunningMean),
            ParamSpec::new("running_var", &[self.features], ParamKind::RunningVariance),
        ];
        scale_and_shift(&[self.features]).into_iter().chain(averages).collect()
    }

    fn forward(&self, mut x: Batch, _: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let &[scale, shift, mean, variance] = arrays else { return Err(Error::new(format!("{self} has no weights"))) };
        let scales: Vec<f32> = scale.iter().zip(variance).map(|(w, v)| w / (v + self.epsilon as f32).sqrt()).collect();
        for pixel in x.data.chunks_mut(self.features) {
            for (((x, mean), scale), shift) in pixel.iter_mut().zip(mean).zip(&scales).zip(shift) {
                *x = (*x - mean) * scale + shift;
            }
        }
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let epsilon = self.epsilon;
        let [scale, shift] = [pass.next_array(self)?, pass.next_array(self)?];
        let [mean, variance] = [pass.next_array(self)?, pass.next_array(self)?];
        if let Mode::Evaluation = pass.mode() {
            return Ok(x.by_channel(|x| module::batch_norm(x, scale, shift, mean, variance, epsilon)));
        }
        let (values, mut batch) = (x.numbers.shape().num_elements() / self.features, None);
        let y = x.by_channel(|x| {
            let normed = module::batch_norm_train(x, scale, shift, epsilon);
            batch = Some((normed.mean.without_autodiff(), normed.variance.without_autodiff()));
            normed.output
        });
        // As in PyTorch, the running variance is the unbiased one, though the batch is divided by the other.
        let unbiased = values as f64 / (values.max(2) - 1) as f64;
        if let Some((batch_mean, batch_variance)) = batch {
            pass.running_averages.push(mean * (1.0 - MOMENTUM) + batch_mean * MOMENTUM);
            pass.running_averages.push(variance * (1.0 - MOMENTUM) + batch_variance * (MOMENTUM * unbiased));
        }
        Ok(y)
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }
}

impl std::fmt::Display for LayerNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "layer_norm({:?})", self.shape)
    }
}

impl LayerKind for LayerNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let shape = &self.shape;
        if input == shape {
            Ok(shape.clone())
        } else {
            Err(Error::new(format!("expects an input of shape {shape:?}, got {input:?}")))
        }
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        scale_and_shift(&self.shape)
    }

    fn forward(&self, mut x: Batch, output: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let size = output.iter().product::<usize>();
        let [scale, shift] = [0, 1].map(|i| Batch::new(arrays[i].into(), &output).data);
        for sample in x.data.chunks_mut(size) {
            let mean = sample.iter().map(|&x| f64::from(x)).sum::<f64>() / size as f64;
            let variance = sample.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / size as f64;
            let by = 1.0 / libm::sqrt(variance + self.epsilon);
            for ((x, scale), shift) in sample.iter_mut().zip(&scale).zip(&shift) {
                *x = ((f64::from(*x) - mean) * by) as f32 * scale + shift;
            }
        }
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let (scale, shift) = (pass.next_array(self)?, pass.next_array(self)?);
        Ok(module::layer_norm(x.numbers, scale, Some(shift), self.epsilon))
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }
}
