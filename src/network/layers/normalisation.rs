//! Normalisation: by channel over a batch, and by sample over groups of channels or all numbers.

use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::kind::{Differentiable, LayerKind};
use super::params::scale_and_shift;
use super::{InverseBuilder, ParamKind, ParamSpec};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch, Mode};
use crate::{Error, Result};

/// How far a batch's mean and variance move the running ones; PyTorch's default.
pub(super) const MOMENTUM: f64 = 0.1;

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

/// In each sample, each of `groups` groups of channels minus its mean, divided by its standard deviation, then every channel
/// scaled and shifted (Wu & He 2018).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GroupNorm {
    pub(super) groups: usize,
    pub(super) features: usize,
    pub(super) epsilon: f64,
}

/// Each sample divided by the root of its mean square, then every number scaled (Zhang & Sennrich 2019).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RmsNorm {
    pub shape: Vec<usize>,
    pub epsilon: f64,
}

impl GroupNorm {
    /// # Errors
    /// When the channels do not divide into the groups.
    pub fn new(groups: usize, features: usize, epsilon: f64) -> Result<Self> {
        if groups > 0 && features > 0 && features.is_multiple_of(groups) {
            return Ok(Self { groups, features, epsilon });
        }
        let message =
            format!("group_norm({groups}, {features}): {features} channels do not divide into {groups} groups");
        // The nearest that do.
        let less = (1..groups.min(features + 1)).rev().find(|&n| features.is_multiple_of(n));
        let more = (groups + 1..=features).find(|&n| features.is_multiple_of(n));
        let near: Vec<String> = less.into_iter().chain(more).map(|n| n.to_string()).collect();
        Err(Error::new(message).hint(format!("{features} channels divide into {} groups", near.join(" or "))))
    }
}

/// The shape of a normalised input of so many channels.
fn same_channels(features: usize, input: &[usize]) -> Result<Vec<usize>> {
    match *input {
        [n] | [n, _, _] if n == features => Ok(input.to_vec()),
        _ => Err(Error::new(format!("expects {features} channels, got {input:?}"))),
    }
}

/// The shape of a normalised input, which must be `shape`.
fn same_shape(shape: &[usize], input: &[usize]) -> Result<Vec<usize>> {
    if input == shape {
        Ok(shape.to_vec())
    } else {
        Err(Error::new(format!("expects an input of shape {shape:?}, got {input:?}")))
    }
}

impl std::fmt::Display for BatchNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "batch_norm({})", self.features)
    }
}

impl LayerKind for BatchNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        same_channels(self.features, input)
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
        if !matches!(pass.mode(), Mode::Training { .. }) {
            pass.observe(&x);
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

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl std::fmt::Display for LayerNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "layer_norm({:?})", self.shape)
    }
}

impl LayerKind for LayerNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        same_shape(&self.shape, input)
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        scale_and_shift(&self.shape)
    }

    fn forward(&self, mut x: Batch, output: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let [scale, shift] = [0, 1].map(|i| Batch::new(arrays[i].into(), &output).data);
        self.rows().apply(&mut x.data, &scale, Some(&shift));
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let (scale, shift) = (pass.next_array(self)?, pass.next_array(self)?);
        Ok(module::layer_norm(x.numbers, scale, Some(shift), self.epsilon))
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl std::fmt::Display for GroupNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "group_norm({}, {})", self.groups, self.features)
    }
}

impl LayerKind for GroupNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        same_channels(self.features, input)
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        scale_and_shift(&[self.features])
    }

    fn forward(&self, mut x: Batch, output: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let &[scale, shift] = arrays else { return Err(Error::new(format!("{self} has no weights"))) };
        self.rows(&output).apply(&mut x.data, scale, Some(shift));
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let [scale, shift] =
            [pass.next_array(self)?, pass.next_array(self)?].map(|of| of.reshape([1, self.features, 1]));
        let [samples, numbers] = x.numbers.dims();
        let groups = x.numbers.reshape([samples * self.groups, numbers / self.groups]);
        let centred = groups.clone() - groups.mean_dim(1);
        let deviation = (centred.clone().square().mean_dim(1) + self.epsilon).sqrt();
        let numbers = (centred / deviation).reshape([samples, numbers]);
        Ok(DeviceBatch { numbers, ..x }.by_channel(|x| x * scale + shift))
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}

impl std::fmt::Display for RmsNorm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rms_norm({:?})", self.shape)
    }
}

impl LayerKind for RmsNorm {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        same_shape(&self.shape, input)
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        vec![ParamSpec::new("weight", &self.shape, ParamKind::Scale)]
    }

    fn forward(&self, mut x: Batch, output: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let scale = Batch::new(arrays[0].into(), &output).data;
        self.rows().apply(&mut x.data, &scale, None);
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let scale = pass.next_array(self)?.unsqueeze_dim(0);
        let root = (x.numbers.clone().square().mean_dim(1) + self.epsilon).sqrt();
        Ok(x.numbers / root * scale)
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        Some(self)
    }
}
