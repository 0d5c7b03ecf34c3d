//! Implicit GEMM: convolutions whose patches are not copied into a matrix. Windows are read directly from the images, a
//! register full of output channels at a time. With many channels the copies would cost more than the arithmetic.

#![expect(unsafe_code, reason = "unchecked reads in the inner loops; `Patches::windows` checks all of them before")]

use pulp::{Simd, WithSimd};

use super::Patches;

/// Numbers of padded images that are processed at a time: they stay in a core's second-level cache.
const CHUNK: usize = 1 << 16;
/// Windows whose values stay in the first-level cache.
const L1_WINDOWS: usize = 96;
/// Output channels of a panel, which are adjacent in the packed weights.
const PANEL: usize = 32;

/// Buffers, kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    padded: Vec<f32>,
    starts: Vec<usize>,
    packed: Vec<f32>,
}

/// `values` += weight · windows, `[outputs]` numbers for each window of `images`. `weight(i, o)` is the weight of number i of
/// a window for output o.
pub(super) fn values(
    patches: &Patches,
    values: &mut [f32],
    outputs: usize,
    images: &[f32],
    weight: impl Fn(usize, usize) -> f32,
    buffers: &mut Buffers,
) {
    let window = patches.window();
    buffers.packed.clear();
    for start in (0..outputs).step_by(PANEL) {
        for i in 0..window {
            let or_zero = |o: usize| if o < outputs { weight(i, o) } else { 0.0 };
            buffers.packed.extend((start..start + PANEL).map(or_zero));
        }
    }
    let Buffers { padded, starts, packed } = buffers;
    let some = patches.at_once();
    for (images, values) in
        images.chunks(some * patches.image()).zip(values.chunks_mut(some * patches.positions() * outputs))
    {
        let windows = patches.windows(images, padded, starts);
        for (panel, weight) in packed.chunks(window * PANEL).enumerate() {
            pulp::Arch::new().dispatch(Values { windows: &windows, weight, values, outputs, first: panel * PANEL });
        }
    }
}

/// `gradient` += valuesᵀ · windows, `[outputs, window]`: the gradient of the weights of [`values`].
pub(super) fn gradient(
    patches: &Patches,
    gradient: &mut [f32],
    values: &[f32],
    outputs: usize,
    images: &[f32],
    buffers: &mut Buffers,
) {
    let (window, panels) = (patches.window(), outputs.div_ceil(PANEL));
    let Buffers { padded, starts, packed } = buffers;
    packed.clear();
    // Values of some windows, and the sums, both by panels.
    packed.resize((L1_WINDOWS + window * panels) * PANEL, 0.0);
    let (packed_values, sums) = packed.split_at_mut(L1_WINDOWS * PANEL);
    let some = patches.at_once();
    for (images, values) in
        images.chunks(some * patches.image()).zip(values.chunks(some * patches.positions() * outputs))
    {
        let all = patches.windows(images, padded, starts);
        for (starts, values) in all.starts.chunks(L1_WINDOWS).zip(values.chunks(L1_WINDOWS * outputs)) {
            let windows = Windows { starts, ..all };
            for (panel, sums) in sums.chunks_mut(window * PANEL).enumerate() {
                let channels = panel * PANEL..outputs.min((panel + 1) * PANEL);
                for (packed_values, values) in packed_values.chunks_mut(PANEL).zip(values.chunks(outputs)) {
                    packed_values[..channels.len()].copy_from_slice(&values[channels.clone()]);
                }
                let values = &packed_values[..starts.len() * PANEL];
                pulp::Arch::new().dispatch(Gradient { windows: &windows, values, sums, outputs: channels.len() });
            }
        }
    }
    for (o, row) in gradient.chunks_mut(window).enumerate() {
        let sums = &sums[o / PANEL * window * PANEL + o % PANEL..];
        row.iter_mut().zip(sums.iter().step_by(PANEL)).for_each(|(to, sum)| *to += sum);
    }
}

/// Windows of some images, which are padded so that every window lies inside.
#[derive(Clone, Copy)]
struct Windows<'a> {
    images: &'a [f32],
    /// Where each window begins.
    starts: &'a [usize],
    /// Rows of a window, and the distance between their starts.
    kernel: usize,
    row: usize,
    /// Contiguous runs in a row of a window, the distance between their starts, and the length of a run.
    across: usize,
    step: usize,
    run: usize,
}

impl Windows<'_> {
    /// The offset of each run from the window's start.
    #[inline(always)]
    fn runs(&self) -> impl Iterator<Item = usize> {
        let Self { kernel, row, across, step, .. } = *self;
        (0..kernel).flat_map(move |a| (0..across).map(move |b| a * row + b * step))
    }
}

impl Patches {
    /// Images that are processed at a time.
    fn at_once(&self) -> usize {
        let [height, width] = self.padded();
        (CHUNK / (height * width * self.channels).max(1)).max(1)
    }

    /// Height and width of an image with padding for all of its windows.
    fn padded(&self) -> [usize; 2] {
        let reach = |count: usize| (count - 1) * self.stride + (self.kernel - 1) * self.dilation + 1;
        [(self.before + self.height).max(reach(self.rows)), (self.before + self.width).max(reach(self.columns))]
    }

    fn windows<'a>(&self, images: &'a [f32], padded: &'a mut Vec<f32>, starts: &'a mut Vec<usize>) -> Windows<'a> {
        let Self { channels, kernel, stride, dilation, .. } = *self;
        let [height, width] = self.padded();
        starts.clear();
        for image in 0..images.len() / self.image() {
            for y in 0..self.rows {
                let row = (image * height + y * stride) * width;
                starts.extend((0..self.columns).map(|x| (row + x * stride) * channels));
            }
        }
        let images = if [height, width] == [self.height, self.width] {
            images
        } else {
            self.pad(images, padded);
            padded
        };
        let (row, step) = (dilation * width * channels, dilation * channels);
        let (across, run) = if dilation == 1 { (1, kernel * channels) } else { (kernel, channels) };
        let reach = (kernel - 1) * row + (across - 1) * step + run;
        // The inner loops read without checks and rely on this.
        assert!(starts.iter().all(|start| start + reach <= images.len()), "windows of {self:?} lie inside");
        Windows { images, starts, kernel, row, across, step, run }
    }

    /// Copies images into padded ones.
    fn pad(&self, images: &[f32], out: &mut Vec<f32>) {
        let Self { height, width, channels, before, circular, .. } = *self;
        let [rows, columns] = self.padded();
        out.clear();
        out.resize(images.len() / self.image() * rows * columns * channels, 0.0);
        // The source of a pixel, both counted from their image's edge.
        let from = |at: usize, size: usize| match at.checked_sub(before).filter(|&at| at < size) {
            None if circular => Some((at + before * (size - 1)) % size),
            inside => inside,
        };
        for (image, out) in images.chunks(self.image()).zip(out.chunks_mut(rows * columns * channels)) {
            for (y, out) in out.chunks_mut(columns * channels).enumerate() {
                let Some(y) = from(y, height) else { continue };
                let row = &image[y * width * channels..][..width * channels];
                out[before * channels..][..width * channels].copy_from_slice(row);
                for x in (0..before).chain(before + width..columns) {
                    if let Some(from) = from(x, width) {
                        out[x * channels..][..channels].copy_from_slice(&row[from * channels..][..channels]);
                    }
                }
            }
        }
    }
}

/// One panel of the outputs, from output `first` on.
struct Values<'a> {
    windows: &'a Windows<'a>,
    /// `[window, PANEL]`.
    weight: &'a [f32],
    values: &'a mut [f32],
    outputs: usize,
    first: usize,
}

impl WithSimd for Values<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let outputs = (self.outputs - self.first).min(PANEL);
        // As many sums as there are registers for, besides those for the weights and a window's number.
        let (lanes, roomy) = (S::F32_LANES, S::REGISTER_COUNT >= 32);
        let mut at = 0;
        let mut values = self;
        while at < outputs {
            let width = outputs - at;
            match (width > lanes, roomy) {
                (true, true) => values.add::<S, 2, 12>(simd, at, width),
                (true, false) => values.add::<S, 2, 6>(simd, at, width),
                (false, true) => values.add::<S, 1, 16>(simd, at, width),
                (false, false) => values.add::<S, 1, 8>(simd, at, width),
            }
            at += if width > lanes { 2 * lanes } else { lanes };
        }
    }
}

impl Values<'_> {
    /// `WIDE` registers of outputs from output `at` of the panel on, at most `width` outputs, for `MANY` windows at a time.
    #[inline(always)]
    fn add<S: Simd, const WIDE: usize, const MANY: usize>(&mut self, simd: S, at: usize, width: usize) {
        let Windows { images, starts, run, .. } = *self.windows;
        let width = (WIDE * S::F32_LANES).min(width);
        for (tile, starts) in starts.chunks(MANY).enumerate() {
            // The last tile is filled up with its first window; the extra results are not written.
            let start: [usize; MANY] = std::array::from_fn(|i| *starts.get(i).unwrap_or(&starts[0]));
            let mut sums = [[simd.splat_f32s(0.0); WIDE]; MANY];
            let mut weight = self.weight.chunks_exact(PANEL);
            for offset in self.windows.runs() {
                for (i, weight) in (offset..offset + run).zip(&mut weight) {
                    let (weight, _) = S::as_simd_f32s(&weight[at..]);
                    let weight: [S::f32s; WIDE] = std::array::from_fn(|register| weight[register]);
                    for (sums, start) in sums.iter_mut().zip(start) {
                        // SAFETY: `Patches::windows` checked that every window ends inside `images`, and i is an offset
                        // within the window that begins at `start`.
                        let x = simd.splat_f32s(unsafe { *images.get_unchecked(start + i) });
                        for (sum, weight) in sums.iter_mut().zip(weight) {
                            *sum = simd.mul_add_f32s(x, weight, *sum);
                        }
                    }
                }
            }
            for (i, sums) in sums.into_iter().enumerate() {
                if i < starts.len() {
                    let to = (tile * MANY + i) * self.outputs + self.first + at;
                    add_to::<S, WIDE>(simd, &mut self.values[to..to + width], sums);
                }
            }
        }
    }
}

/// The weight gradient of one panel.
struct Gradient<'a> {
    windows: &'a Windows<'a>,
    /// `[windows, PANEL]`.
    values: &'a [f32],
    /// `[window, PANEL]`.
    sums: &'a mut [f32],
    outputs: usize,
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, roomy) = (S::F32_LANES, S::REGISTER_COUNT >= 32);
        let mut at = 0;
        let mut gradient = self;
        while at < gradient.outputs {
            let wide = gradient.outputs - at > lanes;
            match (wide, roomy) {
                (true, true) => gradient.add::<S, 2, 12>(simd, at),
                (true, false) => gradient.add::<S, 2, 6>(simd, at),
                (false, true) => gradient.add::<S, 1, 16>(simd, at),
                (false, false) => gradient.add::<S, 1, 8>(simd, at),
            }
            at += if wide { 2 * lanes } else { lanes };
        }
    }
}

impl Gradient<'_> {
    /// `WIDE` registers of channels from channel `at` on, for `MANY` numbers of the window at a time.
    #[inline(always)]
    fn add<S: Simd, const WIDE: usize, const MANY: usize>(&mut self, simd: S, at: usize) {
        let Self { windows, values, sums, .. } = self;
        for (offset, sums) in windows.runs().zip(sums.chunks_mut(windows.run * PANEL)) {
            for (some, sums) in sums.chunks_mut(MANY * PANEL).enumerate() {
                let offset = offset + some * MANY;
                if sums.len() == MANY * PANEL {
                    add::<S, WIDE, MANY>(simd, windows, values, sums, offset, at);
                } else {
                    for (i, sums) in sums.chunks_mut(PANEL).enumerate() {
                        add::<S, WIDE, 1>(simd, windows, values, sums, offset + i, at);
                    }
                }
            }
        }
    }
}

/// `sums`, `[MANY, PANEL]` from channel `at` on, += the windows' numbers from `offset` on, times the values.
#[inline(always)]
fn add<S: Simd, const WIDE: usize, const MANY: usize>(
    simd: S,
    windows: &Windows<'_>,
    values: &[f32],
    sums: &mut [f32],
    offset: usize,
    at: usize,
) {
    let mut inner = [[simd.splat_f32s(0.0); WIDE]; MANY];
    for (&start, value) in windows.starts.iter().zip(values.chunks_exact(PANEL)) {
        let (value, _) = S::as_simd_f32s(&value[at..]);
        let value: [S::f32s; WIDE] = std::array::from_fn(|register| value[register]);
        for (i, inner) in inner.iter_mut().enumerate() {
            // SAFETY: `Patches::windows` checked that every window ends inside `images`, and `offset + i` is an offset
            // within the window that begins at `start`.
            let x = simd.splat_f32s(unsafe { *windows.images.get_unchecked(start + offset + i) });
            for (sum, value) in inner.iter_mut().zip(value) {
                *sum = simd.mul_add_f32s(x, value, *sum);
            }
        }
    }
    for (i, inner) in inner.into_iter().enumerate() {
        add_to::<S, WIDE>(simd, &mut sums[i * PANEL + at..][..WIDE * S::F32_LANES], inner);
    }
}

/// Adds registers to up to as many numbers. Only whole registers are read and written: access by single numbers would force
/// the sums into memory in the loops before as well.
#[inline(always)]
fn add_to<S: Simd, const WIDE: usize>(simd: S, mut to: &mut [f32], sums: [S::f32s; WIDE]) {
    for sum in sums {
        let (some, rest) = to.split_at_mut(S::F32_LANES.min(to.len()));
        // With some instruction sets, partial loads and stores are function calls.
        if let ([whole], _) = S::as_mut_simd_f32s(some) {
            *whole = simd.add_f32s(*whole, sum);
        } else {
            let sum = simd.add_f32s(simd.partial_load_f32s(some), sum);
            simd.partial_store_f32s(some, sum);
        }
        to = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn random(n: usize, name: &str) -> Vec<f32> {
        let mut numbers = vec![0.0; n];
        Random::new(0, &["sliding", name]).fill_uniform(&mut numbers, -1.0, 1.0);
        numbers
    }

    fn close(found: &[f32], expected: impl Iterator<Item = f64>, what: &str) {
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((f64::from(*found) - expected).abs() < 2e-5, "{what}, number {i}: {found} {expected}");
        }
    }

    /// Compared with patches copied into a matrix, and sums in double precision.
    #[test]
    fn windows_read_in_place_give_the_same_as_copied_ones() {
        let plain = Patches {
            height: 7,
            width: 5,
            channels: 3,
            rows: 5,
            columns: 3,
            kernel: 3,
            stride: 1,
            dilation: 1,
            before: 0,
            circular: false,
        };
        let geometries = [
            plain,
            Patches { before: 1, rows: 7, columns: 5, channels: 32, ..plain },
            Patches { before: 1, rows: 7, columns: 5, circular: true, ..plain },
            Patches { before: 2, rows: 9, columns: 7, circular: true, channels: 4, ..plain },
            Patches { before: 1, rows: 4, columns: 3, stride: 2, channels: 17, ..plain },
            Patches { before: 2, dilation: 2, rows: 7, columns: 5, channels: 5, ..plain },
            Patches { kernel: 2, rows: 3, columns: 2, stride: 2, ..plain },
        ];
        for (patches, outputs) in geometries.into_iter().flat_map(|patches| [8, 16, 23, 40].map(|n| (patches, n))) {
            let (images, window) = (random(40 * patches.image(), "images"), patches.window());
            let weight = random(outputs * window, "weight");
            let copied = patches.all(&images);
            let what = format!("{patches:?} to {outputs}");
            let mut buffers = Buffers::default();

            let mut found = vec![1.0; copied.len() / window * outputs];
            values(&patches, &mut found, outputs, &images, |i, o| weight[o * window + i], &mut buffers);
            let at = |(i, o): (usize, usize)| {
                let row = &copied[i * window..][..window];
                1.0 + row.iter().zip(&weight[o * window..]).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>()
            };
            let rows = copied.len() / window;
            close(&found, (0..rows).flat_map(|i| (0..outputs).map(move |o| (i, o))).map(at), &what);

            let given = random(rows * outputs, "values");
            let mut found = vec![1.0; outputs * window];
            gradient(&patches, &mut found, &given, outputs, &images, &mut buffers);
            let at = |(o, j): (usize, usize)| {
                let each = (0..rows).map(|i| f64::from(given[i * outputs + o]) * f64::from(copied[i * window + j]));
                1.0 + each.sum::<f64>()
            };
            // Sums over hundreds of windows in single precision.
            let scale = |x: f64| x / 10.0;
            let found: Vec<f32> = found.iter().map(|x| x / 10.0).collect();
            let all = (0..outputs).flat_map(|o| (0..window).map(move |j| (o, j)));
            close(&found, all.map(at).map(scale), &what);
        }
    }
}
