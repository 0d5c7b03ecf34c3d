//! What could predict, before training, how well a network trains: gradients and Jacobians at initialisation, propagated back block
//! by block with the logarithm of their scale beside them, and statistics of the activations of a few samples at every depth.

mod activity;
mod backward;
mod gradients;
mod jacobian;
mod synflow;

pub use activity::{CURVES, Statistic, activity, activity_at_end, correlations};
pub use gradients::{gradient_norm, gradients, snip};
pub use jacobian::{JacobianMeasure, jacobian};
pub use synflow::synflow;

/// ln Σ exp of logarithms; −∞ of none.
fn log_sum(logarithms: &[f64]) -> f64 {
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return if logarithms.iter().any(|x| x.is_nan()) { f64::NAN } else { largest };
    }
    largest + libm::log(logarithms.iter().map(|x| libm::exp(x - largest)).sum())
}

/// The scalar product, in double precision.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}
