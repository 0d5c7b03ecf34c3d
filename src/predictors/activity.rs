//! Statistics of the activations of some samples at every depth: their size, their entropy, how alike the samples are.

use std::sync::Arc;

use serde_json::json;

use super::dot;
use crate::data::{Split, samples};
use crate::network::{Network, activations, check_data};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};
use crate::{Error, Result};

/// Ranges of equal width in which activations are counted for their entropy.
const BINS: usize = 64;
/// The width of the kernel, relative to the root mean square norm of the samples at a depth.
const KERNEL_WIDTH: f64 = 0.5;

/// The names of the curves.
pub const CURVES: [&str; 6] = ["mean", "rms", "entropy", "correlation", "renyi_entropy", "mutual_information"];

/// Curves over the depths of the trunk, from the activations of `split`, by the names of [`CURVES`]:
///
/// - "mean", "rms": the mean and the root mean square of all numbers.
/// - "entropy": of the distribution of all numbers over 64 equal ranges from −1 to 1 (farther, if a number lies outside),
///   divided by ln 64: 1 is uniform (arXiv:2304.04784).
/// - "correlation": the mean cosine of the angle between two samples.
/// - "renyi_entropy": the matrix-based Rényi entropy of order 2, −ln ‖K/n‖²_F in nats, of the Gaussian kernel K of the samples,
///   whose width is half their root mean square norm (Sanchez Giraldo et al. 2015).
/// - "mutual_information": of the input and the activations by that entropy, S(X) + S(T) − S(X, T), where the joint kernel is
///   the product.
///
/// # Errors
/// When there are fewer than two samples, or they do not fit the network.
pub fn activity(network: &Network, split: &Split) -> Result<Described> {
    of(network, split, Wanted::All)
}

/// The curve of the correlations alone.
///
/// # Errors
/// As [`activity`].
pub fn correlations(network: &Network, split: &Split) -> Result<Described> {
    of(network, split, Wanted::Correlations)
}

/// One of these statistics at the last depth of the trunk alone: a number.
///
/// # Errors
/// As [`activity`].
pub fn activity_at_end(network: &Network, split: &Split, statistic: Statistic) -> Result<Described> {
    of(network, split, Wanted::AtEnd(statistic))
}

fn of(network: &Network, split: &Split, wanted: Wanted) -> Result<Described> {
    check_data(network, split)?;
    if split.len() < 2 {
        return Err(Error::new("statistics of activations compare samples: one is not enough"));
    }
    Ok(Described::new(Activity { network: network.clone(), split: split.clone(), wanted }))
}

/// A statistic that predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    Entropy,
    Correlation,
    RenyiEntropy,
    MutualInformation,
}

/// A statistic alone is an operation of its own name, so that its cost is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Correlations,
    AtEnd(Statistic),
}

#[derive(Debug)]
struct Activity {
    network: Network,
    split: Split,
    wanted: Wanted,
}

impl Activity {
    /// Floating-point operations at one depth: a product for every pair of samples, if they are compared.
    fn operations(&self, l: usize) -> f64 {
        let compared = if self.wanted == Wanted::AtEnd(Statistic::Entropy) { 1 } else { self.split.len() };
        (self.split.len() * compared * self.network.architecture().width(l)) as f64
    }

    /// The depths whose activations it looks at; 0 is the input.
    fn depths(&self) -> Vec<usize> {
        let trunk = self.network.architecture().trunk();
        match self.wanted {
            Wanted::All => (0..=trunk).collect(),
            Wanted::Correlations => (1..=trunk).collect(),
            Wanted::AtEnd(Statistic::MutualInformation) => vec![0, trunk],
            Wanted::AtEnd(_) => vec![trunk],
        }
    }
}

impl Operation for Activity {
    fn name(&self) -> &'static str {
        match self.wanted {
            Wanted::All => "network.activity",
            Wanted::Correlations => "network.correlations",
            Wanted::AtEnd(Statistic::Entropy) => "network.activation_entropy",
            Wanted::AtEnd(Statistic::Correlation) => "network.correlation",
            Wanted::AtEnd(Statistic::RenyiEntropy) => "network.renyi_entropy",
            Wanted::AtEnd(Statistic::MutualInformation) => "network.mutual_information",
        }
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let trunk = self.network.architecture().trunk();
        json!({ "blocks": self.network.prefix(trunk), "depth": trunk, "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        let at = |l| if l == 0 { samples(&self.split) } else { activations(&self.network, &self.split, l) };
        self.depths().into_iter().map(at).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        let trunk = self.network.architecture().trunk();
        let widest = (0..=trunk).map(|l| self.network.architecture().width(l)).max().unwrap_or(0);
        Cost {
            operations: self.depths().into_iter().map(|l| self.operations(l)).sum(),
            result_bytes: 8.0 * (CURVES.len() * trunk) as f64,
            working_bytes: 8.0 * (widest * self.split.len() + 3 * self.split.len() * self.split.len()) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        match self.wanted {
            Wanted::All => self.all(inputs, context),
            Wanted::Correlations => {
                let mut curve = Vec::new();
                for (l, value) in self.depths().into_iter().zip(inputs) {
                    curve.push(correlation(&products(value.f32s("x")?.1, self.split.len()), self.split.len()));
                    context.advance(self.operations(l))?;
                }
                Ok(Value::default().with("curve", &[curve.len()], curve))
            }
            Wanted::AtEnd(statistic) => Ok(Value::number(self.at_end(statistic, inputs)?)),
        }
    }
}

impl Activity {
    fn at_end(&self, statistic: Statistic, inputs: &[Arc<Value>]) -> Result<f64> {
        let n = self.split.len();
        let kernel_of = |value: &Value| -> Result<Vec<f64>> { Ok(kernel(&products(value.f32s("x")?.1, n), n)) };
        let last = inputs.last().ok_or_else(|| Error::new("the activations are missing"))?;
        Ok(match statistic {
            Statistic::Entropy => histogram_entropy(last.f32s("x")?.1),
            Statistic::Correlation => correlation(&products(last.f32s("x")?.1, n), n),
            Statistic::RenyiEntropy => renyi_entropy(&kernel_of(last)?, n),
            Statistic::MutualInformation => information(&kernel_of(&inputs[0])?, &kernel_of(last)?, n),
        })
    }

    fn all(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let n = self.split.len();
        let mut curves: [Vec<f64>; CURVES.len()] = std::array::from_fn(|_| Vec::new());
        let mut of_input = Vec::new();
        for (l, value) in inputs.iter().enumerate() {
            let (_, x) = value.f32s("x")?;
            let products = products(x, n);
            let kernel = kernel(&products, n);
            if l == 0 {
                of_input = kernel;
            } else {
                let numbers = self.at(x, &products, &of_input, &kernel);
                curves.iter_mut().zip(numbers).for_each(|(curve, number)| curve.push(number));
            }
            context.advance(self.operations(l))?;
        }
        let value = |value: Value, (name, curve): (&str, Vec<f64>)| value.with(name, &[curve.len()], curve);
        Ok(CURVES.into_iter().zip(curves).fold(Value::default(), value))
    }

    /// The numbers of [`CURVES`] at one depth, from its numbers, the products and the kernel of all pairs of samples there, and the
    /// kernel of the input.
    fn at(&self, x: &[f32], products: &[f64], of_input: &[f64], kernel: &[f64]) -> [f64; CURVES.len()] {
        let n = self.split.len();
        let count = x.len().max(1) as f64;
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let rms = (dot(x, x) / count).sqrt();
        let information = information(of_input, kernel, n);
        [mean, rms, histogram_entropy(x), correlation(products, n), renyi_entropy(kernel, n), information]
    }
}

/// The mean cosine of the angle between two samples.
fn correlation(products: &[f64], n: usize) -> f64 {
    let of_pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    let cosine = |(i, j): (usize, usize)| products[i * n + j] / (products[i * n + i] * products[j * n + j]).sqrt();
    of_pairs.map(cosine).sum::<f64>() / (n * (n - 1) / 2) as f64
}

/// The mutual information of two sides by the entropies of their kernels and of the joint one.
fn information(a: &[f64], b: &[f64], n: usize) -> f64 {
    let joint: Vec<f64> = a.iter().zip(b).map(|(a, b)| a * b).collect();
    renyi_entropy(a, n) + renyi_entropy(b, n) - renyi_entropy(&joint, n)
}

/// The products of all pairs of samples, `[n, n]`.
fn products(x: &[f32], n: usize) -> Vec<f64> {
    let rows: Vec<&[f32]> = x.chunks((x.len() / n.max(1)).max(1)).collect();
    let mut products = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let value = dot(rows[i], rows[j]);
            (products[i * n + j], products[j * n + i]) = (value, value);
        }
    }
    products
}

/// The Gaussian kernel of all pairs of samples, from their products.
fn kernel(products: &[f64], n: usize) -> Vec<f64> {
    let mean_square = (0..n).map(|i| products[i * n + i]).sum::<f64>() / n as f64;
    let width = 2.0 * KERNEL_WIDTH * KERNEL_WIDTH * mean_square;
    let between = |i: usize, j: usize| (products[i * n + i] + products[j * n + j] - 2.0 * products[i * n + j]).max(0.0);
    let of_pair = |(i, j): (usize, usize)| if i == j { 1.0 } else { libm::exp(-between(i, j) / width) };
    (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(of_pair).collect()
}

/// −ln ‖K/n‖²_F, in nats.
fn renyi_entropy(kernel: &[f64], n: usize) -> f64 {
    -libm::log(kernel.iter().map(|k| k * k).sum::<f64>() / (n * n) as f64)
}

/// The entropy of all numbers over [`BINS`] ranges, relative to that of a uniform distribution.
fn histogram_entropy(x: &[f32]) -> f64 {
    if x.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    let low = x.iter().copied().fold(-1.0, f32::min);
    let high = x.iter().copied().fold(1.0, f32::max);
    let mut counts = [0_usize; BINS];
    for &x in x {
        let bin = f64::from(x - low) / f64::from(high - low) * BINS as f64;
        counts[(bin as usize).min(BINS - 1)] += 1;
    }
    let share = |&count: &usize| count as f64 / x.len().max(1) as f64;
    let terms = counts.iter().map(share).filter(|&p| p > 0.0).map(|p| -p * libm::log(p));
    terms.sum::<f64>() / libm::log(BINS as f64)
}
