//! Symmetric systems in double precision by a blocked Cholesky factorisation. Nearly all of the work is matrix products; at
//! the sizes of layers this is an order of magnitude faster than column by column.

use std::ops::Range;

use super::{Matrix, product, subtract};

/// Rows of a diagonal block, which is factored without matrix products.
const BLOCK: usize = 48;

/// Solves A X = B for a symmetric positive definite A, `[n, n]`, of which the lower half is read, and B, `[n, m]`, which is
/// replaced by X. A is replaced as by [`factor`], whose result is returned.
pub fn solve_symmetric(a: &mut [f64], b: &mut [f64], n: usize) -> Option<(f64, f64)> {
    let m = b.len() / n.max(1);
    solve_from(a, b, n, |_| m)
}

/// The same for a B, `[n, n + 1]`, whose columns behind the first are a lower triangle: half of the way there is spared.
pub fn solve_symmetric_for_triangle(a: &mut [f64], b: &mut [f64], n: usize) -> Option<(f64, f64)> {
    solve_from(a, b, n, |rows| if rows == 0 { 0 } else { rows + 1 })
}

/// The same for a B whose first `rows` rows are 0 behind the column `filled(rows)`.
fn solve_from(a: &mut [f64], b: &mut [f64], n: usize, filled: impl Fn(usize) -> usize) -> Option<(f64, f64)> {
    let m = b.len() / n.max(1);
    let Factored { least, largest, inverses } = factored(a, n)?;
    // Forward substitution L Y = B, then back substitution Lᵀ X = Y.
    let mut room = vec![0.0; BLOCK.min(n) * m];
    for (block, inverse) in blocks(n).zip(&inverses) {
        let (above, rest) = b.split_at_mut(block.start * m);
        let (before, now) = (filled(block.start), filled(block.end));
        let here = &mut rest[..block.len() * m];
        let left = block_of(a, n, block.clone(), 0..block.start);
        let above = Matrix::new(above, block.start, m).columns_of(0..before);
        if before == m {
            subtract(here, left, above);
        } else {
            let room = &mut room[..block.len() * before];
            product(room, left, above);
            for (row, room) in here.chunks_mut(m).zip(room.chunks(before.max(1))) {
                row.iter_mut().zip(room).for_each(|(x, product)| *x -= product);
            }
        }
        multiply_rows(here, Matrix::new(inverse, block.len(), block.len()), now, &mut room);
    }
    for (block, inverse) in blocks(n).zip(&inverses).rev() {
        let (upper, below) = b.split_at_mut(block.end * m);
        let here = &mut upper[block.start * m..];
        let under = block_of(a, n, block.end..n, block.clone()).transposed();
        subtract(here, under, Matrix::new(below, n - block.end, m));
        multiply_rows(here, Matrix::new(inverse, block.len(), block.len()).transposed(), m, &mut room);
    }
    Some((least, largest))
}

/// Replaces the first `columns` columns of the rows by `matrix` · them.
fn multiply_rows(rows: &mut [f64], matrix: Matrix<'_, f64>, columns: usize, room: &mut [f64]) {
    let (height, m) = (matrix.columns(), rows.len() / matrix.columns());
    let room = &mut room[..height * columns];
    product(room, matrix, Matrix::new(rows, height, m).columns_of(0..columns));
    for (row, room) in rows.chunks_mut(m).zip(room.chunks(columns.max(1))) {
        row[..columns].copy_from_slice(room);
    }
}

/// Replaces the lower half of a symmetric positive definite A, `[n, n]`, by L with A = L Lᵀ; the upper half stays. Returns the
/// smallest and the largest number on L's diagonal, whose squared ratio is a lower bound of A's condition number; `None` if A
/// is not positive definite in double precision.
pub fn factor(a: &mut [f64], n: usize) -> Option<(f64, f64)> {
    factored(a, n).map(|Factored { least, largest, .. }| (least, largest))
}

struct Factored {
    /// On the factor's diagonal.
    least: f64,
    largest: f64,
    /// L⁻¹ of each diagonal block: dividing by L is one more product.
    inverses: Vec<Vec<f64>>,
}

fn blocks(n: usize) -> impl ExactSizeIterator<Item = Range<usize>> + DoubleEndedIterator {
    (0..n).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(n))
}

fn factored(a: &mut [f64], n: usize) -> Option<Factored> {
    let (mut least, mut largest) = (f64::INFINITY, 0.0_f64);
    let mut inverses: Vec<Vec<f64>> = Vec::new();
    for block in blocks(n) {
        let Range { start, end } = block;
        // These columns less the contribution of the previous ones.
        let mut panel: Vec<f64> = a[start * n..].chunks(n).flat_map(|row| &row[block.clone()]).copied().collect();
        subtract(&mut panel, block_of(a, n, start..n, 0..start), block_of(a, n, block.clone(), 0..start).transposed());
        let (diagonal, below) = panel.split_at_mut(block.len() * block.len());
        let inverse = inverse_of_factor(diagonal, block.len())?;
        for number in inverse.iter().step_by(block.len() + 1) {
            (least, largest) = (least.min(1.0 / number), largest.max(1.0 / number));
        }
        let mut factor = vec![0.0; below.len()];
        let divisor = Matrix::new(&inverse, block.len(), block.len()).transposed();
        product(&mut factor, Matrix::new(below, n - end, block.len()), divisor);
        for (i, (row, factor)) in a[start * n..].chunks_mut(n).zip(diagonal.chunks(block.len())).enumerate() {
            row[start..=start + i].copy_from_slice(&factor[..=i]);
        }
        for (row, factor) in a[end * n..].chunks_mut(n).zip(factor.chunks(block.len())) {
            row[block.clone()].copy_from_slice(factor);
        }
        inverses.push(inverse);
    }
    Some(Factored { least, largest, inverses })
}

/// L⁻¹ for A = L Lᵀ, of which the lower half is read. A is replaced by L.
fn inverse_of_factor(a: &mut [f64], n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * n);
        for j in 0..=i {
            let before = if j < i { &above[j * n..j * n + j] } else { &row[..j] };
            let rest = row[j] - before.iter().zip(&*row).map(|(x, y)| x * y).sum::<f64>();
            row[j] = if j < i { rest / above[j * (n + 1)] } else { rest };
        }
        // Also refuses NaN.
        if !row[i].is_finite() || row[i] <= 0.0 {
            return None;
        }
        row[i] = libm::sqrt(row[i]);
    }
    let mut inverse = vec![0.0; n * n];
    for i in 0..n {
        let (above, row) = inverse.split_at_mut(i * n);
        let (factor, divisor) = (&a[i * n..i * n + i], a[i * (n + 1)]);
        for (factor, other) in factor.iter().zip(above.chunks(n)) {
            row[..i].iter_mut().zip(other).for_each(|(x, y)| *x -= factor * y);
        }
        row[..i].iter_mut().for_each(|x| *x /= divisor);
        row[i] = 1.0 / divisor;
    }
    Some(inverse)
}

/// A block of A.
fn block_of(a: &[f64], n: usize, rows: Range<usize>, columns: Range<usize>) -> Matrix<'_, f64> {
    Matrix::new(a, n, n).columns_of(columns).transposed().columns_of(rows).transposed()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::{factor as factor_of, *};
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
            let mut lower = a.clone();
            assert_eq!(factor_of(&mut lower, n).unwrap(), (least, largest));
            for (i, j) in (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let found: f64 = (0..=j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                assert!((found - a[i * n + j]).abs() < 1e-9, "{n}: {found} {}", a[i * n + j]);
            }
            for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
                let found: f64 = (0..n).map(|k| a[i * n + k] * x[k * m + j]).sum();
                assert!((found - b[i * m + j]).abs() < 1e-7, "{n} {m}: {found} {}", b[i * m + j]);
            }
        }
        assert!(solve_symmetric(&mut [1.0, 2.0, 2.0, 1.0], &mut [1.0, 1.0], 2).is_none(), "indefinite");
    }

    #[test]
    fn zeros_of_a_triangle_are_spared_and_solutions_the_same() {
        for n in [1, 7, 48, 131] {
            let mut random = vec![0.0_f32; n * n];
            Random::new(n as u64, &["triangle"]).fill_normal(&mut random, 0.3);
            let at = |i: usize, j: usize| f64::from(random[i * n + j]);
            let a: Vec<f64> = (0..n * n)
                .map(|k| {
                    let (i, j) = (k / n, k % n);
                    (0..n).map(|k| at(i, k) * at(j, k)).sum::<f64>() + if i == j { 1.0 } else { 0.0 }
                })
                .collect();
            let b: Vec<f64> = (0..n * (n + 1))
                .map(|k| {
                    let (i, j) = (k / (n + 1), k % (n + 1));
                    if j > i + 1 { 0.0 } else { at(i, j % n) + 1.0 }
                })
                .collect();
            let ([mut one, mut other], mut whole, mut spared) = ([a.clone(), a], b.clone(), b);
            let found = solve_symmetric_for_triangle(&mut one, &mut spared, n);
            assert_eq!(found, solve_symmetric(&mut other, &mut whole, n));
            assert!(whole.iter().zip(&spared).all(|(x, y)| (x - y).abs() < 1e-11), "{n}");
        }
    }
}
