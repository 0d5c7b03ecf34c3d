//! Convolutions, pools and pads of images, `[samples, channels, height, width]`.

use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};

use super::super::convolution::{Conv2d, Pool};
use super::Rows;
use crate::{Error, Result};

/// Rows that are images.
pub(super) fn of(rows: Rows) -> Tensor<4> {
    let [count, _] = rows.numbers.dims();
    let [channels, height, width] = [0, 1, 2].map(|i| rows.shape.get(i).copied().unwrap_or(1));
    rows.numbers.reshape([count, channels, height, width])
}

/// The way back.
pub(super) fn flat(images: Tensor<4>) -> Tensor<2> {
    let [count, channels, height, width] = images.dims();
    images.reshape([count, channels * height * width])
}

pub(super) fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, conv: &Conv2d) -> Tensor<4> {
    let (x, padding) =
        if conv.circular { (circular_pad(x, conv.before, conv.after), (0, 0)) } else { (x, (conv.before, conv.after)) };
    let options = ConvOptions::new_with_padding([conv.stride; 2], [padding; 2], [conv.dilation; 2], conv.groups);
    module::conv2d(x, weight, bias, options)
}

pub(super) fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    conv: &Conv2d,
) -> Result<Tensor<4>> {
    if conv.circular {
        return Err(Error::new("a transposed convolution that goes round the image has no gradient here"));
    }
    let options = ConvTransposeOptions::new([conv.stride; 2], [0; 2], [0; 2], [conv.dilation; 2], conv.groups);
    Ok(crop(module::conv_transpose2d(x, weight, bias, options), conv.before, conv.after))
}

pub(super) fn max_pool(x: Tensor<4>, pool: Pool) -> Tensor<4> {
    let Pool { kernel, stride, padding } = pool;
    module::max_pool2d(x, MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]))
}

pub(super) fn avg_pool(x: Tensor<4>, pool: Pool) -> Tensor<4> {
    let Pool { kernel, stride, padding } = pool;
    module::avg_pool2d(x, AvgPoolOptions::new([kernel; 2]).with_stride([stride; 2]).with_padding([padding; 2]))
}

/// Pixels from the opposite side, so many before and after, in height and width.
pub(super) fn circular_pad(x: Tensor<4>, before: usize, after: usize) -> Tensor<4> {
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

/// Takes so many pixels off before and after, in height and width.
pub(super) fn crop(x: Tensor<4>, before: usize, after: usize) -> Tensor<4> {
    if before + after == 0 {
        return x;
    }
    [2, 3].into_iter().fold(x, |x, side| {
        let size = x.dims()[side];
        x.narrow(side, before, size - before - after)
    })
}
