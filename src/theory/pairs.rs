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
    /// The same as `[terms, padded]`, each term's numbers side by side.
    by_term: Vec<f64>,
    padded: usize,
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

    /// `[samples, terms]`: the coefficients less those of a sample.
    fn less(&self, reference: &[f64]) -> Vec<f64> {
        let mut less = self.coefficients.clone();
        less.chunks_mut(reference.len()).for_each(|row| row.iter_mut().zip(reference).for_each(|(x, y)| *x -= y));
        less
    }
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
                Lengths { roots, squares, means, coefficients: Vec::new(), by_term: Vec::new(), padded: 0 }
            }
            Rule::Hermite(hermite) => hermite.lengths(roots),
        }
    }

    /// Replaces E[(u − u′)²] by E[(φ(u) − φ(u′))²] for every u of `left` and u′ of `right`, `[left, right]`.
    pub fn apart(&self, left: &Lengths, right: &Lengths, apart: &mut [f64]) {
        let n = right.roots.len().max(1);
        match &self.0 {
            Rule::Homogeneous { odd, even } => {
                for (row, r) in apart.chunks_mut(n).zip(&left.roots) {
                    row.iter_mut().zip(&right.roots).for_each(|(x, s)| *x = homogeneous(*odd, *even, *r, *s, *x));
                }
            }
            Rule::Hermite(hermite) => {
                let mut lengths = vec![0.0; apart.len()];
                by_lengths(left, right, &mut lengths);
                let coefficients = left.coefficients.chunks(left.terms());
                for (((row, lengths), a), r) in
                    apart.chunks_mut(n).zip(lengths.chunks(n)).zip(coefficients).zip(&left.roots)
                {
                    let gaps = |row: &[f64]| row.iter().zip(&right.roots).map(|(x, s)| gap(*r, *s, *x)).collect();
                    let of_tail: Option<(f64, Vec<f64>)> = hermite.tail.map(|begins| (begins, gaps(row)));
                    vectorised(
                        #[inline(always)]
                        || hermite_row(a, *r, right, hermite.is_odd, lengths, row),
                    );
                    if let Some((begins, gaps)) = of_tail {
                        add_tail(a, right, begins, &gaps, row);
                    }
                }
            }
        }
    }
}

/// Σ (a_k − a′_k)², by which two activations differ that are wholly correlated, `[left, right]`. As a product of matrices, of
/// coefficients less those of one sample, so that nothing cancels that is not as small.
fn by_lengths(left: &Lengths, right: &Lengths, out: &mut [f64]) {
    let (n, terms) = (right.roots.len(), right.terms());
    let reference = &right.coefficients[..terms];
    let (x, y) = (left.less(reference), right.less(reference));
    let squares = |x: &[f64]| x.chunks(terms).map(|x| x.iter().map(|x| x * x).sum::<f64>()).collect::<Vec<_>>();
    product(out, Matrix::new(&x, left.roots.len(), terms), Matrix::new(&y, n, terms).transposed());
    let (of_x, of_y) = (squares(&x), squares(&y));
    for ((row, x), r) in out.chunks_mut(n).zip(of_x).zip(&left.roots) {
        for ((product, y), s) in row.iter_mut().zip(&of_y).zip(&right.roots) {
            *product = if are_same(*r, *s) { 0.0 } else { (x + y - 2.0 * *product).max(0.0) };
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

/// Adds to `lengths` what the angle makes of it, 2 Σ a_k a′_k (1 − c^k). With (1 − c^k) = (1 − c)(1 + c + … + c^(k−1)) nothing
/// cancels near c = 1; from the last term on, each power of c has the sum of all a a′ behind it.
#[inline(always)]
fn hermite_row(left: &[f64], r: f64, right: &Lengths, is_odd: bool, lengths: &[f64], row: &mut [f64]) {
    for (at, (row, lengths)) in row.chunks_mut(LANES).zip(lengths.chunks(LANES)).enumerate() {
        let start = at * LANES;
        let mut gaps = [0.0; LANES];
        for ((gap_of, apart), other) in gaps.iter_mut().zip(&*row).zip(&right.roots[start..]) {
            *gap_of = gap(r, *other, *apart);
        }
        // For an odd φ a polynomial in c²: (1 − c^k)/(1 − c) is 1 + (c + c²)(1 + c² + … + c^(k−3)).
        let mut power = [0.0; LANES];
        for (power, gap) in power.iter_mut().zip(&gaps) {
            let c = 1.0 - gap;
            *power = if is_odd { c * c } else { c };
        }
        let (mut products, mut sums) = ([0.0_f64; LANES], [0.0_f64; LANES]);
        let by_term = right.by_term.chunks_exact(right.padded);
        // The last number stands for the terms left out.
        for (a, others) in left[..left.len() - 1].iter().zip(by_term).skip(1).rev() {
            let others = &others[start..start + LANES];
            for lane in 0..LANES {
                products[lane] = a.mul_add(others[lane], products[lane]);
                sums[lane] = sums[lane].mul_add(power[lane], products[lane]);
            }
        }
        // The first term: a_1 of an odd φ, and a_0, which no angle changes, of any other.
        if is_odd {
            let others = &right.by_term[start..start + LANES];
            for lane in 0..LANES {
                let c = 1.0 - gaps[lane];
                sums[lane] = left[0].mul_add(others[lane], products[lane]) + (c + c * c) * sums[lane];
            }
        }
        for ((apart, lengths), (gap, sum)) in row.iter_mut().zip(lengths).zip(gaps.iter().zip(&sums)) {
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
        let padded = roots.len().next_multiple_of(LANES);
        let mut by_term = vec![0.0; terms * padded];
        for (i, row) in coefficients.chunks(terms).enumerate() {
            by_term.iter_mut().skip(i).step_by(padded).zip(row).for_each(|(by_term, a)| *by_term = *a);
        }
        Lengths { roots, squares, means, coefficients, by_term, padded }
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
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::super::moments::GAUSS_LEGENDRE;
    use super::*;
    use crate::kernels::Activation;

    /// The mean of f over a normal variable, by panels between `breaks` that are at most one wide.
    fn mean(mut breaks: Vec<f64>, f: impl Fn(f64) -> f64) -> f64 {
        breaks.extend((-9..=9).map(f64::from));
        breaks.retain(|x| x.abs() <= 9.0);
        breaks.sort_by(f64::total_cmp);
        let panel = |ends: &[f64]| {
            let (centre, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
            let at = |(t, weight): &(f64, f64)| {
                let z = centre + half * t;
                weight * half * libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt() * f(z)
            };
            GAUSS_LEGENDRE.iter().map(at).sum::<f64>()
        };
        breaks.windows(2).map(panel).sum()
    }

    /// E[(φ(u) − φ(u′))²] by quadrature in two dimensions.
    fn by_quadrature(phi: &Nonlinearity, kinks: &[f64], [r, s]: [f64; 2], gap: f64) -> f64 {
        let (c, sine) = (1.0 - gap, (gap * (2.0 - gap)).sqrt());
        let near = |z: f64| (-12..=12).map(move |k| z + sine * f64::from(k)).chain([z]);
        let outer = kinks.iter().flat_map(|kink| near(kink / r).chain(near(kink / (s * c)))).collect();
        mean(outer, |z| {
            let inner = kinks.iter().map(|kink| (kink / s - c * z) / sine).collect();
            let value = phi.value(r * z);
            mean(inner, |w| (phi.value(s * (c * z + sine * w)) - value).powi(2))
        })
    }

    /// Relative error of distances, for lengths that differ and lengths that do not.
    fn error(phi: &Nonlinearity, kinks: &[f64], gap: f64) -> f64 {
        // Distances that are small beside those of the lengths lose digits.
        let lengths: [f64; 3] = if gap < 1e-6 { [0.6; 3] } else { [0.3, 0.6, 1.2] };
        let pairs = Pairs::new(phi, lengths[0], lengths[2]);
        let of_each = pairs.lengths(&lengths);
        let mut worst = 0.0_f64;
        let roots = lengths.map(f64::sqrt);
        let mut apart: Vec<f64> =
            roots.iter().flat_map(|r| roots.map(|s| (r - s).powi(2) + 2.0 * r * s * gap)).collect();
        pairs.apart(&of_each, &of_each, &mut apart);
        for (i, found) in apart.iter().enumerate() {
            let expected = by_quadrature(phi, kinks, [roots[i / 3], roots[i % 3]], gap);
            worst = worst.max((found / expected - 1.0).abs());
        }
        worst
    }

    #[test]
    fn distances_of_smooth_activations_agree_with_quadrature() {
        for name in ["tanh", "erf", "gelu", "silu", "sigmoid", "softplus", "erf_unit_slope", "linear"] {
            let phi = Nonlinearity::named(name).unwrap();
            for gap in [1e-12, 1e-6, 1e-3, 0.1, 0.9, 1.6] {
                let error = error(&phi, &[], gap);
                assert!(error < 1e-9, "{name} {gap}: {error:e}");
            }
        }
    }

    #[test]
    fn distances_of_activations_with_a_kink_at_0_have_a_closed_form() {
        let own = Nonlinearity::custom("|x| + x/3", |x| x.abs() + x / 3.0).unwrap();
        let [relu, leaky] = ["relu", "leaky_relu"].map(|name| Nonlinearity::named(name).unwrap());
        for phi in [relu, leaky, own] {
            for gap in [1e-9, 1e-6, 1e-3, 0.1, 0.9, 1.6] {
                let error = error(&phi, &[0.0], gap);
                assert!(error < 1e-9, "{} {gap}: {error:e}", phi.name());
            }
        }
    }

    /// Other kinks: the end of the series is a power law.
    #[test]
    fn distances_of_activations_with_kinks_are_good_to_a_thousandth() {
        let hardtanh = Nonlinearity::of(&Activation::named("hardtanh").unwrap()).unwrap();
        let elu = Nonlinearity::of(&Activation::named("elu").unwrap()).unwrap();
        for (phi, kinks) in [(hardtanh, vec![-1.0, 1.0]), (elu, vec![0.0])] {
            for gap in [1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.9, 1.6] {
                let error = error(&phi, &kinks, gap);
                let bound = if gap < 0.005 { 5e-4 } else { 2e-6 };
                assert!(error < bound, "{} {gap}: {error:e}", phi.name());
            }
        }
    }
}
