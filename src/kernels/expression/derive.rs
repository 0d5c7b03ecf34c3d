//! The exact derivative of an expression, as nodes. Where φ has a kink, the slope there is that of one side.

use super::nodes::{Function, Node, Nodes, Operator};
use Operator::{Add, Divide, Multiply, Subtract};

impl Nodes {
    /// The derivative of the node `root`: that of every node before it, in turn.
    pub(super) fn derivative(&mut self, root: usize) -> usize {
        let (zero, one) = (self.constant(0.0), self.constant(1.0));
        let mut slopes: Vec<usize> = Vec::with_capacity(root + 1);
        for at in 0..=root {
            let slope = match self.get(at) {
                Node::X => one,
                Node::Constant(_) => zero,
                Node::Function(_, a) if slopes[a] == zero => zero,
                Node::Function(function, a) => {
                    let outer = self.function_slope(function, at, a);
                    self.operator(Multiply, outer, slopes[a])
                }
                Node::Operator(operator, a, b) => {
                    self.operator_slope(operator, at, [a, b], [slopes[a], slopes[b]], zero)
                }
                Node::Where { a, b, then, otherwise } => self.choice(a, b, slopes[then], slopes[otherwise]),
            };
            slopes.push(slope);
        }
        slopes[root]
    }

    /// f'(a), where the node `at` is f(a).
    fn function_slope(&mut self, function: Function, at: usize, a: usize) -> usize {
        let one = self.constant(1.0);
        match function {
            Function::Negate => self.constant(-1.0),
            Function::Abs => self.function(Function::Sign, a),
            Function::Sign => self.constant(0.0),
            Function::Exp => at,
            Function::Ln => self.operator(Divide, one, a),
            Function::Sin => self.function(Function::Cos, a),
            Function::Cos => {
                let sine = self.function(Function::Sin, a);
                self.function(Function::Negate, sine)
            }
            Function::Softplus => self.function(Function::Sigmoid, a),
            Function::Sqrt => {
                let half = self.constant(0.5);
                self.operator(Divide, half, at)
            }
            Function::Tanh => {
                let square = self.operator(Multiply, at, at);
                self.operator(Subtract, one, square)
            }
            // σ(a) σ(−a): 1 − σ(a) would lose its digits.
            Function::Sigmoid => {
                let negated = self.function(Function::Negate, a);
                let other = self.function(Function::Sigmoid, negated);
                self.operator(Multiply, at, other)
            }
            Function::Erf => {
                let square = self.operator(Multiply, a, a);
                let negated = self.function(Function::Negate, square);
                let bell = self.function(Function::Exp, negated);
                let height = self.constant(std::f64::consts::FRAC_2_SQRT_PI);
                self.operator(Multiply, height, bell)
            }
            // eᵃ is φ + 1 below 0.
            Function::Elu => {
                let (zero, exp) = (self.constant(0.0), self.operator(Add, one, at));
                self.choice(a, zero, one, exp)
            }
        }
    }

    /// The slope of `a operator b`, which is the node `at`; `slopes` are those of a and b.
    fn operator_slope(
        &mut self,
        operator: Operator,
        at: usize,
        [a, b]: [usize; 2],
        slopes: [usize; 2],
        zero: usize,
    ) -> usize {
        // A product with 0 is left out, lest 0 · ∞ be NaN.
        let times = |nodes: &mut Self, slope: usize, factor: usize| {
            if slope == zero { zero } else { nodes.operator(Multiply, slope, factor) }
        };
        match operator {
            Add | Subtract => self.operator(operator, slopes[0], slopes[1]),
            Multiply => {
                let (left, right) = (times(self, slopes[0], b), times(self, slopes[1], a));
                self.operator(Add, left, right)
            }
            // (a' − (a/b) b') / b
            Divide => {
                let of_divisor = times(self, slopes[1], at);
                let difference = self.operator(Subtract, slopes[0], of_divisor);
                if difference == zero { zero } else { self.operator(Divide, difference, b) }
            }
            Operator::Max => self.choice(b, a, slopes[1], slopes[0]),
            Operator::Min => self.choice(a, b, slopes[1], slopes[0]),
        }
    }

    /// `then` where a > b, else `otherwise`.
    fn choice(&mut self, a: usize, b: usize, then: usize, otherwise: usize) -> usize {
        if then == otherwise { then } else { self.push(Node::Where { a, b, then, otherwise }) }
    }
}
