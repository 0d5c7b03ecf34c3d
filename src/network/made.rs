//! What samples are at one depth, where the activations of all of them together are too large to keep: they are made
//! again, a few samples at a time, from the deepest ones before them that are kept. The numbers are the same.

use std::borrow::Cow;
use std::sync::Arc;

use super::batch::ready;
use super::{Batch, Network, activations};
use crate::Result;
use crate::data::Split;
use crate::kernels::Scratch;
use crate::work::{Described, Value};

/// Bytes of the largest activations of a whole split that are kept in memory.
const KEPT: usize = 2 << 30;

/// The deepest depth, `depth` at most, whose activations of all samples of `split` are kept; the samples always are.
pub(super) fn kept(network: &Network, split: &Split, depth: usize) -> usize {
    let bytes = |l: usize| 4 * network.architecture().width(l) * split.len();
    (1..=depth).rev().find(|&l| bytes(l) <= KEPT).unwrap_or(0)
}

/// What is computed first, for [`Made::new`]: the activations that are kept, and what makes the weights behind them.
pub(crate) fn sources(network: &Network, split: &Split, depth: usize) -> Vec<Described> {
    let from = kept(network, split, depth);
    std::iter::once(activations(network, split, from)).chain(makers(network, from, depth)).collect()
}

/// What makes the weights of the blocks behind depth `from`, up to `depth`.
pub(super) fn makers(network: &Network, from: usize, depth: usize) -> impl Iterator<Item = Described> {
    (from + 1..=depth).filter_map(|l| network.maker(l))
}

/// Floating-point operations that [`Made`] takes to make a sample.
pub(crate) fn operations_to_make(network: &Network, split: &Split, depth: usize) -> f64 {
    operations(network, kept(network, split, depth), depth)
}

/// Floating-point operations that lead a sample from depth `from` to `depth`.
pub(super) fn operations(network: &Network, from: usize, depth: usize) -> f64 {
    (from + 1..=depth).map(|l| network.architecture().operations(l)).sum()
}

/// Samples of a split at one depth.
pub(crate) struct Made<'a> {
    network: Network,
    x: &'a [f32],
    /// The depth of `x`, and the one that is asked for.
    from: usize,
    depth: usize,
    /// Of the blocks between them, ready to compute with.
    arrays: Vec<Vec<Cow<'a, [f32]>>>,
}

impl<'a> Made<'a> {
    /// `results` are those of [`sources`].
    ///
    /// # Errors
    /// When they lack something.
    pub fn new(network: &Network, split: &Split, depth: usize, results: &'a [Arc<Value>]) -> Result<Self> {
        Self::behind(network, kept(network, split, depth), depth, results)
    }

    pub(super) fn behind(network: &Network, from: usize, depth: usize, results: &'a [Arc<Value>]) -> Result<Self> {
        let (_, x) = results[0].f32s("x")?;
        let arrays = (from + 1..=depth).map(|l| {
            let made = results.get(l - from).map(Arc::as_ref);
            Ok(ready(network.architecture().blocks()[l - 1].layers(), network.arrays(l, made)?))
        });
        Ok(Self { network: network.clone(), x, from, depth, arrays: arrays.collect::<Result<_>>()? })
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.x.len() / self.network.architecture().width(self.from)
    }

    /// All of them, where they are kept.
    pub fn all(&self) -> Option<&'a [f32]> {
        (self.from == self.depth).then_some(self.x)
    }

    /// Some of them, `[samples, …]`.
    ///
    /// # Errors
    /// When the numbers do not fit the network.
    pub fn of(&self, samples: &[u32]) -> Result<Vec<f32>> {
        let width = self.network.architecture().width(self.from);
        let mut rows = Vec::with_capacity(samples.len() * width);
        samples.iter().for_each(|&sample| rows.extend_from_slice(&self.x[sample as usize * width..][..width]));
        if self.from == self.depth { Ok(rows) } else { self.through(&rows) }
    }

    /// The same into `y`.
    ///
    /// # Errors
    /// When they do not fit the network.
    pub fn lead(&self, rows: &[f32], y: &mut [f32]) -> Result<()> {
        let architecture = self.network.architecture();
        if let ([block], [arrays]) = (&architecture.blocks()[self.from..self.depth], &self.arrays[..]) {
            return Batch::lead(
                y,
                block.layers(),
                arrays,
                rows,
                architecture.shape(self.from),
                &mut Scratch::default(),
            );
        }
        y.copy_from_slice(&self.through(rows)?);
        Ok(())
    }

    /// What `rows`, samples at the depth that is kept, are at the one that is asked for.
    ///
    /// # Errors
    /// When they do not fit the network.
    pub fn through(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let architecture = self.network.architecture();
        let mut batch = Batch::new(rows, architecture.shape(self.from));
        let mut scratch = Scratch::default();
        for (block, arrays) in architecture.blocks()[self.from..self.depth].iter().zip(&self.arrays) {
            batch = batch.through(block.layers(), arrays, &mut scratch)?;
        }
        Ok(batch.into_rows())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::kernels::Activation;
    use crate::network::{Architecture, Block, Conv2d, Init, Layer};
    use crate::random::Random;

    #[test]
    fn made_again_from_further_back_the_numbers_are_the_same() {
        let conv = |inputs| Layer::Conv2d(Conv2d { before: 1, after: 1, ..Conv2d::new(inputs, 4, 3) });
        let block = |inputs| Block::new(vec![conv(inputs), Layer::Activation { function: Activation::Tanh }]).unwrap();
        let net = Architecture::new(&[1, 6, 5], vec![block(1), block(4), block(4)]).unwrap();
        let network = Network::new(net, Init { weight_var: 1.5, bias_var: 0.1, seed: 1 }).unwrap();
        let mut x = vec![0.0; 7 * 30];
        Random::new(0, &["made"]).fill_normal(&mut x, 1.0);
        let samples = [Arc::new(Value::default().with("x", &[7, 1, 6, 5], x))];
        let whole = |from: &[Arc<Value>], l: usize| {
            let y = Made::behind(&network, l - 1, l, from).unwrap().through(from[0].f32s("x").unwrap().1).unwrap();
            [Arc::new(Value::default().with("x", &[7, 4, 6, 5], y))]
        };
        let third = whole(&whole(&whole(&samples, 1), 2), 3);
        let (_, expected) = third[0].f32s("x").unwrap();
        let again = Made::behind(&network, 0, 3, &samples).unwrap();
        assert!(again.all().is_none() && again.samples() == 7);
        let found = again.of(&[5, 0, 2]).unwrap();
        for (row, sample) in found.chunks(120).zip([5, 0, 2]) {
            assert_eq!(row, &expected[sample * 120..][..120], "sample {sample}");
        }
    }
}
