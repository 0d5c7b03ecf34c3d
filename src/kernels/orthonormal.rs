//! Orthonormal vectors by Householder's reflections (Golub & Van Loan, Matrix Computations, section 5.2), in double precision
//! and without fused operations: every machine gives the same numbers.

use super::vectorised;

/// Sums that are carried side by side, so that the loop vectorises.
const LANES: usize = 16;

/// Replaces `vectors`, `[count, length]` with no more vectors than numbers of each, by the orthonormal ones of their QR
/// decomposition whose R has a positive diagonal. Those of independent normal numbers are uniformly distributed
/// (Mezzadri 2007).
pub fn orthonormalise(vectors: &mut [f64], length: usize) {
    let count = vectors.len() / length.max(1);
    debug_assert!(count <= length, "{count} vectors of {length} numbers");
    let mut signs = Vec::with_capacity(count);
    for i in 0..count {
        let (done, rest) = vectors.split_at_mut((i + 1) * length);
        let mirror = &mut done[i * length + i..];
        let norm = libm::sqrt(dot(mirror, mirror));
        // Away from the first number, so that no digits cancel.
        let first = mirror[0];
        signs.push(if first > 0.0 { -1.0 } else { 1.0 });
        mirror[0] += if first > 0.0 { norm } else { -norm };
        let square = dot(mirror, mirror);
        // The vector that is reflected, scaled to a length of √2: x − v (v·x) is its reflection.
        let scale = if square > 0.0 { libm::sqrt(2.0 / square) } else { 0.0 };
        mirror.iter_mut().for_each(|x| *x *= scale);
        rest.chunks_mut(length).for_each(|vector| reflect(&mut vector[i..], mirror));
    }
    // The reflections of the unit vectors, the last reflection first.
    let mirrors = vectors.to_vec();
    vectors.fill(0.0);
    for i in (0..count).rev() {
        let mirror = &mirrors[i * length + i..(i + 1) * length];
        vectors[i * length + i] = 1.0;
        vectors[i * length..].chunks_mut(length).for_each(|vector| reflect(&mut vector[i..], mirror));
    }
    for (vector, sign) in vectors.chunks_mut(length).zip(signs) {
        vector.iter_mut().for_each(|x| *x *= sign);
    }
}

/// x ↦ x − v (v·x).
fn reflect(x: &mut [f64], v: &[f64]) {
    let along = dot(x, v);
    vectorised(
        #[inline(always)]
        || x.iter_mut().zip(v).for_each(|(x, v)| *x -= along * v),
    );
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            for (a, b) in a.iter().zip(b) {
                sums.iter_mut().zip(a).zip(b).for_each(|((sum, a), b)| *sum += a * b);
            }
            let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
            sums.iter().sum::<f64>() + rest
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_vectors_are_orthonormal_and_span_the_same_with_positive_coefficients() {
        for (count, length) in [(1, 1), (1, 5), (2, 2), (7, 7), (20, 33), (64, 64)] {
            let mut random = Random::new(count as u64, &["orthonormal"]);
            let given: Vec<f64> = (0..count * length).map(|_| random.normal()).collect();
            let mut found = given.clone();
            orthonormalise(&mut found, length);
            let of = |all: &[f64], i: usize| all[i * length..(i + 1) * length].to_vec();
            for i in 0..count {
                for j in 0..count {
                    let product = dot(&of(&found, i), &of(&found, j));
                    assert!((product - f64::from(u8::from(i == j))).abs() < 1e-13, "{count} of {length}: {product}");
                }
                // R is upper triangular, its diagonal positive, and Q R the given vectors.
                let r: Vec<f64> = (0..count).map(|j| dot(&of(&found, j), &of(&given, i))).collect();
                assert!(r[i] > 0.0 && r[i + 1..].iter().all(|r| r.abs() < 1e-12), "{r:?}");
                for (n, x) in of(&given, i).iter().enumerate() {
                    let sum: f64 = (0..count).map(|j| r[j] * found[j * length + n]).sum();
                    assert!((sum - x).abs() < 1e-12, "{sum} {x}");
                }
            }
        }
    }
}
