//! How fast a curve over depth approaches its limit: an exponential, fitted.

use serde::Serialize;

use crate::theory::greatest;

/// a + b e^(−l/ξ), fitted to a curve over the depths l = 1, 2, … by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    /// ξ, in blocks.
    pub xi: f64,
    /// Its standard error, from the curvature of the sum of squares at the minimum.
    pub error: f64,
    /// a, the value that the curve approaches.
    pub limit: f64,
}

/// A number of a [`Decay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayPart {
    Xi,
    Error,
    Limit,
}

impl Decay {
    /// The number.
    pub fn part(self, part: DecayPart) -> f64 {
        match part {
            DecayPart::Xi => self.xi,
            DecayPart::Error => self.error,
            DecayPart::Limit => self.limit,
        }
    }
}

/// Fewest depths that are fitted: three numbers are found, and one is left for the error.
const FEWEST: usize = 4;
/// ξ lies between this and [`LONGEST`] times the number of depths.
const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 10.0;
/// Steps of the search, in ln ξ.
const STEPS: usize = 400;

/// Fits an exponential. A curve that is constant, or at its limit within a tenth of a block, has ξ = 0; one that bends so little
/// that ξ is beyond ten times its length has ξ = ∞, and no limit. `None` for fewer than four depths, or a number that is not
/// finite.
pub fn decay(values: &[f64]) -> Option<Decay> {
    let n = values.len();
    if n < FEWEST || values.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let without_scale = |xi: f64, limit: f64| Some(Decay { xi, error: f64::NAN, limit });
    if values.iter().all(|x| *x == values[0]) {
        return without_scale(0.0, values[n - 1]);
    }
    let (first, last) = (libm::log(SHORTEST), libm::log(LONGEST * n as f64));
    let step = (last - first) / STEPS as f64;
    let squares = |ln_xi: f64| linear(values, libm::exp(ln_xi)).2;
    let best =
        (0..=STEPS).min_by(|&i, &j| squares(first + step * i as f64).total_cmp(&squares(first + step * j as f64)))?;
    match best {
        0 => return without_scale(0.0, values[n - 1]),
        STEPS => return without_scale(f64::INFINITY, f64::NAN),
        _ => {}
    }
    let neighbours = [best - 1, best + 1].map(|i| first + step * i as f64);
    let xi = libm::exp(greatest(|ln_xi| -squares(ln_xi), neighbours[0], neighbours[1]));
    let (limit, size, left) = linear(values, xi);
    // The slopes of the fit by a, b and ξ; the variance of ξ is s² ((JᵀJ)⁻¹)_ξξ, by eliminating a and b.
    let rows: Vec<[f64; 3]> = (1..=n)
        .map(|l| {
            let e = libm::exp(-(l as f64) / xi);
            [1.0, e, size * e * l as f64 / (xi * xi)]
        })
        .collect();
    let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
    let determinant = product(0, 0) * product(1, 1) - product(0, 1) * product(0, 1);
    let solve = |i: usize| {
        let (u, v) = (product(0, i), product(1, i));
        ((product(1, 1) * u - product(0, 1) * v) / determinant, (product(0, 0) * v - product(0, 1) * u) / determinant)
    };
    let (of_a, of_b) = solve(2);
    let own = product(2, 2) - of_a * product(0, 2) - of_b * product(1, 2);
    let error = (left / (n - 3) as f64 / own).max(0.0).sqrt();
    Some(Decay { xi, error, limit })
}

/// The best a and b at one ξ, and the sum of squares that they leave.
fn linear(values: &[f64], xi: f64) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let e: Vec<f64> = (1..=values.len()).map(|l| libm::exp(-(l as f64) / xi)).collect();
    let (mean_e, mean_y) = (e.iter().sum::<f64>() / n, values.iter().sum::<f64>() / n);
    let (mut ee, mut ey) = (0.0, 0.0);
    for (e, y) in e.iter().zip(values) {
        ee += (e - mean_e) * (e - mean_e);
        ey += (e - mean_e) * (y - mean_y);
    }
    let b = if ee > 0.0 { ey / ee } else { 0.0 };
    let a = mean_y - b * mean_e;
    let left = e.iter().zip(values).map(|(e, y)| (y - a - b * e) * (y - a - b * e)).sum();
    (a, b, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn curve(xi: f64, noise: f64, n: usize) -> Vec<f64> {
        let mut random = Random::new(3, &["decay"]);
        (1..=n).map(|l| 0.7 - 0.5 * libm::exp(-(l as f64) / xi) + noise * random.normal()).collect()
    }

    #[test]
    fn an_exponential_is_found_with_its_limit() {
        for xi in [0.8, 4.0, 15.0] {
            let found = decay(&curve(xi, 0.0, 30)).unwrap();
            assert!((found.xi / xi - 1.0).abs() < 1e-6 && (found.limit - 0.7).abs() < 1e-6, "{found:?}");
            assert!(found.error < 1e-5, "{found:?}");
        }
    }

    /// Of many noisy curves, the spread of ξ is what the standard error says.
    #[test]
    fn the_standard_error_is_the_spread_of_repetitions() {
        let mut random = Random::new(0, &["decays"]);
        let (mut found, mut errors) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let noisy: Vec<f64> = curve(5.0, 0.0, 30).into_iter().map(|x| x + 0.01 * random.normal()).collect();
            let decay = decay(&noisy).unwrap();
            found.push(decay.xi);
            errors.push(decay.error);
        }
        let spread = crate::stats::standard_deviation(&found);
        let error = crate::stats::median(errors.into_iter());
        assert!((spread / error - 1.0).abs() < 0.15, "{spread} {error}");
    }

    #[test]
    fn what_does_not_decay_has_a_scale_of_0_or_none_at_all() {
        assert_eq!(decay(&[1.0, 2.0, 3.0]), None);
        assert_eq!(decay(&[1.0, f64::NAN, 3.0, 4.0, 5.0]), None);
        let xi = |values: &[f64]| decay(values).unwrap().xi;
        assert_eq!(xi(&[1.0; 10]), 0.0);
        assert_eq!(xi(&[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]), 0.0, "at its limit at once");
        assert_eq!(xi(&(0..20).map(f64::from).collect::<Vec<_>>()), f64::INFINITY, "a straight line");
    }
}
