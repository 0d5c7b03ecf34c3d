//! Distances behind activations, beside quadrature in two dimensions.

#![allow(clippy::unwrap_used, reason = "a test")]

use super::super::moments::GAUSS_LEGENDRE;
use super::*;
use crate::kernels::Activation;

/// The mean of f over a normal variable, by panels between `breaks` that are at most one wide.
fn mean(mut breaks: Vec<f64>, f: impl Fn(f64) -> f64) -> f64 {
    breaks.extend((-9..=9).map(f64::from));
    breaks.retain(|x| x.abs() <= 9.0);
    breaks.sort_by(f64::total_cmp);
    let panel = |ends: &[f64]| {
        let (centre, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
        let at = |(t, weight): &(f64, f64)| {
            let z = centre + half * t;
            weight * half * libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt() * f(z)
        };
        GAUSS_LEGENDRE.iter().map(at).sum::<f64>()
    };
    breaks.windows(2).map(panel).sum()
}

/// E[(φ(u) − φ(u′))²] by quadrature in two dimensions.
fn by_quadrature(phi: &Nonlinearity, kinks: &[f64], [r, s]: [f64; 2], gap: f64) -> f64 {
    let (c, sine) = (1.0 - gap, (gap * (2.0 - gap)).sqrt());
    let near = |z: f64| (-12..=12).map(move |k| z + sine * f64::from(k)).chain([z]);
    let outer = kinks.iter().flat_map(|kink| near(kink / r).chain(near(kink / (s * c)))).collect();
    mean(outer, |z| {
        let inner = kinks.iter().map(|kink| (kink / s - c * z) / sine).collect();
        let value = phi.value(r * z);
        mean(inner, |w| (phi.value(s * (c * z + sine * w)) - value).powi(2))
    })
}

/// Relative error of distances, for lengths that differ and lengths that do not.
fn error(phi: &Nonlinearity, kinks: &[f64], gap: f64) -> f64 {
    // Distances that are small beside those of the lengths lose digits.
    let lengths: [f64; 3] = if gap < 1e-6 { [0.6; 3] } else { [0.3, 0.6, 1.2] };
    let pairs = Pairs::new(phi, lengths[0], lengths[2]);
    let of_each = pairs.lengths(&lengths);
    let mut worst = 0.0_f64;
    let roots = lengths.map(f64::sqrt);
    let mut apart: Vec<f64> = roots.iter().flat_map(|r| roots.map(|s| (r - s).powi(2) + 2.0 * r * s * gap)).collect();
    pairs.apart(&of_each, &pairs.columns(&lengths), &mut apart);
    for (i, found) in apart.iter().enumerate() {
        let expected = by_quadrature(phi, kinks, [roots[i / 3], roots[i % 3]], gap);
        worst = worst.max((found / expected - 1.0).abs());
    }
    worst
}

#[test]
fn distances_of_smooth_activations_agree_with_quadrature() {
    for name in ["tanh", "erf", "gelu", "silu", "sigmoid", "softplus", "erf_unit_slope", "linear"] {
        let phi = Nonlinearity::named(name).unwrap();
        for gap in [1e-12, 1e-6, 1e-3, 0.1, 0.9, 1.6] {
            let error = error(&phi, &[], gap);
            assert!(error < 1e-9, "{name} {gap}: {error:e}");
        }
    }
}

#[test]
fn distances_of_activations_with_a_kink_at_0_have_a_closed_form() {
    let own = Nonlinearity::custom("|x| + x/3", |x| x.abs() + x / 3.0).unwrap();
    let [relu, leaky] = ["relu", "leaky_relu"].map(|name| Nonlinearity::named(name).unwrap());
    for phi in [relu, leaky, own] {
        for gap in [1e-9, 1e-6, 1e-3, 0.1, 0.9, 1.6] {
            let error = error(&phi, &[0.0], gap);
            assert!(error < 1e-9, "{} {gap}: {error:e}", phi.name());
        }
    }
}

/// Other kinks: the end of the series is a power law.
#[test]
fn distances_of_activations_with_kinks_are_good_to_a_thousandth() {
    let hardtanh = Nonlinearity::of(&Activation::named("hardtanh").unwrap()).unwrap();
    let elu = Nonlinearity::of(&Activation::named("elu").unwrap()).unwrap();
    for (phi, kinks) in [(hardtanh, vec![-1.0, 1.0]), (elu, vec![0.0])] {
        for gap in [1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.9, 1.6] {
            let error = error(&phi, &kinks, gap);
            let bound = if gap < 0.005 { 5e-4 } else { 2e-6 };
            assert!(error < bound, "{} {gap}: {error:e}", phi.name());
        }
    }
}
