//! Training steps of a whole network: its arrays on a device, moved along the gradient of a loss.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::burn_pass::{DeviceBatch, ForwardPass, Mode, forward_pass};
use super::loss::count_correct;
use super::optimizer::OptimizerState;
use super::{Architecture, Layer, ParamKind, Training, upload};
use crate::{Error, Result};

/// A network being trained.
#[derive(Debug)]
pub struct Learner {
    layers: Vec<Layer>,
    /// The shape of a sample.
    shape: Vec<usize>,
    /// In the order of the layers, each flat in PyTorch's layout.
    arrays: Vec<Tensor<1>>,
    kinds: Vec<ParamKind>,
    states: Vec<OptimizerState>,
    training: Training,
    device: Device,
    /// Steps taken so far.
    steps: usize,
}

/// How the network did on a step's batch, before the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// The mean over the batch.
    pub loss: f64,
    /// Samples of the batch that were classified correctly.
    pub correct: usize,
}

impl Learner {
    /// A network with the arrays of all its blocks, one after another, in PyTorch's shapes.
    pub fn new(architecture: &Architecture, arrays: Vec<Vec<f32>>, training: &Training, device: &Device) -> Self {
        let blocks = architecture.blocks();
        let kinds: Vec<ParamKind> =
            blocks.iter().flat_map(|block| block.param_specs().into_iter().map(|spec| spec.kind)).collect();
        Self {
            layers: blocks.iter().flat_map(|block| block.layers().to_vec()).collect(),
            shape: architecture.shape(0).to_vec(),
            arrays: arrays.into_iter().map(|array| upload(device, array)).collect(),
            states: vec![OptimizerState::default(); kinds.len()],
            kinds,
            training: training.clone(),
            device: device.clone(),
            steps: 0,
        }
    }

    /// One step along the gradient of the loss of a batch: `x` are its samples, one after another, `labels` their classes.
    /// If the loss is not finite, nothing changes.
    ///
    /// # Errors
    /// When the samples do not fit the network, or the device fails.
    pub fn step(&mut self, x: &[f32], labels: &[u32]) -> Result<StepResult> {
        let leaf = |(array, kind): (&Tensor<1>, &ParamKind)| {
            if kind.is_trained() { array.clone().autodiff().require_grad() } else { array.clone() }
        };
        let leaves: Vec<Tensor<1>> = self.arrays.iter().zip(&self.kinds).map(leaf).collect();
        let numbers = TensorData::new(x.to_vec(), [labels.len(), x.len() / labels.len().max(1)]);
        let batch =
            DeviceBatch { numbers: Tensor::from_data(numbers, (&self.device, DType::F32)), shape: self.shape.clone() };
        let mode = Mode::Training { seed: self.training.seed, step: self.steps };
        let ForwardPass { output, running_averages, .. } = forward_pass(&self.layers, &leaves, batch, mode)?;
        let outputs = output.numbers;
        let correct = count_correct(&numbers_of(outputs.clone().without_autodiff())?, labels);
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [outputs.dims()[0], 1]), &self.device);
        let loss = self.training.loss.mean(outputs, labels);
        let result = StepResult { loss: loss.clone().try_into_scalar::<f32>().map_err(failed)?.into(), correct };
        if result.loss.is_finite() {
            let mut gradients = loss.backward();
            let gradients = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
            // They share the arrays, which change in place only if nothing else holds them.
            drop((leaves, loss));
            self.apply(gradients, running_averages);
        }
        Ok(result)
    }

    fn apply(&mut self, gradients: Vec<Option<Tensor<1>>>, running_averages: Vec<Tensor<1>>) {
        self.steps += 1;
        let mut averages = running_averages.into_iter();
        let arrays = self.arrays.iter_mut().zip(&self.kinds).zip(&mut self.states);
        for (((array, kind), state), gradient) in arrays.zip(gradients) {
            match (kind.is_trained(), gradient) {
                (true, Some(gradient)) => {
                    array.inplace(|array| self.training.optimizer.step(self.steps, array, gradient, state));
                }
                (true, None) => {}
                (false, _) => *array = averages.next().unwrap_or_else(|| array.clone()),
            }
        }
    }

    /// The current arrays, in their order.
    ///
    /// # Errors
    /// When the device fails.
    pub fn arrays(&self) -> Result<Vec<Vec<f32>>> {
        self.arrays.iter().map(|array| numbers_of(array.clone())).collect()
    }
}

fn numbers_of<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("the device could not compute a training step: {error}"))
}
