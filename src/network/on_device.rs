//! Forward passes of a split on a device, in Burn's operations: the twin of `recompute.rs`, for devices other than the
//! host's own loops.

use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::burn_pass::{DeviceBatch, Mode, forward_pass};
use super::recompute::{deepest_kept, weights_by_block};
use super::{Layer, Network};
use crate::data::Split;
use crate::work::Value;
use crate::{Error, Result};

/// Numbers of a layer that are computed at a time, so that the buffers of its operations stay small.
const NUMBERS: usize = 1 << 24;

/// The activations of a split at one depth, on a device.
#[derive(Debug)]
pub(crate) struct ActivationsOnDevice {
    /// The activations that are kept, `[samples, numbers]`.
    x: Tensor<2>,
    /// The shape of one of them.
    shape: Vec<usize>,
    /// The layers from there to the depth that is asked for, and their arrays.
    layers: Vec<Layer>,
    arrays: Vec<Tensor<1>>,
    /// The most numbers that a sample has at any depth between them.
    widest: usize,
}

impl ActivationsOnDevice {
    /// `results` are those of [`activation_sources`](super::activation_sources).
    ///
    /// # Errors
    /// When they lack something.
    pub fn new(
        network: &Network,
        split: &Split,
        depth: usize,
        results: &[Arc<Value>],
        device: &Device,
    ) -> Result<Self> {
        Self::from_depth(network, deepest_kept(network, split, depth), depth, results, device)
    }

    pub(super) fn from_depth(
        network: &Network,
        from: usize,
        depth: usize,
        results: &[Arc<Value>],
        device: &Device,
    ) -> Result<Self> {
        let architecture = network.architecture();
        let (shape, x) = results[0].tensor("x", device)?;
        let x = x.reshape([shape[0], architecture.width(from)]);
        let (mut layers, mut arrays) = (Vec::new(), Vec::new());
        for (l, weights) in (from + 1..=depth).zip(weights_by_block(network, from, depth, &results[1..])) {
            layers.extend_from_slice(architecture.blocks()[l - 1].layers());
            let weights = network.arrays(l, weights)?;
            arrays.extend(weights.into_iter().map(|array| upload(device, array.into_owned())));
        }
        let widest = (from..=depth).map(|l| architecture.width(l)).max().unwrap_or(1);
        Ok(Self { x, shape: architecture.shape(from).to_vec(), layers, arrays, widest })
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.x.dims()[0]
    }

    /// Some of them, `[samples, numbers]`.
    ///
    /// # Errors
    /// When the numbers do not fit the network.
    pub fn select(&self, samples: Tensor<1, Int>) -> Result<Tensor<2>> {
        self.forward(self.x.clone().select(0, samples))
    }

    /// All of them, `[samples, numbers]`, computed some at a time; `advance` is called with the number that are done.
    ///
    /// # Errors
    /// When `advance` fails, or the numbers do not fit the network.
    pub fn all(&self, advance: impl Fn(usize) -> Result<()>) -> Result<Tensor<2>> {
        let (samples, at_a_time) = (self.samples(), (NUMBERS / self.widest.max(1)).max(1));
        let mut parts = Vec::new();
        for start in (0..samples).step_by(at_a_time) {
            let count = at_a_time.min(samples - start);
            parts.push(self.forward(self.x.clone().narrow(0, start, count))?);
            advance(count)?;
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) })
    }

    fn forward(&self, x: Tensor<2>) -> Result<Tensor<2>> {
        evaluate(&self.layers, &self.arrays, x, &self.shape)
    }
}

/// The output of layers in a row for samples of shape `shape`, `[samples, numbers]` both; `arrays` are the layers', flat.
///
/// # Errors
/// When the samples do not fit.
pub(crate) fn evaluate(layers: &[Layer], arrays: &[Tensor<1>], x: Tensor<2>, shape: &[usize]) -> Result<Tensor<2>> {
    if layers.is_empty() {
        return Ok(x);
    }
    let batch = DeviceBatch { numbers: x, shape: shape.to_vec() };
    Ok(forward_pass(layers, arrays, batch, Mode::Evaluation)?.output.numbers)
}

/// The host's numbers, flat on a device.
pub(crate) fn upload(device: &Device, numbers: Vec<f32>) -> Tensor<1> {
    let length = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [length]), (device, DType::F32))
}

/// A device's numbers on the host.
///
/// # Errors
/// When the device does not give them.
pub(crate) fn download<const D: usize>(numbers: Tensor<D>) -> Result<Vec<f32>> {
    let numbers = numbers.try_into_vec_as::<f32>();
    numbers.map_err(|error| Error::new(format!("the device does not give its numbers: {error}")))
}
