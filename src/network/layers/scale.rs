//! Multiplication by a fixed number.

use burn::tensor::Tensor;
use serde::Serialize;

use super::InverseBuilder;
use super::kind::{BackwardPass, LayerKind, Trainable};
use crate::kernels::Scratch;
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// y = factor · x; the factor is not trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scale {
    pub factor: f64,
}

impl Scale {
    /// # Errors
    /// When the factor is no number of single precision.
    pub fn new(factor: f64) -> Result<Self> {
        if (factor as f32).is_finite() {
            Ok(Self { factor })
        } else {
            Err(Error::new(format!("the factor of `scale` is {factor}; it is a finite number of single precision")))
        }
    }

    fn apply(self, x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x *= self.factor as f32);
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "scale({})", self.factor)
    }
}

impl LayerKind for Scale {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn forward(&self, mut x: Batch, _: Vec<usize>, _: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        self.apply(&mut x.data);
        Ok(x)
    }

    fn burn_forward(&self, x: DeviceBatch, _: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        Ok(x.numbers * self.factor)
    }

    fn invert(&self, inverse: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        inverse.divide_by(self.factor);
        Ok(())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }
}

impl Trainable for Scale {
    fn forward_into(&self, y: &mut [f32], x: &[f32], _: [&[usize]; 2], _: &[&[f32]], _: &mut Scratch) {
        y.copy_from_slice(x);
        self.apply(y);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        self.apply(pass.gradient);
    }
}
