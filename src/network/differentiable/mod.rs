//! Layers as Burn's operations: on any device, and with gradients where the arrays ask for them. The plain twin of the
//! forward pass in `batch.rs`, and what a network is trained with.

mod activate;
mod image;

use burn::tensor::{Tensor, TensorData, activation, module};

use super::Layer;
use crate::random::Random;
use crate::{Error, Result};

/// How far a batch's mean and variance move the running ones; PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// What a pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// The answer: running averages, nothing left out.
    Evaluation,
    /// A training step: `batch_norm` goes by the batch's own mean and variance, `dropout` leaves numbers out, drawn by
    /// seed, step and layer.
    Training { seed: u64, step: usize },
}

/// Some samples on a device.
#[derive(Debug, Clone)]
pub struct Rows {
    /// `[samples, numbers]`, channels first.
    pub numbers: Tensor<2>,
    /// Of one sample.
    pub shape: Vec<usize>,
}

/// What comes of a pass.
#[derive(Debug, Clone)]
pub struct Passed {
    pub rows: Rows,
    /// Of a training step: the running averages as the batch moved them, in the order of the layers' arrays.
    pub averages: Vec<Tensor<1>>,
}

/// Sends samples through layers in a row; `arrays` are theirs, in their order, each flat.
///
/// # Errors
/// When the samples do not fit, or there are too few arrays.
pub fn through(layers: &[Layer], arrays: &[Tensor<1>], rows: Rows, mode: Mode) -> Result<Passed> {
    let mut pass = Pass { mode, arrays: arrays.iter(), averages: Vec::new(), dropouts: 0 };
    let rows = pass.through(layers, rows)?;
    Ok(Passed { rows, averages: pass.averages })
}

struct Pass<'a> {
    mode: Mode,
    /// Those that are not used yet.
    arrays: std::slice::Iter<'a, Tensor<1>>,
    averages: Vec<Tensor<1>>,
    /// Layers so far that leave numbers out.
    dropouts: usize,
}

impl Pass<'_> {
    fn through(&mut self, layers: &[Layer], rows: Rows) -> Result<Rows> {
        layers.iter().try_fold(rows, |rows, layer| self.through_layer(layer, rows))
    }

    fn through_layer(&mut self, layer: &Layer, x: Rows) -> Result<Rows> {
        let shape = layer.output(&x.shape)?;
        let numbers = match layer {
            Layer::Linear { inputs, outputs, bias } => {
                let weight = self.array(layer)?.reshape([*outputs, *inputs]);
                let y = x.numbers.matmul(weight.transpose());
                if *bias { y + self.array(layer)?.reshape([1, *outputs]) } else { y }
            }
            Layer::Activation { function } => activate::activate(*function, x.numbers)?,
            Layer::Conv2d(conv) => {
                let weight = self.array(layer)?.reshape(conv.weight_shape());
                let bias = if conv.bias { Some(self.array(layer)?) } else { None };
                image::flat(image::conv2d(image::of(x), weight, bias, conv))
            }
            Layer::ConvTranspose2d(conv) => {
                let weight = self.array(layer)?.reshape(conv.transposed_weight_shape());
                let bias = if conv.bias { Some(self.array(layer)?) } else { None };
                image::flat(image::conv_transpose2d(image::of(x), weight, bias, conv)?)
            }
            Layer::MaxPool(pool) => image::flat(image::max_pool(image::of(x), *pool)),
            Layer::AvgPool(pool) => image::flat(image::avg_pool(image::of(x), *pool)),
            Layer::AdaptiveAvgPool { size } => image::flat(module::adaptive_avg_pool2d(image::of(x), *size)),
            Layer::Flatten | Layer::Reshape { .. } => x.numbers,
            Layer::CircularPad { pad } => image::flat(image::circular_pad(image::of(x), *pad, *pad)),
            Layer::Crop { before, after } => image::flat(image::crop(image::of(x), *before, *after)),
            Layer::Residual { body, projection } => {
                let through = self.through(body, x.clone())?;
                through.numbers + self.through(projection, x)?.numbers
            }
            Layer::BatchNorm { features, epsilon } => self.batch_norm(layer, x, *features, *epsilon)?,
            Layer::LayerNorm { epsilon, .. } => {
                let (scale, shift) = (self.array(layer)?, self.array(layer)?);
                module::layer_norm(x.numbers, scale, Some(shift), *epsilon)
            }
            Layer::Dropout { rate } => self.dropout(x.numbers, *rate),
            Layer::Softmax => by_channel(x, |x| activation::softmax(x, 1)),
        };
        Ok(Rows { numbers, shape })
    }

    fn array(&mut self, layer: &Layer) -> Result<Tensor<1>> {
        self.arrays.next().cloned().ok_or_else(|| Error::new(format!("{layer} has no weights")))
    }

    fn batch_norm(&mut self, layer: &Layer, x: Rows, features: usize, epsilon: f64) -> Result<Tensor<2>> {
        let [scale, shift] = [self.array(layer)?, self.array(layer)?];
        let [mean, variance] = [self.array(layer)?, self.array(layer)?];
        if let Mode::Evaluation = self.mode {
            return Ok(by_channel(x, |x| module::batch_norm(x, scale, shift, mean, variance, epsilon)));
        }
        let (values, mut seen) = (x.numbers.shape().num_elements() / features, None);
        let y = by_channel(x, |x| {
            let normed = module::batch_norm_train(x, scale, shift, epsilon);
            seen = Some((normed.mean.without_autodiff(), normed.variance.without_autodiff()));
            normed.output
        });
        // As in PyTorch, the running variance is the unbiased one, though the batch is divided by the other.
        let unbiased = values as f64 / (values.max(2) - 1) as f64;
        if let Some((seen_mean, seen_variance)) = seen {
            self.averages.push(mean * (1.0 - MOMENTUM) + seen_mean * MOMENTUM);
            self.averages.push(variance * (1.0 - MOMENTUM) + seen_variance * (MOMENTUM * unbiased));
        }
        Ok(y)
    }

    /// Leaves numbers out at a rate, and makes the others larger, so that the mean stays.
    fn dropout(&mut self, x: Tensor<2>, rate: f64) -> Tensor<2> {
        let Mode::Training { seed, step } = self.mode else { return x };
        let mut random = Random::new(seed, &["dropout", &step.to_string(), &self.dropouts.to_string()]);
        self.dropouts += 1;
        let kept = if rate < 1.0 { (1.0 / (1.0 - rate)) as f32 } else { 0.0 };
        let mask: Vec<f32> =
            (0..x.shape().num_elements()).map(|_| if random.uniform() < rate { 0.0 } else { kept }).collect();
        let mask = Tensor::from_data(TensorData::new(mask, x.shape()), (&x.device(), x.dtype()));
        x * mask
    }
}

/// Something done to `[samples, channels, pixels]`; a row of numbers has one pixel.
fn by_channel(x: Rows, f: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<2> {
    let [samples, numbers] = x.numbers.dims();
    let channels = x.shape.first().copied().unwrap_or(1);
    f(x.numbers.reshape([samples, channels, numbers / channels])).reshape([samples, numbers])
}
