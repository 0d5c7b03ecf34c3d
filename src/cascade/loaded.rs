//! Cascades in files: what a saved one says of itself, and one whose numbers come from a file instead of training.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Cascade, Source, ridge};
use crate::data::Split;
use crate::network::Network;
use crate::weights::{Naming, Wanted, WeightFile};
use crate::work::Described;
use crate::{Error, Result};

/// Under which key a file's header describes the cascade.
pub(crate) const METADATA_KEY: &str = "entroscope.cascade";

/// Numbers from a file.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// What reads the reconstruction network of each block.
    blocks: Arc<[Described]>,
    /// How they came about, as the file says.
    training: Value,
}

impl Loaded {
    pub(super) fn block(&self, l: usize) -> Described {
        self.blocks[l - 1].clone()
    }

    pub(super) fn is_solved(&self) -> bool {
        self.training["solver"]["name"] == ridge::NAME
    }

    /// What decides the numbers of blocks 1 to `depth`, beside the blocks and inverses themselves.
    pub(super) fn description(&self, depth: usize) -> Value {
        let weights: Vec<_> = self.blocks[..depth].iter().map(Described::fingerprint).collect();
        json!({ "weights": weights })
    }
}

impl Cascade {
    /// The cascade of a network whose reconstruction networks are in a file, as a saved cascade is; `split` says what its
    /// pictures look like. Where the file does not say whether
    /// the first block's inverse keeps its relu, `relu_at_input` does.
    ///
    /// # Errors
    /// When the data does not fit the network, or the file the cascade: every array that differs is named.
    pub fn loaded(network: Network, split: Split, file: WeightFile, relu_at_input: bool) -> Result<Self> {
        // A file that somebody else wrote may say nothing.
        let said: Value =
            file.metadata(METADATA_KEY).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let relu_at_input = said["relu_at_input"].as_bool().unwrap_or(relu_at_input);
        let nothing = Loaded { blocks: Arc::new([]), training: said["training"].clone() };
        let cascade = Self::of(network, split, Source::Loaded(nothing.clone()), relu_at_input)?;
        let inverses = cascade.inverses.iter().map(|inverse| json!(inverse));
        let differs = said["inverses"].as_array().map(|said| inverses.zip(said).position(|(own, said)| own != *said));
        if let Some(Some(l)) = differs {
            let (name, own) = (file.name(), cascade.inverse(l + 1));
            return Err(Error::new(format!("block {} of the cascade in {name} has another inverse than {own}", l + 1))
                .hint("give the network the blocks, and their inverses, that it had when the cascade was saved"));
        }
        let wanted = |l: usize| {
            let tensors = cascade.tensors(l).into_iter();
            tensors
                .map(|tensor| Wanted { from: file_name(l, &tensor.name), name: tensor.name, shape: tensor.shape })
                .collect()
        };
        let wanted = (1..=cascade.deepest()).map(wanted).collect();
        let blocks = file.describe("the cascade", wanted, &Naming::default())?.into();
        Ok(Self { source: Source::Loaded(Loaded { blocks, ..nothing }), ..cascade })
    }

    /// What a file's header says of the cascade in it.
    pub(crate) fn metadata(&self) -> Value {
        let training = match &self.source {
            Source::Trained(training) => self.training_description(training),
            Source::Solved(ridge) => self.ridge_description(*ridge),
            Source::Loaded(loaded) => loaded.training.clone(),
        };
        let first = self.inverses.first();
        let below_zero = first.is_some_and(|inverse| *inverse == inverse.clone().reaching_below_zero());
        json!({ "inverses": *self.inverses, "relu_at_input": !below_zero, "training": training })
    }

    /// All arrays, by the names that they have in a file, with their shapes.
    pub(crate) fn named_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let of_block = |l| self.tensors(l).into_iter().map(move |tensor| (file_name(l, &tensor.name), tensor.shape));
        (1..=self.deepest()).flat_map(of_block).collect()
    }

    /// # Errors
    /// When block `l` (from 1) was not trained here.
    pub fn check_losses(&self, l: usize) -> Result<()> {
        self.check_depth(l)?;
        match &self.source {
            _ if self.inverse(l).parameters() == 0 => {
                Err(Error::new(format!("block {l} has nothing to train: its inverse is {}", self.inverse(l))))
            }
            Source::Loaded(_) => Err(Error::new("the cascade's weights come from a file, which holds no losses")),
            Source::Trained(_) | Source::Solved(_) => Ok(()),
        }
    }
}

/// Blocks count from 0, as in PyTorch's `Sequential`.
fn file_name(l: usize, array: &str) -> String {
    format!("{}.{array}", l - 1)
}
