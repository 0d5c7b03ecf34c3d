//! What is derived from curves and numbers: a value at a depth, a cutoff, arithmetic. It is computed whenever it is needed and
//! never stored.

use std::sync::Arc;

use serde_json::json;

use super::curve::{CurveResult, TRUSTED};
use super::{DecayPart, Statistic, cutoff, decay, falls_below};
use crate::random::GENERATOR;
use crate::stats::{Agreement, auc, kendall, median, resampled, spearman};
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
    /// Another array of numbers that a training recorded of its steps or epochs.
    History { array: &'static str },
    /// The number at a depth, from 1.
    At { depth: usize },
    /// The depth, from 1, of the last value that is not close to the final one; 0 if all are. The curve is first divided by
    /// its last value; a measure per sample is divided sample by sample, and the median of the quotients is taken.
    /// `published` gives the published program's number: the index from 0, and the curve's length if all are close.
    Cutoff { tolerance: f64, published: bool },
    /// The depth at which the curve falls below a level and stays below; +∞ if there is none.
    FallsBelow {
        #[serde(serialize_with = "with_infinities")]
        level: f64,
    },
    /// As [`Derivation::FallsBelow`]; the second input is the level.
    FallsBelowNumber,
    /// Element by element; a number is combined with every element of a curve.
    Arithmetic { operator: Operator },
    /// The mean of all inputs.
    Mean,
    /// Of all inputs, depth by depth where they are curves.
    Statistic { statistic: Statistic },
    /// Spearman's ρ between the first half of the inputs and the second; all are numbers.
    Spearman,
    /// The area under the ROC curve with which the numbers of the first half rank those of the second that are at least the
    /// last input.
    Auc,
    /// Kendall's τ_b between the first half of the inputs and the second; all are numbers.
    Kendall,
    /// The interval of one of these by the bootstrap, its low and its high end as a curve: whole groups of points are drawn with
    /// replacement. `groups` has the group of every point.
    Resampled {
        agreement: Agreement,
        groups: Vec<usize>,
        level: f64,
        resamples: usize,
        seed: u64,
        generator: &'static str,
    },
    /// The numbers of an array: a number if there is one, otherwise a curve.
    Array { name: &'static str, is_curve: bool },
    /// A number of the exponential that is fitted to a curve; NaN where none fits, which is said.
    Decay { part: DecayPart },
    /// A known number.
    Constant {
        #[serde(serialize_with = "with_infinities")]
        value: f64,
    },
}

impl Derivation {
    /// The interval of the bootstrap over groups of points.
    pub fn resampled(agreement: Agreement, groups: Vec<usize>, level: f64, resamples: usize, seed: u64) -> Self {
        Self::Resampled { agreement, groups, level, resamples, seed, generator: GENERATOR }
    }

    /// Says why an AUC of these inputs is not defined, if it is since all outcomes reach the threshold or none does.
    pub fn one_class(&self, all: &[f64]) -> Option<Error> {
        let (threshold, outcomes) = all.get(all.len() / 2..)?.split_last()?;
        let reach = outcomes.iter().filter(|outcome| *outcome >= threshold).count();
        let is_one = *self == Self::Auc && (reach == 0 || reach == outcomes.len());
        is_one.then(|| {
            let which = if reach == 0 { "no point reaches" } else { "every point reaches" };
            Error::new(format!("{which} {threshold}: the AUC is NaN"))
                .hint("choose a threshold between the least and the greatest outcome")
        })
    }

    /// What those that compare two halves of numbers make of their inputs, of which a threshold is the last; NaN for any
    /// other.
    pub fn of_numbers(&self, all: &[f64]) -> f64 {
        let (a, b) = all.split_at(all.len() / 2);
        match (self, b.split_last()) {
            (Self::Spearman, _) => spearman(a, b),
            (Self::Kendall, _) => kendall(a, b),
            (Self::Auc, Some((threshold, b))) => auc(a, b, *threshold),
            _ => f64::NAN,
        }
    }

    /// The ends of the interval that [`Derivation::Resampled`] makes of its inputs, of which a threshold is the last; NaN for any
    /// other.
    pub fn interval_of(&self, all: &[f64]) -> [f64; 2] {
        let (a, b) = all.split_at(all.len() / 2);
        match (self, b.split_last()) {
            (Self::Resampled { agreement, groups, level, resamples, seed, .. }, Some((threshold, b))) => {
                resampled(*agreement, [a, b], *threshold, groups, *level, *resamples, *seed)
            }
            _ => [f64::NAN; 2],
        }
    }
}

/// JSON has no infinities and no NaN: they would all be `null`, and their results one.
fn with_infinities<S: serde::Serializer>(value: &f64, to: S) -> std::result::Result<S::Ok, S::Error> {
    if value.is_finite() { to.serialize_f64(*value) } else { to.serialize_str(&value.to_string()) }
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    /// The lesser; NaN beside a NaN.
    Min,
    /// The greater; NaN beside a NaN.
    Max,
}

impl Operator {
    /// a ∘ b.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => libm::pow(a, b),
            Self::Min | Self::Max if a.is_nan() || b.is_nan() => f64::NAN,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
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

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let derived = self.derived(inputs, context)?;
        // A curve that follows from others is as deep as all of them are.
        let ends = inputs.iter().filter_map(|input| input.f64s(TRUSTED).ok()?.1.first().copied());
        Ok(match ends.min_by(f64::total_cmp) {
            Some(end) if derived.array("curve").is_ok() => derived.with(TRUSTED, &[1], vec![end]),
            _ => derived,
        })
    }
}

impl Derived {
    fn derived(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let curve = |values: Vec<f64>| Value::default().with("curve", &[values.len()], values);
        let first = || inputs.first().map_or_else(|| Err(Error::new("nothing to derive from")), |value| numbers(value));
        match self.derivation {
            Derivation::Constant { value } => Ok(Value::number(value)),
            Derivation::BatchMean => Ok(curve(CurveResult::read(&inputs[0])?.batch_mean()?.to_vec())),
            Derivation::Losses => Ok(curve(inputs[0].f64s("loss")?.1.to_vec())),
            Derivation::History { array } => Ok(curve(inputs[0].f64s(array)?.1.to_vec())),
            Derivation::Accuracies => Ok(curve(inputs[0].f64s("epoch_accuracy")?.1.to_vec())),
            Derivation::At { depth } => first()?
                .get(depth.wrapping_sub(1))
                .map(|&value| Value::number(value))
                .ok_or_else(|| Error::new(format!("the curve has no depth {depth}"))),
            Derivation::FallsBelow { level } => Ok(fallen_below(first()?, level)),
            Derivation::FallsBelowNumber => Ok(fallen_below(first()?, number(&inputs[1])?)),
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
            Derivation::Statistic { statistic } => by_depth(inputs, |values| statistic.of(values)),
            Derivation::Array { name, is_curve } => {
                let numbers = inputs[0].f64s(name)?.1;
                Ok(if is_curve { curve(numbers.to_vec()) } else { Value::number(numbers[0]) })
            }
            Derivation::Decay { part } => {
                let found = decay(first()?);
                if found.is_none() {
                    context.warn(Error::new(
                        "no exponential fits this curve: it has fewer than four depths, or a number that is not finite",
                    ));
                }
                Ok(Value::number(found.map_or(f64::NAN, |found| found.part(part))))
            }
            Derivation::Resampled { .. } => {
                let all = inputs.iter().map(|value| number(value)).collect::<Result<Vec<f64>>>()?;
                Ok(curve(self.derivation.interval_of(&all).to_vec()))
            }
            Derivation::Spearman | Derivation::Kendall | Derivation::Auc => {
                let all = inputs.iter().map(|value| number(value)).collect::<Result<Vec<f64>>>()?;
                self.derivation.one_class(&all).into_iter().for_each(|warning| context.warn(warning));
                Ok(Value::number(self.derivation.of_numbers(&all)))
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

/// The one of a number.
fn number(value: &Value) -> Result<f64> {
    numbers(value)?.first().copied().ok_or_else(|| Error::new("a number is missing"))
}

fn fallen_below(curve: &[f64], level: f64) -> Value {
    Value::number(falls_below(curve, level).unwrap_or(f64::INFINITY))
}

/// What `f` makes of the inputs' numbers at every depth; a number counts at all depths, and all curves have the same length.
fn by_depth(inputs: &[Arc<Value>], f: impl Fn(&[f64]) -> f64) -> Result<Value> {
    let all: Vec<&[f64]> = inputs.iter().map(|value| numbers(value)).collect::<Result<_>>()?;
    let is_curve = inputs.iter().any(|value| value.array("curve").is_ok());
    let length = if is_curve { all.iter().map(|numbers| numbers.len()).max().unwrap_or(0) } else { 1 };
    if let Some(other) = all.iter().find(|numbers| numbers.len() != length && numbers.len() != 1) {
        return Err(Error::new(format!("curves of {} and {length} numbers do not go together", other.len())));
    }
    let at = |depth: usize| f(&all.iter().map(|numbers| numbers[depth % numbers.len()]).collect::<Vec<_>>());
    let values: Vec<f64> = (0..length).map(at).collect();
    Ok(if is_curve { Value::default().with("curve", &[length], values) } else { Value::number(values[0]) })
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
