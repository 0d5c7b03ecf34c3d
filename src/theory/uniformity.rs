//! The line of uniformity: where the distribution of activations has the most entropy (arXiv:2304.04784).

use super::root::greatest;
use super::{LARGEST_VARIANCE, Nonlinearity, check};
use crate::{Error, Result};

/// Standard deviations to either side of the mean, and equal steps of the trapezoidal rule, which converges exponentially here.
const REACH: f64 = 10.0;
const STEPS: usize = 1000;
/// Where the length q is searched.
const LENGTHS: (f64, f64) = (1e-3, 1e3);

/// The σ_w² at which the activations of a wide network, φ(z) with z ~ N(0, q*), have the most differential entropy:
/// ½ ln 2πe q + E[ln φ′(z)].
///
/// # Errors
/// For a variance out of range, an activation that is not "tanh", "erf" or "sigmoid", and a σ_b² above that length.
pub fn uniform_weight_var(activation: &Nonlinearity, bias_var: f64) -> Result<f64> {
    check("bias_var", bias_var)?;
    let Some(log_slope) = activation.log_slope() else {
        let message = format!("the line of uniformity of `{}` is not known", activation.name());
        return Err(Error::new(message).hint("it is known for tanh, erf and sigmoid"));
    };
    let entropy = |ln_q: f64| {
        let q = libm::exp(ln_q);
        let step = 2.0 * REACH / STEPS as f64;
        let mean: f64 = (0..=STEPS)
            .map(|i| {
                let z = step * i as f64 - REACH;
                libm::exp(-0.5 * z * z) * log_slope(q.sqrt() * z)
            })
            .sum();
        0.5 * ln_q + mean * step / (2.0 * std::f64::consts::PI).sqrt()
    };
    let q = libm::exp(greatest(entropy, libm::log(LENGTHS.0), libm::log(LENGTHS.1)));
    let weight_var = (q - bias_var) / activation.moments(q).square;
    if (0.0..=LARGEST_VARIANCE).contains(&weight_var) {
        return Ok(weight_var);
    }
    Err(Error::new(format!("`{}` has no line of uniformity at bias_var {bias_var}", activation.name()))
        .hint(format!("the activations are most uniform where preactivations have the variance {q:.4}")))
}
