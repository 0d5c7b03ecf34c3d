//! Training a reconstruction network of one linear layer. The error of one output moves only its own row of weights, so
//! the outputs are trained a panel at a time over many batches, with the panel's weights and moments in a core's own
//! cache, and panels side by side on several threads. The numbers are those of all outputs together.

use super::ReconstructionNet;
use crate::Result;
use crate::kernels::{Activation, Adam, Matrix, Moments, accumulate, product, transpose};
use crate::network::{Linear, sequence};
use crate::work::{IdleThreads, for_each};

/// Weights of a panel: a megabyte with gradient and moments.
const WEIGHTS: usize = 1 << 16;
/// Outputs of a panel, at least: so many that a product is worth packing for.
const LEAST: usize = 48;
/// A panel's outputs are a multiple of this, as many numbers as the widest registers hold.
const LANES: usize = 16;
/// Batches that one panel is trained on before the next, at most.
pub(super) const BATCHES: usize = 16;
/// Numbers of the samples of these batches, at most.
const NUMBERS: usize = 1 << 22;

/// All panels of a layer.
pub(super) struct OutputPanels {
    adam: Adam,
    function: Activation,
    inputs: usize,
    outputs: usize,
    panels: Vec<Panel>,
    steps: u32,
    /// The input of a turn, batch by batch.
    x: Vec<f32>,
}

/// Some outputs beside one another.
struct Panel {
    start: usize,
    outputs: usize,
    /// `[inputs, outputs]`: PyTorch's is the transpose.
    weight: Vec<f32>,
    bias: Vec<f32>,
    weight_moments: Moments,
    bias_moments: Moments,
    /// Squared errors of every batch of a turn.
    squares: Vec<f64>,
}

impl OutputPanels {
    /// The panels of a network that is, behind its layers without weights, a linear layer and at most its activation.
    pub fn new(net: &ReconstructionNet, adam: Adam) -> Option<Self> {
        let (_, layers) = net.split_at_weights();
        let (Linear { inputs, outputs, bias: true }, function) = sequence::as_linear(layers)? else { return None };
        let most = (WEIGHTS / inputs.max(1)).max(LEAST);
        let size = outputs.div_ceil(outputs.div_ceil(most).max(1)).next_multiple_of(LANES);
        let panel = |start: usize| {
            let some = start..(start + size).min(outputs);
            let count = some.len();
            let mut weight = vec![0.0; inputs * count];
            transpose(&mut weight, &net.arrays[0][start * inputs..some.end * inputs], count, inputs);
            Panel {
                start,
                outputs: count,
                bias: net.arrays[1][some].to_vec(),
                weight_moments: Moments::new(weight.len()),
                bias_moments: Moments::new(count),
                weight,
                squares: Vec::new(),
            }
        };
        let panels = (0..outputs).step_by(size).map(panel).collect();
        Some(Self { adam, function, inputs, outputs, panels, steps: 0, x: Vec::new() })
    }

    /// How many batches of so many samples are a turn.
    pub fn batches_per_turn(&self, batch: usize) -> usize {
        (NUMBERS / (batch * self.inputs.max(self.outputs)).max(1)).clamp(1, BATCHES)
    }

    /// Trains all panels on a turn: the samples `rows` of `x`, the output of the layers without weights, and of `target`, in
    /// batches of `batch`, a step each. Returns the mean squared error of every batch before its step. `advance` is called
    /// with each panel's part of a batch's samples.
    ///
    /// # Errors
    /// When `advance` fails.
    pub fn train(
        &mut self,
        x: &[f32],
        target: &[f32],
        rows: &[u32],
        batch: usize,
        threads: &dyn IdleThreads,
        advance: &(impl Fn(f64) -> Result<()> + Sync),
    ) -> Result<Vec<f64>> {
        let &mut Self { adam, inputs, outputs, steps, .. } = self;
        self.x.clear();
        rows.iter().for_each(|&row| self.x.extend_from_slice(&x[row as usize * inputs..][..inputs]));
        let (x, function) = (&self.x, &self.function);
        for_each(self.panels.iter_mut(), threads, |panel| {
            let part = panel.outputs as f64 / outputs as f64;
            let (mut z, mut gradient) = (Vec::new(), vec![0.0; panel.weight.len()]);
            panel.squares.clear();
            for ((step, x), rows) in (steps + 1..).zip(x.chunks(batch * inputs)).zip(rows.chunks(batch)) {
                let x = Matrix::new(x, rows.len(), inputs);
                let scale = (2.0 / (rows.len() * outputs) as f64) as f32;
                let targets = rows.iter().map(|&row| &target[row as usize * outputs + panel.start..][..panel.outputs]);
                let squares = panel.error_gradient(&mut z, x, targets, function, scale);
                panel.squares.push(squares);
                panel.step(&adam, step, x, &z, &mut gradient);
                advance(rows.len() as f64 * part)?;
            }
            Ok(())
        })?;
        self.steps += rows.len().div_ceil(batch) as u32;
        let mean = |(i, rows): (usize, &[u32])| {
            self.panels.iter().map(|panel| panel.squares[i]).sum::<f64>() / (rows.len() * outputs) as f64
        };
        Ok(rows.chunks(batch).enumerate().map(mean).collect())
    }

    /// Stores the trained weights in the network.
    pub fn store_into(self, net: &mut ReconstructionNet) {
        for Panel { start, outputs, weight, bias, .. } in self.panels {
            let rows = start * self.inputs..(start + outputs) * self.inputs;
            transpose(&mut net.arrays[0][rows], &weight, self.inputs, outputs);
            net.arrays[1][start..start + outputs].copy_from_slice(&bias);
        }
    }
}

impl Panel {
    /// Fills `z` with the gradient of the mean squared error with respect to the linear layer's output for `x`; `scale` is 2
    /// over the number of errors. Returns the sum of the squared errors.
    fn error_gradient<'a>(
        &self,
        z: &mut Vec<f32>,
        x: Matrix<'_>,
        targets: impl Iterator<Item = &'a [f32]>,
        function: &Activation,
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

    /// One step of Adam along the gradient `z` with respect to the layer's output for `x`; `gradient` is room for the
    /// weight's.
    fn step(&mut self, adam: &Adam, step: u32, x: Matrix<'_>, z: &[f32], gradient: &mut [f32]) {
        product(gradient, x.transposed(), Matrix::new(z, x.rows(), self.outputs));
        adam.step(step, &mut self.weight, gradient, &mut self.weight_moments);
        let sums = &mut gradient[..self.outputs];
        sums.fill(0.0);
        z.chunks(self.outputs).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, z)| *sum += z));
        adam.step(step, &mut self.bias, sums, &mut self.bias_moments);
    }
}
