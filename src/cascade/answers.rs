//! What a network makes of a cascade's reconstructions, depth by depth.

use std::sync::Arc;

use serde_json::json;

use super::{Cascade, reconstruct};
use crate::data::Split;
use crate::network::{ActivationsAt, Network, check_data, count_correct, weight_ops};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

/// Reconstructions that go through the network at a time.
const CHUNK: usize = 256;

/// The outputs of `network` for the reconstructions of `split` from the depths 1 to `depth`: "y", `[depth, samples, outputs]`;
/// with labels, "curve" `[depth]`, the share whose largest output is that of the sample's class.
///
/// # Errors
/// When the data does not fit the cascade's network or this one, or the cascade is not that deep.
pub fn answers(network: &Network, cascade: &Cascade, split: &Split, depth: usize) -> Result<Described> {
    check_data(network, split)?;
    let outputs = network.architecture().width(network.architecture().depth());
    if split.classes() > outputs {
        let message = format!("the network has {outputs} outputs, the data {} classes", split.classes());
        return Err(Error::new(message).hint("the network that answers has an output for every class"));
    }
    let reconstruction = reconstruct(cascade, split, depth)?;
    Ok(Described::new(Answers { network: network.clone(), split: split.clone(), reconstruction, depth }))
}

#[derive(Debug)]
struct Answers {
    network: Network,
    split: Split,
    reconstruction: Described,
    depth: usize,
}

impl Answers {
    /// Floating-point operations for one reconstruction.
    fn operations(&self) -> f64 {
        let architecture = self.network.architecture();
        (1..=architecture.depth()).map(|l| architecture.operations(l)).sum()
    }

    fn outputs(&self) -> usize {
        self.network.architecture().width(self.network.architecture().depth())
    }
}

impl Operation for Answers {
    fn name(&self) -> &'static str {
        "cascade.answers"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let depth = self.network.architecture().depth();
        json!({ "blocks": self.network.prefix(depth), "of": self.reconstruction.fingerprint() })
    }

    fn inputs(&self) -> Vec<Described> {
        let depth = self.network.architecture().depth();
        std::iter::once(self.reconstruction.clone()).chain(weight_ops(&self.network, 0, depth)).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        let mut provenance = self.reconstruction.provenance().clone();
        provenance.merge(&self.network.provenance());
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let (count, architecture) = (self.split.len() * self.depth, self.network.architecture());
        let widest = (0..=architecture.depth()).map(|l| architecture.width(l)).max().unwrap_or(0);
        Cost {
            operations: count as f64 * self.operations(),
            result_bytes: 4.0 * (count * self.outputs()) as f64 + 8.0 * self.depth as f64,
            working_bytes: 4.0 * (architecture.parameters() + 2 * CHUNK * widest) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (shape, r) = inputs[0].f32s("r")?;
        let architecture = self.network.architecture();
        let [depths, samples] = [shape[0], shape[1]];
        let mut sources = inputs.to_vec();
        // It starts from `r`, in parts.
        sources[0] = Arc::new(Value::default().with("x", &[0], Vec::<f32>::new()));
        let network = ActivationsAt::from_depth(&self.network, 0, architecture.depth(), &sources)?;
        let mut y = Vec::with_capacity(depths * samples * self.outputs());
        for some in r.chunks((CHUNK * architecture.width(0)).max(1)) {
            y.extend(network.forward(some)?);
            context.advance((some.len() / architecture.width(0)) as f64 * self.operations())?;
        }
        let value = Value::default();
        if self.split.classes() == 0 {
            return Ok(value.with("y", &[depths, samples, self.outputs()], y));
        }
        let labels = self.split.labels()?;
        let of_depth = y.chunks((samples * self.outputs()).max(1));
        let curve: Vec<f64> = of_depth.map(|y| count_correct(y, &labels) as f64 / samples as f64).collect();
        Ok(value.with("y", &[depths, samples, self.outputs()], y).with("curve", &[depths], curve))
    }
}
