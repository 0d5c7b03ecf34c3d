//! The activations of mean-field theory: named ones, those of networks, and any function given by its values.

use std::sync::Arc;

use super::correlation::Correlation;
use super::moments::{Moments, Node, bending, nodes, smooth_nodes};
use super::piecewise::{Piece, has_kink, sample};
use crate::kernels::{Activation, Expression};
use crate::{Error, Result};

/// An activation function φ, as data: cheap to clone, holding no closure.
#[derive(Debug, Clone)]
pub struct Nonlinearity {
    name: String,
    kind: Kind,
}

/// φ and φ' at once, since they share most of the computation.
type Formula = fn(f64) -> (f64, f64);

#[derive(Debug, Clone)]
enum Kind {
    /// x where x > 0, `below`·x elsewhere: all means are in closed form.
    Homogeneous { below: f64 },
    /// erf(`scale`·x): all means are in closed form (Williams, "Computation with infinite neural networks", 1998).
    Erf { scale: f64 },
    /// Anything else, by quadrature over pieces. `exact` evaluates φ where it has a formula.
    Pieces { pieces: Vec<Piece>, exact: Option<Exact> },
}

/// φ and φ' by a formula.
#[derive(Debug, Clone)]
pub(super) enum Exact {
    Formula(Formula),
    Expression(Arc<Expression>),
}

impl Exact {
    /// φ(x) and φ'(x).
    pub fn at(&self, x: f64) -> (f64, f64) {
        match self {
            Self::Formula(formula) => formula(x),
            Self::Expression(expression) => expression.at(x),
        }
    }
}

/// Panels of this width in z resolve the normal density times a resolved function in double precision.
const PANEL: f64 = 1.0;
const SQRT_PI: f64 = 1.772_453_850_905_516;

fn tanh(x: f64) -> (f64, f64) {
    let t = libm::tanh(x);
    (t, (1.0 - t) * (1.0 + t))
}

fn sigmoid(x: f64) -> (f64, f64) {
    let s = 1.0 / (1.0 + libm::exp(-x));
    (s, s * (1.0 - s))
}

fn silu(x: f64) -> (f64, f64) {
    let (s, slope) = sigmoid(x);
    (x * s, s + x * slope)
}

/// x·Φ(x) with the normal distribution function itself, not its tanh approximation.
fn gelu(x: f64) -> (f64, f64) {
    let below = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    (x * below, below + x * libm::exp(-0.5 * x * x) * std::f64::consts::FRAC_2_SQRT_PI * 0.5 / std::f64::consts::SQRT_2)
}

impl Nonlinearity {
    /// The activation called `name`, as by [`Activation::named`].
    ///
    /// # Errors
    /// For any other name; the hints list all names and the nearest one.
    pub fn named(name: &str) -> Result<Self> {
        let kind = match name {
            "relu" => Kind::Homogeneous { below: 0.0 },
            "linear" => Kind::Homogeneous { below: 1.0 },
            "erf" => Kind::Erf { scale: 1.0 },
            "erf_unit_slope" => Kind::Erf { scale: 0.5 * SQRT_PI },
            "tanh" => Kind::formula(tanh)?,
            "gelu" => Kind::formula(gelu)?,
            "silu" => Kind::formula(silu)?,
            "sigmoid" => Kind::formula(sigmoid)?,
            other => return Self::of(&Activation::named(other)?),
        };
        Ok(Self { name: name.to_owned(), kind })
    }

    /// The activation of a network. One that is an expression is sampled for its kinks; its values and slopes are exact.
    ///
    /// # Errors
    /// Where an expression is not finite within [−512, 512] in double precision, or has too much detail.
    pub fn of(activation: &Activation) -> Result<Self> {
        let expression = match activation {
            Activation::Identity => return Self::named("linear"),
            Activation::Expression(expression) => expression,
            built_in => return Self::named(&built_in.to_string()),
        };
        let sampled = Self::custom(expression.to_string(), |x| expression.at(x).0)?;
        let Kind::Pieces { pieces, .. } = sampled.kind else { return Ok(sampled) };
        let exact = Some(Exact::Expression(expression.clone()));
        Ok(Self { kind: Kind::Pieces { pieces, exact }, ..sampled })
    }

    /// Any continuous function, given only by its values. It is sampled here, some thousand times on [−512, 512], and
    /// never called again; beyond, it is extrapolated by straight lines, which matters for q above 1800. Kinks are found
    /// by bisection. Jumps are refused, since χ₁ is infinite there.
    ///
    /// q*, χ₁ and c* are accurate to 2e-12 where φ is smooth (ξ_c loses as many digits as it has before the point). The
    /// same holds for φ with kinks, except for c* when 1 − c* is below about 0.02: a kink makes the series for c* end in a
    /// power law; then 1 − c* has a relative accuracy of 3e-4 and ξ_c of 3e-5, at any distance from criticality. Results
    /// for a function with noise are as accurate as the function. An infinite slope, as that of √|x|, is not detected, and
    /// makes χ₁ meaningless.
    ///
    /// # Errors
    /// Where `f` is not finite within [−512, 512], jumps, or has more detail than 2048 polynomials hold.
    pub fn custom(name: impl Into<String>, f: impl Fn(f64) -> f64) -> Result<Self> {
        let name = name.into();
        match sample(&f) {
            Ok(pieces) => Ok(Self { name, kind: Kind::Pieces { pieces, exact: None } }),
            Err(error) => Err(Error { message: format!("activation `{name}` {}", error.message), ..error }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `other` is the same activation: the same expression, or one of the same name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        // A long expression is named by its number of operations alone.
        self.name == other.name && self.expression() == other.expression()
    }

    fn expression(&self) -> Option<&Expression> {
        match &self.kind {
            Kind::Pieces { exact: Some(Exact::Expression(expression)), .. } => Some(expression),
            _ => None,
        }
    }

    /// φ(x).
    pub fn value(&self, x: f64) -> f64 {
        match &self.kind {
            Kind::Homogeneous { below } => x * if x < 0.0 { *below } else { 1.0 },
            Kind::Erf { scale } => libm::erf(scale * x),
            Kind::Pieces { exact: Some(exact), .. } => exact.at(x).0,
            Kind::Pieces { pieces, .. } => pieces.iter().find(|p| x <= p.right).map_or(f64::NAN, |p| p.at(x).0),
        }
    }

    /// ln φ' where φ is known to rise from one bound to another.
    pub(super) fn log_slope(&self) -> Option<Box<dyn Fn(f64) -> f64>> {
        // ln(1 + e^(−x)) for x ≥ 0.
        let beyond = |x: f64| libm::log1p(libm::exp(-x));
        match (&self.kind, self.name.as_str()) {
            (&Kind::Erf { scale }, _) => {
                Some(Box::new(move |x| libm::log(2.0 * scale / SQRT_PI) - (scale * x) * (scale * x)))
            }
            (_, "tanh") => Some(Box::new(move |x| 2.0 * (std::f64::consts::LN_2 - x.abs() - beyond(2.0 * x.abs())))),
            (_, "sigmoid") => Some(Box::new(move |x| -x.abs() - 2.0 * beyond(x.abs()))),
            _ => None,
        }
    }

    /// The Gaussian means in the q-map and χ₁, at length `q`.
    pub(super) fn moments(&self, q: f64) -> Moments {
        match &self.kind {
            Kind::Homogeneous { below } => {
                let share = 0.5 * (1.0 + below * below);
                Moments { square: share * q, slope: share, growth: share }
            }
            Kind::Erf { scale } => {
                // E[φ²] = (2/π) asin(2q/(1 + 2q)), with q in units of the scale.
                let unit = scale * scale;
                let (wide, steep) = (1.0 + 2.0 * unit * q, (1.0 + 4.0 * unit * q).sqrt());
                let slope = 4.0 * unit / (std::f64::consts::PI * steep);
                let square = std::f64::consts::FRAC_2_PI * libm::asin(2.0 * unit * q / wide);
                Moments { square, slope, growth: slope / wide }
            }
            Kind::Pieces { pieces, exact } => Moments::over(&nodes(pieces, exact.as_ref(), q, PANEL), q),
        }
    }

    /// q E[φ''²] at length `q`: times σ_w², the curvature of the c-map at c = 1. Infinite where φ has a kink.
    pub(super) fn curvature(&self, q: f64) -> f64 {
        match &self.kind {
            Kind::Homogeneous { below } if *below == 1.0 => 0.0,
            Kind::Homogeneous { .. } => f64::INFINITY,
            Kind::Erf { scale } => {
                let wide = 2.0 * scale * scale * q;
                self.moments(q).slope * wide * wide / (1.0 + 2.0 * wide)
            }
            Kind::Pieces { exact: None | Some(Exact::Expression(_)), pieces } if has_kink(pieces) => f64::INFINITY,
            Kind::Pieces { .. } if q == 0.0 => 0.0,
            Kind::Pieces { pieces, exact } => q * bending(&nodes(pieces, exact.as_ref(), q, PANEL), q),
        }
    }

    /// (odd, even) for φ(x) = odd·x + even·|x|; `None` for any other φ.
    pub(super) fn homogeneous(&self) -> Option<(f64, f64)> {
        let [above, below] = match &self.kind {
            Kind::Homogeneous { below } => [1.0, *below],
            Kind::Erf { .. } => return None,
            Kind::Pieces { .. } => [1.0, -1.0].map(|x| self.value(x) / x),
        };
        let is_straight =
            |(x, slope): (f64, f64)| (self.value(x) - slope * x).abs() <= 1e-14 * x.abs() * (above.abs() + below.abs());
        let points = [1e-3, 0.1, 0.7, 3.0, 40.0, 500.0];
        points
            .iter()
            .all(|&x| is_straight((x, above)) && is_straight((-x, below)))
            .then_some((0.5 * (above + below), 0.5 * (above - below)))
    }

    /// A quadrature rule at length `q` that is exact for φ times Hermite polynomials up to degree `terms`.
    pub(super) fn nodes(&self, q: f64, terms: usize) -> Vec<Node> {
        // h_n oscillates about √n/2π times per unit of z: panels become narrower accordingly.
        let width = PANEL.min(8.0 / (terms as f64).sqrt());
        match &self.kind {
            Kind::Pieces { pieces, exact } => nodes(pieces, exact.as_ref(), q, width),
            Kind::Erf { scale } => {
                let bell = |x: f64| std::f64::consts::FRAC_2_SQRT_PI * libm::exp(-x * x);
                smooth_nodes(|x| (libm::erf(scale * x), scale * bell(scale * x)), q, width)
            }
            Kind::Homogeneous { below } => smooth_nodes(|x| (x * if x < 0.0 { *below } else { 1.0 }, 0.0), q, width),
        }
    }

    /// E[φφ] as a function of the correlation of two inputs at length `q`, to `terms` terms of its series; `None` for a
    /// homogeneous φ, which has no chaotic phase.
    pub(super) fn correlation(&self, q: f64, moments: &Moments, terms: usize) -> Option<Correlation> {
        match &self.kind {
            Kind::Homogeneous { .. } => None,
            Kind::Erf { scale } => Some(Correlation::erf(q, *scale)),
            Kind::Pieces { .. } => Some(Correlation::hermite(&self.nodes(q, terms), q, moments, terms)),
        }
    }
}

impl Kind {
    fn formula(exact: Formula) -> Result<Self> {
        Ok(Self::Pieces { pieces: sample(&|x| exact(x).0)?, exact: Some(Exact::Formula(exact)) })
    }
}
