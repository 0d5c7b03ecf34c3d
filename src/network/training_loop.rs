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

/// How a training ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub stop: Stop,
    pub steps: usize,
    /// Every array of the network, in PyTorch's layout.
    pub arrays: Vec<Vec<f32>>,
}

/// Labelled samples: rows, one after another, and their classes.
#[derive(Clone, Copy)]
pub(super) struct Labelled<'a> {
    pub x: &'a [f32],
    pub labels: &'a [u32],
}

/// A training that is under way.
pub(super) struct TrainingLoop<'a> {
    pub course: Course<'a>,
    pub learner: Learner,
}

/// What a training does, apart from the steps themselves: its data, what is recorded, and when it ends.
pub(super) struct Course<'a> {
    pub training: &'a Training,
    pub architecture: &'a Architecture,
    pub data: Labelled<'a>,
    pub validation: Option<Labelled<'a>>,
    /// The shape of a sample as a picture.
    pub picture: [usize; 3],
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
    pub progress: Progress,
}

const OF_STEPS: [&str; 3] = ["loss", "rate", "gradient_norm"];
const OF_EPOCHS: [&str; 4] = ["epoch_loss", "epoch_accuracy", "validation_loss", "validation_accuracy"];

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Progress {
    pub epoch: usize,
    /// Batches of the epoch that are done, their samples' losses, and how many were right.
    pub batches: usize,
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

    /// Everything, with the progress.
    pub fn state(&self) -> Value {
        let progress = self.progress.numbers();
        self.value(true).with("progress", &[progress.len()], progress)
    }

    /// The history of a state of the same training.
    ///
    /// # Errors
    /// When it is one of another training.
    pub fn resumed(&self, state: &Value) -> Result<Self> {
        let mut history = self.clone();
        let steps = history.steps.iter_mut().zip(OF_STEPS);
        for (numbers, name) in steps.chain(history.epochs.iter_mut().zip(OF_EPOCHS)) {
            let (_, found) = state.f64s(name)?;
            if found.len() != numbers.len() {
                return Err(of_another());
            }
            numbers.copy_from_slice(found);
        }
        history.progress = Progress::from_numbers(state.f64s("progress")?.1).ok_or_else(of_another)?;
        Ok(history)
    }

    /// The result of a training, without its arrays.
    pub fn result(&self, stop: Stop, steps: usize, has_validation: bool) -> Value {
        self.value(has_validation).with("stop", &[2], vec![f64::from(stop as u8), steps as f64])
    }
}

impl TrainingLoop<'_> {
    /// Goes on from a state that [`TrainingLoop::state`] returned. One that does not fit this training changes nothing.
    ///
    /// # Errors
    /// When the run is to stop.
    pub fn resume(&mut self, state: &Value, context: &Context<'_>) -> Result<()> {
        let Ok((history, learner)) = self.resumed(state, context) else { return Ok(()) };
        (self.course.history, self.learner) = (history, learner);
        context.advance(self.course.operations_so_far())
    }

    fn resumed(&self, state: &Value, context: &Context<'_>) -> Result<(History, Learner)> {
        let course = &self.course;
        let history = course.history.resumed(state)?;
        let lengths: Vec<usize> = self.learner.lengths().collect();
        let (arrays, moments) = arrays_and_moments(state, &lengths)?;
        let mut learner = Learner::new(course.architecture, arrays, course.training, context.device())?;
        learner.resume(course.steps_until(history.progress), moments);
        Ok((history, learner))
    }

    /// Everything that decides how the training goes on.
    fn state(&self) -> Result<Value> {
        let value = with_arrays(self.course.history.state(), self.learner.arrays()?);
        Ok(with_moments(value, self.learner.moments()?))
    }

    /// Takes all steps that are left.
    ///
    /// # Errors
    /// When the run is to stop, or the device fails.
    pub fn run(&mut self, context: &Context<'_>) -> Result<Stop> {
        while !self.course.is_over() {
            if let Some(stop) = self.epoch(context)? {
                return Ok(stop);
            }
        }
        Ok(Stop::Finished)
    }

    /// The rest of an epoch.
    fn epoch(&mut self, context: &Context<'_>) -> Result<Option<Stop>> {
        let order = self.course.order();
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        for batch in order.chunks(self.course.training.batch).skip(self.course.history.progress.batches) {
            let step = self.learner.steps();
            if step >= self.course.all_steps() {
                return Ok(Some(Stop::Finished));
            }
            rows.clear();
            classes.clear();
            self.course.gather(batch, &mut rows, &mut classes);
            let rate = self.course.rate(step);
            let result = self.learner.step(&rows, &classes, rate)?;
            if let Some(stop) = self.course.record(step, rate, result, classes.len()) {
                return Ok(Some(stop));
            }
            context.advance(batch.len() as f64 * self.course.operations_per_sample)?;
            context.checkpoint(&|| self.state())?;
        }
        self.course.end_epoch(|x| self.learner.outputs(x))
    }
}

/// A state with these arrays.
pub(super) fn with_arrays(value: Value, arrays: Vec<Vec<f32>>) -> Value {
    let with = |value: Value, (i, array): (usize, Vec<f32>)| value.with(&format!("array.{i}"), &[array.len()], array);
    arrays.into_iter().enumerate().fold(value, with)
}

/// A state with these moments.
pub(super) fn with_moments(value: Value, moments: Vec<[Vec<f32>; 2]>) -> Value {
    moments.into_iter().enumerate().fold(value, |value, (i, [first, second])| {
        let value = value.with(&format!("first.{i}"), &[first.len()], first);
        value.with(&format!("second.{i}"), &[second.len()], second)
    })
}

/// Arrays, and what the optimizer remembers of each.
pub(super) type ArraysAndMoments = (Vec<Vec<f32>>, Vec<[Vec<f32>; 2]>);

/// The arrays and the moments of a state, whose arrays have these lengths.
///
/// # Errors
/// When they do not.
pub(super) fn arrays_and_moments(state: &Value, lengths: &[usize]) -> Result<ArraysAndMoments> {
    // Moments that the optimizer does not use are empty.
    let array = |what: &str, i: usize, least: usize| -> Result<Vec<f32>> {
        let (_, numbers) = state.f32s(&format!("{what}.{i}"))?;
        if (least..=lengths[i]).contains(&numbers.len()) { Ok(numbers.to_vec()) } else { Err(of_another()) }
    };
    let all = 0..lengths.len();
    let arrays = all.clone().map(|i| array("array", i, lengths[i])).collect::<Result<_>>()?;
    let moments = all.map(|i| Ok([array("first", i, 0)?, array("second", i, 0)?])).collect::<Result<_>>()?;
    Ok((arrays, moments))
}

fn of_another() -> Error {
    Error::new("a state of another training")
}

impl Course<'_> {
    fn steps_per_epoch(&self) -> usize {
        self.training.steps_per_epoch(self.data.labels.len())
    }

    /// All steps that there will be at most.
    pub fn all_steps(&self) -> usize {
        self.history.steps[0].len()
    }

    /// The steps that are taken at this point.
    pub fn steps_until(&self, progress: Progress) -> usize {
        progress.epoch * self.steps_per_epoch() + progress.batches
    }

    /// Floating-point operations of what is done.
    pub fn operations_so_far(&self) -> f64 {
        let (Progress { epoch, batches, .. }, samples) = (self.history.progress, self.data.labels.len());
        let seen = epoch * samples + (batches * self.training.batch).min(samples);
        seen as f64 * self.operations_per_sample
    }

    /// Whether all epochs are done.
    pub fn is_over(&self) -> bool {
        self.history.progress.epoch >= self.history.epochs[0].len()
    }

    /// The order of the samples in this epoch.
    pub fn order(&self) -> Vec<u32> {
        let (epoch, training) = (self.history.progress.epoch, self.training);
        Random::order(training.seed, training.shuffle, epoch as u32, self.data.labels.len())
    }

    /// The optimizer's rate in a step.
    pub fn rate(&self, step: usize) -> f64 {
        let factor = self.training.schedule.factor(step, self.all_steps(), self.steps_per_epoch());
        self.training.optimizer.rate() * factor
    }

    /// Adds the samples of a batch, augmented if the training asks for it.
    pub fn gather(&self, batch: &[u32], rows: &mut Vec<f32>, classes: &mut Vec<u32>) {
        let Labelled { x, labels } = self.data;
        let (size, start, epoch) = (x.len() / labels.len().max(1), rows.len(), self.history.progress.epoch);
        for &sample in batch {
            rows.extend_from_slice(&x[sample as usize * size..][..size]);
            classes.push(labels[sample as usize]);
        }
        let Training { augment, seed, .. } = self.training;
        if augment.is_some() {
            for (row, &sample) in rows[start..].chunks_mut(size).zip(batch) {
                augment.apply(row, self.picture, *seed, epoch, sample);
            }
        }
    }

    /// Records a step on so many samples; the reason if the training ends with it.
    pub fn record(&mut self, step: usize, rate: f64, result: StepResult, samples: usize) -> Option<Stop> {
        let StepResult { loss, correct, gradient_norm } = result;
        for (numbers, number) in self.history.steps.iter_mut().zip([loss, rate, gradient_norm]) {
            numbers[step] = number;
        }
        if !loss.is_finite() || !gradient_norm.is_finite() {
            return Some(Stop::NotFinite);
        }
        let progress = &mut self.history.progress;
        progress.loss += loss * samples as f64;
        progress.correct += correct;
        progress.steepest = progress.steepest.max(gradient_norm);
        progress.batches += 1;
        None
    }

    /// Records an epoch and decides whether there is another. `outputs` gives the network's answers for samples.
    ///
    /// # Errors
    /// When `outputs` fails.
    pub fn end_epoch(&mut self, outputs: impl Fn(&[f32]) -> Result<Vec<f32>>) -> Result<Option<Stop>> {
        let (training, samples) = (self.training, self.data.labels.len());
        let Progress { epoch, loss, correct, steepest, best, since, .. } = self.history.progress;
        let (mut loss, mut accuracy) = (loss / samples as f64, correct as f64 / samples as f64);
        (self.history.epochs[0][epoch], self.history.epochs[1][epoch]) = (loss, accuracy);
        let [losses, _, norms] = &self.history.steps;
        let is_saturated = steepest <= FLAT * norms[0] && loss >= losses[0];
        let chance = libm::log(self.architecture.width(self.architecture.depth()) as f64);
        let is_exploded = loss > EXPLODED * losses[0].max(chance);
        if let Some(validation) = self.validation {
            (loss, accuracy) = self.validate(validation, outputs)?;
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
    fn validate(
        &self,
        Labelled { x, labels }: Labelled<'_>,
        outputs: impl Fn(&[f32]) -> Result<Vec<f32>>,
    ) -> Result<(f64, f64)> {
        const AT_A_TIME: usize = 256;
        let (size, classes) = (x.len() / labels.len().max(1), self.architecture.width(self.architecture.depth()));
        let (mut loss, mut correct) = (0.0, 0);
        for (x, labels) in x.chunks(AT_A_TIME * size).zip(labels.chunks(AT_A_TIME)) {
            let outputs = outputs(x)?;
            correct += count_correct(&outputs, labels);
            let rows = outputs.chunks(classes).zip(labels);
            loss += rows.map(|(row, &label)| cross_entropy(row, label as usize, false)).sum::<f64>();
        }
        Ok((loss / labels.len() as f64, correct as f64 / labels.len() as f64))
    }
}
