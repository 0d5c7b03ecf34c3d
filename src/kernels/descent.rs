//! Steps of plain gradient descent, and what optimisers do to a gradient first: each in one pass over memory.

use super::vectorised;

/// Sums side by side, so that their loop vectorises.
const LANES: usize = 16;
/// Numbers whose squares are summed in single precision.
const CHUNK: usize = LANES * 32;

/// Subtracts `rate` times the gradient from `parameters`. Returns the sum of the gradient's squares.
pub fn descend(parameters: &mut [f32], gradient: &[f32], rate: f64) -> f64 {
    let rate = rate as f32;
    let mut total = 0.0;
    vectorised(
        #[inline(always)]
        || {
            for (parameters, gradient) in parameters.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK)) {
                let mut sums = [0.0_f32; LANES];
                for (parameters, gradient) in parameters.chunks_mut(LANES).zip(gradient.chunks(LANES)) {
                    for ((p, &g), sum) in parameters.iter_mut().zip(gradient).zip(&mut sums) {
                        *p -= rate * g;
                        *sum += g * g;
                    }
                }
                total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            }
        },
    );
    total
}

/// Adds `factor` times `from` to `to`.
pub fn add_scaled(to: &mut [f32], from: &[f32], factor: f64) {
    let factor = factor as f32;
    vectorised(
        #[inline(always)]
        || {
            for (to, &from) in to.iter_mut().zip(from) {
                *to += factor * from;
            }
        },
    );
}

/// Multiplies every number by `factor`.
pub fn scale(numbers: &mut [f32], factor: f64) {
    let factor = factor as f32;
    vectorised(
        #[inline(always)]
        || {
            for x in numbers {
                *x *= factor;
            }
        },
    );
}
