//! A network's answers beside the labels: its accuracy, its confusion matrix, and the loss of every sample.

use std::sync::Arc;

use serde_json::json;

use super::loss::{count_correct, cross_entropy, predicted};
use super::train::check_labels;
use super::{Network, activations};
use crate::Result;
use crate::data::Split;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// The share of the samples of `split` whose largest output is that of their class: a number. A sample with a NaN among
/// its outputs is wrong; if all have one, as those of a network whose training diverged, the accuracy is NaN.
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn accuracy(network: &Network, split: &Split) -> Result<Described> {
    compared(network, split, Answer::Accuracy)
}

/// How many samples of each class get which class from the network, by their largest output: "y", `[outputs, outputs]`, the true
/// classes first. A sample with a NaN among its outputs is in no column.
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn confusion(network: &Network, split: &Split) -> Result<Described> {
    compared(network, split, Answer::Confusion)
}

/// The cross-entropy of every sample: "y", `[samples]`, −ln of its class's probability, which is the softmax of the outputs, or
/// the output itself if the network ends in a softmax.
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn sample_losses(network: &Network, split: &Split) -> Result<Described> {
    compared(network, split, Answer::SampleLosses)
}

fn compared(network: &Network, split: &Split, answer: Answer) -> Result<Described> {
    check_labels(network, split)?;
    Ok(Described::new(Compared { network: network.clone(), split: split.clone(), answer }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accuracy,
    Confusion,
    SampleLosses,
}

#[derive(Debug)]
struct Compared {
    network: Network,
    split: Split,
    answer: Answer,
}

impl Compared {
    fn outputs(&self) -> usize {
        self.network.architecture().width(self.network.architecture().depth())
    }
}

impl Operation for Compared {
    fn name(&self) -> &'static str {
        match self.answer {
            Answer::Accuracy => "network.accuracy",
            Answer::Confusion => "network.confusion",
            Answer::SampleLosses => "network.sample_losses",
        }
    }

    fn version(&self) -> u32 {
        match self.answer {
            Answer::Accuracy => 2,
            Answer::Confusion | Answer::SampleLosses => 1,
        }
    }

    fn parameters(&self) -> serde_json::Value {
        let depth = self.network.architecture().depth();
        json!({ "blocks": self.network.prefix(depth), "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        let depth = self.network.architecture().depth();
        vec![activations(&self.network, &self.split, depth)]
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        match self.answer {
            Answer::Accuracy => Keep::Always,
            Answer::Confusion | Answer::SampleLosses => Keep::WithinBudget,
        }
    }

    fn cost(&self) -> Cost {
        let result_bytes = match self.answer {
            Answer::Accuracy => 8.0,
            Answer::Confusion => 4.0 * (self.outputs() * self.outputs()) as f64,
            Answer::SampleLosses => 4.0 * self.split.len() as f64,
        };
        Cost { result_bytes, ..Cost::default() }
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let ((_, x), labels, outputs) = (inputs[0].f32s("x")?, self.split.labels()?, self.outputs());
        let samples = x.chunks(outputs.max(1)).zip(&labels);
        Ok(match self.answer {
            Answer::Accuracy if x.chunks(outputs.max(1)).all(|row| row.iter().any(|x| x.is_nan())) => {
                Value::number(f64::NAN)
            }
            Answer::Accuracy => Value::number(count_correct(x, &labels) as f64 / labels.len() as f64),
            Answer::Confusion => {
                let mut counts = vec![0.0_f32; outputs * outputs];
                for (row, &label) in samples {
                    predicted(row).into_iter().for_each(|class| counts[label as usize * outputs + class] += 1.0);
                }
                Value::default().with("y", &[outputs, outputs], counts)
            }
            Answer::SampleLosses => {
                let last = self.network.architecture().blocks().last().and_then(|block| block.layers().last());
                let is_softmax = last.is_some_and(|layer| layer.kind().gives_probabilities());
                let loss = |(row, &label): (&[f32], &u32)| cross_entropy(row, label as usize, is_softmax) as f32;
                Value::default().with("y", &[labels.len()], samples.map(loss).collect::<Vec<f32>>())
            }
        })
    }
}
