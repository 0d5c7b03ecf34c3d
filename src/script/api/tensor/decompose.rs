//! Decompositions of matrices.

use rhai::Map;
use rhai::plugin::*;

use crate::linear_algebra::{self, Dense};
use crate::script::session::Native;
use crate::script::tensor::{ScriptTensor, on_device};
use crate::script::tensor_budget::Reservation;
use crate::{Error, Result};

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(rhai::exported_module!(functions).into());
}

/// Relative difference up to which two numbers in single precision count as the same.
const SYMMETRIC: f64 = 1e-5;

/// A tensor as a matrix in double precision, with a claim on the memory that its decomposition `what` takes.
fn matrix(what: &str, tensor: &ScriptTensor) -> Result<(Dense, Reservation)> {
    let shape = tensor.shape();
    let &[rows, columns] = &shape[..] else {
        return Err(Error::new(format!("`{what}` of shape {shape:?}: a matrix has two axes"))
            .hint("take a matrix out of it, `t[i]`, or put the numbers in rows, `t.reshape([rows, -1])`"));
    };
    // The matrix, its factors and what the iteration needs.
    let bytes = 8 * 6 * (rows * columns + rows.min(columns).pow(2)) as u64;
    let claim = tensor.budget().reserve_bytes(bytes, || format!("`{what}` of shape {shape:?}"))?;
    Ok((Dense::new(rows, columns, tensor.numbers()?.into_iter().map(f64::from).collect()), claim))
}

/// An error of a decomposition, with what it was of.
fn of(what: &str, error: Error) -> Error {
    Error { message: format!("`{what}`: {}", error.message), ..error }
}

/// A map of tensors in single precision, on the device of `like`.
fn map<const N: usize>(like: &ScriptTensor, parts: [(&str, &[usize], Vec<f64>); N]) -> Native<Map> {
    let mut map = Map::new();
    for (name, shape, numbers) in parts {
        let numbers = numbers.into_iter().map(|x| x as f32).collect();
        let tensor =
            ScriptTensor::computed(like.budget(), shape, || on_device(numbers, shape, &like.numbers.device()))?;
        map.insert(name.into(), Dynamic::from(tensor));
    }
    Ok(map)
}

/// # Errors
/// Where a number and its mirror image differ.
fn check_symmetric(matrix: &Dense) -> Result<()> {
    let (n, numbers) = (matrix.rows, &matrix.numbers);
    let size = numbers.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let pairs = (0..n).flat_map(|i| (0..i).map(move |j| (i, j)));
    match pairs.into_iter().find(|(i, j)| (numbers[i * n + j] - numbers[j * n + i]).abs() > SYMMETRIC * size) {
        None => Ok(()),
        Some((i, j)) => Err(Error::new(format!(
            "the matrix is not symmetric: [{j}][{i}] is {}, [{i}][{j}] is {}",
            numbers[j * n + i],
            numbers[i * n + j]
        ))
        .hint("`svd` takes any matrix; `(t + t.transpose()) / 2` is symmetric")),
    }
}

#[export_module]
mod functions {
    /// The singular value decomposition of a matrix W [m, n]: a map with `u` [m, k], `s` [k] and `v` [n, k], k = min(m, n), so
    /// that W = u diag(s) vᵀ. Columns of `u` and `v` are orthonormal, singular values fall, and the largest number of each column
    /// of `u` is positive. Computed in double precision on one thread.
    ///
    /// ```
    /// let parts = svd(randn([5, 3], 0));
    /// print(parts.s.shape);                                                      // [3]
    /// let first = (parts.u * parts.s).slice(1, 0, 1).matmul(parts.v.slice(1, 0, 1).transpose());
    /// print(first.shape);                                                        // [5, 3]
    /// ```
    #[rhai_fn(name = "svd", return_raw)]
    pub fn tensor_svd(tensor: ScriptTensor) -> Native<Map> {
        let (matrix, _claim) = matrix("svd", &tensor)?;
        let linear_algebra::Svd { u, s, v } = linear_algebra::svd(&matrix).map_err(|error| of("svd", error))?;
        let k = s.len();
        map(&tensor, [("u", &[u.rows, k], u.numbers), ("s", &[k], s), ("v", &[v.rows, k], v.numbers)])
    }

    /// Eigenvalues and eigenvectors of a symmetric matrix [n, n]: a map with `values` [n], the smallest first, and `vectors`
    /// [n, n], whose columns are orthonormal and have a positive largest number. A matrix that is not square or not symmetric is
    /// an error. Computed in double precision on one thread.
    ///
    /// ```
    /// let parts = eigh(tensor([[2, 1], [1, 2]]));
    /// print(parts.values.to_array());    // [1.0, 3.0]
    /// ```
    #[rhai_fn(name = "eigh", return_raw)]
    pub fn tensor_eigh(tensor: ScriptTensor) -> Native<Map> {
        let (matrix, _claim) = matrix("eigh", &tensor)?;
        if matrix.rows == matrix.columns {
            check_symmetric(&matrix).map_err(|error| of("eigh", error))?;
        }
        let linear_algebra::Eigen { values, vectors } =
            linear_algebra::eigh(&matrix).map_err(|error| of("eigh", error))?;
        let n = values.len();
        map(&tensor, [("values", &[n], values), ("vectors", &[n, n], vectors.numbers)])
    }

    /// The QR decomposition of a matrix [m, n]: a map with `q` [m, k], whose columns are orthonormal, and `r` [k, n], upper
    /// triangular with no negative number on its diagonal; k = min(m, n). Computed in double precision on one thread.
    ///
    /// ```
    /// let q = qr(randn([4, 4], 0)).q;    // a random orthogonal matrix
    /// print((q.transpose().matmul(q) - eye(4)).abs().max() < 1e-6);    // true
    /// ```
    #[rhai_fn(name = "qr", return_raw)]
    pub fn tensor_qr(tensor: ScriptTensor) -> Native<Map> {
        let (matrix, _claim) = matrix("qr", &tensor)?;
        let linear_algebra::Qr { q, r } = linear_algebra::qr(&matrix).map_err(|error| of("qr", error))?;
        let k = q.columns;
        map(&tensor, [("q", &[q.rows, k], q.numbers), ("r", &[k, r.columns], r.numbers)])
    }
}
