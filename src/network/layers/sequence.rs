//! Layers in a row: their shapes, arrays and cost.

use super::{Layer, Linear, ParamSpec};
use crate::kernels::Activation;
use crate::{Error, Result};

/// The shape of the last layer's output; an error names the layer.
pub(crate) fn output_shape(layers: &[Layer], input: &[usize]) -> Result<Vec<usize>> {
    layers.iter().try_fold(input.to_vec(), |shape, layer| {
        layer.output_shape(&shape).map_err(|error| Error { message: format!("{layer}: {}", error.message), ..error })
    })
}

/// The arrays of all layers, each name preceded by `prefix` and the layer's number.
pub(crate) fn param_specs(layers: &[Layer], prefix: &str) -> Vec<ParamSpec> {
    let of_layer = |(i, layer): (usize, &Layer)| {
        layer
            .param_specs()
            .into_iter()
            .map(move |spec| ParamSpec { name: format!("{prefix}{i}.{}", spec.name), ..spec })
    };
    layers.iter().enumerate().flat_map(of_layer).collect()
}

/// Trainable numbers.
pub(crate) fn parameters(layers: &[Layer]) -> usize {
    layers.iter().map(Layer::parameters).sum()
}

/// Floating-point operations for one sample.
pub(crate) fn operations(layers: &[Layer], input: &[usize]) -> f64 {
    let mut shape = input.to_vec();
    let mut sum = 0.0;
    for layer in layers {
        sum += layer.operations(&shape);
        shape = layer.output_shape(&shape).unwrap_or_default();
    }
    sum
}

/// Numbers that the layers, inner ones of residuals included, compute for one sample.
pub(crate) fn numbers(layers: &[Layer], input: &[usize]) -> usize {
    let mut shape = input.to_vec();
    let mut sum = 0;
    for layer in layers {
        sum += layer.kind().inner_numbers(&shape);
        shape = layer.output_shape(&shape).unwrap_or_default();
        sum += shape.iter().product::<usize>();
    }
    sum
}

/// How many layers stand before the first that has weights.
pub(crate) fn before_weights(layers: &[Layer]) -> usize {
    layers.iter().position(|layer| layer.parameters() > 0).unwrap_or(layers.len())
}

/// The activation that the layers end in.
pub(crate) fn last_activation(layers: &[Layer]) -> Option<Activation> {
    layers.last().and_then(|layer| layer.kind().as_activation())
}

/// Where there is a linear layer, and no more than an activation behind it: these two.
pub(crate) fn as_linear(layers: &[Layer]) -> Option<(Linear, Activation)> {
    match layers {
        [linear] => Some((linear.kind().as_linear()?, Activation::Identity)),
        [linear, activation] => Some((linear.kind().as_linear()?, activation.kind().as_activation()?)),
        _ => None,
    }
}

/// The layers as messages and tables write them.
pub(crate) fn in_words(layers: &[Layer]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}
