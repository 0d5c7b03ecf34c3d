//! The layers that blocks are made of, and what each does to a shape.

use serde::Serialize;

use super::convolution::{Conv2d, Pool, image};
use crate::kernels::Activation;
use crate::{Error, Result};

/// One layer, as a description. Images are `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "layer")]
pub enum Layer {
    /// y = W x + b, W of shape `[outputs, inputs]`.
    Linear { inputs: usize, outputs: usize, bias: bool },
    /// Element by element.
    Activation { function: Activation },
    /// Weight `[outputs, inputs / groups, kernel, kernel]`.
    Conv2d(Conv2d),
    /// Weight `[inputs, outputs / groups, kernel, kernel]`.
    ConvTranspose2d(Conv2d),
    /// The largest number of each window.
    MaxPool(Pool),
    /// The mean of each window, the zeros around the image included.
    AvgPool(Pool),
    /// Means over windows that cut the image into `size`.
    AdaptiveAvgPool { size: [usize; 2] },
    /// One row of numbers, channel by channel.
    Flatten,
    /// The same numbers, otherwise arranged.
    Reshape { shape: Vec<usize> },
    /// Pixels from the opposite side, on every side.
    CircularPad { pad: usize },
    /// Takes pixels off: so many before, so many after, in height and width.
    Crop { before: usize, after: usize },
    /// x + body(x), or projection(x) + body(x).
    Residual { body: Vec<Layer>, projection: Vec<Layer> },
    /// Each channel less its running mean, by its running standard deviation; then scale and shift.
    BatchNorm { features: usize, epsilon: f64 },
    /// Each sample less its mean, by its standard deviation; then scale and shift of every number.
    LayerNorm { shape: Vec<usize>, epsilon: f64 },
    /// While the network is trained, numbers are left out at this rate; otherwise nothing.
    Dropout { rate: f64 },
    /// eˣ over its sum over the channels.
    Softmax,
}

/// One array of a layer's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Such as "weight"; within a residual, "0.weight" and "projection.0.weight".
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: TensorKind,
}

/// What the numbers are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TensorKind {
    /// So many products end in one sum.
    Weight {
        fan_in: f64,
    },
    Bias,
    /// A normalisation's, 1 at first.
    Scale,
    /// A normalisation's, 0 at first.
    Shift,
    /// What batches had on average; 0 and 1 at first, and not trained by gradient.
    RunningMean,
    RunningVariance,
}

impl TensorKind {
    /// Whether gradients change it.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

impl Layer {
    /// The shape that comes out, without the batch.
    ///
    /// # Errors
    /// When `input` does not fit; the message says what was expected and what was found.
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let numbers: usize = input.iter().product();
        match self {
            Self::Linear { inputs, outputs, .. } if *input == [*inputs] => Ok(vec![*outputs]),
            Self::Linear { inputs, .. } => {
                let error = Error::new(format!("expects an input of shape [{inputs}], got {input:?}"));
                Err(if input.len() > 1 && numbers == *inputs {
                    error.hint("images are flattened for you at the network's input, not between blocks: put a `flatten()` before it")
                } else {
                    error
                })
            }
            Self::Activation { .. } | Self::Dropout { .. } | Self::Softmax => Ok(input.to_vec()),
            Self::Conv2d(conv) => conv.output(input),
            Self::ConvTranspose2d(conv) => conv.transposed_output(input),
            Self::MaxPool(pool) | Self::AvgPool(pool) => pool.output(input),
            Self::AdaptiveAvgPool { size } => {
                image(input, input[0])?;
                Ok(vec![input[0], size[0], size[1]])
            }
            Self::Flatten => Ok(vec![numbers]),
            Self::Reshape { shape } if shape.iter().product::<usize>() == numbers => Ok(shape.clone()),
            Self::Reshape { shape } => {
                Err(Error::new(format!("{numbers} numbers of shape {input:?} are not {shape:?}")))
            }
            Self::CircularPad { pad } => {
                let [height, width] = image(input, input[0])?;
                if *pad > height.min(width) {
                    return Err(Error::new(format!("goes round an image of {height}×{width} more than once")));
                }
                Ok(vec![input[0], height + 2 * pad, width + 2 * pad])
            }
            Self::Crop { before, after } => {
                let [height, width] = image(input, input[0])?;
                let less = |size: usize| size.checked_sub(before + after).filter(|&size| size > 0);
                match (less(height), less(width)) {
                    (Some(height), Some(width)) => Ok(vec![input[0], height, width]),
                    _ => Err(Error::new(format!("leaves nothing of an image of {height}×{width}"))),
                }
            }
            Self::Residual { body, projection } => {
                let (around, through) = (list_output(projection, input)?, list_output(body, input)?);
                if around == through {
                    return Ok(through);
                }
                let message = format!("its body gives {through:?}, which is not added to {around:?}");
                Err(Error::new(message).hint("`residual(body, projection)` brings the input to the body's shape"))
            }
            Self::BatchNorm { features, .. } => match *input {
                [n] | [n, _, _] if n == *features => Ok(input.to_vec()),
                _ => Err(Error::new(format!("expects {features} channels, got {input:?}"))),
            },
            Self::LayerNorm { shape, .. } if input == shape => Ok(shape.clone()),
            Self::LayerNorm { shape, .. } => {
                Err(Error::new(format!("expects an input of shape {shape:?}, got {input:?}")))
            }
        }
    }

    /// The layer's arrays, in the order in which they are kept.
    pub fn tensors(&self) -> Vec<Tensor> {
        let tensor = |name: &str, shape: Vec<usize>, kind| Tensor { name: name.to_owned(), shape, kind };
        let pair = |shape: Vec<usize>, fan_in: f64, outputs: usize, bias: bool| {
            let weight = tensor("weight", shape, TensorKind::Weight { fan_in });
            std::iter::once(weight).chain(bias.then(|| tensor("bias", vec![outputs], TensorKind::Bias))).collect()
        };
        match self {
            Self::Linear { inputs, outputs, bias } => pair(vec![*outputs, *inputs], *inputs as f64, *outputs, *bias),
            Self::Conv2d(c) => {
                let inputs = c.inputs / c.groups;
                let fan_in = (inputs * c.kernel * c.kernel) as f64;
                pair(c.weight_shape().to_vec(), fan_in, c.outputs, c.bias)
            }
            Self::ConvTranspose2d(c) => {
                // Every pixel that comes out sees one window of kernel/stride pixels on a side.
                let fan_in = (c.inputs / c.groups * c.kernel * c.kernel) as f64 / (c.stride * c.stride) as f64;
                pair(c.transposed_weight_shape().to_vec(), fan_in, c.outputs, c.bias)
            }
            Self::BatchNorm { features, .. } => vec![
                tensor("weight", vec![*features], TensorKind::Scale),
                tensor("bias", vec![*features], TensorKind::Shift),
                tensor("running_mean", vec![*features], TensorKind::RunningMean),
                tensor("running_var", vec![*features], TensorKind::RunningVariance),
            ],
            Self::LayerNorm { shape, .. } => vec![
                tensor("weight", shape.clone(), TensorKind::Scale),
                tensor("bias", shape.clone(), TensorKind::Shift),
            ],
            Self::Residual { body, projection } => {
                list_tensors(body, "").into_iter().chain(list_tensors(projection, "projection.")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Linear { inputs, outputs, bias } => inputs * outputs + if *bias { *outputs } else { 0 },
            Self::Conv2d(conv) | Self::ConvTranspose2d(conv) => conv.parameters(),
            Self::BatchNorm { features, .. } => 2 * features,
            Self::LayerNorm { shape, .. } => 2 * shape.iter().product::<usize>(),
            Self::Residual { body, projection } => body.iter().chain(projection).map(Self::parameters).sum(),
            _ => 0,
        }
    }

    /// Floating-point operations for one sample of shape `input`; element-wise ones do not count.
    pub fn operations(&self, input: &[usize]) -> f64 {
        let output = || self.output(input).unwrap_or_default();
        match self {
            Self::Linear { .. } => 2.0 * self.parameters() as f64,
            Self::Conv2d(conv) => conv.products(input, &output()).operations(),
            Self::ConvTranspose2d(conv) => conv.transposed_products(input, &output()).operations(),
            Self::Residual { body, projection } => list_operations(body, input) + list_operations(projection, input),
            _ => 0.0,
        }
    }
}

/// The shape behind layers in a row; an error names the layer.
pub(crate) fn list_output(layers: &[Layer], input: &[usize]) -> Result<Vec<usize>> {
    layers.iter().try_fold(input.to_vec(), |shape, layer| {
        layer.output(&shape).map_err(|error| Error { message: format!("{layer}: {}", error.message), ..error })
    })
}

/// The arrays of layers in a row, each name behind the layer's number.
pub(crate) fn list_tensors(layers: &[Layer], prefix: &str) -> Vec<Tensor> {
    let of_layer = |(i, layer): (usize, &Layer)| {
        layer.tensors().into_iter().map(move |tensor| Tensor { name: format!("{prefix}{i}.{}", tensor.name), ..tensor })
    };
    layers.iter().enumerate().flat_map(of_layer).collect()
}

/// Floating-point operations of layers in a row.
pub(crate) fn list_operations(layers: &[Layer], input: &[usize]) -> f64 {
    let mut shape = input.to_vec();
    let mut sum = 0.0;
    for layer in layers {
        sum += layer.operations(&shape);
        shape = layer.output(&shape).unwrap_or_default();
    }
    sum
}

/// Numbers that layers in a row make of one sample, those within residuals included.
pub(crate) fn list_numbers(layers: &[Layer], input: &[usize]) -> usize {
    let mut shape = input.to_vec();
    let mut sum = 0;
    for layer in layers {
        if let Layer::Residual { body, projection } = layer {
            sum += list_numbers(body, &shape) + list_numbers(projection, &shape);
        }
        shape = layer.output(&shape).unwrap_or_default();
        sum += shape.iter().product::<usize>();
    }
    sum
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linear { inputs, outputs, bias: true } => write!(f, "linear({inputs}, {outputs})"),
            Self::Linear { inputs, outputs, bias: false } => write!(f, "linear({inputs}, {outputs}, no bias)"),
            Self::Activation { function } => write!(f, "{}", format!("{function:?}").to_lowercase()),
            Self::Conv2d(conv) => conv.describe(f, "conv2d", "padding"),
            Self::ConvTranspose2d(conv) => conv.describe(f, "conv_transpose2d", "cut"),
            Self::MaxPool(pool) => pool.describe(f, "max_pool"),
            Self::AvgPool(pool) => pool.describe(f, "avg_pool"),
            Self::AdaptiveAvgPool { size: [height, width] } if height == width => {
                write!(f, "adaptive_avg_pool({height})")
            }
            Self::AdaptiveAvgPool { size } => write!(f, "adaptive_avg_pool({size:?})"),
            Self::Flatten => f.write_str("flatten"),
            Self::Reshape { shape } => write!(f, "reshape({shape:?})"),
            Self::CircularPad { pad } => write!(f, "circular_pad({pad})"),
            Self::Crop { before, after } if before == after => write!(f, "crop({before})"),
            Self::Crop { before, after } => write!(f, "crop([{before}, {after}])"),
            Self::Residual { body, projection } if projection.is_empty() => write!(f, "residual({})", list(body)),
            Self::Residual { body, projection } => write!(f, "residual({}; {})", list(body), list(projection)),
            Self::BatchNorm { features, .. } => write!(f, "batch_norm({features})"),
            Self::LayerNorm { shape, .. } => write!(f, "layer_norm({shape:?})"),
            Self::Dropout { rate } => write!(f, "dropout({rate})"),
            Self::Softmax => f.write_str("softmax"),
        }
    }
}

/// Layers in a row, for people.
pub(crate) fn list(layers: &[Layer]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}
