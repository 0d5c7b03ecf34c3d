//! A network's weights in files: taken from one by name, and the names that a saved network has.

use super::{Architecture, Network, Tensor};
use crate::Result;
use crate::weights::{Naming, Wanted, WeightFile};

impl Architecture {
    /// The arrays of block `l` (from 1), by the names that files have for them.
    pub fn tensors(&self, l: usize) -> Vec<Tensor> {
        let named = self.blocks[l - 1].tensors().into_iter().zip(self.names(l));
        named.map(|(tensor, name)| Tensor { name, ..tensor }).collect()
    }

    /// All arrays, with their shapes, in their order.
    pub(crate) fn named_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let all = (1..=self.depth()).flat_map(|l| self.tensors(l));
        all.map(|tensor| (tensor.name, tensor.shape)).collect()
    }
}

impl Network {
    /// Gives an architecture the weights in a file.
    ///
    /// # Errors
    /// When the file does not hold just these arrays (every one that differs is named), or cannot be read.
    pub fn loaded(architecture: Architecture, file: WeightFile, naming: &Naming) -> Result<Self> {
        let wanted = |tensor: Tensor| Wanted { from: tensor.name.clone(), name: tensor.name, shape: tensor.shape };
        let blocks = (1..=architecture.depth()).map(|l| architecture.tensors(l).into_iter().map(wanted).collect());
        let words = format!("weights of {}", file.name());
        let blocks = file.describe("the network", blocks.collect(), naming)?;
        Ok(Self::made(architecture, blocks, words))
    }
}
