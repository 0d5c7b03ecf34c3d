//! Reconstruction from all depths in one pass, from the deepest block up: the batch grows by one depth per block, so L
//! products take the place of L²/2.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::{Cascade, ReconstructionNet, on_device};
use crate::data::Split;
use crate::network::{activations, check_data, upload};
use crate::work::{Context, Cost, Described, Fingerprint, IdleThreads, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// Numbers of a pass at a time: half a gigabyte.
const STATE: usize = 1 << 27;

/// The reconstructions by the cascade from the activations of `split` at the depths 1 to `depth`: "r",
/// `[depth, samples, …]`.
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

    /// Samples that are reconstructed at a time, from all depths.
    fn samples_at_a_time(&self) -> usize {
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
        self.cascade.trained_blocks(self.depth).chain(forward).collect()
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
        let samples = self.split.len() as f64;
        let architecture = self.cascade.network.architecture();
        // Block l sees the samples of the depths l to the last.
        let each: f64 =
            (1..=self.depth).map(|l| (self.depth - l + 1) as f64 * self.cascade.inverse_operations(l)).sum();
        let bytes = |samples: usize, width: usize| 4.0 * (samples * self.depth * width) as f64;
        Cost {
            operations: samples * each,
            result_bytes: bytes(self.split.len(), architecture.width(0)),
            working_bytes: 2.0 * bytes(self.samples_at_a_time(), self.widest()),
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        if let Some(device) = context.device() {
            return self.run_on(device, inputs, context);
        }
        let (trained, forward) = inputs.split_at(inputs.len() - self.depth);
        let trained = by_block(&self.cascade, self.depth, trained);
        let samples = forward[0].f32s("x")?.0[0];
        let x: Result<Vec<&[f32]>> = forward.iter().map(|value| Ok(value.f32s("x")?.1)).collect();
        let (x, architecture) = (x?, self.cascade.network.architecture());
        let size = architecture.width(0);
        let mut r = vec![0.0; self.depth * samples * size];
        let advance = |operations| context.advance(operations);
        for start in (0..samples).step_by(self.samples_at_a_time()) {
            let end = (start + self.samples_at_a_time()).min(samples);
            let some: Vec<&[f32]> = x.iter().map(|x| &x[x.len() / samples * start..x.len() / samples * end]).collect();
            let part = reconstruct_with(|l| net(&self.cascade, l, &trained), &some, context.idle_threads(), advance)?;
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
        let trained = by_block(&self.cascade, self.depth, trained);
        let (samples, size) = (self.split.len(), self.cascade.network.architecture().width(0));
        let mut r = vec![0.0; self.depth * samples * size];
        for start in (0..samples).step_by(self.samples_at_a_time()) {
            let count = self.samples_at_a_time().min(samples - start);
            let joining = |l: usize| {
                let (_, x) = forward[l - 1].tensor("x", device)?;
                let width = x.dims()[0] / samples;
                Ok(Some(x.reshape([samples, width]).narrow(0, start, count)))
            };
            let part = on_device::reconstruct(&self.cascade, &trained, joining, device, context)?;
            // The deepest joined first.
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

/// The results of the cascade's blocks 1 to `depth`, from those of [`Cascade::trained_blocks`]; `None` for blocks that have
/// nothing to train.
fn by_block<'a>(cascade: &Cascade, depth: usize, trained: &'a [Arc<Value>]) -> Vec<Option<&'a Value>> {
    let mut trained = trained.iter().map(Arc::as_ref);
    (1..=depth).map(|l| if cascade.inverse(l).parameters() > 0 { trained.next() } else { None }).collect()
}

/// The reconstruction network of block `l`, with its numbers from the results of [`by_block`].
fn net(cascade: &Cascade, l: usize, trained: &[Option<&Value>]) -> Result<Cow<'static, ReconstructionNet>> {
    let inverse = cascade.inverse(l);
    let arrays: Result<Vec<_>> = inverse
        .param_specs()
        .iter()
        .map(|spec| match trained[l - 1] {
            Some(value) => Ok(value.f32s(&spec.name)?.1.to_vec()),
            None => Err(Error::new(format!("block {l} of the cascade has no {}", spec.name))),
        })
        .collect();
    Ok(Cow::Owned(ReconstructionNet::new(inverse, arrays?, cascade.network().architecture().shape(l))))
}

/// The reconstruction from a class's ideal answer, an output of 1 for it and `others` for all others: "r", `[1, 1, …]`.
///
/// # Errors
/// When the network has no such output.
pub fn ideal(cascade: &Cascade, class: usize, others: f64) -> Result<Described> {
    let architecture = cascade.network().architecture();
    cascade.check_depth(architecture.depth())?;
    let outputs = architecture.width(architecture.depth());
    if class >= outputs {
        return Err(Error::new(format!("the network has no output {class}; its outputs are 0 to {}", outputs - 1)));
    }
    Ok(Described::new(Ideal { cascade: cascade.clone(), class, others }))
}

#[derive(Debug)]
struct Ideal {
    cascade: Cascade,
    class: usize,
    /// The output of all other classes.
    others: f64,
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
        let mut parameters = json!({ "cascade": self.cascade.description(self.depth()), "class": self.class });
        // Results from before there was a choice keep their names.
        if self.others != 0.0 {
            parameters["others"] = json!(self.others);
        }
        parameters
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.trained_blocks(self.depth()).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.cascade.provenance())
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
        let mut answer = vec![self.others as f32; architecture.width(self.depth())];
        answer[self.class] = 1.0;
        reconstruct_one_depth(&self.cascade, self.depth(), inputs, &answer, context)
    }
}

/// The reconstructions of `x`, samples of depth `depth`: "r", `[1, samples, …]`. `trained` are the results of
/// [`Cascade::trained_blocks`] up to there.
pub(super) fn reconstruct_one_depth(
    cascade: &Cascade,
    depth: usize,
    trained: &[Arc<Value>],
    x: &[f32],
    context: &Context<'_>,
) -> Result<Value> {
    let architecture = cascade.network.architecture();
    let samples = x.len() / architecture.width(depth);
    let trained = by_block(cascade, depth, trained);
    // Only the deepest block has samples to start from; none join at the others.
    let r = if let Some(device) = context.device() {
        let start = upload(device, x.to_vec()).reshape([samples, architecture.width(depth)]);
        let joining = |l: usize| Ok((l == depth).then(|| start.clone()));
        on_device::reconstruct(cascade, &trained, joining, device, context)?
    } else {
        let mut activations: Vec<&[f32]> = vec![&[]; depth];
        activations[depth - 1] = x;
        let advance = |operations| context.advance(operations);
        reconstruct_with(|l| net(cascade, l, &trained), &activations, context.idle_threads(), advance)?
    };
    let shape: Vec<usize> = [1, samples].iter().chain(architecture.shape(0)).copied().collect();
    Ok(Value::default().with("r", &shape, r))
}

/// Reconstructs inputs from `activations[l − 1]`, samples of depth l, by `nets[l − 1]`, …, `nets[0]`, for every l:
/// `[depth, samples, width of the input]`, on this thread and on idle `threads`. `advance` is called with the floating-point
/// operations that are done.
///
/// # Errors
/// When `advance` fails, or the numbers do not fit.
pub fn reconstruct_from(
    nets: &[ReconstructionNet],
    activations: &[&[f32]],
    threads: &dyn IdleThreads,
    advance: impl Fn(f64) -> Result<()>,
) -> Result<Vec<f32>> {
    reconstruct_with(|l| Ok(Cow::Borrowed(&nets[l - 1])), activations, threads, advance)
}

/// The same; `net` gives the reconstruction network of a block when its turn comes.
fn reconstruct_with<'a>(
    net: impl Fn(usize) -> Result<Cow<'a, ReconstructionNet>>,
    activations: &[&[f32]],
    threads: &dyn IdleThreads,
    advance: impl Fn(f64) -> Result<()>,
) -> Result<Vec<f32>> {
    // The deepest samples come first; those of the next shallower depth join behind them.
    let (mut state, mut next) = (Vec::new(), Vec::new());
    for (before, x) in activations.iter().enumerate().rev() {
        let net = net(before + 1)?;
        state.extend_from_slice(x);
        let samples = net.samples(&state);
        net.apply_into(&mut next, &state, threads)?;
        std::mem::swap(&mut state, &mut next);
        advance(samples as f64 * net.operations())?;
    }
    let depths = activations.iter().filter(|x| !x.is_empty()).count().max(1);
    let of_one_depth = (state.len() / depths).max(1);
    next.clear();
    state.chunks(of_one_depth).rev().for_each(|depth| next.extend_from_slice(depth));
    Ok(next)
}
