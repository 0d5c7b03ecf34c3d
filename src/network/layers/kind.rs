//! What every family of layers implements.

use burn::tensor::Tensor;

use super::{InverseBuilder, Layer, Linear, ParamSpec};
use crate::Result;
use crate::kernels::{Activation, Scratch};
use crate::network::batch::Batch;
use crate::network::burn_pass::{BurnPass, DeviceBatch};

/// Everything about one kind of layer. Its `Display` is how scripts and messages write the layer.
///
/// Shapes are those of one sample, without the batch; images are `[channels, height, width]`.
pub(crate) trait LayerKind: std::fmt::Display {
    /// The shape of the output.
    ///
    /// # Errors
    /// When `input` does not fit; the message says what was expected and what was found.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The layer's arrays, in the order in which they are kept.
    fn param_specs(&self) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// Floating-point operations for one sample of shape `input`; elementwise ones do not count.
    fn operations(&self, _input: &[usize]) -> f64 {
        0.0
    }

    /// How many layers are inside one another in it, itself not counted.
    fn nesting(&self) -> usize {
        0
    }

    /// Numbers that the layers inside this one compute for one sample, its own output not included.
    fn inner_numbers(&self, _input: &[usize]) -> usize {
        0
    }

    /// The output of a batch, of shape `output` each, by the host's own loops. `arrays` are the layer's, convolution
    /// kernels with their channels last.
    ///
    /// # Errors
    /// When an inner layer does not fit.
    fn forward(&self, x: Batch, output: Vec<usize>, arrays: &[&[f32]], scratch: &mut Scratch) -> Result<Batch>;

    /// The same by Burn's operations, `[samples, numbers]`, on any device and with gradients where the arrays ask for them.
    ///
    /// # Errors
    /// When `pass` has too few arrays, or the device fails.
    fn burn_forward(&self, x: DeviceBatch, pass: &mut BurnPass<'_>) -> Result<Tensor<2>>;

    /// Appends the layers that lead from this layer's output back to its input, of shape `input`, by the table of
    /// [`InverseBuilder`]. `follows_weights` is whether a layer with weights stands before it in the block.
    ///
    /// # Errors
    /// When no rule inverts the layer.
    fn invert(&self, inverse: &mut InverseBuilder, input: &[usize], follows_weights: bool) -> Result<()>;

    /// The gradients of the layer, where they are written by hand: a reconstruction network can be trained through it.
    fn trainable(&self) -> Option<&dyn Trainable> {
        None
    }

    /// The layer in training steps of a whole network on the host. A layer without has [`LayerKind::branches`].
    fn differentiable(&self) -> Option<&dyn Differentiable> {
        self.trainable().map(|layer| layer as &dyn Differentiable)
    }

    /// The two rows of layers whose outputs for the same input are added to this layer's output, where it is that.
    fn branches(&self) -> Option<[&[Layer]; 2]> {
        None
    }

    /// The layer as one matrix that is applied to rows of its input, where it is that; `input` and `output` are its shapes.
    fn linear_map(&self, _input: &[usize], _output: &[usize]) -> Option<Box<dyn LinearMap>> {
        None
    }

    /// The least layer whose linear maps include those of this one, and which has a [`LayerKind::linear_map`]; `None` where
    /// that is the layer itself.
    fn within(&self) -> Option<Layer> {
        None
    }

    /// The one layer whose linear maps include those of this and the `next` after one another.
    fn merged_with(&self, _next: &Layer) -> Option<Layer> {
        None
    }

    /// The layer as a plain matrix product, which has a fast path of its own.
    fn as_linear(&self) -> Option<Linear> {
        None
    }

    /// The elementwise function that the layer is.
    fn as_activation(&self) -> Option<Activation> {
        None
    }

    /// All activations in the layer.
    fn activations(&self) -> Vec<Activation> {
        self.as_activation().into_iter().collect()
    }

    /// Whether it draws numbers at random in a training step.
    fn is_random(&self) -> bool {
        false
    }

    /// Whether every number of the output is one of the input's, moved, repeated or left out.
    fn only_moves_numbers(&self) -> bool {
        false
    }

    /// Where the layer keeps every number of its input, of shape `input`, and only gives it another place: the layer that
    /// leads back.
    fn rearranged_back(&self, _input: &[usize]) -> Option<Layer> {
        None
    }

    /// Whether the published cascades of networks with such layers are trained on the larger batches of images.
    fn wants_image_batches(&self) -> bool {
        false
    }

    /// Whether the outputs are probabilities.
    fn gives_probabilities(&self) -> bool {
        false
    }
}

/// A layer with gradients written by hand. Batches are whole, images with their channels last.
pub(crate) trait Trainable: Differentiable {
    /// Fills `y` with the layer's output for `x`. `shapes` are those of a sample's input and output.
    fn forward_into(&self, y: &mut [f32], x: &[f32], shapes: [&[usize]; 2], arrays: &[&[f32]], scratch: &mut Scratch);

    /// Computes the gradients of the layer's arrays from that of its output, and passes the gradient on to its input.
    fn backward(&self, pass: &mut BackwardPass<'_>);
}

/// A layer in the training steps of a whole network, where it may do something else than in a forward pass. Batches are
/// whole, images with their channels last.
pub(crate) trait Differentiable {
    /// Fills `y` with the layer's output.
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>);

    /// As [`Trainable::backward`]; `kept` is what the forward pass left. For an array that is not trained, its new numbers
    /// take the place of the gradient.
    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, kept: &[f32]);
}

/// One layer's part of the forward pass of a training step.
pub(crate) struct ForwardStep<'a> {
    /// Shapes of a sample's input and output.
    pub shapes: [&'a [usize]; 2],
    /// The layer's input.
    pub x: &'a [f32],
    pub arrays: &'a [&'a [f32]],
    pub scratch: &'a mut Scratch,
    /// What the layer keeps for its backward pass; before, what an earlier step left.
    pub kept: &'a mut Vec<f32>,
    /// The seed and the number of the step, from 0, and how many dropout layers there were before in it.
    pub seed: u64,
    pub step: usize,
    pub dropouts: &'a mut usize,
}

impl<T: Trainable> Differentiable for T {
    fn forward_in_step(&self, y: &mut [f32], step: &mut ForwardStep<'_>) {
        self.forward_into(y, step.x, step.shapes, step.arrays, step.scratch);
    }

    fn backward_in_step(&self, pass: &mut BackwardPass<'_>, _: &[f32]) {
        self.backward(pass);
    }
}

/// One layer's part of a backward pass.
pub(crate) struct BackwardPass<'a> {
    /// Shapes of a sample's input and output.
    pub shapes: [&'a [usize]; 2],
    pub samples: usize,
    /// The layer's input in the forward pass.
    pub x: &'a [f32],
    pub arrays: &'a [&'a [f32]],
    /// The gradients of the arrays, to be overwritten.
    pub of_arrays: &'a mut [Vec<f32>],
    /// The gradient of the loss with respect to the output; afterwards that with respect to the input, if it is wanted.
    pub gradient: &'a mut Vec<f32>,
    /// Whether a layer before this one needs the gradient.
    pub is_passed_on: bool,
    /// A buffer for the gradient that is passed on.
    pub room: &'a mut Vec<f32>,
    pub scratch: &'a mut Scratch,
}

impl BackwardPass<'_> {
    /// Replaces the gradient by the one with respect to the input, where that is wanted: `fill` gets the input's, with the
    /// numbers of an earlier pass in it, and the output's.
    pub fn pass_on(&mut self, fill: impl FnOnce(&mut [f32], &[f32], &mut Scratch)) {
        if self.is_passed_on {
            self.room.resize(self.samples * self.shapes[0].iter().product::<usize>(), 0.0);
            fill(self.room, self.gradient, self.scratch);
            std::mem::swap(self.room, self.gradient);
        }
    }

    /// The gradient of the bias, the second array, if the layer has one: the sum over all rows of the output's.
    pub fn sum_bias_gradient(&mut self) {
        if let [_, bias] = self.of_arrays {
            bias.fill(0.0);
            for row in self.gradient.chunks(bias.len()) {
                bias.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
            }
        }
    }
}

/// A layer's weight as one matrix that is applied to many rows: what ridge regression solves for.
pub(crate) trait LinearMap {
    /// Numbers of a row of the input.
    fn inputs(&self) -> usize;

    /// Numbers of a row of the output.
    fn outputs(&self) -> usize;

    /// Rows of one sample.
    fn rows_per_sample(&self) -> usize;

    /// The rows, `[rows, inputs]`, of samples whose channels come last.
    fn rows(&self, x: Vec<f32>) -> Vec<f32>;

    /// A matrix `[inputs, outputs]` as the layer's weight in PyTorch's shape.
    fn weight(&self, matrix: &[f64]) -> Vec<f32>;
}

/// Fills rows of the bias's length, the second of `arrays`, with it; with zeros if there is none.
pub(super) fn fill_with_bias(y: &mut [f32], arrays: &[&[f32]]) {
    match arrays.get(1) {
        Some(bias) => y.chunks_mut(bias.len()).for_each(|row| row.copy_from_slice(bias)),
        None => y.fill(0.0),
    }
}
