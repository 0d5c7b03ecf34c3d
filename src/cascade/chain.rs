//! A reconstruction network with its numbers.

use std::borrow::Cow;

use super::Inverse;
use crate::kernels::Scratch;
use crate::network::{Batch, Layer, Tensor, kernel_channels_first, list_operations, list_output, list_tensors, ready};
use crate::random::Random;
use crate::work::{IdleThreads, map_chunks};
use crate::{Error, Result};

/// Whether layers in a row can be trained: behind the first that has weights, gradients have to pass.
pub(super) fn check(layers: &[Layer]) -> Result<()> {
    let passes = |layer: &&Layer| {
        matches!(
            layer,
            Layer::Linear { .. }
                | Layer::Conv2d(_)
                | Layer::ConvTranspose2d(_)
                | Layer::Activation { .. }
                | Layer::Flatten
                | Layer::Reshape { .. }
                | Layer::Crop { .. }
        )
    };
    match layers.iter().skip(untrained(layers)).find(|layer| !passes(layer)) {
        None => Ok(()),
        Some(layer) => Err(Error::new(format!("the inverse cannot be trained through {layer}")).hint(
            "behind its first weights, an inverse has linear layers, convolutions and transposed ones, activations, `flatten`, `reshape` and `crop`",
        )),
    }
}

/// The arrays of an inverse: of one layer by their own names, of several behind the layer's number.
pub(super) fn tensors(layers: &[Layer]) -> Vec<Tensor> {
    let single = layers.iter().filter(|layer| layer.parameters() > 0).count() == 1;
    let name = |name: String| match name.rsplit_once('.') {
        Some((_, array)) if single => array.to_owned(),
        _ => name,
    };
    list_tensors(layers, "").into_iter().map(|tensor| Tensor { name: name(tensor.name), ..tensor }).collect()
}

/// Numbers of the samples that are led back at a time; large images go one by one.
const NUMBERS: usize = 1 << 20;

/// A reconstruction network, ready to compute.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(super) layers: Vec<Layer>,
    /// In the order of [`tensors`]; convolutions' channels last.
    pub(super) arrays: Vec<Vec<f32>>,
    /// The shape of a sample that goes in.
    pub(super) from: Vec<usize>,
}

impl Chain {
    /// An inverse with its arrays, in PyTorch's shapes and the order of [`Chain::arrays`]; samples of shape `from` go in.
    pub fn new(inverse: &Inverse, arrays: Vec<Vec<f32>>, from: &[usize]) -> Self {
        let layers = inverse.layers().to_vec();
        let arrays = ready(&layers, arrays.into_iter().map(Cow::Owned).collect());
        Self { arrays: arrays.into_iter().map(Cow::into_owned).collect(), layers, from: from.to_vec() }
    }

    /// PyTorch's default initialisation, U(−1/√n, 1/√n) for weight and bias, keyed by seed, block number and name. n is
    /// the inputs of a linear layer, or of each sum of a convolution; for a transposed one, PyTorch counts its outputs.
    pub fn initial(inverse: &Inverse, from: &[usize], seed: u64, block: usize) -> Self {
        let mut bound = 1.0;
        let draw = |tensor: Tensor| {
            if let [_, sum @ ..] = &tensor.shape[..]
                && !sum.is_empty()
            {
                bound = 1.0 / libm::sqrt(sum.iter().product::<usize>() as f64);
            }
            let mut numbers = vec![0.0; tensor.shape.iter().product()];
            Random::new(seed, &["inverse", &block.to_string(), &tensor.name]).fill_uniform(&mut numbers, -bound, bound);
            numbers
        };
        Self::new(inverse, tensors(inverse.layers()).into_iter().map(draw).collect(), from)
    }

    /// Its arrays, in PyTorch's shapes, with their names.
    pub fn arrays(&self) -> impl Iterator<Item = (Tensor, Vec<f32>)> {
        tensors(&self.layers).into_iter().zip(&self.arrays).map(|(tensor, array)| {
            let array = kernel_channels_first(array, &tensor.shape);
            (tensor, array)
        })
    }

    /// Leads samples back, `[samples, …]` both, on this thread and on idle `threads`.
    ///
    /// # Errors
    /// When they are not what it takes.
    pub fn apply(&self, x: &[f32], threads: &dyn IdleThreads) -> Result<Vec<f32>> {
        let mut y = Vec::new();
        self.apply_to(&mut y, x, threads)?;
        Ok(y)
    }

    /// The same in place of what is in `y`.
    pub(super) fn apply_to(&self, y: &mut Vec<f32>, x: &[f32], threads: &dyn IdleThreads) -> Result<()> {
        let from = self.from.iter().product::<usize>().max(1);
        let to = list_output(&self.layers, &self.from)?.iter().product::<usize>();
        let arrays: Vec<Cow<'_, [f32]>> = self.arrays.iter().map(|array| array.as_slice().into()).collect();
        y.resize(x.len() / from * to, 0.0);
        let size = piece(x.len() / from).min(NUMBERS / from.max(to)).max(1);
        map_chunks(y, to, x, from, size, threads, |x, y| {
            Batch::lead(y, &self.layers, &arrays, x, &self.from, &mut Scratch::default())
        })
    }

    /// Floating-point operations for one sample.
    pub fn operations(&self) -> f64 {
        list_operations(&self.layers, &self.from)
    }
}

/// Samples of a piece: many enough that a product is worth packing the weights for, and in pieces that two or four threads
/// share evenly.
fn piece(samples: usize) -> usize {
    const MOST: usize = 1024;
    const LEAST: usize = 128;
    samples.div_ceil(samples.div_ceil(MOST).next_multiple_of(4).max(1)).max(LEAST)
}

/// How many layers come before the first with weights.
pub(super) fn untrained(layers: &[Layer]) -> usize {
    layers.iter().position(|layer| layer.parameters() > 0).unwrap_or(layers.len())
}
