//! Forward and backward pass of a training step by the host's own loops, with gradients written by hand: the twin of Burn's
//! autodiff (`learner.rs`). Buffers are kept from step to step, because fresh ones cost more than the arithmetic.

use std::ops::{Range, RangeInclusive};

use super::layers::{BackwardPass, ForwardStep};
use super::{Layer, sequence, views};
use crate::kernels::{Activation, Scratch};
use crate::{Error, Result};

/// Layers in a row, with what the forward pass keeps for the backward pass.
pub(super) struct TrainedLayers {
    parts: Vec<Part>,
    /// The parts in stretches, each with the dropout layers before it. Of all stretches but the last, the forward pass keeps the
    /// last output alone; the backward pass computes the others again, stretch by stretch.
    stretches: Vec<(Range<usize>, usize)>,
}

/// A layer, or a residual one, and the activation that follows it.
struct Part {
    layer: Layer,
    /// Of a sample of the input and of the output.
    shapes: [Vec<usize>; 2],
    /// Which of the network's arrays are its own, and how many of them are trained.
    arrays: Range<usize>,
    /// The rows of layers whose outputs are added, of a residual layer.
    branches: Option<Box<[TrainedLayers; 2]>>,
    /// Computed in place: its slope follows from its value.
    activation: Activation,
    /// Whether the gradient with respect to its input is needed, and whether that of its arrays is.
    is_passed_on: bool,
    has_weights: bool,
    /// The output, and what else the backward pass uses.
    y: Vec<f32>,
    kept: Vec<f32>,
    /// Numbers that its layers compute for one sample.
    numbers: usize,
    /// Whether it has to be computed again for the backward pass, though its output is there.
    needs_more: bool,
}

/// What a forward pass uses.
pub(super) struct Forward<'a> {
    /// All arrays of the network, kernels with their channels last.
    pub arrays: &'a [Vec<f32>],
    pub samples: usize,
    pub seed: u64,
    pub step: usize,
    /// Dropout layers so far.
    pub dropouts: usize,
    pub scratch: &'a mut Scratch,
}

/// What a backward pass uses.
pub(super) struct Backward<'a> {
    pub arrays: &'a mut [Vec<f32>],
    pub samples: usize,
    /// Those of the forward pass.
    pub seed: u64,
    pub step: usize,
    pub buffers: &'a mut Buffers,
    /// Called for every array as soon as nothing needs its old numbers any more, while its gradient is in the processor's
    /// cache: with its number, itself, and its gradient, or new numbers of an array that is not trained.
    pub update: &'a mut Update<'a>,
}

/// What is done with an array, by its number, and its gradient.
pub(super) type Update<'a> = dyn FnMut(usize, &mut [f32], &mut Vec<f32>) + 'a;

/// Buffers of a backward pass.
#[derive(Default)]
pub(super) struct Buffers {
    /// The gradient with respect to a layer's output, at first the network's; and room for the one with respect to its input.
    pub gradient: Vec<f32>,
    room: Vec<f32>,
    /// Gradients of one layer's arrays.
    of_arrays: Vec<Vec<f32>>,
    pub scratch: Scratch,
}

impl TrainedLayers {
    /// `shape` is that of a sample. The first of the layers' arrays is number `first` of the network's; `is_passed_on` is
    /// whether the gradient with respect to the input is needed.
    ///
    /// # Errors
    /// When the layers do not fit one another, or one has no gradients.
    pub fn new(layers: &[Layer], shape: &[usize], first: usize, is_passed_on: bool) -> Result<Self> {
        let (mut parts, mut shape): (Vec<Part>, _) = (Vec::new(), shape.to_vec());
        let (mut first, mut is_passed_on) = (first, is_passed_on);
        for layer in layers {
            let output = layer.output_shape(&shape)?;
            if let Some(activation) = layer.kind().as_activation().filter(Activation::has_slope_by_output)
                && let Some(part) = parts.last_mut().filter(|part| part.activation == Activation::Identity)
            {
                part.activation = activation;
                part.numbers += output.iter().product::<usize>();
                continue;
            }
            let part = Part::new(layer, [shape, output.clone()], first, is_passed_on)?;
            first = part.arrays.end;
            is_passed_on |= part.has_weights;
            shape = output;
            parts.push(part);
        }
        let stretches = vec![(0..parts.len(), 0)];
        Ok(Self { parts, stretches })
    }

    /// The most bytes that it takes for `samples`: with everything kept, and with as little as can be.
    pub fn bytes(&self, samples: usize) -> [f64; 2] {
        let all = self.stretches_of(1).1;
        let least = self.counts().map(|count| self.stretches_of(count).1).fold(all, f64::min);
        [all, least].map(|bytes| bytes * samples as f64)
    }

    /// Keeps no more of the forward pass than fits into so many bytes, and computes the rest again; the least if nothing fits.
    pub fn fit_into(&mut self, bytes: f64, samples: usize) {
        let all = self.counts().map(|count| self.stretches_of(count));
        let mut best: Option<(Vec<Range<usize>>, f64)> = None;
        for (stretches, most) in all {
            if most * samples as f64 <= bytes {
                best = Some((stretches, most));
                break;
            }
            if best.as_ref().is_none_or(|(_, least)| most < *least) {
                best = Some((stretches, most));
            }
        }
        self.stretches = best.into_iter().flat_map(|(stretches, _)| stretches).map(|stretch| (stretch, 0)).collect();
    }

    /// Numbers of stretches that are tried: of equal parts, the root of twice their number needs the least.
    fn counts(&self) -> RangeInclusive<usize> {
        1..=self.parts.len().clamp(1, 4 * self.parts.len().isqrt() + 8)
    }

    /// About `count` stretches of equally many numbers, and the bytes that they take for one sample: the outputs at their ends, the
    /// largest of them with what else its layers keep, and the gradients.
    fn stretches_of(&self, count: usize) -> (Vec<Range<usize>>, f64) {
        let all: usize = self.parts.iter().map(|part| part.numbers).sum();
        let (mut stretches, mut start, mut sum) = (Vec::new(), 0, 0);
        for (i, part) in self.parts.iter().enumerate() {
            sum += part.numbers;
            if sum * count >= all * (stretches.len() + 1) && i + 1 < self.parts.len() {
                stretches.push(start..i + 1);
                start = i + 1;
            }
        }
        stretches.push(start..self.parts.len());
        let width = |part: &Part, side: usize| part.shapes[side].iter().product::<usize>();
        let ends: usize =
            stretches.iter().filter_map(|s| self.parts[s.clone()].last()).map(|part| width(part, 1)).sum();
        let inside = |s: &Range<usize>| self.parts[s.clone()].iter().map(|part| part.numbers).sum::<usize>();
        let largest = stretches.iter().map(inside).max().unwrap_or(0);
        let gradients = self.parts.iter().map(|part| part.numbers + width(part, 0)).max().unwrap_or(0);
        // Of a part: its numbers, and what its layers keep beside them.
        (stretches, 4.0 * (ends + 2 * largest + 2 * gradients) as f64)
    }

    /// Sends a batch through the layers.
    pub fn forward(&mut self, x: &[f32], pass: &mut Forward<'_>) {
        let last = self.stretches.len().saturating_sub(1);
        for i in 0..self.stretches.len() {
            let stretch = self.stretches[i].0.clone();
            self.stretches[i].1 = pass.dropouts;
            self.forward_through(stretch.clone(), x, pass);
            if i < last {
                self.release(stretch);
            }
        }
    }

    /// The forward pass of some of the parts.
    fn forward_through(&mut self, parts: Range<usize>, x: &[f32], pass: &mut Forward<'_>) {
        for i in parts {
            let (before, rest) = self.parts.split_at_mut(i);
            if let Some(part) = rest.first_mut() {
                part.forward(before.last().map_or(x, |part| &part.y), pass);
            }
        }
    }

    /// Drops what the forward pass computed in these parts, but for the last output.
    fn release(&mut self, stretch: Range<usize>) {
        let end = stretch.end;
        for i in stretch {
            let part = &mut self.parts[i];
            part.needs_more = part.branches.is_some() || !part.kept.is_empty();
            part.release(i + 1 < end);
        }
    }

    /// The output of the forward pass of `x`.
    pub fn output<'a>(&'a self, x: &'a [f32]) -> &'a [f32] {
        self.parts.last().map_or(x, |part| &part.y)
    }

    /// Leads the gradient in the buffers from the output back to the input, if that is wanted. `x` is the input.
    pub fn backward(&mut self, x: &[f32], pass: &mut Backward<'_>) {
        let last = self.stretches.len().saturating_sub(1);
        for (number, (stretch, dropouts)) in self.stretches.clone().into_iter().enumerate().rev() {
            if number < last {
                self.compute_again(stretch.clone(), dropouts, x, pass);
            }
            for i in stretch.clone().rev() {
                let (before, rest) = self.parts.split_at_mut(i);
                let Some(part) = rest.first_mut() else { return };
                if !part.is_passed_on && !part.has_weights {
                    return;
                }
                part.backward(before.last().map_or(x, |part| &part.y), pass);
            }
            if last > 0 {
                self.parts[stretch].iter_mut().for_each(|part| part.release(true));
            }
        }
    }

    /// The forward pass of a stretch once more, from the arrays that it had: those of its layers have not changed yet. `dropouts` is
    /// the number of dropout layers before it.
    fn compute_again(&mut self, stretch: Range<usize>, dropouts: usize, x: &[f32], pass: &mut Backward<'_>) {
        let Backward { arrays, samples, seed, step, buffers, .. } = pass;
        let scratch = &mut buffers.scratch;
        let mut forward = Forward { arrays, samples: *samples, seed: *seed, step: *step, dropouts, scratch };
        let needs_last = self.parts[stretch.clone()].last().is_some_and(|part| part.needs_more);
        self.forward_through(stretch.start..if needs_last { stretch.end } else { stretch.end - 1 }, x, &mut forward);
    }
}

impl Part {
    fn new(layer: &Layer, shapes: [Vec<usize>; 2], first: usize, is_passed_on: bool) -> Result<Self> {
        let specs = layer.param_specs();
        let numbers = sequence::numbers(std::slice::from_ref(layer), &shapes[0]);
        let branches = layer.kind().branches().map(|[body, projection]| {
            let behind = first + sequence::param_specs(body, "").len();
            let body = TrainedLayers::new(body, &shapes[0], first, is_passed_on)?;
            Ok::<_, Error>(Box::new([body, TrainedLayers::new(projection, &shapes[0], behind, is_passed_on)?]))
        });
        if branches.is_none() && layer.kind().differentiable().is_none() {
            return Err(Error::new(format!("{layer} cannot be trained through")));
        }
        Ok(Self {
            layer: layer.clone(),
            shapes,
            arrays: first..first + specs.len(),
            branches: branches.transpose()?,
            activation: Activation::Identity,
            is_passed_on,
            has_weights: !specs.is_empty(),
            y: Vec::new(),
            kept: Vec::new(),
            numbers,
            needs_more: false,
        })
    }

    /// Drops what the forward pass computed; the output only if it is asked for.
    fn release(&mut self, with_output: bool) {
        self.kept = Vec::new();
        for branch in self.branches.iter_mut().flat_map(|branches| &mut **branches) {
            branch.parts.iter_mut().for_each(|part| part.release(true));
        }
        if with_output {
            self.y = Vec::new();
        }
    }

    fn forward(&mut self, x: &[f32], pass: &mut Forward<'_>) {
        let [from, to] = &self.shapes;
        self.y.resize(pass.samples * to.iter().product::<usize>(), 0.0);
        if let Some(branches) = &mut self.branches {
            let [body, projection] = &mut **branches;
            body.forward(x, pass);
            projection.forward(x, pass);
            let pairs = body.output(x).iter().zip(projection.output(x));
            self.y.iter_mut().zip(pairs).for_each(|(y, (a, b))| *y = a + b);
        } else if let Some(layer) = self.layer.kind().differentiable() {
            let mut step = ForwardStep {
                shapes: [from, to],
                x,
                arrays: &views(&pass.arrays[self.arrays.clone()]),
                scratch: pass.scratch,
                kept: &mut self.kept,
                seed: pass.seed,
                step: pass.step,
                dropouts: &mut pass.dropouts,
            };
            layer.forward_in_step(&mut self.y, &mut step);
        }
        self.activation.apply(&mut self.y);
    }

    fn backward(&mut self, x: &[f32], pass: &mut Backward<'_>) {
        self.activation.pass_gradient_by_output(&mut pass.buffers.gradient, &self.y);
        match &mut self.branches {
            Some(branches) => {
                let [body, projection] = &mut **branches;
                // The gradient of the sum is that of both terms.
                self.kept.clear();
                self.kept.extend_from_slice(&pass.buffers.gradient);
                body.backward(x, pass);
                std::mem::swap(&mut self.kept, &mut pass.buffers.gradient);
                projection.backward(x, pass);
                if self.is_passed_on {
                    let sums = pass.buffers.gradient.iter_mut();
                    sums.zip(&self.kept).for_each(|(sum, g)| *sum += g);
                }
            }
            None => self.backward_of_layer(x, pass),
        }
    }

    fn backward_of_layer(&mut self, x: &[f32], pass: &mut Backward<'_>) {
        let Buffers { gradient, room, of_arrays, scratch } = &mut *pass.buffers;
        let arrays = &mut pass.arrays[self.arrays.clone()];
        if of_arrays.len() < arrays.len() {
            of_arrays.resize(arrays.len(), Vec::new());
        }
        let of_arrays = &mut of_arrays[..arrays.len()];
        of_arrays.iter_mut().zip(&*arrays).for_each(|(gradient, array)| gradient.resize(array.len(), 0.0));
        if let Some(layer) = self.layer.kind().differentiable() {
            let views = views(arrays);
            let mut pass = BackwardPass {
                shapes: [&self.shapes[0], &self.shapes[1]],
                samples: pass.samples,
                x,
                arrays: &views,
                of_arrays,
                gradient,
                is_passed_on: self.is_passed_on,
                room,
                scratch,
            };
            layer.backward_in_step(&mut pass, &self.kept);
        }
        for (number, (array, gradient)) in self.arrays.clone().zip(arrays.iter_mut().zip(of_arrays)) {
            (pass.update)(number, array, gradient);
        }
    }
}
