//! A network that learns: its arrays on a device, moved step by step along the gradient of a loss.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::differentiable::{Mode, Passed, Rows, through};
use super::loss::right;
use super::optimizer::Memory;
use super::{Architecture, Layer, TensorKind, Training};
use crate::{Error, Result};

/// A network being trained.
#[derive(Debug)]
pub struct Learner {
    layers: Vec<Layer>,
    /// Of a sample.
    shape: Vec<usize>,
    /// In the order of the layers', each flat in PyTorch's order.
    arrays: Vec<Tensor<1>>,
    kinds: Vec<TensorKind>,
    memories: Vec<Memory>,
    training: Training,
    device: Device,
    /// Taken so far.
    steps: usize,
}

/// What a step found before it changed anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// The mean over the batch.
    pub loss: f64,
    /// Samples of the batch that were classified rightly.
    pub right: usize,
}

impl Learner {
    /// A network with the arrays of all its blocks, one after another, in PyTorch's shapes.
    pub fn new(architecture: &Architecture, arrays: Vec<Vec<f32>>, training: &Training, device: &Device) -> Self {
        let blocks = architecture.blocks();
        let kinds: Vec<TensorKind> =
            blocks.iter().flat_map(|block| block.tensors().into_iter().map(|tensor| tensor.kind)).collect();
        Self {
            layers: blocks.iter().flat_map(|block| block.layers().to_vec()).collect(),
            shape: architecture.shape(0).to_vec(),
            arrays: arrays.into_iter().map(|array| on(device, array)).collect(),
            memories: vec![Memory::default(); kinds.len()],
            kinds,
            training: training.clone(),
            device: device.clone(),
            steps: 0,
        }
    }

    /// One step along the gradient of the loss of a batch: `x` its samples, one after another, `labels` their classes.
    /// Where the loss is not a finite number there is no gradient to go along, and nothing changes.
    ///
    /// # Errors
    /// When the samples do not fit the network, or the device fails.
    pub fn step(&mut self, x: &[f32], labels: &[u32]) -> Result<Found> {
        let leaf = |(array, kind): (&Tensor<1>, &TensorKind)| {
            if kind.is_trained() { array.clone().autodiff().require_grad() } else { array.clone() }
        };
        let leaves: Vec<Tensor<1>> = self.arrays.iter().zip(&self.kinds).map(leaf).collect();
        let numbers = TensorData::new(x.to_vec(), [labels.len(), x.len() / labels.len().max(1)]);
        let rows = Rows { numbers: Tensor::from_data(numbers, (&self.device, DType::F32)), shape: self.shape.clone() };
        let mode = Mode::Training { seed: self.training.seed, step: self.steps };
        let Passed { rows: Rows { numbers: outputs, .. }, averages } = through(&self.layers, &leaves, rows, mode)?;
        let right = right(&numbers_of(outputs.clone().without_autodiff())?, labels);
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [outputs.dims()[0], 1]), &self.device);
        let loss = self.training.loss.of(outputs, labels);
        let found = Found { loss: loss.clone().try_into_scalar::<f32>().map_err(failed)?.into(), right };
        if found.loss.is_finite() {
            let mut gradients = loss.backward();
            let gradients = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
            // With them goes the last hold on the arrays, which so change in place.
            drop((leaves, loss));
            self.go(gradients, averages);
        }
        Ok(found)
    }

    fn go(&mut self, gradients: Vec<Option<Tensor<1>>>, averages: Vec<Tensor<1>>) {
        self.steps += 1;
        let mut averages = averages.into_iter();
        let arrays = self.arrays.iter_mut().zip(&self.kinds).zip(&mut self.memories);
        for (((array, kind), memory), gradient) in arrays.zip(gradients) {
            match (kind.is_trained(), gradient) {
                (true, Some(gradient)) => {
                    array.inplace(|array| self.training.optimizer.step(self.steps, array, gradient, memory));
                }
                (true, None) => {}
                (false, _) => *array = averages.next().unwrap_or_else(|| array.clone()),
            }
        }
    }

    /// Its arrays as they are now, in their order.
    ///
    /// # Errors
    /// When the device fails.
    pub fn arrays(&self) -> Result<Vec<Vec<f32>>> {
        self.arrays.iter().map(|array| numbers_of(array.clone())).collect()
    }
}

fn on(device: &Device, array: Vec<f32>) -> Tensor<1> {
    let length = array.len();
    Tensor::from_data(TensorData::new(array, [length]), (device, DType::F32))
}

fn numbers_of<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("the device could not compute a training step: {error}"))
}
