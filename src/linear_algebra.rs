//! Decompositions of dense matrices, by faer: in double precision and on the calling thread, so that the numbers are the
//! same whatever runs beside it. Like those of the matrix product, their last bits follow the machine's instruction set.
//!
//! Matrices are row-major. Signs, which no decomposition decides, follow a rule of their own each.

use faer::{Mat, MatRef, Side};

use crate::{Error, Result};

/// A matrix, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    pub rows: usize,
    pub columns: usize,
    pub numbers: Vec<f64>,
}

/// A = U diag(s) Vᵀ with k = min(rows, columns).
#[derive(Debug, Clone)]
pub struct Svd {
    /// `[rows, k]`, orthonormal columns; the largest number of each is positive.
    pub u: Dense,
    /// k singular values, the largest first.
    pub s: Vec<f64>,
    /// `[columns, k]`, orthonormal columns.
    pub v: Dense,
}

/// A = V diag(λ) Vᵀ of a symmetric matrix.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// The smallest first.
    pub values: Vec<f64>,
    /// Eigenvectors as columns; the largest number of each is positive.
    pub vectors: Dense,
}

/// A = Q R with k = min(rows, columns).
#[derive(Debug, Clone)]
pub struct Qr {
    /// `[rows, k]`, orthonormal columns.
    pub q: Dense,
    /// `[k, columns]`, upper triangular; its diagonal is not negative, so Q of Gaussian numbers is uniformly distributed
    /// (Haar; Mezzadri 2007).
    pub r: Dense,
}

impl Dense {
    /// `numbers` are `rows · columns`, row-major.
    pub fn new(rows: usize, columns: usize, numbers: Vec<f64>) -> Self {
        debug_assert_eq!(rows * columns, numbers.len());
        Self { rows, columns, numbers }
    }

    fn from_faer(matrix: MatRef<'_, f64>) -> Self {
        let (rows, columns) = matrix.shape();
        let numbers = (0..rows).flat_map(|i| (0..columns).map(move |j| matrix[(i, j)])).collect();
        Self { rows, columns, numbers }
    }

    fn to_faer(&self) -> Mat<f64> {
        Mat::from_fn(self.rows, self.columns, |i, j| self.numbers[i * self.columns + j])
    }

    fn flip_column(&mut self, j: usize) {
        self.numbers.iter_mut().skip(j).step_by(self.columns).for_each(|x| *x = -*x);
    }

    /// Whether the largest number of a column, the first of equals, is negative.
    fn is_negative(&self, j: usize) -> bool {
        let column = self.numbers.iter().skip(j).step_by(self.columns);
        column.fold(0.0_f64, |largest, &x| if x.abs() > largest.abs() { x } else { largest }) < 0.0
    }

    /// # Errors
    /// Where a number is not finite.
    fn check_finite(&self) -> Result<()> {
        match self.numbers.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(at) => Err(Error::new(format!(
                "element [{}][{}] is {}, and a decomposition needs finite numbers",
                at / self.columns,
                at % self.columns,
                self.numbers[at]
            ))),
        }
    }
}

/// The singular value decomposition.
///
/// # Errors
/// Where a number is not finite, or the iteration does not converge.
pub fn svd(matrix: &Dense) -> Result<Svd> {
    matrix.check_finite()?;
    let found = matrix.to_faer().thin_svd().map_err(|_| not_converged())?;
    let (mut u, mut v) = (Dense::from_faer(found.U()), Dense::from_faer(found.V()));
    for j in 0..u.columns {
        if u.is_negative(j) {
            u.flip_column(j);
            v.flip_column(j);
        }
    }
    Ok(Svd { u, s: found.S().column_vector().iter().copied().collect(), v })
}

/// Eigenvalues and eigenvectors of a symmetric matrix; only its lower half is read.
///
/// # Errors
/// Where the matrix is not square, a number is not finite, or the iteration does not converge.
pub fn eigh(matrix: &Dense) -> Result<Eigen> {
    if matrix.rows != matrix.columns {
        return Err(Error::new(format!("a matrix [{}, {}] is not square", matrix.rows, matrix.columns))
            .hint("`svd` takes matrices of any shape"));
    }
    matrix.check_finite()?;
    let found = matrix.to_faer().self_adjoint_eigen(Side::Lower).map_err(|_| not_converged())?;
    let mut vectors = Dense::from_faer(found.U());
    for j in 0..vectors.columns {
        if vectors.is_negative(j) {
            vectors.flip_column(j);
        }
    }
    Ok(Eigen { values: found.S().column_vector().iter().copied().collect(), vectors })
}

/// The QR decomposition by Householder reflections.
///
/// # Errors
/// Where a number is not finite.
pub fn qr(matrix: &Dense) -> Result<Qr> {
    matrix.check_finite()?;
    let found = matrix.to_faer().qr();
    let (mut q, mut r) = (Dense::from_faer(found.compute_thin_Q().as_ref()), Dense::from_faer(found.thin_R()));
    for i in 0..r.rows {
        // Below the diagonal faer leaves rounding errors or its own reflections.
        let row = &mut r.numbers[i * r.columns..(i + 1) * r.columns];
        row[..i].fill(0.0);
        if row[i] < 0.0 {
            row.iter_mut().for_each(|x| *x = -*x);
            q.flip_column(i);
        }
    }
    Ok(Qr { q, r })
}

fn not_converged() -> Error {
    Error::new("the decomposition did not converge")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn random(rows: usize, columns: usize) -> Dense {
        let mut numbers = vec![0.0; rows * columns];
        Random::new(rows as u64, &["linear algebra"]).fill_normal(&mut numbers, 1.0);
        Dense::new(rows, columns, numbers.into_iter().map(f64::from).collect())
    }

    fn product(a: &Dense, b: &Dense) -> Dense {
        let at = |i: usize, j: usize| -> f64 {
            (0..a.columns).map(|k| a.numbers[i * a.columns + k] * b.numbers[k * b.columns + j]).sum()
        };
        let numbers = (0..a.rows).flat_map(|i| (0..b.columns).map(move |j| (i, j))).map(|(i, j)| at(i, j)).collect();
        Dense::new(a.rows, b.columns, numbers)
    }

    fn transposed(a: &Dense) -> Dense {
        let numbers = (0..a.columns).flat_map(|j| a.numbers.iter().skip(j).step_by(a.columns).copied()).collect();
        Dense::new(a.columns, a.rows, numbers)
    }

    fn diagonal(numbers: &[f64]) -> Dense {
        let mut matrix = Dense::new(numbers.len(), numbers.len(), vec![0.0; numbers.len() * numbers.len()]);
        numbers.iter().enumerate().for_each(|(i, &x)| matrix.numbers[i * (numbers.len() + 1)] = x);
        matrix
    }

    #[track_caller]
    fn same(a: &Dense, b: &Dense) {
        assert_eq!((a.rows, a.columns), (b.rows, b.columns));
        let worst = a.numbers.iter().zip(&b.numbers).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12 * (a.rows + a.columns) as f64, "{worst:e}");
    }

    #[test]
    fn factors_are_orthonormal_and_give_the_matrix_back() {
        for (rows, columns) in [(1, 1), (7, 7), (90, 30), (30, 90), (1, 5), (130, 130)] {
            let (matrix, k) = (random(rows, columns), rows.min(columns));
            let unit = diagonal(&vec![1.0; k]);

            let Svd { u, s, v } = svd(&matrix).unwrap();
            same(&product(&product(&u, &diagonal(&s)), &transposed(&v)), &matrix);
            same(&product(&transposed(&u), &u), &unit);
            same(&product(&transposed(&v), &v), &unit);
            assert!(s.is_sorted_by(|a, b| a >= b) && (0..k).all(|j| !u.is_negative(j)));

            let Qr { q, r } = qr(&matrix).unwrap();
            same(&product(&q, &r), &matrix);
            same(&product(&transposed(&q), &q), &unit);
            assert!((0..k).all(|i| r.numbers[i * columns] == 0.0 || i == 0));
            assert!((0..k).all(|i| r.numbers[i * columns + i] >= 0.0));

            let symmetric = product(&matrix, &transposed(&matrix));
            let Eigen { values, vectors } = eigh(&symmetric).unwrap();
            same(&product(&product(&vectors, &diagonal(&values)), &transposed(&vectors)), &symmetric);
            assert!(values.is_sorted());
            for (value, s) in values.iter().rev().zip(&s) {
                assert!((value - s * s).abs() < 1e-10 * s * s.max(1.0));
            }
        }
    }

    #[test]
    fn what_cannot_be_decomposed_is_named() {
        let matrix = Dense::new(2, 3, vec![0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0]);
        for message in [svd(&matrix).unwrap_err().message, qr(&matrix).unwrap_err().message] {
            assert_eq!(message, "element [1][1] is NaN, and a decomposition needs finite numbers");
        }
        assert!(eigh(&matrix).unwrap_err().message.contains("[2, 3] is not square"));
        // Zeros and equal values are no difficulty.
        assert_eq!(svd(&diagonal(&[0.0, 0.0])).unwrap().s, [0.0, 0.0]);
        assert_eq!(eigh(&diagonal(&[3.0, 3.0])).unwrap().values, [3.0, 3.0]);
    }
}
