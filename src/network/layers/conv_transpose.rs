//! Transposed convolutions of images.

use burn::tensor::ops::ConvTransposeOptions;
use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::image::{self, burn_crop};
use super::kind::{BackwardPass, LayerKind, LinearMap, Trainable, fill_with_bias};
use super::params::weight_and_bias;
use super::{Conv2d, InverseBuilder, Layer, ParamSpec, inverse::no_rule};
use crate::kernels::{Convolution, Patches, Scratch};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// A transposed convolution, with a weight `[inputs, outputs / groups, kernel, kernel]`: every pixel of the input adds a
/// kernel to the output, of which `before` and `after` pixels are cut off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConvTranspose2d(pub Conv2d);

impl ConvTranspose2d {
    fn weight_shape(&self) -> [usize; 4] {
        let Conv2d { inputs, outputs, groups, kernel, .. } = self.0;
        [inputs, outputs / groups, kernel, kernel]
    }

    /// The loops of the convolution that this is the transpose of: its images are this layer's output.
    fn products(&self, input: &[usize], output: &[usize]) -> Convolution {
        self.0.products_over(output, input, self.0.inputs)
    }
}

impl std::fmt::Display for ConvTranspose2d {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.write(f, "conv_transpose2d", "cut")
    }
}

impl LayerKind for ConvTranspose2d {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let conv = &self.0;
        let [height, width] = image::size(input, conv.inputs)?;
        let cut = conv.before + conv.after;
        let size = |size: usize| ((size - 1) * conv.stride + conv.span()).checked_sub(cut).filter(|&size| size > 0);
        match (size(height), size(width)) {
            (Some(height), Some(width)) => Ok(vec![conv.outputs, height, width]),
            _ => Err(Error::new(format!(
                "cuts {cut} pixels, which leaves nothing of the output for an input of {height}×{width}"
            ))),
        }
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        weight_and_bias(&self.weight_shape(), self.0.weight_kind(self.0.stride), self.0.outputs, self.0.bias)
    }

    fn operations(&self, input: &[usize]) -> f64 {
        self.products(input, &self.output_shape(input).unwrap_or_default()).operations()
    }

    fn forward(&self, x: Batch, output: Vec<usize>, arrays: &[&[f32]], scratch: &mut Scratch) -> Result<Batch> {
        let mut y = vec![0.0; x.samples * output.iter().product::<usize>()];
        self.forward_into(&mut y, &x.data, [&x.shape, &output], arrays, scratch);
        Ok(Batch { shape: output, data: y, ..x })
    }

    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>> {
        let conv = &self.0;
        let weight = pass.next_array(self)?.reshape(self.weight_shape());
        let bias = if conv.bias { Some(pass.next_array(self)?) } else { None };
        if conv.circular {
            return Err(Error::new("circular transposed convolutions are not supported"));
        }
        let options = ConvTransposeOptions::new([conv.stride; 2], [0; 2], [0; 2], [conv.dilation; 2], conv.groups);
        let y = module::conv_transpose2d(x.into_images(), weight, bias, options);
        Ok(image::burn_rows(burn_crop(y, conv.before, conv.after)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        let conv = self.0.reversed();
        let lacks = |i: usize| ((input[i] - 1) * conv.stride + conv.span()).checked_sub(inverse.shape()[i]);
        let (Some(lacks), true) = (lacks(1), lacks(1) == lacks(2)) else {
            return Err(no_rule(self, "its output is larger than what its windows cover"));
        };
        inverse.push(Conv2d { before: lacks / 2, after: lacks - lacks / 2, ..conv })?;
        inverse.push_activation();
        Ok(())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn linear_map(&self, input: &[usize], output: &[usize]) -> Option<Box<dyn LinearMap>> {
        let conv = &self.0;
        let is_one = conv.bias && conv.groups == 1 && conv.dilation == 1 && conv.before < conv.kernel;
        is_one.then(|| -> Box<dyn LinearMap> { Box::new(SpreadMap::new(conv.clone(), input, output)) })
    }

    fn within(&self) -> Option<Layer> {
        let conv = &self.0;
        let is_wider = conv.groups > 1 || conv.dilation > 1;
        is_wider.then(|| Self(Conv2d { groups: 1, dilation: 1, kernel: conv.span(), ..conv.clone() }).into())
    }

    /// Two are one with the product of the strides and a kernel as large as both together.
    fn merged_with(&self, next: &Layer) -> Option<Layer> {
        let Layer::ConvTranspose2d(next) = next else { return None };
        let (first, second) = (&self.0, &next.0);
        let apart = second.stride;
        let merged = Conv2d {
            outputs: second.outputs,
            kernel: (first.span() - 1) * apart + second.span(),
            stride: first.stride * apart,
            dilation: 1,
            groups: 1,
            before: first.before * apart + second.before,
            after: first.after * apart + second.after,
            bias: first.bias || second.bias,
            ..first.clone()
        };
        Some(Self(merged).into())
    }
}

impl Trainable for ConvTranspose2d {
    fn forward_into(
        &self,
        y: &mut [f32],
        x: &[f32],
        [from, to]: [&[usize]; 2],
        arrays: &[&[f32]],
        scratch: &mut Scratch,
    ) {
        fill_with_bias(y, arrays);
        self.products(from, to).convolve_transposed(y, arrays[0], x, scratch);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        pass.sum_bias_gradient();
        let [from, to] = pass.shapes;
        let (products, weight) = (self.products(from, to), pass.arrays[0]);
        pass.of_arrays[0].fill(0.0);
        products.weight_gradient(&mut pass.of_arrays[0], pass.x, pass.gradient, pass.scratch);
        pass.pass_on(|input, output, scratch| {
            input.fill(0.0);
            products.convolve(input, weight, output, scratch);
        });
    }
}

/// Each pixel of the output is a row; the input's row is the window that it sees once the pixels of the input are spread
/// out, `stride` apart, with zeros between them.
struct SpreadMap {
    conv: Conv2d,
    /// The input's shape.
    from: [usize; 3],
    /// Windows of the spread input.
    patches: Patches,
}

impl SpreadMap {
    fn new(conv: Conv2d, from: &[usize], to: &[usize]) -> Self {
        let patches = Patches {
            height: (from[1] - 1) * conv.stride + 1,
            width: (from[2] - 1) * conv.stride + 1,
            channels: from[0],
            rows: to[1],
            columns: to[2],
            kernel: conv.kernel,
            stride: 1,
            dilation: 1,
            before: conv.kernel - 1 - conv.before,
            circular: false,
        };
        Self { conv, from: [from[0], from[1], from[2]], patches }
    }
}

impl LinearMap for SpreadMap {
    fn inputs(&self) -> usize {
        self.patches.window()
    }

    fn outputs(&self) -> usize {
        self.conv.outputs
    }

    fn rows_per_sample(&self) -> usize {
        self.patches.positions()
    }

    fn rows(&self, x: Vec<f32>) -> Vec<f32> {
        let (patches, apart, [channels, height, width]) = (&self.patches, self.conv.stride, self.from);
        if apart == 1 {
            return patches.all(&x);
        }
        let mut spread = vec![0.0; x.len() / (channels * height * width) * patches.image()];
        for (i, pixel) in x.chunks(channels).enumerate() {
            let (row, column) = (i / width, i % width);
            let (sample, row) = (row / height, row % height);
            let at = ((sample * patches.height + row * apart) * patches.width + column * apart) * channels;
            spread[at..at + channels].copy_from_slice(pixel);
        }
        patches.all(&spread)
    }

    fn weight(&self, matrix: &[f64]) -> Vec<f32> {
        let Conv2d { inputs, outputs, kernel, .. } = self.conv;
        let window = kernel * kernel;
        let at = |i: usize| {
            // Seen from a pixel of the output, the kernel stands upside down.
            let (pair, pixel) = (i / window, window - 1 - i % window);
            let (input, output) = (pair / outputs, pair % outputs);
            matrix[(pixel * inputs + input) * outputs + output] as f32
        };
        (0..inputs * outputs * window).map(at).collect()
    }
}
