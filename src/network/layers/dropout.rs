//! Dropout.

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::InverseBuilder;
use super::kind::LayerKind;
use crate::Result;
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};

/// In a training step, numbers are set to 0 at this rate and the others scaled up, so that the mean stays; otherwise
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dropout {
    pub rate: f64,
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

    /// The host's own loops never take a training step with it.
    fn forward(&self, x: Batch, _: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let (x, rate) = (x.numbers, self.rate);
        let Some(mut random) = pass.dropout_random() else { return Ok(x) };
        let kept = if rate < 1.0 { (1.0 / (1.0 - rate)) as f32 } else { 0.0 };
        let mask: Vec<f32> =
            (0..x.shape().num_elements()).map(|_| if random.uniform() < rate { 0.0 } else { kept }).collect();
        let mask = Tensor::from_data(TensorData::new(mask, x.shape()), (&x.device(), x.dtype()));
        Ok(x * mask)
    }

    fn invert(&self, _: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        Ok(())
    }
}
