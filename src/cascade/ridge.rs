//! Reconstruction networks without steps: the map that gives back a block's input best, by ridge regression, the exact
//! minimiser of the mean of |W x + b − target|² + λ s |W|² (numerics: "Exact alternative, not in the paper").
//!
//! Where the block's input is what an activation φ made that can be undone, the target is what φ made it from, and the
//! reconstruction ends in φ, as a published one does: φ(W x + b) of the W and b that give the least error of φ's value,
//! which are smaller by a factor that the residual tells ([`Activation::mean_factor`]).
//!
//! s is the scale of the activations x: the mean of their variances, and a hundredth of their mean square. λ says how
//! faint a trace still counts; without it, double precision would find what is left of the input far past the depth that
//! a trained network could use. Where inputs have become alike, their mean square decides; where they are torn apart,
//! their variance. A convolution's map is the same at every pixel: its x are the windows that lead to one pixel.

use std::sync::Arc;

use serde_json::json;

use super::chain::{self, untrained};
use super::{Cascade, Inverse};
use crate::kernels::{
    Activation, Matrix, Patches, Scratch, add_rows, add_squares, product, solve_symmetric, subtract_row,
    sum_of_squares, transpose,
};
use crate::network::{Batch, Block, Conv2d, Layer, list_output};
use crate::random::Random;
use crate::work::{Context, Cost, Described, Keep, Operation, Value};
use crate::{Error, Result};

pub(super) const NAME: &str = "cascade.ridge";
pub(super) const VERSION: u32 = 3;

/// Rows that are multiplied at a time in single precision, few enough that it sums them exactly to six digits; these sums
/// are summed in double.
const ROWS: usize = 512;
/// Columns of the Gram matrix that are multiplied at a time.
const PANEL: usize = 96;
/// Vectors of random signs: they tell the trace of an inverse of hundreds of rows within two parts in a hundred.
const PROBES: usize = 16;

/// How the maps are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// λ, relative to the scale of the activations.
    pub lambda: f64,
}

impl Ridge {
    /// With it an MLP's input is lost where the published figure loses it (MNIST, differential entropy below −8): over four
    /// seeds at depth 10, 27, 42, 65, 88, 74 and 61 for σ_w² 0.5, 1.0, 1.2, 1.4, 2.5, 3.0 and 4.0, there at 10, 27, 42, 72, 92,
    /// 73 and 62; nearest to criticality, at 1.5, at 84 in place of 102 (`scripts/ridge_lambda.rhai`).
    pub const LAMBDA: f64 = 0.7;
    /// The part of the mean square that counts as scale beside the variance.
    const OF_MEAN_SQUARE: f64 = 0.01;
}

/// The activation behind which blocks only move numbers, if it can be undone.
fn last_activation(blocks: &[Block]) -> Option<Activation> {
    let moves = |layer: &&Layer| {
        matches!(layer, Layer::CircularPad { .. } | Layer::Crop { .. } | Layer::Flatten | Layer::Reshape { .. })
    };
    match blocks.iter().rev().flat_map(|block| block.layers().iter().rev()).find(|layer| !moves(layer)) {
        Some(Layer::Activation { function }) if function.is_invertible() => Some(*function),
        _ => None,
    }
}

impl Inverse {
    /// What ridge regression finds in place of this one, for a block behind the blocks `before`.
    ///
    /// # Errors
    /// When it is no linear map.
    pub(super) fn solved(&self, before: &[Block]) -> Result<Self> {
        let linear = self.linear_map()?;
        let maps = linear.parameters() > 0;
        let ends = last_activation(before).filter(|_| maps).map(|function| Layer::Activation { function });
        Ok(Self::from_layers(linear.layers().iter().cloned().chain(ends).collect()))
    }

    /// The same without its activations, as one map: transposed convolutions of stride 1 behind one another become one with
    /// a larger kernel.
    ///
    /// # Errors
    /// When more than one layer with weights is left, or one of another kind.
    fn linear_map(&self) -> Result<Self> {
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

    /// The activation that the reconstruction ends in.
    fn function(&self) -> Activation {
        match self.cascade.inverse(self.l).layers().last() {
            Some(Layer::Activation { function }) => *function,
            _ => Activation::Identity,
        }
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
        let make = self.cascade.split.len() as f64 * self.cascade.end_operations(self.l);
        Cost {
            operations: rows * x * (x + 2.0 * y) + x * x * (x / 3.0 + 2.0 * y) + make,
            result_bytes: 4.0 * (x + 1.0) * y,
            working_bytes: 12.0 * x * (x + y) + 16.0 * x * at_a_time,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let [target, x] = self.cascade.ends(self.l, inputs)?;
        let layers = self.cascade.inverse(self.l).layers();
        let before = &layers[..untrained(layers)];
        let (layer, from, to) = self.map()?;
        let (rows, function) = (Rows::of(&layer, &from, &to), self.function());
        let samples = x.samples();
        // Rows of x and of the target, and the sum of x's squares.
        let chunk = |samples: &[u32]| -> Result<(Vec<f32>, Vec<f32>, f64)> {
            let x = x.of(samples)?;
            context.advance(samples.len() as f64 * self.cascade.end_operations(self.l))?;
            let squares = sum_of_squares(&x);
            let x = Batch::of(x.into(), self.shape()).through(before, &[], &mut Scratch::default())?.data;
            let mut target = Batch::of(target.of(samples)?.into(), &to).data;
            function.invert(&mut target);
            Ok((rows.laid_out(x, &from), target, squares))
        };
        let (wide, high, per_sample) = self.sizes();
        let step = (ROWS / per_sample).max(1);
        let all: Vec<u32> = (0..samples as u32).collect();
        let count = (samples * per_sample) as f64;

        let mut sums = Sums::new(wide, high);
        for samples in all.chunks(step) {
            let (x, y, squares) = chunk(samples)?;
            let rows = x.len() / wide;
            sums.add(x, y, squares);
            context.advance((rows * wide * (wide + 2 * high)) as f64)?;
        }
        let Sums { mut gram, cross, spread, mean_x, mean_y, squares, .. } = sums.centred(count);
        let mean_square = squares / (samples * self.shape().iter().product::<usize>()) as f64;
        let variance = (0..wide).map(|i| gram[i * (wide + 1)]).sum::<f64>() / wide as f64;
        let lambda = self.ridge.lambda * (variance + Ridge::OF_MEAN_SQUARE * mean_square);
        (0..wide).for_each(|i| gram[i * (wide + 1)] += lambda);
        // Random signs beside the right-hand sides tell the trace of the inverse.
        let signs = signs(wide);
        let mut sides: Vec<f64> = Vec::with_capacity(wide * (high + PROBES));
        for (c, signs) in cross.chunks(high).zip(signs.chunks(PROBES)) {
            sides.extend_from_slice(c);
            sides.extend_from_slice(signs);
        }
        let Some((least, largest)) = solve_symmetric(&mut gram, &mut sides, wide) else {
            let message = format!(
                "block {}: its activations are linearly dependent to double precision at lambda {:e}, {lambda:e} in units of theirs",
                self.l, self.ridge.lambda
            );
            return Err(Error::new(message).hint(format!("give a larger `lambda`; {:e} is usual", Ridge::LAMBDA)));
        };
        // Numbers that the data decides, of `wide`: those of the directions that λ leaves, tr G (G + λ)⁻¹.
        let mut trace = 0.0;
        for (i, signs) in signs.chunks(PROBES).enumerate() {
            let row = i * (high + PROBES);
            let of_signs = &sides[row + high..][..PROBES];
            trace += of_signs.iter().zip(signs).map(|(x, sign)| x * sign).sum::<f64>() / PROBES as f64;
            sides.copy_within(row..row + high, i * high);
        }
        let mut solution = sides;
        solution.truncate(wide * high);
        let decided = (wide as f64 - lambda * trace).clamp(0.0, count - 1.0);
        // The mean square that is left of each output: |y|² − ⟨w, c⟩ − λ |w|², for (G + λ) w = c; and of samples that
        // were not seen, by generalised cross-validation.
        let mut residual = spread;
        for (w, c) in solution.chunks(high).zip(cross.chunks(high)) {
            for ((left, w), c) in residual.iter_mut().zip(w).zip(c) {
                *left -= w * c + lambda * w * w;
            }
        }
        let unseen = (1.0 - decided / count).powi(-2);
        let loss = residual.iter().sum::<f64>() / high as f64;
        let factor: Vec<f64> = residual.iter().map(|&variance| function.mean_factor(variance * unseen)).collect();
        let mut bias = mean_y;
        for (w, x) in solution.chunks_mut(high).zip(&mean_x) {
            bias.iter_mut().zip(&*w).for_each(|(bias, w)| *bias -= x * w);
            w.iter_mut().zip(&factor).for_each(|(w, factor)| *w *= factor);
        }
        let bias: Vec<f32> = bias.iter().zip(&factor).map(|(bias, factor)| (bias * factor) as f32).collect();
        let weight = weight(&layer, &solution);
        let value = Value::default()
            .with("loss", &[1], vec![loss])
            .with("lambda", &[1], vec![lambda])
            .with("condition", &[1], vec![(largest / least).powi(2)])
            .with("factor", &[high], factor);
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

/// Products of the rows of x and of the target, summed in double precision.
struct Sums {
    wide: usize,
    high: usize,
    /// `[wide, wide]`: xᵀ x, of which the lower half is there; `[wide, high]`: xᵀ y; of each output y².
    gram: Vec<f64>,
    cross: Vec<f64>,
    spread: Vec<f64>,
    mean_x: Vec<f64>,
    mean_y: Vec<f64>,
    /// Of x before its rows are laid out.
    squares: f64,
    /// What is taken from every row first, the mean of the first ones: near enough to that of all that nothing is lost.
    near: Option<[Vec<f64>; 2]>,
    room: Vec<f32>,
}

impl Sums {
    fn new(wide: usize, high: usize) -> Self {
        Self {
            wide,
            high,
            gram: vec![0.0; wide * wide],
            cross: vec![0.0; wide * high],
            spread: vec![0.0; high],
            mean_x: vec![0.0; wide],
            mean_y: vec![0.0; high],
            squares: 0.0,
            near: None,
            room: vec![0.0; wide * high.max(PANEL)],
        }
    }

    fn add(&mut self, mut x: Vec<f32>, mut y: Vec<f32>, squares: f64) {
        let Self { wide, high, .. } = *self;
        let rows = x.len() / wide;
        let [near_x, near_y] = self.near.get_or_insert_with(|| [mean(&x, wide), mean(&y, high)]);
        subtract_row(&mut x, near_x);
        subtract_row(&mut y, near_y);
        self.squares += squares;
        add_rows(&mut self.mean_x, &x);
        add_rows(&mut self.mean_y, &y);
        add_squares(&mut self.spread, &y);
        let (left, right) = (Matrix::new(&x, rows, wide), Matrix::new(&y, rows, high));
        // The Gram matrix is symmetric: of each panel of its columns only what lies on the diagonal or below.
        for start in (0..wide).step_by(PANEL) {
            let panel = start..(start + PANEL).min(wide);
            let out = &mut self.room[..(wide - start) * panel.len()];
            product(out, left.columns_of(start..wide).transposed(), left.columns_of(panel.clone()));
            for (row, out) in self.gram[start * wide..].chunks_mut(wide).zip(out.chunks(panel.len())) {
                add_rows(&mut row[panel.clone()], out);
            }
        }
        let out = &mut self.room[..wide * high];
        product(out, left.transposed(), right);
        add_rows(&mut self.cross, out);
    }

    /// Means and covariances, of `count` rows.
    fn centred(mut self, count: f64) -> Self {
        let Self { wide, high, gram, cross, spread, mean_x, mean_y, near, .. } = &mut self;
        let all = [&mut *gram, &mut *cross, &mut *spread, &mut *mean_x, &mut *mean_y];
        all.into_iter().flatten().for_each(|sum| *sum /= count);
        for (i, x) in mean_x.iter().enumerate() {
            gram[i * *wide..=i * (*wide + 1)].iter_mut().zip(&*mean_x).for_each(|(sum, y)| *sum -= x * y);
            cross[i * *high..(i + 1) * *high].iter_mut().zip(&*mean_y).for_each(|(sum, y)| *sum -= x * y);
        }
        spread.iter_mut().zip(&*mean_y).for_each(|(sum, y)| *sum -= y * y);
        if let Some([near_x, near_y]) = near {
            mean_x.iter_mut().zip(&*near_x).for_each(|(mean, near)| *mean += near);
            mean_y.iter_mut().zip(&*near_y).for_each(|(mean, near)| *mean += near);
        }
        self
    }
}

/// Of every column.
fn mean(rows: &[f32], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    add_rows(&mut sums, rows);
    let count = (rows.len() / columns.max(1)) as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}

/// `[n, PROBES]` random signs (Hutchinson 1990).
fn signs(n: usize) -> Vec<f64> {
    let mut numbers = vec![0.0_f32; n * PROBES];
    Random::new(0, &["ridge", "signs"]).fill_uniform(&mut numbers, -1.0, 1.0);
    numbers.into_iter().map(|x| if x < 0.0 { -1.0 } else { 1.0 }).collect()
}

/// The solution, `[row of x, row of the target]`, as PyTorch keeps the layer's weight.
fn weight(layer: &Layer, solution: &[f64]) -> Vec<f32> {
    match layer {
        Layer::Linear { inputs, outputs, .. } => {
            let single: Vec<f32> = solution.iter().map(|&w| w as f32).collect();
            let mut weight = vec![0.0; inputs * outputs];
            transpose(&mut weight, &single, *inputs, *outputs);
            weight
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
