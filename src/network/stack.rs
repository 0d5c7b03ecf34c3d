//! Networks of one shape that a device trains as one: each array holds those of all networks one after another, and a linear
//! layer is one product of a stack of matrices. The numbers are those of each network alone, to rounding.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::burn_pass::{BurnPass, DeviceBatch, Mode};
use super::learner::clipping;
use super::loss::count_correct;
use super::optimizer::OptimizerState;
use super::{Architecture, Layer, StepResult, Training, download, evaluate, upload};
use crate::{Error, Result};

/// Networks of the same layers that are being trained, each with its own arrays.
pub(super) struct Stack<'a> {
    networks: usize,
    layers: Vec<Layer>,
    /// The shape of a sample.
    shape: &'a [usize],
    /// In the order of the layers; each holds those of all networks one after another, flat in PyTorch's layout.
    arrays: Vec<Tensor<1>>,
    states: Vec<OptimizerState>,
    training: &'a Training,
    steps: usize,
    device: &'a Device,
}

/// The layers of all blocks.
fn layers_of(architecture: &Architecture) -> Vec<Layer> {
    architecture.blocks().iter().flat_map(|block| block.layers().to_vec()).collect()
}

impl<'a> Stack<'a> {
    /// Whether networks of this architecture can be trained as one: all arrays belong to linear layers, and every other layer
    /// does the same to each sample, whatever stands beside it.
    pub fn can_hold(architecture: &Architecture) -> bool {
        layers_of(architecture).iter().all(|layer| {
            let kind = layer.kind();
            kind.as_linear().is_some()
                || (layer.param_specs().is_empty() && kind.branches().is_none() && !kind.is_random())
        })
    }

    /// `arrays` are those of every network, in PyTorch's layout. The optimizer, the loss and the like are those of `training`.
    pub fn new(
        architecture: &'a Architecture,
        arrays: &[Vec<Vec<f32>>],
        training: &'a Training,
        device: &'a Device,
    ) -> Self {
        let joined = joined(arrays);
        Self {
            networks: arrays.len(),
            layers: layers_of(architecture),
            shape: architecture.shape(0),
            states: vec![OptimizerState::default(); joined.len()],
            arrays: joined.into_iter().map(|array| upload(device, array)).collect(),
            training,
            steps: 0,
            device,
        }
    }

    /// Steps taken so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// One step of every network: `x` has the samples of the first network's batch, then those of the second's, and so on; `labels`
    /// each network's. A network whose loss is not finite does not change.
    ///
    /// # Errors
    /// When the samples do not fit, or the device fails.
    pub fn step(&mut self, x: Vec<f32>, labels: &[Vec<u32>], rate: f64) -> Result<Vec<StepResult>> {
        let samples = labels.first().map_or(0, Vec::len);
        let size = self.shape.iter().product::<usize>();
        let leaves: Vec<Tensor<1>> = self.arrays.iter().map(|array| array.clone().autodiff().require_grad()).collect();
        let numbers = TensorData::new(x, [self.networks * samples, size]);
        let x = Tensor::from_data(numbers, (self.device, DType::F32));
        let outputs = self.forward(&leaves, x)?;
        let mut slopes = download(outputs.clone().without_autodiff())?;
        let width = (slopes.len() / self.networks.max(1)).max(1);
        let mut results = Vec::new();
        for (outputs, labels) in slopes.chunks_mut(width).zip(labels) {
            let correct = count_correct(outputs, labels);
            let loss = self.training.loss.into_gradient(outputs, labels, self.training.label_smoothing);
            if !loss.is_finite() {
                outputs.fill(0.0);
            }
            results.push(StepResult { loss, correct, gradient_norm: f64::NAN });
        }
        let slopes = Tensor::<2>::from_data(TensorData::new(slopes, outputs.dims()), (self.device, DType::F32));
        // The gradient of this sum is the gradient of the losses, whose slopes by the outputs the host computes.
        let mut gradients = (outputs * slopes).sum().backward();
        let gradients: Vec<Option<Tensor<1>>> = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
        // They share the arrays, which change in place only if nothing else holds them.
        drop(leaves);
        let norms = self.norms(&gradients)?;
        for (result, norm) in results.iter_mut().zip(&norms).filter(|(result, _)| result.loss.is_finite()) {
            result.gradient_norm = *norm;
        }
        self.apply(gradients, &norms, rate);
        self.steps += 1;
        Ok(results)
    }

    /// The outputs for a batch of every network, `[networks · samples, numbers]` as is the input.
    fn forward(&self, arrays: &[Tensor<1>], x: Tensor<2>) -> Result<Tensor<2>> {
        let (mut arrays, mut batch) = (arrays.iter().cloned(), DeviceBatch { numbers: x, shape: self.shape.to_vec() });
        let mut next = |layer: &Layer| arrays.next().ok_or_else(|| Error::new(format!("{layer} has no weights")));
        for layer in &self.layers {
            let shape = layer.output_shape(&batch.shape)?;
            let numbers = match layer.kind().as_linear() {
                Some(linear) => {
                    let (rows, networks) = (batch.numbers.dims()[0], self.networks);
                    let weight = next(layer)?.reshape([networks, linear.outputs, linear.inputs]);
                    let x = batch.numbers.reshape([networks, rows / networks, linear.inputs]);
                    let y = x.matmul(weight.swap_dims(1, 2));
                    let bias = linear.bias.then(|| next(layer)).transpose()?;
                    let y = match bias {
                        Some(bias) => y + bias.reshape([networks, 1, linear.outputs]),
                        None => y,
                    };
                    y.reshape([rows, linear.outputs])
                }
                // It needs no array, and does not know which network a sample belongs to.
                None => layer.kind().burn_forward(batch, &mut BurnPass::without_arrays(Mode::Evaluation))?,
            };
            batch = DeviceBatch { numbers, shape };
        }
        Ok(batch.numbers)
    }

    /// The norm of each network's gradients together.
    fn norms(&self, gradients: &[Option<Tensor<1>>]) -> Result<Vec<f64>> {
        let squares = |gradient: &Tensor<1>| {
            let all = gradient.dims()[0];
            gradient.clone().square().reshape([self.networks, all / self.networks]).sum_dim(1)
        };
        let squares: Vec<Tensor<2>> = gradients.iter().flatten().map(squares).collect();
        if squares.is_empty() {
            return Ok(vec![0.0; self.networks]);
        }
        let count = squares.len();
        let numbers = download(Tensor::cat(squares, 1))?;
        Ok(numbers.chunks(count).map(|of| libm::sqrt(of.iter().copied().map(f64::from).sum())).collect())
    }

    fn apply(&mut self, gradients: Vec<Option<Tensor<1>>>, norms: &[f64], rate: f64) {
        let (optimizer, networks, step) = (self.training.optimizer.with_rate(rate), self.networks, self.steps + 1);
        let factors: Vec<Option<f64>> = norms.iter().map(|&norm| clipping(self.training, norm)).collect();
        let factors = factors.iter().any(Option::is_some).then(|| {
            let factors = factors.iter().map(|factor| factor.unwrap_or(1.0) as f32).collect();
            upload(self.device, factors).reshape([networks, 1])
        });
        for ((array, state), gradient) in self.arrays.iter_mut().zip(&mut self.states).zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let all = gradient.dims()[0];
            let gradient = match &factors {
                Some(factors) => (gradient.reshape([networks, all / networks]) * factors.clone()).reshape([all]),
                None => gradient,
            };
            array.inplace(|array| optimizer.step(step, array, gradient, state));
        }
    }

    /// The arrays of one network on the device.
    fn of(&self, network: usize) -> Vec<Tensor<1>> {
        let own = |array: &Tensor<1>| {
            let length = array.dims()[0] / self.networks;
            array.clone().narrow(0, network * length, length)
        };
        self.arrays.iter().map(own).collect()
    }

    /// The arrays of one network, in the order of its layers.
    ///
    /// # Errors
    /// When the device fails.
    pub fn arrays(&self, network: usize) -> Result<Vec<Vec<f32>>> {
        self.of(network).into_iter().map(download).collect()
    }

    /// The answers of one network for samples, one after another.
    ///
    /// # Errors
    /// When the samples do not fit, or the device fails.
    pub fn outputs(&self, network: usize, x: &[f32]) -> Result<Vec<f32>> {
        let size = self.shape.iter().product::<usize>().max(1);
        let numbers = TensorData::new(x.to_vec(), [x.len() / size, size]);
        let x = Tensor::from_data(numbers, (self.device, DType::F32));
        download(evaluate(&self.layers, &self.of(network), x, self.shape)?)
    }

    /// What the optimizer remembers of each array, of all networks together: see [`Learner::moments`](super::Learner::moments).
    ///
    /// # Errors
    /// When the device fails.
    pub fn moments(&self) -> Result<Vec<[Vec<f32>; 2]>> {
        let numbers = |moment: &Option<Tensor<1>>| moment.clone().map_or(Ok(Vec::new()), download);
        self.states.iter().map(|state| Ok([numbers(&state.first)?, numbers(&state.second)?])).collect()
    }

    /// The arrays of all networks, each array of all of them one after another.
    ///
    /// # Errors
    /// When the device fails.
    pub fn all_arrays(&self) -> Result<Vec<Vec<f32>>> {
        self.arrays.iter().cloned().map(download).collect()
    }

    /// How many numbers each of these has.
    pub fn lengths(&self) -> Vec<usize> {
        self.arrays.iter().map(|array| array.dims()[0]).collect()
    }

    /// Goes on from an earlier state, of which these were the arrays and the moments after so many steps.
    pub fn resume(&mut self, steps: usize, arrays: Vec<Vec<f32>>, moments: Vec<[Vec<f32>; 2]>) {
        self.steps = steps;
        self.arrays = arrays.into_iter().map(|array| upload(self.device, array)).collect();
        let tensor = |numbers: Vec<f32>| (!numbers.is_empty()).then(|| upload(self.device, numbers));
        let state = |[first, second]: [Vec<f32>; 2]| OptimizerState { first: tensor(first), second: tensor(second) };
        self.states = moments.into_iter().map(state).collect();
    }
}

/// The arrays of several networks, each array of all of them one after another.
fn joined(arrays: &[Vec<Vec<f32>>]) -> Vec<Vec<f32>> {
    let count = arrays.first().map_or(0, Vec::len);
    (0..count).map(|i| arrays.iter().flat_map(|of_one| of_one[i].iter().copied()).collect()).collect()
}
