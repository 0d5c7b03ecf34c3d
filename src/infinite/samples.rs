//! Samples in an infinitely wide layer: the length of each, its mean square over the units, and its distances from the training
//! samples, mean squares as well.

use std::sync::Arc;

use super::rooms::Rooms;
use crate::theory::{Columns, Lengths, Nonlinearity, Pairs, gap};
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// Rows that a thread takes at a time. What is computed does not depend on the threads.
pub(super) const ROWS: usize = 128;

/// m samples beside the n training samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples {
    /// E[x²] of each, `[m]`.
    pub squares: Vec<f64>,
    /// E[x] of each, `[m]`.
    pub means: Vec<f64>,
    /// E[(x − x′)²] for each and every training sample, `[m, n]`.
    pub apart: Vec<f64>,
}

impl Samples {
    /// Inputs of `pixels` numbers: `x` beside the training samples `training`.
    pub fn of_inputs(x: &[f64], training: &[f64], pixels: usize, threads: &dyn IdleThreads) -> Result<Self> {
        let n = training.len() / pixels;
        let per_pixel = |sum: f64| sum / pixels as f64;
        let mut apart = vec![0.0; x.len() / pixels * n];
        let parts: Vec<_> = apart.chunks_mut(n).zip(x.chunks(pixels)).collect();
        for_each(parts.into_iter(), threads, |(row, x)| {
            for (apart, y) in row.iter_mut().zip(training.chunks(pixels)) {
                *apart = per_pixel(x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum());
            }
            Ok(())
        })?;
        let squares = x.chunks(pixels).map(|x| per_pixel(x.iter().map(|x| x * x).sum())).collect();
        let means = x.chunks(pixels).map(|x| per_pixel(x.iter().sum())).collect();
        Ok(Self { squares, means, apart })
    }

    /// A copy, where there is room.
    pub fn copied(&self, rooms: &Rooms) -> Self {
        Self { squares: self.squares.clone(), means: self.means.clone(), apart: rooms.copied(&self.apart) }
    }

    /// Number of training samples.
    pub fn width(&self) -> usize {
        self.apart.len() / self.squares.len().max(1)
    }

    /// All numbers times `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.means.iter_mut().for_each(|mean| *mean *= factor);
        self.squares.iter_mut().chain(&mut self.apart).for_each(|x| *x *= factor * factor);
        self
    }

    /// What random weights and biases make of them: numbers with mean 0.
    pub fn mixed(mut self, weight_var: f64, bias_var: f64) -> Self {
        self.means.fill(0.0);
        self.squares.iter_mut().for_each(|square| *square = weight_var * *square + bias_var);
        self.apart.iter_mut().for_each(|apart| *apart *= weight_var);
        self
    }

    /// The sum with what random weights of their own made of the same samples: a unit of one and a unit of the other vary
    /// independently around their means. `training` are the means of the training samples in both.
    pub fn plus(mut self, other: &Self, training: [&[f64]; 2]) -> Self {
        let n = training[0].len().max(1);
        for (i, (row, others)) in self.apart.chunks_mut(n).zip(other.apart.chunks(n)).enumerate() {
            for (j, (x, y)) in row.iter_mut().zip(others).enumerate() {
                *x += y + 2.0 * (self.means[i] - training[0][j]) * (other.means[i] - training[1][j]);
                *x = x.max(0.0);
            }
        }
        for (i, square) in self.squares.iter_mut().enumerate() {
            *square += other.squares[i] + 2.0 * self.means[i] * other.means[i];
            self.means[i] += other.means[i];
        }
        self
    }

    /// Each less its mean; `training` are the means of the training samples.
    pub fn centred(mut self, training: &[f64]) -> Self {
        for (row, mean) in self.apart.chunks_mut(training.len().max(1)).zip(&self.means) {
            row.iter_mut().zip(training).for_each(|(x, other)| *x = (*x - (mean - other).powi(2)).max(0.0));
        }
        self.squares.iter_mut().zip(&self.means).for_each(|(x, mean)| *x = (*x - mean * mean).max(0.0));
        self.means.fill(0.0);
        self
    }

    /// Each divided by √(its mean square + `epsilon`); `training` are the roots of the training samples' mean squares.
    pub fn normalised(mut self, training: &[f64], epsilon: f64) -> Self {
        let share = |root: f64| root / (root * root + epsilon).sqrt();
        for (i, row) in self.apart.chunks_mut(training.len().max(1)).enumerate() {
            let root = self.squares[i].sqrt();
            for (apart, other) in row.iter_mut().zip(training) {
                let (r, s) = (share(root), share(*other));
                *apart = (r - s) * (r - s) + 2.0 * r * s * gap(root, *other, *apart);
            }
            self.means[i] /= (self.squares[i] + epsilon).sqrt();
            self.squares[i] = share(root) * share(root);
        }
        self
    }

    /// For training samples: the mean distance of each from all.
    pub fn mean_apart(&self) -> Vec<f64> {
        let n = self.width().max(1);
        self.apart.chunks(n).map(|row| row.iter().sum::<f64>() / n as f64).collect()
    }
}

/// Rules for pairs, each made once for a range of lengths: blocks of a deep network have about the same.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<(Nonlinearity, Arc<Pairs>)>);

impl Rules {
    /// Lengths beyond those asked for that a rule holds for as well.
    const MARGIN: f64 = 1.25;

    fn find(&mut self, function: &Nonlinearity, shortest: f64, longest: f64) -> Arc<Pairs> {
        let fits = |(of, pairs): &&(Nonlinearity, Arc<Pairs>)| of.is_same(function) && pairs.covers(shortest, longest);
        if let Some((_, pairs)) = self.0.iter().rev().find(fits) {
            return pairs.clone();
        }
        let pairs = Arc::new(Pairs::new(function, shortest / Self::MARGIN, longest * Self::MARGIN));
        self.0.push((function.clone(), pairs.clone()));
        pairs
    }
}

/// The error of activations that no number holds any more.
pub(super) fn grown() -> Error {
    Error::new("the activations grow beyond all numbers")
        .hint("give a smaller weight_var: beyond 2 for relu, lengths grow from layer to layer without bound")
}

/// The activations that follow training samples' preactivations.
#[derive(Debug, Clone)]
pub(super) struct Activate {
    pairs: Arc<Pairs>,
    training: Arc<Columns>,
}

impl Activate {
    /// # Errors
    /// When a length has grown beyond all numbers.
    pub fn new(function: &Nonlinearity, training: &Samples, rules: &mut Rules) -> Result<Self> {
        if training.squares.iter().any(|square| !square.is_finite()) {
            return Err(grown());
        }
        // Reconstructions lie between the training samples, down to their mean.
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
        let least = training.squares.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = training.squares.iter().copied().fold(0.0, f64::max);
        let centre = (mean(&training.squares) - 0.5 * mean(&training.apart)).max(0.0);
        let pairs = rules.find(function, least.min(centre), longest);
        let training = Arc::new(pairs.columns(&training.squares));
        Ok(Self { pairs, training })
    }

    /// Replaces preactivations by activations; `squares` are E[h²] of the rows.
    pub fn rows(&self, squares: &[f64], apart: &mut [f64]) -> Lengths {
        let lengths = self.pairs.lengths(squares);
        self.pairs.apart(&lengths, &self.training, apart);
        lengths
    }

    /// The activations of samples.
    ///
    /// # Errors
    /// None of its own.
    pub fn samples(&self, mut samples: Samples, threads: &dyn IdleThreads) -> Result<Samples> {
        let n = samples.width().max(1);
        let Samples { squares, means, apart } = &mut samples;
        let lengths = squares.chunks_mut(ROWS).zip(means.chunks_mut(ROWS));
        let parts: Vec<_> = lengths.zip(apart.chunks_mut(ROWS * n)).collect();
        for_each(parts.into_iter(), threads, |((squares, means), apart)| {
            let lengths = self.rows(squares, apart);
            squares.copy_from_slice(lengths.squares());
            means.copy_from_slice(lengths.means());
            Ok(())
        })?;
        Ok(samples)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::kernels::{Activation, Expression, Function, Nodes, Operator};

    /// Formulas too long to print are named by their number of operations.
    #[test]
    fn long_expressions_of_the_same_name_have_rules_of_their_own() {
        let long = |factor: f64| {
            let mut nodes = Nodes::default();
            let (factor, tenth) = (nodes.constant(factor), nodes.constant(0.1));
            let mut root = nodes.operator(Operator::Multiply, Nodes::X, factor);
            for _ in 0..5 {
                let tanh = nodes.function(Function::Tanh, root);
                let scaled = nodes.operator(Operator::Multiply, tanh, tenth);
                root = nodes.operator(Operator::Add, root, scaled);
            }
            Nonlinearity::of(&Activation::from(Expression::new(&nodes, root).unwrap())).unwrap()
        };
        let [one, two] = [0.5, 0.7].map(long);
        assert_eq!(one.name(), two.name());
        let mut rules = Rules::default();
        let [first, other, again] = [&one, &two, &one].map(|function| rules.find(function, 0.5, 1.0));
        assert!(!Arc::ptr_eq(&first, &other) && Arc::ptr_eq(&first, &again));
    }
}
