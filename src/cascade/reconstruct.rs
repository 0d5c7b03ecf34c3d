//! Reconstruction from all depths in one pass, from the deepest block up: the batch grows by one depth per block, so
//! that L products do what would take L²/2.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::chain::{Chain, tensors};
use super::{Cascade, on_device};
use crate::data::Split;
use crate::network::{activations, check_data, flat_on};
use crate::work::{Context, Cost, Described, IdleThreads, Keep, Operation, Value};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// Numbers on their way back at a time: half a gigabyte.
const STATE: usize = 1 << 27;

/// What the cascade makes of the activations of `split` at the depths 1 to `depth`: "r", `[depth, samples, …]`.
///
/// # Errors
/// When the data does not fit the network, or it is not that deep.
pub fn reconstruct(cascade: &Cascade, split: &Split, depth: usize) -> Result<Described> {
    check_data(cascade.network(), split)?;
    cascade.check_depth(depth)?;
    Ok(Described::new(Reconstruct { cascade: cascade.clone(), split: split.clone(), depth }))
}

#[derive(Debug)]
struct Reconstruct {
    cascade: Cascade,
    split: Split,
    depth: usize,
}

impl Reconstruct {
    fn widest(&self) -> usize {
        (0..=self.depth).map(|l| self.cascade.network.architecture().width(l)).max().unwrap_or(0)
    }

    /// Samples that are led back at a time, from all depths.
    fn stretch(&self) -> usize {
        (STATE / (self.depth * self.widest()).max(1)).clamp(1, self.split.len())
    }
}

impl Operation for Reconstruct {
    fn name(&self) -> &'static str {
        "cascade.reconstruct"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "cascade": self.cascade.description(self.depth), "depth": self.depth, "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        let forward = (1..=self.depth).map(|l| activations(&self.cascade.network, &self.split, l));
        self.cascade.trained(self.depth).chain(forward).collect()
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let samples = self.split.len() as f64;
        let architecture = self.cascade.network.architecture();
        // Block l sees the samples of the depths l to the last.
        let each: f64 =
            (1..=self.depth).map(|l| (self.depth - l + 1) as f64 * self.cascade.inverse_operations(l)).sum();
        let bytes = |samples: usize, width: usize| 4.0 * (samples * self.depth * width) as f64;
        Cost {
            operations: samples * each,
            result_bytes: bytes(self.split.len(), architecture.width(0)),
            working_bytes: 2.0 * bytes(self.stretch(), self.widest()),
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        if let Some(device) = context.device() {
            return self.run_on(device, inputs, context);
        }
        let (trained, forward) = inputs.split_at(inputs.len() - self.depth);
        let samples = forward[0].f32s("x")?.0[0];
        let x: Result<Vec<&[f32]>> = forward.iter().map(|value| Ok(value.f32s("x")?.1)).collect();
        let (x, architecture) = (x?, self.cascade.network.architecture());
        let size = architecture.width(0);
        let mut r = vec![0.0; self.depth * samples * size];
        let advance = |operations| context.advance(operations);
        for start in (0..samples).step_by(self.stretch()) {
            let end = (start + self.stretch()).min(samples);
            let some: Vec<&[f32]> = x.iter().map(|x| &x[x.len() / samples * start..x.len() / samples * end]).collect();
            let part = back(|l| chain(&self.cascade, l, trained), &some, context.idle_threads(), advance)?;
            for (all, some) in r.chunks_mut(samples * size).zip(part.chunks((end - start) * size)) {
                all[start * size..end * size].copy_from_slice(some);
            }
        }
        Ok(self.value(samples, r))
    }
}

impl Reconstruct {
    /// The same by a device's operations.
    fn run_on(&self, device: &Device, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (trained, forward) = inputs.split_at(inputs.len() - self.depth);
        let (samples, size) = (self.split.len(), self.cascade.network.architecture().width(0));
        let mut r = vec![0.0; self.depth * samples * size];
        for start in (0..samples).step_by(self.stretch()) {
            let count = self.stretch().min(samples - start);
            let joining = |l: usize| {
                let (_, x) = forward[l - 1].tensor("x", device)?;
                let width = x.dims()[0] / samples;
                Ok(Some(x.reshape([samples, width]).narrow(0, start, count)))
            };
            let part = on_device::lead_back(&self.cascade, self.depth, trained, joining, device, context)?;
            // Those that joined first come from the deepest.
            for (all, some) in r.chunks_mut(samples * size).rev().zip(part.chunks(count * size)) {
                all[start * size..(start + count) * size].copy_from_slice(some);
            }
        }
        Ok(self.value(samples, r))
    }

    fn value(&self, samples: usize, r: Vec<f32>) -> Value {
        let shape = self.cascade.network.architecture().shape(0);
        let shape: Vec<usize> = [self.depth, samples].iter().chain(shape).copied().collect();
        Value::default().with("r", &shape, r)
    }
}

/// The reconstruction network of block `l`, from the results of those that are trained.
fn chain(cascade: &Cascade, l: usize, trained: &[Arc<Value>]) -> Result<Cow<'static, Chain>> {
    let inverse = cascade.inverse(l);
    let mut trained = trained.iter().skip((1..l).filter(|&l| cascade.inverse(l).parameters() > 0).count());
    let result = if inverse.parameters() > 0 { trained.next() } else { None };
    let arrays: Result<Vec<_>> = tensors(inverse.layers())
        .iter()
        .map(|tensor| match result {
            Some(value) => Ok(value.f32s(&tensor.name)?.1.to_vec()),
            None => Err(Error::new(format!("block {l} of the cascade has no {}", tensor.name))),
        })
        .collect();
    Ok(Cow::Owned(Chain::new(inverse, arrays?, cascade.network().architecture().shape(l))))
}

/// What the cascade makes of a class's ideal answer, an output of 1 for it and 0 for all others: "r", `[1, 1, …]`.
///
/// # Errors
/// When the network has no such output.
pub fn ideal(cascade: &Cascade, class: usize) -> Result<Described> {
    let architecture = cascade.network().architecture();
    cascade.check_depth(architecture.depth())?;
    let outputs = architecture.width(architecture.depth());
    if class >= outputs {
        return Err(Error::new(format!("the network has no output {class}; its outputs are 0 to {}", outputs - 1)));
    }
    Ok(Described::new(Ideal { cascade: cascade.clone(), class }))
}

#[derive(Debug)]
struct Ideal {
    cascade: Cascade,
    class: usize,
}

impl Ideal {
    fn depth(&self) -> usize {
        self.cascade.network.architecture().depth()
    }
}

impl Operation for Ideal {
    fn name(&self) -> &'static str {
        "cascade.ideal"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "cascade": self.cascade.description(self.depth()), "class": self.class })
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.trained(self.depth()).collect()
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        let operations = (1..=self.depth()).map(|l| self.cascade.inverse_operations(l)).sum();
        let bytes = 4.0 * self.cascade.network.architecture().width(0) as f64;
        Cost { operations, result_bytes: bytes, working_bytes: 0.0 }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let architecture = self.cascade.network.architecture();
        let mut answer = vec![0.0; architecture.width(self.depth())];
        answer[self.class] = 1.0;
        lead_back(&self.cascade, self.depth(), inputs, &answer, context)
    }
}

/// "r", `[1, samples, …]`: what `x`, samples at depth `depth`, lead back to. `trained` are the cascade's results up to there.
pub(super) fn lead_back(
    cascade: &Cascade,
    depth: usize,
    trained: &[Arc<Value>],
    x: &[f32],
    context: &Context<'_>,
) -> Result<Value> {
    let architecture = cascade.network.architecture();
    let samples = x.len() / architecture.width(depth);
    // Nothing joins on the way: only the deepest block has something to start from.
    let r = if let Some(device) = context.device() {
        let start = flat_on(device, x.to_vec()).reshape([samples, architecture.width(depth)]);
        let joining = |l: usize| Ok((l == depth).then(|| start.clone()));
        on_device::lead_back(cascade, depth, trained, joining, device, context)?
    } else {
        let mut activations: Vec<&[f32]> = vec![&[]; depth];
        activations[depth - 1] = x;
        back(
            |l| chain(cascade, l, trained),
            &activations,
            context.idle_threads(),
            |operations| context.advance(operations),
        )?
    };
    let shape: Vec<usize> = [1, samples].iter().chain(architecture.shape(0)).copied().collect();
    Ok(Value::default().with("r", &shape, r))
}

/// Leads `activations[l − 1]`, samples of depth l, back to the input through `chains[l − 1]`, …, `chains[0]`, for every
/// l: `[depth, samples, width of the input]`, on this thread and on idle `threads`. `advance` hears of the floating-point operations done.
///
/// # Errors
/// When `advance` says so, or the numbers do not fit.
pub fn reconstruct_from(
    chains: &[Chain],
    activations: &[&[f32]],
    threads: &dyn IdleThreads,
    advance: impl Fn(f64) -> Result<()>,
) -> Result<Vec<f32>> {
    back(|l| Ok(Cow::Borrowed(&chains[l - 1])), activations, threads, advance)
}

/// The same, each block's reconstruction network at its turn.
fn back<'a>(
    chain: impl Fn(usize) -> Result<Cow<'a, Chain>>,
    activations: &[&[f32]],
    threads: &dyn IdleThreads,
    advance: impl Fn(f64) -> Result<()>,
) -> Result<Vec<f32>> {
    // Deepest first: the rows of the next shallower depth join behind.
    let (mut state, mut next) = (Vec::new(), Vec::new());
    for (before, x) in activations.iter().enumerate().rev() {
        let chain = chain(before + 1)?;
        state.extend_from_slice(x);
        let samples = state.len() / chain.from.iter().product::<usize>().max(1);
        chain.apply_to(&mut next, &state, threads)?;
        std::mem::swap(&mut state, &mut next);
        advance(samples as f64 * chain.operations())?;
    }
    let depths = activations.iter().filter(|x| !x.is_empty()).count().max(1);
    let block = (state.len() / depths).max(1);
    next.clear();
    state.chunks(block).rev().for_each(|depth| next.extend_from_slice(depth));
    Ok(next)
}
