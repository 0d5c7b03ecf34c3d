//! The operation that reduces the kernel of samples at every depth to one number.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::pass::{Pass, STACK};
use super::samples::Samples;
use super::{InfiniteNetwork, numbers};
use crate::data::{Split, samples};
use crate::linear_algebra::{Dense, eigh};
use crate::theory::gap;
use crate::words::counted;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// The number that a kernel is reduced to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// exp(−Σ p ln p), with p the shares of the eigenvalues of the kernel of differences from the mean: how many directions
    /// the samples fill (Roy & Vetterli 2007). 0 where all samples are the same.
    EffectiveRank,
    /// c of two samples, counted from 0.
    Correlation(usize, usize),
    /// 1 − c, to its own relative precision.
    Gap(usize, usize),
}

/// A view of the kernel of `split` at the depths 1 to the trunk: "curve".
///
/// # Errors
/// When the samples do not fit the network, or lack one that is asked for.
pub fn view(network: &InfiniteNetwork, split: &Split, view: View) -> Result<Described> {
    network.architecture.check_data(split)?;
    if let View::Correlation(i, j) | View::Gap(i, j) = view
        && let Some(lacking) = [i, j].into_iter().find(|i| *i >= split.len())
    {
        let count = counted(split.len(), "sample");
        return Err(Error::new(format!("there is no sample {lacking}; the data has {count}, counted from 0")));
    }
    Ok(Described::new(Viewed { network: network.clone(), split: split.clone(), view }))
}

#[derive(Debug)]
struct Viewed {
    network: InfiniteNetwork,
    split: Split,
    view: View,
}

impl Viewed {
    fn depth(&self) -> usize {
        self.network.blocks.len()
    }

    fn number(&self, samples: &Samples) -> Result<f64> {
        let n = samples.width();
        let gap =
            |i: usize, j: usize| gap(samples.squares[i].sqrt(), samples.squares[j].sqrt(), samples.apart[i * n + j]);
        Ok(match self.view {
            View::EffectiveRank => effective_rank(samples)?,
            View::Correlation(i, j) => 1.0 - gap(i, j),
            View::Gap(i, j) => gap(i, j),
        })
    }
}

fn effective_rank(samples: &Samples) -> Result<f64> {
    let mean_apart = samples.mean_apart();
    let n = mean_apart.len();
    let mean = mean_apart.iter().sum::<f64>() / n as f64;
    if mean <= 0.0 {
        return Ok(0.0);
    }
    let mut kernel = samples.apart.clone();
    for (i, row) in kernel.chunks_mut(n).enumerate() {
        // In units of its trace.
        row.iter_mut()
            .zip(&mean_apart)
            .for_each(|(k, other)| *k = (mean_apart[i] + other - mean - *k) / (n as f64 * mean));
    }
    let shares = eigh(&Dense::new(n, n, kernel))?.values;
    Ok(libm::exp(shares.iter().filter(|p| **p > 0.0).map(|p| -p * libm::log(*p)).sum()))
}

impl Operation for Viewed {
    fn name(&self) -> &'static str {
        "infinite.view"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.network.prefixes[self.depth()], "data": self.split.description(), "view": self.view })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![samples(&self.split)]
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        let (n, depth) = (self.split.len() as f64, self.depth() as f64);
        let pixels = self.network.architecture.width(0) as f64;
        let places = self.network.places();
        let of_rank = if self.view == View::EffectiveRank { 9.0 * n } else { 0.0 };
        Cost {
            operations: n * n * (3.0 * pixels + depth * (super::PAIR * places + of_rank)),
            result_bytes: 8.0 * depth,
            working_bytes: 48.0 * n * n * places + 8.0 * n * pixels,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let x = numbers(&inputs[0])?;
        let pass = Pass { blocks: &self.network.blocks, lambda: 0.0, threads: context.idle_threads(), stack: STACK };
        let per_depth = self.cost().operations / self.depth().max(1) as f64;
        let mut curve = Vec::with_capacity(self.depth());
        pass.kernel(&x, &self.network.input_shape(), |samples| {
            curve.push(self.number(samples)?);
            context.advance(per_depth)
        })?;
        Ok(Value::default().with("curve", &[curve.len()], curve))
    }
}
