//! One training step of a reconstruction network, gradients by hand. They stop at the first layer with weights: nobody
//! asks for those of a block's output.

use super::chain::{Chain, untrained};
use crate::Result;
use crate::kernels::{Activation, Adam, Matrix, Moments, Scratch, accumulate, product};
use crate::network::{Batch, Layer, channels_last};

/// The buffers of a training step, reused from step to step, and Adam's moments.
pub(super) struct Step {
    adam: Adam,
    count: u32,
    /// Layers before the first with weights: what goes in has gone through them.
    first: usize,
    /// `shapes[i]` goes into layer i; the last comes out.
    shapes: Vec<Vec<usize>>,
    /// What goes into layer i, the whole batch; the last comes out. Behind the last activation there is nothing: its
    /// gradient takes the place of what went in.
    values: Vec<Vec<f32>>,
    target: Vec<f32>,
    /// Of the loss with respect to what comes out of a layer, and what goes in.
    gradient: Vec<f32>,
    passed: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    moments: Vec<Moments>,
    scratch: Scratch,
}

impl Step {
    pub fn new(chain: &Chain, adam: Adam) -> Result<Self> {
        let mut shapes = vec![chain.from.clone()];
        for (i, layer) in chain.layers.iter().enumerate() {
            shapes.push(layer.output(&shapes[i])?);
        }
        Ok(Self {
            adam,
            count: 0,
            first: untrained(&chain.layers),
            values: vec![Vec::new(); shapes.len()],
            shapes,
            target: Vec::new(),
            gradient: Vec::new(),
            passed: Vec::new(),
            gradients: chain.arrays.iter().map(|array| vec![0.0; array.len()]).collect(),
            moments: chain.arrays.iter().map(|array| Moments::new(array.len())).collect(),
            scratch: Scratch::default(),
        })
    }

    /// The samples `batch` of `x`, what comes out of the layers without weights, and of `target`, both channels first.
    /// Says the mean squared error before the step.
    pub fn take(&mut self, chain: &mut Chain, x: &[f32], target: &[f32], batch: &[u32]) -> f64 {
        gather(&mut self.values[self.first], x, &self.shapes[self.first], batch);
        gather(&mut self.target, target, &self.shapes[chain.layers.len()], batch);
        let squares = self.squared_error(chain, batch.len());
        let mut arrays = chain.arrays.len();
        for (i, layer) in chain.layers.iter().enumerate().skip(self.first).rev() {
            let own = layer.tensors().len();
            arrays -= own;
            let weights = &chain.arrays[arrays..arrays + own];
            self.backward(i, layer, weights, arrays, batch.len());
        }
        self.count += 1;
        for ((array, gradient), moments) in chain.arrays.iter_mut().zip(&self.gradients).zip(&mut self.moments) {
            self.adam.step(self.count, array, gradient, moments);
        }
        squares / self.target.len() as f64
    }

    /// Forward; leaves the gradient of the mean squared error with respect to what the last layer with weights gives.
    fn squared_error(&mut self, chain: &Chain, samples: usize) -> f64 {
        let last = match chain.layers.last() {
            Some(Layer::Activation { function }) => *function,
            _ => Activation::Identity,
        };
        let until = chain.layers.len() - usize::from(last != Activation::Identity);
        let mut arrays = 0;
        for (i, layer) in chain.layers.iter().enumerate().take(until) {
            let own = layer.tensors().len();
            if i >= self.first {
                self.forward(i, layer, &chain.arrays[arrays..arrays + own], samples);
            }
            arrays += own;
        }
        let out = &mut self.values[until];
        // The loss is the mean over all samples and outputs; its gradient carries the 2 of the square.
        let squares = last.squared_error_gradient(out, &self.target, (2.0 / self.target.len() as f64) as f32);
        std::mem::swap(&mut self.gradient, out);
        squares
    }

    fn forward(&mut self, i: usize, layer: &Layer, arrays: &[Vec<f32>], samples: usize) {
        let (from, to) = (&self.shapes[i], &self.shapes[i + 1]);
        let (before, after) = self.values.split_at_mut(i + 1);
        let (x, y) = (&before[i], &mut after[0]);
        y.resize(samples * to.iter().product::<usize>(), 0.0);
        let bias = |y: &mut [f32]| match arrays.get(1) {
            Some(bias) => y.chunks_mut(bias.len()).for_each(|row| row.copy_from_slice(bias)),
            None => y.fill(0.0),
        };
        match layer {
            Layer::Linear { inputs, outputs, .. } => {
                bias(y);
                let weight = Matrix::new(&arrays[0], *outputs, *inputs);
                accumulate(y, Matrix::new(x, samples, *inputs), weight.transposed());
            }
            Layer::Conv2d(conv) => {
                bias(y);
                conv.products(from, to).down(y, &arrays[0], x, &mut self.scratch);
            }
            Layer::ConvTranspose2d(conv) => {
                bias(y);
                conv.transposed_products(from, to).up(y, &arrays[0], x, &mut self.scratch);
            }
            Layer::Activation { function } => {
                y.copy_from_slice(x);
                function.apply(y);
            }
            _ => moved(y, x, from, to, layer, false),
        }
    }

    /// From the gradient of what layer i gives: its arrays' gradients, and that of what it takes where it matters.
    fn backward(&mut self, i: usize, layer: &Layer, weights: &[Vec<f32>], at: usize, samples: usize) {
        let (from, to) = (&self.shapes[i], &self.shapes[i + 1]);
        let (x, g) = (&self.values[i], &mut self.gradient);
        let (passes, numbers) = (i > self.first, samples * from.iter().product::<usize>());
        if let Some(gradient) = self.gradients.get_mut(at + 1)
            && weights.len() > 1
        {
            gradient.fill(0.0);
            for row in g.chunks(gradient.len()) {
                gradient.iter_mut().zip(row).for_each(|(sum, g)| *sum += g);
            }
        }
        if passes {
            self.passed.resize(numbers, 0.0);
        }
        match layer {
            Layer::Linear { inputs, outputs, .. } => {
                let g = Matrix::new(g, samples, *outputs);
                product(&mut self.gradients[at], g.transposed(), Matrix::new(x, samples, *inputs));
                if passes {
                    product(&mut self.passed, g, Matrix::new(&weights[0], *outputs, *inputs));
                }
            }
            Layer::Conv2d(conv) => {
                let products = conv.products(from, to);
                self.gradients[at].fill(0.0);
                products.weight_gradient(&mut self.gradients[at], g, x, &mut self.scratch);
                if passes {
                    self.passed.fill(0.0);
                    products.up(&mut self.passed, &weights[0], g, &mut self.scratch);
                }
            }
            Layer::ConvTranspose2d(conv) => {
                let products = conv.transposed_products(from, to);
                self.gradients[at].fill(0.0);
                products.weight_gradient(&mut self.gradients[at], x, g, &mut self.scratch);
                if passes {
                    self.passed.fill(0.0);
                    products.down(&mut self.passed, &weights[0], g, &mut self.scratch);
                }
            }
            // The last one's gradient came with the loss.
            Layer::Activation { .. } if i + 2 == self.shapes.len() => return,
            Layer::Activation { function } => {
                function.pass_gradient(g, x);
                return;
            }
            _ => moved(&mut self.passed, g, to, from, layer, true),
        }
        if passes {
            std::mem::swap(&mut self.passed, &mut self.gradient);
        }
    }
}

/// Samples of `all`, channels first, one after another, channels last.
fn gather(to: &mut Vec<f32>, all: &[f32], shape: &[usize], batch: &[u32]) {
    let size = shape.iter().product::<usize>();
    to.resize(batch.len() * size, 0.0);
    for (to, &sample) in to.chunks_mut(size).zip(batch) {
        channels_last(to, &all[sample as usize * size..][..size], shape);
    }
}

/// What only moves numbers: `flatten`, `reshape` and `crop`, and with `back` their way back.
fn moved(to: &mut [f32], from: &[f32], from_shape: &[usize], to_shape: &[usize], layer: &Layer, back: bool) {
    let Layer::Crop { before, .. } = layer else {
        let batch = Batch { samples: 1, shape: from_shape.to_vec(), data: Vec::new() };
        let size = from_shape.iter().product::<usize>();
        for (to, from) in to.chunks_mut(size).zip(from.chunks(size)) {
            to.copy_from_slice(&Batch { data: from.to_vec(), ..batch.clone() }.reshaped(to_shape).data);
        }
        return;
    };
    let (small, large) = if back { (from_shape, to_shape) } else { (to_shape, from_shape) };
    let row = small[2] * small[0];
    to.fill(0.0);
    for sample in 0..to.len() / to_shape.iter().product::<usize>() {
        for y in 0..small[1] {
            let inner = (sample * small[1] + y) * row;
            let outer = ((sample * large[1] + y + before) * large[2] + before) * large[0];
            if back {
                to[outer..outer + row].copy_from_slice(&from[inner..inner + row]);
            } else {
                to[inner..inner + row].copy_from_slice(&from[outer..outer + row]);
            }
        }
    }
}
