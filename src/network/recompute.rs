//! The activations of a split at one depth, where those of all samples together are too large to keep: they are computed
//! again, a few samples at a time, from the deepest ones before them that are kept. The numbers are the same.

use std::borrow::Cow;
use std::sync::Arc;

use super::batch::{forward_rows, kernels_last, views};
use super::{Batch, Network, activations};
use crate::Result;
use crate::data::Split;
use crate::kernels::Scratch;
use crate::work::{Described, Value};

/// Bytes of the largest activations of a whole split that are kept in memory.
const KEPT: usize = 2 << 30;

/// The deepest depth, `depth` at most, whose activations of all samples of `split` are kept; the samples always are.
pub(super) fn deepest_kept(network: &Network, split: &Split, depth: usize) -> usize {
    let bytes = |l: usize| 4 * network.architecture().width(l) * split.len();
    (1..=depth).rev().find(|&l| bytes(l) <= KEPT).unwrap_or(0)
}

/// What [`ActivationsAt::new`] needs: the activations that are kept, and the weights of the blocks behind them.
pub(crate) fn activation_sources(network: &Network, split: &Split, depth: usize) -> Vec<Described> {
    let from = deepest_kept(network, split, depth);
    std::iter::once(activations(network, split, from)).chain(weight_ops(network, from, depth)).collect()
}

/// The operations that compute the weights of the blocks behind depth `from`, up to `depth`.
pub(crate) fn weight_ops(network: &Network, from: usize, depth: usize) -> impl Iterator<Item = Described> {
    (from + 1..=depth).filter_map(|l| network.weights_op(l))
}

/// The results of [`weight_ops`], block by block; `None` for blocks whose weights are drawn.
pub(crate) fn weights_by_block<'a>(
    network: &Network,
    from: usize,
    depth: usize,
    results: &'a [Arc<Value>],
) -> Vec<Option<&'a Value>> {
    let mut results = results.iter().map(Arc::as_ref);
    (from + 1..=depth).map(|l| if network.is_drawn(l) { None } else { results.next() }).collect()
}

/// Floating-point operations that [`ActivationsAt`] takes for a sample.
pub(crate) fn recompute_operations(network: &Network, split: &Split, depth: usize) -> f64 {
    forward_operations(network, deepest_kept(network, split, depth), depth)
}

/// Floating-point operations from depth `from` to `depth` for a sample.
pub(super) fn forward_operations(network: &Network, from: usize, depth: usize) -> f64 {
    (from + 1..=depth).map(|l| network.architecture().operations(l)).sum()
}

/// The activations of a split at one depth.
pub(crate) struct ActivationsAt<'a> {
    network: Network,
    /// The activations that are kept.
    x: &'a [f32],
    /// Their depth, and the one that is asked for.
    from: usize,
    depth: usize,
    /// The arrays of the blocks between them, in the layout that is computed with.
    arrays: Vec<Vec<Cow<'a, [f32]>>>,
}

impl<'a> ActivationsAt<'a> {
    /// `results` are those of [`activation_sources`].
    ///
    /// # Errors
    /// When they lack something.
    pub fn new(network: &Network, split: &Split, depth: usize, results: &'a [Arc<Value>]) -> Result<Self> {
        Self::from_depth(network, deepest_kept(network, split, depth), depth, results)
    }

    /// The same from the activations at depth `from`; `results` are these, and the weights of the blocks behind them.
    pub(crate) fn from_depth(network: &Network, from: usize, depth: usize, results: &'a [Arc<Value>]) -> Result<Self> {
        let (_, x) = results[0].f32s("x")?;
        let weights = weights_by_block(network, from, depth, &results[1..]);
        let arrays = (from + 1..=depth).zip(weights).map(|(l, weights)| {
            Ok(kernels_last(network.architecture().blocks()[l - 1].layers(), network.arrays(l, weights)?))
        });
        Ok(Self { network: network.clone(), x, from, depth, arrays: arrays.collect::<Result<_>>()? })
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.x.len() / self.network.architecture().width(self.from)
    }

    /// All of them, if they are kept.
    pub fn all(&self) -> Option<&'a [f32]> {
        (self.from == self.depth).then_some(self.x)
    }

    /// Some of them, `[samples, …]`.
    ///
    /// # Errors
    /// When the numbers do not fit the network.
    pub fn select(&self, samples: &[u32]) -> Result<Vec<f32>> {
        let width = self.network.architecture().width(self.from);
        let mut rows = Vec::with_capacity(samples.len() * width);
        samples.iter().for_each(|&sample| rows.extend_from_slice(&self.x[sample as usize * width..][..width]));
        if self.from == self.depth { Ok(rows) } else { self.forward(&rows) }
    }

    /// Fills `y` with the activations of `rows`, which are activations at the depth that is kept.
    ///
    /// # Errors
    /// When they do not fit the network.
    pub fn forward_into(&self, y: &mut [f32], rows: &[f32]) -> Result<()> {
        let architecture = self.network.architecture();
        if let ([block], [arrays]) = (&architecture.blocks()[self.from..self.depth], &self.arrays[..]) {
            let shape = architecture.shape(self.from);
            return forward_rows(y, block.layers(), &views(arrays), rows, shape, &mut Scratch::default());
        }
        y.copy_from_slice(&self.forward(rows)?);
        Ok(())
    }

    /// The same as a new array.
    ///
    /// # Errors
    /// When they do not fit the network.
    pub fn forward(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let architecture = self.network.architecture();
        let mut batch = Batch::new(rows.into(), architecture.shape(self.from));
        let mut scratch = Scratch::default();
        for (block, arrays) in architecture.blocks()[self.from..self.depth].iter().zip(&self.arrays) {
            batch = batch.forward(block.layers(), &views(arrays), &mut scratch)?;
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
    fn recomputed_from_a_shallower_depth_the_numbers_are_the_same() {
        let conv = |inputs| Layer::from(Conv2d { before: 1, after: 1, ..Conv2d::new(inputs, 4, 3) });
        let block = |inputs| Block::new(vec![conv(inputs), Activation::Tanh.into()]).unwrap();
        let net = Architecture::new(&[1, 6, 5], vec![block(1), block(4), block(4)]).unwrap();
        let network = Network::new(net, Init::gaussian(1.5, 0.1, 1)).unwrap();
        let mut x = vec![0.0; 7 * 30];
        Random::new(0, &["recompute"]).fill_normal(&mut x, 1.0);
        let samples = [Arc::new(Value::default().with("x", &[7, 1, 6, 5], x))];
        let whole = |from: &[Arc<Value>], l: usize| {
            let y = ActivationsAt::from_depth(&network, l - 1, l, from)
                .unwrap()
                .forward(from[0].f32s("x").unwrap().1)
                .unwrap();
            [Arc::new(Value::default().with("x", &[7, 4, 6, 5], y))]
        };
        let third = whole(&whole(&whole(&samples, 1), 2), 3);
        let (_, expected) = third[0].f32s("x").unwrap();
        let again = ActivationsAt::from_depth(&network, 0, 3, &samples).unwrap();
        assert!(again.all().is_none() && again.samples() == 7);
        let found = again.select(&[5, 0, 2]).unwrap();
        for (row, sample) in found.chunks(120).zip([5, 0, 2]) {
            assert_eq!(row, &expected[sample * 120..][..120], "sample {sample}");
        }
    }
}
