//! Cascades whose numbers come from a file, and what the file of a saved one says about it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ridge::{self, Ridge};
use super::{Cascade, Inverse, Solver};
use crate::data::Split;
use crate::network::{Architecture, Network, ParamSpec};
use crate::weights::{Naming, Wanted, WeightFile};
use crate::work::{Described, Provenance};
use crate::{Error, Result};

/// The key under which a file's header describes the cascade.
pub(crate) const METADATA_KEY: &str = "entroscope.cascade";

/// Numbers from a file.
#[derive(Debug, Clone)]
struct Loaded {
    file: String,
    /// The operations that read the reconstruction network of each block.
    blocks: Arc<[Described]>,
    /// How the numbers were found, as the file says.
    record: Value,
    keeps_relu_at_input: bool,
}

impl Solver for Loaded {
    fn adapt(&self, inverse: Inverse, network: &Architecture, l: usize) -> Result<Inverse> {
        if self.record["solver"]["name"] == ridge::NAME { Ridge::adapted(inverse, network, l) } else { Ok(inverse) }
    }

    fn keeps_relu_at_input(&self) -> bool {
        self.keeps_relu_at_input
    }

    fn solve(&self, _: &Cascade, l: usize) -> Described {
        self.blocks[l - 1].clone()
    }

    fn description(&self, _: &Split, depth: usize) -> Value {
        let weights: Vec<_> = self.blocks[..depth].iter().map(Described::fingerprint).collect();
        json!({ "weights": weights })
    }

    fn record(&self, _: &Split) -> Value {
        self.record.clone()
    }

    fn steps(&self, _: usize) -> usize {
        0
    }

    fn check_losses(&self) -> Result<()> {
        Err(Error::new("the cascade's weights come from a file, which holds no losses"))
    }

    fn provenance(&self) -> Provenance {
        Provenance { solvers: vec![format!("weights of {}", self.file)], ..Provenance::default() }
    }
}

impl Cascade {
    /// The cascade of a network whose reconstruction networks are in a file, as a saved cascade is; `split` only says what
    /// the pictures look like. `keeps_relu_at_input` is [`Solver::keeps_relu_at_input`] where the file does not say.
    ///
    /// # Errors
    /// When the data does not fit the network, or the file the cascade: every array that differs is named.
    pub fn loaded(network: Network, split: Split, file: WeightFile, keeps_relu_at_input: bool) -> Result<Self> {
        // A file from elsewhere may have no such header.
        let header = file.metadata(METADATA_KEY).and_then(|text| serde_json::from_str(text).ok());
        let header: Value = header.unwrap_or_default();
        let loaded = Loaded {
            file: file.name().to_owned(),
            blocks: Arc::new([]),
            record: header["training"].clone(),
            keeps_relu_at_input: header["relu_at_input"].as_bool().unwrap_or(keeps_relu_at_input),
        };
        let cascade = Self::new(network, split, loaded.clone())?;
        let inverses = cascade.inverses.iter().map(|inverse| json!(inverse));
        let differs =
            header["inverses"].as_array().map(|saved| inverses.zip(saved).position(|(own, saved)| own != *saved));
        if let Some(Some(l)) = differs {
            let (name, own) = (file.name(), cascade.inverse(l + 1));
            return Err(Error::new(format!("block {} of the cascade in {name} has another inverse than {own}", l + 1))
                .hint("give the network the blocks, and their inverses, that it had when the cascade was saved"));
        }
        let wanted = |l: usize| {
            let wanted =
                |spec: ParamSpec| Wanted { from: name_in_file(l, &spec.name), name: spec.name, shape: spec.shape };
            cascade.param_specs(l).into_iter().map(wanted).collect()
        };
        let wanted = (1..=cascade.deepest()).map(wanted).collect();
        let blocks = file.describe("the cascade", wanted, &Naming::default())?.into();
        Ok(Self { solver: Arc::new(Loaded { blocks, ..loaded }), ..cascade })
    }
}

/// The name of an array of block `l` (from 1) in a file. Blocks count from 0 there, as in PyTorch's `Sequential`.
pub(in crate::cascade) fn name_in_file(l: usize, array: &str) -> String {
    format!("{}.{array}", l - 1)
}
