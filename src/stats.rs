//! Quantiles of a batch of numbers. Two rules are in use, since published curves follow the first and a band should show
//! values that occur: the **median** is the middle value, or the mean of the two middle ones; a **quartile** is the value
//! of nearest rank, and so one of the batch.

/// The median; NaN of an empty batch, or of one that holds a NaN.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    if values.is_empty() || values.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// The lower and the upper quartile by nearest rank: of n sorted values, those at positions (n − 1)/4 and 3(n − 1)/4 from
/// 0, rounded half up. NaN of an empty batch; a NaN in the batch counts as the largest value.
pub fn quartiles(values: &[f64]) -> [f64; 2] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    [0.25, 0.75].map(|share| values.get((last * share).round() as usize).copied().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert_eq!(median([f64::NEG_INFINITY, 1.0, 2.0].into_iter()), 1.0);
        assert!(median([1.0, f64::NAN].into_iter()).is_nan() && median(std::iter::empty()).is_nan());
    }

    #[test]
    fn quartiles_are_values_of_the_batch() {
        assert_eq!(quartiles(&[5.0, 1.0, 4.0, 2.0, 3.0]), [2.0, 4.0]);
        // Ranks 0.75 and 2.25 of 0 to 3.
        assert_eq!(quartiles(&[4.0, 3.0, 2.0, 1.0]), [2.0, 3.0]);
        // Rank 0.5 is rounded up.
        assert_eq!(quartiles(&[1.0, 2.0, 3.0]), [2.0, 3.0]);
        assert_eq!(quartiles(&[7.0]), [7.0, 7.0]);
        assert!(quartiles(&[]).iter().all(|x| x.is_nan()));
    }
}
