//! The forward pass of a whole split, one block at a time.

use std::borrow::Cow;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::batch::{forward_rows, kernels_last, views};
use super::recompute::{deepest_kept, forward_operations, weight_ops};
use super::{ActivationsAt, ActivationsOnDevice, Architecture, Block, Network, sequence};
use crate::data::{Split, samples};
use crate::kernels::Scratch;
use crate::work::{Context, Cost, Described, IdleThreads, Keep, Operation, Provenance, Value, map_chunks};
use crate::{Error, Result};

/// Raised when the same weights give different activations.
pub(super) const VERSION: u32 = 2;

/// At most so many samples go through a block at a time, of so many numbers together: large images go one by one.
const CHUNK: usize = 256;
const NUMBERS: usize = 1 << 20;

/// x_l for a whole split, `[samples, …]`: the input of block l + 1.
#[derive(Debug)]
pub struct Activations {
    network: Network,
    split: Split,
    depth: usize,
}

/// The output of block `depth` of `network` for the samples of `split`; depth 0 is the samples themselves.
pub fn activations(network: &Network, split: &Split, depth: usize) -> Described {
    match depth {
        0 => samples(split),
        _ => Described::new(Activations { network: network.clone(), split: split.clone(), depth }),
    }
}

/// See [`Architecture::check_data`].
///
/// # Errors
/// The same.
pub fn check_data(network: &Network, split: &Split) -> Result<()> {
    network.architecture().check_data(split)
}

impl Architecture {
    /// Checks that a network takes the samples of a split: in its input's shape, or flattened where that is one row of numbers.
    ///
    /// # Errors
    /// When a sample does not have as many numbers as the network takes, or another shape.
    pub fn check_data(&self, split: &Split) -> Result<()> {
        let (takes, shape) = (self.shape(0), split.shape());
        if takes == shape || *takes == [shape.iter().product::<usize>()] {
            return Ok(());
        }
        Err(match takes {
            [n] => Error::new(format!("the network takes {n} numbers, a sample has the shape {shape:?}"))
                .hint("make the network's first size the number of pixels, such as `data.pixels`"),
            _ => Error::new(format!("the network takes images of shape {takes:?}, a sample has the shape {shape:?}"))
                .hint("make the network's input the shape of a sample, such as `data.shape`"),
        })
    }
}

impl Operation for Activations {
    fn name(&self) -> &'static str {
        "network.forward"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.network.prefix(self.depth), "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        let from = self.from();
        std::iter::once(activations(&self.network, &self.split, from))
            .chain(weight_ops(&self.network, from, self.depth))
            .collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let architecture = self.network.architecture();
        let (samples, from) = (self.split.len(), self.from());
        let width = (from..=self.depth).map(|l| architecture.width(l)).max().unwrap_or(0);
        let parameters: usize = architecture.blocks()[from..self.depth].iter().map(Block::parameters).sum();
        Cost {
            operations: samples as f64 * self.operations(),
            result_bytes: 4.0 * (architecture.width(self.depth) * samples) as f64,
            working_bytes: 4.0 * (parameters + 3 * chunk(width).min(samples) * width) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        if let Some(device) = context.device() {
            return self.run_on(device, inputs, context);
        }
        let (shape, x) = inputs[0].f32s("x")?;
        let (architecture, from) = (self.network.architecture(), self.from());
        let activations = ActivationsAt::from_depth(&self.network, from, self.depth, inputs)?;
        let (before, after) = (architecture.width(from), architecture.width(self.depth));
        let widest = (from..self.depth).map(|l| architecture.width(l)).max().unwrap_or(before);
        let mut y = vec![0.0; shape[0] * after];
        map_chunks(&mut y, after, x, before, chunk(widest), context.idle_threads(), |x, y| {
            context.advance((x.len() / before) as f64 * self.operations())?;
            activations.forward_into(y, x)
        })?;
        Ok(Value::default().with("x", &self.shape(shape[0]), y))
    }
}

impl Activations {
    /// The same by a device's operations; the numbers stay there.
    fn run_on(&self, device: &Device, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let activations = ActivationsOnDevice::from_depth(&self.network, self.from(), self.depth, inputs, device)?;
        let y = activations.all(|samples| context.advance(samples as f64 * self.operations()))?;
        let [samples, width] = y.dims();
        Ok(Value::default().with_tensor("x", &self.shape(samples), y.reshape([samples * width])))
    }

    /// The shape of the activations of so many samples.
    fn shape(&self, samples: usize) -> Vec<usize> {
        std::iter::once(samples).chain(self.network.architecture().shape(self.depth).iter().copied()).collect()
    }

    /// The depth that it is computed from: the one before, unless that is too large to keep.
    fn from(&self) -> usize {
        deepest_kept(&self.network, &self.split, self.depth - 1)
    }

    /// Floating-point operations for one sample.
    fn operations(&self) -> f64 {
        forward_operations(&self.network, self.from(), self.depth)
    }
}

/// Samples of `width` numbers that go through a block at a time.
fn chunk(width: usize) -> usize {
    (NUMBERS / width.max(1)).clamp(1, CHUNK)
}

/// Sends `x`, samples of shape `shape`, through one block, on this thread and on idle `threads`. `advance` is called with
/// the number of samples that are done.
///
/// # Errors
/// When `advance` fails, or the numbers do not fit the block.
pub fn forward(
    block: &Block,
    arrays: Vec<Cow<'_, [f32]>>,
    x: &[f32],
    shape: &[usize],
    threads: &dyn IdleThreads,
    advance: impl Fn(usize) -> Result<()> + Sync,
) -> Result<Vec<f32>> {
    let from = shape.iter().product::<usize>().max(1);
    let to = sequence::output_shape(block.layers(), shape)?.iter().product::<usize>();
    let arrays = kernels_last(block.layers(), arrays);
    let arrays = views(&arrays);
    let mut y = vec![0.0; x.len() / from * to];
    map_chunks(&mut y, to, x, from, chunk(from), threads, |x, y| {
        forward_rows(y, block.layers(), &arrays, x, shape, &mut Scratch::default())?;
        advance(x.len() / from)
    })?;
    Ok(y)
}
