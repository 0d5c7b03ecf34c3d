//! Which reconstruction network belongs to which block: the rules, in one place (numerics: the table of "Cascades").

use serde::Serialize;

use crate::kernels::Activation;
use crate::network::{Block, Conv2d, Layer, list, list_output};
use crate::{Error, Result};

/// A small network from a block's output to its input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inverse {
    layers: Vec<Layer>,
}

impl Inverse {
    /// The inverse that was written for the block, or the one that the rules derive. They walk through the block's layers
    /// from the last to the first:
    ///
    /// | layer | its part of the reconstruction network |
    /// |---|---|
    /// | linear | linear (outputs → inputs), activation |
    /// | conv | conv-transpose, same kernel and stride, activation; cut to the size of the conv's input, half of it (rounded down) before |
    /// | conv-transpose | conv, same kernel and stride, padded to the size of its input, activation |
    /// | max-pool, average pool | conv-transpose, same kernel and stride |
    /// | adaptive pool | reversed where it repeats or keeps pixels; else as a pool of the size of its parts |
    /// | flatten, reshape | reshape |
    /// | circular pad | nothing where a layer before it in the block makes up for the size; else crop |
    /// | crop | as the circular pad; alone, conv-transpose |
    /// | residual | its body's |
    /// | batch norm, layer norm, dropout | nothing: the trained layer beside it makes up for them |
    ///
    /// The activation is the first one that follows the layer in the block; without one there is none.
    ///
    /// # Errors
    /// When no rule fits a layer, or a written inverse does not lead from `output` to `input`.
    pub fn of(block: &Block, input: &[usize], output: &[usize]) -> Result<Self> {
        let layers = match block.written_inverse() {
            Some(written) => written.to_vec(),
            None => Derivation::of(block.layers(), input, output)?,
        };
        let inverse = Self { layers };
        let shape = list_output(&inverse.layers, output)
            .map_err(|error| Error { message: format!("inverse, {}", error.message), ..error })?;
        if shape.iter().product::<usize>() != input.iter().product::<usize>() {
            return Err(Error::new(format!("the inverse {inverse} gives {shape:?}, the block's input is {input:?}")));
        }
        super::chain::check(&inverse.layers)?;
        Ok(inverse)
    }

    /// The same without the activation at its end, if that cannot give negative numbers: what leads to normalised
    /// pixels (numerics: the note on VGG16).
    #[must_use]
    pub fn reaching_below_zero(mut self) -> Self {
        if matches!(self.layers.last(), Some(Layer::Activation { function: Activation::Relu })) {
            self.layers.pop();
        }
        self
    }

    /// Layers that are known to lead back.
    pub(super) fn from_layers(layers: Vec<Layer>) -> Self {
        Self { layers }
    }

    /// Its layers, from the block's output to its input.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }
}

impl std::fmt::Display for Inverse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.layers.is_empty() { f.write_str("nothing to do") } else { f.write_str(&list(&self.layers)) }
    }
}

/// The inverse as far as it has been derived.
struct Derivation {
    layers: Vec<Layer>,
    /// What it leads to so far.
    shape: Vec<usize>,
    /// The first activation behind the layer at hand.
    activation: Option<Activation>,
}

impl Derivation {
    fn of(block: &[Layer], input: &[usize], output: &[usize]) -> Result<Vec<Layer>> {
        let mut derivation = Self { layers: Vec::new(), shape: output.to_vec(), activation: None };
        derivation.back_through(block, input)?;
        Ok(derivation.layers)
    }

    fn back_through(&mut self, layers: &[Layer], input: &[usize]) -> Result<()> {
        for (i, layer) in layers.iter().enumerate().rev() {
            let to = list_output(&layers[..i], input)?;
            let made_up_for = layers[..i].iter().any(|layer| layer.parameters() > 0);
            self.back(layer, &to, made_up_for)?;
        }
        Ok(())
    }

    /// One layer back, to the shape that it took.
    fn back(&mut self, layer: &Layer, to: &[usize], made_up_for: bool) -> Result<()> {
        match layer {
            Layer::Linear { inputs, outputs, .. } => {
                self.push(Layer::Linear { inputs: *outputs, outputs: *inputs, bias: true })?;
                self.activate();
            }
            Layer::Conv2d(conv) => {
                let Conv2d { inputs, outputs, kernel, stride, dilation, groups, .. } = *conv;
                let conv = Conv2d { stride, dilation, groups, ..Conv2d::new(outputs, inputs, kernel) };
                self.enlarge(conv, to)?;
                self.activate();
            }
            Layer::ConvTranspose2d(conv) => {
                let Conv2d { inputs, outputs, kernel, stride, dilation, groups, .. } = *conv;
                let conv = Conv2d { stride, dilation, groups, ..Conv2d::new(outputs, inputs, kernel) };
                let lacks = |i: usize| ((to[i] - 1) * stride + conv.span()).checked_sub(self.shape[i]);
                let (Some(lacks), true) = (lacks(1), lacks(1) == lacks(2)) else {
                    return Err(no_rule(layer, "its output is larger than the windows that it came from"));
                };
                self.push(Layer::Conv2d(Conv2d { before: lacks / 2, after: lacks - lacks / 2, ..conv }))?;
                self.activate();
            }
            Layer::MaxPool(pool) | Layer::AvgPool(pool) => {
                let conv = Conv2d { stride: pool.stride, ..Conv2d::new(to[0], to[0], pool.kernel) };
                self.enlarge(conv, to)?;
            }
            Layer::AdaptiveAvgPool { size } if to[1..] == *size => {}
            Layer::AdaptiveAvgPool { size } if (1..3).all(|i| size[i - 1].is_multiple_of(to[i])) => {
                self.push(Layer::AdaptiveAvgPool { size: [to[1], to[2]] })?;
            }
            Layer::AdaptiveAvgPool { size } if to[1].is_multiple_of(size[0]) && to[1] * size[1] == to[2] * size[0] => {
                let part = to[1] / size[0];
                self.push(Layer::ConvTranspose2d(Conv2d { stride: part, ..Conv2d::new(to[0], to[0], part) }))?;
            }
            Layer::AdaptiveAvgPool { .. } => return Err(no_rule(layer, "its parts are not all of one size")),
            Layer::Flatten | Layer::Reshape { .. } => self.push(Layer::Reshape { shape: to.to_vec() })?,
            Layer::CircularPad { .. } | Layer::Crop { .. } if made_up_for => {}
            Layer::CircularPad { pad } => self.push(Layer::Crop { before: *pad, after: *pad })?,
            Layer::Crop { before, after } => {
                self.enlarge(Conv2d::new(to[0], to[0], before + after + 1), to)?;
            }
            Layer::Residual { body, .. } => {
                if !body.iter().any(|layer| layer.parameters() > 0) {
                    return Err(no_rule(layer, "its body has no weights"));
                }
                self.back_through(body, to)?;
            }
            Layer::Activation { function } => self.activation = Some(*function),
            Layer::BatchNorm { .. } | Layer::LayerNorm { .. } | Layer::Dropout { .. } => {}
            Layer::Softmax => return Err(no_rule(layer, "what it divides by is lost")),
        }
        Ok(())
    }

    fn push(&mut self, layer: Layer) -> Result<()> {
        self.shape = list_output(std::slice::from_ref(&layer), &self.shape)?;
        self.layers.push(layer);
        Ok(())
    }

    fn activate(&mut self) {
        self.layers.extend(self.activation.map(|function| Layer::Activation { function }));
    }

    /// A transposed convolution that leads to an image of `to`: of a larger kernel, if the windows do not reach so far;
    /// cut, if they reach further, half of it before (numerics: 1 pixel on each side at stride 1, 1 at the end at
    /// stride 2).
    fn enlarge(&mut self, conv: Conv2d, to: &[usize]) -> Result<()> {
        let reach = |i: usize, conv: &Conv2d| (self.shape[i] - 1) * conv.stride + conv.span();
        let short = (1..3).map(|i| to[i].saturating_sub(reach(i, &conv))).max().unwrap_or(0);
        let conv = Conv2d { kernel: conv.kernel + short.div_ceil(conv.dilation), ..conv };
        let [high, wide] = [1, 2].map(|i| reach(i, &conv) - to[i]);
        let cut = high.min(wide);
        self.push(Layer::ConvTranspose2d(Conv2d { before: cut / 2, after: cut - cut / 2, ..conv }))?;
        match (self.shape[1] - to[1], self.shape[2] - to[2]) {
            (0, 0) => Ok(()),
            _ => Err(Error::new(format!(
                "no rule leads from {:?} to {to:?}: height and width differ in what is left over",
                self.shape
            ))
            .hint("write its inverse: `block([…]).inverse([conv_transpose2d(…)])`")),
        }
    }
}

fn no_rule(layer: &Layer, reason: &str) -> Error {
    Error::new(format!("no rule inverts {layer}: {reason}"))
        .hint("write the block's inverse: `block([…]).inverse([linear(outputs, inputs), tanh()])`")
}
