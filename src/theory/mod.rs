//! Mean-field theory: how the length and the correlation of two inputs evolve through an infinitely wide random network.
//!
//! After many layers of W ~ N(0, σ_w²/fan_in), b ~ N(0, σ_b²) a preactivation has variance q*, and two inputs have
//! correlation c*. The depth scale of that convergence, ξ_c, is how deep information about the input survives; it diverges
//! on the critical line χ₁ = 1. Poole et al. (arXiv:1606.05340), Schoenholz et al. (arXiv:1611.01232).

mod correlation;
mod moments;
mod nonlinearity;
mod pairs;
mod piecewise;
mod root;
mod uniformity;

pub use nonlinearity::Nonlinearity;
pub(crate) use pairs::gap;
pub use pairs::{Columns, Lengths, Pairs};
pub(crate) use root::greatest;
pub use uniformity::uniform_weight_var;

use crate::{Error, Result};
use moments::Moments;
use std::fmt;

/// The largest variance that is accepted: far above any initialisation, and far below the largest q in the search.
const LARGEST_VARIANCE: f64 = 1e6;
/// Search range of q: below the first a double cannot tell it from its limit, above the second it counts as diverging.
const SHORTEST: f64 = 1e-12;
const LONGEST: f64 = 1e12;
/// At this q all limits of large q are reached in double precision.
const FAR: f64 = 1e30;
/// |χ₁ − 1| below this is critical: about the rounding error of σ_w² and the quadrature.
const CRITICAL_BAND: f64 = 1e-12;
/// φ(0)² + σ_b² below this counts as zero, so that q = 0 is a fixed point. It is above the sampling error of φ(0) = 0.
const NOTHING: f64 = 1e-18;
/// Relative tolerance within which the q-map of a homogeneous φ keeps every q: the sampling error at small q.
const KEPT: f64 = 1e-9;

/// What depth does to two nearby inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// χ₁ < 1: they converge, exponentially in depth.
    Ordered,
    /// χ₁ = 1: no depth scale; differences decay, if at all, as a power of depth.
    Critical,
    /// χ₁ > 1: they diverge until their correlation is c* < 1.
    Chaotic,
    /// q has no fixed point and grows without bound, as for relu with σ_w² ≥ 2 and a bias.
    Unbounded,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ordered => "ordered",
            Self::Critical => "critical",
            Self::Chaotic => "chaotic",
            Self::Unbounded => "unbounded",
        })
    }
}

/// Mean-field theory at one point (σ_w², σ_b²). Scales are in layers.
///
/// Where q is infinite ([`Phase::Unbounded`]), `chi` and `chi_q` are the limits of large q, `xi_q` is NaN, and c =
/// `chi_c` = 1, `xi_c` = ∞: a φ that grows as relu does closes angles as a power of depth, slower than any exponential
/// (a linear one keeps them). Where every q is a fixed point (relu at σ_w² = 2 without bias), q is NaN: the network
/// keeps the length that its input has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanField {
    /// σ_w².
    pub weight_var: f64,
    /// σ_b².
    pub bias_var: f64,
    /// q*, the variance of a preactivation: the smallest stable fixed point of the q-map, to which short inputs
    /// converge; 0 without bias in the ordered phase.
    pub q: f64,
    /// χ₁ = σ_w² E[φ'²] at q*: the slope of the c-map at c = 1, and the growth of a squared gradient per layer.
    pub chi: f64,
    /// The slope of the q-map at q*.
    pub chi_q: f64,
    /// c*, the stable fixed point of the c-map in [0, 1]. At q* = 0 every c is a fixed point; 1 stands for them.
    pub c: f64,
    /// The slope of the c-map at c*; equal to `chi` where c* = 1.
    pub chi_c: f64,
    /// ξ_c = −1/ln `chi_c`: the number of layers over which differences in correlation shrink by e. Infinite at criticality.
    pub xi_c: f64,
    /// ξ_q = −1/ln |`chi_q`|, the same for the length q.
    pub xi_q: f64,
    /// Which side of the critical line.
    pub phase: Phase,
}

impl MeanField {
    /// ξ_∇ = 1/|ln χ₁|: the number of layers over which squared gradients grow (chaotic) or vanish (ordered) by e.
    pub fn xi_gradient(&self) -> f64 {
        depth_scale(self.chi)
    }
}

/// A point of the critical line χ₁ = 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriticalPoint {
    /// The critical σ_w².
    pub weight_var: f64,
    /// σ_b².
    pub bias_var: f64,
    /// q* there; NaN where every q is a fixed point.
    pub q: f64,
    /// ξ_q there, in layers: finite, since the length converges exponentially while correlations do not.
    pub xi_q: f64,
    /// lim l(1 − c_l) = 2/(σ_w² q* E[φ''²]): at criticality 1 − c_l falls as this over the depth l. 0 where φ has a kink,
    /// since it falls faster then; ∞ for a linear map, which keeps correlations.
    pub decay: f64,
}

/// What theory assumes of weights, of networks whose weights are drawn by another scheme.
pub fn assumes_independent(scheme: &str) -> String {
    format!(
        "Theory is that of independent weights of variance σ_w² / fan-in; these networks have {scheme} weights, whose σ_w² is the gain's \
         square in wide square layers."
    )
}

/// The fixed points and depth scales of a network with this activation, σ_w² and σ_b², both from 0 to 1e6.
///
/// # Errors
/// For a variance outside that range. A q that diverges is no error, but a result: see [`MeanField`].
pub fn mean_field(activation: &Nonlinearity, weight_var: f64, bias_var: f64) -> Result<MeanField> {
    check("weight_var", weight_var)?;
    check("bias_var", bias_var)?;
    let q = length(activation, weight_var, bias_var);
    // Where every q is a fixed point, the slopes are the same at each.
    let moments = activation.moments(if q.is_nan() { 1.0 } else { q.min(FAR) });
    let (chi, chi_q) = (weight_var * moments.slope, weight_var * moments.growth);

    let phase = if q == f64::INFINITY {
        Phase::Unbounded
    } else if (chi - 1.0).abs() <= CRITICAL_BAND || (q == 0.0 && chi > 1.0) {
        // Above criticality q = 0 is unstable; if it was found nevertheless, χ₁ exceeds 1 by rounding.
        Phase::Critical
    } else if chi < 1.0 {
        Phase::Ordered
    } else {
        Phase::Chaotic
    };
    let (c, chi_c) = match phase {
        Phase::Ordered | Phase::Critical => (1.0, chi),
        Phase::Chaotic => correlation::fixed_point(activation, weight_var, q, &moments).unwrap_or((1.0, chi)),
        Phase::Unbounded => (1.0, 1.0),
    };
    let xi_q = if phase == Phase::Unbounded { f64::NAN } else { depth_scale(chi_q) };
    Ok(MeanField { weight_var, bias_var, q, chi, chi_q, c, chi_c, xi_c: depth_scale(chi_c), xi_q, phase })
}

/// The critical σ_w² at this σ_b² (0 to 1e6): where χ₁ = 1. See [`critical_point`].
///
/// # Errors
/// As for [`critical_point`].
pub fn critical_weight_var(activation: &Nonlinearity, bias_var: f64) -> Result<f64> {
    Ok(critical_point(activation, bias_var)?.weight_var)
}

/// The point of the critical line at this σ_b² (0 to 1e6). The whole line is this at every σ_b².
///
/// # Errors
/// For a variance out of range, and for an activation that has no critical point there: relu and its like with any
/// bias at all (q diverges before χ₁ reaches 1), and those whose χ₁ = 1 is only found at an unstable length.
pub fn critical_point(activation: &Nonlinearity, bias_var: f64) -> Result<CriticalPoint> {
    check("bias_var", bias_var)?;
    // χ₁ = 1 gives σ_w² = 1/E[φ'²], and so one equation for q: q = E[φ²]/E[φ'²] + σ_b².
    let excess = |q: f64| {
        let Moments { square, slope, .. } = activation.moments(q);
        q - square / slope - bias_var
    };
    let none = || {
        Error::new(format!("`{}` has no critical weight variance at bias_var {bias_var}", activation.name()))
            .hint("χ₁ = 1 is not reached at any finite, stable length q: there is no ordered-to-chaotic transition")
            .hint("relu and its like have a critical point at bias_var 0 only")
    };
    let at = if starts_at_zero(activation, bias_var) {
        0.0
    } else {
        // An excess of rounding size counts as none: for a homogeneous φ without bias it is zero at every q.
        let found = |q: f64, excess: f64| excess > 1e-10 * q;
        upward(excess, excess(0.0), bias_var.max(SHORTEST), found).ok_or_else(none)?
    };
    let moments = activation.moments(at);
    let (weight_var, chi_q) = (1.0 / moments.slope, moments.growth / moments.slope);
    if weight_var > LARGEST_VARIANCE || (at > 0.0 && chi_q >= 1.0) {
        return Err(none());
    }
    let q = if at == 0.0 && keeps_length(activation, weight_var) { f64::NAN } else { at };
    let decay = 2.0 / (weight_var * activation.curvature(at));
    Ok(CriticalPoint { weight_var, bias_var, q, xi_q: depth_scale(chi_q), decay })
}

fn check(name: &str, variance: f64) -> Result<()> {
    if (0.0..=LARGEST_VARIANCE).contains(&variance) {
        return Ok(());
    }
    Err(Error::new(format!("{name} is {variance}, but it must be from 0 to {LARGEST_VARIANCE:e}"))
        .hint("a variance is the square of a standard deviation: weights are drawn from N(0, weight_var/fan_in)"))
}

/// 1/|ln slope| in layers; infinite for a slope of 1.
fn depth_scale(slope: f64) -> f64 {
    if (slope.abs() - 1.0).abs() <= CRITICAL_BAND { f64::INFINITY } else { 1.0 / libm::log(slope.abs()).abs() }
}

fn starts_at_zero(activation: &Nonlinearity, bias_var: f64) -> bool {
    activation.moments(0.0).square + bias_var < NOTHING
}

/// Whether, without bias, every q is a fixed point: true for a homogeneous φ at its critical σ_w².
fn keeps_length(activation: &Nonlinearity, weight_var: f64) -> bool {
    [SHORTEST, 1.0].iter().all(|q| (weight_var * activation.moments(*q).square / q - 1.0).abs() < KEPT)
}

/// q*: see [`MeanField::q`].
fn length(activation: &Nonlinearity, weight_var: f64, bias_var: f64) -> f64 {
    let growth = |q: f64| weight_var * activation.moments(q).square + bias_var - q;
    if !starts_at_zero(activation, bias_var) {
        let start = growth(0.0);
        return upward(|q| -growth(q), -start, start, |_, shrink| shrink >= 0.0).unwrap_or(f64::INFINITY);
    }
    // q = 0 is a fixed point, and the stable one unless short inputs grow.
    if keeps_length(activation, weight_var) {
        return f64::NAN;
    }
    if growth(SHORTEST) <= 0.0 {
        return 0.0;
    }
    upward(|q| -growth(q), -growth(SHORTEST), 2.0 * SHORTEST, |_, shrink| shrink >= 0.0).unwrap_or(f64::INFINITY)
}

/// The first root of `f` above 0 by doubling from `first` until `crossed(q, f(q))`; `start` < 0 is f below `first`.
fn upward(f: impl Fn(f64) -> f64, start: f64, first: f64, crossed: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let (mut below, mut above) = ((0.0, start), first);
    while above < LONGEST {
        let value = f(above);
        if crossed(above, value) {
            return Some(root::bracketed(f, below, (above, value)));
        }
        if value < 0.0 {
            below = (above, value);
        }
        above *= 2.0;
    }
    None
}

#[cfg(test)]
mod tests;
