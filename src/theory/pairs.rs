//! What an activation φ makes of pairs of Gaussian preactivations u, u′: E[(φ(u) − φ(u′))²], from E[u²], E[u′²] and
//! E[(u − u′)²].
//!
//! Squared distances, not products: in the ordered phase all products agree to the last digit, and what is left of the input
//! is in the differences. Every sum here has non-negative terms, so that a distance of 1e-30 is as exact as one of 1.

#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

use super::moments::Node;
use super::nonlinearity::Nonlinearity;
use crate::kernels::{Matrix, product, vectorised};

/// Pairs that are computed side by side.
const LANES: usize = 16;
/// Terms of the Hermite series: as many as leave [`COMPLETE`] of E[φ²], at most these.
const MOST_TERMS: usize = 512;
/// Polynomials in √q by which the coefficients are interpolated, within these bounds.
const LEAST_DEGREE: usize = 16;
const LARGEST_DEGREE: usize = 128;
/// The series is complete when no more than this of E[φ²] is left out.
const COMPLETE: f64 = 1e-13;
/// The coefficients are resolved when the last polynomials have no more than this of the largest.
const RESOLVED: f64 = 1e-13;
/// Added to what an incomplete series leaves out, relative to E[φ²]: a root amplifies rounding errors at 0.
const FLOOR: f64 = 1e-12;
/// Beyond this, what is left of the terms that an incomplete series leaves out is below rounding errors.
const VANISHED: f64 = 40.0;

/// The rule for pairs of preactivations whose lengths, the variances q, lie in a range.
#[derive(Debug)]
pub struct Pairs(Rule);

#[derive(Debug)]
enum Rule {
    /// φ(x) = odd·x + even·|x|.
    Homogeneous { odd: f64, even: f64 },
    /// With normalised Hermite polynomials h_k and a_k(q) = E[φ(√q z) h_k(z)], E[φφ′] = Σ a_k(q) a_k(q′) c^k.
    Hermite(Hermite),
}

#[derive(Debug)]
struct Hermite {
    activation: Nonlinearity,
    terms: usize,
    /// Whether φ is odd: then so are the k of all terms.
    is_odd: bool,
    /// Of an incomplete series: where the power law begins that stands for its other terms.
    tail: Option<f64>,
    /// Chebyshev series in √q of the coefficients and of E[φ²], `[degree, columns]`, and the range of √q that they hold for.
    series: Vec<f64>,
    range: (f64, f64),
}

/// Preactivations of a set of samples: their lengths, and what [`Pairs`] needs of each.
#[derive(Debug)]
pub struct Lengths {
    /// √q.
    roots: Vec<f64>,
    /// E[φ²].
    squares: Vec<f64>,
    /// E[φ].
    means: Vec<f64>,
    /// `[samples, terms]`: the coefficients, and √(E[φ²] − Σ a_k²) for the terms left out.
    coefficients: Vec<f64>,
}

impl Lengths {
    /// `E[φ²]` of every sample.
    pub fn squares(&self) -> &[f64] {
        &self.squares
    }

    /// `E[φ]` of every sample.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Number of coefficients of a sample.
    fn terms(&self) -> usize {
        self.coefficients.len() / self.roots.len().max(1)
    }

    /// The coefficients of the first sample.
    fn reference(&self) -> &[f64] {
        &self.coefficients[..self.terms()]
    }

    /// `[samples, terms]`: the coefficients less those of a sample.
    fn less(&self, reference: &[f64]) -> Vec<f64> {
        let mut less = self.coefficients.clone();
        less.chunks_mut(reference.len().max(1))
            .for_each(|row| row.iter_mut().zip(reference).for_each(|(x, y)| *x -= y));
        less
    }
}

/// Preactivations that others stand beside, the columns of a matrix of pairs.
#[derive(Debug)]
pub struct Columns {
    lengths: Lengths,
    /// Number of them, rounded up.
    padded: usize,
    /// Their coefficients, `[terms, padded]`: each term's numbers side by side.
    by_term: Vec<f64>,
    /// The same less the coefficients of the first of them, and the sum of squares of each, `[padded]`.
    less: Vec<f64>,
    of_less: Vec<f64>,
}

impl Columns {
    fn new(lengths: Lengths) -> Self {
        let padded = lengths.roots.len().next_multiple_of(LANES);
        let less = lengths.less(lengths.reference());
        let mut of_less: Vec<f64> = less.chunks(lengths.terms().max(1)).map(sum_of_squares).collect();
        of_less.resize(padded, 0.0);
        let by_term = |numbers: &[f64]| {
            let terms = lengths.terms();
            let mut by_term = vec![0.0; terms * padded];
            for (i, row) in numbers.chunks(terms.max(1)).enumerate() {
                by_term.iter_mut().skip(i).step_by(padded).zip(row).for_each(|(by_term, a)| *by_term = *a);
            }
            by_term
        };
        Self { by_term: by_term(&lengths.coefficients), less: by_term(&less), of_less, padded, lengths }
    }

    /// The lengths.
    pub fn lengths(&self) -> &Lengths {
        &self.lengths
    }
}

fn sum_of_squares(numbers: &[f64]) -> f64 {
    numbers.iter().map(|x| x * x).sum()
}

impl Pairs {
    /// The rule for lengths from about `shortest` to `longest`. Beyond, it is as exact but slower.
    pub fn new(activation: &Nonlinearity, shortest: f64, longest: f64) -> Self {
        match activation.homogeneous() {
            Some((odd, even)) => Self(Rule::Homogeneous { odd, even }),
            None => Self(Rule::Hermite(Hermite::new(activation, (shortest.sqrt(), longest.sqrt())))),
        }
    }

    /// Whether the rule is fast for these lengths.
    pub fn covers(&self, shortest: f64, longest: f64) -> bool {
        match &self.0 {
            Rule::Homogeneous { .. } => true,
            Rule::Hermite(Hermite { range: (low, high), .. }) => *low <= shortest.sqrt() && longest.sqrt() <= *high,
        }
    }

    /// What is needed of preactivations of the lengths `q`.
    pub fn lengths(&self, q: &[f64]) -> Lengths {
        let roots: Vec<f64> = q.iter().map(|q| q.max(0.0).sqrt()).collect();
        match &self.0 {
            Rule::Homogeneous { odd, even } => {
                let squares = roots.iter().map(|root| (odd * odd + even * even) * root * root).collect();
                // E|z| for a normal z.
                let means = roots.iter().map(|root| even * std::f64::consts::FRAC_2_PI.sqrt() * root).collect();
                Lengths { roots, squares, means, coefficients: Vec::new() }
            }
            Rule::Hermite(hermite) => hermite.lengths(roots),
        }
    }

    /// The same of preactivations that others stand beside.
    pub fn columns(&self, q: &[f64]) -> Columns {
        Columns::new(self.lengths(q))
    }

    /// Replaces E[(u − u′)²] by E[(φ(u) − φ(u′))²] for every u of `left` and u′ of `right`, `[left, right]`.
    pub fn apart(&self, left: &Lengths, right: &Columns, apart: &mut [f64]) {
        let of_right = &right.lengths.roots;
        let n = of_right.len().max(1);
        match &self.0 {
            Rule::Homogeneous { odd, even } => {
                for (row, r) in apart.chunks_mut(n).zip(&left.roots) {
                    row.iter_mut().zip(of_right).for_each(|(x, s)| *x = homogeneous(*odd, *even, *r, *s, *x));
                }
            }
            Rule::Hermite(hermite) => {
                let less = left.less(right.lengths.reference());
                let terms = left.terms().max(1);
                let rows = left.roots.iter().zip(left.coefficients.chunks(terms)).zip(less.chunks(terms));
                for (row, ((r, coefficients), less)) in apart.chunks_mut(n).zip(rows) {
                    let gaps = |row: &[f64]| row.iter().zip(of_right).map(|(x, s)| gap(*r, *s, *x)).collect();
                    let of_tail: Option<(f64, Vec<f64>)> = hermite.tail.map(|begins| (begins, gaps(row)));
                    let left = Left { root: *r, coefficients, less, of_less: sum_of_squares(less) };
                    vectorised(
                        #[inline(always)]
                        || hermite_row(left, right, hermite.is_odd, row),
                    );
                    if let Some((begins, gaps)) = of_tail {
                        add_tail(coefficients, &right.lengths, begins, &gaps, row);
                    }
                }
            }
        }
    }
}

/// Whether lengths r² and s² are the same but for rounding errors.
#[inline(always)]
fn are_same(r: f64, s: f64) -> bool {
    (r - s).abs() <= 4.0 * f64::EPSILON * r
}

/// 1 − c for preactivations of lengths r² and s².
#[inline(always)]
pub fn gap(r: f64, s: f64, apart: f64) -> f64 {
    let (difference, size) = (if are_same(r, s) { 0.0 } else { r - s }, 2.0 * r * s);
    if size > 0.0 { ((apart - difference * difference) / size).clamp(0.0, 2.0) } else { 0.0 }
}

/// E[(φ(u) − φ(u′))²] for φ(x) = odd·x + even·|x|: with the angle θ between u and u′, E|u||u′| follows from
/// sin θ − θ cos θ (Cho & Saul 2009).
fn homogeneous(odd: f64, even: f64, r: f64, s: f64, apart: f64) -> f64 {
    let gap = gap(r, s, apart);
    let theta = 2.0 * libm::asin((0.5 * gap).sqrt());
    // sin θ − θ cos θ by its series where the two cancel.
    let arc = if theta < 0.1 {
        let t = theta * theta;
        theta * t * (1.0 / 3.0 - t * (1.0 / 30.0 - t * (1.0 / 840.0 - t * (1.0 / 45_360.0))))
    } else {
        libm::sin(theta) - theta * libm::cos(theta)
    };
    let magnitudes = (r - s) * (r - s) + 2.0 * r * s * (gap - std::f64::consts::FRAC_2_PI * arc).max(0.0);
    odd * odd * apart + even * even * magnitudes
}

/// One sample beside all columns.
#[derive(Clone, Copy)]
struct Left<'a> {
    root: f64,
    coefficients: &'a [f64],
    /// Its coefficients less those that [`Columns`] are less, and the sum of their squares.
    less: &'a [f64],
    of_less: f64,
}

/// What two activations differ by that are wholly correlated, Σ (a_k − a′_k)², of coefficients less those of one sample, so that
/// nothing cancels that is not as small; and what the angle adds to it, 2 Σ a_k a′_k (1 − c^k). With
/// (1 − c^k) = (1 − c)(1 + c + … + c^(k−1)) nothing cancels near c = 1; from the last term on, each power of c has the sum of all
/// a a′ behind it.
#[inline(always)]
fn hermite_row(left: Left<'_>, right: &Columns, is_odd: bool, row: &mut [f64]) {
    let ([first, middle @ .., _], [first_less, middle_less @ .., last_less]) = (left.coefficients, left.less) else {
        return;
    };
    for (at, row) in row.chunks_mut(LANES).enumerate() {
        let start = at * LANES;
        let roots = &right.lengths.roots[start..];
        let mut gaps = [0.0; LANES];
        for ((gap_of, apart), other) in gaps.iter_mut().zip(&*row).zip(roots) {
            *gap_of = gap(left.root, *other, *apart);
        }
        // For an odd φ a polynomial in c²: (1 − c^k)/(1 − c) is 1 + (c + c²)(1 + c² + … + c^(k−3)).
        let mut power = [0.0; LANES];
        for (power, gap) in power.iter_mut().zip(&gaps) {
            let c = 1.0 - gap;
            *power = if is_odd { c * c } else { c };
        }
        let term = |numbers: &[f64], k: usize| {
            let mut term = [0.0; LANES];
            term.copy_from_slice(&numbers[k * right.padded + start..][..LANES]);
            term
        };
        let (mut products, mut sums, mut same) = ([0.0_f64; LANES], [0.0_f64; LANES], [0.0_f64; LANES]);
        // The last number stands for the terms left out, whose angle is not here.
        let less_of_last = term(&right.less, middle.len() + 1);
        for lane in 0..LANES {
            same[lane] = last_less * less_of_last[lane];
        }
        for (before, (a, b)) in middle.iter().zip(middle_less).enumerate().rev() {
            let (others, less) = (term(&right.by_term, before + 1), term(&right.less, before + 1));
            for lane in 0..LANES {
                products[lane] = a.mul_add(others[lane], products[lane]);
                sums[lane] = sums[lane].mul_add(power[lane], products[lane]);
                same[lane] = b.mul_add(less[lane], same[lane]);
            }
        }
        // The first term: a_1 of an odd φ, and a_0, which no angle changes, of any other.
        let (others, less) = (term(&right.by_term, 0), term(&right.less, 0));
        for lane in 0..LANES {
            same[lane] = first_less.mul_add(less[lane], same[lane]);
            if is_odd {
                let c = 1.0 - gaps[lane];
                sums[lane] = first.mul_add(others[lane], products[lane]) + (c + c * c) * sums[lane];
            }
        }
        let found = same.iter().zip(&sums).zip(gaps.iter().zip(&right.of_less[start..]));
        for ((apart, other), ((same, sum), (gap, of_less))) in row.iter_mut().zip(roots).zip(found) {
            let lengths =
                if are_same(left.root, *other) { 0.0 } else { (left.of_less + of_less - 2.0 * same).max(0.0) };
            *apart = lengths + 2.0 * gap * sum;
        }
    }
}

/// Adds what the terms left out make of the angle, 2 Σ a_k a′_k (1 − c^k). A kink gives them a power law: a_k² falls as
/// k^(−5/2) from k = `begins` on, by which the sum is 1 − 3/2 E_{5/2}(−begins ln c) of all of them.
fn add_tail(left: &[f64], right: &Lengths, begins: f64, gaps: &[f64], row: &mut [f64]) {
    let (Some(a), terms) = (left.last(), right.terms()) else { return };
    for ((row, gap), others) in row.iter_mut().zip(gaps).zip(right.coefficients.chunks(terms)) {
        let y = if *gap < 1.0 { -begins * libm::log1p(-gap) } else { f64::INFINITY };
        let share = if y > VANISHED {
            1.0
        } else {
            let root = y.sqrt();
            let power = libm::exp(-y);
            2.0 * y * (power - std::f64::consts::PI.sqrt() * root * libm::erfc(root)) - libm::expm1(-y)
        };
        *row += 2.0 * a * others[terms - 1] * share;
    }
}

impl Hermite {
    fn new(activation: &Nonlinearity, (least, largest): (f64, f64)) -> Self {
        // The series decays slowest at the greatest length.
        let (at_largest, [square, slope]) = coefficients(activation, largest, MOST_TERMS);
        let size = at_largest.iter().fold(0.0_f64, |size, a| size.max(a.abs()));
        let is_odd = at_largest.iter().step_by(2).all(|a| a.abs() <= 1e-14 * size);
        let mut left_out = square;
        let enough = at_largest.iter().position(|a| {
            left_out -= a * a;
            left_out <= COMPLETE * square
        });
        // Even, so that an odd φ has as many odd terms as even ones.
        let terms = enough.unwrap_or(MOST_TERMS).next_multiple_of(2);
        // Σ k a_k² is known as well, and that of a power law is three times where it begins.
        let slope_left: f64 = slope - (0..).zip(&at_largest).map(|(k, a)| f64::from(k) * a * a).sum::<f64>();
        let begins = (slope_left / (3.0 * left_out)).max(0.5 * terms as f64);
        // A range of no width has no polynomial.
        let (centre, half) =
            (0.5 * (least + largest), (0.5 * (largest - least)).max(1e-3 * largest).max(f64::MIN_POSITIVE));
        let mut hermite = Self {
            activation: activation.clone(),
            terms,
            is_odd,
            tail: enough.is_none().then_some(begins),
            series: Vec::new(),
            range: (centre - half, centre + half),
        };
        let mut degree = LEAST_DEGREE;
        loop {
            hermite.series = hermite.chebyshev(degree);
            let (all, last) = hermite.series.split_at((degree - 2) * hermite.columns());
            let size = all.iter().fold(0.0_f64, |size, c| size.max(c.abs()));
            if degree == LARGEST_DEGREE || last.iter().all(|c| c.abs() <= RESOLVED * size) {
                return hermite;
            }
            degree *= 2;
        }
    }

    /// Numbers that are interpolated: the coefficients, and E[φ²].
    fn columns(&self) -> usize {
        1 + if self.is_odd { self.terms / 2 } else { self.terms + 1 }
    }

    /// These numbers at a length.
    fn at(&self, root: f64) -> Vec<f64> {
        let (all, [square, _]) = coefficients(&self.activation, root.max(0.0), self.terms);
        let step = 1 + usize::from(self.is_odd);
        all.into_iter().skip(step - 1).step_by(step).chain([square]).collect()
    }

    /// The Chebyshev series of [`Hermite::at`], `[degree, columns]`.
    fn chebyshev(&self, degree: usize) -> Vec<f64> {
        let n = degree as f64;
        let angles: Vec<f64> = (0..degree).map(|i| std::f64::consts::PI * (i as f64 + 0.5) / n).collect();
        let (low, high) = self.range;
        let values: Vec<f64> = angles
            .iter()
            .flat_map(|angle| self.at(0.5 * (low + high) + 0.5 * (high - low) * libm::cos(*angle)))
            .collect();
        let mut transform = vec![0.0; degree * degree];
        for (k, row) in transform.chunks_mut(degree).enumerate() {
            let scale = if k == 0 { 1.0 / n } else { 2.0 / n };
            row.iter_mut().zip(&angles).for_each(|(x, angle)| *x = scale * libm::cos(k as f64 * angle));
        }
        let mut series = vec![0.0; values.len()];
        let columns = values.len() / degree;
        product(&mut series, Matrix::new(&transform, degree, degree), Matrix::new(&values, degree, columns));
        series
    }

    /// [`Hermite::at`] for every length, `[lengths, columns]`.
    fn interpolated(&self, roots: &[f64]) -> Vec<f64> {
        let columns = self.columns();
        let degree = self.series.len() / columns;
        let (low, high) = self.range;
        let mut polynomials = Vec::with_capacity(roots.len() * degree);
        for root in roots {
            let t = (2.0 * root - low - high) / (high - low);
            let (mut before, mut now) = (t, 1.0);
            for _ in 0..degree {
                polynomials.push(now);
                (before, now) = (now, 2.0 * t * now - before);
            }
        }
        let mut found = vec![0.0; roots.len() * columns];
        let polynomials = Matrix::new(&polynomials, roots.len(), degree);
        product(&mut found, polynomials, Matrix::new(&self.series, degree, columns));
        for (row, root) in found.chunks_mut(columns).zip(roots) {
            if !(low..=high).contains(root) {
                row.copy_from_slice(&self.at(*root));
            }
        }
        found
    }

    fn lengths(&self, roots: Vec<f64>) -> Lengths {
        let terms = self.columns();
        let mut coefficients = self.interpolated(&roots);
        let mut squares = Vec::with_capacity(roots.len());
        for row in coefficients.chunks_mut(terms) {
            if let [a @ .., last] = row {
                squares.push(*last);
                let left_out = *last - a.iter().map(|a| a * a).sum::<f64>();
                *last = if self.tail.is_none() { 0.0 } else { (left_out.max(0.0) + FLOOR * *last).sqrt() };
            }
        }
        let mean = |row: &[f64]| if self.is_odd { 0.0 } else { row[0] };
        let means = coefficients.chunks(terms).map(mean).collect();
        Lengths { roots, squares, means, coefficients }
    }
}

/// a_0, …, a_terms at length q = `root`², and E[φ²] and q E[φ'²] = Σ k a_k², by the recurrence √(k+1) h_{k+1} = z h_k − √k h_{k−1}.
fn coefficients(activation: &Nonlinearity, root: f64, terms: usize) -> (Vec<f64>, [f64; 2]) {
    let nodes: Vec<Node> = activation.nodes(root * root, terms);
    let mean_square = |of: fn(&Node) -> f64| nodes.iter().map(|node| node.weight * of(node) * of(node)).sum::<f64>();
    let squares = [mean_square(|node| node.value), root * root * mean_square(|node| node.slope)];
    // (z, φ × weight, h_{k−1}, h_k)
    let mut states: Vec<_> = nodes.iter().map(|node| (node.z, node.value * node.weight, 0.0, 1.0)).collect();
    let coefficient = |k: usize| {
        let (scale, before) = (1.0 / ((k + 1) as f64).sqrt(), (k as f64).sqrt());
        let mut mean = 0.0;
        for (z, value, last, now) in &mut states {
            mean += *value * *now;
            (*last, *now) = (*now, (*z * *now - before * *last) * scale);
        }
        mean
    };
    ((0..=terms).map(coefficient).collect(), squares)
}

#[cfg(test)]
mod tests;
