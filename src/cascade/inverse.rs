//! Which reconstruction network belongs to which block: the rules, in one place (numerics: the table of "Cascades").

use serde::Serialize;

use crate::kernels::Activation;
use crate::network::{Block, Layer};
use crate::{Error, Result};

/// A one-layer network from a block's output to its input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inverse {
    layers: Vec<Layer>,
}

impl Inverse {
    /// The inverse that was written for the block, or the one that the rules derive:
    ///
    /// | block | its reconstruction network |
    /// |---|---|
    /// | linear | linear (outputs → inputs) |
    /// | linear, activation | linear (outputs → inputs), the same activation |
    ///
    /// # Errors
    /// When no rule fits the block, or a written inverse does not lead from `output` to `input`.
    pub fn of(block: &Block, input: &[usize], output: &[usize]) -> Result<Self> {
        let layers = match (block.written_inverse(), block.layers()) {
            (Some(written), _) => written.to_vec(),
            (None, [Layer::Linear { inputs, outputs, .. }, rest @ ..])
                if rest.iter().all(|layer| matches!(layer, Layer::Activation { .. })) && rest.len() < 2 =>
            {
                let linear = Layer::Linear { inputs: *outputs, outputs: *inputs, bias: true };
                std::iter::once(linear).chain(rest.iter().cloned()).collect()
            }
            _ => {
                return Err(Error::new(format!("no rule inverts {block}"))
                    .hint("write its inverse: `block([…]).inverse([linear(outputs, inputs), tanh()])`"));
            }
        };
        let inverse = Self { layers };
        let mut shape = output.to_vec();
        for layer in &inverse.layers {
            shape = layer
                .output(&shape)
                .map_err(|error| Error { message: format!("inverse, {layer}: {}", error.message), ..error })?;
        }
        if shape.iter().product::<usize>() != input.iter().product::<usize>() {
            return Err(Error::new(format!("the inverse {inverse} gives {shape:?}, the block's input is {input:?}")));
        }
        inverse.linear().map(|_| inverse.clone())
    }

    /// Inputs, outputs, and the activation at its end: what can be trained so far.
    ///
    /// # Errors
    /// When it is something else than a linear layer and at most one activation.
    pub(super) fn linear(&self) -> Result<(usize, usize, Activation)> {
        match self.layers[..] {
            [Layer::Linear { inputs, outputs, bias: true }] => Ok((inputs, outputs, Activation::Identity)),
            [Layer::Linear { inputs, outputs, bias: true }, Layer::Activation { function }] => {
                Ok((inputs, outputs, function))
            }
            _ => Err(Error::new(format!("the inverse {self} cannot be trained"))
                .hint("an inverse is one linear layer with a bias, and at most one activation")),
        }
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", crate::network::list(&self.layers))
    }
}
