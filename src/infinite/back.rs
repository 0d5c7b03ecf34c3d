//! The way back: reconstruction networks by ridge regression on infinitely many activations, which kernel regression solves.
//!
//! A reconstruction is a weighted mean of what it is to reconstruct, over the training samples: Σ β_i h_i with Σ β_i = 1. Its
//! distances follow from theirs, and with its length it is a Gaussian preactivation like any other.
//!
//! Distances are squared, per unit. With D the distances of the training samples in the layer that is inverted, D′ those of
//! what it is to give back, H the projection that takes means off, K = −½ H D H and K′ = −½ H D′ H their centred kernels, and c
//! the distances of a sample less D's column means: β = 1/n − ½ c H (K + ρ)⁻¹ H. With K′ = L Lᵀ and g = (β − 1/n) L, the
//! distances of Σ β_i h_i are (L Lᵀ)_jj − 2 (g Lᵀ)_j + |g|²: one product with a matrix, and one with a triangle.

use super::rooms::Rooms;
use super::samples::{Activate, Samples, grown};
use crate::cascade::Ridge;
use crate::kernels::{Matrix, factor, product, solve_symmetric, solve_symmetric_for_triangle};
use crate::work::{IdleThreads, for_each};
use crate::{Error, Result};

/// The least share of a kernel's largest eigenvalue that its smallest has, about, or else rounding decides the weights.
const LEAST_CONDITION: f64 = 1e-12;
/// Added to a kernel before it is factored, relative to its trace: its eigenvalues are 0 where samples coincide. Many times as
/// much where rounding errors ask for it.
const ADDED: f64 = 1e-13;
/// Columns of a triangle that are computed at a time.
const COLUMNS: usize = 64;
/// Samples on their way back that a thread takes at a time, at most: every time, the matrices are brought into the order in which
/// they are multiplied.
const MOST_ROWS: usize = 320;

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
        /// H (K + ρ)⁻¹ times [lengths less mean distances, L], `[n, n + 1]`.
        map: Vec<f64>,
        /// Lᵀ without what is 0 below its diagonal: for every [`COLUMNS`] columns, the rows down to where they end.
        factor: Vec<f64>,
        /// Distance of every training sample from their mean.
        from_mean: Vec<f64>,
        /// Length of their mean.
        of_mean: f64,
    },
    Inputs {
        /// H (K + ρ)⁻¹ times the training inputs, `[n, pixels]`.
        map: Vec<f64>,
        /// Their mean.
        mean: Vec<f64>,
    },
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// K = −½ H D H, plus `added` on the diagonal and `everywhere`.
fn centred(apart: &[f64], mean_apart: &[f64], added: f64, everywhere: f64, rooms: &Rooms) -> Vec<f64> {
    let (n, all_apart) = (mean_apart.len(), mean(mean_apart));
    let mut kernel = rooms.copied(apart);
    for (i, row) in kernel.chunks_mut(n).enumerate() {
        let others = row.iter_mut().zip(mean_apart);
        others.for_each(|(k, mean)| *k = everywhere - 0.5 * (*k - mean - mean_apart[i] + all_apart));
        row[i] += added;
    }
    kernel
}

/// L with K = L Lᵀ in the lower half, or L = 0 where K is 0.
fn root(target: &Samples, mean_apart: &[f64], rooms: &Rooms) -> Vec<f64> {
    let n = mean_apart.len();
    let trace = 0.5 * n as f64 * mean(mean_apart);
    let mut share = ADDED;
    while trace > 0.0 && share < 10.0 {
        let mut kernel = centred(&target.apart, mean_apart, share * trace, 0.0, rooms);
        if factor(&mut kernel, n).is_some() {
            return kernel;
        }
        rooms.leave(kernel);
        share *= 10.0;
    }
    vec![0.0; n * n]
}

/// The panels of [`COLUMNS`] columns of Lᵀ.
fn panels(lower: &[f64], n: usize) -> Vec<f64> {
    let starts = (0..n).step_by(COLUMNS);
    let of_panel = |start: usize| (start, (start + COLUMNS).min(n));
    let size = starts.clone().map(of_panel).map(|(start, end)| (end - start) * end).sum();
    let mut all = Vec::with_capacity(size);
    for (start, end) in starts.map(of_panel) {
        for k in 0..end {
            all.extend((start..end).map(|j| if k <= j { lower[j * n + k] } else { 0.0 }));
        }
    }
    all
}

/// How many rows a thread takes at a time: as many for all, and an even number of parts.
fn rows_at_a_time(rows: usize) -> usize {
    rows.div_ceil(2 * rows.div_ceil(2 * MOST_ROWS).max(1)).max(1)
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
    pub fn to_preactivations(x: &Samples, target: &Samples, lambda: f64, width: f64, rooms: &Rooms) -> Result<Self> {
        let n = x.width();
        let mean_apart = target.mean_apart();
        let (all_apart, mean_square) = (mean(&mean_apart), mean(&target.squares));
        let lower = root(target, &mean_apart, rooms);
        // H commutes with K, and comes last, so that the triangle stays one. L has next to no mean, but the lengths have.
        let mut lengths: Vec<f64> =
            target.squares.iter().zip(&mean_apart).map(|(square, mean)| square - mean).collect();
        less_means(&mut lengths, 1);
        let mut map = Vec::with_capacity(n * (n + 1));
        for (i, (row, length)) in lower.chunks(n).zip(lengths).enumerate() {
            map.push(length);
            map.extend_from_slice(&row[..=i]);
            map.resize((i + 1) * (n + 1), 0.0);
        }
        let to = To::Preactivations {
            map,
            factor: panels(&lower, n),
            from_mean: mean_apart.iter().map(|mean| mean - 0.5 * all_apart).collect(),
            of_mean: mean_square - 0.5 * all_apart,
        };
        rooms.leave(lower);
        Self::solved(x, to, lambda, width, rooms)
    }

    /// The network that leads from the training activations `x` to the training inputs, `[n, pixels]`.
    ///
    /// # Errors
    /// The same.
    pub fn to_inputs(x: &Samples, training: &[f64], lambda: f64, width: f64, rooms: &Rooms) -> Result<Self> {
        let n = x.width();
        let pixels = training.len() / n;
        let mut mean = vec![0.0; pixels];
        for row in training.chunks(pixels) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n as f64);
        }
        let mut map = training.to_vec();
        less_means(&mut map, pixels);
        Self::solved(x, To::Inputs { map, mean }, lambda, width, rooms)
    }

    /// Multiplies the map of `to` by H (K + ρ)⁻¹.
    fn solved(x: &Samples, mut to: To, lambda: f64, width: f64, rooms: &Rooms) -> Result<Self> {
        let n = x.width();
        let mean_apart = x.mean_apart();
        // The trace of K over n is half of the mean distance.
        let (variance, mean_square) = (0.5 * mean(&mean_apart), mean(&x.squares));
        if !(variance.is_finite() && mean_square.is_finite()) {
            return Err(grown());
        }
        if mean_square < f64::MIN_POSITIVE {
            return Err(Error::new("all training activations are 0").hint("give a larger weight_var, or a bias_var"));
        }
        let ridge = lambda * n as f64 / width * (variance + Ridge::OF_MEAN_SQUARE * mean_square);
        // K has an eigenvalue 0 for the mean, which H takes off: any other number in its place makes K invertible.
        let everywhere = variance.max(f64::MIN_POSITIVE) / n as f64;
        let mut kernel = centred(&x.apart, &mean_apart, ridge, everywhere, rooms);
        let (solved, map) = match &mut to {
            To::Preactivations { map, .. } => (solve_symmetric_for_triangle(&mut kernel, map, n), map),
            To::Inputs { map, .. } => (solve_symmetric(&mut kernel, map, n), map),
        };
        rooms.leave(kernel);
        let columns = map.len() / n;
        less_means(map, columns);
        match solved {
            Some((least, largest)) if (least / largest).powi(2) > LEAST_CONDITION => Ok(Self { n, mean_apart, to }),
            _ => {
                let message =
                    format!("its training activations are linearly dependent to double precision at lambda {lambda:e}");
                Err(Error::new(message).hint(format!("give a larger `lambda`; {} is usual", super::LAMBDA)))
            }
        }
    }

    /// `out` = −½ (the rows − `mean_apart`) · `map`; the rows are lost.
    fn map(&self, out: &mut [f64], rows: &mut [f64], map: &[f64]) {
        for row in rows.chunks_mut(self.n) {
            row.iter_mut().zip(&self.mean_apart).for_each(|(x, mean)| *x = -0.5 * (*x - mean));
        }
        let (m, columns) = (rows.len() / self.n, map.len() / self.n);
        product(out, Matrix::new(rows, m, self.n), Matrix::new(map, self.n, columns));
    }

    /// Replaces the rows' distances from the training activations of this depth by those of their reconstructions from the
    /// training activations one block before, which `activate` makes of what is reconstructed; `None` where that is the same.
    ///
    /// # Errors
    /// None of its own.
    pub fn step(
        &self,
        rows: &mut [f64],
        activate: Option<&Activate>,
        threads: &dyn IdleThreads,
        rooms: &Rooms,
    ) -> Result<()> {
        let To::Preactivations { map, factor, from_mean, of_mean } = &self.to else { return Ok(()) };
        let n = self.n;
        let at_a_time = rows_at_a_time(rows.len() / n);
        for_each(rows.chunks_mut(at_a_time * n), threads, |rows| {
            let m = rows.len() / n;
            let mut mapped = rooms.take(m * (n + 1));
            self.map(&mut mapped, rows, map);
            let mut squares = Vec::with_capacity(m);
            for (row, mapped) in rows.chunks_mut(n).zip(mapped.chunks(n + 1)) {
                let spread: f64 = mapped[1..].iter().map(|g| g * g).sum();
                squares.push((of_mean + spread + mapped[0]).max(0.0));
                row.iter_mut().zip(from_mean).for_each(|(x, mean)| *x = mean + spread);
            }
            let mut some = rooms.take(m * COLUMNS.min(n));
            let mut rest = &factor[..];
            for start in (0..n).step_by(COLUMNS) {
                let end = (start + COLUMNS).min(n);
                let some = &mut some[..m * (end - start)];
                let (panel, after) = rest.split_at((end - start) * end);
                rest = after;
                let g = Matrix::new(&mapped, m, n + 1).columns_of(1..end + 1);
                product(some, g, Matrix::new(panel, end, end - start));
                for (row, some) in rows.chunks_mut(n).zip(some.chunks(end - start)) {
                    row[start..end].iter_mut().zip(some).for_each(|(x, product)| *x = (*x - 2.0 * product).max(0.0));
                }
            }
            rooms.leave(mapped);
            rooms.leave(some);
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
        let at_a_time = rows_at_a_time(rows.len() / self.n);
        let parts: Vec<_> = rows.chunks_mut(at_a_time * self.n).zip(out.chunks_mut(at_a_time * pixels)).collect();
        for_each(parts.into_iter(), threads, |(rows, out)| {
            self.map(out, rows, map);
            out.chunks_mut(pixels).for_each(|row| row.iter_mut().zip(mean).for_each(|(x, mean)| *x += mean));
            Ok(())
        })?;
        Ok(out)
    }
}
