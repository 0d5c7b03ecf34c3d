//! Samples led through blocks on a device, by Burn's operations: the twin of `made.rs`, where the host's own loops do not
//! compute.

use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::differentiable::{Mode, Rows, through};
use super::made::kept;
use super::{Layer, Network};
use crate::Result;
use crate::data::Split;
use crate::work::Value;

/// Numbers of a layer that are on their way at a time, so that what layers need beside them stays small.
const NUMBERS: usize = 1 << 24;

/// Samples of a split at one depth.
#[derive(Debug)]
pub(crate) struct OnDevice {
    /// At the deepest depth that is kept, `[samples, numbers]`.
    x: Tensor<2>,
    /// The shape of one of them.
    shape: Vec<usize>,
    /// Those that lead from there to the depth that is asked for, and their arrays.
    layers: Vec<Layer>,
    arrays: Vec<Tensor<1>>,
    /// The most numbers that a sample has at any depth on the way.
    widest: usize,
}

impl OnDevice {
    /// `results` are those of [`sources`](super::sources).
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
        Self::behind(network, kept(network, split, depth), depth, results, device)
    }

    pub(super) fn behind(
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
        for l in from + 1..=depth {
            layers.extend_from_slice(architecture.blocks()[l - 1].layers());
            let made = network.arrays(l, results.get(l - from).map(Arc::as_ref))?;
            arrays.extend(made.into_iter().map(|array| flat_on(device, array.into_owned())));
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
    pub fn of(&self, samples: Tensor<1, Int>) -> Result<Tensor<2>> {
        self.led(self.x.clone().select(0, samples))
    }

    /// All of them, `[samples, numbers]`, some at a time; `advance` hears how many are done.
    ///
    /// # Errors
    /// When `advance` says so, or the numbers do not fit the network.
    pub fn all(&self, advance: impl Fn(usize) -> Result<()>) -> Result<Tensor<2>> {
        let (samples, at_a_time) = (self.samples(), (NUMBERS / self.widest.max(1)).max(1));
        let mut parts = Vec::new();
        for start in (0..samples).step_by(at_a_time) {
            let count = at_a_time.min(samples - start);
            parts.push(self.led(self.x.clone().narrow(0, start, count))?);
            advance(count)?;
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) })
    }

    fn led(&self, numbers: Tensor<2>) -> Result<Tensor<2>> {
        lead(&self.layers, &self.arrays, numbers, &self.shape)
    }
}

/// Sends samples of shape `shape`, `[samples, numbers]`, through layers in a row; `arrays` are theirs, flat.
///
/// # Errors
/// When the samples do not fit.
pub(crate) fn lead(layers: &[Layer], arrays: &[Tensor<1>], numbers: Tensor<2>, shape: &[usize]) -> Result<Tensor<2>> {
    if layers.is_empty() {
        return Ok(numbers);
    }
    Ok(through(layers, arrays, Rows { numbers, shape: shape.to_vec() }, Mode::Evaluation)?.rows.numbers)
}

/// Numbers of the host, flat on a device.
pub(crate) fn flat_on(device: &Device, numbers: Vec<f32>) -> Tensor<1> {
    let length = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [length]), (device, DType::F32))
}
