//! Backpropagation block by block. In a deep network gradients vanish or explode beyond single precision: after every block they are
//! scaled to a largest number of 1, and the logarithm of the scale is kept.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use crate::data::{Split, samples};
use crate::network::{
    Block, DeviceBatch, Layer, Mode, Network, ParamKind, download, forward_pass, upload, weight_ops, weights_by_block,
};
use crate::work::{Context, Described, Value};
use crate::{Error, Result};

/// Numbers times e^ln.
#[derive(Debug, Clone)]
pub(super) struct Scaled {
    /// `[samples, numbers]`.
    pub numbers: Tensor<2>,
    pub ln: f64,
}

impl Scaled {
    /// Scales numbers to a largest one of 1; if all are zero, their logarithm is −∞.
    pub fn new(numbers: Tensor<2>, ln: f64) -> Result<Self> {
        let largest = numbers.clone().abs().max().try_into_scalar::<f32>().map_err(failed)?;
        if largest == 0.0 {
            return Ok(Self { numbers, ln: f64::NEG_INFINITY });
        }
        Ok(Self { numbers: numbers / largest, ln: ln + libm::log(largest.into()) })
    }

    /// The numbers on the host, without the scale.
    pub fn to_host(&self) -> Result<Vec<f32>> {
        download(self.numbers.clone())
    }
}

/// One block on a device.
pub(super) struct ChainBlock {
    pub layers: Vec<Layer>,
    pub arrays: Vec<Tensor<1>>,
    pub kinds: Vec<ParamKind>,
    /// The shape of a sample of its input.
    pub shape: Vec<usize>,
    /// Floating-point operations of a forward pass for one sample.
    pub operations: f64,
}

/// A network's blocks on a device.
pub(super) struct Chain<'a> {
    pub blocks: Vec<ChainBlock>,
    device: Device,
    context: &'a Context<'a>,
}

/// The gradient of one block's arrays.
pub(super) struct ArrayGradient {
    pub kind: ParamKind,
    pub array: Vec<f32>,
    /// Times e^ln of the block.
    pub gradient: Vec<f32>,
}

/// What an operation on a chain takes as inputs: the samples, and the operations that compute the network's weights.
pub(super) fn samples_and_weights(network: &Network, split: &Split) -> Vec<Described> {
    std::iter::once(samples(split)).chain(weight_ops(network, 0, network.architecture().depth())).collect()
}

/// Bytes that backpropagation needs besides the result.
pub(super) fn working_bytes(network: &Network, samples: usize) -> f64 {
    let architecture = network.architecture();
    let depth = architecture.depth();
    let widths: usize = (0..=depth).map(|l| architecture.width(l)).sum();
    let largest = architecture.blocks().iter().map(Block::parameters).max().unwrap_or(0);
    4.0 * (architecture.parameters() + 4 * largest) as f64 + 12.0 * (samples * widths) as f64
}

/// Floating-point operations of a forward pass for one sample.
pub(super) fn forward_operations(network: &Network) -> f64 {
    let architecture = network.architecture();
    (1..=architecture.depth()).map(|l| architecture.operations(l)).sum()
}

impl<'a> Chain<'a> {
    /// `weights` are the results of the operations that compute the network's weights.
    ///
    /// # Errors
    /// When they lack something.
    pub fn new(network: &Network, weights: &[Arc<Value>], context: &'a Context<'a>) -> Result<Self> {
        let device = context.device().cloned().unwrap_or_else(Device::flex);
        let architecture = network.architecture();
        let depth = architecture.depth();
        let block = |(l, weights): (usize, Option<&Value>)| {
            let block = &architecture.blocks()[l - 1];
            let arrays = network.arrays(l, weights)?;
            Ok(ChainBlock {
                layers: block.layers().to_vec(),
                arrays: arrays.into_iter().map(|array| upload(&device, array.into_owned())).collect(),
                kinds: block.param_specs().into_iter().map(|spec| spec.kind).collect(),
                shape: architecture.shape(l - 1).to_vec(),
                operations: architecture.operations(l),
            })
        };
        let blocks = (1..=depth).zip(weights_by_block(network, 0, depth, weights)).map(block);
        Ok(Self { blocks: blocks.collect::<Result<_>>()?, device, context })
    }

    /// The host's numbers on the device, `[samples, numbers]`.
    pub fn upload(&self, numbers: Vec<f32>, samples: usize) -> Tensor<2> {
        let width = numbers.len() / samples.max(1);
        upload(&self.device, numbers).reshape([samples, width])
    }

    /// Reports that a block is done for all samples; `passes` is the cost in forward passes.
    fn advance(&self, block: &ChainBlock, passes: f64, x: &Scaled) -> Result<()> {
        self.context.advance(passes * x.numbers.dims()[0] as f64 * block.operations)
    }

    /// The samples at the depths 0 to the last. If the blocks `are_linear`, each is scaled.
    pub fn forward(&self, x: Tensor<2>, are_linear: bool) -> Result<Vec<Scaled>> {
        let mut all = vec![Scaled { numbers: x, ln: 0.0 }];
        for (l, block) in self.blocks.iter().enumerate() {
            let before = &all[l];
            let batch = DeviceBatch { numbers: before.numbers.clone(), shape: block.shape.clone() };
            let y = forward_pass(&block.layers, &block.arrays, batch, Mode::Evaluation)?.output.numbers;
            let y = if are_linear { Scaled::new(y, before.ln)? } else { Scaled { numbers: y, ln: 0.0 } };
            self.advance(block, 1.0, &y)?;
            all.push(y);
        }
        Ok(all)
    }

    /// The gradient with respect to the input of block `l`, from that with respect to its output; `x` is its input. With the
    /// gradients of its arrays if they are wanted.
    pub fn back(
        &self,
        l: usize,
        x: &Scaled,
        gradient: &Scaled,
        wants_arrays: bool,
    ) -> Result<(Scaled, Vec<ArrayGradient>)> {
        let block = &self.blocks[l - 1];
        let input = x.numbers.clone().autodiff().require_grad();
        let leaf = |(array, kind): (&Tensor<1>, &ParamKind)| {
            let is_leaf = wants_arrays && kind.is_trained();
            if is_leaf { array.clone().autodiff().require_grad() } else { array.clone() }
        };
        let leaves: Vec<Tensor<1>> = block.arrays.iter().zip(&block.kinds).map(leaf).collect();
        let batch = DeviceBatch { numbers: input.clone(), shape: block.shape.clone() };
        let y = forward_pass(&block.layers, &leaves, batch, Mode::Evaluation)?.output.numbers;
        let mut gradients = (y * gradient.numbers.clone()).sum().backward();
        let mut of_arrays = Vec::new();
        for ((leaf, array), &kind) in leaves.iter().zip(&block.arrays).zip(&block.kinds) {
            if wants_arrays
                && kind.is_trained()
                && let Some(gradient) = leaf.grad_remove(&mut gradients)
            {
                of_arrays.push(ArrayGradient { kind, array: download(array.clone())?, gradient: download(gradient)? });
            }
        }
        self.advance(block, if wants_arrays { 3.0 } else { 2.0 }, x)?;
        let of_input = input.grad_remove(&mut gradients).unwrap_or_else(|| x.numbers.zeros_like());
        Ok((Scaled::new(of_input, gradient.ln)?, of_arrays))
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("the device could not compute a gradient: {error}"))
}
