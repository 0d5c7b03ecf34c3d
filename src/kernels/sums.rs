//! Sums over the rows of a matrix in double precision.

use super::vectorised;

/// Adds every row of `rows` to `sums`.
pub fn add_rows(sums: &mut [f64], rows: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks(sums.len()) {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += f64::from(x);
                }
            }
        },
    );
}

/// Adds the squares of every row of `rows` to `sums`.
pub fn add_squares(sums: &mut [f64], rows: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks(sums.len()) {
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += f64::from(x) * f64::from(x);
                }
            }
        },
    );
}

/// Subtracts `mean` from every row of `rows`.
pub fn subtract_row(rows: &mut [f32], mean: &[f64]) {
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks_mut(mean.len()) {
                for (x, mean) in row.iter_mut().zip(mean) {
                    *x = (f64::from(*x) - mean) as f32;
                }
            }
        },
    );
}

/// The sum of the squares: eight sums side by side, so that it vectorises.
pub fn sum_of_squares(numbers: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    vectorised(
        #[inline(always)]
        || {
            for some in numbers.chunks(sums.len()) {
                for (sum, &x) in sums.iter_mut().zip(some) {
                    *sum += f64::from(x) * f64::from(x);
                }
            }
        },
    );
    sums.iter().sum()
}
