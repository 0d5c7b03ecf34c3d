//! The way back: reconstruction networks by ridge regression on infinitely many activations, which kernel regression solves.
//!
//! A reconstruction is a weighted mean of what it is to reconstruct, over the training samples: Σ β_i h_i with Σ β_i = 1. Its
//! distances follow from theirs, and with its length it is a Gaussian preactivation like any other.
//!
//! Distances are squared, per unit. With D the distances of the training samples in the layer that is inverted, D′ those of
//! what it is to give back, H the projection that takes means off, K = −½ H D H and K′ = −½ H D′ H their centred kernels, and c
//! the distances of a sample less D's column means: β = 1/n − ½ c H (K + ρ)⁻¹ H. With K′ = L Lᵀ and g = (β − 1/n) L, the
//! distances of Σ β_i h_i are (L Lᵀ)_jj − 2 (g Lᵀ)_j + |g|²: one product with a matrix, and one with a triangle.

use super::samples::{Activate, ROWS, Samples, times};
use crate::cascade::Ridge;
use crate::kernels::{Matrix, factor, product, solve_symmetric};
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// The least share of a kernel's largest eigenvalue that its smallest has, about, or else rounding decides the weights.
const LEAST_CONDITION: f64 = 1e-12;
/// Added to a kernel before it is factored, relative to its trace: its eigenvalues are 0 where samples coincide. Many times as
/// much where rounding errors ask for it.
const ADDED: f64 = 1e-13;
/// Columns of a triangle that are computed at a time.
const COLUMNS: usize = 64;

/// How the reconstruction network of one block maps distances from the training activations.
#[derive(Debug)]
pub(super) struct Back {
    n: usize,
    /// Mean distance of every training activation from all of them.
    mean_apart: Vec<f64>,
    to: To,
}

/// What it gives back.
#[derive(Debug)]
enum To {
    Preactivations {
        /// (K + ρ)⁻¹ H times [L, lengths less mean distances], `[n, n + 1]`.
        map: Vec<f64>,
        /// L, `[n, n]`.
        factor: Vec<f64>,
        /// Distance of every training sample from their mean.
        from_mean: Vec<f64>,
        /// Length of their mean.
        of_mean: f64,
    },
    Inputs {
        /// (K + ρ)⁻¹ H times the training inputs, `[n, pixels]`.
        map: Vec<f64>,
        /// Their mean.
        mean: Vec<f64>,
    },
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// K = −½ H D H, plus `added` on the diagonal and `everywhere`.
fn centred(apart: &[f64], mean_apart: &[f64], added: f64, everywhere: f64) -> Vec<f64> {
    let (n, all_apart) = (mean_apart.len(), mean(mean_apart));
    let mut kernel = apart.to_vec();
    for (i, row) in kernel.chunks_mut(n).enumerate() {
        let others = row.iter_mut().zip(mean_apart);
        others.for_each(|(k, mean)| *k = everywhere - 0.5 * (*k - mean - mean_apart[i] + all_apart));
        row[i] += added;
    }
    kernel
}

/// L with K = L Lᵀ, or L = 0 where K is 0.
fn root(target: &Samples, mean_apart: &[f64]) -> Vec<f64> {
    let n = mean_apart.len();
    let trace = 0.5 * n as f64 * mean(mean_apart);
    let mut share = ADDED;
    while trace > 0.0 && share < 10.0 {
        let mut kernel = centred(&target.apart, mean_apart, share * trace, 0.0);
        if factor(&mut kernel, n).is_some() {
            kernel.chunks_mut(n).enumerate().for_each(|(i, row)| row[i + 1..].fill(0.0));
            return kernel;
        }
        share *= 10.0;
    }
    vec![0.0; n * n]
}

/// Takes the mean off every column of `[n, columns]`.
fn less_means(matrix: &mut [f64], columns: usize) {
    let mut means = vec![0.0; columns];
    let n = (matrix.len() / columns) as f64;
    for row in matrix.chunks(columns) {
        means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n);
    }
    for row in matrix.chunks_mut(columns) {
        row.iter_mut().zip(&means).for_each(|(x, mean)| *x -= mean);
    }
}

impl Back {
    /// The network that leads from the training activations `x` to `target` before them. `lambda` is λ for a layer of `width`
    /// units.
    ///
    /// # Errors
    /// When λ is too small for what is left of the activations.
    pub fn to_preactivations(x: &Samples, target: &Samples, lambda: f64, width: f64) -> Result<Self> {
        let n = x.width();
        let mean_apart = target.mean_apart();
        let (all_apart, mean_square) = (mean(&mean_apart), mean(&target.squares));
        let factor = root(target, &mean_apart);
        let mut map = Vec::with_capacity(n * (n + 1));
        for (i, row) in factor.chunks(n).enumerate() {
            map.extend_from_slice(row);
            map.push(target.squares[i] - mean_apart[i]);
        }
        let to = To::Preactivations {
            map,
            factor,
            from_mean: mean_apart.iter().map(|mean| mean - 0.5 * all_apart).collect(),
            of_mean: mean_square - 0.5 * all_apart,
        };
        Self::solved(x, to, lambda, width)
    }

    /// The network that leads from the training activations `x` to the training inputs, `[n, pixels]`.
    ///
    /// # Errors
    /// The same.
    pub fn to_inputs(x: &Samples, training: &[f64], lambda: f64, width: f64) -> Result<Self> {
        let n = x.width();
        let pixels = training.len() / n;
        let mut mean = vec![0.0; pixels];
        for row in training.chunks(pixels) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n as f64);
        }
        Self::solved(x, To::Inputs { map: training.to_vec(), mean }, lambda, width)
    }

    /// Multiplies the map of `to` by (K + ρ)⁻¹ H.
    fn solved(x: &Samples, mut to: To, lambda: f64, width: f64) -> Result<Self> {
        let n = x.width();
        let mean_apart = x.mean_apart();
        // The trace of K over n is half of the mean distance.
        let (variance, mean_square) = (0.5 * mean(&mean_apart), mean(&x.squares));
        if mean_square < f64::MIN_POSITIVE {
            return Err(Error::new("all training activations are 0").hint("give a larger weight_var, or a bias_var"));
        }
        let ridge = lambda * n as f64 / width * (variance + Ridge::OF_MEAN_SQUARE * mean_square);
        // K has an eigenvalue 0 for the mean, which H takes off: any other number in its place makes K invertible.
        let mut kernel = centred(&x.apart, &mean_apart, ridge, variance.max(f64::MIN_POSITIVE) / n as f64);
        let (To::Preactivations { map, .. } | To::Inputs { map, .. }) = &mut to;
        let columns = map.len() / n;
        less_means(map, columns);
        match solve_symmetric(&mut kernel, map, n) {
            Some((least, largest)) if (least / largest).powi(2) > LEAST_CONDITION => Ok(Self { n, mean_apart, to }),
            _ => {
                let message =
                    format!("its training activations are linearly dependent to double precision at lambda {lambda:e}");
                Err(Error::new(message).hint(format!("give a larger `lambda`; {} is usual", super::LAMBDA)))
            }
        }
    }

    /// −½ (the rows − `mean_apart`) · `map`; the rows are lost.
    fn mapped(&self, rows: &mut [f64], map: &[f64]) -> Vec<f64> {
        for row in rows.chunks_mut(self.n) {
            row.iter_mut().zip(&self.mean_apart).for_each(|(x, mean)| *x = -0.5 * (*x - mean));
        }
        times(rows, map, self.n)
    }

    /// Replaces the rows' distances from the training activations of this depth by those of their reconstructions from the
    /// training activations one block before, which `activate` makes of what is reconstructed; `None` where that is the same.
    ///
    /// # Errors
    /// None of its own.
    pub fn step(&self, rows: &mut [f64], activate: Option<&Activate>, threads: &dyn IdleThreads) -> Result<()> {
        let To::Preactivations { map, factor, from_mean, of_mean } = &self.to else { return Ok(()) };
        let n = self.n;
        for_each(rows.chunks_mut(ROWS * n), threads, |rows| {
            let mut mapped = self.mapped(rows, map);
            let m = rows.len() / n;
            let mut squares = Vec::with_capacity(m);
            for i in 0..m {
                let row = &mapped[i * (n + 1)..(i + 1) * (n + 1)];
                let spread: f64 = row[..n].iter().map(|g| g * g).sum();
                squares.push((of_mean + spread + row[n]).max(0.0));
                // Now the rows lie side by side, and the first stands where their first numbers are.
                mapped.copy_within(i * (n + 1)..i * (n + 1) + n, i * n);
                rows[i * n..(i + 1) * n].iter_mut().zip(from_mean).for_each(|(x, mean)| *x = mean + spread);
            }
            mapped.truncate(m * n);
            let mut some = vec![0.0; m * COLUMNS.min(n)];
            for start in (0..n).step_by(COLUMNS) {
                let end = (start + COLUMNS).min(n);
                let some = &mut some[..m * (end - start)];
                // These rows of the triangle end at the diagonal.
                let lower = Matrix::new(&factor[start * n..end * n], end - start, n).columns_of(0..end);
                product(some, Matrix::new(&mapped, m, n).columns_of(0..end), lower.transposed());
                for (row, some) in rows.chunks_mut(n).zip(some.chunks(end - start)) {
                    row[start..end].iter_mut().zip(some).for_each(|(x, product)| *x = (*x - 2.0 * product).max(0.0));
                }
            }
            if let Some(activate) = activate {
                activate.rows(&squares, rows);
            }
            Ok(())
        })
    }

    /// The reconstructed inputs, `[rows, pixels]`; the rows are lost.
    ///
    /// # Errors
    /// None of its own.
    pub fn inputs(&self, rows: &mut [f64], threads: &dyn IdleThreads) -> Result<Vec<f64>> {
        let To::Inputs { map, mean } = &self.to else { return Ok(Vec::new()) };
        let pixels = mean.len();
        let mut out = vec![0.0; rows.len() / self.n * pixels];
        let parts: Vec<_> = rows.chunks_mut(ROWS * self.n).zip(out.chunks_mut(ROWS * pixels)).collect();
        for_each(parts.into_iter(), threads, |(rows, out)| {
            out.copy_from_slice(&self.mapped(rows, map));
            out.chunks_mut(pixels).for_each(|row| row.iter_mut().zip(mean).for_each(|(x, mean)| *x += mean));
            Ok(())
        })?;
        Ok(out)
    }
}
