//! How deep a curve reaches, as one number.

/// Relative difference within which a value counts as close to the last one: the published value for MLPs.
pub const CUTOFF_TOLERANCE: f64 = 0.005;
/// Absolute difference that is added to it.
const CUTOFF_ABSOLUTE: f64 = 1e-8;

/// The index of the last value that is not within 1e-8 + `tolerance`·|final| of the final one; `None` when all are.
/// Published tolerances: 0.005 for MLPs, 0.01 for convolutional networks and ResNets.
pub fn cutoff(values: &[f64], tolerance: f64) -> Option<usize> {
    let last = *values.last()?;
    let is_close =
        |x: f64| x == last || (x - last).abs() <= CUTOFF_ABSOLUTE + tolerance * last.abs() && last.is_finite();
    values.iter().rposition(|&x| !is_close(x))
}

/// The depth, from 1, from which on a curve stays below `level`, interpolated linearly between two depths; `None` if the
/// last value is not below. A curve that is below from the start gives 1.
pub fn falls_below(values: &[f64], level: f64) -> Option<f64> {
    if !values.last().is_some_and(|&last| last < level || last.is_nan()) {
        return None;
    }
    let Some(above) = values.iter().rposition(|&x| x >= level) else { return Some(1.0) };
    let (a, b) = (values[above], values[above + 1]);
    let part = if b.is_finite() && a.is_finite() { (a - level) / (a - b) } else { 1.0 };
    Some((above + 1) as f64 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_below_interpolates_and_knows_both_ends() {
        assert_eq!(falls_below(&[-6.0, -7.0, -9.0, -10.0], -8.0), Some(2.5));
        assert_eq!(falls_below(&[-6.0, -7.0], -8.0), None, "still above at the end");
        assert_eq!(falls_below(&[-9.0, -10.0], -8.0), Some(1.0), "below from the start");
        assert_eq!(falls_below(&[-6.0, -9.0, -7.0], -8.0), None, "it comes back");
        assert_eq!(falls_below(&[-6.0, f64::NEG_INFINITY], -8.0), Some(2.0));
        assert_eq!(falls_below(&[], -8.0), None);
    }

    #[test]
    fn a_constant_curve_has_no_cutoff() {
        assert_eq!(cutoff(&[1.0; 5], 0.005), None);
        assert_eq!(cutoff(&[0.1, 0.5, 1.0, 1.0, 1.0], 0.005), Some(1));
        assert_eq!(cutoff(&[1.0, f64::INFINITY, f64::INFINITY], 0.005), Some(0));
    }
}
