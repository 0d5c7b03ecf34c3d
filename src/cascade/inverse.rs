//! The layers of a block's reconstruction network.

use serde::Serialize;

use crate::kernels::Activation;
use crate::network::{Block, Layer, ParamSpec, derive_inverse, sequence};
use crate::{Error, Result};

/// A small network from a block's output to its input, without its numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inverse {
    layers: Vec<Layer>,
    /// Of its layers; counted once, because it is asked for at every block of deep networks.
    #[serde(skip)]
    parameters: usize,
}

impl Inverse {
    /// The inverse that was written for the block, or the one that the rules of its layers derive (the table is in
    /// `network/layers/inverse.rs`). `input` and `output` are the block's shapes.
    ///
    /// # Errors
    /// When no rule fits a layer, or a written inverse does not lead from `output` to `input`.
    pub fn for_block(block: &Block, input: &[usize], output: &[usize]) -> Result<Self> {
        let layers = match block.written_inverse() {
            Some(written) => written.to_vec(),
            None => derive_inverse(block.layers(), input, output)?,
        };
        let inverse = Self::from_layers(layers);
        let shape = sequence::output_shape(&inverse.layers, output)
            .map_err(|error| Error { message: format!("inverse, {}", error.message), ..error })?;
        if shape.iter().product::<usize>() != input.iter().product::<usize>() {
            return Err(Error::new(format!("the inverse {inverse} gives {shape:?}, the block's input is {input:?}")));
        }
        inverse.check_trainable()?;
        Ok(inverse)
    }

    /// Checks that gradients pass all layers behind the first that has weights.
    fn check_trainable(&self) -> Result<()> {
        let (_, rest) = self.split_at_weights();
        match rest.iter().find(|layer| layer.kind().trainable().is_none()) {
            None => Ok(()),
            Some(layer) => Err(Error::new(format!("the inverse cannot be trained through {layer}")).hint(
                "behind its first weights, an inverse has linear layers, convolutions and transposed ones, activations, `flatten`, `reshape` and `crop`",
            )),
        }
    }

    /// The same without a relu at its end: pixels may be negative once they are normalised, as those of VGG16 are. Published
    /// cascades keep it.
    #[must_use]
    pub fn reaching_below_zero(mut self) -> Self {
        if self.last_activation() == Some(Activation::Relu) {
            self.layers.pop();
        }
        self
    }

    /// Layers that are known to lead from a block's output to its input.
    pub(super) fn from_layers(layers: Vec<Layer>) -> Self {
        Self { parameters: sequence::parameters(&layers), layers }
    }

    /// Its layers, from the block's output to its input.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers before the first that has weights, and the others.
    pub(super) fn split_at_weights(&self) -> (&[Layer], &[Layer]) {
        self.layers.split_at(sequence::before_weights(&self.layers))
    }

    /// The activation that it ends in.
    pub fn last_activation(&self) -> Option<Activation> {
        sequence::last_activation(&self.layers)
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Its arrays: "weight" and "bias" where one layer has weights, "0.weight" and so on where several have.
    pub fn param_specs(&self) -> Vec<ParamSpec> {
        let single = self.layers.iter().filter(|layer| layer.parameters() > 0).count() == 1;
        let name = |name: String| match name.rsplit_once('.') {
            Some((_, array)) if single => array.to_owned(),
            _ => name,
        };
        let all = sequence::param_specs(&self.layers, "").into_iter();
        all.map(|spec| ParamSpec { name: name(spec.name), ..spec }).collect()
    }
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&if self.layers.is_empty() { "nothing to do".to_owned() } else { sequence::in_words(&self.layers) })
    }
}
