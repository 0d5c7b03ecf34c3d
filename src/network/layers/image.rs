//! Images, `[channels, height, width]`: their size, and moving their pixels.

use burn::tensor::Tensor;

use crate::network::batch::Batch;
use crate::{Error, Result};

/// Height and width of an image of so many channels.
pub(super) fn size(shape: &[usize], channels: usize) -> Result<[usize; 2]> {
    match *shape {
        [c, height, width] if c == channels => Ok([height, width]),
        _ => Err(Error::new(format!("expects images of shape [{channels}, height, width], got {shape:?}"))),
    }
}

/// The error of a window that is larger than the image.
pub(super) fn too_small(span: usize, height: usize, width: usize) -> Error {
    Error::new(format!("spans {span}×{span} pixels, the image has {height}×{width}"))
        .hint("pad the image, or use fewer layers that make it smaller")
}

/// The error of a circular pad that would repeat pixels.
pub(super) fn pad_too_large(height: usize, width: usize) -> Error {
    Error::new(format!("pads more pixels than the image of {height}×{width} has on a side"))
}

/// Channels, height and width; of a row of numbers, each a channel.
pub(super) fn dimensions(shape: &[usize]) -> [usize; 3] {
    [0, 1, 2].map(|i| shape.get(i).copied().unwrap_or(1))
}

/// Images of shape `output` whose pixels come from elsewhere in those of `x`: `source` maps a row of the output, or a
/// column, and the input's size to the input's row or column.
pub(super) fn moved(x: Batch, output: Vec<usize>, source: impl Fn(usize, usize) -> usize) -> Batch {
    let mut data = vec![0.0; x.samples * output.iter().product::<usize>()];
    let channels = output[0];
    each_moved(x.samples, [&x.shape, &output], source, |to, from| {
        data[to..to + channels].copy_from_slice(&x.data[from..from + channels]);
    });
    Batch { shape: output, data, ..x }
}

/// Visits the pixels of images whose pixels come from elsewhere: where each begins in the output, and where in the input.
/// `source` is that of [`moved`].
pub(super) fn each_moved(
    samples: usize,
    [from, to]: [&[usize]; 2],
    source: impl Fn(usize, usize) -> usize,
    mut visit: impl FnMut(usize, usize),
) {
    let [channels, height, width] = dimensions(from);
    let mut at = 0;
    for sample in 0..samples {
        for row in 0..to[1] {
            let row = (sample * height + source(row, height)) * width;
            for column in 0..to[2] {
                visit(at, (row + source(column, width)) * channels);
                at += channels;
            }
        }
    }
}

/// Burn's images `[samples, channels, height, width]` as rows.
pub(super) fn burn_rows(images: Tensor<4>) -> Tensor<2> {
    let [samples, channels, height, width] = images.dims();
    images.reshape([samples, channels * height * width])
}

/// Adds pixels from the opposite side before and after the rows and columns.
pub(super) fn burn_circular_pad(x: Tensor<4>, before: usize, after: usize) -> Tensor<4> {
    [2, 3].into_iter().fold(x, |x, side| {
        let size = x.dims()[side];
        let mut parts = Vec::new();
        if before > 0 {
            parts.push(x.clone().narrow(side, size - before, before));
        }
        parts.push(x.clone());
        if after > 0 {
            parts.push(x.narrow(side, 0, after));
        }
        Tensor::cat(parts, side)
    })
}

/// Cuts pixels off before and after the rows and columns.
pub(super) fn burn_crop(x: Tensor<4>, before: usize, after: usize) -> Tensor<4> {
    if before + after == 0 {
        return x;
    }
    [2, 3].into_iter().fold(x, |x, side| {
        let size = x.dims()[side];
        x.narrow(side, before, size - before - after)
    })
}
