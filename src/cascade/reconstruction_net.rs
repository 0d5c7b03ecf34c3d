//! A reconstruction network with its numbers.

use std::borrow::Cow;

use super::Inverse;
use crate::Result;
use crate::kernels::Scratch;
use crate::network::{Batch, Layer, ParamSpec, forward_rows, kernels_first, kernels_last, sequence, views};
use crate::random::Random;
use crate::work::{IdleThreads, map_chunks};

/// At most so many numbers of samples go through the layers at a time; large images go one by one.
const NUMBERS: usize = 1 << 20;

/// A reconstruction network, ready to compute.
#[derive(Debug, Clone)]
pub struct ReconstructionNet {
    inverse: Inverse,
    /// In the order of [`Inverse::param_specs`], kernels of convolutions with their channels last.
    pub(super) arrays: Vec<Vec<f32>>,
    /// The shape of a sample of its input, the block's output.
    pub(super) input: Vec<usize>,
}

impl ReconstructionNet {
    /// An inverse with its arrays, in PyTorch's layout and the order of [`Inverse::param_specs`], for samples of shape
    /// `input`.
    pub fn new(inverse: &Inverse, arrays: Vec<Vec<f32>>, input: &[usize]) -> Self {
        let arrays = kernels_last(inverse.layers(), arrays.into_iter().map(Cow::Owned).collect());
        let arrays = arrays.into_iter().map(Cow::into_owned).collect();
        Self { arrays, inverse: inverse.clone(), input: input.to_vec() }
    }

    /// PyTorch's default initialisation, U(−1/√n, 1/√n) for weight and bias, keyed by seed, block number and name. n is
    /// the inputs of a linear layer, or of each sum of a convolution; for a transposed one, PyTorch counts its outputs.
    pub fn initial(inverse: &Inverse, input: &[usize], seed: u64, block: usize) -> Self {
        let mut bound = 1.0;
        let draw = |spec: ParamSpec| {
            if let [_, sum @ ..] = &spec.shape[..]
                && !sum.is_empty()
            {
                bound = 1.0 / libm::sqrt(sum.iter().product::<usize>() as f64);
            }
            let mut numbers = vec![0.0; spec.len()];
            Random::new(seed, &["inverse", &block.to_string(), &spec.name]).fill_uniform(&mut numbers, -bound, bound);
            numbers
        };
        Self::new(inverse, inverse.param_specs().into_iter().map(draw).collect(), input)
    }

    /// Its layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        self.inverse.layers()
    }

    /// The layers before the first that has weights, and the others.
    pub(super) fn split_at_weights(&self) -> (&[Layer], &[Layer]) {
        self.inverse.split_at_weights()
    }

    /// Its arrays, in PyTorch's layout.
    pub fn arrays(&self) -> impl Iterator<Item = (ParamSpec, Vec<f32>)> {
        self.inverse.param_specs().into_iter().zip(&self.arrays).map(|(spec, array)| {
            let array = kernels_first(array, &spec.shape);
            (spec, array)
        })
    }

    /// The reconstructions of `x`, `[samples, …]` both, on this thread and on idle `threads`.
    ///
    /// # Errors
    /// When the samples are not of its input's shape.
    pub fn apply(&self, x: &[f32], threads: &dyn IdleThreads) -> Result<Vec<f32>> {
        let mut y = Vec::new();
        self.apply_into(&mut y, x, threads)?;
        Ok(y)
    }

    /// The same, in place of the content of `y`.
    pub(super) fn apply_into(&self, y: &mut Vec<f32>, x: &[f32], threads: &dyn IdleThreads) -> Result<()> {
        let from = self.input.iter().product::<usize>().max(1);
        let to = sequence::output_shape(self.layers(), &self.input)?.iter().product::<usize>();
        let arrays = views(&self.arrays);
        y.resize(x.len() / from * to, 0.0);
        let size = chunk(x.len() / from).min(NUMBERS / from.max(to)).max(1);
        map_chunks(y, to, x, from, size, threads, |x, y| {
            forward_rows(y, self.layers(), &arrays, x, &self.input, &mut Scratch::default())
        })
    }

    /// The output of the layers before the first with weights, channels first.
    ///
    /// # Errors
    /// When the samples are not of its input's shape.
    pub(super) fn forward_before_weights<'a>(&self, x: &'a [f32]) -> Result<Cow<'a, [f32]>> {
        let (before, _) = self.split_at_weights();
        if before.is_empty() {
            return Ok(x.into());
        }
        let batch = Batch::new(x.into(), &self.input).forward(before, &[], &mut Scratch::default())?;
        Ok(batch.into_rows().into())
    }

    /// How many samples of its input's shape `x` holds.
    pub(super) fn samples(&self, x: &[f32]) -> usize {
        x.len() / self.input.iter().product::<usize>().max(1)
    }

    /// Floating-point operations for one sample.
    pub fn operations(&self) -> f64 {
        sequence::operations(self.layers(), &self.input)
    }
}

/// Samples that are computed at a time: so many that a product is worth packing the weights for, and in chunks that two
/// or four threads share evenly.
fn chunk(samples: usize) -> usize {
    const MOST: usize = 1024;
    const LEAST: usize = 128;
    samples.div_ceil(samples.div_ceil(MOST).next_multiple_of(4).max(1)).max(LEAST)
}
