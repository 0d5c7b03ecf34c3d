//! Eigenvalues of a symmetric matrix: Householder reflections to tridiagonal form, then QR steps with Wilkinson's shift.
//! Source: Golub and Van Loan, "Matrix Computations", sections 8.3.1 and 8.3.3. Operations are in the order of the crate
//! nalgebra (0.34), which computed the entropies in older stores: results agree to the last bit.

/// An element off the diagonal is zero when it is below this, relative to its two neighbours on the diagonal.
const NEGLIGIBLE: f64 = f64::EPSILON;

/// The eigenvalues, in no particular order, of a symmetric `n`×`n` matrix of finite numbers.
pub(super) fn symmetric_eigenvalues(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    if n == 0 {
        return Vec::new();
    }
    let largest = matrix.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest != 0.0 {
        matrix.iter_mut().for_each(|x| *x /= largest);
    }
    let mut off_diagonal = tridiagonalise(&mut matrix, n);
    let mut diagonal: Vec<f64> = (0..n).map(|i| matrix[i * n + i]).collect();
    let mut block = unreduced_block(&diagonal, &mut off_diagonal, n - 1);
    while let Some((start, mut end)) = block {
        if end - start == 1 {
            [diagonal[start], diagonal[end]] = of_two(diagonal[start], diagonal[end], off_diagonal[start]);
            end -= 1;
        } else {
            qr_step(&mut diagonal, &mut off_diagonal, start, end);
            if is_negligible(&diagonal, &off_diagonal, end - 1) {
                end -= 1;
            }
        }
        block = unreduced_block(&diagonal, &mut off_diagonal, end);
    }
    diagonal.iter_mut().for_each(|x| *x *= largest);
    diagonal
}

/// Makes a matrix tridiagonal by Householder reflections: its diagonal stays in `m`, of which only the columns from the
/// diagonal down are read and written; the elements beside the diagonal, without signs, are returned.
fn tridiagonalise(m: &mut [f64], n: usize) -> Vec<f64> {
    let mut off_diagonal = Vec::with_capacity(n - 1);
    for i in 0..n - 1 {
        let (before, rest) = m.split_at_mut((i + 1) * n);
        let axis = &mut before[i * n + i + 1..];
        let (norm, is_zero) = reflection(axis);
        off_diagonal.push(norm.abs());
        if is_zero {
            continue;
        }
        // The rest of the matrix, columns and rows from i + 1.
        let column = |j: usize| j * n + i + 1 + j..(j + 1) * n;
        let size = n - 1 - i;
        // p = 2 M a, by columns of the lower triangle.
        let mut p = vec![0.0; size];
        for j in 0..size {
            let below = &rest[column(j)];
            if j == 0 {
                let factor = 2.0 * axis[0];
                p.iter_mut().zip(below).for_each(|(p, m)| *p = factor * m);
                p[0] += 2.0 * dot(&below[1..], &axis[1..]);
            } else {
                p[j] += 2.0 * dot(below, &axis[j..]);
                let factor = 2.0 * axis[j];
                p[j + 1..].iter_mut().zip(&below[1..]).for_each(|(p, m)| *p += factor * m);
            }
        }
        let twice = dot(axis, &p) * 2.0;
        let mut add = |alpha: f64, x: &[f64], y: &[f64]| {
            for j in 0..size {
                let factor = alpha * y[j];
                rest[column(j)].iter_mut().zip(&x[j..]).for_each(|(m, x)| *m += factor * x);
            }
        };
        add(-1.0, &p, axis);
        add(-1.0, axis, &p);
        add(twice, axis, axis);
    }
    off_diagonal
}

/// Replaces a vector by the unit axis of the reflection that leaves only its first component. Returns that component, and
/// whether the vector was zero, so that there is nothing to reflect.
fn reflection(vector: &mut [f64]) -> (f64, bool) {
    let squares = dot(vector, vector);
    let norm = squares.sqrt();
    let (size, sign) = size_and_sign(vector[0]);
    let signed = sign * norm;
    let factor = (squares + size * norm) * 2.0;
    vector[0] += signed;
    if factor == 0.0 {
        return (signed, true);
    }
    // The second division removes what rounding left of the first.
    let root = factor.sqrt();
    vector.iter_mut().for_each(|x| *x /= root);
    let length = dot(vector, vector).sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    (-signed, false)
}

/// One QR step on the rows `start` to `end`, both inclusive, which are at least three.
fn qr_step(diagonal: &mut [f64], off_diagonal: &mut [f64], start: usize, end: usize) {
    let mut x = diagonal[start] - shift(diagonal[end - 1], diagonal[end], off_diagonal[end - 1]);
    let mut y = off_diagonal[start];
    for i in start..end {
        if y == 0.0 {
            return;
        }
        // The rotation that turns (x, y) into (r, 0).
        let (size, sign) = size_and_sign(x);
        let norm = (size * size + y * y).sqrt();
        let (c, s) = (size / norm, -y / (sign * norm));
        if i > start {
            off_diagonal[i - 1] = sign * norm;
        }
        let (a, b, between) = (diagonal[i], diagonal[i + 1], off_diagonal[i]);
        let (cc, ss, cs) = (c * c, s * s, c * s);
        let mixed = cs * 2.0 * between;
        diagonal[i] = (cc * a + ss * b) - mixed;
        diagonal[i + 1] = (ss * a + cc * b) + mixed;
        off_diagonal[i] = cs * (a - b) + between * (cc - ss);
        if i + 1 < end {
            x = off_diagonal[i];
            y = -s * off_diagonal[i + 1];
            off_diagonal[i + 1] *= c;
        }
    }
}

/// Wilkinson's shift: the eigenvalue of [[a, off], [off, b]] that is closer to b.
fn shift(a: f64, b: f64, off: f64) -> f64 {
    let square = off * off;
    if square == 0.0 {
        return b;
    }
    let half = (a - b) * 0.5;
    b - square / (half + half.signum() * (half * half + square).sqrt())
}

/// The eigenvalues of [[a, off], [off, b]].
fn of_two(a: f64, b: f64, off: f64) -> [f64; 2] {
    let half = (a - b) * 0.5;
    let root = (off * off + half * half).sqrt();
    let middle = (a + b) * 0.5;
    [middle + root, middle - root]
}

/// The last rows up to `end`, both inclusive, that no zero beside the diagonal separates; `None` once all are separate.
fn unreduced_block(diagonal: &[f64], off_diagonal: &mut [f64], end: usize) -> Option<(usize, usize)> {
    let end = (1..=end).rev().find(|&i| !is_negligible(diagonal, off_diagonal, i - 1))?;
    for start in (1..end).rev() {
        if off_diagonal[start - 1] == 0.0 || is_negligible(diagonal, off_diagonal, start - 1) {
            off_diagonal[start - 1] = 0.0;
            return Some((start, end));
        }
    }
    Some((0, end))
}

/// Whether the element beside the diagonal in rows `i` and `i` + 1 counts as zero.
fn is_negligible(diagonal: &[f64], off_diagonal: &[f64], i: usize) -> bool {
    off_diagonal[i].abs() <= NEGLIGIBLE * (diagonal[i + 1].abs() + diagonal[i].abs())
}

fn size_and_sign(x: f64) -> (f64, f64) {
    if x >= 0.0 { (x, 1.0) } else { (-x, -1.0) }
}

/// Σ a b, in eight sums side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.0.iter().zip(b.0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    let sum = (0..4).fold(0.0, |sum, i| sum + (sums[i] + sums[i + 4]));
    a.1.iter().zip(b.1).fold(sum, |sum, (a, b)| sum + a * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(matrix: Vec<f64>, n: usize) -> Vec<f64> {
        let mut values = symmetric_eigenvalues(matrix, n);
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn a_second_difference_has_its_known_eigenvalues() {
        for n in [1, 2, 3, 8, 31] {
            let at = |i: usize, j: usize| if i == j { 2.0 } else { -f64::from(u8::from(i.abs_diff(j) == 1)) };
            let matrix = (0..n * n).map(|k| at(k / n, k % n)).collect();
            for (k, found) in sorted(matrix, n).into_iter().enumerate() {
                let angle = std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64;
                assert!((found - (2.0 - 2.0 * libm::cos(angle))).abs() < 1e-13, "{n} {k}: {found}");
            }
        }
    }

    #[test]
    fn zero_one_and_repeated_eigenvalues() {
        assert_eq!(sorted(vec![0.0; 9], 3), [0.0; 3]);
        let of_ones = sorted(vec![0.25; 16], 4);
        assert!(of_ones.iter().zip([0.0, 0.0, 0.0, 1.0]).all(|(a, b)| (a - b).abs() < 1e-15), "{of_ones:?}");
        assert_eq!(symmetric_eigenvalues(Vec::new(), 0), [0.0; 0]);
        assert_eq!(sorted(vec![3.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0], 3), [1.0, 2.0, 3.0]);
    }

    /// As nalgebra 0.34.2 computed them, in its order; it agreed to the last bit in 50,000 more eigenvalues of Gram matrices.
    #[test]
    fn eigenvalues_are_nalgebras_to_the_last_bit() {
        let at = |i: usize, j: usize| {
            let (i, j) = (i.min(j), i.max(j));
            ((i * 7 + j * j * 3 + i * j) % 19) as f64 / 19.0 - 0.4
        };
        let expected = [
            -1.2150589237360898,
            -1.6973631212726557,
            -0.8052832883241391,
            1.5707812230240512,
            -0.4387961034749212,
            1.1234837650878275,
            0.9556087601798214,
            0.7934980119593122,
            0.4400225707939626,
            -0.04506595304556886,
            0.23396253249260948,
        ];
        assert_eq!(symmetric_eigenvalues((0..121).map(|k| at(k / 11, k % 11)).collect(), 11), expected);
    }
}
