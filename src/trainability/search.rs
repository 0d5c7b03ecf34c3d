//! The search, as an operation that takes its inputs, the accuracies of trained networks, in turn.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::entropy::numbers;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// A network that can be trained: its depth, and the operation that computes its accuracy after training.
#[derive(Debug, Clone)]
pub struct Trial {
    pub depth: usize,
    pub accuracy: Described,
}

/// How the depths are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From the greatest down, until one reaches the threshold: as published.
    Falling,
    /// By bisection: right if every depth below one that reaches the threshold reaches it as well.
    Bisect,
}

impl Method {
    /// All methods by their names in scripts.
    pub const ALL: [(&'static str, Self); 2] = [("falling", Self::Falling), ("bisect", Self::Bisect)];
    /// Their names; the first is the default.
    pub const NAMES: [&'static str; 2] = [Self::ALL[0].0, Self::ALL[1].0];

    /// Which of `reached`, the greatest depth first, is tried next: whether each reached the threshold, if it is known.
    fn next(self, reached: &[Option<bool>]) -> Option<usize> {
        let deepest = reached.iter().position(|&reached| reached == Some(true));
        match self {
            Self::Falling if deepest.is_some() => None,
            Self::Falling => reached.iter().position(Option::is_none),
            Self::Bisect => {
                let first = reached.iter().rposition(|&reached| reached == Some(false)).map_or(0, |i| i + 1);
                let last = deepest.unwrap_or(reached.len());
                (first < last).then(|| first + (last - first) / 2)
            }
        }
    }
}

/// What a search yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The greatest depth that reaches the threshold; 0, with a warning, if none does.
    Depth,
    /// The accuracy at that depth; if none reaches the threshold, that of the least depth.
    Accuracy,
    /// How many networks the search asked for, those with stored accuracies included.
    Runs,
}

impl Found {
    fn name(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Accuracy => "accuracy",
            Self::Runs => "runs",
        }
    }
}

/// Searches `trials`, the greatest depth first, for the greatest depth whose accuracy is at least `threshold`. The result holds
/// "depth", "accuracy" and "runs", one number each, and "tried_depths" and "tried_accuracies" `[runs]`, the greatest depth
/// first. See [`found`].
pub fn deepest(trials: Vec<Trial>, threshold: f64, method: Method) -> Described {
    Described::new(Deepest { trials, threshold, method })
}

#[derive(Debug)]
struct Deepest {
    trials: Vec<Trial>,
    threshold: f64,
    method: Method,
}

impl Deepest {
    /// The accuracies that are known.
    fn accuracies(inputs: &[Option<&Value>]) -> Vec<Option<f64>> {
        let accuracy = |value: Option<&Value>| numbers(value?).ok()?.first().copied();
        inputs.iter().copied().map(accuracy).collect()
    }

    fn next(&self, accuracies: &[Option<f64>]) -> Option<usize> {
        let reached: Vec<Option<bool>> =
            accuracies.iter().map(|accuracy| accuracy.map(|accuracy| accuracy >= self.threshold)).collect();
        self.method.next(&reached)
    }
}

impl Operation for Deepest {
    fn name(&self) -> &'static str {
        "trainability.deepest"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let trials: Vec<_> = self.trials.iter().map(|trial| (trial.depth, trial.accuracy.fingerprint())).collect();
        json!({ "trials": trials, "threshold": self.threshold, "method": self.method })
    }

    fn inputs(&self) -> Vec<Described> {
        self.trials.iter().map(|trial| trial.accuracy.clone()).collect()
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        Cost { result_bytes: 16.0 * self.trials.len() as f64 + 24.0, ..Cost::default() }
    }

    fn takes_inputs_in_turn(&self) -> bool {
        true
    }

    fn next_input(&self, known: &[Option<Arc<Value>>]) -> Option<(usize, String)> {
        let known: Vec<Option<&Value>> = known.iter().map(Option::as_deref).collect();
        let next = self.next(&Self::accuracies(&known))?;
        Some((next, format!("depth {}", self.trials.get(next)?.depth)))
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let inputs: Vec<Option<&Value>> = inputs.iter().map(|value| Some(value.as_ref())).collect();
        let accuracies = Self::accuracies(&inputs);
        if self.next(&accuracies).is_some() {
            return Err(Error::new("the search for the greatest depth ended too early"));
        }
        let tried = || self.trials.iter().zip(&accuracies).filter_map(|(trial, accuracy)| Some((trial, (*accuracy)?)));
        let found = tried().find(|(_, accuracy)| *accuracy >= self.threshold);
        let depth = found.map_or(0, |(trial, _)| trial.depth);
        let accuracy = found.or_else(|| tried().next_back()).map_or(f64::NAN, |(_, accuracy)| accuracy);
        let (depths, reached): (Vec<f64>, Vec<f64>) =
            tried().map(|(trial, accuracy)| (trial.depth as f64, accuracy)).unzip();
        let runs = depths.len();
        Ok([(Found::Depth, depth as f64), (Found::Accuracy, accuracy), (Found::Runs, runs as f64)]
            .into_iter()
            .fold(Value::default(), |value, (found, number)| value.with(found.name(), &[1], vec![number]))
            .with("tried_depths", &[runs], depths)
            .with("tried_accuracies", &[runs], reached))
    }
}

/// A number that a search from [`deepest`] yields; `threshold` is for the warning.
pub fn found(search: Described, found: Found, threshold: f64) -> Described {
    Described::new(Part { search, found, threshold })
}

#[derive(Debug)]
struct Part {
    search: Described,
    found: Found,
    threshold: f64,
}

impl Operation for Part {
    fn name(&self) -> &'static str {
        "trainability.found"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "search": self.search.fingerprint(), "found": self.found })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![self.search.clone()]
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let number = |name: &str| -> Result<f64> {
            let (_, numbers) = inputs[0].f64s(name)?;
            numbers.last().copied().ok_or_else(|| Error::new("the search tried nothing"))
        };
        let value = number(self.found.name())?;
        if self.found == Found::Depth && value == 0.0 {
            let (least, accuracy) = (number("tried_depths")?, number("tried_accuracies")?);
            let message = format!(
                "no depth reaches an accuracy of {}: the least, {least}, reached {accuracy:.3}; the result is depth 0",
                self.threshold
            );
            let fewer = if least > 1.0 { ", or search down to one block: `to: 1`" } else { "" };
            context.warn(Error::new(message).hint(format!("train for more epochs{fewer}")));
        }
        Ok(Value::number(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a search tries, and what it finds, where depth i (the greatest first) reaches the threshold if `reaches[i]`.
    fn tried(method: Method, reaches: &[bool]) -> (Vec<usize>, Option<usize>) {
        let mut known = vec![None; reaches.len()];
        let mut tried = Vec::new();
        while let Some(next) = method.next(&known) {
            assert!(known[next].is_none(), "{next} was tried before");
            known[next] = Some(reaches[next]);
            tried.push(next);
        }
        (tried, known.iter().position(|&reached| reached == Some(true)))
    }

    #[test]
    fn a_falling_search_stops_at_the_first_that_reaches_and_bisection_asks_few() {
        assert_eq!(tried(Method::Falling, &[false, false, true, true]), (vec![0, 1, 2], Some(2)));
        assert_eq!(tried(Method::Falling, &[false; 3]), (vec![0, 1, 2], None));
        for first in 0..=30 {
            let reaches: Vec<bool> = (0..30).map(|i| i >= first).collect();
            let (tried, found) = tried(Method::Bisect, &reaches);
            assert_eq!(found, (first < 30).then_some(first));
            assert!(tried.len() <= 5, "{tried:?}");
        }
    }
}
