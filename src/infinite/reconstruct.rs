//! The operation that reconstructs samples from every depth.

use std::sync::Arc;

use serde_json::json;

use super::pass::{Pass, STACK, kept_numbers};
use super::{InfiniteCascade, numbers};
use crate::Result;
use crate::data::{Split, samples};
use crate::entropy::TRUSTED;
use crate::work::{Context, Cost, Described, Fingerprint, Keep, Operation, Provenance, Value};

const VERSION: u32 = 2;

/// See [`resolved`]: a hundred times the rounding errors of reconstructions with several hundred training samples.
const RESOLVED: f64 = 1e-12;

/// Numbers of samples on their way back at a time: half a gigabyte.
const STATE: usize = 1 << 26;

/// The reconstructions of `split` from the depths 1 to `depth`: "r", `[depth, samples, …]`, in double precision; and "trusted",
/// which [`trusted`] reads.
///
/// # Errors
/// When the samples do not fit the network, or it has no such depth before its head.
pub fn reconstruct(cascade: &InfiniteCascade, split: &Split, depth: usize) -> Result<Described> {
    cascade.network.architecture.check_data(split)?;
    cascade.check_depth(depth)?;
    Ok(Described::new(Reconstruct { cascade: cascade.clone(), split: split.clone(), depth }))
}

/// How many depths the precision of reconstructions at infinite width holds for.
///
/// # Errors
/// When `value` has no such reconstructions.
pub fn trusted(value: &Value) -> Result<usize> {
    Ok(value.f64s(TRUSTED)?.1.first().map_or(0, |trusted| *trusted as usize))
}

/// To how many depths a batch of reconstructions, `[depths, samples, …]`, tells its samples apart: from the first depth on at
/// which their root mean square distance from their mean is below `RESOLVED` of the pictures' root mean square, it is made
/// of rounding errors. All depths where there is one sample.
fn resolved(r: &[f64], depths: usize, samples: usize) -> usize {
    let is_resolved = |r: &[f64]| {
        let pixels = r.len() / samples.max(1);
        let mut mean = vec![0.0; pixels];
        r.chunks(pixels.max(1)).for_each(|r| mean.iter_mut().zip(r).for_each(|(mean, x)| *mean += x / samples as f64));
        let squares = |of: &dyn Fn(f64, f64) -> f64| {
            r.chunks(pixels.max(1))
                .flat_map(|r| r.iter().zip(&mean))
                .map(|(x, mean)| of(*x, *mean).powi(2))
                .sum::<f64>()
        };
        squares(&|x, mean| x - mean) > RESOLVED * RESOLVED * squares(&|x, _| x)
    };
    let depth = r.chunks((r.len() / depths.max(1)).max(1)).position(|r| !is_resolved(r));
    if samples > 1 { depth.unwrap_or(depths) } else { depths }
}

#[derive(Debug)]
struct Reconstruct {
    cascade: InfiniteCascade,
    split: Split,
    depth: usize,
}

impl Reconstruct {
    fn samples_at_a_time(&self) -> usize {
        (STATE / (self.depth * self.cascade.split.len()).max(1)).clamp(1, self.split.len().max(1))
    }

    /// The numbers of samples that are reconstructed at a time, one after another. Each part computes the kernels of the training
    /// samples again.
    fn parts(&self) -> impl Iterator<Item = usize> + use<> {
        let (all, most) = (self.split.len(), self.samples_at_a_time());
        (0..all).step_by(most).map(move |start| most.min(all - start))
    }
}

impl Operation for Reconstruct {
    fn name(&self) -> &'static str {
        "infinite.reconstruct"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        let cascade = &self.cascade;
        json!({
            "blocks": cascade.network.prefixes[self.depth],
            "lambda": cascade.ridge.lambda,
            "training": cascade.split.description(),
            "data": self.split.description(),
            "depth": self.depth,
            "widths": (1..=self.depth).map(|l| cascade.network.blocks[l - 1].width).collect::<Vec<_>>(),
        })
    }

    fn inputs(&self) -> Vec<Described> {
        vec![samples(&self.cascade.split), samples(&self.split)]
    }

    fn provenance(&self) -> Option<Provenance> {
        let mut provenance = self.cascade.provenance();
        provenance.merge(&self.split.provenance());
        provenance.reconstruction = Some(Fingerprint::from_operation(self));
        Some(provenance)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let (n, m, depths) = (self.cascade.split.len() as f64, self.split.len() as f64, self.depth as f64);
        let pixels = self.cascade.network.architecture.width(0) as f64;
        let at_a_time = self.samples_at_a_time();
        let kept = kept_numbers(self.depth, self.cascade.split.len(), at_a_time);
        Cost {
            operations: self.parts().map(|m| super::operations(self.cascade.split.len(), m, self.depth)).sum(),
            result_bytes: 8.0 * depths * m * pixels,
            working_bytes: 8.0 * (kept + depths * at_a_time as f64 * n + 4.0 * n * n + (n + m) * pixels),
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (training, others) = (numbers(&inputs[0])?, numbers(&inputs[1])?);
        let pixels = training.len() / self.cascade.split.len();
        let m = others.len() / pixels;
        let pass = Pass {
            blocks: &self.cascade.network.blocks[..self.depth],
            lambda: self.cascade.ridge.lambda,
            threads: context.idle_threads(),
            stack: STACK,
        };
        let all = self.cost().operations;
        let shape: Vec<usize> = [self.depth, m].into_iter().chain(self.split.shape()).collect();
        let found = |r: Vec<f64>| {
            let trusted = resolved(&r, self.depth, m) as f64;
            Value::default().with("r", &shape, r).with(TRUSTED, &[1], vec![trusted])
        };
        if m <= self.samples_at_a_time() {
            return Ok(found(pass.reconstruct(&training, &others, pixels, |done| context.advance(all * done))?));
        }
        let mut r = vec![0.0; self.depth * m * pixels];
        for (i, some) in others.chunks(self.samples_at_a_time() * pixels).enumerate() {
            let share = all * some.len() as f64 / others.len() as f64;
            let part = pass.reconstruct(&training, some, pixels, |done| context.advance(share * done))?;
            let start = i * self.samples_at_a_time() * pixels;
            for (all, some) in r.chunks_mut(m * pixels).zip(part.chunks(some.len())) {
                all[start..start + some.len()].copy_from_slice(some);
            }
        }
        Ok(found(r))
    }
}
