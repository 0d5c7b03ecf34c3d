//! Training steps of a whole network: its arrays, moved along the gradient of a loss. On the host they are taken by its own
//! loops (`host_pass.rs`), on a device by Burn's autodiff.

use std::borrow::Cow;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::burn_pass::{DeviceBatch, ForwardPass, Mode, forward_pass};
use super::host_pass::{Backward, Buffers, Forward, TrainedLayers};
use super::loss::count_correct;
use super::optimizer::OptimizerState;
use super::{
    Architecture, Batch, Layer, Optimizer, ParamSpec, Training, channels_last, evaluate, kernels_first, kernels_last,
    upload, views,
};
use crate::kernels::{Moments, Scratch, descend, scale, sum_of_squares};
use crate::{Error, Result};

/// A network being trained.
pub struct Learner {
    layers: Vec<Layer>,
    /// The shape of a sample.
    shape: Vec<usize>,
    specs: Vec<ParamSpec>,
    training: Training,
    /// Steps taken so far.
    steps: usize,
    place: Place,
}

/// Where a network is trained, and its state there.
enum Place {
    Host(Box<OnHost>),
    Device(OnDevice),
}

/// By the host's own loops.
struct OnHost {
    layers: TrainedLayers,
    /// In the order of the layers, kernels with their channels last.
    arrays: Vec<Vec<f32>>,
    states: Vec<Moments>,
    input: Vec<f32>,
    buffers: Buffers,
    /// All gradients of a step; used only if they are clipped.
    gradients: Vec<Vec<f32>>,
}

/// By Burn's autodiff.
struct OnDevice {
    /// In the order of the layers, each flat in PyTorch's layout.
    arrays: Vec<Tensor<1>>,
    states: Vec<OptimizerState>,
    device: Device,
}

/// How the network did on a step's batch, before the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// The mean over the batch.
    pub loss: f64,
    /// Samples of the batch that were classified correctly.
    pub correct: usize,
    /// The norm of the gradient by all trained numbers, before it is clipped; NaN if the loss is not finite.
    pub gradient_norm: f64,
}

impl Learner {
    /// A network with the arrays of all its blocks, one after another, in PyTorch's shapes; trained on a device, or by the
    /// host's own loops.
    ///
    /// # Errors
    /// When the layers do not fit one another.
    pub fn new(
        architecture: &Architecture,
        arrays: Vec<Vec<f32>>,
        training: &Training,
        device: Option<&Device>,
    ) -> Result<Self> {
        let blocks = architecture.blocks();
        let layers: Vec<Layer> = blocks.iter().flat_map(|block| block.layers().to_vec()).collect();
        let specs: Vec<ParamSpec> = blocks.iter().flat_map(super::Block::param_specs).collect();
        let shape = architecture.shape(0).to_vec();
        let place = match device {
            None => Place::Host(Box::new(OnHost {
                layers: TrainedLayers::new(&layers, &shape, 0, false)?,
                arrays: turned(&layers, arrays),
                states: vec![Moments::default(); specs.len()],
                gradients: vec![Vec::new(); specs.len()],
                input: Vec::new(),
                buffers: Buffers::default(),
            })),
            Some(device) => Place::Device(OnDevice {
                arrays: arrays.into_iter().map(|array| upload(device, array)).collect(),
                states: vec![OptimizerState::default(); specs.len()],
                device: device.clone(),
            }),
        };
        Ok(Self { layers, shape, specs, training: training.clone(), steps: 0, place })
    }

    /// Keeps no more of a step's forward pass on `samples` than fits into so many bytes, and computes the rest again for the
    /// gradients. The numbers are the same. On a device everything is kept.
    pub fn fit_into(&mut self, bytes: f64, samples: usize) {
        if let Place::Host(host) = &mut self.place {
            host.layers.fit_into(bytes, samples);
        }
    }

    /// The most bytes that a step on `samples` takes for the numbers of its layers and their gradients: with everything kept, and
    /// with as little as can be. See [`Learner::fit_into`].
    ///
    /// # Errors
    /// When the layers do not fit one another.
    pub fn bytes_of_layers(architecture: &Architecture, samples: usize) -> Result<[f64; 2]> {
        let layers: Vec<Layer> = architecture.blocks().iter().flat_map(|block| block.layers().to_vec()).collect();
        Ok(TrainedLayers::new(&layers, architecture.shape(0), 0, false)?.bytes(samples))
    }

    /// One step of size `rate` along the gradient of the loss of a batch: `x` are its samples, one after another, `labels`
    /// their classes. If the loss is not finite, nothing changes.
    ///
    /// # Errors
    /// When the samples do not fit the network, or the device fails.
    pub fn step(&mut self, x: &[f32], labels: &[u32], rate: f64) -> Result<StepResult> {
        let Self { layers, shape, specs, training, steps, place } = self;
        let setting = Setting { layers, shape, specs, training, rate, steps: *steps };
        let result = match place {
            Place::Host(host) => host.step(x, labels, setting),
            Place::Device(device) => device.step(x, labels, setting)?,
        };
        self.steps += usize::from(result.loss.is_finite());
        Ok(result)
    }

    /// Steps taken so far.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// How many numbers each array has.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.specs.iter().map(ParamSpec::len)
    }

    /// The outputs of samples, one after another: the network's answers, not those of a training step.
    ///
    /// # Errors
    /// When the samples do not fit the network, or the device fails.
    pub fn outputs(&self, x: &[f32]) -> Result<Vec<f32>> {
        let size = self.shape.iter().product::<usize>().max(1);
        match &self.place {
            Place::Host(host) => {
                let batch = Batch::new(x.into(), &self.shape);
                Ok(batch.forward(&self.layers, &views(&host.arrays), &mut Scratch::default())?.into_rows())
            }
            Place::Device(device) => {
                let numbers = TensorData::new(x.to_vec(), [x.len() / size, size]);
                let x = Tensor::from_data(numbers, (&device.device, DType::F32));
                numbers_of(evaluate(&self.layers, &device.arrays, x, &self.shape)?)
            }
        }
    }

    /// The current arrays, in their order.
    ///
    /// # Errors
    /// When the device fails.
    pub fn arrays(&self) -> Result<Vec<Vec<f32>>> {
        match &self.place {
            Place::Host(host) => {
                Ok(host.arrays.iter().zip(&self.specs).map(|(array, spec)| kernels_first(array, &spec.shape)).collect())
            }
            Place::Device(device) => device.arrays.iter().map(|array| numbers_of(array.clone())).collect(),
        }
    }

    /// What the optimizer remembers of each array: its first moment and its second, empty where it has none.
    ///
    /// # Errors
    /// When the device fails.
    pub fn moments(&self) -> Result<Vec<[Vec<f32>; 2]>> {
        match &self.place {
            Place::Host(host) => {
                Ok(host.states.iter().map(|Moments { first, second }| [first.clone(), second.clone()]).collect())
            }
            Place::Device(device) => {
                let numbers = |moment: &Option<Tensor<1>>| moment.clone().map_or(Ok(Vec::new()), numbers_of);
                device.states.iter().map(|state| Ok([numbers(&state.first)?, numbers(&state.second)?])).collect()
            }
        }
    }

    /// Goes on from an earlier state of the same training: what [`Learner::moments`] gave after so many steps. The arrays
    /// are those that the learner was made with.
    pub fn resume(&mut self, steps: usize, moments: Vec<[Vec<f32>; 2]>) {
        self.steps = steps;
        match &mut self.place {
            Place::Host(host) => {
                host.states = moments.into_iter().map(|[first, second]| Moments { first, second }).collect();
            }
            Place::Device(device) => {
                let on_device = &device.device;
                let tensor = |numbers: Vec<f32>| (!numbers.is_empty()).then(|| upload(on_device, numbers));
                let state =
                    |[first, second]: [Vec<f32>; 2]| OptimizerState { first: tensor(first), second: tensor(second) };
                device.states = moments.into_iter().map(state).collect();
            }
        }
    }
}

/// Arrays in PyTorch's layout in the one of the host's loops.
fn turned(layers: &[Layer], arrays: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    kernels_last(layers, arrays.into_iter().map(Cow::Owned).collect()).into_iter().map(Cow::into_owned).collect()
}

/// By how much a gradient of norm `norm` is scaled.
pub(super) fn clipping(training: &Training, norm: f64) -> Option<f64> {
    training.clip.filter(|&most| norm > most).map(|most| most / norm)
}

/// What does not change in a step.
#[derive(Clone, Copy)]
struct Setting<'a> {
    layers: &'a [Layer],
    shape: &'a [usize],
    specs: &'a [ParamSpec],
    training: &'a Training,
    /// The size of the step, and how many were taken before.
    rate: f64,
    steps: usize,
}

impl OnHost {
    fn step(&mut self, x: &[f32], labels: &[u32], setting: Setting<'_>) -> StepResult {
        let Setting { shape, specs, training, rate, steps, .. } = setting;
        let samples = labels.len();
        let Self { layers, arrays, states, input, buffers, gradients } = self;
        let size = shape.iter().product::<usize>();
        input.resize(x.len(), 0.0);
        input.chunks_mut(size).zip(x.chunks(size)).for_each(|(to, from)| channels_last(to, from, shape));
        let mut forward =
            Forward { arrays, samples, seed: training.seed, step: steps, dropouts: 0, scratch: &mut buffers.scratch };
        layers.forward(input, &mut forward);
        let outputs = layers.output(input);
        let correct = count_correct(outputs, labels);
        buffers.gradient.clear();
        buffers.gradient.extend_from_slice(outputs);
        let loss = training.loss.into_gradient(&mut buffers.gradient, labels, training.label_smoothing);
        if !loss.is_finite() {
            return StepResult { loss, correct, gradient_norm: f64::NAN };
        }
        let (optimizer, mut squares) = (training.optimizer.with_rate(rate), 0.0);
        let number = u32::try_from(steps + 1).unwrap_or(u32::MAX);
        let mut update = |i: usize, array: &mut [f32], gradient: &mut Vec<f32>| match optimizer {
            _ if !specs[i].kind.is_trained() => array.copy_from_slice(gradient),
            // The norm of all gradients decides by how much each is scaled.
            _ if training.clip.is_some() => {
                squares += sum_of_squares(gradient);
                std::mem::swap(&mut gradients[i], gradient);
            }
            Optimizer::Sgd { momentum: 0.0, weight_decay: 0.0, .. } => squares += descend(array, gradient, rate),
            _ => {
                squares += sum_of_squares(gradient);
                optimizer.step_on_host(number, array, gradient, &mut states[i]);
            }
        };
        let (seed, step) = (training.seed, steps);
        layers.backward(input, &mut Backward { arrays, samples, seed, step, buffers, update: &mut update });
        let gradient_norm = libm::sqrt(squares);
        if training.clip.is_some() {
            let factor = clipping(training, gradient_norm);
            for (i, array) in arrays.iter_mut().enumerate().filter(|(i, _)| specs[*i].kind.is_trained()) {
                if let Some(factor) = factor {
                    scale(&mut gradients[i], factor);
                }
                optimizer.step_on_host(number, array, &mut gradients[i], &mut states[i]);
            }
        }
        StepResult { loss, correct, gradient_norm }
    }
}

impl OnDevice {
    fn step(&mut self, x: &[f32], labels: &[u32], setting: Setting<'_>) -> Result<StepResult> {
        let Setting { layers, shape, specs, training, steps, .. } = setting;
        let leaf = |(array, spec): (&Tensor<1>, &ParamSpec)| {
            if spec.kind.is_trained() { array.clone().autodiff().require_grad() } else { array.clone() }
        };
        let leaves: Vec<Tensor<1>> = self.arrays.iter().zip(specs).map(leaf).collect();
        let numbers = TensorData::new(x.to_vec(), [labels.len(), x.len() / labels.len().max(1)]);
        let numbers = Tensor::from_data(numbers, (&self.device, DType::F32));
        let batch = DeviceBatch { numbers, shape: shape.to_vec() };
        let mode = Mode::Training { seed: training.seed, step: steps };
        let ForwardPass { output, running_averages, .. } = forward_pass(layers, &leaves, batch, mode)?;
        let outputs = output.numbers;
        let correct = count_correct(&numbers_of(outputs.clone().without_autodiff())?, labels);
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [outputs.dims()[0], 1]), &self.device);
        let loss = training.loss.mean(outputs, labels, training.label_smoothing);
        let mut result = StepResult {
            loss: loss.clone().try_into_scalar::<f32>().map_err(failed)?.into(),
            correct,
            gradient_norm: f64::NAN,
        };
        if result.loss.is_finite() {
            let mut gradients = loss.backward();
            let gradients: Vec<_> = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
            // They share the arrays, which change in place only if nothing else holds them.
            drop((leaves, loss));
            result.gradient_norm = norm_of(&gradients)?;
            self.apply(gradients, running_averages, result.gradient_norm, setting);
        }
        Ok(result)
    }

    fn apply(
        &mut self,
        gradients: Vec<Option<Tensor<1>>>,
        running_averages: Vec<Tensor<1>>,
        norm: f64,
        Setting { specs, training, rate, steps, .. }: Setting<'_>,
    ) {
        let (optimizer, factor) = (training.optimizer.with_rate(rate), clipping(training, norm));
        let mut averages = running_averages.into_iter();
        let arrays = self.arrays.iter_mut().zip(specs).zip(&mut self.states);
        for (((array, spec), state), gradient) in arrays.zip(gradients) {
            match (spec.kind.is_trained(), gradient) {
                (true, Some(gradient)) => {
                    let gradient = factor.map_or(gradient.clone(), |factor| gradient * factor);
                    array.inplace(|array| optimizer.step(steps + 1, array, gradient, state));
                }
                (true, None) => {}
                (false, _) => *array = averages.next().unwrap_or_else(|| array.clone()),
            }
        }
    }
}

/// The norm of all gradients together.
fn norm_of(gradients: &[Option<Tensor<1>>]) -> Result<f64> {
    let squares: Vec<Tensor<1>> = gradients.iter().flatten().map(|gradient| gradient.clone().square().sum()).collect();
    if squares.is_empty() {
        return Ok(0.0);
    }
    Ok(libm::sqrt(numbers_of(Tensor::cat(squares, 0))?.into_iter().map(f64::from).sum()))
}

fn numbers_of<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(format!("the device could not compute a training step: {error}"))
}
