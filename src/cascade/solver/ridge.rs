//! Reconstruction networks without training steps: the map that gives back a block's input best, by ridge regression, the
//! exact minimiser of the mean of |W x + b − target|² + λ s |W|². The paper (arXiv:2406.12916) trains with Adam instead.
//!
//! If an invertible activation φ produced the block's input, the target is the input of φ, and the reconstruction ends in φ,
//! as a published one does: φ(W x + b), where W and b give the least error of φ's value. They are smaller than those of the
//! regression by a factor that follows from the residual ([`Activation::mean_factor`]).
//!
//! s is the scale of the activations x: the mean of their variances, plus a hundredth of their mean square. λ decides how
//! faint a trace of the input still counts; without it, double precision would find traces far past the depth that a trained
//! network can use. Where activations have become alike, their mean square decides; in the chaotic phase, their variance. A
//! convolution's map is the same at every pixel: its x are the windows that lead to one pixel.
//!
//! Where the derived inverse has several layers, their least common map takes their place: two linear layers are one, and so
//! are transposed convolutions. Where there is none, as for a block that mixes pixels and then channels, it is the map from
//! all numbers of the block's output to all of its input.

use std::sync::Arc;

use serde_json::json;

use super::covariance::{CovarianceSums, Covariances, ROWS};
use super::{Cascade, Inverse, Solver};
use crate::data::Split;
use crate::kernels::{Activation, Scratch, solve_symmetric, sum_of_squares};
use crate::network::{ActivationsAt, Architecture, Batch, Block, Flatten, Layer, Linear, LinearMap, Reshape, sequence};
use crate::random::Random;
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

pub(super) const NAME: &str = "cascade.ridge";
const VERSION: u32 = 3;

/// Vectors of random signs, by which the trace of an inverse of hundreds of rows is known within two parts in a hundred.
const PROBES: usize = 16;

/// Ridge regression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridge {
    /// λ, relative to the scale of the activations.
    pub lambda: f64,
    /// Whether a map before an invertible activation is multiplied by [`Activation::mean_factor`] for what it leaves
    /// unexplained, so that the reconstruction is the mean of the inputs that are likely.
    pub shrink: bool,
}

impl Ridge {
    /// The usual ridge regression of a given λ.
    pub const fn new(lambda: f64) -> Self {
        Self { lambda, shrink: true }
    }

    /// With it an MLP's input is lost where the published figure loses it (MNIST, differential entropy below −8): over four
    /// seeds at depth 10, 27, 42, 65, 88, 74 and 61 for σ_w² 0.5, 1.0, 1.2, 1.4, 2.5, 3.0 and 4.0, there at 10, 27, 42, 72, 92,
    /// 73 and 62; nearest to criticality, at 1.5, at 84 in place of 102 (`scripts/ridge_lambda.rhai`).
    pub const LAMBDA: f64 = 0.7;
    /// The part of the mean square that counts as scale beside the variance.
    pub(crate) const OF_MEAN_SQUARE: f64 = 0.01;

    /// The inverse that ridge regression finds numbers for: one linear map, and the activation that produced the block's
    /// input, if that is invertible. See [`Solver::adapt`].
    ///
    /// # Errors
    /// When a written inverse is no linear map.
    pub(super) fn adapted(inverse: Inverse, network: &Architecture, l: usize) -> Result<Inverse> {
        let mut layers = merged(&inverse);
        if sequence::parameters(&layers) > 0 {
            if !is_one_map(&layers, network.shape(l))? {
                if network.blocks()[l - 1].written_inverse().is_some() {
                    let inverse = Inverse::from_layers(layers);
                    return Err(Error::new(format!(
                        "ridge regression finds one linear map, and the inverse is {inverse}"
                    ))
                    .hint(
                        "write the block an inverse of one layer, leave it to be derived, or use `solver: \"adam\"`",
                    ));
                }
                layers = dense(network.shape(l), network.shape(l - 1));
            }
            layers.extend(invertible_end(&network.blocks()[..l - 1]).map(Layer::from));
        }
        Ok(Inverse::from_layers(layers))
    }
}

/// The layers of an inverse without its activations, those after one another that are one layer together merged. A map of
/// groups of channels becomes one of all channels, and a dilated kernel a whole one: their maps include the others.
fn merged(inverse: &Inverse) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for layer in inverse.layers().iter().filter(|layer| layer.kind().as_activation().is_none()) {
        let layer = layer.kind().within().unwrap_or_else(|| layer.clone());
        match layers.last().and_then(|last| last.kind().merged_with(&layer)) {
            Some(both) => {
                layers.pop();
                layers.push(both);
            }
            None => layers.push(layer),
        }
    }
    layers
}

/// Whether the layers' first with weights is a linear map, and those behind it only give its output's numbers other places.
fn is_one_map(layers: &[Layer], input: &[usize]) -> Result<bool> {
    let first = sequence::before_weights(layers);
    let Some(layer) = layers.get(first) else { return Ok(false) };
    let from = sequence::output_shape(&layers[..first], input)?;
    let to = layer.output_shape(&from)?;
    let is_map = layer.kind().linear_map(&from, &to).is_some();
    Ok(is_map && rearranged_back(&layers[first + 1..], &to).is_some())
}

/// The layers that lead back from the output of `layers` to their input, of shape `input`, if they only give its numbers
/// other places.
fn rearranged_back(layers: &[Layer], input: &[usize]) -> Option<Vec<Layer>> {
    let (mut shape, mut back) = (input.to_vec(), Vec::new());
    for layer in layers {
        back.push(layer.kind().rearranged_back(&shape)?);
        shape = layer.output_shape(&shape).ok()?;
    }
    back.reverse();
    Some(back)
}

/// The linear map from all numbers of shape `from` to all of shape `to`: it includes every other.
fn dense(from: &[usize], to: &[usize]) -> Vec<Layer> {
    let linear = Linear::new(from.iter().product(), to.iter().product());
    let flatten = (from.len() > 1).then(|| Flatten.into());
    let reshape = (to.len() > 1).then(|| Reshape { shape: to.to_vec() }.into());
    flatten.into_iter().chain([linear.into()]).chain(reshape).collect()
}

/// The activation that the blocks end in, if it is invertible; layers behind it that only move numbers do not count.
fn invertible_end(blocks: &[Block]) -> Option<Activation> {
    let mut layers = blocks.iter().rev().flat_map(|block| block.layers().iter().rev());
    let last = layers.find(|layer| !layer.kind().only_moves_numbers())?;
    last.kind().as_activation().filter(Activation::is_invertible)
}

impl Solver for Ridge {
    fn check(&self) -> Result<()> {
        if self.lambda >= 0.0 && self.lambda.is_finite() {
            Ok(())
        } else {
            Err(Error::new(format!("lambda is {}; it is a finite number of at least 0", self.lambda)))
        }
    }

    fn adapt(&self, inverse: Inverse, network: &Architecture, l: usize) -> Result<Inverse> {
        Self::adapted(inverse, network, l)
    }

    fn solve(&self, cascade: &Cascade, l: usize) -> Described {
        Described::new(SolveBlock { cascade: cascade.clone(), ridge: *self, l })
    }

    fn description(&self, split: &Split, _: usize) -> serde_json::Value {
        let mut description = json!({
            "data": split.description(),
            "solver": { "name": NAME, "version": VERSION },
            "lambda": self.lambda,
        });
        if !self.shrink {
            description["shrink"] = json!(false);
        }
        description
    }

    /// One loss, that of the solution.
    fn steps(&self, _: usize) -> usize {
        1
    }

    fn provenance(&self) -> Provenance {
        let shrink = if self.shrink { "" } else { " that does not shrink" };
        let words = format!("ridge regression{shrink}, λ = {}", self.lambda);
        Provenance { solvers: vec![words], ..Provenance::default() }
    }
}

/// Finds the linear map of block `l` of a cascade.
#[derive(Debug)]
struct SolveBlock {
    cascade: Cascade,
    ridge: Ridge,
    l: usize,
}

/// The map of a block's inverse.
struct BlockMap<'a> {
    map: Box<dyn LinearMap>,
    /// The layers before it, and the shape of their input.
    before: &'a [Layer],
    input: &'a [usize],
    /// The layers that lead from the block's input to the map's output, and the shape that they begin with.
    back: Vec<Layer>,
    target: Vec<usize>,
    /// The activation that the reconstruction ends in.
    function: Activation,
}

/// The regression's W, `[inputs, outputs]`, before it is shrunk.
struct Solution {
    matrix: Vec<f64>,
    /// How many of the inputs' directions the data decides and λ does not: tr G (G + λ)⁻¹.
    decided: f64,
    /// The condition number of G + λ, estimated.
    condition: f64,
}

impl SolveBlock {
    fn map(&self) -> Result<BlockMap<'_>> {
        let (inverse, input) = (self.cascade.inverse(self.l), self.cascade.network.architecture().shape(self.l));
        let (before, layers) = inverse.split_at_weights();
        let from = sequence::output_shape(before, input)?;
        let layer = layers.first().ok_or_else(|| Error::new("this inverse has nothing to solve"))?;
        let output = layer.output_shape(&from)?;
        let map = layer.kind().linear_map(&from, &output);
        let map = map.ok_or_else(|| Error::new(format!("{layer} is no linear map")))?;
        let function = inverse.last_activation().unwrap_or(Activation::Identity);
        let behind = &layers[1..layers.len() - usize::from(inverse.last_activation().is_some())];
        let back = rearranged_back(behind, &output).ok_or_else(|| Error::new(format!("{inverse} is no linear map")))?;
        let target = sequence::output_shape(behind, &output)?;
        Ok(BlockMap { map, before, input, back, target, function })
    }

    /// The covariances of the map's rows for all samples, and the mean square of x.
    fn covariances(
        &self,
        block: &BlockMap<'_>,
        [target, x]: &[ActivationsAt<'_>; 2],
        context: &Context<'_>,
    ) -> Result<(Covariances, f64)> {
        let BlockMap { map, before, input, back, target: shape, function } = block;
        let (inputs, outputs, per_sample) = (map.inputs(), map.outputs(), map.rows_per_sample());
        let all: Vec<u32> = (0..x.samples() as u32).collect();
        let (mut sums, mut squares) = (CovarianceSums::new(inputs, outputs), 0.0);
        for samples in all.chunks((ROWS / per_sample).max(1)) {
            let x = x.select(samples)?;
            context.advance(samples.len() as f64 * self.cascade.training_data_operations(self.l))?;
            squares += sum_of_squares(&x);
            let x = Batch::new(x.into(), input).forward(before, &[], &mut Scratch::default())?.data;
            let target = Batch::new(target.select(samples)?.into(), shape);
            let mut target = target.forward(back, &[], &mut Scratch::default())?.data;
            function.invert(&mut target);
            let x = map.rows(x);
            let rows = x.len() / inputs;
            sums.add(x, target);
            context.advance((rows * inputs * (inputs + 2 * outputs)) as f64)?;
        }
        let mean_square = squares / (all.len() * input.iter().product::<usize>()) as f64;
        Ok((sums.into_covariances((all.len() * per_sample) as f64), mean_square))
    }

    /// Solves (G + λ) W = C, where `gram` is the lower half of G and `cross` C; λ is absolute here.
    fn solve(&self, mut gram: Vec<f64>, cross: &[f64], lambda: f64, count: f64) -> Result<Solution> {
        let inputs = gram.len().isqrt();
        let outputs = cross.len() / inputs;
        (0..inputs).for_each(|i| gram[i * (inputs + 1)] += lambda);
        // With random signs as further right-hand sides, the solution has the trace of the inverse (Hutchinson 1990).
        let signs = signs(inputs);
        let mut sides: Vec<f64> = Vec::with_capacity(inputs * (outputs + PROBES));
        for (c, signs) in cross.chunks(outputs).zip(signs.chunks(PROBES)) {
            sides.extend_from_slice(c);
            sides.extend_from_slice(signs);
        }
        let Some((least, largest)) = solve_symmetric(&mut gram, &mut sides, inputs) else {
            let message = format!(
                "block {}: its activations are linearly dependent to double precision at lambda {:e}, {lambda:e} in units of theirs",
                self.l, self.ridge.lambda
            );
            return Err(Error::new(message).hint(format!("give a larger `lambda`; {:e} is usual", Ridge::LAMBDA)));
        };
        let mut trace = 0.0;
        for (i, signs) in signs.chunks(PROBES).enumerate() {
            let row = i * (outputs + PROBES);
            let of_signs = &sides[row + outputs..][..PROBES];
            trace += of_signs.iter().zip(signs).map(|(x, sign)| x * sign).sum::<f64>() / PROBES as f64;
            sides.copy_within(row..row + outputs, i * outputs);
        }
        sides.truncate(inputs * outputs);
        let decided = (inputs as f64 - lambda * trace).clamp(0.0, count - 1.0);
        Ok(Solution { matrix: sides, decided, condition: (largest / least).powi(2) })
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
        let mut description = self.ridge.description(&self.cascade.split, self.l);
        description["blocks"] = json!(self.cascade.network.prefix(self.l));
        description["inverses"] = json!(self.cascade.inverse(self.l));
        description
    }

    fn inputs(&self) -> Vec<Described> {
        self.cascade.training_sources(self.l)
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.cascade.provenance())
    }

    fn keep(&self) -> Keep {
        Keep::WithinBudget
    }

    fn cost(&self) -> Cost {
        let sizes = self.map().map(|BlockMap { map, .. }| (map.inputs(), map.outputs(), map.rows_per_sample()));
        let (x, y, per_sample) = sizes.unwrap_or_default();
        let at_a_time = ROWS.max(per_sample) as f64;
        let (x, y, rows) = (x as f64, y as f64, (per_sample * self.cascade.split.len()) as f64);
        let data = self.cascade.split.len() as f64 * self.cascade.training_data_operations(self.l);
        Cost {
            operations: rows * x * (x + 2.0 * y) + x * x * (x / 3.0 + 2.0 * y) + data,
            result_bytes: 4.0 * (x + 1.0) * y,
            working_bytes: 12.0 * x * (x + y) + 16.0 * x * at_a_time,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let data = self.cascade.training_data(self.l, inputs)?;
        let block = self.map()?;
        let (inputs, outputs) = (block.map.inputs(), block.map.outputs());
        let count = (data[1].samples() * block.map.rows_per_sample()) as f64;
        let (Covariances { gram, cross, variances, mean_x, mean_y }, mean_square) =
            self.covariances(&block, &data, context)?;
        let variance = (0..inputs).map(|i| gram[i * (inputs + 1)]).sum::<f64>() / inputs as f64;
        let lambda = self.ridge.lambda * (variance + Ridge::OF_MEAN_SQUARE * mean_square);
        let Solution { mut matrix, decided, condition } = self.solve(gram, &cross, lambda, count)?;
        let residual = residual(variances, &matrix, &cross, lambda);
        let loss = residual.iter().sum::<f64>() / outputs as f64;
        let mut bias = mean_y;
        for (w, x) in matrix.chunks(outputs).zip(&mean_x) {
            bias.iter_mut().zip(w).for_each(|(bias, w)| *bias -= x * w);
        }
        // The mean square that would be left of samples that were not seen, by generalised cross-validation.
        let unseen = (1.0 - decided / count).powi(-2);
        let factor = |left: f64| if self.ridge.shrink { block.function.mean_factor(left * unseen) } else { 1.0 };
        let factor: Vec<f64> = residual.iter().map(|&left| factor(left)).collect();
        for w in matrix.chunks_mut(outputs) {
            w.iter_mut().zip(&factor).for_each(|(w, factor)| *w *= factor);
        }
        let bias: Vec<f32> = bias.iter().zip(&factor).map(|(bias, factor)| (bias * factor) as f32).collect();
        let value = Value::default()
            .with("loss", &[1], vec![loss])
            .with("lambda", &[1], vec![lambda])
            .with("condition", &[1], vec![condition])
            .with("factor", &[outputs], factor);
        let named = self.cascade.param_specs(self.l).into_iter().zip([block.map.weight(&matrix), bias]);
        Ok(named.fold(value, |value, (spec, array)| value.with(&spec.name, &spec.shape, array)))
    }
}

/// The mean square that is left of each output: |y|² − ⟨w, c⟩ − λ |w|², for (G + λ) w = c.
fn residual(variances: Vec<f64>, matrix: &[f64], cross: &[f64], lambda: f64) -> Vec<f64> {
    let (outputs, mut residual) = (variances.len(), variances);
    for (w, c) in matrix.chunks(outputs).zip(cross.chunks(outputs)) {
        for ((left, w), c) in residual.iter_mut().zip(w).zip(c) {
            *left -= w * c + lambda * w * w;
        }
    }
    residual
}

/// `[n, PROBES]` random signs.
fn signs(n: usize) -> Vec<f64> {
    let mut numbers = vec![0.0_f32; n * PROBES];
    Random::new(0, &["ridge", "signs"]).fill_uniform(&mut numbers, -1.0, 1.0);
    numbers.into_iter().map(|x| if x < 0.0 { -1.0 } else { 1.0 }).collect()
}
