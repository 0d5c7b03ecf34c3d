//! Covariances of the rows of a linear map's input and target, accumulated in double precision.

use crate::kernels::{Matrix, add_rows, add_squares, product, subtract_row};

/// Rows that are multiplied at a time, in single precision: so few that their sums are exact to six digits. These sums are
/// added in double precision.
pub(super) const ROWS: usize = 512;
/// Columns of the Gram matrix that are multiplied at a time.
const PANEL: usize = 96;

/// Sums of products of the rows of the input x, of `inputs` numbers, and of the target y, of `outputs` numbers.
pub(super) struct CovarianceSums {
    inputs: usize,
    outputs: usize,
    gram: Vec<f64>,
    cross: Vec<f64>,
    target_squares: Vec<f64>,
    mean_x: Vec<f64>,
    mean_y: Vec<f64>,
    /// The means of the first rows, which are subtracted from all: near enough to the means of all that no digits are lost.
    near: Option<[Vec<f64>; 2]>,
    room: Vec<f32>,
}

/// Means and covariances of the rows of x and y.
pub(super) struct Covariances {
    /// `[inputs, inputs]`: of x, the lower half.
    pub gram: Vec<f64>,
    /// `[inputs, outputs]`: of x and y.
    pub cross: Vec<f64>,
    /// `[outputs]`: the variances of y.
    pub variances: Vec<f64>,
    pub mean_x: Vec<f64>,
    pub mean_y: Vec<f64>,
}

impl CovarianceSums {
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self {
            inputs,
            outputs,
            gram: vec![0.0; inputs * inputs],
            cross: vec![0.0; inputs * outputs],
            target_squares: vec![0.0; outputs],
            mean_x: vec![0.0; inputs],
            mean_y: vec![0.0; outputs],
            near: None,
            room: vec![0.0; inputs * outputs.max(PANEL)],
        }
    }

    /// Adds rows of x and y.
    pub fn add(&mut self, mut x: Vec<f32>, mut y: Vec<f32>) {
        let Self { inputs, outputs, .. } = *self;
        let rows = x.len() / inputs;
        let [near_x, near_y] = self.near.get_or_insert_with(|| [mean(&x, inputs), mean(&y, outputs)]);
        subtract_row(&mut x, near_x);
        subtract_row(&mut y, near_y);
        add_rows(&mut self.mean_x, &x);
        add_rows(&mut self.mean_y, &y);
        add_squares(&mut self.target_squares, &y);
        let (left, right) = (Matrix::new(&x, rows, inputs), Matrix::new(&y, rows, outputs));
        // The Gram matrix is symmetric: of each panel of its columns only what lies on the diagonal or below.
        for start in (0..inputs).step_by(PANEL) {
            let panel = start..(start + PANEL).min(inputs);
            let out = &mut self.room[..(inputs - start) * panel.len()];
            product(out, left.columns_of(start..inputs).transposed(), left.columns_of(panel.clone()));
            for (row, out) in self.gram[start * inputs..].chunks_mut(inputs).zip(out.chunks(panel.len())) {
                add_rows(&mut row[panel.clone()], out);
            }
        }
        let out = &mut self.room[..inputs * outputs];
        product(out, left.transposed(), right);
        add_rows(&mut self.cross, out);
    }

    /// The means and covariances of all rows, of which there are `count`.
    pub fn into_covariances(self, count: f64) -> Covariances {
        let Self { inputs, outputs, mut gram, mut cross, target_squares, mut mean_x, mut mean_y, near, .. } = self;
        let mut variances = target_squares;
        let all = [&mut gram, &mut cross, &mut variances, &mut mean_x, &mut mean_y];
        all.into_iter().flatten().for_each(|sum| *sum /= count);
        for (i, x) in mean_x.iter().enumerate() {
            gram[i * inputs..=i * (inputs + 1)].iter_mut().zip(&mean_x).for_each(|(sum, y)| *sum -= x * y);
            cross[i * outputs..(i + 1) * outputs].iter_mut().zip(&mean_y).for_each(|(sum, y)| *sum -= x * y);
        }
        variances.iter_mut().zip(&mean_y).for_each(|(sum, y)| *sum -= y * y);
        if let Some([near_x, near_y]) = near {
            mean_x.iter_mut().zip(&near_x).for_each(|(mean, near)| *mean += near);
            mean_y.iter_mut().zip(&near_y).for_each(|(mean, near)| *mean += near);
        }
        Covariances { gram, cross, variances, mean_x, mean_y }
    }
}

/// The mean of every column.
fn mean(rows: &[f32], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    add_rows(&mut sums, rows);
    let count = (rows.len() / columns.max(1)) as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}
