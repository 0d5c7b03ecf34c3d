//! The operation that computes the kernel of samples at a depth.

use std::sync::Arc;

use serde_json::json;

use super::pass::{Pass, STACK};
use super::{InfiniteNetwork, numbers};
use crate::Result;
use crate::data::{Split, samples};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

const VERSION: u32 = 1;

/// The kernel of samples at depth `depth`: "k" `[n, n]`, E[x x′] over the units of the layer; at depth 0 over the inputs.
///
/// # Errors
/// When the samples do not fit the network, or it has no such depth before its head.
pub fn kernel(network: &InfiniteNetwork, split: &Split, depth: usize) -> Result<Described> {
    network.architecture.check_data(split)?;
    network.check_depth(0, depth)?;
    Ok(Described::new(Kernel { network: network.clone(), split: split.clone(), depth }))
}

#[derive(Debug)]
struct Kernel {
    network: InfiniteNetwork,
    split: Split,
    depth: usize,
}

impl Operation for Kernel {
    fn name(&self) -> &'static str {
        "infinite.kernel"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.network.prefixes[self.depth], "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![samples(&self.split)]
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let pairs = (self.split.len() as f64).powi(2);
        let places = self.network.places();
        let pixels = self.network.architecture.width(0) as f64;
        Cost {
            operations: pairs * (3.0 * pixels + super::PAIR * places * self.depth as f64),
            result_bytes: 8.0 * pairs,
            working_bytes: 32.0 * pairs * places,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let x = numbers(&inputs[0])?;
        let n = self.split.len();
        let blocks = &self.network.blocks[..self.depth];
        let pass = Pass { blocks, lambda: 0.0, threads: context.idle_threads(), stack: STACK };
        let per_depth = self.cost().operations / (self.depth + 1) as f64;
        let found = pass.kernel(&x, &self.network.input_shape(), |_| context.advance(per_depth))?;
        let mut kernel = found.apart;
        for (row, q) in kernel.chunks_mut(n).zip(&found.squares) {
            row.iter_mut().zip(&found.squares).for_each(|(k, other)| *k = 0.5 * (q + other - *k));
        }
        Ok(Value::default().with("k", &[n, n], kernel))
    }
}
