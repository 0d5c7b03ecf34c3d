//! Statistics over the points of an axis, such as seeds.

use crate::random::GENERATOR;
use crate::stats::{bootstrapped, median, quantile, standard_deviation};

/// A number that several are reduced to. None leaves values out: beside a NaN it is NaN.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    Mean,
    /// By n − 1.
    StandardDeviation,
    Median,
    /// Interpolated between two values, as NumPy's.
    Quantile {
        share: f64,
    },
    Min,
    Max,
    /// A percentile of the bootstrap of the mean.
    Bootstrapped {
        share: f64,
        resamples: usize,
        seed: u64,
        generator: &'static str,
    },
}

impl Statistic {
    /// An end of a confidence interval of the mean.
    pub fn bootstrapped(share: f64, resamples: usize, seed: u64) -> Self {
        Self::Bootstrapped { share, resamples, seed, generator: GENERATOR }
    }

    /// The statistic of these numbers.
    pub fn of(self, values: &[f64]) -> f64 {
        let extreme = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        match self {
            Self::Min | Self::Max if values.iter().any(|x| x.is_nan()) => f64::NAN,
            Self::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Self::StandardDeviation => standard_deviation(values),
            Self::Median => median(values.iter().copied()),
            Self::Quantile { share } => quantile(values, share),
            Self::Min => extreme(f64::min),
            Self::Max => extreme(f64::max),
            Self::Bootstrapped { share, resamples, seed, .. } => bootstrapped(values, share, resamples, seed),
        }
    }
}
