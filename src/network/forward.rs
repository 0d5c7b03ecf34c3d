//! The forward pass: what a network's blocks make of a data set, one block at a time.

use std::sync::Arc;

use serde_json::json;

use super::{Block, Layer, Network, Weights};
use crate::data::{Samples, Split};
use crate::kernels::{Matrix, accumulate};
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

/// Raised when the same weights give other activations.
pub(super) const VERSION: u32 = 1;

/// Samples that go through a block while its output is in cache.
const CHUNK: usize = 256;

/// `[samples, …]`: the pixels of a split.
#[derive(Debug)]
struct Pixels(Split);

impl Operation for Pixels {
    fn name(&self) -> &'static str {
        "data.samples"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        self.0.description()
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let numbers = self.0.len() * self.0.shape().iter().product::<usize>();
        Cost { result_bytes: numbers as f64 * 4.0, ..Cost::default() }
    }

    fn run(&self, _: &[Arc<Value>], _: &Context<'_>) -> Result<Value> {
        let Samples { shape, pixels, labels } = self.0.samples()?;
        if let Some(i) = pixels.iter().position(|pixel| !pixel.is_finite()) {
            let size = shape.iter().product::<usize>().max(1);
            return Err(Error::new(format!("sample {} of the data set holds the pixel {}", i / size, pixels[i])));
        }
        let shape: Vec<usize> = std::iter::once(labels.len()).chain(shape).collect();
        Ok(Value::default().with("x", &shape, pixels))
    }
}

/// x_l for a whole split, `[samples, …]`: the input of block l + 1.
#[derive(Debug)]
pub struct Activations {
    network: Network,
    split: Split,
    depth: usize,
}

/// The samples of a split.
pub fn samples(split: &Split) -> Described {
    Described::new(Pixels(split.clone()))
}

/// What comes out of block `depth` of `network` for the samples of `split`; depth 0 is the samples themselves.
pub fn activations(network: &Network, split: &Split, depth: usize) -> Described {
    match depth {
        0 => samples(split),
        _ => Described::new(Activations { network: network.clone(), split: split.clone(), depth }),
    }
}

/// Whether a network can take the samples of a split.
///
/// # Errors
/// When a sample does not have as many numbers as the network takes.
pub fn check_data(network: &Network, split: &Split) -> Result<()> {
    let (takes, shape) = (network.architecture().width(0), split.shape());
    if shape.iter().product::<usize>() == takes {
        return Ok(());
    }
    Err(Error::new(format!(
        "the network takes {takes} numbers (shape {:?}), a sample has the shape {shape:?}",
        network.architecture().shape(0)
    ))
    .hint("make the network's first size the number of pixels, such as `data.pixels`"))
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
        vec![activations(&self.network, &self.split, self.depth - 1)]
    }

    fn keep(&self) -> Keep {
        Keep::InMemory
    }

    fn cost(&self) -> Cost {
        let architecture = self.network.architecture();
        let samples = self.split.len() as f64;
        let block = &architecture.blocks()[self.depth - 1];
        let numbers = (architecture.width(self.depth) * self.split.len()) as f64;
        Cost {
            operations: 2.0 * samples * block.parameters() as f64,
            result_bytes: 4.0 * numbers,
            working_bytes: 4.0 * block.parameters() as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (shape, x) = inputs[0].f32s("x")?;
        let architecture = self.network.architecture();
        let block = &architecture.blocks()[self.depth - 1];
        let y = forward(block, &self.network.weights(self.depth), x, shape[0], |samples| {
            context.advance(2.0 * samples as f64 * block.parameters() as f64)
        })?;
        let shape: Vec<usize> =
            std::iter::once(shape[0]).chain(architecture.shape(self.depth).iter().copied()).collect();
        Ok(Value::default().with("x", &shape, y))
    }
}

/// Sends `x`, `[samples, inputs]`, through one block; `advance` hears how many samples are done.
///
/// # Errors
/// When `advance` says so.
pub fn forward(
    block: &Block,
    weights: &Weights,
    x: &[f32],
    samples: usize,
    advance: impl Fn(usize) -> Result<()>,
) -> Result<Vec<f32>> {
    let width = x.len() / samples.max(1);
    let mut out = Vec::new();
    let mut done = 0;
    for chunk in x.chunks(CHUNK * width.max(1)) {
        let rows = chunk.len() / width.max(1);
        let mut current = std::borrow::Cow::Borrowed(chunk);
        let mut tensors = weights.0.iter();
        for layer in block.layers() {
            match *layer {
                Layer::Linear { inputs, outputs, .. } => {
                    let (weight, bias) = tensors.next().ok_or_else(|| Error::new(format!("{layer} has no weights")))?;
                    current = linear(&current, rows, weight, bias.as_deref(), inputs, outputs).into();
                }
                Layer::Activation { function } => function.apply(current.to_mut()),
            }
        }
        out.reserve_exact(if done == 0 { current.len() / rows * samples } else { 0 });
        out.extend_from_slice(&current);
        done += rows;
        advance(rows)?;
    }
    Ok(out)
}

/// x Wᵀ + b for x of shape `[rows, inputs]` and W of shape `[outputs, inputs]`.
pub(crate) fn linear(
    x: &[f32],
    rows: usize,
    weight: &[f32],
    bias: Option<&[f32]>,
    inputs: usize,
    outputs: usize,
) -> Vec<f32> {
    let mut y = vec![0.0; rows * outputs];
    if let Some(bias) = bias {
        y.chunks_mut(outputs).for_each(|row| row.copy_from_slice(bias));
    }
    accumulate(&mut y, Matrix::new(x, rows, inputs), Matrix::new(weight, outputs, inputs).transposed());
    y
}
