//! What convolutions, transposed convolutions and pools do to the shape of an image.

use serde::Serialize;

use crate::kernels;
use crate::{Error, Result};

/// A convolution of images, or, led backwards, a transposed one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conv2d {
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub groups: usize,
    /// Pixels added before and after each side of the input; of a transposed convolution, cut off its output.
    pub before: usize,
    pub after: usize,
    /// The pixels that are added come from the opposite side, as on a torus.
    pub circular: bool,
    pub bias: bool,
}

/// A window that moves over an image and leaves one number for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pool {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
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
            ("channels that go in", self.inputs),
            ("channels that come out", self.outputs),
            ("the kernel", self.kernel),
            ("the stride", self.stride),
            ("the dilation", self.dilation),
            ("groups", self.groups),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(Error::new(format!("a convolution: {name}: 0; it is at least 1")));
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

    /// The shape that comes out of a convolution.
    pub(super) fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image(input, self.inputs)?;
        let size =
            |size: usize| (size + self.before + self.after).checked_sub(self.span()).map(|x| x / self.stride + 1);
        if self.circular && self.before.max(self.after) > height.min(width) {
            return Err(Error::new(format!("goes round an image of {height}×{width} more than once")));
        }
        match (size(height), size(width)) {
            (Some(height), Some(width)) => Ok(vec![self.outputs, height, width]),
            _ => Err(too_small(self.span(), height, width)),
        }
    }

    /// The shape that comes out of a transposed convolution.
    pub(super) fn transposed_output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image(input, self.inputs)?;
        let cut = self.before + self.after;
        let size = |size: usize| ((size - 1) * self.stride + self.span()).checked_sub(cut).filter(|&size| size > 0);
        match (size(height), size(width)) {
            (Some(height), Some(width)) => Ok(vec![self.outputs, height, width]),
            _ => Err(Error::new(format!("cuts {cut} pixels, more than an input of {height}×{width} leads to"))),
        }
    }

    /// The shape of a convolution's weight.
    pub(super) fn weight_shape(&self) -> [usize; 4] {
        [self.outputs, self.inputs / self.groups, self.kernel, self.kernel]
    }

    /// The shape of a transposed convolution's weight.
    pub(super) fn transposed_weight_shape(&self) -> [usize; 4] {
        [self.inputs, self.outputs / self.groups, self.kernel, self.kernel]
    }

    /// Trainable numbers.
    pub(super) fn parameters(&self) -> usize {
        self.inputs * self.outputs / self.groups * self.kernel * self.kernel + if self.bias { self.outputs } else { 0 }
    }

    /// The products behind a convolution of images of `input`.
    pub(crate) fn products(&self, input: &[usize], output: &[usize]) -> kernels::Convolution {
        self.over(input, output, self.outputs)
    }

    /// The same products led backwards: a transposed convolution's images are its output.
    pub(crate) fn transposed_products(&self, input: &[usize], output: &[usize]) -> kernels::Convolution {
        self.over(output, input, self.inputs)
    }

    fn over(&self, image: &[usize], windows: &[usize], rows: usize) -> kernels::Convolution {
        let patches = kernels::Patches {
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
        kernels::Convolution { patches, rows, groups: self.groups }
    }

    pub(super) fn describe(&self, f: &mut std::fmt::Formatter<'_>, name: &str, padding: &str) -> std::fmt::Result {
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

impl Pool {
    /// The shape that comes out.
    pub(super) fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = image(input, input[0])?;
        if self.kernel == 0 || self.stride == 0 || 2 * self.padding > self.kernel {
            return Err(Error::new(format!(
                "a pool of {} pixels, stride {}, padding {}: the first two are at least 1, the padding at most half a pool",
                self.kernel, self.stride, self.padding
            )));
        }
        let size = |size: usize| (size + 2 * self.padding).checked_sub(self.kernel).map(|x| x / self.stride + 1);
        match (size(height), size(width)) {
            (Some(height), Some(width)) => Ok(vec![input[0], height, width]),
            _ => Err(too_small(self.kernel, height, width)),
        }
    }

    pub(super) fn describe(&self, f: &mut std::fmt::Formatter<'_>, name: &str) -> std::fmt::Result {
        write!(f, "{name}({}", self.kernel)?;
        if self.stride != self.kernel {
            write!(f, ", stride {}", self.stride)?;
        }
        if self.padding > 0 {
            write!(f, ", padding {}", self.padding)?;
        }
        f.write_str(")")
    }
}

fn too_small(span: usize, height: usize, width: usize) -> Error {
    Error::new(format!("spans {span}×{span} pixels, the image has {height}×{width}"))
        .hint("pad the image, or use fewer layers that make it smaller")
}

/// Height and width of an image of so many channels.
pub(super) fn image(shape: &[usize], channels: usize) -> Result<[usize; 2]> {
    match *shape {
        [c, height, width] if c == channels => Ok([height, width]),
        _ => Err(Error::new(format!("expects images of shape [{channels}, height, width], got {shape:?}"))),
    }
}
