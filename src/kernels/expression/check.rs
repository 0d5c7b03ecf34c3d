//! Whether an expression is a finite number, and has a finite slope, wherever a network may put it.

use super::Expression;
use super::evaluate::Chunk;
use super::nodes::{Function, Node, Operator};
use super::words::formula;
use crate::{Error, Result};

/// Points per unit of x, on [−16, 16].
const STEPS: i32 = 8;
const REACH: i32 = 16;

/// The values of all nodes at some x: `values[node][point]`.
fn values_at(nodes: &[Node], points: &[f32]) -> Vec<Vec<f32>> {
    let mut chunk = Chunk::new(nodes, points.len());
    let mut values = vec![Vec::new(); nodes.len()];
    for points in points.chunks(chunk.length()) {
        chunk.compute(points);
        for (at, values) in values.iter_mut().enumerate() {
            values.extend_from_slice(&chunk.values(at)[..points.len()]);
        }
    }
    values
}

impl Expression {
    /// # Errors
    /// When φ or φ' is not finite for some x from −16 to 16, or φ divides by something that passes 0 there. The error names
    /// what is wrong, and the x that is nearest to 0.
    pub(super) fn check(&self) -> Result<()> {
        let points: Vec<f32> = (-REACH * STEPS..=REACH * STEPS).map(|i| i as f32 / STEPS as f32).collect();
        let values = values_at(&self.nodes, &points);
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| points[a].abs().total_cmp(&points[b].abs()).then(points[b].total_cmp(&points[a])));
        for root in [self.count - 1, self.slope] {
            if let Some(&point) = order.iter().find(|&&point| !values[root][point].is_finite()) {
                return Err(self.not_finite(root, points[point], &|at| values[at][point]));
            }
        }
        for (at, node) in self.nodes().iter().enumerate() {
            let Node::Operator(Operator::Divide, _, divisor) = *node else { continue };
            let signs = &values[divisor];
            if let Some(i) = (1..points.len()).find(|&i| signs[i - 1] * signs[i] < 0.0) {
                let quotient = formula(&self.nodes, at);
                let message = format!("`{quotient}` divides by zero between x = {} and {}", points[i - 1], points[i]);
                return Err(Error::new(message).hint(AWAY_FROM_ZERO));
            }
        }
        Ok(())
    }

    /// The smallest |x| beyond 16, of some up to 1000, where φ or φ' is NaN in single precision.
    pub fn is_nan_from(&self) -> Option<f64> {
        const POINTS: [f32; 12] = [20.0, 24.0, 32.0, 45.0, 64.0, 80.0, 90.0, 110.0, 180.0, 300.0, 500.0, 1000.0];
        let both: Vec<f32> = POINTS.iter().flat_map(|&x| [x, -x]).collect();
        let values = values_at(&self.nodes, &both);
        let found = (0..both.len()).find(|&i| values[self.count - 1][i].is_nan() || values[self.slope][i].is_nan());
        found.map(|i| f64::from(both[i].abs()))
    }

    /// What is not finite at x, and the first step that makes it so.
    fn not_finite(&self, root: usize, x: f32, value: &dyn Fn(usize) -> f32) -> Error {
        let of_slope = root != self.count - 1;
        let own = if of_slope { "its slope " } else { "it " };
        // The step that is not finite although what it is made of is.
        let broken = (0..=root).find(|&at| {
            !value(at).is_finite() && self.nodes[at].inputs().iter().all(|&input| value(input).is_finite())
        });
        let at = broken.unwrap_or(root);
        let (found, text) = (value(root), formula(&self.nodes, at));
        match self.nodes[at] {
            Node::Operator(Operator::Divide, _, divisor) if value(divisor) == 0.0 => {
                let message = format!("`{text}` divides by zero at x = {x}");
                if of_slope {
                    Error::new(format!("its slope is {found} at x = {x}: {message}"))
                        .hint("round it off there: `sqrt(x * x + 1e-6)` in place of `sqrt(x * x)`")
                } else {
                    Error::new(message).hint(AWAY_FROM_ZERO)
                }
            }
            Node::Function(function @ (Function::Ln | Function::Sqrt), a) => {
                let name = function.name();
                let message = format!("{own}is {found} at x = {x}: `{text}` takes {name} of {}", value(a));
                let hint = format!("keep what {name} takes above 0, such as `{name}(1 + abs(x))`");
                Error::new(message).hint(hint)
            }
            _ => Error::new(format!("{own}is {found} at x = {x}, from `{text}` on"))
                .hint("an activation and its slope are finite numbers for all x from -16 to 16"),
        }
    }
}

const AWAY_FROM_ZERO: &str =
    "keep the divisor away from 0, such as `sin(x) / max(x, 1e-6)` where x is positive, or `x / (1 + abs(x))`";
