//! The forward pass in Burn's operations: on any device, and with gradients where the arrays ask for them. The twin of
//! `batch.rs`, and what a network is trained with.

use burn::tensor::Tensor;

use super::Layer;
use super::layers::dropout_random;
use crate::random::Random;
use crate::{Error, Result};

/// What a pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// The network's answer: running averages, nothing dropped.
    Evaluation,
    /// The same, and what reaches the `batch_norm` of this number, from 0, is kept.
    Observing { norm: usize },
    /// A training step: `batch_norm` uses the batch's own mean and variance, `dropout` drops numbers, drawn by seed, step
    /// and layer.
    Training { seed: u64, step: usize },
}

/// A batch on a device.
#[derive(Debug, Clone)]
pub struct DeviceBatch {
    /// `[samples, numbers]`, channels first.
    pub numbers: Tensor<2>,
    /// The shape of one sample.
    pub shape: Vec<usize>,
}

/// The result of a pass.
#[derive(Debug, Clone)]
pub struct ForwardPass {
    pub output: DeviceBatch,
    /// After a training step: the running averages, moved by the batch's, in the order of the layers' arrays.
    pub running_averages: Vec<Tensor<1>>,
    /// With [`Mode::Observing`]: what reached that batch normalisation.
    pub observed: Option<DeviceBatch>,
}

/// Sends a batch through layers in a row; `arrays` are theirs, in their order, each flat in PyTorch's layout.
///
/// # Errors
/// When the samples do not fit, or there are too few arrays.
pub fn forward_pass(layers: &[Layer], arrays: &[Tensor<1>], batch: DeviceBatch, mode: Mode) -> Result<ForwardPass> {
    let (arrays, running_averages) = (arrays.iter(), Vec::new());
    let mut pass = BurnPass { mode, arrays, running_averages, dropouts: 0, norms: 0, observed: None };
    let output = pass.forward(layers, batch)?;
    Ok(ForwardPass { output, running_averages: pass.running_averages, observed: pass.observed })
}

/// The state of a pass that is under way.
pub(crate) struct BurnPass<'a> {
    mode: Mode,
    /// Those of the layers still to come.
    arrays: std::slice::Iter<'a, Tensor<1>>,
    pub running_averages: Vec<Tensor<1>>,
    /// Dropout layers so far.
    dropouts: usize,
    /// Batch normalisations so far.
    norms: usize,
    observed: Option<DeviceBatch>,
}

impl BurnPass<'_> {
    /// A pass through layers without arrays.
    pub fn without_arrays(mode: Mode) -> Self {
        let (arrays, running_averages) = ([].iter(), Vec::new());
        Self { mode, arrays, running_averages, dropouts: 0, norms: 0, observed: None }
    }

    /// Sends a batch through the next layers.
    ///
    /// # Errors
    /// When the samples do not fit, or there are too few arrays.
    pub fn forward(&mut self, layers: &[Layer], batch: DeviceBatch) -> Result<DeviceBatch> {
        layers.iter().try_fold(batch, |batch, layer| {
            let shape = layer.output_shape(&batch.shape)?;
            Ok(DeviceBatch { numbers: layer.kind().burn_forward(batch, self)?, shape })
        })
    }

    /// The next array, which is one of `layer`.
    ///
    /// # Errors
    /// When there is none.
    pub fn next_array(&mut self, layer: &dyn std::fmt::Display) -> Result<Tensor<1>> {
        self.arrays.next().cloned().ok_or_else(|| Error::new(format!("{layer} has no weights")))
    }

    /// What the pass is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Keeps what reaches the next batch normalisation, if it is wanted.
    pub fn observe(&mut self, x: &DeviceBatch) {
        if matches!(self.mode, Mode::Observing { norm } if norm == self.norms) {
            self.observed = Some(x.clone());
        }
        self.norms += 1;
    }

    /// In a training step, the random numbers of the next dropout layer.
    pub fn dropout_random(&mut self) -> Option<Random> {
        let Mode::Training { seed, step } = self.mode else { return None };
        let random = dropout_random(seed, step, self.dropouts);
        self.dropouts += 1;
        Some(random)
    }
}

impl DeviceBatch {
    /// The samples as images, `[samples, channels, height, width]`.
    pub(super) fn into_images(self) -> Tensor<4> {
        let [samples, _] = self.numbers.dims();
        let [channels, height, width] = [0, 1, 2].map(|i| self.shape.get(i).copied().unwrap_or(1));
        self.numbers.reshape([samples, channels, height, width])
    }

    /// Applies `f` to `[samples, channels, pixels]`; in a row of numbers each is a channel.
    pub(super) fn by_channel(self, f: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<2> {
        let [samples, numbers] = self.numbers.dims();
        let channels = self.shape.first().copied().unwrap_or(1);
        f(self.numbers.reshape([samples, channels, numbers / channels])).reshape([samples, numbers])
    }
}
