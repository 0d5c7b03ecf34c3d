//! Normalisation in training steps on the host, and the loops of the norms by sample, which are the same in every pass.

#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

use super::kind::{BackwardPass, Differentiable, ForwardStep};
use super::normalisation::{BatchNorm, GroupNorm, LayerNorm, MOMENTUM, RmsNorm};
use crate::kernels::vectorised;
use crate::network::batch::Batch;

/// Each group of channels of each sample, minus its mean if it is `centred`, divided by the root of its mean square.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowNorm {
    /// Numbers of a sample.
    numbers: usize,
    /// Numbers of a pixel, each with a scale, and how many groups they are divided into.
    features: usize,
    groups: usize,
    epsilon: f64,
    centred: bool,
}

impl LayerNorm {
    pub(super) fn rows(&self) -> RowNorm {
        let numbers = self.shape.iter().product();
        RowNorm { numbers, features: numbers, groups: 1, epsilon: self.epsilon, centred: true }
    }
}

impl RmsNorm {
    pub(super) fn rows(&self) -> RowNorm {
        let numbers = self.shape.iter().product();
        RowNorm { numbers, features: numbers, groups: 1, epsilon: self.epsilon, centred: false }
    }
}

impl GroupNorm {
    pub(super) fn rows(&self, shape: &[usize]) -> RowNorm {
        let Self { groups, features, epsilon } = *self;
        RowNorm { numbers: shape.iter().product(), features, groups, epsilon, centred: true }
    }
}

/// Sums side by side in training steps, so that their loops vectorise. Other passes have one, which adds number by number.
const LANES: usize = 8;

/// Adds `term` of pairs of two rows to sums in double precision.
#[inline(always)]
fn add<const LANES: usize>(sums: &mut [f64; LANES], a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) {
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(f64::from(a), f64::from(b));
        }
    }
}

impl RowNorm {
    /// Numbers of a pixel in a group.
    fn size(self) -> usize {
        self.features / self.groups
    }

    /// Numbers of a group.
    fn count(self) -> f64 {
        (self.numbers / self.groups) as f64
    }

    /// The mean of a group of a sample, and the factor that makes its standard deviation 1.
    #[inline(always)]
    fn mean_and_factor<const LANES: usize>(self, sample: &[f32], start: usize) -> (f64, f64) {
        let mean = if self.centred { self.mean_of::<LANES>(sample, start, |x| x) } else { 0.0 };
        let square = self.mean_of::<LANES>(sample, start, |x| (x - mean) * (x - mean));
        (mean, 1.0 / libm::sqrt(square + self.epsilon))
    }

    #[inline(always)]
    fn mean_of<const LANES: usize>(self, sample: &[f32], start: usize, term: impl Fn(f64) -> f64) -> f64 {
        let mut sums = [0.0; LANES];
        for pixel in sample.chunks(self.features) {
            let pixel = &pixel[start..start + self.size()];
            add(&mut sums, pixel, pixel, |x, _| term(x));
        }
        sums.iter().sum::<f64>() / self.count()
    }

    /// Normalises samples in place, with a scale and a shift for every number of a pixel.
    pub fn apply(self, x: &mut [f32], scale: &[f32], shift: Option<&[f32]>) {
        self.apply_by::<1>(x, scale, shift);
    }

    fn apply_by<const LANES: usize>(self, x: &mut [f32], scale: &[f32], shift: Option<&[f32]>) {
        vectorised(
            #[inline(always)]
            || {
                for sample in x.chunks_mut(self.numbers) {
                    for start in (0..self.features).step_by(self.size()) {
                        let (mean, factor) = self.mean_and_factor::<LANES>(sample, start);
                        for pixel in sample.chunks_mut(self.features) {
                            let pixel = &mut pixel[start..start + self.size()];
                            for (x, scale) in pixel.iter_mut().zip(&scale[start..]) {
                                *x = ((f64::from(*x) - mean) * factor) as f32 * scale;
                            }
                            if let Some(shift) = shift {
                                pixel.iter_mut().zip(&shift[start..]).for_each(|(x, shift)| *x += shift);
                            }
                        }
                    }
                }
            },
        );
    }

    /// Turns the gradient of the output into that of the input, and adds those of scale and shift.
    fn backward(self, gradient: &mut [f32], x: &[f32], scale: &[f32], of_scale: &mut [f32], of_shift: &mut [f32]) {
        vectorised(
            #[inline(always)]
            || {
                for (gradient, x) in gradient.chunks_mut(self.numbers).zip(x.chunks(self.numbers)) {
                    for start in (0..self.features).step_by(self.size()) {
                        self.backward_of_group(gradient, x, start, scale, of_scale, of_shift);
                    }
                }
            },
        );
    }

    #[inline(always)]
    fn backward_of_group(
        self,
        gradient: &mut [f32],
        x: &[f32],
        start: usize,
        scale: &[f32],
        of_scale: &mut [f32],
        of_shift: &mut [f32],
    ) {
        let (channels, (mean, factor)) = (start..start + self.size(), self.mean_and_factor::<LANES>(x, start));
        let (scale, of_scale) = (&scale[channels.clone()], &mut of_scale[channels.clone()]);
        let of_shift = &mut of_shift[channels.clone()];
        let [mut all, mut along] = [[0.0; LANES]; 2];
        for (g, x) in gradient.chunks_mut(self.features).zip(x.chunks(self.features)) {
            let (g, x) = (&mut g[channels.clone()], &x[channels.clone()]);
            for (((g, &x), &scale), (of_scale, of_shift)) in
                g.iter_mut().zip(x).zip(scale).zip(of_scale.iter_mut().zip(&mut *of_shift))
            {
                *of_scale += (f64::from(*g) * (f64::from(x) - mean) * factor) as f32;
                *of_shift += *g;
                *g *= scale;
            }
            add(&mut all, g, x, |g, _| g);
            add(&mut along, g, x, |g, x| g * (x - mean) * factor);
        }
        let mean_of = |sums: [f64; LANES]| sums.iter().sum::<f64>() / self.count();
        let (all, along) = (if self.centred { mean_of(all) } else { 0.0 }, mean_of(along));
        for (g, x) in gradient.chunks_mut(self.features).zip(x.chunks(self.features)) {
            for (g, &x) in g[channels.clone()].iter_mut().zip(&x[channels.clone()]) {
                let normed = (f64::from(x) - mean) * factor;
                *g = ((f64::from(*g) - all - normed * along) * factor) as f32;
            }
        }
    }
}

/// Numbers of shape `shape`, channels last, from those of an array with its channels first.
fn last(array: &[f32], shape: &[usize]) -> Vec<f32> {
    Batch::new(array.into(), shape).data
}

/// The way back.
fn first(numbers: Vec<f32>, shape: &[usize]) -> Vec<f32> {
    Batch { samples: 1, shape: shape.to_vec(), data: numbers }.into_rows()
}

impl Differentiable for LayerNorm {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        y.copy_from_slice(step.x);
        self.rows().apply_by::<LANES>(y, &last(step.arrays[0], &self.shape), Some(&last(step.arrays[1], &self.shape)));
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let scale = last(pass.arrays[0], &self.shape);
        let [mut of_scale, mut of_shift] = [vec![0.0; scale.len()], vec![0.0; scale.len()]];
        self.rows().backward(pass.gradient, pass.x, &scale, &mut of_scale, &mut of_shift);
        pass.of_arrays[0].copy_from_slice(&first(of_scale, &self.shape));
        pass.of_arrays[1].copy_from_slice(&first(of_shift, &self.shape));
    }
}

impl Differentiable for RmsNorm {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        y.copy_from_slice(step.x);
        self.rows().apply_by::<LANES>(y, &last(step.arrays[0], &self.shape), None);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let scale = last(pass.arrays[0], &self.shape);
        let [mut of_scale, mut of_shift] = [vec![0.0; scale.len()], vec![0.0; scale.len()]];
        self.rows().backward(pass.gradient, pass.x, &scale, &mut of_scale, &mut of_shift);
        pass.of_arrays[0].copy_from_slice(&first(of_scale, &self.shape));
    }
}

impl Differentiable for GroupNorm {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        y.copy_from_slice(step.x);
        self.rows(step.shapes[1]).apply_by::<LANES>(y, step.arrays[0], Some(step.arrays[1]));
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        let (rows, scale) = (self.rows(pass.shapes[1]), pass.arrays[0]);
        let [of_scale, of_shift] = pass.of_arrays else { return };
        of_scale.fill(0.0);
        of_shift.fill(0.0);
        rows.backward(pass.gradient, pass.x, scale, of_scale, of_shift);
    }
}

/// Adds `term` of every pixel's channels, of two batches, to the channel's sum.
fn add_by_channel(sums: &mut [f64], a: &[f32], b: &[f32], term: impl Fn(usize, f32, f32) -> f64) {
    vectorised(
        #[inline(always)]
        || {
            for (a, b) in a.chunks(sums.len()).zip(b.chunks(sums.len())) {
                for (channel, ((sum, &a), &b)) in sums.iter_mut().zip(a).zip(b).enumerate() {
                    *sum += term(channel, a, b);
                }
            }
        },
    );
}

impl BatchNorm {
    fn factors(&self, variances: &[f32]) -> Vec<f32> {
        variances.iter().map(|&v| (1.0 / libm::sqrt(f64::from(v) + self.epsilon)) as f32).collect()
    }
}

impl Differentiable for BatchNorm {
    /// Keeps the batch's means and variances.
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        let (x, arrays) = (step.x, step.arrays);
        let (channels, count) = (self.features, (x.len() / self.features) as f64);
        let mut sums = vec![0.0; channels];
        add_by_channel(&mut sums, x, x, |_, x, _| f64::from(x));
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        sums.fill(0.0);
        add_by_channel(&mut sums, x, x, |channel, x, _| {
            let centred = f64::from(x) - means[channel];
            centred * centred
        });
        step.kept.clear();
        step.kept.extend(means.iter().map(|&mean| mean as f32));
        step.kept.extend(sums.iter().map(|sum| (sum / count) as f32));
        let (means, variances) = step.kept.split_at(channels);
        let factors = self.factors(variances);
        vectorised(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_mut(channels).zip(x.chunks(channels)) {
                    for (channel, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                        *y = (x - means[channel]) * factors[channel] * arrays[0][channel] + arrays[1][channel];
                    }
                }
            },
        );
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, kept: &[f32]) {
        let (channels, count) = (self.features, pass.x.len() / self.features);
        let (means, variances) = kept.split_at(channels);
        let factors = self.factors(variances);
        let [mut of_scale, mut of_shift] = [vec![0.0; channels], vec![0.0; channels]];
        add_by_channel(&mut of_shift, pass.gradient, pass.x, |_, g, _| f64::from(g));
        add_by_channel(&mut of_scale, pass.gradient, pass.x, |channel, g, x| {
            f64::from(g) * f64::from((x - means[channel]) * factors[channel])
        });
        let part = |sums: &[f64]| -> Vec<f32> { sums.iter().map(|&sum| (sum / count as f64) as f32).collect() };
        let (along, all, scale) = (part(&of_scale), part(&of_shift), pass.arrays[0]);
        vectorised(
            #[inline(always)]
            || {
                for (g, x) in pass.gradient.chunks_mut(channels).zip(pass.x.chunks(channels)) {
                    for (channel, (g, &x)) in g.iter_mut().zip(x).enumerate() {
                        let normed = (x - means[channel]) * factors[channel];
                        *g = (*g - all[channel] - normed * along[channel]) * factors[channel] * scale[channel];
                    }
                }
            },
        );
        // As in PyTorch, the running variance is the unbiased one, though the batch is divided by the other.
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        for channel in 0..channels {
            pass.of_arrays[0][channel] = of_scale[channel] as f32;
            pass.of_arrays[1][channel] = of_shift[channel] as f32;
            let moved = |before: f32, batch: f64| (f64::from(before) * (1.0 - MOMENTUM) + batch * MOMENTUM) as f32;
            pass.of_arrays[2][channel] = moved(pass.arrays[2][channel], f64::from(means[channel]));
            pass.of_arrays[3][channel] = moved(pass.arrays[3][channel], f64::from(variances[channel]) * unbiased);
        }
    }
}
