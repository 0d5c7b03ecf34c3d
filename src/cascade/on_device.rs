//! Reconstruction networks on a device, by Burn's operations: the twin of `train.rs`, `step.rs` and `reconstruct.rs`, where
//! the host's own loops do not compute. Networks of the same layers are trained side by side, in one product for all.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::chain::{Chain, tensors, untrained};
use super::{Cascade, Training};
use crate::kernels::{Activation, Adam};
use crate::network::{Layer, Memory, Mode, OnDevice, Optimizer, Rows, flat_on, lead, list_output, through};
use crate::random::Random;
use crate::work::{Context, Value};
use crate::{Error, Result};

/// Steps whose samples are laid out at a time, and numbers that these may have: what is on its way stays small.
const STEPS: usize = 16;
const NUMBERS: usize = 1 << 27;

/// A reconstruction network before its training, what goes into it, and what should come out.
pub(super) struct Pupil {
    pub chain: Chain,
    pub x: OnDevice,
    pub target: OnDevice,
}

/// What becomes of one.
pub(super) struct Taught {
    /// In PyTorch's shapes and the order of the network's tensors.
    pub arrays: Vec<Vec<f32>>,
    /// Of every step's batch, before the step.
    pub losses: Vec<f64>,
}

/// Whether networks of these layers can be trained side by side.
pub(super) fn can_be_batched(layers: &[Layer]) -> bool {
    Linear::of(&layers[untrained(layers)..]).is_some()
}

/// Trains networks of the same layers, each on as many samples, all in the same order. `advance` hears of every step's
/// samples.
///
/// # Errors
/// When `advance` says so, the numbers do not fit, or the device fails.
pub(super) fn train(
    pupils: &[Pupil],
    training: &Training,
    device: &Device,
    advance: impl Fn(usize) -> Result<()>,
) -> Result<Vec<Taught>> {
    let Some(first) = pupils.first() else { return Ok(Vec::new()) };
    let (count, layers, samples) = (pupils.len(), &first.chain.layers, first.x.samples());
    let (before, after) = layers.split_at(untrained(layers));
    let mut class = Class::new(pupils, after, list_output(before, &first.chain.from)?, training.adam, device);
    let ends: usize =
        first.chain.from.iter().product::<usize>() + list_output(layers, &first.chain.from)?.iter().product::<usize>();
    let stretch = (NUMBERS / (count * ends * training.batch).max(1)).clamp(1, STEPS) * training.batch;
    let mut losses = vec![Vec::new(); count];
    for epoch in 0..training.epochs {
        for rows in Random::order(training.seed, training.shuffle, epoch, samples).chunks(stretch) {
            let (x, target) = laid_out(pupils, before, rows, device)?;
            let mut found = Vec::new();
            for start in (0..rows.len()).step_by(training.batch) {
                let length = training.batch.min(rows.len() - start);
                found.push(class.step(x.clone().narrow(1, start, length), target.clone().narrow(1, start, length))?);
                advance(length)?;
            }
            // Waits for the device, which so never falls far behind.
            let found = numbers_of(Tensor::stack::<2>(found, 0))?;
            for step in found.chunks(count) {
                losses.iter_mut().zip(step).for_each(|(losses, &loss)| losses.push(f64::from(loss)));
            }
        }
    }
    let arrays = class.arrays()?;
    Ok(arrays.into_iter().zip(losses).map(|(arrays, losses)| Taught { arrays, losses }).collect())
}

/// The samples `rows` of every network, what goes into its first layer with weights and what should come out of its
/// last: `[networks, samples, numbers]` both.
fn laid_out(pupils: &[Pupil], before: &[Layer], rows: &[u32], device: &Device) -> Result<(Tensor<3>, Tensor<3>)> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows.clone(), [rows.len()]), device);
    let (mut x, mut target) = (Vec::new(), Vec::new());
    for pupil in pupils {
        x.push(lead(before, &[], pupil.x.of(rows.clone())?, &pupil.chain.from)?);
        target.push(pupil.target.of(rows.clone())?);
    }
    Ok((beside_one_another(x), beside_one_another(target)))
}

fn beside_one_another(mut tensors: Vec<Tensor<2>>) -> Tensor<3> {
    if tensors.len() == 1 { tensors.remove(0).unsqueeze_dim(0) } else { Tensor::stack(tensors, 0) }
}

/// Networks that learn side by side.
struct Class<'a> {
    count: usize,
    /// Behind those without weights, and the shape of what goes in.
    layers: &'a [Layer],
    shape: Vec<usize>,
    /// In the order of the layers', those of all networks one after another, flat.
    arrays: Vec<Tensor<1>>,
    memories: Vec<Memory>,
    optimizer: Optimizer,
    steps: usize,
}

impl<'a> Class<'a> {
    fn new(pupils: &[Pupil], layers: &'a [Layer], shape: Vec<usize>, adam: Adam, device: &Device) -> Self {
        let mut joined: Vec<Vec<f32>> = Vec::new();
        for pupil in pupils {
            for (i, (_, array)) in pupil.chain.arrays().enumerate() {
                if joined.len() == i {
                    joined.push(Vec::new());
                }
                joined[i].extend(array);
            }
        }
        let Adam { learning_rate: rate, beta_1, beta_2, epsilon } = adam;
        Self {
            count: pupils.len(),
            layers,
            shape,
            memories: vec![Memory::default(); joined.len()],
            arrays: joined.into_iter().map(|array| flat_on(device, array)).collect(),
            optimizer: Optimizer::Adam { rate, beta_1, beta_2, epsilon, weight_decay: 0.0 },
            steps: 0,
        }
    }

    /// One step of Adam for every network; `x` and `target` are `[networks, samples, numbers]`. Gives each one's mean
    /// squared error before it.
    fn step(&mut self, x: Tensor<3>, target: Tensor<3>) -> Result<Tensor<1>> {
        let (losses, gradients) = match (Linear::of(self.layers), self.count) {
            (Some(linear), _) => linear.losses_and_gradients(&self.arrays, x, target),
            (None, 1) => self.by_tape(x, target)?,
            (None, _) => return Err(Error::new("only linear layers are trained side by side")),
        };
        self.steps += 1;
        for ((array, gradient), memory) in self.arrays.iter_mut().zip(gradients).zip(&mut self.memories) {
            array.inplace(|array| self.optimizer.step(self.steps, array, gradient, memory));
        }
        Ok(losses)
    }

    /// Of one network of any layers.
    fn by_tape(&self, x: Tensor<3>, target: Tensor<3>) -> Result<(Tensor<1>, Vec<Tensor<1>>)> {
        let leaves: Vec<Tensor<1>> = self.arrays.iter().map(|array| array.clone().autodiff().require_grad()).collect();
        let rows = Rows { numbers: x.squeeze_dim(0), shape: self.shape.clone() };
        let y = through(self.layers, &leaves, rows, Mode::Evaluation)?.rows.numbers;
        let loss = (y - target.squeeze_dim(0)).square().mean_dim(1).mean();
        let mut gradients = loss.backward();
        let gradients = leaves.iter().zip(&self.arrays).map(|(leaf, array)| {
            // What nothing rests on has no gradient.
            leaf.grad_remove(&mut gradients).unwrap_or_else(|| array.zeros_like())
        });
        let gradients = gradients.collect();
        Ok((loss.without_autodiff(), gradients))
    }

    /// Of each network, in the order of its tensors.
    fn arrays(&self) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut of_each = vec![Vec::new(); self.count];
        for array in &self.arrays {
            let numbers = numbers_of(array.clone())?;
            let length = (numbers.len() / self.count).max(1);
            of_each.iter_mut().zip(numbers.chunks(length)).for_each(|(arrays, array)| arrays.push(array.to_vec()));
        }
        Ok(of_each)
    }
}

/// A linear layer and its activation, whose gradients are written by hand: no tape, and none for what goes in.
#[derive(Debug, Clone, Copy)]
struct Linear {
    inputs: usize,
    outputs: usize,
    function: Activation,
}

impl Linear {
    /// Where the layers are just that, and the slope of the activation follows from its value.
    fn of(layers: &[Layer]) -> Option<Self> {
        match *layers {
            [Layer::Linear { inputs, outputs, bias: true }] => {
                Some(Self { inputs, outputs, function: Activation::Identity })
            }
            [Layer::Linear { inputs, outputs, bias: true }, Layer::Activation { function }]
                if matches!(function, Activation::Identity | Activation::Tanh | Activation::Relu) =>
            {
                Some(Self { inputs, outputs, function })
            }
            _ => None,
        }
    }

    /// `x` is `[networks, samples, inputs]`, `target` `[networks, samples, outputs]`; `arrays` are weight and bias.
    fn losses_and_gradients(
        self,
        arrays: &[Tensor<1>],
        x: Tensor<3>,
        target: Tensor<3>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let Self { inputs, outputs, function } = self;
        let [count, samples, _] = x.dims();
        let weight = arrays[0].clone().reshape([count, outputs, inputs]);
        let z = x.clone().matmul(weight.swap_dims(1, 2)) + arrays[1].clone().reshape([count, 1, outputs]);
        let value = match function {
            Activation::Tanh => z.tanh(),
            Activation::Relu => burn::tensor::activation::relu(z),
            _ => z,
        };
        let error = value.clone() - target;
        let numbers = samples * outputs;
        // Sample by sample: a single sum in single precision would lose the last digits.
        let losses = error.clone().square().mean_dim(2).mean_dim(1).reshape([count]);
        // The loss is the mean over all samples and outputs; its gradient carries the 2 of the square.
        let gradient = error * (2.0 / numbers as f64);
        let gradient = match function {
            Activation::Tanh => gradient * (value.square().neg() + 1.0),
            Activation::Relu => gradient.mask_fill(value.lower_equal_elem(0.0), 0.0),
            _ => gradient,
        };
        let of_weight = gradient.clone().swap_dims(1, 2).matmul(x).reshape([count * outputs * inputs]);
        (losses, vec![of_weight, gradient.sum_dim(1).reshape([count * outputs])])
    }
}

/// Leads samples back to the input, deepest first; `joining` gives those that start at a depth, `[samples, numbers]`, if
/// any. What comes out is in the order in which they joined. `trained` are the cascade's results up to there.
///
/// # Errors
/// When the numbers do not fit, a result is missing, or the device fails.
pub(super) fn lead_back(
    cascade: &Cascade,
    depth: usize,
    trained: &[Arc<Value>],
    joining: impl Fn(usize) -> Result<Option<Tensor<2>>>,
    device: &Device,
    context: &Context<'_>,
) -> Result<Vec<f32>> {
    let mut trained = trained.iter().rev();
    let mut state: Option<Tensor<2>> = None;
    for l in (1..=depth).rev() {
        let inverse = cascade.inverse(l);
        let result = if inverse.parameters() > 0 { trained.next() } else { None };
        let array = |name: &str| match result {
            Some(value) => Ok(value.tensor(name, device)?.1),
            None => Err(Error::new(format!("block {l} of the cascade has no {name}"))),
        };
        let arrays = tensors(inverse.layers()).iter().map(|tensor| array(&tensor.name)).collect::<Result<Vec<_>>>()?;
        let all: Vec<Tensor<2>> = state.into_iter().chain(joining(l)?).collect();
        let all = if all.len() == 1 { all.into_iter().next() } else { Some(Tensor::cat(all, 0)) };
        let Some(all) = all else { return Err(Error::new("nothing to lead back")) };
        let samples = all.dims()[0];
        state = Some(lead(inverse.layers(), &arrays, all, cascade.network().architecture().shape(l))?);
        context.advance(samples as f64 * cascade.inverse_operations(l))?;
    }
    state.map_or_else(|| Ok(Vec::new()), numbers_of)
}

fn numbers_of<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let numbers = tensor.try_into_vec_as::<f32>();
    numbers.map_err(|error| Error::new(format!("the device does not give its numbers: {error}")))
}
