//! Samples on their way through layers. Images are kept channels last, for a pixel's channels are what the inner loops
//! run over; outside, as in scripts and files, channels come first.

use std::borrow::Cow;

use super::Layer;
use super::convolution::{Conv2d, Pool};
use super::layer::list_tensors;
use crate::kernels::{Matrix, Scratch, accumulate, transpose};
use crate::{Error, Result};

/// Some samples: `[samples, features]`, or `[samples, height, width, channels]` where the shape is that of an image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub samples: usize,
    /// Of one sample, channels first.
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// The arrays of layers in a row; ready to compute with, the weights of convolutions have their channels last.
type Arrays<'a> = Vec<Cow<'a, [f32]>>;

impl Batch {
    /// From rows as the outside has them, channels first.
    pub fn new(rows: &[f32], shape: &[usize]) -> Self {
        Self::of(rows.into(), shape)
    }

    /// The same; rows that lie as they are computed with are taken.
    pub fn of(rows: Cow<'_, [f32]>, shape: &[usize]) -> Self {
        let size = shape.iter().product::<usize>().max(1);
        let samples = rows.len() / size;
        if image(shape).is_none() {
            return Self { samples, shape: shape.to_vec(), data: rows.into_owned() };
        }
        let mut batch = Self { samples, shape: shape.to_vec(), data: vec![0.0; rows.len()] };
        for (to, from) in batch.data.chunks_mut(size).zip(rows.chunks(size)) {
            channels_last(to, from, shape);
        }
        batch
    }

    /// Rows as the outside has them, channels first.
    pub fn into_rows(self) -> Vec<f32> {
        let Some((channels, pixels)) = image(&self.shape) else { return self.data };
        let mut rows = vec![0.0; self.data.len()];
        for (to, from) in rows.chunks_mut(channels * pixels).zip(self.data.chunks(channels * pixels)) {
            transpose(to, from, pixels, channels);
        }
        rows
    }

    /// The same numbers, otherwise arranged.
    pub fn reshaped(self, shape: &[usize]) -> Self {
        if image(&self.shape).is_none() && image(shape).is_none() {
            return Self { shape: shape.to_vec(), ..self };
        }
        Self::new(&self.into_rows(), shape)
    }

    /// Sends rows as the outside has them, of shape `shape`, through layers in a row to `y`. On the way through a linear
    /// layer and its activation nothing is copied.
    pub fn lead(
        y: &mut [f32],
        layers: &[Layer],
        arrays: &[Cow<'_, [f32]>],
        x: &[f32],
        shape: &[usize],
        scratch: &mut Scratch,
    ) -> Result<()> {
        if let [Layer::Linear { inputs, outputs, .. }, rest @ ..] = layers
            && let [] | [Layer::Activation { .. }] = rest
            && !arrays.is_empty()
        {
            linear(y, x, arrays, *inputs, *outputs);
            if let [Layer::Activation { function }] = rest {
                function.apply(y);
            }
            return Ok(());
        }
        y.copy_from_slice(&Self::new(x, shape).through(layers, arrays, scratch)?.into_rows());
        Ok(())
    }

    /// Sends it through layers in a row; `arrays` are theirs, in their order.
    pub fn through(self, layers: &[Layer], arrays: &[Cow<'_, [f32]>], scratch: &mut Scratch) -> Result<Self> {
        let mut rest = arrays;
        layers.iter().try_fold(self, |batch, layer| {
            let (own, others) = rest
                .split_at_checked(layer.tensors().len())
                .ok_or_else(|| Error::new(format!("{layer} has no weights")))?;
            rest = others;
            batch.through_layer(layer, own, scratch)
        })
    }

    fn through_layer(mut self, layer: &Layer, arrays: &[Cow<'_, [f32]>], scratch: &mut Scratch) -> Result<Self> {
        let shape = layer.output(&self.shape)?;
        let (samples, channels) = (self.samples, *self.shape.first().unwrap_or(&1));
        let numbers = samples * shape.iter().product::<usize>();
        let filled = |data| Ok(Self { samples, shape: shape.clone(), data });
        match layer {
            Layer::Linear { inputs, outputs, .. } => {
                let mut y = vec![0.0; numbers];
                linear(&mut y, &self.data, arrays, *inputs, *outputs);
                filled(y)
            }
            Layer::Activation { function } => {
                function.apply(&mut self.data);
                Ok(self)
            }
            Layer::Conv2d(conv) => {
                let mut data = biased(numbers, conv, arrays);
                conv.products(&self.shape, &shape).down(&mut data, &arrays[0], &self.data, scratch);
                filled(data)
            }
            Layer::ConvTranspose2d(conv) => {
                let mut data = biased(numbers, conv, arrays);
                conv.transposed_products(&self.shape, &shape).up(&mut data, &arrays[0], &self.data, scratch);
                filled(data)
            }
            Layer::MaxPool(pool) => filled(self.pooled(*pool, &shape, f32::NEG_INFINITY, |best, x| {
                // Not `max`, which would lose a NaN.
                if x > *best || x.is_nan() {
                    *best = x;
                }
            })),
            Layer::AvgPool(pool) => {
                let mut data = self.pooled(*pool, &shape, 0.0, |sum, x| *sum += x);
                let part = 1.0 / (pool.kernel * pool.kernel) as f32;
                data.iter_mut().for_each(|x| *x *= part);
                filled(data)
            }
            Layer::AdaptiveAvgPool { size } => filled(self.adapted(*size)),
            Layer::Flatten | Layer::Reshape { .. } => Ok(self.reshaped(&shape)),
            Layer::CircularPad { pad } => filled(self.moved(&shape, |at, size| (at + size - pad) % size)),
            Layer::Crop { before, .. } => filled(self.moved(&shape, |at, _| at + before)),
            Layer::Residual { body, projection } => {
                let of_body = list_tensors(body, "").len();
                let around = self.clone().through(projection, &arrays[of_body..], scratch)?;
                let mut through = self.through(body, &arrays[..of_body], scratch)?;
                through.data.iter_mut().zip(&around.data).for_each(|(sum, x)| *sum += x);
                Ok(through)
            }
            Layer::BatchNorm { epsilon, .. } => {
                let scales: Vec<f32> =
                    arrays[0].iter().zip(arrays[3].iter()).map(|(w, v)| w / (v + *epsilon as f32).sqrt()).collect();
                for pixel in self.data.chunks_mut(channels) {
                    for (((x, mean), scale), shift) in
                        pixel.iter_mut().zip(arrays[2].iter()).zip(&scales).zip(arrays[1].iter())
                    {
                        *x = (*x - mean) * scale + shift;
                    }
                }
                Ok(self)
            }
            Layer::LayerNorm { epsilon, .. } => {
                let size = shape.iter().product::<usize>();
                let [scale, shift] = [0, 1].map(|i| Self::new(&arrays[i], &shape).data);
                for sample in self.data.chunks_mut(size) {
                    let mean = sample.iter().map(|&x| f64::from(x)).sum::<f64>() / size as f64;
                    let variance = sample.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / size as f64;
                    let by = 1.0 / libm::sqrt(variance + epsilon);
                    for ((x, scale), shift) in sample.iter_mut().zip(&scale).zip(&shift) {
                        *x = ((f64::from(*x) - mean) * by) as f32 * scale + shift;
                    }
                }
                Ok(self)
            }
            // Only training leaves numbers out.
            Layer::Dropout { .. } => Ok(self),
            Layer::Softmax => {
                self.data.chunks_mut(channels).for_each(softmax);
                Ok(self)
            }
        }
    }

    /// Pixels taken from elsewhere in the image: `from` says the row, or the column, that comes to one.
    fn moved(&self, shape: &[usize], from: impl Fn(usize, usize) -> usize) -> Vec<f32> {
        let [channels, height, width] = dimensions(&self.shape);
        let mut data = Vec::with_capacity(self.samples * shape.iter().product::<usize>());
        for image in self.data.chunks(channels * height * width) {
            for y in 0..shape[1] {
                let row = &image[from(y, height) * width * channels..][..width * channels];
                (0..shape[2]).for_each(|x| data.extend_from_slice(&row[from(x, width) * channels..][..channels]));
            }
        }
        data
    }

    fn pooled(&self, pool: Pool, shape: &[usize], start: f32, fold: impl Fn(&mut f32, f32)) -> Vec<f32> {
        let [channels, height, width] = dimensions(&self.shape);
        let inside = |window: usize, size: usize| {
            let from = window * pool.stride;
            from.saturating_sub(pool.padding)..(from + pool.kernel).saturating_sub(pool.padding).min(size)
        };
        let mut data = vec![start; self.samples * shape.iter().product::<usize>()];
        let mut windows = data.chunks_mut(channels);
        for image in self.data.chunks(channels * height * width) {
            for (y, x) in (0..shape[1]).flat_map(|y| (0..shape[2]).map(move |x| (y, x))) {
                let Some(window) = windows.next() else { return data };
                for row in inside(y, height) {
                    let columns = inside(x, width);
                    for pixel in image[(row * width + columns.start) * channels..].chunks(channels).take(columns.len())
                    {
                        window.iter_mut().zip(pixel).for_each(|(to, &x)| fold(to, x));
                    }
                }
            }
        }
        data
    }

    fn adapted(&self, size: [usize; 2]) -> Vec<f32> {
        let [channels, height, width] = dimensions(&self.shape);
        // PyTorch's windows: from the floor of where a part begins to the ceiling of where it ends.
        let window = |i: usize, parts: usize, size: usize| i * size / parts..((i + 1) * size).div_ceil(parts);
        let mut data = vec![0.0; self.samples * channels * size[0] * size[1]];
        let mut windows = data.chunks_mut(channels);
        for image in self.data.chunks(channels * height * width) {
            for (y, x) in (0..size[0]).flat_map(|y| (0..size[1]).map(move |x| (y, x))) {
                let (Some(mean), rows, columns) =
                    (windows.next(), window(y, size[0], height), window(x, size[1], width))
                else {
                    return data;
                };
                let part = 1.0 / (rows.len() * columns.len()) as f32;
                for row in rows {
                    for pixel in image[(row * width + columns.start) * channels..].chunks(channels).take(columns.len())
                    {
                        mean.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
                    }
                }
                mean.iter_mut().for_each(|x| *x *= part);
            }
        }
        data
    }
}

/// The arrays of layers as files and scripts have them, made ready to compute with.
pub(crate) fn ready<'a>(layers: &[Layer], arrays: Arrays<'a>) -> Arrays<'a> {
    let shapes = list_tensors(layers, "");
    arrays.into_iter().zip(&shapes).map(|(array, tensor)| kernel_channels_last(array, &tensor.shape)).collect()
}

/// A convolution's weight `[rows, channels, kernel, kernel]` as `[rows, kernel, kernel, channels]`; others as they are.
fn kernel_channels_last<'a>(array: Cow<'a, [f32]>, shape: &[usize]) -> Cow<'a, [f32]> {
    let [_, channels, height, width] = *shape else { return array };
    turned(&array, channels, height * width).into()
}

/// The way back.
pub(crate) fn kernel_channels_first(array: &[f32], shape: &[usize]) -> Vec<f32> {
    let [_, channels, height, width] = *shape else { return array.to_vec() };
    turned(array, height * width, channels)
}

fn turned(array: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = vec![0.0; array.len()];
    for (to, from) in turned.chunks_mut(rows * columns).zip(array.chunks(rows * columns)) {
        transpose(to, from, rows, columns);
    }
    turned
}

/// One sample, channels first, as it is computed with.
pub(crate) fn channels_last(to: &mut [f32], from: &[f32], shape: &[usize]) {
    match image(shape) {
        Some((channels, pixels)) => transpose(to, from, channels, pixels),
        None => to.copy_from_slice(from),
    }
}

/// Channels and pixels of an image, where their order matters.
fn image(shape: &[usize]) -> Option<(usize, usize)> {
    match *shape {
        [channels, height, width] if channels > 1 && height * width > 1 => Some((channels, height * width)),
        _ => None,
    }
}

fn dimensions(shape: &[usize]) -> [usize; 3] {
    [0, 1, 2].map(|i| shape.get(i).copied().unwrap_or(1))
}

fn biased(numbers: usize, conv: &Conv2d, arrays: &[Cow<'_, [f32]>]) -> Vec<f32> {
    let mut data = vec![0.0; numbers];
    if let Some(bias) = arrays.get(1) {
        data.chunks_mut(conv.outputs).for_each(|pixel| pixel.copy_from_slice(bias));
    }
    data
}

fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = libm::expf(*x - largest));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
}

/// y = x Wᵀ + b for x of shape `[rows, inputs]` and `arrays` W of shape `[outputs, inputs]` and b, if there is one.
fn linear(y: &mut [f32], x: &[f32], arrays: &[Cow<'_, [f32]>], inputs: usize, outputs: usize) {
    match arrays.get(1) {
        Some(bias) => y.chunks_mut(outputs).for_each(|row| row.copy_from_slice(bias)),
        None => y.fill(0.0),
    }
    let weight = Matrix::new(&arrays[0], outputs, inputs).transposed();
    accumulate(y, Matrix::new(x, x.len() / inputs, inputs), weight);
}
