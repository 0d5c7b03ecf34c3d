//! The steps of a training: their order, what is recorded of them, when they end, and the states from which they go on.

use super::loss::{count_correct, cross_entropy};
use super::train::Training;
use super::{Architecture, Learner, StepResult};
use crate::random::Random;
use crate::words::counted;
use crate::work::{Context, Value};
use crate::{Error, Result};

/// A gradient whose norm is at most this share of the first step's is almost 0.
const FLAT: f64 = 1e-4;

/// An epoch's mean loss above this many times the first step's loss, or that of chance if it is larger, ends a training.
const EXPLODED: f64 = 1e3;

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All epochs, or all steps, are done.
    Finished,
    /// The training's target is reached.
    Reached,
    /// The loss has not fallen for as many epochs as `patience` says.
    Patience,
    /// The loss, or the gradient, is not a finite number.
    NotFinite,
    /// In a whole epoch, no gradient was more than `FLAT` of the first one, and the loss is not below that of the first step:
    /// the rate has saturated the network.
    Saturated,
    /// The mean loss of an epoch is more than `EXPLODED` times that of the first step, and that of chance.
    Exploded,
}

impl Stop {
    const ALL: [Self; 6] =
        [Self::Finished, Self::Reached, Self::Patience, Self::NotFinite, Self::Saturated, Self::Exploded];

    /// Whether the network did not train.
    pub fn is_divergence(self) -> bool {
        matches!(self, Self::NotFinite | Self::Saturated | Self::Exploded)
    }

    /// The reason with the number of steps, in words.
    pub fn in_words(self, steps: usize) -> String {
        let steps = counted(steps, "step");
        match self {
            Self::Finished => format!("finished after {steps}"),
            Self::Reached => format!("reached its target after {steps}"),
            Self::Patience => format!("ended by `patience` after {steps}"),
            Self::NotFinite => format!("diverged after {steps}: its loss or gradient is not a finite number"),
            Self::Saturated => {
                format!("diverged after {steps}: its gradient is almost 0, and its loss no lower than at first")
            }
            Self::Exploded => {
                format!("diverged after {steps}: its loss is more than {EXPLODED} times that at first")
            }
        }
    }

    /// Why the training of a result ended, and after how many steps.
    ///
    /// # Errors
    /// When it is no result of a training.
    pub fn of(result: &Value) -> Result<(Self, usize)> {
        let (_, numbers) = result.f64s("stop")?;
        match *numbers {
            [reason, steps] => Ok((*Self::ALL.get(reason as usize).unwrap_or(&Self::Finished), steps as usize)),
            _ => Err(Error::new("the reason why a training ended is missing")),
        }
    }
}

/// Labelled samples: rows, one after another, and their classes.
#[derive(Clone, Copy)]
pub(super) struct Labelled<'a> {
    pub x: &'a [f32],
    pub labels: &'a [u32],
}

/// A training that is under way.
pub(super) struct TrainingLoop<'a> {
    pub training: &'a Training,
    pub architecture: &'a Architecture,
    pub data: Labelled<'a>,
    pub validation: Option<Labelled<'a>>,
    /// The shape of a sample as a picture.
    pub picture: [usize; 3],
    pub learner: Learner,
    pub history: History,
    /// Floating-point operations of a step for one sample.
    pub operations_per_sample: f64,
}

/// Everything that is recorded; numbers of steps that were not taken, and of epochs that were not finished, are NaN.
#[derive(Clone)]
pub(super) struct History {
    /// Of every step: its batch's mean loss before it, its size, and the norm of its gradient.
    steps: [Vec<f64>; 3],
    /// Of every epoch: the mean loss and the accuracy over its samples as they were seen, and both over those of `validation`.
    epochs: [Vec<f64>; 4],
    progress: Progress,
}

const OF_STEPS: [&str; 3] = ["loss", "rate", "gradient_norm"];
const OF_EPOCHS: [&str; 4] = ["epoch_loss", "epoch_accuracy", "validation_loss", "validation_accuracy"];

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Progress {
    epoch: usize,
    /// Batches of the epoch that are done, their samples' losses, and how many were right.
    batches: usize,
    loss: f64,
    correct: usize,
    /// The largest norm of a gradient in them.
    steepest: f64,
    /// The lowest loss of an epoch, and how many epochs ago that was.
    best: f64,
    since: usize,
}

impl Progress {
    const START: Self =
        Self { epoch: 0, batches: 0, loss: 0.0, correct: 0, steepest: 0.0, best: f64::INFINITY, since: 0 };

    fn numbers(self) -> Vec<f64> {
        let Self { epoch, batches, loss, correct, steepest, best, since } = self;
        vec![epoch as f64, batches as f64, loss, correct as f64, steepest, best, since as f64]
    }

    fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[epoch, batches, loss, correct, steepest, best, since] = numbers else { return None };
        let [epoch, batches, correct, since] = [epoch, batches, correct, since].map(|number| number as usize);
        Some(Self { epoch, batches, loss, correct, steepest, best, since })
    }
}

impl History {
    pub fn new(steps: usize, epochs: usize) -> Self {
        Self {
            steps: [0; 3].map(|_: usize| vec![f64::NAN; steps]),
            epochs: [0; 4].map(|_: usize| vec![f64::NAN; epochs]),
            progress: Progress::START,
        }
    }

    /// Everything but the progress; `has_validation` is whether the numbers of a validation are in it.
    fn value(&self, has_validation: bool) -> Value {
        let of_epochs = OF_EPOCHS.into_iter().zip(&self.epochs).take(if has_validation { 4 } else { 2 });
        let all = OF_STEPS.into_iter().zip(&self.steps).chain(of_epochs);
        let with =
            |value: Value, (name, numbers): (&str, &Vec<f64>)| value.with(name, &[numbers.len()], numbers.clone());
        all.fold(Value::default(), with)
    }

    /// The result of a training, without its arrays.
    pub fn result(&self, stop: Stop, steps: usize, has_validation: bool) -> Value {
        self.value(has_validation).with("stop", &[2], vec![f64::from(stop as u8), steps as f64])
    }
}

impl TrainingLoop<'_> {
    fn steps_per_epoch(&self) -> usize {
        self.training.steps_per_epoch(self.data.labels.len())
    }

    /// All steps that there will be at most.
    fn all_steps(&self) -> usize {
        self.history.steps[0].len()
    }

    /// Goes on from a state that [`TrainingLoop::state`] returned. One that does not fit this training changes nothing.
    ///
    /// # Errors
    /// When the run is to stop.
    pub fn resume(&mut self, state: &Value, context: &Context<'_>) -> Result<()> {
        let Ok((history, learner)) = self.resumed(state, context) else { return Ok(()) };
        (self.history, self.learner) = (history, learner);
        let Progress { epoch, batches, .. } = self.history.progress;
        let seen = epoch * self.data.labels.len() + (batches * self.training.batch).min(self.data.labels.len());
        context.advance(seen as f64 * self.operations_per_sample)
    }

    fn resumed(&self, state: &Value, context: &Context<'_>) -> Result<(History, Learner)> {
        let other = || Error::new("a state of another training");
        let mut history = self.history.clone();
        let steps = history.steps.iter_mut().zip(OF_STEPS);
        for (numbers, name) in steps.chain(history.epochs.iter_mut().zip(OF_EPOCHS)) {
            let (_, found) = state.f64s(name)?;
            if found.len() != numbers.len() {
                return Err(other());
            }
            numbers.copy_from_slice(found);
        }
        history.progress = Progress::from_numbers(state.f64s("progress")?.1).ok_or_else(other)?;
        let lengths: Vec<usize> = self.learner.lengths().collect();
        // Moments that the optimizer does not use are empty.
        let array = |what: &str, i: usize, least: usize| -> Result<Vec<f32>> {
            let (_, numbers) = state.f32s(&format!("{what}.{i}"))?;
            if (least..=lengths[i]).contains(&numbers.len()) { Ok(numbers.to_vec()) } else { Err(other()) }
        };
        let all = 0..lengths.len();
        let arrays = all.clone().map(|i| array("array", i, lengths[i])).collect::<Result<_>>()?;
        let moments = all.map(|i| Ok([array("first", i, 0)?, array("second", i, 0)?])).collect::<Result<_>>()?;
        let mut learner = Learner::new(self.architecture, arrays, self.training, context.device())?;
        learner.resume(history.progress.epoch * self.steps_per_epoch() + history.progress.batches, moments);
        Ok((history, learner))
    }

    /// Everything that decides how the training goes on.
    fn state(&self) -> Result<Value> {
        let progress = self.history.progress.numbers();
        let mut value = self.history.value(true).with("progress", &[progress.len()], progress);
        let flat = |value: Value, name: String, array: Vec<f32>| value.with(&name, &[array.len()], array);
        for (i, array) in self.learner.arrays()?.into_iter().enumerate() {
            value = flat(value, format!("array.{i}"), array);
        }
        for (i, [first, second]) in self.learner.moments()?.into_iter().enumerate() {
            value = flat(flat(value, format!("first.{i}"), first), format!("second.{i}"), second);
        }
        Ok(value)
    }

    /// Takes all steps that are left.
    ///
    /// # Errors
    /// When the run is to stop, or the device fails.
    pub fn run(&mut self, context: &Context<'_>) -> Result<Stop> {
        while self.history.progress.epoch < self.history.epochs[0].len() {
            if let Some(stop) = self.epoch(context)? {
                return Ok(stop);
            }
        }
        Ok(Stop::Finished)
    }

    /// The rest of an epoch.
    fn epoch(&mut self, context: &Context<'_>) -> Result<Option<Stop>> {
        let (training, samples) = (self.training, self.data.labels.len());
        let epoch = self.history.progress.epoch;
        let order = Random::order(training.seed, training.shuffle, epoch as u32, samples);
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        for batch in order.chunks(training.batch).skip(self.history.progress.batches) {
            if self.learner.steps() >= self.all_steps() {
                return Ok(Some(Stop::Finished));
            }
            self.gather(batch, epoch, &mut rows, &mut classes);
            if let Some(stop) = self.step(&rows, &classes)? {
                return Ok(Some(stop));
            }
            context.advance(batch.len() as f64 * self.operations_per_sample)?;
            context.checkpoint(&|| self.state())?;
        }
        self.end_epoch(samples)
    }

    /// The samples of a batch, augmented if the training asks for it.
    fn gather(&self, batch: &[u32], epoch: usize, rows: &mut Vec<f32>, classes: &mut Vec<u32>) {
        let Labelled { x, labels } = self.data;
        let size = x.len() / labels.len().max(1);
        rows.clear();
        classes.clear();
        for &sample in batch {
            rows.extend_from_slice(&x[sample as usize * size..][..size]);
            classes.push(labels[sample as usize]);
        }
        let Training { augment, seed, .. } = self.training;
        if augment.is_some() {
            for (row, &sample) in rows.chunks_mut(size).zip(batch) {
                augment.apply(row, self.picture, *seed, epoch, sample);
            }
        }
    }

    fn step(&mut self, rows: &[f32], classes: &[u32]) -> Result<Option<Stop>> {
        let (step, training) = (self.learner.steps(), self.training);
        let factor = training.schedule.factor(step, self.all_steps(), self.steps_per_epoch());
        let rate = training.optimizer.rate() * factor;
        let StepResult { loss, correct, gradient_norm } = self.learner.step(rows, classes, rate)?;
        for (numbers, number) in self.history.steps.iter_mut().zip([loss, rate, gradient_norm]) {
            numbers[step] = number;
        }
        if !loss.is_finite() || !gradient_norm.is_finite() {
            return Ok(Some(Stop::NotFinite));
        }
        let progress = &mut self.history.progress;
        progress.loss += loss * classes.len() as f64;
        progress.correct += correct;
        progress.steepest = progress.steepest.max(gradient_norm);
        progress.batches += 1;
        Ok(None)
    }

    /// Records an epoch and decides whether there is another.
    fn end_epoch(&mut self, samples: usize) -> Result<Option<Stop>> {
        let training = self.training;
        let Progress { epoch, loss, correct, steepest, best, since, .. } = self.history.progress;
        let (mut loss, mut accuracy) = (loss / samples as f64, correct as f64 / samples as f64);
        (self.history.epochs[0][epoch], self.history.epochs[1][epoch]) = (loss, accuracy);
        let [losses, _, norms] = &self.history.steps;
        let is_saturated = steepest <= FLAT * norms[0] && loss >= losses[0];
        let chance = libm::log(self.architecture.width(self.architecture.depth()) as f64);
        let is_exploded = loss > EXPLODED * losses[0].max(chance);
        if let Some(validation) = self.validation {
            (loss, accuracy) = self.validate(validation)?;
            (self.history.epochs[2][epoch], self.history.epochs[3][epoch]) = (loss, accuracy);
        }
        let (best, since) = if loss < best { (loss, 0) } else { (best, since + 1) };
        self.history.progress = Progress { epoch: epoch + 1, best, since, ..Progress::START };
        let is_reached = training.target.is_some_and(|target| target.is_reached(loss, accuracy));
        let is_over = training.patience.is_some_and(|epochs| since >= epochs);
        Ok(match () {
            () if is_saturated => Some(Stop::Saturated),
            () if is_exploded => Some(Stop::Exploded),
            () if is_reached => Some(Stop::Reached),
            () if is_over => Some(Stop::Patience),
            () => None,
        })
    }

    /// Mean loss and accuracy of other samples.
    fn validate(&self, Labelled { x, labels }: Labelled<'_>) -> Result<(f64, f64)> {
        const AT_A_TIME: usize = 256;
        let (size, classes) = (x.len() / labels.len().max(1), self.architecture.width(self.architecture.depth()));
        let (mut loss, mut correct) = (0.0, 0);
        for (x, labels) in x.chunks(AT_A_TIME * size).zip(labels.chunks(AT_A_TIME)) {
            let outputs = self.learner.outputs(x)?;
            correct += count_correct(&outputs, labels);
            let rows = outputs.chunks(classes).zip(labels);
            loss += rows.map(|(row, &label)| cross_entropy(row, label as usize, false)).sum::<f64>();
        }
        Ok((loss / labels.len() as f64, correct as f64 / labels.len() as f64))
    }
}
