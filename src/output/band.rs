//! Several numbers at one place: their middle, and a band that shows how they spread.

use crate::figure::Band;
use crate::stats::{median, quartiles, standard_deviation};

/// What a band shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spread {
    /// From the least to the greatest number.
    #[default]
    Range,
    /// A standard deviation on both sides of the mean.
    Std,
    /// From the lower to the upper quartile, around the median.
    Quartiles,
    /// The 95 % confidence interval of the mean, by Student's t.
    Interval,
    /// Nothing.
    None,
}

impl Spread {
    /// Their names in scripts, the default first.
    pub const NAMES: [&str; 5] = ["range", "std", "quartiles", "interval", "none"];

    /// The one of this name; the default for any other name.
    pub fn named(name: &str) -> Self {
        match name {
            "std" => Self::Std,
            "quartiles" => Self::Quartiles,
            "interval" => Self::Interval,
            "none" => Self::None,
            _ => Self::Range,
        }
    }

    /// The middle of some numbers, and the ends of their band.
    fn of(self, values: &[f64]) -> (f64, [f64; 2]) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        // Beside a NaN there is no least and no greatest number.
        let has_nan = values.iter().any(|value| value.is_nan());
        let around = |half: f64| (mean, [mean - half, mean + half]);
        // A single number has a band of no width.
        let deviation = || if values.len() < 2 { 0.0 } else { standard_deviation(values) };
        match self {
            Self::Range | Self::None if has_nan => (mean, [f64::NAN; 2]),
            Self::Range | Self::None => {
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                (mean, [least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max)])
            }
            Self::Std => around(deviation()),
            Self::Interval => around(t_quantile(values.len()) * deviation() / n.sqrt()),
            Self::Quartiles if has_nan => (f64::NAN, [f64::NAN; 2]),
            Self::Quartiles => (median(values.iter().copied()), quartiles(values)),
        }
    }
}

/// The 97.5 % quantile of Student's t for a mean of n numbers. From 31 degrees of freedom on it is 1.96 + 2.46/ν, to two
/// thousandths.
fn t_quantile(n: usize) -> f64 {
    const T: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    let freedom = n.saturating_sub(1).max(1);
    T.get(freedom - 1).copied().unwrap_or(1.96 + 2.46 / freedom as f64)
}

/// The middle at each position, and a band if a position has several numbers.
pub(super) fn mean_and_band(values: &[Vec<f64>], spread: Spread) -> (Vec<f64>, Option<Band>) {
    let (middle, ends): (Vec<f64>, Vec<[f64; 2]>) = values.iter().map(|values| spread.of(values)).unzip();
    let has_band = spread != Spread::None && values.iter().any(|values| values.len() > 1);
    let band = Band { lo: ends.iter().map(|ends| ends[0]).collect(), hi: ends.iter().map(|ends| ends[1]).collect() };
    (middle, has_band.then_some(band))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_numpy_and_scipy() {
        let values = [1.0, 2.0, 4.0, 7.0];
        let near = |(middle, ends): (f64, [f64; 2]), wanted: [f64; 3]| {
            let found = [middle, ends[0], ends[1]];
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 2e-3), "{found:?}, {wanted:?}");
        };
        near(Spread::Range.of(&values), [3.5, 1.0, 7.0]);
        // np.std([1, 2, 4, 7], ddof=1) is 2.6458.
        near(Spread::Std.of(&values), [3.5, 3.5 - 2.6458, 3.5 + 2.6458]);
        // scipy.stats.t.interval(0.95, 3, 3.5, 2.6458 / 2)
        near(Spread::Interval.of(&values), [3.5, -0.7099, 7.7099]);
        near(Spread::Quartiles.of(&values), [3.0, 2.0, 4.0]);
        assert!(Spread::Range.of(&[1.0, f64::NAN]).1[0].is_nan());
        assert_eq!(mean_and_band(&[vec![1.0, 3.0]], Spread::None), (vec![2.0], None));
    }
}
