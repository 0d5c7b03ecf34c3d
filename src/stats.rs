//! Statistics of a batch of numbers; none of them leaves a NaN out. Two rules of quantiles are in use: the **median** is the
//! middle value, or the mean of the two middle ones, as published curves have it, and a **quantile** lies between two values in
//! the same way; a **quartile** is the value of nearest rank, and so one of the batch, as a band should show.

use crate::random::Random;

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

/// The quantile at `share` of the way from the least value, 0, to the greatest, 1, interpolated between two values (R's
/// type 7, NumPy's default). NaN of an empty batch, or of one that holds a NaN.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    if values.is_empty() || values.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    let rank = share * (values.len() - 1) as f64;
    let (low, part) = (rank.floor() as usize, rank.fract());
    match (values[low], values[(low + 1).min(values.len() - 1)]) {
        (a, b) if part == 0.0 || a == b => a,
        // Between an infinite value and a finite one, the infinite one.
        (a, b) if a.is_finite() && b.is_finite() => a + (b - a) * part,
        (a, b) => a + b,
    }
}

/// The standard deviation of a sample, by n − 1; NaN of fewer than two values.
pub fn standard_deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    if values.len() < 2 { f64::NAN } else { (squares / (values.len() - 1) as f64).sqrt() }
}

/// A percentile of the bootstrap of the mean: of the means of `resamples` batches, drawn from the values with replacement.
/// NaN of fewer than two values, or of a batch that holds a NaN.
pub fn bootstrapped(values: &[f64], share: f64, resamples: usize, seed: u64) -> f64 {
    if values.len() < 2 || values.iter().any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let mut random = Random::new(seed, &["bootstrap"]);
    let n = values.len();
    let mut mean = || (0..n).map(|_| values[random.below(n as u32) as usize]).sum::<f64>() / n as f64;
    quantile(&(0..resamples).map(|_| mean()).collect::<Vec<_>>(), share)
}

/// The ranks of values from 1, equal values with the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    // 0 and −0 are equal.
    order.sort_by(|&i, &j| (values[i] + 0.0).total_cmp(&(values[j] + 0.0)));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let mean = (2 * first + equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&i| ranks[i] = mean);
        first += equal.len();
    }
    ranks
}

/// Spearman's rank correlation ρ; equal values share their mean rank. NaN for fewer than two pairs, a NaN among them, or where
/// all values of one side are equal.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() || a.iter().chain(b).any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() + 1) as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// The area under the ROC curve: the probability that the score of an outcome of at least `threshold` is greater than the score
/// of one below; equal scores count half. NaN where one of the two is missing, or beside a NaN.
pub fn auc(scores: &[f64], outcomes: &[f64], threshold: f64) -> f64 {
    if threshold.is_nan() || scores.iter().chain(outcomes).any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let above: Vec<bool> = outcomes.iter().map(|&outcome| outcome >= threshold).collect();
    let (n, all) = (above.iter().filter(|is_above| **is_above).count() as f64, above.len() as f64);
    let sum: f64 = ranks(scores).iter().zip(&above).filter(|(_, is_above)| **is_above).map(|(rank, _)| rank).sum();
    (sum - n * (n + 1.0) / 2.0) / (n * (all - n))
}

/// Kendall's τ_b: pairs that two sides order alike less those that they order the opposite way, over the pairs, ties of each side
/// accounted for. NaN as [`spearman`].
pub fn kendall(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() || a.iter().chain(b).any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let sign = |x: f64, y: f64| i64::from(x > y) - i64::from(x < y);
    let (mut sum, mut of_a, mut of_b) = (0_i64, 0_i64, 0_i64);
    for i in 0..a.len() {
        for j in 0..i {
            let (in_a, in_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
            sum += in_a * in_b;
            of_a += in_a.abs();
            of_b += in_b.abs();
        }
    }
    sum as f64 / (of_a as f64 * of_b as f64).sqrt()
}

/// The ROC curve: the shares of the outcomes below `threshold` and of those of at least that whose scores are at least some
/// score, from (0, 0) to (1, 1), the greatest score first. Empty if one of the two is missing, or a number is NaN.
pub fn roc(scores: &[f64], outcomes: &[f64], threshold: f64) -> Vec<(f64, f64)> {
    if threshold.is_nan() || scores.iter().chain(outcomes).any(|x| x.is_nan()) {
        return Vec::new();
    }
    let mut order: Vec<(f64, bool)> =
        scores.iter().zip(outcomes).map(|(&score, &outcome)| (score + 0.0, outcome >= threshold)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let above = order.iter().filter(|(_, is_above)| *is_above).count();
    let below = order.len() - above;
    if above == 0 || below == 0 {
        return Vec::new();
    }
    let (mut points, mut seen) = (vec![(0.0, 0.0)], [0, 0]);
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        equal.iter().for_each(|(_, is_above)| seen[usize::from(*is_above)] += 1);
        points.push((f64::from(seen[0]) / below as f64, f64::from(seen[1]) / above as f64));
    }
    points
}

/// A measure of how two sides agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    Spearman,
    Kendall,
    Auc,
}

impl Agreement {
    /// The statistic; `threshold` is that of [`auc`].
    pub fn of(self, a: &[f64], b: &[f64], threshold: f64) -> f64 {
        match self {
            Self::Spearman => spearman(a, b),
            Self::Kendall => kendall(a, b),
            Self::Auc => auc(a, b, threshold),
        }
    }
}

/// The interval that holds an [`Agreement`] with probability `level` by the bootstrap, its low and its high end: whole groups of
/// pairs, such as those of one seed, are drawn with replacement. Draws for which it is not defined are left out; NaN if there
/// are fewer than two groups, or none is left.
pub fn resampled(
    agreement: Agreement,
    [a, b]: [&[f64]; 2],
    threshold: f64,
    groups: &[usize],
    level: f64,
    resamples: usize,
    seed: u64,
) -> [f64; 2] {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    if count < 2 || a.len() != b.len() || a.len() != groups.len() || a.iter().chain(b).any(|x| x.is_nan()) {
        return [f64::NAN; 2];
    }
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(i, &group)| members[group].push(i));
    let mut random = Random::new(seed, &["bootstrap of groups"]);
    let mut one = || {
        let drawn: Vec<usize> = (0..count).flat_map(|_| members[random.below(count as u32) as usize].clone()).collect();
        let of = |side: &[f64]| drawn.iter().map(|&i| side[i]).collect::<Vec<f64>>();
        agreement.of(&of(a), &of(b), threshold)
    };
    let found: Vec<f64> = (0..resamples).map(|_| one()).filter(|x| !x.is_nan()).collect();
    let outside = (1.0 - level) / 2.0;
    [outside, 1.0 - outside].map(|share| quantile(&found, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([0.0, 0.25, 0.5, 0.9, 1.0].map(|share| quantile(&values, share)), [1.0, 1.75, 2.5, 3.7, 4.0]);
        let infinite = [f64::NEG_INFINITY, 1.0, 2.0];
        assert_eq!(
            [0.0, 0.25, 0.5].map(|share| quantile(&infinite, share)),
            [f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0]
        );
        assert!(quantile(&[], 0.5).is_nan() && quantile(&[1.0, f64::NAN], 0.5).is_nan());
    }

    #[test]
    fn deviations_and_intervals_need_two_values() {
        assert_eq!(standard_deviation(&[1.0, 2.0, 3.0, 4.0]), (5.0_f64 / 3.0).sqrt());
        assert!(standard_deviation(&[1.0]).is_nan() && bootstrapped(&[1.0], 0.5, 10, 0).is_nan());
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let [low, high] = [0.025, 0.975].map(|share| bootstrapped(&values, share, 2000, 0));
        // The mean's standard error is 2.9.
        assert!((low - (49.5 - 1.96 * 2.9)).abs() < 0.6 && (high - (49.5 + 1.96 * 2.9)).abs() < 0.6, "{low} {high}");
    }

    /// Numbers of scipy 1.17's `spearmanr` and scikit-learn's `roc_auc_score`.
    #[test]
    fn rank_statistics_are_those_of_scipy() {
        let (a, b) = ([1.0, 2.0, 2.0, 5.0, f64::NEG_INFINITY], [3.0, 1.0, 4.0, 4.0, 0.0]);
        assert!((spearman(&a, &b) - 0.7631578947368421).abs() < 1e-15, "{}", spearman(&a, &b));
        assert!(spearman(&[1.0, 1.0], &[1.0, 2.0]).is_nan() && spearman(&[1.0], &[1.0]).is_nan());
        assert_eq!(spearman(&[0.0, -0.0, 1.0], &[1.0, 1.0, 2.0]), 1.0);
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], 0.5), 0.75);
        assert_eq!(auc(&[1.0, 1.0], &[0.0, 1.0], 0.5), 0.5);
        assert!(auc(&[1.0, 2.0], &[1.0, 1.0], 0.5).is_nan());
    }

    /// Numbers of scipy 1.17's `kendalltau` and scikit-learn's `roc_curve`.
    #[test]
    fn kendall_and_roc_are_those_of_scipy() {
        let (a, b) = ([1.0, 2.0, 2.0, 5.0, -1.0], [3.0, 1.0, 4.0, 4.0, 0.0]);
        assert!((kendall(&a, &b) - 2.0 / 3.0).abs() < 1e-15, "{}", kendall(&a, &b));
        assert_eq!(kendall(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        assert!(kendall(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
        let points = roc(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0], 0.5);
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(roc(&[1.0, 1.0], &[0.0, 1.0], 0.5), [(0.0, 0.0), (1.0, 1.0)]);
        assert!(roc(&[1.0, 2.0], &[1.0, 1.0], 0.5).is_empty());
    }

    #[test]
    fn the_bootstrap_of_groups_draws_whole_groups() {
        // Each group alone orders perfectly, but the groups do not agree on what is high.
        let (a, b) = ([1.0, 2.0, 3.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 11.0, 12.0, 13.0]);
        let ends = |groups: &[usize]| resampled(Agreement::Spearman, [&a, &b], 0.0, groups, 0.95, 500, 0);
        // One group drawn twice is in perfect order, both are not.
        let [low, high] = ends(&[0, 0, 0, 1, 1, 1]);
        assert_eq!(high, 1.0);
        assert!((low - spearman(&a, &b)).abs() < 1e-12);
        assert!(ends(&[0; 6]).iter().all(|end| end.is_nan()), "one group has no spread");
    }

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
