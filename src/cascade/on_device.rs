//! Reconstruction networks on a device, in Burn's operations: the twin of `train.rs`, `step.rs` and `reconstruct.rs`, for
//! devices other than the host's own loops. Networks of the same layers are trained side by side, in one product for all.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::{AdamSolver, Cascade, Inverse, ReconstructionNet};
use crate::kernels::Activation;
use crate::network::{
    ActivationsOnDevice, DeviceBatch, Layer, Linear, Mode, Optimizer, OptimizerState, download, evaluate, forward_pass,
    sequence, upload,
};
use crate::random::Random;
use crate::work::{Context, Value};
use crate::{Error, Result};

/// Steps whose samples are gathered at a time, and the numbers of these samples, at most.
const STEPS: usize = 16;
const NUMBERS: usize = 1 << 27;

/// A reconstruction network to be trained, with its data.
pub(super) struct TrainJob {
    pub net: ReconstructionNet,
    pub x: ActivationsOnDevice,
    pub target: ActivationsOnDevice,
}

/// The result of a [`TrainJob`].
pub(super) struct Trained {
    /// In PyTorch's layout and the order of the network's arrays.
    pub arrays: Vec<Vec<f32>>,
    /// The loss of every step's batch, before the step.
    pub losses: Vec<f64>,
}

/// Whether networks with this inverse can be trained side by side.
pub(super) fn can_be_batched(inverse: &Inverse) -> bool {
    LinearGradients::new(inverse.split_at_weights().1).is_some()
}

/// Trains networks of the same layers, each on as many samples, all in the same order. `advance` is called with every
/// step's samples.
///
/// # Errors
/// When `advance` fails, the numbers do not fit, or the device fails.
pub(super) fn train(
    jobs: &[TrainJob],
    solver: &AdamSolver,
    device: &Device,
    advance: impl Fn(usize) -> Result<()>,
) -> Result<Vec<Trained>> {
    let Some(first) = jobs.first() else { return Ok(Vec::new()) };
    let (count, net, samples) = (jobs.len(), &first.net, first.x.samples());
    let mut trainer = BatchTrainer::new(jobs, solver, device)?;
    let numbers: usize = net.input.iter().product::<usize>()
        + sequence::output_shape(net.layers(), &net.input)?.iter().product::<usize>();
    let at_a_time = (NUMBERS / (count * numbers * solver.batch).max(1)).clamp(1, STEPS) * solver.batch;
    let mut losses = vec![Vec::new(); count];
    for epoch in 0..solver.epochs {
        for rows in Random::order(solver.seed, solver.shuffle, epoch, samples).chunks(at_a_time) {
            let (x, target) = gather(jobs, rows, device)?;
            let mut of_steps = Vec::new();
            for start in (0..rows.len()).step_by(solver.batch) {
                let length = solver.batch.min(rows.len() - start);
                let batch = |samples: &Tensor<3>| samples.clone().narrow(1, start, length);
                of_steps.push(trainer.step(batch(&x), batch(&target))?);
                advance(length)?;
            }
            // Waits for the device, so it never falls far behind.
            for step in download(Tensor::stack::<2>(of_steps, 0))?.chunks(count) {
                losses.iter_mut().zip(step).for_each(|(losses, &loss)| losses.push(f64::from(loss)));
            }
        }
    }
    let arrays = trainer.arrays()?;
    Ok(arrays.into_iter().zip(losses).map(|(arrays, losses)| Trained { arrays, losses }).collect())
}

/// The samples `rows` of every network: the input of its first layer with weights and the target, both
/// `[networks, samples, numbers]`.
fn gather(jobs: &[TrainJob], rows: &[u32], device: &Device) -> Result<(Tensor<3>, Tensor<3>)> {
    let rows: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows.clone(), [rows.len()]), device);
    let (mut x, mut target) = (Vec::new(), Vec::new());
    for TrainJob { net, x: activations, target: inputs } in jobs {
        let (before, _) = net.split_at_weights();
        x.push(evaluate(before, &[], activations.select(rows.clone())?, &net.input)?);
        target.push(inputs.select(rows.clone())?);
    }
    Ok((stack(x), stack(target)))
}

fn stack(mut tensors: Vec<Tensor<2>>) -> Tensor<3> {
    if tensors.len() == 1 { tensors.remove(0).unsqueeze_dim(0) } else { Tensor::stack(tensors, 0) }
}

/// Networks of the same layers that are trained side by side.
struct BatchTrainer<'a> {
    networks: usize,
    /// From the first with weights, and the shape of a sample of its input.
    layers: &'a [Layer],
    input: Vec<usize>,
    /// In the order of the layers; each holds those of all networks one after another, flat.
    arrays: Vec<Tensor<1>>,
    states: Vec<OptimizerState>,
    optimizer: Optimizer,
    steps: usize,
}

impl<'a> BatchTrainer<'a> {
    fn new(jobs: &'a [TrainJob], solver: &AdamSolver, device: &Device) -> Result<Self> {
        let first = jobs.first().ok_or_else(|| Error::new("nothing to train"))?;
        let (before, layers) = first.net.split_at_weights();
        let mut joined: Vec<Vec<f32>> = vec![Vec::new(); first.net.arrays.len()];
        for job in jobs {
            joined.iter_mut().zip(job.net.arrays()).for_each(|(joined, (_, array))| joined.extend(array));
        }
        Ok(Self {
            networks: jobs.len(),
            layers,
            input: sequence::output_shape(before, &first.net.input)?,
            states: vec![OptimizerState::default(); joined.len()],
            arrays: joined.into_iter().map(|array| upload(device, array)).collect(),
            optimizer: Optimizer::Adam { adam: solver.adam, weight_decay: 0.0 },
            steps: 0,
        })
    }

    /// One step of Adam for every network; `x` and `target` are `[networks, samples, numbers]`. Returns each network's mean
    /// squared error before the step.
    fn step(&mut self, x: Tensor<3>, target: Tensor<3>) -> Result<Tensor<1>> {
        let (losses, gradients) = match (LinearGradients::new(self.layers), self.networks) {
            (Some(linear), _) => linear.losses_and_gradients(&self.arrays, x, target),
            (None, 1) => self.by_autodiff(x, target)?,
            (None, _) => return Err(Error::new("only linear layers are trained side by side")),
        };
        self.steps += 1;
        for ((array, gradient), state) in self.arrays.iter_mut().zip(gradients).zip(&mut self.states) {
            array.inplace(|array| self.optimizer.step(self.steps, array, gradient, state));
        }
        Ok(losses)
    }

    /// Loss and gradients of a single network of any layers.
    fn by_autodiff(&self, x: Tensor<3>, target: Tensor<3>) -> Result<(Tensor<1>, Vec<Tensor<1>>)> {
        let leaves: Vec<Tensor<1>> = self.arrays.iter().map(|array| array.clone().autodiff().require_grad()).collect();
        let batch = DeviceBatch { numbers: x.squeeze_dim(0), shape: self.input.clone() };
        let y = forward_pass(self.layers, &leaves, batch, Mode::Evaluation)?.output.numbers;
        let loss = (y - target.squeeze_dim(0)).square().mean_dim(1).mean();
        let mut gradients = loss.backward();
        let gradients = leaves.iter().zip(&self.arrays).map(|(leaf, array)| {
            // An array that the loss does not depend on has no gradient.
            leaf.grad_remove(&mut gradients).unwrap_or_else(|| array.zeros_like())
        });
        let gradients = gradients.collect();
        Ok((loss.without_autodiff(), gradients))
    }

    /// The arrays of each network, in the order of its layers.
    fn arrays(&self) -> Result<Vec<Vec<Vec<f32>>>> {
        let mut of_each = vec![Vec::new(); self.networks];
        for array in &self.arrays {
            let numbers = download(array.clone())?;
            let length = (numbers.len() / self.networks).max(1);
            of_each.iter_mut().zip(numbers.chunks(length)).for_each(|(arrays, array)| arrays.push(array.to_vec()));
        }
        Ok(of_each)
    }
}

/// The gradients of a linear layer and its activation, written by hand: without a tape, and not with respect to the input.
#[derive(Debug, Clone)]
struct LinearGradients {
    inputs: usize,
    outputs: usize,
    function: Activation,
}

impl LinearGradients {
    /// If the layers are just these, and the slope of the activation follows from its value.
    fn new(layers: &[Layer]) -> Option<Self> {
        let (Linear { inputs, outputs, bias }, function) = sequence::as_linear(layers)?;
        let follows = matches!(function, Activation::Identity | Activation::Tanh | Activation::Relu);
        (bias && follows).then_some(Self { inputs, outputs, function })
    }

    /// Each network's mean squared error, and its gradients. `x` is `[networks, samples, inputs]`, `target` `[networks, samples, outputs]`; `arrays` are weight and bias.
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
            Activation::Relu => activation::relu(z),
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

/// Reconstructs inputs, the deepest first; `joining` gives the samples that start at a depth, `[samples, numbers]`, if any.
/// The reconstructions are in the order in which the samples joined. `trained` are the results of the blocks, the first
/// first; `None` for those that have nothing to train.
///
/// # Errors
/// When the numbers do not fit, a result is missing, or the device fails.
pub(super) fn reconstruct(
    cascade: &Cascade,
    trained: &[Option<&Value>],
    joining: impl Fn(usize) -> Result<Option<Tensor<2>>>,
    device: &Device,
    context: &Context<'_>,
) -> Result<Vec<f32>> {
    let mut state: Option<Tensor<2>> = None;
    for (l, trained) in trained.iter().enumerate().rev().map(|(i, trained)| (i + 1, trained)) {
        let inverse = cascade.inverse(l);
        let array = |name: &str| match trained {
            Some(value) => Ok(value.tensor(name, device)?.1),
            None => Err(Error::new(format!("block {l} of the cascade has no {name}"))),
        };
        let arrays = inverse.param_specs().iter().map(|spec| array(&spec.name)).collect::<Result<Vec<_>>>()?;
        let all: Vec<Tensor<2>> = state.into_iter().chain(joining(l)?).collect();
        let all = if all.len() == 1 { all.into_iter().next() } else { Some(Tensor::cat(all, 0)) };
        let Some(all) = all else { return Err(Error::new("nothing to reconstruct from")) };
        let samples = all.dims()[0];
        state = Some(evaluate(inverse.layers(), &arrays, all, cascade.network().architecture().shape(l))?);
        context.advance(samples as f64 * cascade.inverse_operations(l))?;
    }
    state.map_or_else(|| Ok(Vec::new()), download)
}
