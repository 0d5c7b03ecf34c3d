//! One training step of a reconstruction network, with gradients written by hand. They stop at the first layer with
//! weights: nothing needs those of a block's output.

use std::ops::Range;

use super::ReconstructionNet;
use crate::Result;
use crate::kernels::{Activation, Adam, Moments, Scratch};
use crate::network::{BackwardPass, Layer, channels_last, sequence, views};

/// The buffers of a training step, reused from step to step, and Adam's moments.
pub(super) struct TrainingStep {
    adam: Adam,
    count: u32,
    layers: Vec<TrainedLayer>,
    /// The activation that the network ends in; it is not one of the layers, because its gradient comes with the loss.
    last: Activation,
    /// `values[i]` goes into layer i, the whole batch; the last is the output.
    values: Vec<Vec<f32>>,
    /// `shapes[i]` is the shape of a sample of `values[i]`.
    shapes: Vec<Vec<usize>>,
    target: Vec<f32>,
    /// The gradient of the loss with respect to a layer's output, and a buffer for that with respect to its input.
    gradient: Vec<f32>,
    room: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    moments: Vec<Moments>,
    scratch: Scratch,
}

/// A layer, and which of the network's arrays are its own.
struct TrainedLayer {
    layer: Layer,
    arrays: Range<usize>,
}

impl TrainingStep {
    /// # Errors
    /// When the layers do not fit one another.
    pub fn new(net: &ReconstructionNet, adam: Adam) -> Result<Self> {
        let (before, layers) = net.split_at_weights();
        let last = sequence::last_activation(layers);
        let layers = &layers[..layers.len() - usize::from(last.is_some())];
        let mut shapes = vec![sequence::output_shape(before, &net.input)?];
        let mut trained: Vec<TrainedLayer> = Vec::new();
        for (i, layer) in layers.iter().enumerate() {
            shapes.push(layer.output_shape(&shapes[i])?);
            let start = trained.last().map_or(0, |before| before.arrays.end);
            trained.push(TrainedLayer { layer: layer.clone(), arrays: start..start + layer.param_specs().len() });
        }
        Ok(Self {
            adam,
            count: 0,
            layers: trained,
            last: last.unwrap_or(Activation::Identity),
            values: vec![Vec::new(); shapes.len()],
            shapes,
            target: Vec::new(),
            gradient: Vec::new(),
            room: Vec::new(),
            gradients: net.arrays.iter().map(|array| vec![0.0; array.len()]).collect(),
            moments: net.arrays.iter().map(|array| Moments::new(array.len())).collect(),
            scratch: Scratch::default(),
        })
    }

    /// Takes a step on the samples `batch` of `x`, the output of the layers before the weights, and of `target`, both with
    /// their channels first. Returns the mean squared error before the step.
    pub fn take(&mut self, net: &mut ReconstructionNet, x: &[f32], target: &[f32], batch: &[u32]) -> f64 {
        let output = self.layers.len();
        gather(&mut self.values[0], x, &self.shapes[0], batch);
        gather(&mut self.target, target, &self.shapes[output], batch);
        let arrays = views(&net.arrays);
        self.forward(&arrays, batch.len());
        // The loss is the mean over all samples and outputs; its gradient carries the 2 of the square.
        let scale = (2.0 / self.target.len() as f64) as f32;
        let squares = self.last.squared_error_gradient(&mut self.values[output], &self.target, scale);
        std::mem::swap(&mut self.gradient, &mut self.values[output]);
        self.backward(&arrays, batch.len());
        self.count += 1;
        for ((array, gradient), moments) in net.arrays.iter_mut().zip(&self.gradients).zip(&mut self.moments) {
            self.adam.step(self.count, array, gradient, moments);
        }
        squares / self.target.len() as f64
    }

    // An inverse is made only of layers with gradients behind its first weights: see `Inverse::for_block`.
    fn forward(&mut self, arrays: &[&[f32]], samples: usize) {
        for (i, TrainedLayer { layer, arrays: own }) in self.layers.iter().enumerate() {
            let (x, y) = self.values.split_at_mut(i + 1);
            let (x, y, shapes) = (&x[i], &mut y[0], [&self.shapes[i][..], &self.shapes[i + 1][..]]);
            y.resize(samples * shapes[1].iter().product::<usize>(), 0.0);
            if let Some(trainable) = layer.kind().trainable() {
                trainable.forward_into(y, x, shapes, &arrays[own.clone()], &mut self.scratch);
            }
        }
    }

    fn backward(&mut self, arrays: &[&[f32]], samples: usize) {
        for (i, TrainedLayer { layer, arrays: own }) in self.layers.iter().enumerate().rev() {
            let mut pass = BackwardPass {
                shapes: [&self.shapes[i], &self.shapes[i + 1]],
                samples,
                x: &self.values[i],
                arrays: &arrays[own.clone()],
                of_arrays: &mut self.gradients[own.clone()],
                gradient: &mut self.gradient,
                is_passed_on: i > 0,
                room: &mut self.room,
                scratch: &mut self.scratch,
            };
            if let Some(trainable) = layer.kind().trainable() {
                trainable.backward(&mut pass);
            }
        }
    }
}

/// Samples of `all`, channels first, one after another in `to`, channels last.
fn gather(to: &mut Vec<f32>, all: &[f32], shape: &[usize], batch: &[u32]) {
    let size = shape.iter().product::<usize>();
    to.resize(batch.len() * size, 0.0);
    for (to, &sample) in to.chunks_mut(size).zip(batch) {
        channels_last(to, &all[sample as usize * size..][..size], shape);
    }
}
