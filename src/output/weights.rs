//! The weights of a network or a cascade, saved to a file. Random initial weights are drawn block by block while the
//! file is written.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Filled, Output};
use crate::cascade::{self, Cascade};
use crate::executor::Computed;
use crate::network::Network;
use crate::weights::save;
use crate::work::{Described, Target, Value};
use crate::{Error, Result};

/// The owner of the weights.
#[derive(Debug, Clone)]
pub enum Weights {
    Network(Network),
    Cascade(Box<Cascade>),
}

/// Weights saved in the run folder, as a `.safetensors` file.
#[derive(Debug, Clone)]
pub struct SavedWeights {
    pub weights: Weights,
    pub path: PathBuf,
}

impl Output for SavedWeights {
    fn kind(&self) -> &'static str {
        "weights"
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn targets(&self) -> Vec<Target> {
        let makers = (1..=self.weights.blocks()).filter_map(|l| self.weights.maker(l));
        makers.map(|result| Target { point: self.name(), result }).collect()
    }

    /// Empty: weights are only written.
    fn fill(&self, _: &Computed) -> Result<Filled> {
        Ok(Filled::default())
    }

    fn write(&self, folder: &Path, _: &Filled, computed: &Computed) -> Result<Vec<PathBuf>> {
        let path = folder.join(&self.path);
        self.weights.write(&path, computed)?;
        Ok(vec![path])
    }

    fn needs_results(&self) -> bool {
        false
    }

    /// Unchanged: a network is small, and the descriptions of its blocks are made from it on demand.
    fn named(&self, _: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
        Arc::new(self.clone())
    }
}

impl Weights {
    /// The description of the weights of block `l`, from 1; `None` if they are drawn or there are none.
    fn maker(&self, l: usize) -> Option<Described> {
        match self {
            Self::Network(network) => {
                network.weights_op(l).filter(|_| !network.architecture().param_specs(l).is_empty())
            }
            Self::Cascade(cascade) => (!cascade.param_specs(l).is_empty()).then(|| cascade.block(l)),
        }
    }

    fn blocks(&self) -> usize {
        match self {
            Self::Network(network) => network.architecture().depth(),
            Self::Cascade(cascade) => cascade.deepest(),
        }
    }

    fn write(&self, path: &Path, computed: &Computed) -> Result<()> {
        let blocks = (1..=self.blocks()).map(|l| {
            let value = match self.maker(l) {
                Some(maker) => match computed.get(&maker.fingerprint()) {
                    Some(Ok(value)) => Some(value.as_ref()),
                    Some(Err(error)) => return Err(error.clone()),
                    None => return Err(Error::interrupted()),
                },
                None => None,
            };
            self.arrays(l, value)
        });
        match self {
            Self::Network(network) => save(path, &network.architecture().named_shapes(), &[], blocks),
            Self::Cascade(cascade) => {
                let metadata = (cascade::METADATA_KEY, cascade.metadata().to_string());
                save(path, &cascade.named_shapes(), &[metadata], blocks)
            }
        }
    }

    fn arrays<'a>(&self, l: usize, made: Option<&'a Value>) -> Result<Vec<Cow<'a, [f32]>>> {
        match (self, made) {
            (Self::Network(network), Some(_)) => network.arrays(l, made),
            (Self::Network(network), None) if network.architecture().param_specs(l).is_empty() => Ok(Vec::new()),
            (Self::Network(network), None) => network.arrays(l, None),
            (Self::Cascade(_), None) => Ok(Vec::new()),
            (Self::Cascade(cascade), Some(made)) => {
                cascade.param_specs(l).iter().map(|spec| Ok(Cow::Borrowed(made.f32s(&spec.name)?.1))).collect()
            }
        }
    }
}
