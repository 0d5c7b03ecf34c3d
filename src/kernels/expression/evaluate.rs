//! The values of an expression: of many numbers in single precision, in loops that vectorise, and of one in double
//! precision.

use super::nodes::{Function, Node, Operator};
use super::{Expression, MOST_NODES};
use crate::kernels::activation::tanh;
use crate::kernels::functions::{cos, elu, erf, exp, larger, ln_of_any, logistic, sign, sin, smaller, softplus};
use crate::kernels::vectorised;

/// Numbers of all nodes of a chunk together: they fit into a core's first cache.
const NUMBERS: usize = 6144;
/// The shortest chunk: two of the widest registers.
const SHORTEST: usize = 32;

/// Room for the values of all nodes of a chunk, node by node.
pub(super) struct Chunk<'a> {
    nodes: &'a [Node],
    length: usize,
    room: Vec<f32>,
}

impl<'a> Chunk<'a> {
    /// For at most `most` numbers at a time.
    pub fn new(nodes: &'a [Node], most: usize) -> Self {
        let length = (NUMBERS / nodes.len() / SHORTEST * SHORTEST).max(SHORTEST).min(most);
        let mut room = vec![0.0; length * nodes.len()];
        for (node, room) in nodes.iter().zip(room.chunks_mut(length.max(1))) {
            if let Node::Constant(number) = node {
                room.fill(*number as f32);
            }
        }
        Self { nodes, length, room }
    }

    pub fn length(&self) -> usize {
        self.length.max(1)
    }

    /// The values of node `at` for the last numbers.
    pub fn values(&self, at: usize) -> &[f32] {
        &self.room[at * self.length..][..self.length]
    }

    /// Computes all nodes for some numbers, as many as `length` or fewer.
    pub fn compute(&mut self, x: &[f32]) {
        let Self { nodes, length, room } = self;
        room[..x.len()].copy_from_slice(x);
        vectorised(
            #[inline(always)]
            || {
                for (i, node) in nodes.iter().enumerate() {
                    let (before, rest) = room.split_at_mut(i * *length);
                    let y = &mut rest[..x.len()];
                    compute_node(*node, y, |at| &before[at * *length..][..x.len()]);
                }
            },
        );
    }
}

/// One node's values from those of the nodes before it.
#[inline(always)]
fn compute_node<'a>(node: Node, y: &mut [f32], of: impl Fn(usize) -> &'a [f32]) {
    match node {
        Node::X | Node::Constant(_) => {}
        Node::Function(function, a) => compute_function(function, y, of(a)),
        Node::Operator(operator, a, b) => {
            let (a, b) = (of(a), of(b));
            match operator {
                Operator::Add => pairs(y, a, b, |a, b| a + b),
                Operator::Subtract => pairs(y, a, b, |a, b| a - b),
                Operator::Multiply => pairs(y, a, b, |a, b| a * b),
                Operator::Divide => pairs(y, a, b, |a, b| a / b),
                Operator::Max => pairs(y, a, b, larger),
                Operator::Min => pairs(y, a, b, smaller),
            }
        }
        Node::Where { a, b, then, otherwise } => {
            let choices = of(then).iter().zip(of(otherwise));
            for (y, ((a, b), (then, otherwise))) in y.iter_mut().zip(of(a).iter().zip(of(b)).zip(choices)) {
                *y = if a > b { *then } else { *otherwise };
            }
        }
    }
}

#[inline(always)]
fn compute_function(function: Function, y: &mut [f32], x: &[f32]) {
    match function {
        Function::Negate => each(y, x, |x| -x),
        Function::Abs => each(y, x, f32::abs),
        Function::Sign => each(y, x, sign),
        Function::Sqrt => each(y, x, f32::sqrt),
        Function::Exp => each(y, x, exp),
        Function::Ln => each(y, x, ln_of_any),
        Function::Sin => each(y, x, sin),
        Function::Cos => each(y, x, cos),
        Function::Tanh => each(y, x, tanh),
        Function::Sigmoid => each(y, x, logistic),
        Function::Erf => each(y, x, erf),
        Function::Softplus => each(y, x, softplus),
        Function::Elu => each(y, x, elu),
    }
}

#[inline(always)]
fn each(y: &mut [f32], x: &[f32], function: impl Fn(f32) -> f32) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = function(x);
    }
}

#[inline(always)]
fn pairs(y: &mut [f32], a: &[f32], b: &[f32], function: impl Fn(f32, f32) -> f32) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = function(a, b);
    }
}

/// A function of one number in double precision.
pub(super) fn function(function: Function, x: f64) -> f64 {
    match function {
        Function::Negate => -x,
        Function::Abs => x.abs(),
        Function::Sign if x == 0.0 || x.is_nan() => x,
        Function::Sign => x.signum(),
        Function::Sqrt => libm::sqrt(x),
        Function::Exp => libm::exp(x),
        Function::Ln => libm::log(x),
        Function::Sin => libm::sin(x),
        Function::Cos => libm::cos(x),
        Function::Tanh => libm::tanh(x),
        Function::Sigmoid => {
            let small = libm::exp(-x.abs());
            if x < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) }
        }
        Function::Erf => libm::erf(x),
        Function::Softplus if x > 0.0 => x + libm::log1p(libm::exp(-x)),
        Function::Softplus => libm::log1p(libm::exp(x)),
        Function::Elu if x > 0.0 => x,
        Function::Elu => libm::expm1(x),
    }
}

/// An operation on two numbers in double precision.
pub(super) fn operator(operator: Operator, a: f64, b: f64) -> f64 {
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Max if b > a || b.is_nan() => b,
        Operator::Min if b < a || b.is_nan() => b,
        Operator::Max | Operator::Min => a,
    }
}

impl Expression {
    /// φ(x) and φ'(x) in double precision.
    pub fn at(&self, x: f64) -> (f64, f64) {
        let mut values = [0.0; MOST_NODES];
        for (i, node) in self.nodes.iter().enumerate() {
            values[i] = match *node {
                Node::X => x,
                Node::Constant(number) => number,
                Node::Function(name, a) => function(name, values[a]),
                Node::Operator(name, a, b) => operator(name, values[a], values[b]),
                Node::Where { a, b, then, otherwise } => values[if values[a] > values[b] { then } else { otherwise }],
            };
        }
        (values[self.count - 1], values[self.slope])
    }

    /// z ↦ φ(z), in place.
    pub fn apply(&self, z: &mut [f32]) {
        let mut chunk = Chunk::new(self.nodes(), z.len());
        for z in z.chunks_mut(chunk.length()) {
            chunk.compute(z);
            z.copy_from_slice(&chunk.values(self.count - 1)[..z.len()]);
        }
    }

    /// Turns the gradient with respect to φ(z) into that with respect to z, in place.
    pub fn pass_gradient(&self, gradient: &mut [f32], z: &[f32]) {
        let mut chunk = Chunk::new(&self.nodes, z.len());
        let length = chunk.length();
        for (gradient, z) in gradient.chunks_mut(length).zip(z.chunks(length)) {
            chunk.compute(z);
            gradient.iter_mut().zip(chunk.values(self.slope)).for_each(|(g, slope)| *g *= slope);
        }
    }

    /// Replaces z by the gradient of Σ(φ(z) − target)² · `scale` / 2 with respect to z. Returns Σ(φ(z) − target)².
    pub fn squared_error_gradient(&self, z: &mut [f32], target: &[f32], scale: f32) -> f64 {
        let mut chunk = Chunk::new(&self.nodes, z.len());
        let (length, mut sum) = (chunk.length(), 0.0);
        for (z, target) in z.chunks_mut(length).zip(target.chunks(length)) {
            chunk.compute(z);
            let values = chunk.values(self.count - 1).iter().zip(chunk.values(self.slope));
            for ((z, t), (value, slope)) in z.iter_mut().zip(target).zip(values) {
                let error = value - t;
                *z = error * slope * scale;
                sum += f64::from(error * error);
            }
        }
        sum
    }
}
