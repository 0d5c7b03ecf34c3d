//! Activations on slices, with their slopes: faster than the stock functions.

use std::f32::consts::FRAC_1_SQRT_2;
use std::sync::Arc;

use serde::Serialize;

use super::expression::{Expression, Function, Nodes, Operator};
use super::vectorised;
use crate::words::nearest;
use crate::{Error, Result};

/// 1/√(2π).
const FRAC_1_SQRT_2PI: f32 = 0.398_942_3;

/// An activation φ of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Any other.
    Expression(Arc<Expression>),
}

impl From<Expression> for Activation {
    /// The expression, or the activation with loops of its own that it is.
    fn from(expression: Expression) -> Self {
        let is = |activation: &Self| {
            let mut nodes = Nodes::default();
            activation.root(&mut nodes).and_then(|root| Expression::new(&nodes, root).ok()).as_ref()
                == Some(&expression)
        };
        Self::ALL.into_iter().find(is).unwrap_or_else(|| Self::Expression(Arc::new(expression)))
    }
}

impl std::fmt::Display for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expression(expression) => expression.fmt(f),
            built_in => f.write_str(&format!("{built_in:?}").to_lowercase()),
        }
    }
}

impl Activation {
    /// The activations with loops of their own.
    pub const ALL: [Self; 7] =
        [Self::Identity, Self::Tanh, Self::Erf, Self::Relu, Self::Gelu, Self::Silu, Self::Sigmoid];

    /// The names that [`Activation::named`] accepts.
    pub const NAMES: [&str; 12] = [
        "tanh",
        "erf",
        "erf_unit_slope",
        "relu",
        "leaky_relu",
        "gelu",
        "silu",
        "sigmoid",
        "elu",
        "hardtanh",
        "softplus",
        "linear",
    ];

    /// The activation called `name`. `erf_unit_slope` is erf(√π x/2), which has slope 1 at 0 as tanh has; `leaky_relu` has
    /// slope 0.01 below 0; `linear` is x.
    ///
    /// # Errors
    /// For any other name; the hints list all names and the nearest one.
    pub fn named(name: &str) -> Result<Self> {
        const LEAK: f64 = 0.01;
        let mut nodes = Nodes::default();
        let root = match name {
            "tanh" => return Ok(Self::Tanh),
            "erf" => return Ok(Self::Erf),
            "relu" => return Ok(Self::Relu),
            "gelu" => return Ok(Self::Gelu),
            "silu" => return Ok(Self::Silu),
            "sigmoid" => return Ok(Self::Sigmoid),
            "linear" => return Ok(Self::Identity),
            "elu" => nodes.function(Function::Elu, Nodes::X),
            "softplus" => nodes.function(Function::Softplus, Nodes::X),
            "hardtanh" => nodes.hardtanh(Nodes::X),
            "leaky_relu" => nodes.leaky_relu(Nodes::X, LEAK),
            "erf_unit_slope" => {
                let scale = nodes.constant(1.0 / std::f64::consts::FRAC_2_SQRT_PI);
                let scaled = nodes.operator(Operator::Multiply, scale, Nodes::X);
                nodes.function(Function::Erf, scaled)
            }
            _ => {
                let error = Error::new(format!("there is no activation named `{name}`"));
                let near = nearest(name, Self::NAMES);
                let error = near.into_iter().fold(error, |error, near| error.hint(format!("did you mean `{near}`?")));
                return Err(error.hint(format!("the names are {}", Self::NAMES.join(", "))));
            }
        };
        Ok(Expression::new(&nodes, root)?.into())
    }

    /// An activation with loops of its own as an expression.
    fn root(&self, nodes: &mut Nodes) -> Option<usize> {
        Some(match self {
            Self::Identity => Nodes::X,
            Self::Tanh => nodes.function(Function::Tanh, Nodes::X),
            Self::Erf => nodes.function(Function::Erf, Nodes::X),
            Self::Relu => nodes.relu(Nodes::X),
            Self::Gelu => nodes.gelu(Nodes::X),
            Self::Silu => nodes.silu(Nodes::X),
            Self::Sigmoid => nodes.function(Function::Sigmoid, Nodes::X),
            Self::Expression(_) => return None,
        })
    }

    /// z ↦ φ(z), in place.
    pub fn apply(&self, z: &mut [f32]) {
        match self {
            Self::Expression(expression) => expression.apply(z),
            Self::Identity => {}
            Self::Tanh => each(z, tanh),
            Self::Erf => each(z, libm::erff),
            // Not `max`, which would turn a NaN into 0.
            Self::Relu => each(z, |z| if z < 0.0 { 0.0 } else { z }),
            Self::Gelu => each(z, |z| z * normal_distribution(z)),
            Self::Silu => each(z, |z| z * sigmoid(z)),
            Self::Sigmoid => each(z, sigmoid),
        }
    }

    /// Whether φ is invertible.
    pub fn is_invertible(&self) -> bool {
        matches!(self, Self::Tanh | Self::Erf | Self::Sigmoid)
    }

    /// φ(z) ↦ z, in place. A value that was rounded to the end of φ's range, ±1 or 0, is replaced by the nearest number
    /// inside. Does nothing if φ is not invertible.
    pub fn invert(&self, y: &mut [f32]) {
        const NEXT_TO_1: f32 = 1.0 - f32::EPSILON / 2.0;
        let inside = |y: f32| y.clamp(-NEXT_TO_1, NEXT_TO_1);
        match self {
            Self::Tanh => each(y, |y| atanh(inside(y))),
            Self::Sigmoid => each(y, |y| 2.0 * atanh(inside(2.0 * y - 1.0))),
            Self::Erf => each(y, |y| erf_inv(inside(y))),
            _ => {}
        }
    }

    /// The factor f for which the mean of φ(z + ε) over normal ε of variance `variance` is φ(f · z). This is exact for erf,
    /// and the probit approximation (MacKay 1992) for tanh and the sigmoid. 1 if φ is not invertible.
    pub fn mean_factor(&self, variance: f64) -> f64 {
        use std::f64::consts::PI;
        let width = match self {
            Self::Tanh => PI / 2.0,
            Self::Erf => 2.0,
            Self::Sigmoid => PI / 8.0,
            _ => 0.0,
        };
        1.0 / libm::sqrt(1.0 + width * variance.max(0.0))
    }

    /// φ(z) and φ'(z), of those with loops of their own.
    fn value_and_slope(&self, z: f32) -> (f32, f32) {
        let bell = |z: f32| libm::expf(-z * z);
        match self {
            Self::Expression(_) => (f32::NAN, f32::NAN),
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

    /// Turns the gradient with respect to φ(z) into that with respect to z, in place.
    pub fn pass_gradient(&self, gradient: &mut [f32], z: &[f32]) {
        if let Self::Expression(expression) = self {
            return expression.pass_gradient(gradient, z);
        }
        vectorised(
            #[inline(always)]
            || {
                for (g, &z) in gradient.iter_mut().zip(z) {
                    *g *= self.value_and_slope(z).1;
                }
            },
        );
    }

    /// Whether [`Activation::pass_gradient_by_output`] knows φ'.
    pub fn has_slope_by_output(&self) -> bool {
        matches!(self, Self::Identity | Self::Tanh | Self::Relu | Self::Sigmoid)
    }

    /// As [`Activation::pass_gradient`] from y = φ(z), with the same numbers; the gradient stays as it is where φ' does not
    /// follow from φ.
    pub fn pass_gradient_by_output(&self, gradient: &mut [f32], y: &[f32]) {
        match self {
            Self::Tanh => pairs(gradient, y, |g, y| g * (1.0 - y * y)),
            Self::Relu => pairs(gradient, y, |g, y| if y <= 0.0 { 0.0 } else { g }),
            Self::Sigmoid => pairs(gradient, y, |g, y| g * (y * (1.0 - y))),
            _ => {}
        }
    }

    /// Replaces z by the gradient of Σ(φ(z) − target)² · `scale` / 2 with respect to z. Returns Σ(φ(z) − target)².
    pub fn squared_error_gradient(&self, z: &mut [f32], target: &[f32], scale: f32) -> f64 {
        match self {
            Self::Tanh => return tanh_error_gradient(z, target, scale),
            Self::Expression(expression) => return expression.squared_error_gradient(z, target, scale),
            _ => {}
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

/// Applies `function` to every number. This is a loop because a long function inside `for_each` would not be compiled for
/// the chosen instruction set.
#[inline(always)]
fn each(numbers: &mut [f32], function: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for x in numbers {
                *x = function(*x);
            }
        },
    );
}

/// Replaces every first number by a function of it and a second one.
#[inline(always)]
fn pairs(first: &mut [f32], second: &[f32], function: impl Fn(f32, f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for (x, &y) in first.iter_mut().zip(second) {
                *x = function(*x, y);
            }
        },
    );
}

/// A special case for the published networks' activation: sixteen sums side by side, so that the loop vectorises.
fn tanh_error_gradient(z: &mut [f32], target: &[f32], scale: f32) -> f64 {
    const LANES: usize = 16;
    vectorised(
        #[inline(always)]
        || {
            let mut total = 0.0;
            // Short chunks keep the single-precision sums exact enough to report a loss to seven digits.
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

/// Hyperbolic tangent as a ratio of two polynomials in x², the approximation that Eigen and XLA use. The error is at most
/// 4.2e-7, seven units in the last place near 1. Beyond |x| = 7.9 it is ±1 in single precision.
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

/// Natural logarithm of a positive number, within 2e-7 (Cephes' `logf`).
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    const SERIES: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    // x = m · 2ᵉ, m from √½ to √2.
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (bits as i32 >> 23) as f32;
    let z = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let square = z * z;
    let series = SERIES.iter().fold(0.0, |sum, c| sum * z + c);
    let y = series * z * square - 2.121_944_4e-4 * exponent - 0.5 * square;
    let found = z + y + 0.693_359_4 * exponent;
    if x.is_nan() { x } else { found }
}

/// The inverse of tanh, for |y| < 1.
#[inline(always)]
fn atanh(y: f32) -> f32 {
    0.5 * (ln(1.0 + y) - ln(1.0 - y))
}

/// The inverse of erf, for |y| < 1, within some units of the last place (Giles 2012, single precision).
#[inline(always)]
fn erf_inv(y: f32) -> f32 {
    const NEAR: [f32; 9] = [
        2.810_226_4e-8,
        3.432_739_4e-7,
        -3.523_387_7e-6,
        -4.391_506_5e-6,
        2.185_808_7e-4,
        -1.253_725e-3,
        -4.177_681_6e-3,
        2.466_407_3e-1,
        1.501_409_4,
    ];
    const FAR: [f32; 9] = [
        -2.002_142_6e-4,
        1.009_505_6e-4,
        1.349_343_2e-3,
        -3.673_428_4e-3,
        5.739_507_7e-3,
        -7.622_461e-3,
        9.438_870_5e-3,
        1.001_674,
        2.832_976_8,
    ];
    let w = -ln((1.0 - y) * (1.0 + y));
    let near = NEAR.iter().fold(0.0, |sum, c| sum * (w - 2.5) + c);
    let far = FAR.iter().fold(0.0, |sum, c| sum * (w.sqrt() - 3.0) + c);
    y * if w < 5.0 { near } else { far }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

/// Φ(z), the cumulative normal distribution.
fn normal_distribution(z: f32) -> f32 {
    0.5 * libm::erfcf(-z * FRAC_1_SQRT_2)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "compared with the standard library's")]
mod tests {
    use super::*;

    /// φ(z) in double precision, by the standard library.
    fn phi(activation: &Activation, z: f64) -> f64 {
        match activation {
            Activation::Expression(expression) => expression.at(z).0,
            Activation::Identity => z,
            Activation::Tanh => z.tanh(),
            Activation::Erf => libm::erf(z),
            Activation::Relu => z.max(0.0),
            Activation::Gelu => z * libm::erfc(-z / 2.0_f64.sqrt()) / 2.0,
            Activation::Silu => z / (1.0 + (-z).exp()),
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
        }
    }

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

    #[test]
    fn inverses_give_back_the_argument() {
        for activation in Activation::ALL.into_iter().filter(Activation::is_invertible) {
            let z: Vec<f64> = (-400..=400).map(|i| f64::from(i) / 160.0).collect();
            let mut y: Vec<f32> = z.iter().map(|&z| phi(&activation, z) as f32).collect();
            let given = y.clone();
            activation.invert(&mut y);
            for ((&z, &found), &value) in z.iter().zip(&y).zip(&given) {
                // As far as the value, in single precision, says where it came from.
                let h = 1e-4;
                let slope = (phi(&activation, z + h) - phi(&activation, z - h)) / (2.0 * h);
                let rounded = (f64::from(value) - phi(&activation, z)).abs() / slope;
                assert!((f64::from(found) - z).abs() < 1e-6 + 2.0 * rounded, "{activation:?} at {z}: {found}");
            }
            let mut ends = [-1.0, 1.0, f32::NAN];
            activation.invert(&mut ends);
            assert!(ends[0].is_finite() && ends[1].is_finite() && ends[1] > 2.0 && ends[2].is_nan());
        }
    }

    /// Against sums over a fine grid of the normal distribution.
    #[test]
    fn means_under_noise_are_the_functions_of_what_is_left() {
        for (activation, bound) in [(Activation::Erf, 1e-9), (Activation::Tanh, 0.02), (Activation::Sigmoid, 0.02)] {
            for (z, variance) in [(0.3, 0.1), (1.0, 0.5), (-0.7, 2.0), (2.0, 1.0)] {
                let grid = (-8000..=8000).map(|i| f64::from(i) / 1000.0);
                let weighed = grid.map(|e| (-e * e / 2.0).exp() * phi(&activation, z + e * f64::sqrt(variance)));
                let mean = weighed.sum::<f64>() / 1000.0 / (2.0 * std::f64::consts::PI).sqrt();
                let found = phi(&activation, activation.mean_factor(variance) * z);
                assert!((found - mean).abs() < bound, "{activation:?} {z} {variance}: {found} {mean}");
            }
        }
        assert_eq!(Activation::Relu.mean_factor(1.0), 1.0);
    }

    /// Each gradient against a difference of the loss in double precision.
    #[test]
    fn gradients_are_slopes_of_the_loss() {
        for activation in Activation::ALL {
            let start: Vec<f32> = (0..67).map(|i| (i as f32 - 33.0) / 13.0 + 0.01).collect();
            let target: Vec<f32> = (0..67).map(|i| (i as f32 * 0.7).sin() / 2.0).collect();
            let mut z = start.clone();
            let loss = activation.squared_error_gradient(&mut z, &target, 0.25);
            let at = |z: f64, t: f32| (phi(&activation, z) - f64::from(t)).powi(2);
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
