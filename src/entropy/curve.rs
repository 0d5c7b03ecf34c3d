//! Curves over depth, as descriptions: a measure of a cascade's reconstructions, and what is derived from it.

use std::sync::Arc;

use serde_json::json;

use super::{Measure, cutoff, falls_below, median};
use crate::cascade::{Cascade, reconstruct};
use crate::data::Split;
use crate::network::activations;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// A measure of the reconstructions of `split` at the depths 1 to `depth`: "curve" `[depth]` (of measures per sample, the
/// median over the batch), and of those also "mean" `[depth]` and "samples" `[depth, samples]`.
///
/// # Errors
/// When the data does not fit the network, or it is not that deep.
pub fn curve(cascade: &Cascade, split: &Split, depth: usize, measure: Measure) -> Result<Described> {
    let reconstruction = reconstruct(cascade, split, depth)?;
    Ok(Described::new(Curve { reconstruction, original: activations(cascade.network(), split, 0), depth, measure }))
}

#[derive(Debug)]
struct Curve {
    reconstruction: Described,
    original: Described,
    depth: usize,
    measure: Measure,
}

impl Operation for Curve {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "measure": self.measure, "of": self.reconstruction.fingerprint() })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![self.reconstruction.clone(), self.original.clone()]
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        let numbers = self.original.operation().cost().result_bytes / 4.0;
        // A logarithm and a few sums for every number of every depth, at some fifty operations.
        Cost {
            operations: 50.0 * numbers * self.depth as f64,
            result_bytes: 8.0 * self.depth as f64,
            ..Cost::default()
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (shape, r) = inputs[0].f32s("r")?;
        let (_, p) = inputs[1].f32s("x")?;
        let (depths, samples) = (shape[0], shape[1]);
        let pixels = (p.len() / samples.max(1)).max(1);
        let per_depth = self.cost().operations / depths as f64;
        let measured: Result<Vec<Vec<f64>>> = r
            .chunks(p.len().max(1))
            .map(|r| context.advance(per_depth).map(|()| self.measure.of(p, r, pixels)))
            .collect();
        let measured = measured?;
        let curve: Vec<f64> = measured.iter().map(|at| median(at.iter().copied())).collect();
        let value = Value::default().with("curve", &[depths], curve);
        if !self.measure.is_per_sample() {
            return Ok(value);
        }
        let mean: Vec<f64> = measured.iter().map(|at| at.iter().sum::<f64>() / at.len() as f64).collect();
        Ok(value.with("mean", &[depths], mean).with("samples", &[depths, samples], measured.concat()))
    }
}

/// What is derived from curves and numbers, at once: never stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The mean over the batch in place of the median, of a measure per sample.
    BatchMean,
    /// The losses of a trained block, or of a trained network.
    Losses,
    /// The accuracies of a trained network's epochs.
    Accuracies,
    /// The number at a depth, from 1.
    At { depth: usize },
    /// The depth, from 1, of the last value that is not close to the final one; 0 when all are. The curve is divided by
    /// its last value first; of a measure per sample, each sample by its own, then the median is taken. `published` gives
    /// the index from 0, and the curve's length when all are close.
    Cutoff { tolerance: f64, published: bool },
    /// The depth at which the curve falls below a level for good; +∞ when it does not.
    FallsBelow { level: f64 },
    /// Element by element; a number goes with every element.
    Arithmetic { operator: Operator },
    /// The mean of all inputs.
    Mean,
    /// A number that is known.
    Constant { value: f64 },
}

/// What arithmetic does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// a ∘ b.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        }
    }
}

/// Describes a step from its inputs: curves ("curve" `[depth]`) or numbers ("value").
pub fn derive(step: Step, inputs: Vec<Described>) -> Described {
    Described::new(Derived { step, inputs })
}

#[derive(Debug)]
struct Derived {
    step: Step,
    inputs: Vec<Described>,
}

impl Operation for Derived {
    fn name(&self) -> &'static str {
        "curve"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let inputs: Vec<_> = self.inputs.iter().map(Described::fingerprint).collect();
        json!({ "step": self.step, "inputs": inputs })
    }

    fn inputs(&self) -> Vec<Described> {
        self.inputs.clone()
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let curve = |values: Vec<f64>| Value::default().with("curve", &[values.len()], values);
        let first = || inputs.first().map_or_else(|| Err(Error::new("nothing to derive from")), |value| numbers(value));
        match self.step {
            Step::Constant { value } => Ok(Value::number(value)),
            Step::BatchMean => Ok(curve(inputs[0].f64s("mean")?.1.to_vec())),
            Step::Losses => Ok(curve(inputs[0].f64s("loss")?.1.to_vec())),
            Step::Accuracies => Ok(curve(inputs[0].f64s("epoch_accuracy")?.1.to_vec())),
            Step::At { depth } => first()?
                .get(depth.wrapping_sub(1))
                .map(|&value| Value::number(value))
                .ok_or_else(|| Error::new(format!("the curve has no depth {depth}"))),
            Step::FallsBelow { level } => Ok(Value::number(falls_below(first()?, level).unwrap_or(f64::INFINITY))),
            Step::Cutoff { tolerance, published } => {
                let relative = relative_to_last(&inputs[0])?;
                Ok(Value::number(match (cutoff(&relative, tolerance), published) {
                    (Some(index), true) => index as f64,
                    (None, true) => relative.len() as f64,
                    (Some(index), false) => (index + 1) as f64,
                    (None, false) => 0.0,
                }))
            }
            Step::Arithmetic { operator } => combine(&[inputs[0].clone(), inputs[1].clone()], |a, b| operator.of(a, b)),
            Step::Mean => {
                let sum = combine(inputs, |a, b| a + b)?;
                combine(&[Arc::new(sum), Arc::new(Value::number(inputs.len() as f64))], |a, b| a / b)
            }
        }
    }
}

/// The numbers of a curve, or the one of a number.
///
/// # Errors
/// When it is neither.
pub fn numbers(value: &Value) -> Result<&[f64]> {
    let name = if value.arrays().any(|(name, _)| name == "curve") { "curve" } else { "value" };
    Ok(value.f64s(name)?.1)
}

fn relative_to_last(value: &Value) -> Result<Vec<f64>> {
    let by_last = |values: &[f64]| -> Vec<f64> {
        let last = values.last().copied().unwrap_or(f64::NAN);
        values.iter().map(|value| value / last).collect()
    };
    let Ok((shape, samples)) = value.f64s("samples") else { return Ok(by_last(numbers(value)?)) };
    let (depths, count) = (shape[0], shape[1]);
    let per_sample: Vec<Vec<f64>> =
        (0..count).map(|i| by_last(&(0..depths).map(|depth| samples[depth * count + i]).collect::<Vec<_>>())).collect();
    Ok((0..depths).map(|depth| median(per_sample.iter().map(|sample| sample[depth]))).collect())
}

/// Folds curves and numbers element by element; a curve is as long as every other.
fn combine(inputs: &[Arc<Value>], f: impl Fn(f64, f64) -> f64) -> Result<Value> {
    let mut all: Option<Vec<f64>> = None;
    let mut is_curve = false;
    for value in inputs {
        let next = numbers(value)?;
        let next_is_curve = value.array("curve").is_ok();
        all = Some(match all {
            None => next.to_vec(),
            Some(so_far) if is_curve && next_is_curve && so_far.len() != next.len() => {
                let message = format!("curves of {} and {} depths do not go together", so_far.len(), next.len());
                return Err(Error::new(message));
            }
            Some(so_far) => {
                let length = so_far.len().max(next.len());
                (0..length).map(|i| f(so_far[i % so_far.len()], next[i % next.len()])).collect()
            }
        });
        is_curve |= next_is_curve;
    }
    let values = all.ok_or_else(|| Error::new("a mean of nothing"))?;
    Ok(if is_curve { Value::default().with("curve", &[values.len()], values) } else { Value::number(values[0]) })
}
