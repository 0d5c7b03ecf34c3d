//! Symmetric systems in double precision, by blocks, so that nearly all of the work is matrix products: at the sizes of
//! layers that is an order of magnitude faster than column by column.

use super::{Matrix, subtract, vectorised};

/// Rows that are factored at a time without products.
const BLOCK: usize = 48;

/// Solves A X = B for a symmetric positive definite A, `[n, n]`, of which the lower half is read, and B, `[n, m]`, which
/// becomes X. A becomes its Cholesky factor. Says the least and the largest number on the factor's diagonal, whose ratio
/// squared is a lower bound of A's condition; `None` where A is not positive definite to double precision.
pub fn solve_symmetric(a: &mut [f64], b: &mut [f64], n: usize) -> Option<(f64, f64)> {
    let m = b.len() / n.max(1);
    let (mut least, mut largest) = (f64::INFINITY, 0.0_f64);
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        // What the columns before take from these.
        let (left, block) = (columns(a, n, start..n, 0..start), columns(a, n, start..end, 0..start));
        let mut panel = columns(a, n, start..n, start..end);
        let size = end - start;
        subtract(&mut panel, Matrix::new(&left, n - start, start), Matrix::new(&block, size, start).transposed());
        for j in 0..size {
            let (head, rest) = panel.split_at_mut((j + 1) * size);
            let row = &mut head[j * size..];
            let pivot = row[j];
            // NaN as well.
            if !pivot.is_finite() || pivot <= 0.0 {
                return None;
            }
            row[j] = libm::sqrt(pivot);
            (least, largest) = (least.min(row[j]), largest.max(row[j]));
            // What column j takes from those behind it, in the rows below; of the block itself the lower half counts.
            let column: Vec<f64> = rest.chunks(size).take(size).map(|other| other[j] / row[j]).collect();
            let diagonal = row[j];
            vectorised(
                #[inline(always)]
                || {
                    for other in rest.chunks_mut(size) {
                        other[j] /= diagonal;
                        let factor = other[j];
                        other[j + 1..].iter_mut().zip(&column).for_each(|(x, y)| *x -= factor * y);
                    }
                },
            );
        }
        for (i, row) in panel.chunks(size).enumerate() {
            a[(start + i) * n + start..][..size].copy_from_slice(row);
        }
    }
    // L Y = B from the first row on, Lᵀ X = Y from the last.
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        let (above, rest) = b.split_at_mut(start * m);
        let here = &mut rest[..(end - start) * m];
        let left = columns(a, n, start..end, 0..start);
        subtract(here, Matrix::new(&left, end - start, start), Matrix::new(above, start, m));
        for i in 0..end - start {
            let (before, rest) = here.split_at_mut(i * m);
            eliminate(&mut rest[..m], before, |j| a[(start + i) * n + start + j], a[(start + i) * (n + 1)]);
        }
    }
    for start in (0..n).step_by(BLOCK).rev() {
        let end = (start + BLOCK).min(n);
        let (upper, below) = b.split_at_mut(end * m);
        let here = &mut upper[start * m..];
        let under = columns(a, n, end..n, start..end);
        let under = Matrix::new(&under, n - end, end - start).transposed();
        subtract(here, under, Matrix::new(below, n - end, m));
        for i in (0..end - start).rev() {
            let (before, after) = here.split_at_mut((i + 1) * m);
            let row = &mut before[i * m..];
            eliminate(row, after, |j| a[(start + i + 1 + j) * n + start + i], a[(start + i) * (n + 1)]);
        }
    }
    Some((least, largest))
}

/// `row` less the rows of `known`, each times its factor; then divided.
fn eliminate(row: &mut [f64], known: &[f64], factor: impl Fn(usize) -> f64, divisor: f64) {
    vectorised(
        #[inline(always)]
        || {
            for (j, other) in known.chunks(row.len().max(1)).enumerate() {
                let factor = factor(j);
                row.iter_mut().zip(other).for_each(|(x, y)| *x -= factor * y);
            }
            row.iter_mut().for_each(|x| *x /= divisor);
        },
    );
}

/// A part of a matrix `[_, n]`.
fn columns(a: &[f64], n: usize, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Vec<f64> {
    rows.flat_map(|row| &a[row * n + columns.start..row * n + columns.end]).copied().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn solutions_solve() {
        for (n, m) in [(1, 1), (5, 3), (48, 2), (49, 7), (131, 40)] {
            let mut random = vec![0.0_f32; n * (n + 3) + n * m];
            Random::new(n as u64, &["cholesky"]).fill_normal(&mut random, 1.0);
            let random: Vec<f64> = random.into_iter().map(f64::from).collect();
            let (factor, b) = random.split_at(n * (n + 3));
            let width = n + 3;
            let at =
                |i: usize, j: usize| (0..width).map(|k| factor[i * width + k] * factor[j * width + k]).sum::<f64>();
            let a: Vec<f64> = (0..n * n).map(|i| at(i / n, i % n) + if i / n == i % n { 0.5 } else { 0.0 }).collect();
            let (mut work, mut x) = (a.clone(), b.to_vec());
            let (least, largest) = solve_symmetric(&mut work, &mut x, n).unwrap();
            assert!(least > 0.0 && largest >= least);
            for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
                let found: f64 = (0..n).map(|k| a[i * n + k] * x[k * m + j]).sum();
                assert!((found - b[i * m + j]).abs() < 1e-7, "{n} {m}: {found} {}", b[i * m + j]);
            }
        }
        assert!(solve_symmetric(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0], 2).is_none(), "indefinite");
    }
}
