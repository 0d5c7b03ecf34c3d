//! Means over a normal variable, by Gauss–Legendre quadrature between the kinks of the function.

use super::nonlinearity::Exact;
use super::piecewise::{Piece, evaluate, project};

/// Nodes per panel. Sixteen are exact to degree 31: a resolved function (degree 15) times the other factors of the integrand.
pub(super) const NODES: usize = 16;

/// Abscissae and weights on [−1, 1] (the roots of P₁₆, by Newton's method in 40-digit arithmetic).
pub(super) const GAUSS_LEGENDRE: [(f64, f64); NODES] = [
    (-0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
    (-0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (-0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (-0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (-0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (-0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (-0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (-0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
];

/// Standard deviations to either side. A Hermite function of any degree is below e^(−36) of its size here.
const REACH: f64 = 12.0;
/// Lower bound of √q: the limit q → 0 is reached here in double precision.
const LEAST_WIDTH: f64 = 1e-10;

/// The means of φ that both maps need at one length q, with x = √q z and z normal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// E[φ²].
    pub square: f64,
    /// E[φ'²].
    pub slope: f64,
    /// dE[φ²]/dq = E[zφφ']/√q, which is E[φ'² + φφ''] where φ'' exists (Stein).
    pub growth: f64,
}

/// φ and φ' at √q z, with the quadrature weight times the normal density.
pub(super) struct Node {
    pub z: f64,
    pub weight: f64,
    pub value: f64,
    pub slope: f64,
}

/// A quadrature rule at length `q` with panels no wider than `width` in z. `exact`, where given, is more accurate for φ and
/// φ' than the pieces.
pub(super) fn nodes(pieces: &[Piece], exact: Option<&Exact>, q: f64, width: f64) -> Vec<Node> {
    let scale = q.sqrt().max(LEAST_WIDTH);
    let mut nodes = Vec::new();
    for piece in pieces {
        let (left, right) = ((piece.left / scale).max(-REACH), (piece.right / scale).min(REACH));
        if left < right {
            let function = |x| exact.map_or_else(|| piece.at(x), |exact| exact.at(x));
            nodes.extend(nodes_between(left, right, width, scale, function));
        }
    }
    nodes
}

/// The same for a function without kinks, or with one at 0; `function` gives φ and φ'.
pub(super) fn smooth_nodes(function: impl Fn(f64) -> (f64, f64) + Copy, q: f64, width: f64) -> Vec<Node> {
    let scale = q.sqrt().max(LEAST_WIDTH);
    let half = |left, right| nodes_between(left, right, width, scale, function);
    half(-REACH, 0.0).into_iter().chain(half(0.0, REACH)).collect()
}

/// The rule from `left` to `right`, with x = `scale` z.
fn nodes_between(left: f64, right: f64, width: f64, scale: f64, function: impl Fn(f64) -> (f64, f64)) -> Vec<Node> {
    let panels = ((right - left) / width).ceil();
    let half = 0.5 * (right - left) / panels;
    let mut nodes = Vec::new();
    for panel in 0..panels as usize {
        let centre = left + (2.0 * panel as f64 + 1.0) * half;
        nodes.extend(GAUSS_LEGENDRE.iter().map(|(t, weight)| {
            let z = centre + half * t;
            let (value, slope) = function(scale * z);
            Node { z, weight: weight * half * density(z), value, slope }
        }));
    }
    nodes
}

fn density(z: f64) -> f64 {
    const PEAK: f64 = 0.398_942_280_401_432_7;
    PEAK * libm::exp(-0.5 * z * z)
}

impl Moments {
    pub fn over(nodes: &[Node], q: f64) -> Self {
        let (mut square, mut slope, mut growth) = (0.0, 0.0, 0.0);
        for node in nodes {
            square += node.weight * node.value * node.value;
            slope += node.weight * node.slope * node.slope;
            growth += node.weight * node.z * node.value * node.slope;
        }
        // As q → 0, φ² ≈ φ'(0)² q if φ(0) = 0; otherwise there is no fixed point at 0.
        let scale = q.sqrt();
        Self { square, slope, growth: if scale > LEAST_WIDTH { growth / scale } else { slope } }
    }
}

/// E[φ''²] of a φ without kinks. The slopes on a panel's nodes fix a polynomial; its slope is φ''.
pub(super) fn bending(nodes: &[Node], q: f64) -> f64 {
    let across = GAUSS_LEGENDRE[NODES - 1].0 - GAUSS_LEGENDRE[0].0;
    let mean = |panel: &[Node]| -> f64 {
        let half = (panel[NODES - 1].z - panel[0].z) / across * q.sqrt();
        let series = project(std::array::from_fn(|i| panel[i].slope));
        let bend = |t: f64| evaluate(&series, t).1 / half;
        panel.iter().zip(GAUSS_LEGENDRE).map(|(node, (t, _))| node.weight * bend(t) * bend(t)).sum()
    };
    nodes.chunks_exact(NODES).map(mean).sum()
}
