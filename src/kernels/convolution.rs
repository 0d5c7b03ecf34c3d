//! Convolution, its transpose and its weight gradient, as matrix products over patches. The same three functions serve
//! convolutions and transposed convolutions, forward and backward: the forward pass of one is the gradient of the other.

use std::ops::Range;

use super::{Matrix, Patches, accumulate, implicit_gemm, product, vectorised};

/// Numbers in the patches of one product: half a megabyte, which stays in a core's own cache.
const NUMBERS: usize = 1 << 17;
/// Minimum number of patches of one product; fewer are not worth packing the weights for.
const LEAST: usize = 512;
/// Minimum number of output channels for the implicit-GEMM path.
const IMPLICIT_GEMM: usize = 8;

/// A linear map between images `[height, width, channels]` and values `[positions, rows]`, `rows` numbers for each patch of
/// an image. Its weights are `[rows, kernel, kernel, channels]`; with groups, `[rows, kernel, kernel, channels / groups]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    pub patches: Patches,
    /// Values of each patch.
    pub rows: usize,
    pub groups: usize,
}

/// Buffers, kept from call to call.
#[derive(Debug, Default)]
pub struct Scratch {
    patches: Vec<f32>,
    rows: Vec<f32>,
    implicit_gemm: implicit_gemm::Buffers,
}

impl Convolution {
    /// Values of all patches of an image.
    pub fn values(&self) -> usize {
        self.patches.positions() * self.rows
    }

    /// Floating-point operations of one image.
    pub fn operations(&self) -> f64 {
        2.0 * (self.values() * self.window()) as f64
    }

    /// `values` += weight · patches of `images`: a convolution, or the input gradient of a transposed convolution.
    pub fn convolve(&self, values: &mut [f32], weight: &[f32], images: &[f32], scratch: &mut Scratch) {
        if self.is_implicit(self.rows) {
            let (window, patches) = (self.window(), &self.patches);
            let weight = |i: usize, o: usize| weight[o * window + i];
            return implicit_gemm::values(patches, values, self.rows, images, weight, &mut scratch.implicit_gemm);
        }
        self.each(images.len(), |group, positions| {
            let weight = self.weight(weight, &group).transposed();
            let patches = self.gathered(images, &positions, &group, &mut scratch.patches);
            let rows = &mut values[positions.start * self.rows..positions.end * self.rows];
            if self.groups == 1 {
                accumulate(rows, patches, weight);
                return;
            }
            let product_rows = resized(&mut scratch.rows, positions.len() * group.rows.len());
            product(product_rows, patches, weight);
            for (row, product) in rows.chunks_mut(self.rows).zip(product_rows.chunks(group.rows.len())) {
                row[group.rows.clone()].iter_mut().zip(product).for_each(|(sum, x)| *sum += x);
            }
        });
    }

    /// `images` += weightᵀ · `values`, added where the patches are: a transposed convolution, or the input gradient of a
    /// convolution.
    pub fn convolve_transposed(&self, images: &mut [f32], weight: &[f32], values: &[f32], scratch: &mut Scratch) {
        if self.is_implicit(self.patches.channels)
            && let Some(patches) = self.transposed_patches()
        {
            let (kernel, channels) = (self.patches.kernel, self.patches.channels);
            // The transposed convolution's kernel is mirrored.
            let weight = |i: usize, o: usize| {
                let (pixel, row) = (kernel * kernel - 1 - i / self.rows, i % self.rows);
                weight[(row * kernel * kernel + pixel) * channels + o]
            };
            return implicit_gemm::values(&patches, images, channels, values, weight, &mut scratch.implicit_gemm);
        }
        self.each(images.len(), |group, positions| {
            let weight = self.weight(weight, &group);
            let rows = self.grouped(values, &positions, &group, &mut scratch.rows);
            if self.patches.is_plain() && self.groups == 1 {
                let size = self.patches.channels;
                accumulate(&mut images[positions.start * size..positions.end * size], rows, weight);
                return;
            }
            let patches = resized(&mut scratch.patches, positions.len() * self.window());
            product(patches, rows, weight);
            vectorised(
                #[inline(always)]
                || self.patches.scatter(patches, positions, &group.channels, images),
            );
        });
    }

    /// `gradient` += `values`ᵀ · patches of `images`: the gradient of the weights.
    pub fn weight_gradient(&self, gradient: &mut [f32], values: &[f32], images: &[f32], scratch: &mut Scratch) {
        if self.is_implicit(self.rows) {
            return implicit_gemm::gradient(
                &self.patches,
                gradient,
                values,
                self.rows,
                images,
                &mut scratch.implicit_gemm,
            );
        }
        self.each(images.len(), |group, positions| {
            let rows = self.grouped(values, &positions, &group, &mut scratch.rows).transposed();
            let patches = self.gathered(images, &positions, &group, &mut scratch.patches);
            let window = self.window();
            accumulate(&mut gradient[group.rows.start * window..group.rows.end * window], rows, patches);
        });
    }

    /// Whether the implicit-GEMM path is taken for `outputs` output channels. It is not for kernels of one pixel, which are
    /// a plain product, nor for few channels, which do not fill a register.
    fn is_implicit(&self, outputs: usize) -> bool {
        self.groups == 1 && self.patches.kernel > 1 && outputs >= IMPLICIT_GEMM
    }

    /// The patches of `[rows, columns]` values that contribute to each pixel of an image, if the transpose is a convolution
    /// too.
    fn transposed_patches(&self) -> Option<Patches> {
        let Patches { height, width, rows, columns, kernel, stride, dilation, before, circular, .. } = self.patches;
        let before = (dilation * (kernel - 1)).checked_sub(before)?;
        let is_one = stride == 1 && (!circular || (rows, columns) == (height, width));
        is_one.then_some(Patches {
            height: rows,
            width: columns,
            channels: self.rows,
            rows: height,
            columns: width,
            before,
            ..self.patches
        })
    }

    /// Numbers of a patch within one group.
    fn window(&self) -> usize {
        self.patches.kernel * self.patches.kernel * (self.patches.channels / self.groups)
    }

    /// Calls `visit` for every group with every range of patches.
    fn each(&self, numbers: usize, mut visit: impl FnMut(Group, Range<usize>)) {
        let positions = numbers / self.patches.image().max(1) * self.patches.positions();
        let step = (NUMBERS / self.window().max(1)).max(LEAST);
        let (rows, channels) = (self.rows / self.groups, self.patches.channels / self.groups);
        for g in 0..self.groups {
            for start in (0..positions).step_by(step) {
                let group = Group { rows: g * rows..(g + 1) * rows, channels: g * channels..(g + 1) * channels };
                visit(group, start..(start + step).min(positions));
            }
        }
    }

    /// `[rows of the group, window]`.
    fn weight<'a>(&self, weight: &'a [f32], group: &Group) -> Matrix<'a> {
        let window = self.window();
        Matrix::new(&weight[group.rows.start * window..group.rows.end * window], group.rows.len(), window)
    }

    /// `[positions, window]`.
    fn gathered<'a>(
        &self,
        images: &'a [f32],
        positions: &Range<usize>,
        group: &Group,
        scratch: &'a mut Vec<f32>,
    ) -> Matrix<'a> {
        if self.patches.is_plain() && self.groups == 1 {
            let size = self.patches.channels;
            return Matrix::new(&images[positions.start * size..positions.end * size], positions.len(), size);
        }
        let patches = resized(scratch, positions.len() * self.window());
        vectorised(
            #[inline(always)]
            || self.patches.gather(images, positions.clone(), &group.channels, patches),
        );
        Matrix::new(patches, positions.len(), self.window())
    }

    /// `[positions, rows of the group]`.
    fn grouped<'a>(
        &self,
        values: &'a [f32],
        positions: &Range<usize>,
        group: &Group,
        scratch: &'a mut Vec<f32>,
    ) -> Matrix<'a> {
        let values = &values[positions.start * self.rows..positions.end * self.rows];
        if self.groups == 1 {
            return Matrix::new(values, positions.len(), self.rows);
        }
        let rows = resized(scratch, positions.len() * group.rows.len());
        for (to, from) in rows.chunks_mut(group.rows.len()).zip(values.chunks(self.rows)) {
            to.copy_from_slice(&from[group.rows.clone()]);
        }
        Matrix::new(rows, positions.len(), group.rows.len())
    }
}

struct Group {
    rows: Range<usize>,
    channels: Range<usize>,
}

fn resized(scratch: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    &mut scratch[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn random(n: usize, name: &str) -> Vec<f32> {
        let mut numbers = vec![0.0; n];
        Random::new(0, &["convolution", name]).fill_uniform(&mut numbers, -1.0, 1.0);
        numbers
    }

    fn dot(x: &[f32], y: &[f32]) -> f64 {
        x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    /// ⟨v, A x⟩ = ⟨Aᵀ v, x⟩ = ⟨weight gradient, weight⟩.
    #[test]
    fn the_transposed_convolution_is_the_transpose() {
        for (stride, kernel, before) in
            [(1, 3, 1), (2, 3, 0), (2, 3, 1), (2, 2, 0), (2, 4, 1), (2, 3, 2), (3, 2, 0), (3, 5, 2), (4, 3, 1)]
        {
            for (channels, rows, side) in [(8, 9, 9), (9, 3, 10), (3, 8, 11)] {
                let size = (side + before - kernel) / stride + 1;
                let patches = Patches {
                    height: side,
                    width: side + 1,
                    channels,
                    rows: size,
                    columns: size,
                    kernel,
                    stride,
                    dilation: 1,
                    before,
                    circular: false,
                };
                let convolution = Convolution { patches, rows, groups: 1 };
                let samples = 40;
                let x = random(samples * patches.image(), "x");
                let values = random(samples * convolution.values(), "values");
                let weight = random(rows * patches.window(), "weight");
                let mut scratch = Scratch::default();
                let (mut convolved, mut transposed) = (vec![0.0; values.len()], vec![0.0; x.len()]);
                let mut gradient = vec![0.0; weight.len()];
                convolution.convolve(&mut convolved, &weight, &x, &mut scratch);
                convolution.convolve_transposed(&mut transposed, &weight, &values, &mut scratch);
                convolution.weight_gradient(&mut gradient, &values, &x, &mut scratch);
                let (expected, found) = (dot(&values, &convolved), dot(&transposed, &x));
                let what = format!("{convolution:?}: {expected} {found}");
                assert!((expected - found).abs() < 1e-5 * dot(&convolved, &convolved), "{what}");
                assert!((expected - dot(&gradient, &weight)).abs() < 1e-5 * dot(&convolved, &convolved), "{what}");
            }
        }
    }
}
