//! Measures of the Jacobian: how the network's outputs follow small changes of its input.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::backward::{Chain, Scaled, forward_operations, samples_and_weights, working_bytes};
use super::dot;
use crate::Result;
use crate::data::Split;
use crate::linear_algebra::{Dense, eigh};
use crate::network::{Network, check_data};
use crate::random::{GENERATOR, Random};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JacobianMeasure {
    /// How alike the samples' Jacobians are (Mellor et al. 2020): with λ the eigenvalues of the correlation matrix of the
    /// gradients of the summed outputs, −Σ ln(λ + k) + 1/(λ + k), k = 10⁻⁵.
    Covariance,
    /// ln of the averaged partial Jacobian norm (arXiv:2111.12143) from depth 1 to the last block of the trunk: the mean over
    /// samples of ‖∂x_L/∂x_1‖² / N_L, estimated with one random direction per sample.
    Partial,
    /// ln of the largest factor by which the square of a small change of the input grows to the outputs: the mean over samples
    /// of the largest squared singular value of the Jacobian.
    Susceptibility,
}

/// The constant of [`JacobianMeasure::Covariance`].
const K: f64 = 1e-5;

/// A measure of the Jacobian at the samples of `split`: a number.
///
/// # Errors
/// When the data does not fit the network.
pub fn jacobian(network: &Network, split: &Split, measure: JacobianMeasure) -> Result<Described> {
    check_data(network, split)?;
    Ok(Described::new(Jacobian { network: network.clone(), split: split.clone(), measure }))
}

#[derive(Debug)]
struct Jacobian {
    network: Network,
    split: Split,
    measure: JacobianMeasure,
}

impl Jacobian {
    /// The depths between which gradients are propagated.
    fn ends(&self) -> (usize, usize) {
        let architecture = self.network.architecture();
        match self.measure {
            JacobianMeasure::Partial => (usize::from(architecture.trunk() > 1), architecture.trunk()),
            _ => (0, architecture.depth()),
        }
    }

    /// Number of backward passes.
    fn passes(&self) -> usize {
        match self.measure {
            JacobianMeasure::Susceptibility => self.network.architecture().width(self.ends().1),
            _ => 1,
        }
    }
}

impl Operation for Jacobian {
    fn name(&self) -> &'static str {
        match self.measure {
            JacobianMeasure::Covariance => "network.jacobian_covariance",
            JacobianMeasure::Partial => "network.partial_jacobian",
            JacobianMeasure::Susceptibility => "network.susceptibility",
        }
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let (_, to) = self.ends();
        let mut parameters = json!({ "blocks": self.network.prefix(to), "data": self.split.description() });
        if self.measure == JacobianMeasure::Partial {
            parameters["generator"] = json!(GENERATOR);
        }
        parameters
    }

    fn inputs(&self) -> Vec<Described> {
        samples_and_weights(&self.network, &self.split)
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        // Forward; for every pass once more, with the gradient of the input.
        let factor = 1.0 + 2.0 * self.passes() as f64;
        let (samples, outputs) = (self.split.len(), self.passes());
        Cost {
            operations: factor * samples as f64 * forward_operations(&self.network),
            result_bytes: 8.0,
            working_bytes: working_bytes(&self.network, samples)
                + 4.0 * (samples * outputs * self.network.architecture().width(0)) as f64,
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let (_, x) = inputs[0].f32s("x")?;
        let samples = self.split.len();
        let chain = Chain::new(&self.network, &inputs[1..], context)?;
        let all = chain.forward(chain.upload(x.to_vec(), samples), false)?;
        let (first, last) = self.ends();
        let width = self.network.architecture().width(last);
        let back = |rows: Vec<f32>| -> Result<(Vec<f32>, f64)> {
            let mut gradient = Scaled::new(chain.upload(rows, samples), 0.0)?;
            for l in (first + 1..=last).rev() {
                (gradient, _) = chain.back(l, &all[l - 1], &gradient, false)?;
            }
            Ok((gradient.to_host()?, gradient.ln))
        };
        Ok(Value::number(match self.measure {
            JacobianMeasure::Covariance => covariance(&back(vec![1.0; samples * width])?.0, samples)?,
            JacobianMeasure::Partial => {
                let mut directions = vec![0.0; samples * width];
                Random::new(0, &["partial_jacobian"]).fill_normal(&mut directions, 1.0);
                let (gradient, ln) = back(directions)?;
                2.0 * ln + libm::log(dot(&gradient, &gradient) / (samples * width) as f64)
            }
            JacobianMeasure::Susceptibility => {
                let row = |output: usize| {
                    back((0..samples * width).map(|i| f32::from(u8::from(i % width == output))).collect())
                };
                let rows: Vec<(Vec<f32>, f64)> = (0..width).map(row).collect::<Result<_>>()?;
                susceptibility(&rows, samples)?
            }
        }))
    }
}

/// See [`JacobianMeasure::Covariance`]; NaN where a Jacobian is zero.
fn covariance(gradient: &[f32], samples: usize) -> Result<f64> {
    let centred = |row: &[f32]| -> Vec<f64> {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x) - mean).collect();
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.into_iter().map(|x| x / norm).collect()
    };
    let rows: Vec<Vec<f64>> = gradient.chunks((gradient.len() / samples.max(1)).max(1)).map(centred).collect();
    if rows.iter().flatten().any(|x| !x.is_finite()) {
        return Ok(f64::NAN);
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let matrix = rows.iter().flat_map(|a| rows.iter().map(move |b| product(a, b))).collect();
    // Rounding can leave an eigenvalue of zero slightly below it.
    let terms = eigh(&Dense::new(rows.len(), rows.len(), matrix))?.values.into_iter().map(|value| value.max(0.0) + K);
    Ok(-terms.map(|value| libm::log(value) + 1.0 / value).sum::<f64>())
}

/// See [`JacobianMeasure::Susceptibility`]: one row of every sample's Jacobian for each output, with the logarithm of its scale.
/// NaN where a Jacobian is not finite.
fn susceptibility(rows: &[(Vec<f32>, f64)], samples: usize) -> Result<f64> {
    if rows.iter().any(|(row, ln)| ln.is_nan() || row.iter().any(|x| !x.is_finite())) {
        return Ok(f64::NAN);
    }
    let largest = rows.iter().map(|(_, ln)| *ln).fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return Ok(largest);
    }
    let scales: Vec<f64> = rows.iter().map(|(_, ln)| libm::exp(ln - largest)).collect();
    let mut sum = 0.0;
    for sample in 0..samples {
        let of = |i: usize| {
            let row = &rows[i].0;
            let width = row.len() / samples;
            &row[sample * width..][..width]
        };
        let product = |i: usize, j: usize| scales[i] * scales[j] * dot(of(i), of(j));
        let matrix = (0..rows.len()).flat_map(|i| (0..rows.len()).map(move |j| (i, j))).map(|(i, j)| product(i, j));
        let values = eigh(&Dense::new(rows.len(), rows.len(), matrix.collect()))?.values;
        sum += values.last().copied().unwrap_or(0.0).max(0.0);
    }
    Ok(2.0 * largest + libm::log(sum / samples as f64))
}
