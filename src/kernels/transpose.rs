//! Matrix transpose. It moves an image's channels from first to last, and back.

use super::vectorised;

/// Side of the square blocks that are transposed in registers.
const SIDE: usize = 8;

/// Transposes `from`, `[rows, columns]`, into `to`, `[columns, rows]`.
///
/// # Panics
/// When either does not have rows × columns numbers.
pub fn transpose(to: &mut [f32], from: &[f32], rows: usize, columns: usize) {
    assert_eq!((to.len(), from.len()), (rows * columns, rows * columns), "a matrix of {rows} × {columns}");
    let (whole_rows, whole_columns) = (rows / SIDE * SIDE, columns / SIDE * SIDE);
    vectorised(
        #[inline(always)]
        || {
            for i in (0..whole_rows).step_by(SIDE) {
                for j in (0..whole_columns).step_by(SIDE) {
                    let square: [&[f32; SIDE]; SIDE] = std::array::from_fn(|row| {
                        let start = (i + row) * columns + j;
                        from[start..start + SIDE].try_into().unwrap_or(&[0.0; SIDE])
                    });
                    for column in 0..SIDE {
                        let turned: [f32; SIDE] = std::array::from_fn(|row| square[row][column]);
                        to[(j + column) * rows + i..][..SIDE].copy_from_slice(&turned);
                    }
                }
            }
        },
    );
    let mut one = |i: usize, j: usize| to[j * rows + i] = from[i * columns + j];
    for i in 0..rows {
        let rest = if i < whole_rows { whole_columns } else { 0 };
        (rest..columns).for_each(|j| one(i, j));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_place() {
        for (rows, columns) in [(1, 1), (3, 5), (8, 8), (9, 17), (32, 49), (64, 3), (16, 24)] {
            let from: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let mut to = vec![-1.0; from.len()];
            transpose(&mut to, &from, rows, columns);
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                assert_eq!(to[j * rows + i], from[i * columns + j], "{rows} × {columns}");
            }
        }
    }
}
