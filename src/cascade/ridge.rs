//! Reconstruction networks without steps: the linear map that gives back a block's input best, by ridge regression, the
//! exact minimiser of the mean of (W x + b − target)² + λ q |W|² (numerics: "Exact alternative, not in the paper").
//!
//! q is the mean square of the activations x, so that λ is relative to their scale. Without λ, double precision would
//! find what is left of the input far past the depth that a trained network could use. A convolution's map is the same at
//! every pixel: its x are the windows that lead to one pixel.

use std::sync::Arc;

use serde_json::json;

use super::chain::{self, untrained};
use super::{Cascade, Inverse};
use crate::kernels::{Matrix, Patches, Scratch, add_rows, product, solve_symmetric, subtract_row, sum_of_squares};
use crate::network::{Batch, Conv2d, Layer, list_output};
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

pub(super) const NAME: &str = "cascade.ridge";
pub(super) const VERSION: u32 = 2;

/// Rows that are multiplied at a time in single precision, few enough that it sums them exactly to six digits; these sums
/// are summed in double.
const ROWS: usize = 1024;
/// Columns of the Gram matrix that are multiplied at a time.
const PANEL: usize = 96;

/// How the maps are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// λ, relative to the mean square of the activations.
    pub lambda: f64,
}

impl Ridge {
    /// In the ordered phase it loses an MLP's input where the published training does, within 4% on MNIST at σ_w² from 0.5 to
    /// 1.1 (`scripts/ridge_lambda.rhai`); 1e-3 finds it 10% deeper. In the chaotic phase it makes no difference.
    pub const LAMBDA: f64 = 3e-3;
}

impl Inverse {
    /// The same without its activations, as one map: transposed convolutions of stride 1 behind one another become one with
    /// a larger kernel.
    ///
    /// # Errors
    /// When more than one layer with weights is left, or one of another kind.
    pub(super) fn linear_map(&self) -> Result<Self> {
        let mut layers: Vec<Layer> = Vec::new();
        for layer in self.layers().iter().filter(|layer| !matches!(layer, Layer::Activation { .. })) {
            match (layers.last_mut(), layer) {
                (Some(Layer::ConvTranspose2d(first)), Layer::ConvTranspose2d(second))
                    if [&*first, second].iter().all(|conv| (conv.stride, conv.dilation, conv.groups) == (1, 1, 1)) =>
                {
                    first.kernel += second.kernel - 1;
                    first.before += second.before;
                    first.after += second.after;
                    first.outputs = second.outputs;
                }
                _ => layers.push(layer.clone()),
            }
        }
        let inverse = Self::from_layers(layers);
        let solvable = |layer: &Layer| match layer {
            Layer::Linear { bias, .. } => *bias,
            Layer::Conv2d(conv) => conv.bias && conv.groups == 1,
            Layer::ConvTranspose2d(conv) => {
                conv.bias && conv.groups == 1 && conv.dilation == 1 && conv.before < conv.kernel
            }
            _ => false,
        };
        let layers = inverse.layers();
        let rest = layers.get(untrained(layers)..).unwrap_or_default();
        match rest {
            [] => Ok(inverse),
            [layer, then @ ..]
                if solvable(layer) && then.iter().all(|l| matches!(l, Layer::Flatten | Layer::Reshape { .. })) =>
            {
                Ok(inverse)
            }
            _ => Err(Error::new(format!("ridge regression finds one linear map, and the inverse is {inverse}"))
                .hint("write the block an inverse of one layer, or use `solver: \"adam\"`")),
        }
    }
}

/// Block `l` of a cascade: its linear map.
#[derive(Debug)]
struct SolveBlock {
    cascade: Cascade,
    ridge: Ridge,
    l: usize,
}

pub(super) fn describe(cascade: &Cascade, ridge: Ridge, l: usize) -> Described {
    Described::new(SolveBlock { cascade: cascade.clone(), ridge, l })
}

/// What x and target are of a map: rows of a matrix each.
enum Rows {
    /// A sample is a row.
    Samples { inputs: usize },
    /// A pixel of the target is a row; between the pixels of x, `apart` − 1 zeros are laid first.
    Windows { patches: Patches, apart: usize },
}

impl SolveBlock {
    fn shape(&self) -> &[usize] {
        self.cascade.network.architecture().shape(self.l)
    }

    /// The layer with weights, and the shapes that go in and come out of it.
    fn map(&self) -> Result<(Layer, Vec<usize>, Vec<usize>)> {
        let layers = self.cascade.inverse(self.l).layers();
        let first = untrained(layers);
        let from = list_output(&layers[..first], self.shape())?;
        let layer = layers.get(first).ok_or_else(|| Error::new("this inverse has nothing to solve"))?;
        Ok((layer.clone(), from.clone(), layer.output(&from)?))
    }

    /// Numbers of a row of x and of the target, and rows of a sample.
    fn sizes(&self) -> (usize, usize, usize) {
        match self.map() {
            Ok((Layer::Linear { inputs, outputs, .. }, ..)) => (inputs, outputs, 1),
            Ok((Layer::Conv2d(c) | Layer::ConvTranspose2d(c), _, to)) => {
                (c.kernel * c.kernel * c.inputs, c.outputs, to[1] * to[2])
            }
            _ => (0, 0, 0),
        }
    }
}

impl Operation for SolveBlock {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn parameters(&self) -> serde_json::Value {
        let mut description = self.cascade.ridge_description(self.ridge);
        description["blocks"] = json!(self.cascade.network.prefix(self.l));
        description["inverses"] = json!(self.cascade.inverse(self.l));
        description
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.end_sources(self.l)
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let (x, y, per_sample) = self.sizes();
        let at_a_time = ROWS.max(per_sample) as f64;
        let (x, y, rows) = (x as f64, y as f64, (per_sample * self.cascade.split.len()) as f64);
        // The means take a pass of their own.
        let make = self.cascade.split.len() as f64 * self.cascade.end_operations(self.l);
        Cost {
            operations: rows * x * (x + 2.0 * y) + x * x * (x / 3.0 + 2.0 * y) + 2.0 * make,
            result_bytes: 4.0 * (x + 1.0) * y,
            working_bytes: 12.0 * x * (x + y) + 16.0 * x * at_a_time,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let [target, x] = self.cascade.ends(self.l, inputs)?;
        let layers = self.cascade.inverse(self.l).layers();
        let before = &layers[..untrained(layers)];
        let (layer, from, to) = self.map()?;
        let rows = Rows::of(&layer, &from, &to);
        let samples = x.samples();
        // Rows of x and of the target, and the sum of x's squares.
        let chunk = |samples: &[u32]| -> Result<(Vec<f32>, Vec<f32>, f64)> {
            let x = x.of(samples)?;
            context.advance(samples.len() as f64 * self.cascade.end_operations(self.l))?;
            let squares = sum_of_squares(&x);
            let x = Batch::new(&x, self.shape()).through(before, &[], &mut Scratch::default())?.data;
            Ok((rows.laid_out(x, &from), Batch::new(&target.of(samples)?, &to).data, squares))
        };
        let (wide, high, per_sample) = self.sizes();
        let step = (ROWS / per_sample).max(1);
        let all: Vec<u32> = (0..samples as u32).collect();
        let count = (samples * per_sample) as f64;

        let (mut mean_x, mut mean_y, mut squares) = (vec![0.0; wide], vec![0.0; high], 0.0);
        for samples in all.chunks(step) {
            let (x, y, of_these) = chunk(samples)?;
            squares += of_these;
            add_rows(&mut mean_x, &x);
            add_rows(&mut mean_y, &y);
        }
        mean_x.iter_mut().chain(&mut mean_y).for_each(|sum| *sum /= count);

        let (mut gram, mut cross, mut spread) = (vec![0.0; wide * wide], vec![0.0; wide * high], 0.0);
        let mut room = vec![0.0; wide * high.max(PANEL)];
        for samples in all.chunks(step) {
            let (mut x, mut y, _) = chunk(samples)?;
            subtract_row(&mut x, &mean_x);
            subtract_row(&mut y, &mean_y);
            spread += sum_of_squares(&y);
            let rows = x.len() / wide;
            let (left, right) = (Matrix::new(&x, rows, wide), Matrix::new(&y, rows, high));
            // The Gram matrix is symmetric: of each panel of its columns only what lies on the diagonal or below.
            for start in (0..wide).step_by(PANEL) {
                let panel = start..(start + PANEL).min(wide);
                let out = &mut room[..(wide - start) * panel.len()];
                product(out, left.columns_of(start..wide).transposed(), left.columns_of(panel.clone()));
                for (row, out) in gram[start * wide..].chunks_mut(wide).zip(out.chunks(panel.len())) {
                    row[panel.clone()].iter_mut().zip(out).for_each(|(sum, &x)| *sum += f64::from(x));
                }
            }
            let out = &mut room[..wide * high];
            product(out, left.transposed(), right);
            cross.iter_mut().zip(&*out).for_each(|(sum, &x)| *sum += f64::from(x));
            context.advance((rows * wide * (wide + 2 * high)) as f64)?;
        }
        let scale = squares / (samples * self.shape().iter().product::<usize>()) as f64;
        let lambda = self.ridge.lambda * scale;
        gram.iter_mut().chain(&mut cross).for_each(|sum| *sum /= count);
        (0..wide).for_each(|i| gram[i * (wide + 1)] += lambda);
        let explained = cross.clone();
        let Some((least, largest)) = solve_symmetric(&mut gram, &mut cross, wide) else {
            let message = format!(
                "block {}: its activations are linearly dependent to double precision at lambda {:e}, {lambda:e} in units of theirs",
                self.l, self.ridge.lambda
            );
            return Err(Error::new(message).hint(format!("give a larger `lambda`; {:e} is usual", Ridge::LAMBDA)));
        };
        let solution = cross;
        // The mean square that is left: |y|² − ⟨W, C⟩ − λ |W|², for (G + λ) W = C.
        let inner = |other: &[f64]| solution.iter().zip(other).map(|(w, x)| w * x).sum::<f64>();
        let loss = (spread / count - inner(&explained) - lambda * inner(&solution)) / high as f64;
        let bias: Vec<f32> = (0..high)
            .map(|j| (mean_y[j] - (0..wide).map(|i| mean_x[i] * solution[i * high + j]).sum::<f64>()) as f32)
            .collect();
        let weight = weight(&layer, &solution);
        let value = Value::default().with("loss", &[1], vec![loss]).with("lambda", &[1], vec![lambda]).with(
            "condition",
            &[1],
            vec![(largest / least).powi(2)],
        );
        let tensors = chain::tensors(layers);
        Ok(tensors
            .iter()
            .zip([weight, bias])
            .fold(value, |value, (tensor, array)| value.with(&tensor.name, &tensor.shape, array)))
    }
}

impl Rows {
    fn of(layer: &Layer, from: &[usize], to: &[usize]) -> Self {
        match layer {
            Layer::Conv2d(conv) => Self::Windows { patches: conv.products(from, to).patches, apart: 1 },
            Layer::ConvTranspose2d(Conv2d { kernel, stride, before, .. }) => {
                let apart = *stride;
                let patches = Patches {
                    height: (from[1] - 1) * apart + 1,
                    width: (from[2] - 1) * apart + 1,
                    channels: from[0],
                    rows: to[1],
                    columns: to[2],
                    kernel: *kernel,
                    stride: 1,
                    dilation: 1,
                    before: kernel - 1 - before,
                    circular: false,
                };
                Self::Windows { patches, apart }
            }
            _ => Self::Samples { inputs: from.iter().product() },
        }
    }

    /// x, channels last, as rows.
    fn laid_out(&self, x: Vec<f32>, from: &[usize]) -> Vec<f32> {
        match self {
            Self::Samples { inputs } => {
                debug_assert_eq!(x.len() % inputs, 0);
                x
            }
            Self::Windows { patches, apart: 1 } => patches.all(&x),
            Self::Windows { patches, apart } => {
                let (channels, width) = (from[0], from[2]);
                let mut spread = vec![0.0; x.len() / from.iter().product::<usize>() * patches.image()];
                for (i, pixel) in x.chunks(channels).enumerate() {
                    let (row, column) = (i / width, i % width);
                    let (sample, row) = (row / from[1], row % from[1]);
                    let at = ((sample * patches.height + row * apart) * patches.width + column * apart) * channels;
                    spread[at..at + channels].copy_from_slice(pixel);
                }
                patches.all(&spread)
            }
        }
    }
}

/// The solution, `[row of x, row of the target]`, as PyTorch keeps the layer's weight.
fn weight(layer: &Layer, solution: &[f64]) -> Vec<f32> {
    match layer {
        Layer::Linear { inputs, outputs, .. } => {
            let at = |i: usize| solution[i % inputs * outputs + i / inputs];
            (0..inputs * outputs).map(|i| at(i) as f32).collect()
        }
        Layer::Conv2d(conv) | Layer::ConvTranspose2d(conv) => {
            let (kernel, inputs, outputs) = (conv.kernel, conv.inputs, conv.outputs);
            let window = kernel * kernel;
            let transposed = matches!(layer, Layer::ConvTranspose2d(_));
            let at = |i: usize| {
                let (pair, pixel) = (i / window, i % window);
                // A transposed convolution lays its kernel out: seen from a pixel it stands upside down.
                let (input, output, pixel) = if transposed {
                    (pair / outputs, pair % outputs, window - 1 - pixel)
                } else {
                    (pair % inputs, pair / inputs, pixel)
                };
                solution[(pixel * inputs + input) * outputs + output] as f32
            };
            (0..inputs * outputs * window).map(at).collect()
        }
        _ => Vec::new(),
    }
}
