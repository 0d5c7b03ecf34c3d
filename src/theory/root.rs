//! Roots and maxima of a function of one variable inside a bracket.

/// Far more than any bracket needs: bisection alone would get from 1 to the last bit of 1e-30 in this many steps.
const STEPS: usize = 200;

/// The root of `f` between `a` and `b`, whose values `fa` and `fb` differ in sign, to the last bits of its own size.
///
/// Inverse quadratic interpolation where the three latest points allow it, bisection elsewhere: Chandrupatla, "A new
/// hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function without using derivatives" (1997).
pub(super) fn bracketed(f: impl Fn(f64) -> f64, (mut a, mut fa): (f64, f64), (mut b, mut fb): (f64, f64)) -> f64 {
    let mut fraction = 0.5;
    for _ in 0..STEPS {
        let x = a + fraction * (b - a);
        let fx = f(x);
        // c is the point that the bracket [a, b] has just left behind.
        let (c, fc) = if (fx > 0.0) == (fa > 0.0) { (a, fa) } else { (b, fb) };
        if (fx > 0.0) != (fa > 0.0) {
            (b, fb) = (a, fa);
        }
        (a, fa) = (x, fx);

        let (best, f_best) = if fa.abs() < fb.abs() { (a, fa) } else { (b, fb) };
        let narrow = 2.0 * f64::EPSILON * best.abs() / (b - a).abs();
        if narrow > 0.5 || f_best == 0.0 {
            return best;
        }
        let xi = (a - b) / (c - b);
        let phi = (fa - fb) / (fc - fb);
        fraction = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        };
        fraction = fraction.clamp(narrow, 1.0 - narrow);
    }
    if fa.abs() < fb.abs() { a } else { b }
}

/// Where a function with one maximum between `low` and `high` is greatest, by golden section.
pub(crate) fn greatest(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    for _ in 0..80 {
        let (a, b) = (high - RATIO * (high - low), low + RATIO * (high - low));
        if f(a) >= f(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::bracketed;

    #[test]
    fn finds_roots_to_the_last_bits() {
        let cube = |x: f64| x * x * x - 2.0;
        assert!((bracketed(cube, (0.0, -2.0), (2.0, 6.0)) - libm::cbrt(2.0)).abs() < 1e-15);
        // Small roots keep their relative precision, and a step function still ends.
        let small = |x: f64| x - 1e-12;
        assert!((bracketed(small, (0.0, -1e-12), (1.0, 1.0)) / 1e-12 - 1.0).abs() < 1e-14);
        let step = |x: f64| if x < 0.3 { -1.0 } else { 1.0 };
        assert!((bracketed(step, (0.0, -1.0), (1.0, 1.0)) - 0.3).abs() < 1e-15);
    }
}
