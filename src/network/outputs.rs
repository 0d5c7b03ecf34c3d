//! A network's outputs. They are stored: they are small, and costly to compute.

use std::sync::Arc;

use serde_json::json;

use super::{Network, activations, check_data};
use crate::Result;
use crate::data::Split;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// The outputs of `network` for the samples of `split`: "y", `[samples, outputs]`.
///
/// # Errors
/// When the data does not fit the network.
pub fn outputs(network: &Network, split: &Split) -> Result<Described> {
    check_data(network, split)?;
    Ok(Described::new(Outputs { network: network.clone(), split: split.clone() }))
}

#[derive(Debug)]
struct Outputs {
    network: Network,
    split: Split,
}

impl Outputs {
    fn depth(&self) -> usize {
        self.network.architecture().depth()
    }
}

impl Operation for Outputs {
    fn name(&self) -> &'static str {
        "network.outputs"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.network.prefix(self.depth()), "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![activations(&self.network, &self.split, self.depth())]
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let numbers = self.split.len() * self.network.architecture().width(self.depth());
        Cost { result_bytes: 4.0 * numbers as f64, ..Cost::default() }
    }

    fn run(&self, inputs: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let (shape, x) = inputs[0].f32s("x")?;
        Ok(Value::default().with("y", &[shape[0], shape[1..].iter().product()], x.to_vec()))
    }
}
