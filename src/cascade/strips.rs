//! Training a reconstruction network of one linear layer. Its outputs know nothing of one another: the error of one moves
//! its own row of weights alone. So they are trained a strip at a time over many batches, with the strip's weights and
//! moments in a core's own cache, and strips side by side. The numbers are those of all outputs together.

use super::chain::{Chain, untrained};
use crate::Result;
use crate::kernels::{Activation, Adam, Matrix, Moments, accumulate, product, transpose};
use crate::network::Layer;
use crate::work::{IdleThreads, for_each};

/// Weights of a strip: with gradient and moments a megabyte, and so many outputs at least that a product is worth
/// packing for.
const WEIGHTS: usize = 1 << 16;
const LEAST: usize = 48;
/// A strip's outputs are a multiple of this, as many numbers as the widest registers hold.
const LANES: usize = 16;
/// Batches that a strip takes before the next has its turn: so many, unless their samples are larger than that.
pub(super) const BATCHES: usize = 16;
const NUMBERS: usize = 1 << 22;

/// All strips of a layer.
pub(super) struct Strips {
    adam: Adam,
    function: Activation,
    inputs: usize,
    outputs: usize,
    strips: Vec<Strip>,
    steps: u32,
    /// What goes in at a turn, batch by batch.
    x: Vec<f32>,
}

/// Some outputs beside one another.
struct Strip {
    start: usize,
    outputs: usize,
    /// `[inputs, outputs]`: the other way round than PyTorch's.
    weight: Vec<f32>,
    bias: Vec<f32>,
    of_weight: Moments,
    of_bias: Moments,
    /// Squared errors of every batch of a turn.
    squares: Vec<f64>,
}

impl Strips {
    /// Where behind the layers without weights there are a linear layer and at most its activation.
    pub fn of(chain: &Chain, adam: Adam) -> Option<Self> {
        let layers = &chain.layers[untrained(&chain.layers)..];
        let (inputs, outputs, function) = match *layers {
            [Layer::Linear { inputs, outputs, bias: true }] => (inputs, outputs, Activation::Identity),
            [Layer::Linear { inputs, outputs, bias: true }, Layer::Activation { function }] => {
                (inputs, outputs, function)
            }
            _ => return None,
        };
        let most = (WEIGHTS / inputs.max(1)).max(LEAST);
        let size = outputs.div_ceil(outputs.div_ceil(most).max(1)).next_multiple_of(LANES);
        let strip = |start: usize| {
            let some = start..(start + size).min(outputs);
            let count = some.len();
            let mut weight = vec![0.0; inputs * count];
            transpose(&mut weight, &chain.arrays[0][start * inputs..some.end * inputs], count, inputs);
            Strip {
                start,
                outputs: count,
                bias: chain.arrays[1][some].to_vec(),
                of_weight: Moments::new(weight.len()),
                of_bias: Moments::new(count),
                weight,
                squares: Vec::new(),
            }
        };
        let strips = (0..outputs).step_by(size).map(strip).collect();
        Some(Self { adam, function, inputs, outputs, strips, steps: 0, x: Vec::new() })
    }

    /// How many batches of so many samples are a turn.
    pub fn batches(&self, batch: usize) -> usize {
        (NUMBERS / (batch * self.inputs.max(self.outputs)).max(1)).clamp(1, BATCHES)
    }

    /// A turn: the samples `rows` of `x`, what comes out of the layers without weights, and of `target`, in batches of
    /// `batch`, a step each. Says the mean squared error of every batch before its step; `advance` hears of the samples,
    /// or the part of them that a strip is of all outputs.
    pub fn take(
        &mut self,
        x: &[f32],
        target: &[f32],
        rows: &[u32],
        batch: usize,
        threads: &dyn IdleThreads,
        advance: &(impl Fn(f64) -> Result<()> + Sync),
    ) -> Result<Vec<f64>> {
        let &mut Self { adam, function, inputs, outputs, steps, .. } = self;
        self.x.clear();
        rows.iter().for_each(|&row| self.x.extend_from_slice(&x[row as usize * inputs..][..inputs]));
        let x = &self.x;
        for_each(self.strips.iter_mut(), threads, |strip| {
            let part = strip.outputs as f64 / outputs as f64;
            let (mut z, mut gradient) = (Vec::new(), vec![0.0; strip.weight.len()]);
            strip.squares.clear();
            for ((step, x), rows) in (steps + 1..).zip(x.chunks(batch * inputs)).zip(rows.chunks(batch)) {
                let x = Matrix::new(x, rows.len(), inputs);
                let scale = (2.0 / (rows.len() * outputs) as f64) as f32;
                let targets = rows.iter().map(|&row| &target[row as usize * outputs + strip.start..][..strip.outputs]);
                let squares = strip.errors(&mut z, x, targets, function, scale);
                strip.squares.push(squares);
                strip.step(&adam, step, x, &z, &mut gradient);
                advance(rows.len() as f64 * part)?;
            }
            Ok(())
        })?;
        self.steps += rows.len().div_ceil(batch) as u32;
        let mean = |(i, rows): (usize, &[u32])| {
            self.strips.iter().map(|strip| strip.squares[i]).sum::<f64>() / (rows.len() * outputs) as f64
        };
        Ok(rows.chunks(batch).enumerate().map(mean).collect())
    }

    /// Puts what was learned into the chain.
    pub fn give(self, chain: &mut Chain) {
        for Strip { start, outputs, weight, bias, .. } in self.strips {
            let rows = start * self.inputs..(start + outputs) * self.inputs;
            transpose(&mut chain.arrays[0][rows], &weight, self.inputs, outputs);
            chain.arrays[1][start..start + outputs].copy_from_slice(&bias);
        }
    }
}

impl Strip {
    /// Leaves in `z` the gradient of the mean squared error, `scale` half its factor, with respect to what the layer gives
    /// for `x`; says the sum of the squared errors.
    fn errors<'a>(
        &self,
        z: &mut Vec<f32>,
        x: Matrix<'_>,
        targets: impl Iterator<Item = &'a [f32]>,
        function: Activation,
        scale: f32,
    ) -> f64 {
        z.clear();
        (0..x.rows()).for_each(|_| z.extend_from_slice(&self.bias));
        accumulate(z, x, Matrix::new(&self.weight, x.columns(), self.outputs));
        z.chunks_mut(self.outputs)
            .zip(targets)
            .map(|(z, target)| function.squared_error_gradient(z, target, scale))
            .sum()
    }

    /// One step of Adam along the gradient `z` of what the layer gives for `x`; `gradient` is room for the weight's.
    fn step(&mut self, adam: &Adam, step: u32, x: Matrix<'_>, z: &[f32], gradient: &mut [f32]) {
        product(gradient, x.transposed(), Matrix::new(z, x.rows(), self.outputs));
        adam.step(step, &mut self.weight, gradient, &mut self.of_weight);
        let sums = &mut gradient[..self.outputs];
        sums.fill(0.0);
        z.chunks(self.outputs).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, z)| *sum += z));
        adam.step(step, &mut self.bias, sums, &mut self.of_bias);
    }
}
