//! Cascades: for every block a one-layer reconstruction network, trained alone to give back the block's input; chained,
//! they lead from any depth back to the input (numerics: "Cascades").

mod back;
mod chain;
mod inverse;
mod loaded;
mod on_device;
mod reconstruct;
mod ridge;
mod step;
mod strips;
mod train;

use std::sync::Arc;

use burn::tensor::Device;
use serde::Serialize;
use serde_json::json;

pub use back::{back, check_channels};
pub use chain::Chain;
pub use inverse::Inverse;
use loaded::Loaded;
pub(crate) use loaded::METADATA_KEY;
pub use reconstruct::{ideal, reconstruct, reconstruct_from};
pub use ridge::Ridge;

use crate::data::Split;
use crate::kernels::Adam;
use crate::network::{
    Block, Layer, Made, Network, OnDevice, Tensor, check_data, list_operations, operations_to_make, sources,
};
use crate::work::{Described, Fingerprint, Value};
use crate::{Error, Result};

/// How reconstruction networks are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Passes over the data; published: one.
    pub epochs: u32,
    /// Samples per step; published: 64 for MLPs, 100 for convolutional networks.
    pub batch: usize,
    pub adam: Adam,
    /// Of the reconstruction networks' initial weights and of the order of the data.
    pub seed: u64,
    /// Another order in every epoch; the data's own order otherwise.
    pub shuffle: bool,
    /// Whether the first block's derived inverse keeps a relu at its end, as published, though a normalised pixel may be
    /// negative.
    pub relu_at_input: bool,
}

impl Training {
    /// Passes over the data.
    pub const EPOCHS: u32 = 1;
    /// Samples per step for networks of linear blocks, and for those with convolutions.
    pub const BATCH: usize = 64;
    pub const BATCH_OF_IMAGES: usize = 100;

    /// The published settings for a network of linear blocks.
    pub fn new(seed: u64) -> Self {
        let adam = Adam::default();
        Self { epochs: Self::EPOCHS, batch: Self::BATCH, adam, seed, shuffle: true, relu_at_input: false }
    }

    /// The published settings for a network, of its own seed.
    pub fn of(network: &Network) -> Self {
        let layers = || network.architecture().blocks().iter().flat_map(Block::layers);
        let images = layers().any(|layer| matches!(layer, Layer::Conv2d(_) | Layer::Residual { .. }));
        let batch = if images { Self::BATCH_OF_IMAGES } else { Self::BATCH };
        Self { batch, ..Self::new(network.seed()) }
    }
}

/// The cascade of a network, trained on a split: a description.
#[derive(Debug, Clone)]
pub struct Cascade {
    network: Network,
    split: Split,
    source: Source,
    /// Of the blocks 1, 2, … as far as there are any; at least of all before the head.
    inverses: Arc<[Inverse]>,
    /// Why there are no more.
    end: Option<Error>,
    /// `prefixes[l]` names the inverses of blocks 1 to l.
    prefixes: Arc<[Fingerprint]>,
}

/// An inverse, as the name of all up to it holds it.
#[derive(PartialEq, Serialize)]
struct Prefixed<'a> {
    inverse: &'a Inverse,
}

/// Where a cascade's numbers come from.
#[derive(Debug, Clone)]
enum Source {
    Trained(Training),
    Solved(Ridge),
    Loaded(Loaded),
}

impl Source {
    /// Whether the inverses are those that ridge regression finds.
    fn is_solved(&self) -> bool {
        match self {
            Self::Trained(_) => false,
            Self::Solved(_) => true,
            Self::Loaded(loaded) => loaded.is_solved(),
        }
    }
}

impl Cascade {
    /// # Errors
    /// When the data does not fit the network, a block has no inverse, or a setting is out of its range.
    pub fn new(network: Network, split: Split, training: Training) -> Result<Self> {
        if training.epochs == 0 || training.batch == 0 {
            return Err(Error::new(format!(
                "epochs is {} and batch is {}; both are at least 1",
                training.epochs, training.batch
            )));
        }
        let rate = training.adam.learning_rate;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::new(format!("learning_rate is {rate}; it is a positive number")));
        }
        let relu_at_input = training.relu_at_input;
        Self::of(network, split, Source::Trained(training), relu_at_input)
    }

    /// The cascade of the maps that ridge regression finds.
    ///
    /// # Errors
    /// When the data does not fit the network, a block's inverse is no linear map, or λ is negative.
    pub fn ridge(network: Network, split: Split, ridge: Ridge) -> Result<Self> {
        if !(ridge.lambda >= 0.0 && ridge.lambda.is_finite()) {
            return Err(Error::new(format!("lambda is {}; it is a finite number of at least 0", ridge.lambda)));
        }
        Self::of(network, split, Source::Solved(ridge), false)
    }

    fn of(network: Network, split: Split, source: Source, relu_at_input: bool) -> Result<Self> {
        check_data(&network, &split)?;
        let architecture = network.architecture();
        let (mut inverses, mut end) = (Vec::new(), None);
        for (l, block) in architecture.blocks().iter().enumerate() {
            let below_zero = l == 0 && block.written_inverse().is_none() && !relu_at_input;
            let inverse = Inverse::of(block, architecture.shape(l), architecture.shape(l + 1));
            let inverse = if source.is_solved() {
                inverse.and_then(|inverse| inverse.solved(&architecture.blocks()[..l]))
            } else {
                inverse
            };
            match inverse {
                Ok(inverse) if below_zero => inverses.push(inverse.reaching_below_zero()),
                Ok(inverse) => inverses.push(inverse),
                Err(error) => {
                    let error = Error { message: format!("block {}: {}", l + 1, error.message), ..error };
                    // The head is led back through only when somebody asks for it.
                    if l < architecture.trunk() {
                        return Err(error);
                    }
                    end = Some(error);
                    break;
                }
            }
        }
        let described: Vec<Prefixed<'_>> = inverses.iter().map(|inverse| Prefixed { inverse }).collect();
        let prefixes = Fingerprint::chain(Fingerprint::from_json(&json!([])), &described);
        Ok(Self { inverses: inverses.into(), end, prefixes: prefixes.into(), network, split, source })
    }

    /// The network that it inverts.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// λ, where ridge regression finds it.
    pub fn lambda(&self) -> Option<f64> {
        match &self.source {
            Source::Solved(ridge) => Some(ridge.lambda),
            Source::Trained(_) | Source::Loaded(_) => None,
        }
    }

    /// What it was trained on.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Whether it leads back from depth `depth`.
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

    /// The reconstruction network of block `l` (from 1), where [`Cascade::check_depth`] says that there is one.
    pub fn inverse(&self, l: usize) -> &Inverse {
        &self.inverses[l - 1]
    }

    /// The trained reconstruction network of block `l` (from 1): its arrays in PyTorch's shapes, "weight" and "bias" where
    /// one layer has any, "0.weight" and so on where several have; and "loss" `[steps]`, the mean squared error of every
    /// step's batch before the step, where it was trained here.
    pub fn block(&self, l: usize) -> Described {
        match &self.source {
            Source::Trained(training) => train::describe(self, training, l),
            Source::Solved(ridge) => ridge::describe(self, *ridge, l),
            Source::Loaded(loaded) => loaded.block(l),
        }
    }

    /// The arrays of the reconstruction network of block `l` (from 1), by the names that its result has for them.
    pub fn tensors(&self, l: usize) -> Vec<Tensor> {
        chain::tensors(self.inverse(l).layers())
    }

    /// The trained reconstruction networks of the blocks 1 to `depth`, of those that have something to train.
    fn trained(&self, depth: usize) -> impl Iterator<Item = Described> {
        (1..=depth).filter(|&l| self.inverse(l).parameters() > 0).map(|l| self.block(l))
    }

    /// What is computed first for [`Cascade::ends`].
    fn end_sources(&self, l: usize) -> Vec<Described> {
        [l - 1, l].into_iter().flat_map(|depth| sources(&self.network, &self.split, depth)).collect()
    }

    /// What goes into block `l` (from 1) for the data, and what comes out: what its reconstruction network learns from.
    /// `results` are those of [`Cascade::end_sources`].
    fn ends<'a>(&self, l: usize, results: &'a [Arc<Value>]) -> Result<[Made<'a>; 2]> {
        let (input, output) = results.split_at(sources(&self.network, &self.split, l - 1).len());
        let made = |depth, results| Made::new(&self.network, &self.split, depth, results);
        Ok([made(l - 1, input)?, made(l, output)?])
    }

    /// The same on a device.
    fn ends_on(&self, l: usize, results: &[Arc<Value>], device: &Device) -> Result<[OnDevice; 2]> {
        let (input, output) = results.split_at(sources(&self.network, &self.split, l - 1).len());
        let made = |depth, results| OnDevice::new(&self.network, &self.split, depth, results, device);
        Ok([made(l - 1, input)?, made(l, output)?])
    }

    /// Floating-point operations that [`Cascade::ends`] takes to make a sample of both.
    fn end_operations(&self, l: usize) -> f64 {
        [l - 1, l].into_iter().map(|depth| operations_to_make(&self.network, &self.split, depth)).sum()
    }

    /// Floating-point operations that lead one sample back through block `l` (from 1).
    fn inverse_operations(&self, l: usize) -> f64 {
        list_operations(self.inverse(l).layers(), self.network.architecture().shape(l))
    }

    /// Training steps of every block; none where the weights come from a file.
    pub fn steps(&self) -> usize {
        match &self.source {
            Source::Trained(training) => self.split.len().div_ceil(training.batch) * training.epochs as usize,
            // One error, that of the solution.
            Source::Solved(_) => 1,
            Source::Loaded(_) => 0,
        }
    }

    /// What decides the numbers of blocks 1 to `depth` of the cascade.
    fn description(&self, depth: usize) -> serde_json::Value {
        let mut description = match &self.source {
            Source::Trained(training) => self.training_description(training),
            Source::Solved(ridge) => self.ridge_description(*ridge),
            Source::Loaded(loaded) => loaded.description(depth),
        };
        description["blocks"] = json!(self.network.prefix(depth));
        description["inverses"] = json!(self.prefixes[depth]);
        description
    }

    /// What decides the linear map of a block, whichever it is.
    fn ridge_description(&self, ridge: Ridge) -> serde_json::Value {
        json!({
            "data": self.split.description(),
            "solver": { "name": ridge::NAME, "version": ridge::VERSION },
            "lambda": ridge.lambda,
        })
    }

    /// What decides how a block is trained, whichever it is.
    fn training_description(&self, training: &Training) -> serde_json::Value {
        let Training { epochs, batch, adam, seed, shuffle, .. } = *training;
        json!({
            "data": self.split.description(),
            "solver": { "name": train::NAME, "version": train::VERSION, "generator": crate::random::GENERATOR },
            "epochs": epochs,
            "batch": batch,
            "learning_rate": adam.learning_rate,
            "betas": [adam.beta_1, adam.beta_2],
            "epsilon": adam.epsilon,
            "seed": seed,
            "shuffle": shuffle,
        })
    }
}
