//! Batches on the host. Images are kept with their channels last, because the inner loops run over a pixel's channels;
//! in scripts, files and results channels come first.

use std::borrow::Cow;

use super::Layer;
use super::layers::sequence;
use crate::kernels::{Scratch, transpose};
use crate::{Error, Result};

/// A batch of samples: `[samples, features]`, or `[samples, height, width, channels]` where the shape is that of an image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    pub samples: usize,
    /// The shape of one sample, channels first.
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

impl Batch {
    /// From rows with their channels first.
    pub fn new(rows: Cow<'_, [f32]>, shape: &[usize]) -> Self {
        let size = shape.iter().product::<usize>().max(1);
        let samples = rows.len() / size;
        if channels_and_pixels(shape).is_none() {
            return Self { samples, shape: shape.to_vec(), data: rows.into_owned() };
        }
        let mut batch = Self { samples, shape: shape.to_vec(), data: vec![0.0; rows.len()] };
        for (to, from) in batch.data.chunks_mut(size).zip(rows.chunks(size)) {
            channels_last(to, from, shape);
        }
        batch
    }

    /// As rows with their channels first.
    pub fn into_rows(self) -> Vec<f32> {
        let Some((channels, pixels)) = channels_and_pixels(&self.shape) else { return self.data };
        let mut rows = vec![0.0; self.data.len()];
        for (to, from) in rows.chunks_mut(channels * pixels).zip(self.data.chunks(channels * pixels)) {
            transpose(to, from, pixels, channels);
        }
        rows
    }

    /// The same numbers in another shape.
    pub fn reshaped(self, shape: &[usize]) -> Self {
        if channels_and_pixels(&self.shape).is_none() && channels_and_pixels(shape).is_none() {
            return Self { shape: shape.to_vec(), ..self };
        }
        Self::new(self.into_rows().into(), shape)
    }

    /// Sends the batch through layers in a row; `arrays` are theirs, in their order, in the layout of [`kernels_last`].
    ///
    /// # Errors
    /// When the samples do not fit, or there are too few arrays.
    pub fn forward(self, layers: &[Layer], arrays: &[&[f32]], scratch: &mut Scratch) -> Result<Self> {
        let mut rest = arrays;
        layers.iter().try_fold(self, |batch, layer| {
            let (own, others) = rest
                .split_at_checked(layer.param_specs().len())
                .ok_or_else(|| Error::new(format!("{layer} has no weights")))?;
            rest = others;
            let output = layer.output_shape(&batch.shape)?;
            layer.kind().forward(batch, output, own, scratch)
        })
    }
}

/// Fills `y` with the output of layers in a row for `x`, rows of shape `shape`; both have their channels first. A linear
/// layer and its activation copy nothing.
///
/// # Errors
/// When the rows do not fit, or there are too few arrays.
pub(crate) fn forward_rows(
    y: &mut [f32],
    layers: &[Layer],
    arrays: &[&[f32]],
    x: &[f32],
    shape: &[usize],
    scratch: &mut Scratch,
) -> Result<()> {
    match sequence::as_linear(layers) {
        Some((linear, activation)) if !arrays.is_empty() => {
            linear.apply(y, x, arrays);
            activation.apply(y);
        }
        _ => y.copy_from_slice(&Batch::new(x.into(), shape).forward(layers, arrays, scratch)?.into_rows()),
    }
    Ok(())
}

/// Views of arrays, as [`Batch::forward`] takes them.
pub(crate) fn views<T: AsRef<[f32]>>(arrays: &[T]) -> Vec<&[f32]> {
    arrays.iter().map(AsRef::as_ref).collect()
}

/// The arrays of layers in PyTorch's layout in the one that is computed with: kernels of convolutions,
/// `[rows, channels, kernel, kernel]`, become `[rows, kernel, kernel, channels]`, others stay as they are.
pub(crate) fn kernels_last<'a>(layers: &[Layer], arrays: Vec<Cow<'a, [f32]>>) -> Vec<Cow<'a, [f32]>> {
    let specs = sequence::param_specs(layers, "");
    let turned = |(array, shape): (Cow<'a, [f32]>, &[usize])| match *shape {
        [_, channels, height, width] => transposed(&array, channels, height * width).into(),
        _ => array,
    };
    arrays.into_iter().zip(specs.iter().map(|spec| &spec.shape[..])).map(turned).collect()
}

/// An array of shape `shape` in PyTorch's layout, from the one of [`kernels_last`].
pub(crate) fn kernels_first(array: &[f32], shape: &[usize]) -> Vec<f32> {
    let [_, channels, height, width] = *shape else { return array.to_vec() };
    transposed(array, height * width, channels)
}

/// Matrices `[rows, columns]`, one after another, each transposed.
fn transposed(array: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = vec![0.0; array.len()];
    for (to, from) in turned.chunks_mut(rows * columns).zip(array.chunks(rows * columns)) {
        transpose(to, from, rows, columns);
    }
    turned
}

/// Copies one sample from channels first to channels last.
pub(crate) fn channels_last(to: &mut [f32], from: &[f32], shape: &[usize]) {
    match channels_and_pixels(shape) {
        Some((channels, pixels)) => transpose(to, from, channels, pixels),
        None => to.copy_from_slice(from),
    }
}

/// Fills `y` with samples of shape `from`, channels last, reshaped to `to`.
pub(super) fn rearrange(y: &mut [f32], x: &[f32], from: &[usize], to: &[usize]) {
    let size = from.iter().product::<usize>().max(1);
    for (y, x) in y.chunks_mut(size).zip(x.chunks(size)) {
        let sample = Batch { samples: 1, shape: from.to_vec(), data: x.to_vec() };
        y.copy_from_slice(&sample.reshaped(to).data);
    }
}

/// Channels and pixels of an image, where their order matters.
fn channels_and_pixels(shape: &[usize]) -> Option<(usize, usize)> {
    match *shape {
        [channels, height, width] if channels > 1 && height * width > 1 => Some((channels, height * width)),
        _ => None,
    }
}
