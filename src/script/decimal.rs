//! Decimals in scripts: the numbers of a range are those that a script would write, 1.7 and not 1.7000000000000002. A number
//! in double precision stands for the shortest decimal that is read back as it; sums are exact in these decimals.

/// Significant digits of a number that a script means when rounding errors put another one beside it.
const MEANT_DIGITS: usize = 12;
/// How far rounding errors put it, relative to its size.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// Decimals of more places than this are not summed exactly.
const MOST_PLACES: i32 = 30;

/// Integers and the number of decimal places p, so that each number is its integer over 10^p.
fn common<const N: usize>(numbers: [f64; N]) -> Option<([i128; N], i32)> {
    let parts = |value: f64| -> Option<(i128, i32)> {
        let text = format!("{value:e}");
        let (mantissa, power) = text.split_once('e')?;
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Some((format!("{whole}{places}").parse().ok()?, power.parse::<i32>().ok()? - places.len() as i32))
    };
    let mut powers = [0; N];
    let mut integers = [0; N];
    for (i, number) in numbers.into_iter().enumerate() {
        (integers[i], powers[i]) = parts(number)?;
    }
    let power = powers.into_iter().min()?.min(0);
    for (integer, own) in integers.iter_mut().zip(powers) {
        *integer = integer.checked_mul(10_i128.checked_pow(u32::try_from(own - power).ok()?)?)?;
    }
    (power >= -MOST_PLACES).then_some((integers, -power))
}

/// The number n/10^places, correctly rounded.
fn decimal(n: i128, places: i32) -> Option<f64> {
    format!("{n}e-{places}").parse().ok()
}

/// start + i·step, exact in decimals.
pub(super) fn stepped(start: f64, step: f64, i: usize) -> f64 {
    let exact = || {
        let ([start, step], places) = common([start, step])?;
        decimal(start.checked_add(step.checked_mul(i as i128)?)?, places)
    };
    exact().unwrap_or(start + i as f64 * step)
}

/// The number of steps from `start` that stay before `stop`; counted in decimals, so that rounding leaves none out or over.
pub(super) fn steps_before(start: f64, stop: f64, step: f64) -> f64 {
    let exact = || {
        let ([start, stop, step], _) = common([start, stop, step])?;
        let distance = stop.checked_sub(start)?;
        let (quotient, rest) = (distance.checked_div(step)?, distance.checked_rem(step)?);
        // A last number that only the rounding of a step such as 1.0 / 3 keeps below `stop` is left out.
        let up = (rest < 0) == (step < 0) && rest.abs() as f64 > 1e-9 * step.abs() as f64;
        Some((quotient + i128::from(up)) as f64)
    };
    exact().unwrap_or_else(|| ((stop - start) / step - 1e-9).ceil())
}

/// Number i of `count` evenly spaced ones from `start` to `stop`, exact in decimals and then correctly rounded.
pub(super) fn spaced(start: f64, stop: f64, count: usize, i: usize) -> f64 {
    let gaps = count.saturating_sub(1).max(1);
    let exact = || {
        let ([a, b], places) = common([start, stop])?;
        let sum = a.checked_mul((gaps - i) as i128)?.checked_add(b.checked_mul(i as i128)?)?;
        let below = (gaps as i128).checked_mul(10_i128.checked_pow(u32::try_from(places).ok()?)?)?;
        if sum % gaps as i128 == 0 {
            return decimal(sum / gaps as i128, places);
        }
        let shared = gcd(sum.unsigned_abs(), below.unsigned_abs()) as i128;
        let (sum, below) = (sum / shared, below / shared);
        // Both are numbers in double precision, so that their quotient is rounded once.
        const WHOLE: i128 = 1 << 53;
        (sum.abs() <= WHOLE && below <= WHOLE).then(|| sum as f64 / below as f64)
    };
    exact().unwrap_or_else(|| meant(start + (stop - start) * (i as f64 / gaps as f64)))
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The decimal that a number means: one of few digits that lies within rounding errors of it, or else the number itself.
pub(super) fn meant(value: f64) -> f64 {
    meant_within(ROUNDING, value)
}

/// Number i of `count` from `start` to `stop` with the same factor from each to the next.
pub(super) fn scaled(start: f64, stop: f64, count: usize, i: usize) -> f64 {
    let share = i as f64 / count.saturating_sub(1).max(1) as f64;
    // The rounding error of the exponent grows with the logarithm of the ratio.
    meant_within(4.0 * ROUNDING, start * libm::pow(stop / start, share))
}

fn meant_within(error: f64, value: f64) -> f64 {
    const DECIMALS: usize = MEANT_DIGITS - 1;
    match format!("{value:.DECIMALS$e}").parse::<f64>() {
        Ok(near) if value.is_finite() && (near - value).abs() <= error * value.abs() => near,
        _ => value,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_the_numbers_that_a_script_would_write() {
        for i in 0..1000_usize {
            for (places, step) in [(1, 0.1), (2, 0.05), (3, 0.001)] {
                let unit = (step * 10_f64.powi(places)).round() as usize;
                let written: f64 =
                    format!("{}e-{places}", 8 * 10_usize.pow(places as u32 - 1) + i * unit).parse().unwrap();
                assert_eq!(stepped(0.8, step, i), written);
                assert_eq!(spaced(0.8, stepped(0.8, step, 1000), 1001, i), written);
                assert_eq!(meant(0.8 + i as f64 * step), written);
            }
        }
        let decades: Vec<f64> = (0..41).map(|i| scaled(1e-10, 1e10, 41, i)).step_by(2).collect();
        let written: Vec<f64> = (-10..=10).map(|power| format!("1e{power}").parse().unwrap()).collect();
        assert_eq!(decades, written);
        assert_eq!(spaced(0.0, 1.0, 4, 1), 1.0 / 3.0);
        assert_eq!(spaced(-0.3, 0.3, 7, 3), 0.0);
        assert_eq!(spaced(1e-300, 1e300, 3, 0), 1e-300);
        assert_eq!(meant(1.0 / 3.0), 1.0 / 3.0);
        assert_eq!([f64::NAN, f64::INFINITY].map(|x| meant(x).to_string()), ["NaN", "inf"]);
    }

    #[test]
    fn steps_are_counted_in_decimals() {
        let counts = [
            ((0.8, 2.0, 0.1), 12.0),
            ((0.0, 1.0, 0.1), 10.0),
            ((1.0, 0.0, -0.25), 4.0),
            ((0.0, 0.35, 0.1), 4.0),
            ((0.5, 0.5, 0.1), 0.0),
            ((1.0, 0.0, 0.1), -10.0),
            ((0.1, 1.0, 0.3), 3.0),
            ((0.15, 1.0, 0.2), 5.0),
            ((0.0, 1.0, 1.0 / 3.0), 3.0),
            ((0.0, 2.0, 2.0 / 7.0), 7.0),
            ((1.0, 0.0, -1.0 / 6.0), 6.0),
            ((0.0, 1e6, 0.1), 1e7),
        ];
        for ((start, stop, step), count) in counts {
            assert_eq!(steps_before(start, stop, step), count, "{start} {stop} {step}");
        }
    }
}
