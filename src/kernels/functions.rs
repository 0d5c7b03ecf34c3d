//! Functions of one number in single precision, without branches, so that loops over them vectorise. They take every
//! number: what is not defined is NaN, and NaN stays NaN.

use super::activation::{ln, sigmoid, tanh};

/// eˣ, within 2e-7 of its value (Cephes' `expf`); 0 below −104.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const SERIES: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.0e-1];
    // NaN passes `clamp`.
    let inside = x.clamp(-104.0, 89.0);
    let n = rounded(inside * LOG2_E);
    let rest = inside - n * LN2_HIGH - n * LN2_LOW;
    let series = SERIES.iter().fold(0.0, |sum, c| sum * rest + c);
    let near = series * rest * rest + rest + 1.0;
    // 2ⁿ in two steps, because n can be below the exponent of a normal number.
    let n = n as i32;
    let half = n >> 1;
    near * power_of_two(half) * power_of_two(n - half)
}

/// The nearest whole number, of |x| < 2²².
#[inline(always)]
fn rounded(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

/// 2ⁿ for n from −126 to 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// Natural logarithm; −∞ at 0, NaN below.
#[inline(always)]
pub(super) fn ln_of_any(x: f32) -> f32 {
    const SCALE: f32 = 16_777_216.0;
    const LN_SCALE: f32 = 16.635_532;
    let is_small = x < f32::MIN_POSITIVE;
    let scaled = if is_small { x * SCALE } else { x };
    let found = ln(scaled) - if is_small { LN_SCALE } else { 0.0 };
    let found = if x == f32::INFINITY { x } else { found };
    let found = if x == 0.0 { f32::NEG_INFINITY } else { found };
    if x < 0.0 { f32::NAN } else { found }
}

/// ln(1 + eˣ).
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let small = exp(-x.abs());
    // ln(1 + s) that keeps the digits of a small s (Kahan).
    let sum = 1.0 + small;
    let log = if sum == 1.0 { small } else { ln(sum) * (small / (sum - 1.0)) };
    let above = if x > 0.0 { x } else { 0.0 };
    if x.is_nan() { x } else { above + log }
}

/// x above 0, eˣ − 1 below (Clevert et al. 2015).
#[inline(always)]
pub(super) fn elu(x: f32) -> f32 {
    // eˣ − 1 = 2 t / (1 − t), t = tanh(x / 2): no digits cancel near 0.
    let t = tanh(0.5 * if x > 0.0 { 0.0 } else { x });
    let below = 2.0 * t / (1.0 - t);
    if x > 0.0 { x } else { below }
}

/// 1 / (1 + e⁻ˣ), to the digits of its value where it is small.
#[inline(always)]
pub(super) fn logistic(x: f32) -> f32 {
    let low = exp(x);
    if x < -4.0 { low / (1.0 + low) } else { sigmoid(x) }
}

/// The error function, within a unit of the last place: a polynomial near 0, and 1 − eᵖ of one beyond.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    const NEAR: [f32; 6] =
        [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_25e-1, -3.761_253_4e-1, 1.283_791_7e-1];
    const FAR: [f32; 7] = [
        -1.728_534_7e-5,
        3.831_971_3e-4,
        -3.883_964_4e-3,
        2.425_462_2e-2,
        -1.067_778_8e-1,
        -6.348_467e-1,
        -1.287_175_1e-1,
    ];
    // NaN passes `clamp`. Beyond 10 it is 1 by far.
    let inside = x.clamp(-10.0, 10.0);
    let size = inside.abs();
    let square = inside * inside;
    let near = NEAR.iter().fold(0.0, |sum, c| sum * square + c) * inside + inside;
    let far = 1.0 - exp(FAR.iter().fold(0.0, |sum, c| sum * size + c) * size - size);
    let far = if inside < 0.0 { -far } else { far };
    if size > 0.927_734_4 { far } else { near }
}

/// −1, 0 or 1.
#[inline(always)]
pub(super) fn sign(x: f32) -> f32 {
    let found = if x > 0.0 { 1.0 } else { 0.0 };
    let found = if x < 0.0 { -1.0 } else { found };
    if x.is_nan() { x } else { found }
}

/// The larger of two; NaN if one is.
#[inline(always)]
pub(super) fn larger(a: f32, b: f32) -> f32 {
    let found = if b > a { b } else { a };
    if b.is_nan() { b } else { found }
}

/// The smaller of two; NaN if one is.
#[inline(always)]
pub(super) fn smaller(a: f32, b: f32) -> f32 {
    let found = if b < a { b } else { a };
    if b.is_nan() { b } else { found }
}

/// Beyond this, sine and cosine need more digits of π.
const FAR: f32 = 1e5;

/// Sine.
#[inline(always)]
pub(super) fn sin(x: f32) -> f32 {
    if x.abs() > FAR { libm::sinf(x) } else { turned(x, 0) }
}

/// Cosine.
#[inline(always)]
pub(super) fn cos(x: f32) -> f32 {
    if x.abs() > FAR { libm::cosf(x) } else { turned(x, 1) }
}

/// sin(x + `quarters` π/2), |x| ≤ 1e5: the angle is reduced in double precision, the series are Cephes'.
#[inline(always)]
fn turned(x: f32, quarters: i32) -> f32 {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let wide = f64::from(x);
    let shifted = wide * std::f64::consts::FRAC_2_PI + SHIFT;
    let quarter = (shifted.to_bits() as i32).wrapping_add(quarters);
    let rest = (wide - (shifted - SHIFT) * std::f64::consts::FRAC_PI_2) as f32;
    let square = rest * rest;
    let sine = ((-1.951_529_6e-4 * square + 8.332_161e-3) * square - 1.666_665_5e-1) * square * rest + rest;
    let cosine =
        ((2.443_315_7e-5 * square - 1.388_731_6e-3) * square + 4.166_664_6e-2) * square * square - 0.5 * square + 1.0;
    let found = if quarter & 1 == 0 { sine } else { cosine };
    if quarter & 2 == 0 { found } else { -found }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "compared with the standard library's")]
mod tests {
    use super::*;

    /// Compares on a fine grid; the error counts relative to the value, or to `least` where it is smaller.
    #[track_caller]
    fn is_near(name: &str, ours: fn(f32) -> f32, exact: fn(f64) -> f64, range: (f64, f64), least: f64, bound: f64) {
        let steps = 200_000;
        for i in 0..=steps {
            let x = (range.0 + (range.1 - range.0) * f64::from(i) / f64::from(steps)) as f32;
            let (found, exact) = (f64::from(ours(x)), exact(f64::from(x)));
            let error = (found - exact).abs() / exact.abs().max(least).max(f64::MIN_POSITIVE);
            assert!(error < bound, "{name}({x}): {found} {exact} {error:e}");
        }
        assert!(ours(f32::NAN).is_nan(), "{name}(NaN)");
    }

    #[test]
    fn functions_are_the_standard_librarys() {
        is_near("exp", exp, f64::exp, (-87.0, 88.0), 0.0, 2e-7);
        is_near("ln", ln_of_any, f64::ln, (1e-6, 1e4), 1.0, 2e-7);
        is_near("softplus", softplus, |x| x.exp().ln_1p(), (-60.0, 60.0), 0.0, 4e-7);
        is_near("elu", elu, |x| if x > 0.0 { x } else { x.exp_m1() }, (-60.0, 60.0), 0.0, 2e-6);
        is_near("logistic", logistic, |x| 1.0 / (1.0 + (-x).exp()), (-60.0, 60.0), 0.0, 2e-5);
        is_near("logistic", logistic, |x| 1.0 / (1.0 + (-x).exp()), (-60.0, 60.0), 1.0, 4e-7);
        is_near("erf", erf, libm::erf, (-8.0, 8.0), 0.0, 2e-7);
        is_near("sin", sin, f64::sin, (-90.0, 90.0), 1.0, 2e-7);
        is_near("cos", cos, f64::cos, (-90.0, 90.0), 1.0, 2e-7);
        is_near("sin", sin, f64::sin, (-3e6, 3e6), 1.0, 2e-7);
    }

    #[test]
    fn ends_are_what_they_should_be() {
        let inf = f32::INFINITY;
        assert_eq!([exp(-inf), exp(0.0), exp(inf), exp(89.0)], [0.0, 1.0, inf, inf]);
        assert!(exp(-100.0) > 0.0);
        assert_eq!([ln_of_any(0.0), ln_of_any(1.0), ln_of_any(inf)], [-inf, 0.0, inf]);
        assert!(ln_of_any(-1.0).is_nan() && (ln_of_any(1e-42) - 1e-42_f32.ln()).abs() < 1e-4);
        assert_eq!([erf(-inf), erf(0.0), erf(5.0), erf(inf)], [-1.0, 0.0, 1.0, 1.0]);
        assert_eq!([softplus(-inf), softplus(inf), elu(inf), elu(-inf)], [0.0, inf, inf, -1.0]);
        assert_eq!([sign(-2.0), sign(0.0), sign(3.0)], [-1.0, 0.0, 1.0]);
        assert_eq!([larger(1.0, 2.0), larger(2.0, 1.0), smaller(1.0, 2.0), smaller(2.0, 1.0)], [2.0, 2.0, 1.0, 1.0]);
        assert!([larger(1.0, f32::NAN), larger(f32::NAN, 1.0), smaller(1.0, f32::NAN)].iter().all(|x| x.is_nan()));
        assert!(larger(f32::NAN, f32::NAN).is_nan() && sin(inf).is_nan());
    }
}
