//! A network's weights in files: read from one by name, and the names that a saved network has.

use super::{Architecture, Network, ParamSpec};
use crate::Result;
use crate::weights::{Naming, Wanted, WeightFile};

impl Architecture {
    /// The arrays of block `l` (from 1), by their names in files.
    pub fn param_specs(&self, l: usize) -> Vec<ParamSpec> {
        let named = self.blocks[l - 1].param_specs().into_iter().zip(self.names(l));
        named.map(|(spec, name)| ParamSpec { name, ..spec }).collect()
    }

    /// All arrays, with their shapes, in their order.
    pub(crate) fn named_shapes(&self) -> Vec<(String, Vec<usize>)> {
        (1..=self.depth()).flat_map(|l| self.param_specs(l)).map(|spec| (spec.name, spec.shape)).collect()
    }
}

impl Network {
    /// Gives an architecture the weights in a file.
    ///
    /// # Errors
    /// When the file does not hold just these arrays (every one that differs is named), or cannot be read.
    pub fn loaded(architecture: Architecture, file: WeightFile, naming: &Naming) -> Result<Self> {
        let wanted = |spec: ParamSpec| Wanted { from: spec.name.clone(), name: spec.name, shape: spec.shape };
        let blocks = (1..=architecture.depth()).map(|l| architecture.param_specs(l).into_iter().map(wanted).collect());
        let words = format!("weights of {}", file.name());
        let blocks = file.describe("the network", blocks.collect(), naming)?;
        Ok(Self::computed(architecture, blocks, words))
    }
}
