//! Training a whole network on labelled samples.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::forward::check_data;
use super::recompute::{weight_ops, weights_by_block};
use super::{Learner, Loss, Network, Optimizer, StepResult, sequence};
use crate::data::{Split, samples};
use crate::random::{GENERATOR, Random};
use crate::work::{Context, Cost, Described, Fingerprint, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const NAME: &str = "network.train";
const VERSION: u32 = 1;

/// How a network is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Passes over the data.
    pub epochs: u32,
    /// Samples per step.
    pub batch: usize,
    pub optimizer: Optimizer,
    pub loss: Loss,
    /// Decides the order of the data and what `dropout` drops.
    pub seed: u64,
    /// Whether every epoch has an order of its own; otherwise all have the data's.
    pub shuffle: bool,
}

impl Training {
    /// The published networks were trained for up to 200.
    pub const EPOCHS: u32 = 10;
    pub const BATCH: usize = 100;
    /// The published step size, of plain gradient descent.
    pub const RATE: f64 = 1e-3;

    /// Defaults for a network.
    pub fn for_network(network: &Network) -> Self {
        Self {
            epochs: Self::EPOCHS,
            batch: Self::BATCH,
            optimizer: Optimizer::sgd(Self::RATE),
            loss: Loss::CrossEntropy,
            seed: network.seed(),
            shuffle: true,
        }
    }

    fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch == 0 {
            let (epochs, batch) = (self.epochs, self.batch);
            return Err(Error::new(format!("epochs is {epochs} and batch is {batch}; both are at least 1")));
        }
        self.optimizer.check()
    }
}

/// The training that gave a network its weights.
#[derive(Debug, Clone)]
pub struct TrainingRun {
    /// All arrays by the names of [`Architecture::names`](super::Architecture::names); "loss" `[steps]`, the mean over every
    /// step's batch before the step; "epoch_loss" and "epoch_accuracy" `[epochs]`, over the samples as they were seen. If a
    /// loss becomes non-finite, training stops: the arrays stay as they are, the remaining losses and accuracies are NaN.
    pub result: Described,
    pub steps: usize,
    pub epochs: usize,
}

/// The network with the weights after `training` on `split`.
///
/// # Errors
/// When the data has no labels or does not fit the network, a setting is out of its range, or nothing can be trained.
pub fn train(network: &Network, split: &Split, training: Training) -> Result<Network> {
    training.check()?;
    check_labels(network, split)?;
    let architecture = network.architecture();
    if architecture.parameters() == 0 {
        return Err(Error::new("the network has no weights to train"));
    }
    let mut known = BTreeSet::new();
    for name in (1..=architecture.depth()).flat_map(|l| architecture.names(l)) {
        if !known.insert(name.clone()) {
            let message = format!("two arrays of the network are called {name}");
            return Err(Error::new(message).hint("give each layer a name of its own with `.named([…])`"));
        }
    }
    let epochs = training.epochs;
    let plural = if epochs == 1 { "" } else { "s" };
    let words = format!("trained {epochs} epoch{plural} on {} samples of {}", split.len(), split.dataset().name());
    let steps = split.len().div_ceil(training.batch) * epochs as usize;
    let result = Described::new(Train { network: network.clone(), split: split.clone(), training });
    let trained = Network::computed(architecture.clone(), vec![result.clone(); architecture.depth()], words);
    Ok(Network { training_run: Some(TrainingRun { result, steps, epochs: epochs as usize }), ..trained })
}

/// Checks that a network's outputs can be compared with the labels of a split.
///
/// # Errors
/// When the data has no labels, its samples do not fit, or the outputs are not one number for each class.
pub(crate) fn check_labels(network: &Network, split: &Split) -> Result<()> {
    check_data(network, split)?;
    let (architecture, classes) = (network.architecture(), split.classes());
    if classes == 0 {
        return Err(split.no_labels());
    }
    match *architecture.shape(architecture.depth()) {
        [outputs] if outputs >= classes => Ok(()),
        [outputs] => Err(Error::new(format!(
            "the network has {outputs} outputs, the data {classes} classes: each class has an output of its own"
        ))),
        ref shape => Err(Error::new(format!(
            "the network's output has the shape {shape:?}; labels are compared with a row of {classes} numbers"
        ))
        .hint(format!("end the network with `flatten()` and a `linear(…, {classes})`"))),
    }
}

#[derive(Debug)]
struct Train {
    network: Network,
    split: Split,
    training: Training,
}

impl Train {
    fn steps_per_epoch(&self) -> usize {
        self.split.len().div_ceil(self.training.batch)
    }

    /// Floating-point operations for one sample: forward, the weights' gradients, and those that pass.
    fn operations_per_sample(&self) -> f64 {
        let architecture = self.network.architecture();
        3.0 * (1..=architecture.depth()).map(|l| architecture.operations(l)).sum::<f64>()
    }

    /// The arrays before training, block by block; `weights` are the results of the operations that compute them.
    fn initial(&self, weights: &[Arc<Value>]) -> Result<Vec<Vec<f32>>> {
        let depth = self.network.architecture().depth();
        let weights = weights_by_block(&self.network, 0, depth, weights);
        let blocks = (1..=depth).zip(weights).map(|(l, weights)| self.network.arrays(l, weights));
        let blocks: Result<Vec<_>> = blocks.collect();
        Ok(blocks?.into_iter().flatten().map(Cow::into_owned).collect())
    }
}

impl Operation for Train {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        let Training { epochs, batch, optimizer, loss, seed, shuffle } = &self.training;
        let architecture = self.network.architecture();
        let names: Vec<_> = (1..=architecture.depth()).flat_map(|l| architecture.names(l)).collect();
        json!({
            "blocks": self.network.prefix(architecture.depth()),
            // The names of the arrays in the result.
            "names": Fingerprint::from_json(&json!(names)),
            "data": self.split.description(),
            "generator": GENERATOR,
            "epochs": epochs,
            "batch": batch,
            "optimizer": optimizer,
            "loss": loss,
            "seed": seed,
            "shuffle": shuffle,
        })
    }

    fn inputs(&self) -> Vec<Described> {
        let depth = self.network.architecture().depth();
        std::iter::once(samples(&self.split)).chain(weight_ops(&self.network, 0, depth)).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        let mut provenance = self.network.provenance();
        provenance.merge(&self.split.provenance());
        provenance.merge(&Provenance { seeds: vec![self.training.seed], ..Provenance::default() });
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let architecture = self.network.architecture();
        let parameters = architecture.parameters() as f64;
        let seen = self.split.len() as f64 * f64::from(self.training.epochs);
        let steps = self.steps_per_epoch() as f64 * f64::from(self.training.epochs);
        let numbers: usize = (1..=architecture.depth())
            .map(|l| sequence::numbers(architecture.blocks()[l - 1].layers(), architecture.shape(l - 1)))
            .sum();
        let batch = self.training.batch.min(self.split.len()) as f64;
        Cost {
            operations: seen * self.operations_per_sample(),
            result_bytes: 4.0 * parameters + 8.0 * steps,
            // Arrays, gradients, two moments and one temporary; every layer's numbers and their gradients.
            working_bytes: 20.0 * parameters + 12.0 * batch * (numbers + architecture.width(0)) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let ((_, x), labels) = (inputs[0].f32s("x")?, self.split.labels()?);
        let architecture = self.network.architecture();
        let device = context.device().cloned().unwrap_or_else(Device::flex);
        let mut learner = Learner::new(architecture, self.initial(&inputs[1..])?, &self.training, &device);
        let history = self.learn(&mut learner, x, &labels, context)?;
        let arrays = learner.arrays()?;
        let named = (1..=architecture.depth())
            .flat_map(|l| architecture.names(l).into_iter().zip(architecture.blocks()[l - 1].param_specs()));
        let value = history.into_value();
        Ok(named.zip(arrays).fold(value, |value, ((name, spec), array)| value.with(&name, &spec.shape, array)))
    }
}

/// The losses and accuracies of a training run.
struct History {
    losses: Vec<f64>,
    /// The mean over each epoch's samples.
    epoch_losses: Vec<f64>,
    epoch_accuracies: Vec<f64>,
}

impl History {
    fn into_value(self) -> Value {
        let all = [("loss", self.losses), ("epoch_loss", self.epoch_losses), ("epoch_accuracy", self.epoch_accuracies)];
        all.into_iter().fold(Value::default(), |value, (name, numbers)| value.with(name, &[numbers.len()], numbers))
    }
}

impl Train {
    fn learn(&self, learner: &mut Learner, x: &[f32], labels: &[u32], context: &Context<'_>) -> Result<History> {
        let (epochs, samples, size) = (self.training.epochs as usize, labels.len(), x.len() / labels.len().max(1));
        let mut history = History {
            losses: vec![f64::NAN; self.steps_per_epoch() * epochs],
            epoch_losses: vec![f64::NAN; epochs],
            epoch_accuracies: vec![f64::NAN; epochs],
        };
        let (seed, shuffle) = (self.training.seed, self.training.shuffle);
        let (mut step, mut rows, mut classes) = (0, Vec::new(), Vec::new());
        for epoch in 0..epochs {
            let (mut sum, mut all_correct) = (0.0, 0);
            for batch in Random::order(seed, shuffle, epoch as u32, samples).chunks(self.training.batch) {
                rows.clear();
                classes.clear();
                for &sample in batch {
                    rows.extend_from_slice(&x[sample as usize * size..][..size]);
                    classes.push(labels[sample as usize]);
                }
                let StepResult { loss, correct } = learner.step(&rows, &classes)?;
                history.losses[step] = loss;
                if !loss.is_finite() {
                    return Ok(history);
                }
                sum += loss * batch.len() as f64;
                all_correct += correct;
                step += 1;
                context.advance(batch.len() as f64 * self.operations_per_sample())?;
            }
            history.epoch_losses[epoch] = sum / samples as f64;
            history.epoch_accuracies[epoch] = all_correct as f64 / samples as f64;
        }
        Ok(history)
    }
}
