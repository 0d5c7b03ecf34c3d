//! The measures. Each compares a batch of inputs p, `[samples, pixels]`, with reconstructions r of the same shape. A value
//! that is not finite (from a pixel of zero variance, a constant image, a diverged network) is a result like any other.

use super::eigenvalues::symmetric_eigenvalues;

/// Added to shifted pixels before they are normalised, as in the published program.
const OFFSET: f64 = 1e-12;

/// What is measured at every depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Kullback–Leibler divergence of r from p, nats, one number per sample.
    Relative,
    /// Differential entropy of a Gaussian per pixel, nats, of samples that are shifted and normalised as for the relative
    /// entropy: the published form.
    Differential,
    /// The same, of samples that are divided by their sum without a shift.
    DifferentialUnshifted,
    /// Entropy of the normalised Gram matrix, in 0 to 1.
    Gram,
    /// 1 − residual / variance: 1 is perfect, 0 is no better than the mean image.
    ExplainedVariance,
    /// Mean squared error, one number per sample.
    SquaredError,
}

impl Measure {
    /// Whether it gives one number per sample.
    pub fn is_per_sample(self) -> bool {
        matches!(self, Self::Relative | Self::SquaredError)
    }

    /// The measure of a batch: one number, or one per sample. `pixels`, the numbers of one sample, is at least 1.
    pub fn evaluate<R: Copy + Into<f64>>(self, p: &[f32], r: &[R], pixels: usize) -> Vec<f64> {
        match self {
            Self::Relative => pairs(p, r, pixels).map(|(p, r)| relative(p, r)).collect(),
            Self::SquaredError => pairs(p, r, pixels).map(|(p, r)| squared_distance(p, r) / pixels as f64).collect(),
            Self::Differential => vec![differential(r, pixels, shifted)],
            Self::DifferentialUnshifted => {
                vec![differential(r, pixels, |x| normalised(x.iter().map(|&x| x.into())))]
            }
            Self::Gram => vec![gram(r, pixels)],
            Self::ExplainedVariance => vec![explained_variance(p, r, pixels)],
        }
    }
}

fn pairs<'a, R>(p: &'a [f32], r: &'a [R], pixels: usize) -> impl Iterator<Item = (&'a [f32], &'a [R])> {
    p.chunks(pixels).zip(r.chunks(pixels))
}

fn normalised(x: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut x: Vec<f64> = x.collect();
    let sum: f64 = x.iter().sum();
    x.iter_mut().for_each(|x| *x /= sum);
    x
}

/// A sample less its own minimum, plus 1e-12, divided by its own sum.
fn shifted<R: Copy + Into<f64>>(x: &[R]) -> Vec<f64> {
    // f64::min ignores NaN; the differences and the sum propagate it.
    let least = x.iter().fold(f64::INFINITY, |least, &x| least.min(x.into()));
    normalised(x.iter().map(|&x| x.into() - least + OFFSET))
}

fn relative<R: Copy + Into<f64>>(p: &[f32], r: &[R]) -> f64 {
    shifted(p).iter().zip(shifted(r)).map(|(p, r)| p * libm::log(p / r)).sum()
}

fn squared_distance<R: Copy + Into<f64>>(p: &[f32], r: &[R]) -> f64 {
    p.iter().zip(r).map(|(&p, &r)| (r.into() - f64::from(p)).powi(2)).sum()
}

/// Mean over pixels of ½ ln 2πe + ln std over the batch (n − 1).
fn differential<R>(r: &[R], pixels: usize, normalise: impl Fn(&[R]) -> Vec<f64>) -> f64 {
    let rows: Vec<Vec<f64>> = r.chunks(pixels).map(normalise).collect();
    let n = rows.len() as f64;
    let log_deviation = |pixel: usize| {
        let mean = rows.iter().map(|row| row[pixel]).sum::<f64>() / n;
        let squares: f64 = rows.iter().map(|row| (row[pixel] - mean).powi(2)).sum();
        libm::log(libm::sqrt(squares / (n - 1.0)))
    };
    let constant = 0.5 * libm::log(2.0 * std::f64::consts::PI * std::f64::consts::E);
    constant + (0..pixels).map(log_deviation).sum::<f64>() / pixels as f64
}

/// S = −tr(G ln G) / ln n for G = X Xᵀ / n, the samples centred and of unit length.
fn gram<R: Copy + Into<f64>>(r: &[R], pixels: usize) -> f64 {
    let rows: Vec<Vec<f64>> = r
        .chunks(pixels)
        .map(|row| {
            let mean = row.iter().map(|&x| x.into()).sum::<f64>() / pixels as f64;
            let mut row: Vec<f64> = row.iter().map(|&x| x.into() - mean).collect();
            let length = libm::sqrt(row.iter().map(|x| x * x).sum());
            row.iter_mut().for_each(|x| *x /= length);
            row
        })
        .collect();
    let n = rows.len();
    let product = |i: usize, j: usize| rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum::<f64>() / n as f64;
    let matrix: Vec<f64> = (0..n * n).map(|k| product(k / n, k % n)).collect();
    if matrix.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    // Rounding gives eigenvalues of about −1e-17 in place of 0, where x ln x is 0.
    let eigenvalues = symmetric_eigenvalues(matrix, n);
    let terms = eigenvalues.iter().filter(|&&x| x > 0.0).map(|&x| x * libm::log(x)).sum::<f64>();
    -terms / libm::log(n as f64)
}

fn explained_variance<R: Copy + Into<f64>>(p: &[f32], r: &[R], pixels: usize) -> f64 {
    let n = (p.len() / pixels) as f64;
    let mean: Vec<f64> =
        (0..pixels).map(|pixel| p.iter().skip(pixel).step_by(pixels).map(|&x| f64::from(x)).sum::<f64>() / n).collect();
    let variance: f64 =
        p.chunks(pixels).flat_map(|row| row.iter().zip(&mean)).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum();
    1.0 - squared_distance(p, r) / variance
}
