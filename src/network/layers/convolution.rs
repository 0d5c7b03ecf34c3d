//! Convolutions of images.

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};
use serde::Serialize;

use super::image::{self, burn_circular_pad};
use super::kind::{BackwardPass, LayerKind, LinearMap, Trainable, fill_with_bias};
use super::params::weight_and_bias;
use super::{InverseBuilder, Layer, ParamKind, ParamSpec};
use crate::kernels::{Convolution, Patches, Scratch};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};
use crate::{Error, Result};

/// A convolution with a weight `[outputs, inputs / groups, kernel, kernel]`, or the settings of a transposed one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conv2d {
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub groups: usize,
    /// Pixels added before and after the input's rows and columns; a transposed convolution cuts them off its output.
    pub before: usize,
    pub after: usize,
    /// The added pixels come from the opposite side, as on a torus.
    pub circular: bool,
    pub bias: bool,
}

impl Conv2d {
    /// Stride 1, nothing added, with a bias.
    pub fn new(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            inputs,
            outputs,
            kernel,
            stride: 1,
            dilation: 1,
            groups: 1,
            before: 0,
            after: 0,
            circular: false,
            bias: true,
        }
    }

    /// # Errors
    /// When a size is 0, or the channels do not divide into the groups.
    pub fn check(&self) -> Result<()> {
        let sizes = [
            ("the number of input channels", self.inputs),
            ("the number of output channels", self.outputs),
            ("the kernel", self.kernel),
            ("the stride", self.stride),
            ("the dilation", self.dilation),
            ("the number of groups", self.groups),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Error::new(format!("{name} of a convolution is 0; it is at least 1")));
        }
        if !self.inputs.is_multiple_of(self.groups) || !self.outputs.is_multiple_of(self.groups) {
            return Err(Error::new(format!(
                "{} and {} channels do not divide into {} groups",
                self.inputs, self.outputs, self.groups
            )));
        }
        Ok(())
    }

    /// Pixels that the kernel spans.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Windows along a side of `size` pixels, if there is one.
    fn windows_along(&self, size: usize) -> Option<usize> {
        (size + self.before + self.after).checked_sub(self.span()).map(|x| x / self.stride + 1)
    }

    /// Windows along a side of `size` pixels.
    pub(crate) fn windows(&self, size: usize) -> usize {
        self.windows_along(size).unwrap_or(0)
    }

    /// The pixels of a side of `size` that window `i` sees; of those beyond its ends, zeros are left out.
    pub(crate) fn seen(&self, i: usize, size: usize) -> Vec<usize> {
        let pixel = |k: usize| {
            let at = (i * self.stride + k * self.dilation) as isize - self.before as isize;
            let at = if self.circular { at.rem_euclid(size.max(1) as isize) } else { at };
            usize::try_from(at).ok().filter(|at| *at < size)
        };
        (0..self.kernel).filter_map(pixel).collect()
    }

    /// The same kernel from the outputs back to the inputs, with nothing added and a bias.
    pub(super) fn reversed(&self) -> Self {
        let Self { inputs, outputs, kernel, stride, dilation, groups, .. } = *self;
        Self { stride, dilation, groups, ..Self::new(outputs, inputs, kernel) }
    }

    /// What its weight is for. A pixel of the output sees as many windows as the kernel has pixels, of which a transposed
    /// convolution of stride `apart` has one every so many pixels.
    pub(super) fn weight_kind(&self, apart: usize) -> ParamKind {
        let Self { inputs, outputs, kernel, groups, .. } = *self;
        let fan = |channels: usize| (channels / groups * kernel * kernel) as f64;
        ParamKind::Weight { fan_in: fan(inputs) / (apart * apart) as f64, fan_out: fan(outputs), groups }
    }

    fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs / self.groups, self.kernel, self.kernel]
    }

    /// The loops of a convolution from images of shape `input` to those of shape `output`.
    fn products(&self, input: &[usize], output: &[usize]) -> Convolution {
        self.products_over(input, output, self.outputs)
    }

    /// The loops over the windows of images of shape `image`, of which there are as many as `windows` has pixels; `rows`
    /// numbers belong to each.
    pub(super) fn products_over(&self, image: &[usize], windows: &[usize], rows: usize) -> Convolution {
        let patches = Patches {
            height: image[1],
            width: image[2],
            channels: image[0],
            rows: windows[1],
            columns: windows[2],
            kernel: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            before: self.before,
            circular: self.circular,
        };
        Convolution { patches, rows, groups: self.groups }
    }

    /// Writes the layer as the function `name`, whose option for the pixels of the edge is `padding`.
    pub(super) fn write(&self, f: &mut std::fmt::Formatter<'_>, name: &str, padding: &str) -> std::fmt::Result {
        write!(f, "{name}({}, {}, {}", self.inputs, self.outputs, self.kernel)?;
        for (option, value, usual) in
            [("stride", self.stride, 1), ("dilation", self.dilation, 1), ("groups", self.groups, 1)]
        {
            if value != usual {
                write!(f, ", {option} {value}")?;
            }
        }
        match (self.before, self.after) {
            (0, 0) => {}
            (before, after) if before == after => write!(f, ", {padding} {before}")?,
            (before, after) => write!(f, ", {padding} [{before}, {after}]")?,
        }
        f.write_str(if self.circular { " circular" } else { "" })?;
        f.write_str(if self.bias { ")" } else { ", no bias)" })
    }
}

impl std::fmt::Display for Conv2d {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.write(f, "conv2d", "padding")
    }
}

impl LayerKind for Conv2d {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image::size(input, self.inputs)?;
        if self.circular && self.before.max(self.after) > height.min(width) {
            return Err(image::pad_too_large(height, width));
        }
        match (self.windows_along(height), self.windows_along(width)) {
            (Some(height), Some(width)) => Ok(vec![self.outputs, height, width]),
            _ => Err(image::too_small(self.span(), height, width)),
        }
    }

    fn param_specs(&self) -> Vec<ParamSpec> {
        weight_and_bias(&self.weight_shape(), self.weight_kind(1), self.outputs, self.bias)
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
        let weight = pass.next_array(self)?.reshape(self.weight_shape());
        let bias = if self.bias { Some(pass.next_array(self)?) } else { None };
        let (x, padding) = if self.circular {
            (burn_circular_pad(x.into_images(), self.before, self.after), (0, 0))
        } else {
            (x.into_images(), (self.before, self.after))
        };
        let options = ConvOptions::new_with_padding([self.stride; 2], [padding; 2], [self.dilation; 2], self.groups);
        Ok(image::burn_rows(module::conv2d(x, weight, bias, options)))
    }

    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], _: bool) -> Result<()> {
        inverse.enlarge(self.reversed(), input)?;
        inverse.push_activation();
        Ok(())
    }

    fn trainable(&self) -> Option<&dyn Trainable> {
        Some(self)
    }

    fn linear_map(&self, input: &[usize], output: &[usize]) -> Option<Box<dyn LinearMap>> {
        let is_one = self.bias && self.groups == 1;
        is_one.then(|| -> Box<dyn LinearMap> {
            Box::new(WindowMap { conv: self.clone(), patches: self.products(input, output).patches })
        })
    }

    fn within(&self) -> Option<Layer> {
        (self.groups > 1).then(|| Self { groups: 1, ..self.clone() }.into())
    }

    fn wants_image_batches(&self) -> bool {
        true
    }
}

impl Trainable for Conv2d {
    fn forward_into(
        &self,
        y: &mut [f32],
        x: &[f32],
        [from, to]: [&[usize]; 2],
        arrays: &[&[f32]],
        scratch: &mut Scratch,
    ) {
        fill_with_bias(y, arrays);
        self.products(from, to).convolve(y, arrays[0], x, scratch);
    }

    fn backward(&self, pass: &mut BackwardPass<'_>) {
        pass.sum_bias_gradient();
        let [from, to] = pass.shapes;
        let (products, weight) = (self.products(from, to), pass.arrays[0]);
        pass.of_arrays[0].fill(0.0);
        products.weight_gradient(&mut pass.of_arrays[0], pass.gradient, pass.x, pass.scratch);
        pass.pass_on(|input, output, scratch| {
            input.fill(0.0);
            products.convolve_transposed(input, weight, output, scratch);
        });
    }
}

/// Each pixel of the output is a row; the input's row is the window that it sees.
struct WindowMap {
    conv: Conv2d,
    patches: Patches,
}

impl LinearMap for WindowMap {
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
        self.patches.all(&x)
    }

    fn weight(&self, matrix: &[f64]) -> Vec<f32> {
        let Conv2d { inputs, outputs, kernel, .. } = self.conv;
        let window = kernel * kernel;
        let at = |i: usize| {
            let (pair, pixel) = (i / window, i % window);
            let (input, output) = (pair % inputs, pair / inputs);
            matrix[(pixel * inputs + input) * outputs + output] as f32
        };
        (0..inputs * outputs * window).map(at).collect()
    }
}
