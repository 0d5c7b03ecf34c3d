//! Linear layers.

use burn::tensor::Tensor;
use serde::Serialize;

use super::kind::{BackwardPass, LayerKind, LinearMap, Trainable, fill_with_bias};
use super::params::weight_and_bias;
use super::{InverseBuilder, Layer, ParamKind, ParamSpec};
use crate::kernels::{Matrix, Scratch, accumulate, product, transpose};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// y = W x + b, W of shape `[outputs, inputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Linear {
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
}

impl Linear {
    /// With a bias.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true }
    }

    /// Fills `y`, `[rows, outputs]`, with the output for `x`, `[rows, inputs]`.
    pub(crate) fn apply(&self, y: &mut [f32], x: &[f32], arrays: &[&[f32]]) {
        fill_with_bias(y, arrays);
        let weight = Matrix::new(arrays[0], self.outputs, self.inputs).transposed();
        accumulate(y, Matrix::new(x, x.len() / self.inputs, self.inputs), weight);
    }
}

impl std::fmt::Display for Linear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inputs, outputs, bias } = self;
        write!(f, "linear({inputs}, {outputs}{})", if *bias { "" } else { ", no bias" })
    }
}

impl LayerKind for Linear {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let Self { inputs, outputs, .. } = *self;
        if *input == [inputs] {
            return Ok(vec![outputs]);
        }
        let error = Error::new(format!("expects an input of shape [{inputs}], got {input:?}"));
        Err(if input.len() > 1 && input.iter().product::<usize>() == inputs {
            error.hint(
                "images are flattened for you at the network's input, not between blocks: put a `flatten()` before it",
            )
        } else {
            error
        })
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        let kind = ParamKind::Weight { fan_in: self.inputs as f64, fan_out: self.outputs as f64, groups: 1 };
        weight_and_bias(&[self.outputs, self.inputs], kind, self.outputs, self.bias)
    }

    fn operations(&self, _: &[usize]) -> f64 {
        let bias = if self.bias { self.outputs } else { 0 };
        2.0 * (self.inputs * self.outputs + bias) as f64
    }

    fn forward(&self, x: Batch, output: Vec<usize>, arrays: &[&[f32]], _: &mut Scratch) -> Result<Batch> {
        let mut y = vec![0.0; x.samples * self.outputs];
        self.apply(&mut y, &x.data, arrays);
        Ok(Batch { shape: output, data: y, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let weight = pass.next_array(self)?.reshape([self.outputs, self.inputs]);
        let y = x.numbers.matmul(weight.transpose());
        Ok(if self.bias { y + pass.next_array(self)?.reshape([1, self.outputs]) } else { y })
    }

    fn invert(&self, inverse: &mut InverseBuilder, _: &[usize], _: bool) -> Result<()> {
        inverse.push(Self::new(self.outputs, self.inputs))?;
        inverse.push_activation();
        Ok(())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn linear_map(&self, _: &[usize], _: &[usize]) -> Option<Box<dyn LinearMap>> {
        self.bias.then(|| -> Box<dyn LinearMap> { Box::new(*self) })
    }

    fn merged_with(&self, next: &Layer) -> Option<Layer> {
        let Layer::Linear(next) = next else { return None };
        Some(Self { outputs: next.outputs, bias: self.bias || next.bias, ..*self }.into())
    }

    fn as_linear(&self) -> Option<Linear> {
        Some(*self)
    }
}

impl Trainable for Linear {
    fn forward_into(&self, y: &mut [f32], x: &[f32], _: [&[usize]; 2], arrays: &[&[f32]], _: &mut Scratch) {
        self.apply(y, x, arrays);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        pass.sum_bias_gradient();
        let (samples, inputs, outputs) = (pass.samples, self.inputs, self.outputs);
        let gradient = Matrix::new(pass.gradient, samples, outputs);
        product(&mut pass.of_arrays[0], gradient.transposed(), Matrix::new(pass.x, samples, inputs));
        let weight = Matrix::new(pass.arrays[0], outputs, inputs);
        pass.pass_on(|input, output, _| product(input, Matrix::new(output, samples, outputs), weight));
    }
}

/// Each sample is a row.
impl LinearMap for Linear {
    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn rows_per_sample(&self) -> usize {
        1
    }

    fn rows(&self, x: Vec<f32>) -> Vec<f32> {
        debug_assert_eq!(x.len() % self.inputs, 0);
        x
    }

    fn weight(&self, matrix: &[f64]) -> Vec<f32> {
        let single: Vec<f32> = matrix.iter().map(|&w| w as f32).collect();
        let mut weight = vec![0.0; matrix.len()];
        transpose(&mut weight, &single, self.inputs, self.outputs);
        weight
    }
}
