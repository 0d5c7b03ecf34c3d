//! Losses of a network's outputs.

use burn::tensor::{Int, Tensor, activation};
use serde::Serialize;

/// A loss of outputs `[samples, classes]` and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// −ln softmax(outputs) of the labelled class: the usual one.
    CrossEntropy,
    /// The published one: the softmax is taken as a layer first and once more within the cross-entropy, so the loss never
    /// falls below −ln(e / (e + classes − 1)), 1.46 for ten classes.
    SoftmaxTwice,
}

impl Loss {
    /// All losses by their names in scripts.
    pub const ALL: [(&'static str, Self); 2] =
        [("cross_entropy", Self::CrossEntropy), ("softmax_twice", Self::SoftmaxTwice)];
    /// Their names; the first is the default.
    pub const NAMES: [&'static str; 2] = [Self::ALL[0].0, Self::ALL[1].0];

    /// The mean over samples, `[1]`; `labels` is `[samples, 1]`. With `smoothing` s, the wanted probability of every class
    /// is s / classes, and that of the label 1 − s more (Szegedy et al. 2016).
    pub(crate) fn mean(self, outputs: Tensor<2>, labels: Tensor<2, Int>, smoothing: f64) -> Tensor<1> {
        let outputs = match self {
            Self::CrossEntropy => outputs,
            Self::SoftmaxTwice => activation::softmax(outputs, 1),
        };
        let logs = activation::log_softmax(outputs, 1);
        if smoothing > 0.0 {
            return -(logs.clone().gather(1, labels).mean() * (1.0 - smoothing) + logs.mean() * smoothing);
        }
        -logs.gather(1, labels).mean()
    }

    /// The same on the host: the outputs are replaced by the gradient of the mean.
    pub(crate) fn into_gradient(self, outputs: &mut [f32], labels: &[u32], smoothing: f64) -> f64 {
        let classes = (outputs.len() / labels.len().max(1)).max(1);
        let (each, part) = (smoothing / classes as f64, 1.0 / labels.len().max(1) as f64);
        let (mut total, mut row) = (0.0, vec![0.0; classes]);
        for (outputs, &label) in outputs.chunks_mut(classes).zip(labels) {
            row.iter_mut().zip(&*outputs).for_each(|(to, &x)| *to = f64::from(x));
            let first = (self == Self::SoftmaxTwice).then(|| {
                softmax(&mut row);
                row.clone()
            });
            let log_sum = softmax(&mut row);
            let input = |i: usize| first.as_ref().map_or(f64::from(outputs[i]), |first| first[i]);
            let label = label as usize;
            // −ln p of a class is the logarithm of the sum less the class's input.
            let inputs: f64 = if each > 0.0 { (0..classes).map(input).sum::<f64>() * each } else { 0.0 };
            total += log_sum - (1.0 - smoothing) * input(label) - inputs;
            row.iter_mut().for_each(|p| *p -= each);
            row[label] -= 1.0 - smoothing;
            if let Some(first) = &first {
                let along: f64 = row.iter().zip(first).map(|(g, p)| g * p).sum();
                row.iter_mut().zip(first).for_each(|(g, p)| *g = p * (*g - along));
            }
            outputs.iter_mut().zip(&row).for_each(|(to, g)| *to = (g * part) as f32);
        }
        total * part
    }
}

/// The softmax of a row, in place, and the logarithm of the sum of exponentials.
fn softmax(row: &mut [f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|x| *x = libm::exp(*x - largest));
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|x| *x /= sum);
    libm::log(sum) + largest
}

/// How many samples have their largest output at their label. A sample with a NaN among its outputs has none.
pub(crate) fn count_correct(outputs: &[f32], labels: &[u32]) -> usize {
    let classes = (outputs.len() / labels.len().max(1)).max(1);
    let is_correct = |(row, &label): (&[f32], &u32)| predicted(row) == Some(label as usize);
    outputs.chunks(classes).zip(labels).filter(|&pair| is_correct(pair)).count()
}

/// The first of the largest outputs of a sample; none if there is a NaN among them, or nothing above −∞.
pub(crate) fn predicted(outputs: &[f32]) -> Option<usize> {
    let largest = |best: (usize, f32), (i, &x): (usize, &f32)| if x > best.1 { (i, x) } else { best };
    let best = outputs.iter().enumerate().fold((0, f32::NEG_INFINITY), largest);
    (best.1 > f32::NEG_INFINITY && !outputs.iter().any(|x| x.is_nan())).then_some(best.0)
}

/// −ln of the probability of a class: the softmax of a sample's outputs, or they themselves if they are `probabilities`.
pub(crate) fn cross_entropy(outputs: &[f32], class: usize, probabilities: bool) -> f64 {
    let output = |i: usize| f64::from(outputs[i]);
    if probabilities {
        return -libm::log(output(class));
    }
    let largest = (0..outputs.len()).map(output).fold(f64::NEG_INFINITY, f64::max);
    libm::log((0..outputs.len()).map(|i| libm::exp(output(i) - largest)).sum()) + largest - output(class)
}
