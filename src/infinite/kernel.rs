//! The operation that computes the kernel of samples at a depth.

use std::sync::Arc;

use serde_json::json;

use super::InfiniteNetwork;
use super::pass::Pass;
use crate::data::{Split, samples};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// The kernel of samples at depth `depth`: "k" `[n, n]`, E[x x′] over the units of the layer; at depth 0 over the inputs.
///
/// # Errors
/// When the samples do not fit the network, or it has no such depth before its head.
pub fn kernel(network: &InfiniteNetwork, split: &Split, depth: usize) -> Result<Described> {
    network.architecture.check_data(split)?;
    let deepest = network.architecture.trunk();
    if depth > deepest {
        return Err(Error::new(format!(
            "depth {depth} is not in the network; its depths before the head are 0 to {deepest}"
        )));
    }
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
        let mut provenance = self.network.provenance();
        provenance.merge(&self.split.provenance());
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let pairs = (self.split.len() as f64).powi(2);
        let pixels = self.network.architecture.width(0) as f64;
        Cost {
            operations: pairs * (3.0 * pixels + super::PAIR * self.depth as f64),
            result_bytes: 8.0 * pairs,
            working_bytes: 32.0 * pairs,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let x: Vec<f64> = inputs[0].f32s("x")?.1.iter().map(|&x| f64::from(x)).collect();
        let n = self.split.len();
        let blocks = &self.network.blocks[..self.depth];
        let pass = Pass { blocks, lambda: 0.0, threads: context.idle_threads() };
        let per_depth = self.cost().operations / (self.depth + 1) as f64;
        let found = pass.kernel(&x, x.len() / n, |_| context.advance(per_depth))?;
        let mut kernel = found.apart;
        for (row, q) in kernel.chunks_mut(n).zip(&found.squares) {
            row.iter_mut().zip(&found.squares).for_each(|(k, other)| *k = 0.5 * (q + other - *k));
        }
        Ok(Value::default().with("k", &[n, n], kernel))
    }
}
