//! Cascades: for every block a one-layer reconstruction network, trained alone to give back the block's input; chained,
//! they lead from any depth back to the input (numerics: "Cascades").

mod inverse;
mod reconstruct;
mod train;

use std::sync::Arc;

use serde_json::json;

pub use inverse::Inverse;
pub use reconstruct::{ideal, reconstruct, reconstruct_from};
pub use train::{Parameters, initial, train};

use crate::data::Split;
use crate::kernels::Adam;
use crate::network::{Network, check_data};
use crate::work::{Described, Fingerprint};
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
}

impl Training {
    /// Samples per step for networks of linear blocks.
    pub const BATCH: usize = 64;

    /// The published settings.
    pub fn new(seed: u64) -> Self {
        Self { epochs: 1, batch: Self::BATCH, adam: Adam::default(), seed, shuffle: true }
    }
}

/// The cascade of a network, trained on a split: a description.
#[derive(Debug, Clone)]
pub struct Cascade {
    network: Network,
    split: Split,
    training: Training,
    inverses: Arc<[Inverse]>,
    /// `prefixes[l]` names the inverses of blocks 1 to l.
    prefixes: Arc<[Fingerprint]>,
}

impl Cascade {
    /// # Errors
    /// When the data does not fit the network, a block has no inverse, or a setting is out of its range.
    pub fn new(network: Network, split: Split, training: Training) -> Result<Self> {
        check_data(&network, &split)?;
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
        let architecture = network.architecture();
        let inverses: Result<Vec<_>> = (0..architecture.depth())
            .map(|l| {
                Inverse::of(&architecture.blocks()[l], architecture.shape(l), architecture.shape(l + 1))
                    .map_err(|error| Error { message: format!("block {}: {}", l + 1, error.message), ..error })
            })
            .collect();
        let inverses = inverses?;
        let mut prefixes = vec![Fingerprint::of(&json!([]))];
        for (l, inverse) in inverses.iter().enumerate() {
            prefixes.push(Fingerprint::of(&json!({ "before": prefixes[l], "inverse": inverse })));
        }
        Ok(Self { inverses: inverses.into(), prefixes: prefixes.into(), network, split, training })
    }

    /// The network that it inverts.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What it was trained on.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// The reconstruction network of block `l` (from 1).
    pub fn inverse(&self, l: usize) -> &Inverse {
        &self.inverses[l - 1]
    }

    /// The trained reconstruction network of block `l` (from 1): arrays "weight" `[outputs, inputs]`, "bias"
    /// `[outputs]`, and "loss" `[steps]`, the mean squared error of every step's batch before the step.
    pub fn block(&self, l: usize) -> Described {
        train::describe(self, l)
    }

    /// Training steps of every block.
    pub fn steps(&self) -> usize {
        self.split.len().div_ceil(self.training.batch) * self.training.epochs as usize
    }

    /// What decides the numbers of blocks 1 to `depth` of the cascade.
    fn description(&self, depth: usize) -> serde_json::Value {
        let mut description = self.training_description();
        description["blocks"] = json!(self.network.prefix(depth));
        description["inverses"] = json!(self.prefixes[depth]);
        description
    }

    /// What decides how a block is trained, whichever it is.
    fn training_description(&self) -> serde_json::Value {
        let Training { epochs, batch, adam, seed, shuffle } = self.training;
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
