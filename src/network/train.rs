//! Training a whole network on labelled samples.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::forward::check_data;
use super::recompute::{forward_operations, weight_ops, weights_by_block};
use super::stack::Stack;
use super::stacked_loop::StackedLoop;
use super::training_loop::{Course, Ended, History, Labelled, TrainingLoop};
use super::{Augmentation, Block, Learner, Loss, Network, Optimizer, Schedule};
use crate::data::{Split, samples};
use crate::random::GENERATOR;
use crate::words::counted;
use crate::work::{Context, Cost, Described, Fingerprint, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const NAME: &str = "network.train";
/// 2: gradients by the host's own loops.
const VERSION: u32 = 2;

/// How a network is trained.
#[derive(Debug, Clone)]
pub struct Training {
    /// Passes over the data.
    pub epochs: u32,
    /// Samples per step.
    pub batch: usize,
    pub optimizer: Optimizer,
    pub loss: Loss,
    /// Decides the order of the data, what `dropout` drops, and how pictures are augmented.
    pub seed: u64,
    /// Whether every epoch has an order of its own; otherwise all have the data's.
    pub shuffle: bool,
    /// The share of every wanted probability that is spread over all classes.
    pub label_smoothing: f64,
    /// The largest norm of a step's gradient; a longer one is scaled.
    pub clip: Option<f64>,
    /// Factors of the optimizer's rate.
    pub schedule: Schedule,
    /// How pictures are changed before a step.
    pub augment: Augmentation,
    /// Samples whose loss and accuracy are measured after every epoch.
    pub validation: Option<Split>,
    /// What ends the training before its last epoch.
    pub target: Option<Target>,
    /// Epochs without a lower loss after which it ends.
    pub patience: Option<usize>,
    /// The most steps.
    pub steps: Option<usize>,
}

/// What ends a training after an epoch, measured on the samples of the validation where there are some, or else on those of
/// the epoch as they were seen. If both are given, both are needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Target {
    /// The least share of right answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// The largest mean loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
}

impl Target {
    pub(super) fn is_reached(self, loss: f64, accuracy: f64) -> bool {
        self.accuracy.is_none_or(|least| accuracy >= least) && self.loss.is_none_or(|most| loss <= most)
    }

    fn check(self) -> Result<()> {
        if let Some(accuracy) = self.accuracy.filter(|accuracy| !(0.0..=1.0).contains(accuracy)) {
            return Err(Error::new(format!(
                "`target`: an accuracy of {accuracy} is no share of right answers, from 0 to 1"
            )));
        }
        match self.loss.filter(|loss| loss.is_nan() || *loss < 0.0) {
            Some(loss) => {
                Err(Error::new(format!("`target`: a loss of {loss} is never reached; losses are at least 0")))
            }
            None => Ok(()),
        }
    }
}

impl Training {
    /// The published networks were trained for up to 200.
    pub const EPOCHS: u32 = 10;
    pub const BATCH: usize = 100;
    /// The published step size, of plain gradient descent.
    pub const RATE: f64 = 1e-3;

    /// Defaults for a network.
    pub fn for_network(network: &Network) -> Self {
        Self::new(network.seed())
    }

    /// Defaults with a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            epochs: Self::EPOCHS,
            batch: Self::BATCH,
            optimizer: Optimizer::sgd(Self::RATE),
            loss: Loss::CrossEntropy,
            seed,
            shuffle: true,
            label_smoothing: 0.0,
            clip: None,
            schedule: Schedule::constant(),
            augment: Augmentation::default(),
            validation: None,
            target: None,
            patience: None,
            steps: None,
        }
    }

    /// # Errors
    /// When a setting is out of its range.
    pub fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch == 0 {
            let (epochs, batch) = (self.epochs, self.batch);
            return Err(Error::new(format!("epochs is {epochs} and batch is {batch}; both are at least 1")));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let smoothing = self.label_smoothing;
            return Err(Error::new(format!("`label_smoothing` is {smoothing}; it is a share from 0 on and below 1")));
        }
        if let Some(clip) = self.clip.filter(|clip| clip.is_nan() || *clip <= 0.0) {
            return Err(Error::new(format!(
                "`clip` is {clip}; it is the largest norm of a gradient, a positive number"
            )));
        }
        if self.patience == Some(0) || self.steps == Some(0) {
            return Err(Error::new("`patience` and `steps` are at least 1, where they are given"));
        }
        self.target.map_or(Ok(()), Target::check)?;
        self.optimizer.check()
    }

    /// Steps of an epoch of so many samples.
    pub fn steps_per_epoch(&self, samples: usize) -> usize {
        samples.div_ceil(self.batch.max(1))
    }

    /// All steps that are taken at most, and the epochs in which they are.
    pub fn steps_and_epochs(&self, samples: usize) -> (usize, usize) {
        let per_epoch = self.steps_per_epoch(samples);
        let all = per_epoch * self.epochs as usize;
        let steps = self.steps.unwrap_or(all).min(all);
        (steps, steps.div_ceil(per_epoch.max(1)))
    }

    /// The same training in the one way in which it is described.
    fn canonical(self, samples: usize) -> Self {
        let (batch, (steps, epochs)) = (self.batch.min(samples.max(1)), self.steps_and_epochs(samples));
        let all = self.steps_per_epoch(samples) * epochs;
        Self {
            batch,
            epochs: u32::try_from(epochs).unwrap_or(u32::MAX),
            steps: (steps < all).then_some(steps),
            clip: self.clip.filter(|clip| clip.is_finite()),
            target: self.target.filter(|target| *target != Target::default()),
            optimizer: self.optimizer.canonical(),
            ..self
        }
    }

    /// What was done with a network that was trained on a split.
    fn in_words(&self, split: &Split) -> String {
        let may_end_early = self.target.is_some() || self.patience.is_some();
        let length = self.steps.map_or_else(|| counted(self.epochs as usize, "epoch"), |steps| counted(steps, "step"));
        let most = if may_end_early { "up to " } else { "" };
        format!("trained {most}{length} on {} of {}", counted(split.len(), "sample"), split.dataset().name())
    }

    /// What decides the numbers. What is left out has its default.
    fn description(&self) -> serde_json::Value {
        let mut all = json!({
            "generator": GENERATOR,
            "epochs": self.epochs,
            "batch": self.batch,
            "optimizer": self.optimizer,
            "loss": self.loss,
            "seed": self.seed,
            "shuffle": self.shuffle,
        });
        let mut say = |key: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                all[key] = value;
            }
        };
        say("label_smoothing", (self.label_smoothing > 0.0).then(|| json!(self.label_smoothing)));
        say("clip", self.clip.map(|clip| json!(clip)));
        say("schedule", (!self.schedule.is_constant()).then(|| json!(self.schedule)));
        say("augment", self.augment.is_some().then(|| json!(self.augment)));
        say("validation", self.validation.as_ref().map(Split::description));
        say("target", self.target.map(|target| json!(target)));
        say("patience", self.patience.map(|epochs| json!(epochs)));
        say("steps", self.steps.map(|steps| json!(steps)));
        all
    }
}

/// The training that gave a network its weights.
#[derive(Debug, Clone)]
pub struct TrainingRun {
    /// All arrays by the names of [`Architecture::names`](super::Architecture::names); "loss" `[steps]`, the mean over every
    /// step's batch before the step, "rate" and "gradient_norm" `[steps]`; "epoch_loss" and "epoch_accuracy" `[epochs]`, over
    /// the samples as they were seen; with a validation, "validation_loss" and "validation_accuracy" `[epochs]`; "stop", which
    /// [`Stop::of`](super::Stop::of) reads. If the training diverges, all arrays of the network are NaN. Numbers of steps that were
    /// not taken, and of epochs that were not finished, are NaN.
    pub result: Described,
    pub steps: usize,
    pub epochs: usize,
    pub has_validation: bool,
}

/// The network with the weights after `training` on `split`.
///
/// # Errors
/// When the data has no labels or does not fit the network, a setting is out of its range, or nothing can be trained.
pub fn train(network: &Network, split: &Split, training: Training) -> Result<Network> {
    training.check()?;
    check_labels(network, split)?;
    if let Some(validation) = &training.validation {
        check_labels(network, validation)
            .map_err(|error| Error { message: format!("`validation`: {}", error.message), ..error })?;
    }
    if training.augment.is_some() {
        training.augment.check(split.shape())?;
    }
    let training = training.canonical(split.len());
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
    let has_validation = training.validation.is_some();
    let (steps, epochs) = training.steps_and_epochs(split.len());
    let words = training.in_words(split);
    let result = Described::new(Train { network: network.clone(), split: split.clone(), training });
    let trained = Network::computed(architecture.clone(), vec![result.clone(); architecture.depth()], words);
    Ok(Network { training_run: Some(TrainingRun { result, steps, epochs, has_validation }), ..trained })
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
            "the network has {}, the data {classes} classes: each class has an output of its own",
            counted(outputs, "output")
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
    /// Floating-point operations of a step for one sample: forward, and the gradients of the weights and of the inputs.
    fn operations_per_sample(&self) -> f64 {
        3.0 * forward_operations(&self.network, 0, self.network.architecture().depth())
    }

    /// Arrays, gradients, two moments and one temporary; and a batch.
    fn bytes_of_arrays(&self) -> f64 {
        let architecture = self.network.architecture();
        let batch = self.training.batch * architecture.width(0);
        20.0 * architecture.parameters() as f64 + 8.0 * batch as f64
    }

    /// What a step's numbers and gradients take, with everything kept and with as little as can be.
    fn bytes_of_layers(&self) -> [f64; 2] {
        // Layers that do not fit fail when they are trained.
        Learner::bytes_of_layers(self.network.architecture(), self.training.batch).unwrap_or_default()
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
        let architecture = self.network.architecture();
        let names: Vec<_> = (1..=architecture.depth()).flat_map(|l| architecture.names(l)).collect();
        let mut all = self.training.description();
        all["blocks"] = json!(self.network.prefix(architecture.depth()));
        // The names of the arrays in the result.
        all["names"] = json!(Fingerprint::from_json(&json!(names)));
        all["data"] = self.split.description();
        all
    }

    fn inputs(&self) -> Vec<Described> {
        let depth = self.network.architecture().depth();
        let validation = self.training.validation.as_ref().map(samples);
        std::iter::once(samples(&self.split)).chain(validation).chain(weight_ops(&self.network, 0, depth)).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        let mut provenance = self.network.provenance();
        provenance.merge(&self.split.provenance());
        self.training.validation.iter().for_each(|validation| provenance.merge(&validation.provenance()));
        provenance.merge(&Provenance { seeds: vec![self.training.seed], ..Provenance::default() });
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let architecture = self.network.architecture();
        let parameters = architecture.parameters() as f64;
        let (steps, epochs) = self.training.steps_and_epochs(self.split.len());
        let seen = (steps * self.training.batch).min(epochs * self.split.len()) as f64;
        let tried = self.training.validation.as_ref().map_or(0, Split::len) * epochs;
        let [all, _] = self.bytes_of_layers();
        Cost {
            operations: (seen + tried as f64 / 3.0) * self.operations_per_sample(),
            result_bytes: 4.0 * parameters + 24.0 * steps as f64,
            working_bytes: self.bytes_of_arrays() + all,
        }
    }

    fn spare_bytes(&self) -> f64 {
        let [all, least] = self.bytes_of_layers();
        all - least
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (training, architecture) = (&self.training, self.network.architecture());
        let labels = self.all_labels()?;
        let learner = Learner::new(architecture, self.start(inputs)?, training, context.device())?;
        let mut course = TrainingLoop { course: self.course(&labels, inputs)?, learner };
        if let Some(state) = context.latest_checkpoint() {
            course.resume(&state, context)?;
        }
        course.learner.fit_into(context.working_bytes() - self.bytes_of_arrays(), training.batch);
        let stop = course.run(context)?;
        let ended = Ended { stop, steps: course.learner.steps(), arrays: course.learner.arrays()? };
        Ok(self.value(&course.course.history, ended, context))
    }

    /// Networks of one shape that learn the same data in the same way, if no operation computes their weights: then either all
    /// of a batch fail, or none. Their seeds may differ.
    fn batch_key(&self) -> Option<Fingerprint> {
        let architecture = self.network.architecture();
        let is_drawn = (1..=architecture.depth()).all(|l| self.network.weights_op(l).is_none());
        if !is_drawn || !Stack::can_hold(architecture) {
            return None;
        }
        let mut training = self.training.description();
        training["seed"] = json!(null);
        let layers: Vec<_> = architecture.blocks().iter().map(Block::layers).collect();
        Some(Fingerprint::from_json(&json!({
            "layers": layers,
            "input": architecture.shape(0),
            "training": training,
            "data": self.split.description(),
        })))
    }

    fn run_batched(&self, batch: &[(&dyn Operation, &[Arc<Value>])], context: &Context<'_>) -> Result<Vec<Value>> {
        let device = context.device().ok_or_else(|| Error::new("only a device computes several as one"))?;
        let mut trains: Vec<&Self> = Vec::new();
        for (operation, _) in batch {
            let train = (*operation as &dyn Any).downcast_ref::<Self>();
            trains.push(train.ok_or_else(|| Error::new("two kinds of operations in one batch"))?);
        }
        // Their data are the same.
        let labels = self.all_labels()?;
        let members = || trains.iter().zip(batch.iter().map(|(_, inputs)| *inputs));
        let courses = members().map(|(train, inputs)| train.course(&labels, inputs)).collect::<Result<_>>()?;
        let arrays: Vec<_> = members().map(|(train, inputs)| train.start(inputs)).collect::<Result<_>>()?;
        let stack = Stack::new(self.network.architecture(), &arrays, &self.training, device);
        let mut stacked = StackedLoop::new(courses, stack);
        if let Some(state) = context.latest_checkpoint() {
            stacked.resume(&state, context)?;
        }
        let ended = stacked.run(context)?;
        Ok(trains.iter().zip(ended).map(|(train, (history, ended))| train.value(&history, ended, context)).collect())
    }
}

/// The labels of the data and of the validation.
type AllLabels = (Vec<u32>, Option<Vec<u32>>);

impl Train {
    /// The labels of the data, and of the validation if there is one.
    fn all_labels(&self) -> Result<AllLabels> {
        let labels = self.labels(&self.split)?;
        if labels.iter().all(|label| *label == labels[0]) {
            return Err(Error::new(format!("all samples are of class {}: there is nothing to tell apart", labels[0]))
                .hint("take samples of several classes, such as `data.train.take(1000)`"));
        }
        let of_validation = self.training.validation.as_ref().map(|split| self.labels(split)).transpose()?;
        Ok((labels, of_validation))
    }

    /// The arrays before training.
    fn start(&self, inputs: &[Arc<Value>]) -> Result<Vec<Vec<f32>>> {
        self.initial(&inputs[1 + usize::from(self.training.validation.is_some())..])
    }

    /// What the training does, from its beginning.
    fn course<'a>(&'a self, (labels, of_validation): &'a AllLabels, inputs: &'a [Arc<Value>]) -> Result<Course<'a>> {
        let labelled = |labels| Ok::<_, Error>(Labelled { x: inputs[1].f32s("x")?.1, labels });
        let (steps, epochs) = self.training.steps_and_epochs(labels.len());
        Ok(Course {
            training: &self.training,
            architecture: self.network.architecture(),
            data: Labelled { x: inputs[0].f32s("x")?.1, labels },
            validation: of_validation.as_deref().map(labelled).transpose()?,
            picture: self.split.shape(),
            history: History::new(steps, epochs),
            operations_per_sample: self.operations_per_sample(),
        })
    }

    /// The result of a training that has ended.
    fn value(&self, history: &History, Ended { stop, steps, mut arrays }: Ended, context: &Context<'_>) -> Value {
        let architecture = self.network.architecture();
        let value = history.result(stop, steps, self.training.validation.is_some());
        let value = if stop.is_divergence() {
            let error = Error::new(format!("a training with {} {}", self.training.optimizer, stop.in_words(steps)));
            context.warn(error.hint("its network's numbers are NaN; take a smaller rate, or give `clip`"));
            arrays.iter_mut().for_each(|array| array.fill(f32::NAN));
            value.marked_diverged()
        } else {
            value
        };
        let named = (1..=architecture.depth())
            .flat_map(|l| architecture.names(l).into_iter().zip(architecture.blocks()[l - 1].param_specs()));
        named.zip(arrays).fold(value, |value, ((name, spec), array)| value.with(&name, &spec.shape, array))
    }

    /// The classes of a split, each of which has an output.
    fn labels(&self, split: &Split) -> Result<Vec<u32>> {
        let (labels, architecture) = (split.labels()?, self.network.architecture());
        let outputs = architecture.width(architecture.depth());
        match labels.iter().position(|&label| label as usize >= outputs) {
            Some(sample) => Err(Error::new(format!(
                "sample {sample} of {} is of class {}; the network has {outputs} outputs, for classes 0 to {}",
                split.dataset().name(),
                labels[sample],
                outputs - 1
            ))),
            None => Ok(labels),
        }
    }
}
