//! Forward and backward pass of a training step by the host's own loops, with gradients written by hand: the twin of Burn's
//! autodiff (`learner.rs`). Buffers are kept from step to step, because fresh ones cost more than the arithmetic.

use std::ops::Range;

use super::layers::{BackwardPass, ForwardStep};
use super::{Layer, sequence, views};
use crate::kernels::{Activation, Scratch};
use crate::{Error, Result};

/// Layers in a row, with what the forward pass keeps for the backward pass.
pub(super) struct TrainedLayers {
    parts: Vec<Part>,
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
                continue;
            }
            let part = Part::new(layer, [shape, output.clone()], first, is_passed_on)?;
            first = part.arrays.end;
            is_passed_on |= part.has_weights;
            shape = output;
            parts.push(part);
        }
        Ok(Self { parts })
    }

    /// Sends a batch through the layers.
    pub fn forward(&mut self, x: &[f32], pass: &mut Forward<'_>) {
        for i in 0..self.parts.len() {
            let (before, rest) = self.parts.split_at_mut(i);
            if let Some(part) = rest.first_mut() {
                part.forward(before.last().map_or(x, |part| &part.y), pass);
            }
        }
    }

    /// The output of the forward pass of `x`.
    pub fn output<'a>(&'a self, x: &'a [f32]) -> &'a [f32] {
        self.parts.last().map_or(x, |part| &part.y)
    }

    /// Leads the gradient in the buffers from the output back to the input, if that is wanted. `x` is the input.
    pub fn backward(&mut self, x: &[f32], pass: &mut Backward<'_>) {
        for i in (0..self.parts.len()).rev() {
            let (before, rest) = self.parts.split_at_mut(i);
            let Some(part) = rest.first_mut() else { return };
            if !part.is_passed_on && !part.has_weights {
                return;
            }
            part.backward(before.last().map_or(x, |part| &part.y), pass);
        }
    }
}

impl Part {
    fn new(layer: &Layer, shapes: [Vec<usize>; 2], first: usize, is_passed_on: bool) -> Result<Self> {
        let specs = layer.param_specs();
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
        })
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
