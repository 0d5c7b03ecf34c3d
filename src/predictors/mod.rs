//! What could predict, before training, how well a network trains: gradients and Jacobians at initialisation, led back block by
//! block with the logarithm of their size beside them, and what the activations of a few samples are at every depth.

mod activity;
mod backward;
mod gradients;
mod jacobian;
mod synflow;

pub use activity::{CURVES, activity};
pub use gradients::gradients;
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
