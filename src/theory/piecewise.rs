//! An activation as a piecewise polynomial.
//!
//! A function known only by its values is sampled once and becomes data, so that no closure outlives its script. Bisection
//! finds its kinks (as that of |x| at 0), so that no quadrature panel contains one; its slope is that of the polynomials.
//! The idea is Chebfun's: Pachón, Platte, Trefethen, "Piecewise-smooth chebfuns" (2010).

use super::moments::{GAUSS_LEGENDRE, NODES};
use crate::{Error, Result};

/// Functions are sampled on [−512, 512] and extrapolated by straight lines: wide enough for q up to about 1800, and narrow
/// enough that exp(x), and so a softplus or sigmoid in its plain form, stays finite.
const DOMAIN: f64 = 512.0;
/// Bisection starts from these corners, graded towards 0 so that small values keep their relative precision.
const CORNERS: [f64; 11] = [-DOMAIN, -64.0, -8.0, -1.0, -0.125, 0.0, 0.125, 1.0, 8.0, 64.0, DOMAIN];
/// Tolerances of a resolved piece, relative to the function's size. They are tried in turn, so that a function with noise
/// (computed in single precision, say) is resolved to its own accuracy.
const TOLERANCES: [f64; 3] = [1e-14, 1e-10, 1e-6];
/// A function that needs more pieces than this is too rough for a tolerance.
const MOST_PIECES: usize = 2048;
/// An unresolved piece narrower than this is a kink, and is not bisected further.
const NARROWEST: f64 = 1e-12;
/// A step between neighbouring pieces larger than this, relative to the function's size, is a jump.
const JUMP: f64 = 1e-4;
/// A relative step in slope larger than this is a kink: above the noise at the loosest tolerance.
const KINK: f64 = 1e-2;

/// An interval [left, right] and the Legendre series of the function on it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub left: f64,
    pub right: f64,
    centre: f64,
    half: f64,
    series: [f64; NODES],
}

impl Piece {
    fn fit(f: &dyn Fn(f64) -> f64, left: f64, right: f64) -> Result<Self> {
        let (centre, half) = (0.5 * (left + right), 0.5 * (right - left));
        let mut values = [0.0; NODES];
        for (value, (t, _)) in values.iter_mut().zip(GAUSS_LEGENDRE) {
            let x = centre + half * t;
            *value = f(x);
            if !value.is_finite() {
                return Err(Error::new(format!("is {value} at {x}, and a mean over all inputs needs a finite number"))
                    .hint(format!("it must be finite from −{DOMAIN} to {DOMAIN}")));
            }
        }
        Ok(Self { left, right, centre, half, series: project(values) })
    }

    /// The straight line from `x` outwards with the given value and slope at `x`.
    fn ray(x: f64, (value, slope): (f64, f64)) -> Self {
        let mut series = [0.0; NODES];
        (series[0], series[1]) = (value, slope);
        let (left, right) = if x < 0.0 { (f64::NEG_INFINITY, x) } else { (x, f64::INFINITY) };
        Self { left, right, centre: x, half: 1.0, series }
    }

    fn size(&self) -> f64 {
        self.series.iter().fold(0.0, |most, c| c.abs().max(most))
    }

    /// Looks at two coefficients, because every second one of an even or odd function vanishes.
    fn is_resolved(&self, allowed: f64) -> bool {
        self.series[NODES - 2].abs().max(self.series[NODES - 1].abs()) <= allowed
    }

    /// φ(x) and φ'(x).
    pub fn at(&self, x: f64) -> (f64, f64) {
        let (value, slope) = evaluate(&self.series, (x - self.centre) / self.half);
        (value, slope / self.half)
    }
}

/// The Legendre series of the polynomial with these values at the Gauss–Legendre nodes.
pub(super) fn project(values: [f64; NODES]) -> [f64; NODES] {
    let mut series = [0.0; NODES];
    for (value, (t, weight)) in values.iter().zip(GAUSS_LEGENDRE) {
        for ((k, c), (p, _)) in series.iter_mut().enumerate().zip(legendre(t)) {
            *c += (k as f64 + 0.5) * weight * value * p;
        }
    }
    series
}

/// The value and slope at `t` in [−1, 1] of a Legendre series.
pub(super) fn evaluate(series: &[f64; NODES], t: f64) -> (f64, f64) {
    let terms = series.iter().zip(legendre(t));
    terms.fold((0.0, 0.0), |(value, slope), (c, (p, dp))| (value + c * p, slope + c * dp))
}

/// P_k(t) and P_k'(t) for k = 0, 1, 2, …
fn legendre(t: f64) -> impl Iterator<Item = (f64, f64)> {
    let (mut p, mut before) = ((1.0, 0.0), (0.0, 0.0));
    (0..).map(move |k| {
        let now = p;
        let k = f64::from(k);
        p = (((2.0 * k + 1.0) * t * now.0 - k * before.0) / (k + 1.0), before.1 + (2.0 * k + 1.0) * now.0);
        before = now;
        now
    })
}

/// The pieces of `f`, left to right, over the whole line.
///
/// # Errors
/// Where `f` is not finite, jumps, or stays unresolved by thousands of pieces; the message lacks its subject, the
/// function's name.
pub(super) fn sample(f: &dyn Fn(f64) -> f64) -> Result<Vec<Piece>> {
    // Near its zeros a function is only as accurate as its size elsewhere allows.
    let size = Piece::fit(f, -1.0, 1.0)?.size();
    for tolerance in TOLERANCES {
        let Some((mut pieces, kinks)) = split(f, &CORNERS, size, tolerance)? else { continue };
        if kinks.len() > CORNERS.len() {
            let Some((again, _)) = split(f, &kinks, size, tolerance)? else { continue };
            pieces = again;
        }
        if let Some(at) = jump(&pieces, size) {
            let at = (at * 1e9).round() / 1e9;
            return Err(Error::new(format!("jumps at {at}, and mean-field theory needs a continuous function"))
                .hint("its slope there is infinite, so χ₁ is too: two inputs, however alike, part at once"));
        }
        if let (Some(first), Some(last)) = (pieces.first(), pieces.last()) {
            let (left, right) = (Piece::ray(-DOMAIN, first.at(-DOMAIN)), Piece::ray(DOMAIN, last.at(DOMAIN)));
            pieces.insert(0, left);
            pieces.push(right);
        }
        return Ok(pieces);
    }
    Err(Error::new(format!("is too rough: {MOST_PIECES} polynomials do not follow it from −{DOMAIN} to {DOMAIN}"))
        .hint("give a function that is smooth but for a few kinks, and that has no noise in it"))
}

/// Bisects between `corners` until every piece is resolved; also returns the corners together with the kinks found.
/// `None` if that takes too many pieces.
fn split(f: &dyn Fn(f64) -> f64, corners: &[f64], size: f64, tolerance: f64) -> Result<Option<(Vec<Piece>, Vec<f64>)>> {
    let (mut pieces, mut kinks) = (Vec::new(), corners.to_vec());
    let mut todo: Vec<_> = corners.windows(2).map(|ends| (ends[0], ends[1])).rev().collect();
    while let Some((left, right)) = todo.pop() {
        let piece = Piece::fit(f, left, right)?;
        let resolved = piece.is_resolved(tolerance * piece.size().max(size));
        let near = NARROWEST * piece.centre.abs().max(1.0);
        if resolved || right - left < near {
            if !resolved && kinks.iter().all(|k| (k - piece.centre).abs() > 1e3 * near) {
                kinks.push(piece.centre);
            }
            pieces.push(piece);
        } else {
            let middle = piece.centre;
            todo.extend([(middle, right), (left, middle)]);
        }
        if pieces.len() + todo.len() > MOST_PIECES {
            return Ok(None);
        }
    }
    kinks.sort_by(f64::total_cmp);
    Ok(Some((pieces, kinks)))
}

/// Whether the slope jumps anywhere.
pub(super) fn has_kink(pieces: &[Piece]) -> bool {
    pieces.windows(2).any(|pair| {
        let (before, after) = (pair[0].at(pair[0].right).1, pair[1].at(pair[0].right).1);
        (before - after).abs() > KINK * before.abs().max(after.abs()).max(KINK)
    })
}

fn jump(pieces: &[Piece], size: f64) -> Option<f64> {
    let gap = |at: f64, a: &Piece, b: &Piece| (a.at(at).0 - b.at(at).0).abs() / a.size().max(b.size()).max(size);
    pieces.windows(2).find(|pair| gap(pair[0].right, &pair[0], &pair[1]) > JUMP).map(|pair| pair[0].right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(f: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64) -> (f64, f64) {
        let pieces = sample(&f).unwrap();
        let mut worst = (0.0_f64, 0.0_f64);
        for i in 0..4001 {
            let x = (f64::from(i) - 2000.0) * 0.004_937;
            let piece = pieces.iter().find(|p| p.left <= x && x <= p.right).unwrap();
            let (v, s) = piece.at(x);
            worst = (worst.0.max((v - f(x)).abs()), worst.1.max((s - slope(x)).abs()));
        }
        worst
    }

    #[test]
    fn follows_values_and_slopes() {
        let (value, slope) = worst(libm::tanh, |x| 1.0 - libm::tanh(x) * libm::tanh(x));
        assert!(value < 1e-14 && slope < 1e-12, "{value:e} {slope:e}");
        // A kink where no bisection lands, and noise of single precision.
        let (value, slope) = worst(|x| x.max(0.3), |x| if x > 0.3 { 1.0 } else { 0.0 });
        assert!(value < 1e-13 && slope < 1e-12, "{value:e} {slope:e}");
        let (value, slope) = worst(|x| f64::from(libm::tanhf(x as f32)), |x| 1.0 - libm::tanh(x) * libm::tanh(x));
        assert!(value < 1e-5 && slope < 1e-3, "{value:e} {slope:e}");
    }

    #[test]
    fn refuses_what_theory_cannot_take() {
        let refusal = |f: &dyn Fn(f64) -> f64| sample(f).unwrap_err().message;
        assert!(refusal(&|x| if x > 0.7 { 1.0 } else { 0.0 }).starts_with("jumps at 0.7"));
        assert!(refusal(&|x| if x >= 0.0 { 1.0 } else { -1.0 }).starts_with("jumps at 0,"));
        assert!(refusal(&|x| x.sqrt()).contains("NaN"));
        assert!(refusal(&|x| libm::sin(1e6 * x)).contains("too rough"));
    }
}
