//! What is derived from curves and numbers: a value at a depth, a cutoff, arithmetic. It is computed whenever it is needed and
//! never stored.

use std::sync::Arc;

use serde_json::json;

use super::curve::CurveResult;
use super::{cutoff, falls_below};
use crate::stats::median;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// How a curve or number follows from others.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Derivation {
    /// The mean over the batch in place of the median; only for a measure per sample.
    BatchMean,
    /// The losses of a trained block, or of a trained network.
    Losses,
    /// The accuracies of a trained network's epochs.
    Accuracies,
    /// The number at a depth, from 1.
    At { depth: usize },
    /// The depth, from 1, of the last value that is not close to the final one; 0 if all are. The curve is first divided by
    /// its last value; a measure per sample is divided sample by sample, and the median of the quotients is taken.
    /// `published` gives the published program's number: the index from 0, and the curve's length if all are close.
    Cutoff { tolerance: f64, published: bool },
    /// The depth at which the curve falls below a level and stays below; +∞ if there is none.
    FallsBelow { level: f64 },
    /// Element by element; a number is combined with every element of a curve.
    Arithmetic { operator: Operator },
    /// The mean of all inputs.
    Mean,
    /// A known number.
    Constant { value: f64 },
}

/// An arithmetic operator.
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
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        }
    }
}

/// Describes a derivation from its inputs, which are curves ("curve" `[depth]`) or numbers ("value").
pub fn derive(derivation: Derivation, inputs: Vec<Described>) -> Described {
    Described::new(Derived { derivation, inputs })
}

#[derive(Debug)]
struct Derived {
    derivation: Derivation,
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
        json!({ "step": self.derivation, "inputs": inputs })
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
        match self.derivation {
            Derivation::Constant { value } => Ok(Value::number(value)),
            Derivation::BatchMean => Ok(curve(CurveResult::read(&inputs[0])?.batch_mean()?.to_vec())),
            Derivation::Losses => Ok(curve(inputs[0].f64s("loss")?.1.to_vec())),
            Derivation::Accuracies => Ok(curve(inputs[0].f64s("epoch_accuracy")?.1.to_vec())),
            Derivation::At { depth } => first()?
                .get(depth.wrapping_sub(1))
                .map(|&value| Value::number(value))
                .ok_or_else(|| Error::new(format!("the curve has no depth {depth}"))),
            Derivation::FallsBelow { level } => {
                Ok(Value::number(falls_below(first()?, level).unwrap_or(f64::INFINITY)))
            }
            Derivation::Cutoff { tolerance, published } => {
                let relative = relative_to_last(&inputs[0])?;
                Ok(Value::number(match (cutoff(&relative, tolerance), published) {
                    (Some(index), true) => index as f64,
                    (None, true) => relative.len() as f64,
                    (Some(index), false) => (index + 1) as f64,
                    (None, false) => 0.0,
                }))
            }
            Derivation::Arithmetic { operator } => {
                combine(&[inputs[0].clone(), inputs[1].clone()], |a, b| operator.apply(a, b))
            }
            Derivation::Mean => {
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

/// A curve divided by its last value; see [`Derivation::Cutoff`].
fn relative_to_last(value: &Value) -> Result<Vec<f64>> {
    let by_last = |values: &[f64]| -> Vec<f64> {
        let last = values.last().copied().unwrap_or(f64::NAN);
        values.iter().map(|value| value / last).collect()
    };
    let Some((samples, count)) = CurveResult::read(value).ok().and_then(|result| result.samples) else {
        return Ok(by_last(numbers(value)?));
    };
    let depths = samples.len() / count.max(1);
    let per_sample: Vec<Vec<f64>> =
        (0..count).map(|i| by_last(&(0..depths).map(|depth| samples[depth * count + i]).collect::<Vec<_>>())).collect();
    Ok((0..depths).map(|depth| median(per_sample.iter().map(|sample| sample[depth]))).collect())
}

/// Folds curves and numbers element by element; all curves have the same length.
fn combine(inputs: &[Arc<Value>], f: impl Fn(f64, f64) -> f64) -> Result<Value> {
    let mut all: Option<Vec<f64>> = None;
    let mut is_curve = false;
    for value in inputs {
        let next = numbers(value)?;
        let next_is_curve = value.array("curve").is_ok();
        all = Some(match all {
            None => next.to_vec(),
            Some(so_far) if is_curve && next_is_curve && so_far.len() != next.len() => {
                let message = format!("curves of {} and {} numbers do not go together", so_far.len(), next.len());
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
