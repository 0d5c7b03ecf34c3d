//! The windows of a convolution as rows of a matrix (im2col): convolutions become matrix products.

use std::ops::Range;

/// Windows of `kernel` × `kernel` pixels over images `[height, width, channels]`, channels last. Each window is a row of
/// `[kernel, kernel, channels]` numbers. Windows are numbered image by image, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patches {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Rows and columns of windows in an image.
    pub rows: usize,
    pub columns: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Padding before the first row and column, in pixels.
    pub before: usize,
    /// Whether the padding continues from the opposite edge; otherwise it is zeros.
    pub circular: bool,
}

impl Patches {
    /// Windows of an image.
    pub fn positions(&self) -> usize {
        self.rows * self.columns
    }

    /// Numbers of an image.
    pub fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers of a window.
    pub fn window(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// All windows of some images, one row each.
    pub fn all(&self, images: &[f32]) -> Vec<f32> {
        let count = images.len() / self.image().max(1) * self.positions();
        let mut rows = vec![0.0; count * self.window()];
        self.gather(images, 0..count, &(0..self.channels), &mut rows);
        rows
    }

    /// Whether the windows are simply the image's pixels.
    pub(super) fn is_plain(&self) -> bool {
        self.kernel == 1
            && self.stride == 1
            && self.before == 0
            && (self.rows, self.columns) == (self.height, self.width)
    }

    /// Copies the windows `positions`, with only the channels `group`, to the rows of `out`.
    pub(super) fn gather(&self, images: &[f32], positions: Range<usize>, group: &Range<usize>, out: &mut [f32]) {
        let row = self.kernel * self.kernel * group.len();
        for (position, out) in positions.zip(out.chunks_exact_mut(row)) {
            let mut filled = 0;
            self.runs(position, group, |at, from, length| {
                out[filled..at].fill(0.0);
                copy(&mut out[at..at + length], &images[from..from + length]);
                filled = at + length;
            });
            out[filled..].fill(0.0);
        }
    }

    /// Adds the rows of `patches` to the windows `positions`: the transpose of [`Patches::gather`].
    pub(super) fn scatter(&self, patches: &[f32], positions: Range<usize>, group: &Range<usize>, images: &mut [f32]) {
        let row = self.kernel * self.kernel * group.len();
        for (position, patch) in positions.zip(patches.chunks_exact(row)) {
            self.runs(position, group, |at, to, length| {
                let to = &mut images[to..to + length];
                to.iter_mut().zip(&patch[at..at + length]).for_each(|(sum, x)| *sum += x);
            });
        }
    }

    /// Calls `run` for each contiguous run of a window, in order, with its offset in the row, its offset in the images, and
    /// its length.
    #[inline(always)]
    fn runs(&self, position: usize, group: &Range<usize>, mut run: impl FnMut(usize, usize, usize)) {
        let Self { height, width, channels, kernel, stride, dilation, before, .. } = *self;
        let (image, position) = (position / self.positions(), position % self.positions());
        let top = (position / self.columns * stride) as isize - before as isize;
        let left = (position % self.columns * stride) as isize - before as isize;
        let deep = group.len();
        for a in 0..kernel {
            let Some(y) = self.inside(top + (a * dilation) as isize, height) else { continue };
            let line = ((image * height + y) * width) * channels + group.start;
            if dilation == 1 && deep == channels && !self.circular {
                let first = (-left).clamp(0, kernel as isize) as usize;
                let last = (width as isize - left).clamp(0, kernel as isize) as usize;
                if first < last {
                    let x = (left + first as isize) as usize;
                    run((a * kernel + first) * deep, line + x * channels, (last - first) * deep);
                }
                continue;
            }
            for b in 0..kernel {
                if let Some(x) = self.inside(left + (b * dilation) as isize, width) {
                    run((a * kernel + b) * deep, line + x * channels, deep);
                }
            }
        }
    }

    #[inline(always)]
    fn inside(&self, at: isize, length: usize) -> Option<usize> {
        if self.circular {
            return Some(at.rem_euclid(length as isize) as usize);
        }
        (0..length as isize).contains(&at).then_some(at as usize)
    }
}

/// Copies short slices without a call of `memcpy`.
#[inline(always)]
fn copy(to: &mut [f32], from: &[f32]) {
    if to.len() < 16 {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    } else {
        to.copy_from_slice(from);
    }
}
