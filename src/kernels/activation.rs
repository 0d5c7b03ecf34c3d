//! Activations on slices, with their slopes, fast where the stock function is not.

use std::f32::consts::FRAC_1_SQRT_2;

use serde::{Deserialize, Serialize};

use super::vectorised;

/// 1/√(2π).
const FRAC_1_SQRT_2PI: f32 = 0.398_942_3;

/// An activation that the kernels know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Identity,
    Tanh,
    Erf,
    Relu,
    /// x Φ(x), Φ the normal distribution: the exact form (Hendrycks & Gimpel 2016).
    Gelu,
    /// x σ(x) (Elfwing et al. 2017).
    Silu,
    /// σ(x) = 1 / (1 + e⁻ˣ).
    Sigmoid,
}

impl Activation {
    /// Every one of them.
    pub const ALL: [Self; 7] =
        [Self::Identity, Self::Tanh, Self::Erf, Self::Relu, Self::Gelu, Self::Silu, Self::Sigmoid];

    /// z ↦ φ(z), in place.
    pub fn apply(self, z: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Tanh => vectorised(
                #[inline(always)]
                || z.iter_mut().for_each(|z| *z = tanh(*z)),
            ),
            Self::Erf => z.iter_mut().for_each(|z| *z = libm::erff(*z)),
            Self::Relu => vectorised(
                #[inline(always)]
                // Not `max`, which would turn a NaN into 0.
                || z.iter_mut().for_each(|z| *z = if *z < 0.0 { 0.0 } else { *z }),
            ),
            Self::Gelu => z.iter_mut().for_each(|z| *z *= normal_distribution(*z)),
            Self::Silu => vectorised(
                #[inline(always)]
                || z.iter_mut().for_each(|z| *z *= sigmoid(*z)),
            ),
            Self::Sigmoid => vectorised(
                #[inline(always)]
                || z.iter_mut().for_each(|z| *z = sigmoid(*z)),
            ),
        }
    }

    /// φ(z) and φ'(z).
    fn value_and_slope(self, z: f32) -> (f32, f32) {
        let bell = |z: f32| libm::expf(-z * z);
        match self {
            Self::Identity => (z, 1.0),
            Self::Tanh => (tanh(z), 1.0 - tanh(z) * tanh(z)),
            Self::Erf => (libm::erff(z), std::f32::consts::FRAC_2_SQRT_PI * bell(z)),
            Self::Relu => {
                if z <= 0.0 {
                    (0.0, 0.0)
                } else {
                    (z, 1.0)
                }
            }
            Self::Gelu => {
                let (below, density) = (normal_distribution(z), bell(z * FRAC_1_SQRT_2) * FRAC_1_SQRT_2PI);
                (z * below, below + z * density)
            }
            Self::Silu => (z * sigmoid(z), sigmoid(z) * (1.0 + z * (1.0 - sigmoid(z)))),
            Self::Sigmoid => (sigmoid(z), sigmoid(z) * (1.0 - sigmoid(z))),
        }
    }

    /// From the gradient with respect to φ(z), the one with respect to z, in place.
    pub fn pass_gradient(self, gradient: &mut [f32], z: &[f32]) {
        vectorised(
            #[inline(always)]
            || gradient.iter_mut().zip(z).for_each(|(g, &z)| *g *= self.value_and_slope(z).1),
        );
    }

    /// From z, the gradient of Σ(φ(z) − target)² · `scale` / 2 with respect to z, in place. Says the sum of squares.
    pub fn squared_error_gradient(self, z: &mut [f32], target: &[f32], scale: f32) -> f64 {
        if self == Self::Tanh {
            return tanh_error_gradient(z, target, scale);
        }
        let pairs = z.iter_mut().zip(target);
        pairs.fold(0.0, |sum, (z, &t)| {
            let (value, slope) = self.value_and_slope(*z);
            let error = value - t;
            *z = error * slope * scale;
            sum + f64::from(error * error)
        })
    }
}

/// The published networks' activation deserves a loop of its own: sixteen sums side by side, so that it vectorises.
fn tanh_error_gradient(z: &mut [f32], target: &[f32], scale: f32) -> f64 {
    const LANES: usize = 16;
    vectorised(
        #[inline(always)]
        || {
            let mut total = 0.0;
            // Short runs keep the single-precision partial sums exact enough to report a loss to seven digits.
            for (z, target) in z.chunks_mut(LANES * 32).zip(target.chunks(LANES * 32)) {
                let mut sums = [0.0_f32; LANES];
                for (z, target) in z.chunks_mut(LANES).zip(target.chunks(LANES)) {
                    for ((z, &t), sum) in z.iter_mut().zip(target).zip(&mut sums) {
                        let y = tanh(*z);
                        let error = y - t;
                        *z = error * (1.0 - y * y) * scale;
                        *sum += error * error;
                    }
                }
                total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            }
            total
        },
    )
}

/// Hyperbolic tangent as a ratio of two polynomials in x², within 4.2e-7 of the true value (seven units in the last place
/// of a number near 1): the approximation that Eigen and XLA use. Beyond |x| = 7.9 single precision cannot tell it from ±1.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    const LIMIT: f32 = 7.905_311;
    const ODD: [f32; 7] =
        [-2.760_768_5e-16, 2.000_188e-13, -8.604_672e-11, 5.122_297e-8, 1.485_722_4e-5, 6.372_619_3e-4, 4.893_524_6e-3];
    const EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let x = x.clamp(-LIMIT, LIMIT);
    let square = x * x;
    let odd = ODD.iter().fold(0.0, |sum, c| sum * square + c);
    let even = EVEN.iter().fold(0.0, |sum, c| sum * square + c);
    x * odd / even
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

/// How much of the normal distribution lies below `z`.
fn normal_distribution(z: f32) -> f32 {
    0.5 * libm::erfcf(-z * FRAC_1_SQRT_2)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "compared with the standard library's")]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_within_its_bound_everywhere() {
        let worst = (-400_000..=400_000)
            .map(|i| i as f32 * 2.5e-5)
            .map(|x| (f64::from(tanh(x)) - f64::from(x).tanh()).abs())
            .fold(0.0, f64::max);
        assert!(worst < 4.2e-7, "{worst:e}");
        assert_eq!(tanh(0.0), 0.0);
        assert!((tanh(1e-12) - 1e-12).abs() < 1e-18);
        assert!(tanh(f32::NAN).is_nan(), "a network that diverges must show it");
    }

    /// Each gradient against a difference of the loss in double precision.
    #[test]
    fn gradients_are_slopes_of_the_loss() {
        let phi = |activation, z: f64| match activation {
            Activation::Identity => z,
            Activation::Tanh => z.tanh(),
            Activation::Erf => libm::erf(z),
            Activation::Relu => z.max(0.0),
            Activation::Gelu => z * libm::erfc(-z / 2.0_f64.sqrt()) / 2.0,
            Activation::Silu => z / (1.0 + (-z).exp()),
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        };
        for activation in Activation::ALL {
            let start: Vec<f32> = (0..67).map(|i| (i as f32 - 33.0) / 13.0 + 0.01).collect();
            let target: Vec<f32> = (0..67).map(|i| (i as f32 * 0.7).sin() / 2.0).collect();
            let mut z = start.clone();
            let loss = activation.squared_error_gradient(&mut z, &target, 0.25);
            let at = |z: f64, t: f32| (phi(activation, z) - f64::from(t)).powi(2);
            let expected: f64 = start.iter().zip(&target).map(|(&z, &t)| at(f64::from(z), t)).sum();
            assert!((loss / expected - 1.0).abs() < 1e-6, "{activation:?} {loss} {expected}");
            for ((&z, &t), &gradient) in start.iter().zip(&target).zip(&z) {
                let (z, h) = (f64::from(z), 1e-6);
                let slope = (at(z + h, t) - at(z - h, t)) / (2.0 * h) * 0.25 / 2.0;
                assert!((slope - f64::from(gradient)).abs() < 1e-6, "{activation:?} at {z}: {slope} {gradient}");
            }
        }
    }
}
