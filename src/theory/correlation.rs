//! The c-map: how the overlap of two inputs depends on their correlation c, and its fixed point.
//!
//! With a_n = E[φ(√q z) h_n(z)], h_n the normalised Hermite polynomials, Mehler's formula gives E[φ(u₁)φ(u₂)] =
//! Σ a_n² cⁿ: a one-dimensional quadrature and a series without negative terms (the "dual activation" of Daniely,
//! Frostig, Singer, arXiv:1602.05897). The fixed point c* solves (1 − c′)/(1 − c) = 1. The left side rises with c, up to χ₁
//! at c = 1, so there is one root below 1 in the chaotic phase and none elsewhere; and nothing cancels near c = 1.

use super::moments::{Moments, Node};
use super::nonlinearity::Nonlinearity;
use super::root::bracketed;

/// Series have 64, 128, … terms up to this. tanh needs 128 at q = 0.6, and the maximum from about q = 20 on.
const MOST_TERMS: usize = 2048;
/// A series is complete when its second half adds no more than this to χ₁, relative to it.
const COMPLETE: f64 = 1e-15;
/// The smallest σ_b²/q* (or E[φ]²/q*) that is above rounding error.
const BIAS: f64 = 1e-14;

/// E[φ(u₁)φ(u₂)] at one length q, as a function of ε = 1 − c.
#[derive(Debug)]
pub(super) enum Correlation {
    /// (2/π) asin(sine·c) for φ = erf.
    Erf { q: f64, sine: f64 },
    /// Σ a_n² cⁿ.
    Hermite {
        /// a_n²/q for n = 1, 2, …
        weights: Vec<f64>,
        /// (n, weight) of terms that stand for the truncated ones; empty once the series is complete.
        tail: Vec<(f64, f64)>,
    },
}

use Correlation::{Erf, Hermite};

impl Correlation {
    pub fn erf(q: f64, scale: f64) -> Self {
        let wide = 2.0 * scale * scale * q;
        Erf { q, sine: wide / (1.0 + wide) }
    }

    pub fn hermite(nodes: &[Node], q: f64, moments: &Moments, terms: usize) -> Self {
        let weights = hermite_weights(nodes, q, terms);
        let mean: f64 = nodes.iter().map(|node| node.weight * node.value).sum();
        let (mut sum, mut slope, mut first_half) = (mean * mean / q, 0.0, 0.0);
        for (n, weight) in (1..).zip(&weights) {
            sum += weight;
            slope += n as f64 * weight;
            if n == terms / 2 {
                first_half = slope;
            }
        }
        let complete = slope - first_half <= COMPLETE * slope;
        let left_out = || power_law(terms as f64, moments.square / q - sum, moments.slope - slope);
        Hermite { weights, tail: if complete { Vec::new() } else { left_out() } }
    }

    /// (E[φ²] − E[φ(u₁)φ(u₂)])/(q ε): times σ_w², it is (1 − c′)/(1 − c). At ε = 0 it is `slope`.
    fn secant(&self, gap: f64) -> f64 {
        let c = 1.0 - gap;
        match self {
            Erf { q, sine } => {
                // asin a − asin b as one arc sine, so that nothing cancels; a = sine, b = sine·c.
                let (a, b) = (*sine, sine * c);
                let (cos_a, cos_b) = (((1.0 - a) * (1.0 + a)).sqrt(), ((1.0 - b) * (1.0 + b)).sqrt());
                let difference = a * a * gap * (1.0 + c) / (a * cos_b + b * cos_a);
                // Past a right angle the sine falls again; the plain form is exact there.
                let arc = if gap < 0.5 { libm::asin(difference) } else { libm::asin(a) - libm::asin(b) };
                std::f64::consts::FRAC_2_PI * arc / (q * gap)
            }
            Hermite { weights, tail } => {
                // (1 − cⁿ)/(1 − c) = 1 + c + … + cⁿ⁻¹.
                let (mut sum, mut ones) = (0.0, 0.0);
                for weight in weights {
                    ones = 1.0 + c * ones;
                    sum += weight * ones;
                }
                let log = libm::log1p(-gap);
                sum + tail.iter().map(|(n, weight)| weight * -libm::expm1(n * log) / gap).sum::<f64>()
            }
        }
    }

    /// E[φ'(u₁)φ'(u₂)]: times σ_w², the slope of the c-map.
    fn slope(&self, gap: f64) -> f64 {
        let c = 1.0 - gap;
        match self {
            Erf { q, sine } => std::f64::consts::FRAC_2_PI * sine / (q * ((1.0 - sine * c) * (1.0 + sine * c)).sqrt()),
            Hermite { weights, tail } => {
                let (mut sum, mut power) = (0.0, 1.0);
                for (n, weight) in (1..).zip(weights) {
                    sum += f64::from(n) * weight * power;
                    power *= c;
                }
                let log = libm::log1p(-gap);
                sum + tail.iter().map(|(n, weight)| weight * n * libm::exp((n - 1.0) * log)).sum::<f64>()
            }
        }
    }

    /// 1 − c*.
    fn fixed_gap(&self, weight_var: f64, moments: &Moments) -> f64 {
        let excess = |gap: f64| weight_var * self.secant(gap) - 1.0;
        let uncorrelated = excess(1.0);
        // An odd φ without bias has c* = 0: the excess at ε = 1 is zero then, up to rounding.
        if uncorrelated > -BIAS {
            return 1.0;
        }
        bracketed(excess, (0.0, weight_var * moments.slope - 1.0), (1.0, uncorrelated))
    }

    /// Whether more terms would not change the result at this ε.
    fn is_exact_at(&self, gap: f64) -> bool {
        match self {
            Erf { .. } => true,
            // Where cⁿ has vanished, only the sum of the truncated terms matters, and it is known.
            Hermite { weights, tail } => tail.is_empty() || libm::pow(1.0 - gap, weights.len() as f64) < f64::EPSILON,
        }
    }
}

/// The fixed point c* < 1 of the c-map at length `q`, and the map's slope there. Only for χ₁ > 1. `None` for a
/// homogeneous φ, which has no such fixed point.
pub(super) fn fixed_point(activation: &Nonlinearity, weight_var: f64, q: f64, moments: &Moments) -> Option<(f64, f64)> {
    let mut terms = 64;
    loop {
        let correlation = activation.correlation(q, moments, terms)?;
        let gap = correlation.fixed_gap(weight_var, moments);
        if terms >= MOST_TERMS || correlation.is_exact_at(gap) {
            return Some((1.0 - gap, weight_var * correlation.slope(gap)));
        }
        terms *= 2;
    }
}

/// a_n²/q for n = 1, …, `terms`, by the recurrence √(n+1) h_{n+1} = z h_n − √n h_{n−1}.
fn hermite_weights(nodes: &[Node], q: f64, terms: usize) -> Vec<f64> {
    // (z, φ × weight, h_{n−1}, h_n)
    let mut states: Vec<_> = nodes.iter().map(|node| (node.z, node.value * node.weight, 0.0, 1.0)).collect();
    (1..=terms)
        .map(|n| {
            let (root, before) = (1.0 / (n as f64).sqrt(), ((n - 1) as f64).sqrt());
            let mut mean = 0.0;
            for (z, value, last, now) in &mut states {
                (*last, *now) = (*now, (*z * *now - before * *last) * root);
                mean += *value * *now;
            }
            mean * mean / q
        })
        .collect()
}

/// The weights beyond `first` as discrete terms of a power law n^(−p) with the given sum and first moment. A kink in φ
/// gives p = 5/2 and one in φ' gives 7/2; then the two means determine where the law begins, which is not exactly `first`,
/// since weights oscillate. Otherwise they determine p.
fn power_law(first: f64, sum: f64, moment: f64) -> Vec<(f64, f64)> {
    /// Each term stands for the weights from n to e^(1/8) n, up to e^40, beyond which 2e-9 of a kink's moment remains.
    const ATOMS: u32 = 320;
    const STEP: f64 = 0.125;
    let mean = moment / (first * sum);
    if !(mean > 1.0 && sum > 0.0) {
        return Vec::new();
    }
    let begins = |p: f64| mean * (p - 2.0) / (p - 1.0);
    let fitted = (2.0 * mean - 1.0) / (mean - 1.0);
    let p = [2.5, 3.5].into_iter().find(|p| (begins(*p) - 1.0).abs() < 0.1).unwrap_or(fitted);
    // The first term's share of the sum and of the moment; each further term has the same share of the rest.
    let (share, share_of_moment) = (-libm::expm1(-(p - 1.0) * STEP), -libm::expm1(-(p - 2.0) * STEP));
    let atom = |k: u32| {
        let grade = f64::from(k) * STEP;
        let n = first * mean * share_of_moment / share * libm::exp(grade);
        (n, sum * share * libm::exp(-(p - 1.0) * grade))
    };
    (0..ATOMS).map(atom).collect()
}
