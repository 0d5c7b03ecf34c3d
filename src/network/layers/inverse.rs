//! Reconstruction networks derived from blocks: what the rules of the layers build on.

use super::{Conv2d, ConvTranspose2d, Layer, Scale, sequence};
use crate::kernels::Activation;
use crate::{Error, Result};

/// The layers that lead from a block's output back to its input, as far as they have been derived. They are derived from
/// the block's last layer to its first, by one rule for each kind of layer ([`LayerKind::invert`](super::LayerKind::invert)):
///
/// | layer | its part of the reconstruction network |
/// |---|---|
/// | linear | linear (outputs → inputs), activation |
/// | conv | conv-transpose, same kernel and stride, activation; cut to the size of the conv's input, half of it (rounded down) before |
/// | conv-transpose | conv, same kernel and stride, padded to the size of its input, activation |
/// | max-pool, average pool | conv-transpose, same kernel and stride |
/// | adaptive pool | reversed where it repeats or keeps pixels; else as a pool of the size of its parts |
/// | flatten, reshape | reshape |
/// | circular pad | nothing where a layer with weights before it in the block makes up for the size; else crop |
/// | crop | as the circular pad; alone, conv-transpose |
/// | residual | its body's; the last one ends in the activation that follows the residual |
/// | patches | reshape, then as a conv |
/// | permute | permute |
/// | scale | nothing where a trained layer of the inverse makes up for it; else scale by 1/factor |
/// | batch norm, group norm, layer norm, RMS norm, dropout | nothing: the trained layer beside it makes up for them |
/// | softmax | none: its divisor is lost |
///
/// The activation is the first one that follows the layer in the block; without one there is none. The published cascades
/// (arXiv:2406.12916) are those of linear, conv, residual, max-pool and flatten.
pub(crate) struct InverseBuilder {
    layers: Vec<Layer>,
    /// The shape that they lead to so far.
    shape: Vec<usize>,
    /// The first activation behind the layer at hand.
    activation: Option<Activation>,
    /// The product of all `scale`s.
    factor: f64,
}

/// The inverse of a block's layers, from `output` to `input`.
///
/// # Errors
/// When no rule fits a layer.
pub(crate) fn derive_inverse(block: &[Layer], input: &[usize], output: &[usize]) -> Result<Vec<Layer>> {
    let mut inverse = InverseBuilder { layers: Vec::new(), shape: output.to_vec(), activation: None, factor: 1.0 };
    inverse.invert_all(block, input)?;
    let factor = inverse.factor;
    if factor != 1.0 && sequence::parameters(&inverse.layers) == 0 {
        let Ok(back) = Scale::new(1.0 / factor) else {
            return Err(no_rule(&Scale { factor }, "it leaves nothing of its input in single precision"));
        };
        inverse.push(back)?;
    }
    Ok(inverse.layers)
}

impl InverseBuilder {
    /// Inverts layers in a row, the last first; `input` is the shape of the first one's input.
    ///
    /// # Errors
    /// When no rule fits a layer.
    pub(super) fn invert_all(&mut self, layers: &[Layer], input: &[usize]) -> Result<()> {
        for (i, layer) in layers.iter().enumerate().rev() {
            let input = sequence::output_shape(&layers[..i], input)?;
            layer.kind().invert(self, &input, sequence::parameters(&layers[..i]) > 0)?;
        }
        Ok(())
    }

    /// Inverts the body of a residual, which starts from the residual's input: its inverse ends in the activation behind the
    /// residual, not in one of its own, whose range the input may leave.
    ///
    /// # Errors
    /// When no rule fits a layer.
    pub(super) fn invert_body(&mut self, body: &[Layer], input: &[usize]) -> Result<()> {
        let (start, outer) = (self.layers.len(), self.activation.clone());
        self.invert_all(body, input)?;
        let trained = self.layers[start..].iter().rposition(|layer| layer.parameters() > 0);
        if let Some(behind) = trained.map(|last| start + last + 1)
            && self.layers.get(behind).is_some_and(|layer| layer.kind().as_activation().is_some())
        {
            self.layers.splice(behind..=behind, outer.clone().map(Layer::from));
        }
        self.activation = outer;
        Ok(())
    }

    /// The shape that the layers lead to so far.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Appends a layer.
    ///
    /// # Errors
    /// When it does not fit those before it.
    pub(super) fn push(&mut self, layer: impl Into<Layer>) -> Result<()> {
        let layer = layer.into();
        self.shape = sequence::output_shape(std::slice::from_ref(&layer), &self.shape)?;
        self.layers.push(layer);
        Ok(())
    }

    /// Layers with weights that stand before it in the block end in this activation.
    pub(super) fn set_activation(&mut self, function: Activation) {
        self.activation = Some(function);
    }

    /// The block multiplies by a factor.
    pub(super) fn divide_by(&mut self, factor: f64) {
        self.factor *= factor;
    }

    /// Appends the activation that a layer with weights ends in, if any.
    pub(super) fn push_activation(&mut self) {
        self.layers.extend(self.activation.clone().map(Layer::from));
    }

    /// Appends a transposed convolution that leads to an image of shape `to`. Where its windows do not reach so far, its
    /// kernel grows; where they reach further, the image is cut, half of it (rounded down) before: 1 pixel on each side for
    /// the inverse of a 3×3 convolution of stride 1, 1 at the end for stride 2.
    ///
    /// # Errors
    /// When height and width differ in what is left over.
    pub(super) fn enlarge(&mut self, conv: Conv2d, to: &[usize]) -> Result<()> {
        let reach = |i: usize, conv: &Conv2d| (self.shape[i] - 1) * conv.stride + conv.span();
        let short = (1..3).map(|i| to[i].saturating_sub(reach(i, &conv))).max().unwrap_or(0);
        let conv = Conv2d { kernel: conv.kernel + short.div_ceil(conv.dilation), ..conv };
        let [high, wide] = [1, 2].map(|i| reach(i, &conv) - to[i]);
        let cut = high.min(wide);
        self.push(ConvTranspose2d(Conv2d { before: cut / 2, after: cut - cut / 2, ..conv }))?;
        match (self.shape[1] - to[1], self.shape[2] - to[2]) {
            (0, 0) => Ok(()),
            _ => Err(Error::new(format!(
                "no inverse from {:?} to {to:?}: height and width differ in what is left over",
                self.shape
            ))
            .hint("write its inverse: `block([…]).inverse([conv_transpose2d(…)])`")),
        }
    }
}

/// The error of a layer that no rule inverts.
pub(super) fn no_rule(layer: &dyn std::fmt::Display, reason: &str) -> Error {
    Error::new(format!("no rule inverts {layer}: {reason}"))
        .hint("write the block's inverse: `block([…]).inverse([linear(outputs, inputs), tanh()])`")
}
