//! Reconstruction from one depth: from its activations, or from some of their channels alone.

use std::sync::Arc;

use serde_json::json;

use super::Cascade;
use super::reconstruct::reconstruct_one_depth;
use crate::data::Split;
use crate::network::{activations, check_data};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// The reconstructions by the cascade from the activations of `split` at `depth`, with all channels but `only` set to zero:
/// "r", `[1, samples, …]`.
///
/// # Errors
/// When the data does not fit the network, it is not that deep, or it has no such channel there.
pub fn reconstruct_depth(cascade: &Cascade, split: &Split, depth: usize, only: Option<&[usize]>) -> Result<Described> {
    check_data(cascade.network(), split)?;
    cascade.check_depth(depth)?;
    check_channels(cascade.network().architecture().shape(depth), only.unwrap_or_default())?;
    let only = only.map(|channels| {
        let mut channels = channels.to_vec();
        channels.sort_unstable();
        channels.dedup();
        channels
    });
    Ok(Described::new(ReconstructDepth { cascade: cascade.clone(), split: split.clone(), depth, only }))
}

/// Checks that activations of shape `shape` have these channels.
///
/// # Errors
/// When they lack one.
pub fn check_channels(shape: &[usize], channels: &[usize]) -> Result<()> {
    match channels.iter().find(|&&channel| channel >= shape[0]) {
        None => Ok(()),
        Some(channel) => Err(Error::new(format!(
            "no channel {channel} in activations of shape {shape:?}; they are numbered 0 to {}",
            shape[0] - 1
        ))),
    }
}

#[derive(Debug)]
struct ReconstructDepth {
    cascade: Cascade,
    split: Split,
    depth: usize,
    /// Sorted.
    only: Option<Vec<usize>>,
}

impl Operation for ReconstructDepth {
    fn name(&self) -> &'static str {
        "cascade.back"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({
            "cascade": self.cascade.description(self.depth),
            "depth": self.depth,
            "data": self.split.description(),
            "channels": self.only,
        })
    }

    fn inputs(&self) -> Vec<Described> {
        let forward = activations(&self.cascade.network, &self.split, self.depth);
        self.cascade.trained_blocks(self.depth).chain([forward]).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        let mut provenance = self.cascade.provenance();
        provenance.merge(&self.split.provenance());
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let samples = self.split.len() as f64;
        let architecture = self.cascade.network.architecture();
        let each: f64 = (1..=self.depth).map(|l| self.cascade.inverse_operations(l)).sum();
        let widest = (0..=self.depth).map(|l| architecture.width(l)).max().unwrap_or(0);
        Cost {
            operations: samples * each,
            result_bytes: 4.0 * samples * architecture.width(0) as f64,
            working_bytes: 12.0 * samples * widest as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (trained, forward) = inputs.split_at(inputs.len() - 1);
        let (shape, x) = forward[0].f32s("x")?;
        let mut x = x.to_vec();
        if let Some(only) = &self.only {
            let channel = shape[2..].iter().product::<usize>();
            for (i, pixels) in x.chunks_mut(channel).enumerate() {
                if only.binary_search(&(i % shape[1])).is_err() {
                    pixels.fill(0.0);
                }
            }
        }
        reconstruct_one_depth(&self.cascade, self.depth, trained, &x, context)
    }
}
