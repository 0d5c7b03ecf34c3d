//! A network's accuracy.

use std::sync::Arc;

use serde_json::json;

use super::loss::count_correct;
use super::train::check_labels;
use super::{Network, activations};
use crate::Result;
use crate::data::Split;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

const VERSION: u32 = 1;

/// The share of the samples of `split` whose largest output is that of their class: a number. A sample with a NaN among
/// its outputs is wrong.
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn accuracy(network: &Network, split: &Split) -> Result<Described> {
    check_labels(network, split)?;
    Ok(Described::new(Accuracy { network: network.clone(), split: split.clone() }))
}

#[derive(Debug)]
struct Accuracy {
    network: Network,
    split: Split,
}

impl Operation for Accuracy {
    fn name(&self) -> &'static str {
        "network.accuracy"
    }

    fn version(&self) -> u32 {
        VERSION
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
        let mut provenance = self.network.provenance();
        provenance.merge(&self.split.provenance());
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        Cost { result_bytes: 8.0, ..Cost::default() }
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let ((_, outputs), labels) = (inputs[0].f32s("x")?, self.split.labels()?);
        Ok(Value::number(count_correct(outputs, &labels) as f64 / labels.len() as f64))
    }
}
