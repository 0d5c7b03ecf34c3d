//! A block of an infinitely wide network: what its layers do to samples, and how its cascade leads back through it.

use super::step::{Finder, Step, Units};
use crate::network::{Block, Layer, OwnSchemes};
use crate::theory::Nonlinearity;
use crate::{Error, Result};

/// A block of the network.
#[derive(Debug, Clone)]
pub(super) struct BlockSteps {
    pub steps: Vec<Step>,
    /// The invertible activation that it ends in: the next block's reconstruction network gives back its input.
    pub ends_in: Option<Nonlinearity>,
    pub way_back: WayBack,
    /// Units of its output, from which λ has its meaning.
    pub width: usize,
}

/// How a block is inverted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WayBack {
    /// By ridge regression.
    Regression,
    /// The block multiplies its input by this; 1 where it only rearranges it.
    Factor(f64),
}

impl BlockSteps {
    /// Those of a block of `width` outputs after `units`, and the units after it.
    ///
    /// # Errors
    /// When a layer has no kernel here, or the block no inverse. The message goes on after "block 3".
    pub fn new(block: &Block, width: usize, finder: Finder<'_>, units: Units) -> Result<(Self, Units)> {
        if block.written_inverse().is_some() {
            return Err(Error::new(": its inverse is written, and an infinitely wide network finds its own")
                .hint("leave out `.inverse(…)`, or draw the network with `.init(…)`"));
        }
        let (mut steps, after) = finder
            .steps(block.layers(), OwnSchemes::default(), units)
            .map_err(|error| Error { message: format!(", {}", error.message), ..error })?;
        if !steps.iter().any(Step::has_weights) {
            let mut factor = 1.0;
            for step in &steps {
                match step {
                    Step::Scale(by) if *by != 0.0 => factor *= by,
                    _ => {
                        return Err(Error::new(" has no linear layer, so there is nothing to regress on")
                            .hint("make it one block with the linear layer before it: `block([linear(…), tanh()])`"));
                    }
                }
            }
            return Ok((Self { steps, ends_in: None, way_back: WayBack::Factor(factor), width }, after));
        }
        let last = block.layers().iter().rev().find(|layer| {
            let (layer, _) = layer.without_schemes();
            !matches!(layer, Layer::Flatten(_) | Layer::Reshape(_) | Layer::Permute(_))
        });
        let is_invertible =
            last.and_then(|layer| layer.kind().as_activation()).is_some_and(|function| function.is_invertible());
        let ends_in = match steps.pop() {
            Some(Step::Activation(function)) if is_invertible => Some(function),
            other => {
                steps.extend(other);
                None
            }
        };
        Ok((Self { steps, ends_in, way_back: WayBack::Regression, width }, after))
    }
}
