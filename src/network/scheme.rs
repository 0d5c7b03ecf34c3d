//! Schemes of initial numbers: what an array's numbers are drawn from.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::json;

use super::{ParamKind, ParamSpec};
use crate::kernels::orthonormalise;
use crate::random::Random;
use crate::words::counted;
use crate::{Error, Result};

/// How the numbers of an array are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scheme {
    /// Independently, with mean 0.
    Independent { distribution: Distribution, variance: Variance },
    /// For weights: gain times a uniformly distributed matrix with orthonormal rows or columns, whichever are fewer: Q of
    /// the QR decomposition of a normal matrix, with signs that make R's diagonal positive (Saxe, McClelland & Ganguli 2014;
    /// Mezzadri 2007). The rows of the matrix are the array's first axis, its columns the others; groups have one each.
    Orthogonal { gain: f64 },
    /// For weights: orthogonal at the central pixel of the kernel, 0 elsewhere (Xiao et al. 2018, algorithm 2), which has at
    /// least as many outputs as inputs. For layers without pixels the same as orthogonal.
    DeltaOrthogonal { gain: f64 },
}

/// A distribution of mean 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    Gaussian,
    /// Between −a and a.
    Uniform,
    /// Normal numbers within two of their standard deviations, scaled up to the variance that is asked for.
    Truncated,
}

impl Distribution {
    /// All distributions.
    pub const ALL: [Self; 3] = [Self::Gaussian, Self::Uniform, Self::Truncated];

    /// Its name, as scripts write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Uniform => "uniform",
            Self::Truncated => "truncated",
        }
    }
}

/// The variance of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Variance {
    /// This over the fan-in, for weights; for biases, this.
    Scaled(f64),
    /// 2 / fan-in (He et al. 2015).
    He,
    /// 2 / (fan-in + fan-out) (Glorot & Bengio 2010).
    Glorot,
    /// 1 / fan-in (LeCun et al. 1998).
    Lecun,
}

/// Where truncated normal numbers end, in standard deviations, and their own standard deviation.
const TRUNCATION: f64 = 2.0;
const WITHIN_TRUNCATION: f64 = 0.879_625_661_034_239_8;

impl Scheme {
    /// Normal numbers: weights of variance `variance` / fan-in, biases of variance `variance`.
    pub const fn gaussian(variance: f64) -> Self {
        Self::scaled(Distribution::Gaussian, variance)
    }

    /// The same of another distribution.
    pub const fn scaled(distribution: Distribution, variance: f64) -> Self {
        Self::Independent { distribution, variance: Variance::Scaled(variance) }
    }

    /// The variance of [`Scheme::gaussian`], if it is that.
    pub(super) fn plain_variance(self) -> Option<f64> {
        match self {
            Self::Independent { distribution: Distribution::Gaussian, variance: Variance::Scaled(number) } => {
                Some(number)
            }
            _ => None,
        }
    }

    /// # Errors
    /// When its variance or gain is negative or not finite; `what` names it.
    pub fn check(&self, what: &str) -> Result<()> {
        let (name, number) = match *self {
            Self::Independent { variance: Variance::Scaled(variance), .. } => ("variance", variance),
            Self::Independent { .. } => return Ok(()),
            Self::Orthogonal { gain } | Self::DeltaOrthogonal { gain } => ("gain", gain),
        };
        if number >= 0.0 && number.is_finite() {
            return Ok(());
        }
        Err(Error::new(format!("{what} is {number}; a {name} is a finite number of at least 0")))
    }

    /// Checks that an array can be drawn like this.
    ///
    /// # Errors
    /// When it has no fan-in, or is no orthogonal kernel.
    pub(super) fn check_array(&self, spec: &ParamSpec) -> Result<()> {
        match (self, spec.kind) {
            (Self::DeltaOrthogonal { .. }, ParamKind::Weight { groups, .. }) => {
                let [inputs, outputs] = channels(spec, groups);
                let has_pixels = spec.shape[2..].iter().product::<usize>() > 1;
                if inputs <= outputs || !has_pixels {
                    return Ok(());
                }
                let of = if groups > 1 { " of each group" } else { "" };
                let [inputs, outputs] = [counted(inputs, "input"), counted(outputs, "output")];
                Err(Error::new(format!(
                    "{self} for {inputs} and {outputs}{of}: no kernel keeps the length of every input with \
                     fewer outputs than inputs (Xiao et al. 2018)"
                ))
                .hint("give this layer another scheme: `conv2d(…).init(#{ weights: orthogonal(1) })`"))
            }
            (Self::Independent { variance: Variance::Scaled(_), .. }, _) | (_, ParamKind::Weight { .. }) => Ok(()),
            (_, ParamKind::Bias) => Err(Error::new(format!("{self} is a scheme of weights; biases have no fan-in"))
                .hint("give biases a variance, `bias_var: 0.05`, or `biases: uniform(0.05)`")),
            _ => Ok(()),
        }
    }

    /// The mean square of an array's numbers.
    fn mean_square(&self, spec: &ParamSpec) -> f64 {
        match (*self, spec.kind) {
            (Self::Independent { .. }, ParamKind::Weight { fan_in, .. }) => self.scaled_variance(spec) / fan_in,
            (Self::Independent { variance: Variance::Scaled(variance), .. }, _) => variance,
            (Self::Orthogonal { gain } | Self::DeltaOrthogonal { gain }, ParamKind::Weight { groups, .. }) => {
                let [rows, columns] = self.matrix(spec, groups);
                gain * gain * rows.min(columns) as f64 * groups as f64 / spec.len() as f64
            }
            _ => 0.0,
        }
    }

    /// σ_w² of a weight, its mean square times its fan-in; σ_b² of a bias.
    pub(super) fn scaled_variance(&self, spec: &ParamSpec) -> f64 {
        match (*self, spec.kind) {
            (Self::Independent { variance, .. }, ParamKind::Weight { fan_in, fan_out, .. }) => match variance {
                Variance::Scaled(variance) => variance,
                Variance::He => 2.0,
                Variance::Glorot => 2.0 * (fan_in / (fan_in + fan_out)),
                Variance::Lecun => 1.0,
            },
            (_, ParamKind::Weight { fan_in, .. }) => fan_in * self.mean_square(spec),
            _ => self.mean_square(spec),
        }
    }

    /// The numbers of an array, in its layout.
    pub(super) fn draw(&self, mut random: Random, spec: &ParamSpec) -> Vec<f32> {
        let mut numbers = vec![0.0; spec.len()];
        let deviation = libm::sqrt(self.mean_square(spec));
        match (*self, spec.kind) {
            (Self::Independent { distribution, .. }, _) => match distribution {
                Distribution::Gaussian => random.fill_normal(&mut numbers, deviation),
                Distribution::Uniform => {
                    let end = libm::sqrt(3.0) * deviation;
                    random.fill_uniform(&mut numbers, -end, end);
                }
                Distribution::Truncated => numbers.fill_with(|| {
                    let inside = std::iter::repeat_with(|| random.normal()).find(|x| x.abs() <= TRUNCATION);
                    (inside.unwrap_or(0.0) / WITHIN_TRUNCATION * deviation) as f32
                }),
            },
            (Self::Orthogonal { gain } | Self::DeltaOrthogonal { gain }, ParamKind::Weight { groups, .. }) => {
                let [rows, columns] = self.matrix(spec, groups);
                // A matrix fills all of its array, or one pixel of it.
                let apart = spec.len() / (groups * rows * columns);
                let centre = center(spec, apart);
                for group in numbers.chunks_mut(rows * columns * apart) {
                    let matrix = orthogonal(&mut random, rows, columns);
                    for (to, from) in group[centre..].iter_mut().step_by(apart).zip(matrix) {
                        *to = (gain * from) as f32;
                    }
                }
            }
            _ => {}
        }
        numbers
    }

    /// Rows and columns of each group's matrix.
    fn matrix(&self, spec: &ParamSpec, groups: usize) -> [usize; 2] {
        let rows = spec.shape[0] / groups;
        match self {
            Self::DeltaOrthogonal { .. } => [rows, spec.shape[1]],
            _ => [rows, spec.len() / spec.shape[0].max(1)],
        }
    }

    /// As fingerprints contain it: schemes of the same numbers are the same.
    pub(super) fn description(&self) -> serde_json::Value {
        match *self {
            Self::Independent { distribution, variance } => {
                let name = distribution.name();
                match variance {
                    Variance::Scaled(variance) => json!({ name: variance }),
                    Variance::He => json!({ name: 2.0 }),
                    Variance::Glorot => json!({ name: "glorot" }),
                    Variance::Lecun => json!({ name: 1.0 }),
                }
            }
            Self::Orthogonal { gain } => json!({ "orthogonal": gain }),
            Self::DeltaOrthogonal { gain } => json!({ "delta_orthogonal": gain }),
        }
    }
}

/// Channels that go into a kernel and that come out, of each group.
fn channels(spec: &ParamSpec, groups: usize) -> [usize; 2] {
    let pixels: usize = spec.shape[2..].iter().product();
    let outputs = match spec.kind {
        ParamKind::Weight { fan_out, .. } => fan_out as usize / pixels,
        _ => spec.shape[0],
    };
    [spec.len() / (groups * pixels * outputs.max(1)), outputs]
}

/// Where the central pixel lies in a kernel of `pixels` pixels, 0 where a matrix fills all of it; of an even kernel, the one before the centre.
fn center(spec: &ParamSpec, pixels: usize) -> usize {
    match (pixels, &spec.shape[..]) {
        (1, _) => 0,
        (_, &[_, _, height, width]) => (height - 1) / 2 * width + (width - 1) / 2,
        _ => 0,
    }
}

/// A uniformly distributed matrix `[rows, columns]` with orthonormal rows or columns, whichever are fewer.
fn orthogonal(random: &mut Random, rows: usize, columns: usize) -> Vec<f64> {
    let mut vectors: Vec<f64> = (0..rows * columns).map(|_| random.normal()).collect();
    let length = rows.max(columns);
    orthonormalise(&mut vectors, length);
    if rows <= columns {
        return vectors;
    }
    (0..rows * columns).map(|i| vectors[i % columns * length + i / columns]).collect()
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Independent { distribution, variance } => {
                let name = distribution.name();
                let rule = match variance {
                    Variance::Scaled(variance) => return write!(f, "{name}({variance})"),
                    Variance::He => "he",
                    Variance::Glorot => "glorot",
                    Variance::Lecun => "lecun",
                };
                match distribution {
                    Distribution::Gaussian => write!(f, "{rule}()"),
                    _ => write!(f, "{rule}({name:?})"),
                }
            }
            Self::Orthogonal { gain } => write!(f, "orthogonal({gain})"),
            Self::DeltaOrthogonal { gain } => write!(f, "delta_orthogonal({gain})"),
        }
    }
}

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.description().serialize(serializer)
    }
}
