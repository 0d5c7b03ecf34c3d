//! Cascades: for every block of a network a reconstruction network of one layer, which gives back the block's input.
//! Chained, they lead from any depth back to the network's input (arXiv:2406.12916).

mod answers;
mod inverse;
mod on_device;
mod output_panels;
mod reconstruct;
mod reconstruct_depth;
mod reconstruction_net;
mod solver;
mod step;
mod summary;
mod train;

use std::sync::Arc;

use burn::tensor::Device;
use serde::Serialize;
use serde_json::json;

pub use answers::answers;
pub use inverse::Inverse;
pub use reconstruct::{ideal, reconstruct, reconstruct_from};
pub use reconstruct_depth::{check_channels, reconstruct_depth};
pub use reconstruction_net::ReconstructionNet;
pub(crate) use solver::METADATA_KEY;
pub use solver::{AdamSolver, Ridge, Solver};
pub use summary::summary;

use crate::data::Split;
use crate::network::{
    ActivationsAt, ActivationsOnDevice, Network, ParamSpec, activation_sources, check_data, recompute_operations,
    sequence,
};
use crate::work::{Described, Fingerprint, Provenance, Value};
use crate::{Error, Result};

/// The cascade of a network: a description.
#[derive(Debug, Clone)]
pub struct Cascade {
    network: Network,
    split: Split,
    solver: Arc<dyn Solver>,
    /// Those of the blocks 1, 2, … as far as blocks have one, and at least those of all blocks before the head.
    inverses: Arc<[Inverse]>,
    /// Why the next block has none.
    end: Option<Error>,
    /// `prefixes[l]` names the inverses of blocks 1 to l.
    prefixes: Arc<[Fingerprint]>,
}

/// An inverse in the chain of fingerprints.
#[derive(PartialEq, Serialize)]
struct InverseEntry<'a> {
    inverse: &'a Inverse,
}

impl Cascade {
    /// The cascade of `network` for the data of `split`, whose numbers `solver` finds.
    ///
    /// # Errors
    /// When the data does not fit the network, a block before the head has no inverse that the solver can find, or a setting
    /// of the solver is out of its range.
    pub fn new(network: Network, split: Split, solver: impl Solver) -> Result<Self> {
        solver.check()?;
        check_data(&network, &split)?;
        let architecture = network.architecture();
        let mut derived = Inverses { network: &network, last: None };
        let (mut inverses, mut end) = (Vec::new(), None);
        for l in 1..=architecture.depth() {
            match derived.next(&solver, l) {
                Ok(inverse) => inverses.push(inverse),
                Err(error) => {
                    let error = Error { message: format!("block {l}: {}", error.message), ..error };
                    // Nothing leads back through the head unless a script asks for it.
                    if l <= architecture.trunk() {
                        return Err(error);
                    }
                    end = Some(error);
                    break;
                }
            }
        }
        let entries: Vec<InverseEntry<'_>> = inverses.iter().map(|inverse| InverseEntry { inverse }).collect();
        let prefixes = Fingerprint::chain(Fingerprint::from_json(&json!([])), &entries);
        let solver = Arc::new(solver);
        Ok(Self { inverses: inverses.into(), end, prefixes: prefixes.into(), network, split, solver })
    }

    /// The network that it inverts.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The data that it was trained on.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// How its numbers are found.
    pub fn solver(&self) -> &dyn Solver {
        &*self.solver
    }

    /// Checks that it leads back from depth `depth`.
    ///
    /// # Errors
    /// When the network is not that deep, or a block of its head has no inverse.
    pub fn check_depth(&self, depth: usize) -> Result<()> {
        let deepest = self.network.architecture().depth();
        match &self.end {
            _ if !(1..=deepest).contains(&depth) => {
                Err(Error::new(format!("depth {depth} is not in the network; its depths are 1 to {deepest}")))
            }
            Some(error) if depth > self.inverses.len() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// The deepest depth that it leads back from.
    pub fn deepest(&self) -> usize {
        self.inverses.len()
    }

    /// The layers of the reconstruction network of block `l`, from 1 to [`Cascade::deepest`].
    pub fn inverse(&self, l: usize) -> &Inverse {
        &self.inverses[l - 1]
    }

    /// The numbers of the reconstruction network of block `l` (from 1): arrays in PyTorch's layout by the names of
    /// [`Cascade::param_specs`]; and if they were found here, "loss" `[steps]`, the mean squared error of every step's batch
    /// before the step.
    pub fn block(&self, l: usize) -> Described {
        self.solver.solve(self, l)
    }

    /// The arrays of the reconstruction network of block `l` (from 1): "weight" and "bias" where one layer has weights,
    /// "0.weight" and so on where several have.
    pub fn param_specs(&self, l: usize) -> Vec<ParamSpec> {
        self.inverse(l).param_specs()
    }

    /// The length of every block's "loss"; 0 if the numbers come from a file.
    pub fn steps(&self) -> usize {
        self.solver.steps(self.split.len())
    }

    /// Checks that block `l` (from 1) has losses.
    ///
    /// # Errors
    /// When it is not in the cascade, has nothing to train, or was not trained here.
    pub fn check_losses(&self, l: usize) -> Result<()> {
        self.check_depth(l)?;
        match self.inverse(l) {
            inverse if inverse.parameters() == 0 => {
                Err(Error::new(format!("block {l} has nothing to train: its inverse is {inverse}")))
            }
            _ => self.solver.check_losses(),
        }
    }

    /// What results of the cascade rest on, shown to people.
    pub fn provenance(&self) -> Provenance {
        let mut provenance = self.network.provenance();
        provenance.merge(&self.split.provenance());
        provenance.merge(&self.solver.provenance());
        provenance
    }

    /// The results of blocks 1 to `depth`, without those that have nothing to train.
    fn trained_blocks(&self, depth: usize) -> impl Iterator<Item = Described> {
        (1..=depth).filter(|&l| self.inverse(l).parameters() > 0).map(|l| self.block(l))
    }

    /// What [`Cascade::training_data`] needs.
    fn training_sources(&self, l: usize) -> Vec<Described> {
        [l - 1, l].into_iter().flat_map(|depth| activation_sources(&self.network, &self.split, depth)).collect()
    }

    /// What the reconstruction network of block `l` (from 1) learns from: the input and the output of the block for the
    /// data, its target and its x. `results` are those of [`Cascade::training_sources`].
    fn training_data<'a>(&self, l: usize, results: &'a [Arc<Value>]) -> Result<[ActivationsAt<'a>; 2]> {
        let (input, output) = results.split_at(activation_sources(&self.network, &self.split, l - 1).len());
        let at = |depth, results| ActivationsAt::new(&self.network, &self.split, depth, results);
        Ok([at(l - 1, input)?, at(l, output)?])
    }

    /// The same on a device.
    fn training_data_on(&self, l: usize, results: &[Arc<Value>], device: &Device) -> Result<[ActivationsOnDevice; 2]> {
        let (input, output) = results.split_at(activation_sources(&self.network, &self.split, l - 1).len());
        let at = |depth, results| ActivationsOnDevice::new(&self.network, &self.split, depth, results, device);
        Ok([at(l - 1, input)?, at(l, output)?])
    }

    /// Floating-point operations of [`Cascade::training_data`] for a sample.
    fn training_data_operations(&self, l: usize) -> f64 {
        [l - 1, l].into_iter().map(|depth| recompute_operations(&self.network, &self.split, depth)).sum()
    }

    /// Floating-point operations of the reconstruction network of block `l` (from 1) for a sample.
    fn inverse_operations(&self, l: usize) -> f64 {
        sequence::operations(self.inverse(l).layers(), self.network.architecture().shape(l))
    }

    /// What decides the numbers of blocks 1 to `depth` of the cascade.
    fn description(&self, depth: usize) -> serde_json::Value {
        let mut description = self.solver.description(&self.split, depth);
        description["blocks"] = json!(self.network.prefix(depth));
        description["inverses"] = json!(self.prefixes[depth]);
        description
    }

    /// What the header of a file says about the cascade in it.
    pub(crate) fn metadata(&self) -> serde_json::Value {
        let first = self.inverses.first();
        let below_zero = first.is_some_and(|inverse| *inverse == inverse.clone().reaching_below_zero());
        json!({
            "inverses": *self.inverses,
            "relu_at_input": !below_zero,
            "training": self.solver.record(&self.split),
        })
    }

    /// All arrays, by their names in a file, with their shapes.
    pub(crate) fn named_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let of_block =
            |l| self.param_specs(l).into_iter().map(move |spec| (solver::name_in_file(l, &spec.name), spec.shape));
        (1..=self.deepest()).flat_map(of_block).collect()
    }
}

/// The derived or written inverses of a network's blocks, the first to the last. A block like its predecessor takes over
/// its inverse, since most blocks of a deep network are alike.
struct Inverses<'a> {
    network: &'a Network,
    last: Option<Inverse>,
}

impl Inverses<'_> {
    /// The inverse of block `l` (from 1) as `solver` finds its numbers.
    fn next(&mut self, solver: &dyn Solver, l: usize) -> Result<Inverse> {
        let architecture = self.network.architecture();
        let (blocks, shape) = (architecture.blocks(), |depth| architecture.shape(depth));
        let block = &blocks[l - 1];
        let is_repeated = l > 1 && blocks[l - 2] == *block && shape(l - 2) == shape(l - 1) && shape(l - 1) == shape(l);
        let inverse = match self.last.take().filter(|_| is_repeated) {
            Some(last) => last,
            None => Inverse::for_block(block, shape(l - 1), shape(l))?,
        };
        self.last = Some(inverse.clone());
        let inverse = solver.adapt(inverse, architecture, l)?;
        let ends_at_pixels = l == 1 && block.written_inverse().is_none();
        Ok(if ends_at_pixels && !solver.keeps_relu_at_input() { inverse.reaching_below_zero() } else { inverse })
    }
}
