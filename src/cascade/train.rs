//! Training one reconstruction network with Adam: gradients by hand, weights and moments in cache from the first step
//! to the last.

use std::sync::Arc;

use serde_json::json;

use super::{Cascade, Training};
use crate::Result;
use crate::kernels::{Activation, Adam, Matrix, Moments, accumulate, product};
use crate::network::activations;
use crate::random::Random;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};

pub(super) const NAME: &str = "cascade.adam";
pub(super) const VERSION: u32 = 1;

/// A reconstruction network y = φ(W x + b): W of shape `[outputs, inputs]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    pub inputs: usize,
    pub outputs: usize,
    pub activation: Activation,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// PyTorch's default initialisation, U(−1/√inputs, 1/√inputs) for weight and bias, keyed by seed and block number.
pub fn initial(seed: u64, block: usize, inputs: usize, outputs: usize, activation: Activation) -> Parameters {
    let bound = 1.0 / libm::sqrt(inputs as f64);
    let draw = |length: usize, tensor: &str| {
        let mut numbers = vec![0.0; length];
        Random::new(seed, &["inverse", &block.to_string(), tensor]).fill_uniform(&mut numbers, -bound, bound);
        numbers
    };
    Parameters { inputs, outputs, activation, weight: draw(inputs * outputs, "weight"), bias: draw(outputs, "bias") }
}

/// The order in which an epoch sees `samples` samples; the same for every block, as when all are trained batch by batch.
fn order(training: &Training, epoch: u32, samples: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..samples as u32).collect();
    if training.shuffle {
        Random::new(training.seed, &["order", &epoch.to_string()]).shuffle(&mut order);
    }
    order
}

/// Minimises the mean of (φ(W x + b) − target)² over `x`, `[samples, inputs]`, and `target`, `[samples, outputs]`, from
/// `parameters`, in place. Gives the loss of every step's batch, before the step; `advance` hears of every step's samples.
///
/// # Errors
/// When `advance` says so.
pub fn train(
    parameters: &mut Parameters,
    x: &[f32],
    target: &[f32],
    training: &Training,
    advance: impl Fn(usize) -> Result<()>,
) -> Result<Vec<f64>> {
    let samples = x.len() / parameters.inputs;
    let mut step = Step::new(parameters, training.batch.min(samples), training.adam);
    let mut losses = Vec::new();
    for epoch in 0..training.epochs {
        for batch in order(training, epoch, samples).chunks(training.batch) {
            losses.push(step.take(parameters, x, target, batch));
            advance(batch.len())?;
        }
    }
    Ok(losses)
}

/// The buffers of a training step, reused from step to step.
struct Step {
    adam: Adam,
    count: u32,
    /// The batch's rows, `[batch, inputs]`, and its targets, `[batch, outputs]`.
    x: Vec<f32>,
    target: Vec<f32>,
    /// W x + b, then the loss's gradient with respect to it, `[batch, outputs]`.
    z: Vec<f32>,
    weight_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
    weight_moments: Moments,
    bias_moments: Moments,
}

impl Step {
    fn new(Parameters { inputs, outputs, .. }: &Parameters, batch: usize, adam: Adam) -> Self {
        Self {
            adam,
            count: 0,
            x: vec![0.0; batch * inputs],
            target: vec![0.0; batch * outputs],
            z: vec![0.0; batch * outputs],
            weight_gradient: vec![0.0; inputs * outputs],
            bias_gradient: vec![0.0; *outputs],
            weight_moments: Moments::new(inputs * outputs),
            bias_moments: Moments::new(*outputs),
        }
    }

    fn take(&mut self, parameters: &mut Parameters, x: &[f32], target: &[f32], batch: &[u32]) -> f64 {
        let Parameters { inputs, outputs, activation, weight, bias } = parameters;
        let (inputs, outputs, rows) = (*inputs, *outputs, batch.len());
        let gather = |to: &mut [f32], from: &[f32], width: usize| {
            for (row, &sample) in to.chunks_mut(width).zip(batch) {
                row.copy_from_slice(&from[sample as usize * width..][..width]);
            }
        };
        let (x_rows, z) = (&mut self.x[..rows * inputs], &mut self.z[..rows * outputs]);
        gather(x_rows, x, inputs);
        gather(&mut self.target, target, outputs);
        z.chunks_mut(outputs).for_each(|row| row.copy_from_slice(bias));
        let x_rows = Matrix::new(x_rows, rows, inputs);
        accumulate(z, x_rows, Matrix::new(weight, outputs, inputs).transposed());
        // The loss is the mean over all rows and outputs; its gradient carries the 2 of the square.
        let numbers = (rows * outputs) as f64;
        let squares = activation.squared_error_gradient(z, &self.target[..rows * outputs], (2.0 / numbers) as f32);
        product(&mut self.weight_gradient, Matrix::new(z, rows, outputs).transposed(), x_rows);
        self.bias_gradient.fill(0.0);
        for row in z.chunks(outputs) {
            self.bias_gradient.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
        }
        self.count += 1;
        self.adam.step(self.count, weight, &self.weight_gradient, &mut self.weight_moments);
        self.adam.step(self.count, bias, &self.bias_gradient, &mut self.bias_moments);
        squares / numbers
    }
}

/// Block `l` of a cascade: its reconstruction network, trained.
#[derive(Debug)]
struct TrainBlock {
    cascade: Cascade,
    l: usize,
}

pub(super) fn describe(cascade: &Cascade, l: usize) -> Described {
    Described::new(TrainBlock { cascade: cascade.clone(), l })
}

impl TrainBlock {
    /// Floating-point operations for one sample: forward and the weight's gradient.
    fn operations_per_sample(&self) -> f64 {
        4.0 * self.cascade.inverse(self.l).parameters() as f64
    }
}

impl Operation for TrainBlock {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        let mut description = self.cascade.training_description();
        description["blocks"] = json!(self.cascade.network.prefix(self.l));
        // Blocks are trained alone: the inverses before this one do not matter to it.
        description["inverses"] = json!(self.cascade.inverse(self.l));
        description["block"] = json!(self.l);
        description
    }

    fn inputs(&self) -> Vec<Described> {
        let Cascade { network, split, .. } = &self.cascade;
        vec![activations(network, split, self.l - 1), activations(network, split, self.l)]
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let parameters = self.cascade.inverse(self.l).parameters() as f64;
        let training = &self.cascade.training;
        let samples = self.cascade.split.len() as f64 * f64::from(training.epochs);
        let widths =
            self.cascade.network.architecture().width(self.l - 1) + self.cascade.network.architecture().width(self.l);
        Cost {
            operations: samples * self.operations_per_sample(),
            result_bytes: 4.0 * parameters + 8.0 * samples / training.batch as f64,
            // Gradient and two moments; the batch.
            working_bytes: 12.0 * parameters + 8.0 * (widths * training.batch) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (_, target) = inputs[0].f32s("x")?;
        let (_, x) = inputs[1].f32s("x")?;
        let (from, to, activation) = self.cascade.inverse(self.l).linear()?;
        let training = &self.cascade.training;
        let mut parameters = initial(training.seed, self.l, from, to, activation);
        let per_sample = self.operations_per_sample();
        let losses =
            train(&mut parameters, x, target, training, |samples| context.advance(samples as f64 * per_sample))?;
        Ok(Value::default().with("weight", &[to, from], parameters.weight).with("bias", &[to], parameters.bias).with(
            "loss",
            &[losses.len()],
            losses,
        ))
    }
}
