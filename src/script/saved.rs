//! Weights to be saved: of a network, or of a cascade. Numbers that are drawn are drawn block by block, when they are
//! written.

use std::borrow::Cow;
use std::path::Path;

use crate::cascade::{self, Cascade};
use crate::executor::Computed;
use crate::network::Network;
use crate::weights::save;
use crate::work::{Described, Target, Value};
use crate::{Error, Result};

/// What has weights.
#[derive(Debug, Clone)]
pub(crate) enum Saved {
    Network(Network),
    Cascade(Box<Cascade>),
}

impl Saved {
    /// What makes the weights of block `l` (from 1), unless they are drawn or there are none.
    fn maker(&self, l: usize) -> Option<Described> {
        match self {
            Self::Network(network) => network.maker(l).filter(|_| !network.architecture().tensors(l).is_empty()),
            Self::Cascade(cascade) => (!cascade.tensors(l).is_empty()).then(|| cascade.block(l)),
        }
    }

    fn blocks(&self) -> usize {
        match self {
            Self::Network(network) => network.architecture().depth(),
            Self::Cascade(cascade) => cascade.deepest(),
        }
    }

    /// What has to be computed before they are saved under this name.
    pub fn targets(&self, path: &Path) -> Vec<Target> {
        let makers = (1..=self.blocks()).filter_map(|l| self.maker(l));
        makers.map(|result| Target { point: path.display().to_string(), result }).collect()
    }

    /// Writes them.
    ///
    /// # Errors
    /// When some of them could not be computed, or the file cannot be written.
    pub fn write(&self, path: &Path, computed: &Computed) -> Result<()> {
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
            (Self::Network(network), None) if network.architecture().tensors(l).is_empty() => Ok(Vec::new()),
            (Self::Network(network), None) => network.arrays(l, None),
            (Self::Cascade(_), None) => Ok(Vec::new()),
            (Self::Cascade(cascade), Some(made)) => {
                cascade.tensors(l).iter().map(|tensor| Ok(Cow::Borrowed(made.f32s(&tensor.name)?.1))).collect()
            }
        }
    }
}
