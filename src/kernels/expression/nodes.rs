//! The nodes of expressions. Adding one simplifies it and shares it with an equal one, so that two ways of writing the same
//! sum, product or maximum are one expression.

use std::cmp::Ordering;

use serde_json::{Value, json};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    Negate,
    Abs,
    Sign,
    Sqrt,
    Exp,
    Ln,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Erf,
    Softplus,
    Elu,
}

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Max,
    Min,
}

/// One step of an expression; places are those of earlier steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    X,
    Constant(f64),
    Function(Function, usize),
    Operator(Operator, usize, usize),
    /// `then` where `a` > `b`, else `otherwise`. Only slopes have it.
    Where {
        a: usize,
        b: usize,
        then: usize,
        otherwise: usize,
    },
}

/// Nodes in the order in which they were added; the first is x.
#[derive(Debug, Clone)]
pub struct Nodes {
    nodes: Vec<Node>,
    /// Of each node, how many operations it has when written out.
    sizes: Vec<u64>,
}

impl Default for Nodes {
    fn default() -> Self {
        Self { nodes: vec![Node::X], sizes: vec![1] }
    }
}

impl Function {
    /// Its name in formulas and fingerprints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Sqrt => "sqrt",
            Self::Exp => "exp",
            Self::Ln => "ln",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Erf => "erf",
            Self::Softplus => "softplus",
            Self::Elu => "elu",
        }
    }
}

impl Operator {
    /// Its name in formulas and fingerprints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    fn is_commutative(self) -> bool {
        !matches!(self, Self::Subtract | Self::Divide)
    }
}

impl Node {
    /// As it is written into fingerprints.
    pub(super) fn description(&self) -> Value {
        match *self {
            Self::X => json!("x"),
            Self::Constant(number) => json!(number),
            // Its last digits are others than they were.
            Self::Function(Function::Erf, a) => json!(["erf", a, 2]),
            Self::Function(function, a) => json!([function.name(), a]),
            Self::Operator(operator, a, b) => json!([operator.name(), a, b]),
            Self::Where { a, b, then, otherwise } => json!(["where", a, b, then, otherwise]),
        }
    }

    /// The places that it is made of.
    pub(super) fn inputs(&self) -> Vec<usize> {
        match *self {
            Self::X | Self::Constant(_) => Vec::new(),
            Self::Function(_, a) => vec![a],
            Self::Operator(_, a, b) => vec![a, b],
            Self::Where { a, b, then, otherwise } => vec![a, b, then, otherwise],
        }
    }

    /// Sorts nodes whose inputs are the same.
    fn rank(&self) -> (u8, u8) {
        match *self {
            Self::Constant(_) => (0, 0),
            Self::X => (1, 0),
            Self::Function(function, _) => (2, function as u8),
            Self::Operator(operator, ..) => (3, operator as u8),
            Self::Where { .. } => (4, 0),
        }
    }
}

impl Nodes {
    /// The place of x.
    pub const X: usize = 0;

    #[expect(clippy::len_without_is_empty, reason = "there always is x")]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node at a place.
    pub fn get(&self, at: usize) -> Node {
        self.nodes[at]
    }

    /// A node as a formula in x.
    pub fn formula(&self, at: usize) -> String {
        super::words::formula(&self.nodes, at)
    }

    pub(super) fn into_vec(self) -> Vec<Node> {
        self.nodes
    }

    /// A number.
    pub fn constant(&mut self, number: f64) -> usize {
        // −0 and 0 are one number.
        self.push(Node::Constant(if number == 0.0 { 0.0 } else { number }))
    }

    pub(super) fn number(&self, at: usize) -> Option<f64> {
        match self.nodes[at] {
            Node::Constant(number) => Some(number),
            _ => None,
        }
    }

    /// A function of a node.
    pub fn function(&mut self, function: Function, a: usize) -> usize {
        let folded = self.number(a).map(|a| super::evaluate::function(function, a));
        if let Some(number) = folded.filter(|number| number.is_finite()) {
            return self.constant(number);
        }
        match (function, self.nodes[a]) {
            (Function::Negate, Node::Function(Function::Negate, inner)) => inner,
            // The plain forms overflow: of ln(1 + eˣ) nothing is left beyond 88 in single precision.
            (Function::Ln, Node::Operator(Operator::Add, one, other)) if self.number(one) == Some(1.0) => {
                match self.nodes[other] {
                    Node::Function(Function::Exp, inner) => self.function(Function::Softplus, inner),
                    _ => self.push(Node::Function(function, a)),
                }
            }
            _ => self.push(Node::Function(function, a)),
        }
    }

    /// An operation on two nodes.
    pub fn operator(&mut self, operator: Operator, a: usize, b: usize) -> usize {
        use Operator::{Add, Divide, Max, Min, Multiply, Subtract};
        let (left, right) = (self.number(a), self.number(b));
        if let (Some(left), Some(right)) = (left, right) {
            let number = super::evaluate::operator(operator, left, right);
            if number.is_finite() {
                return self.constant(number);
            }
        }
        match (operator, left, right) {
            (Add, Some(0.0), _) | (Multiply, Some(1.0), _) => return b,
            (Add | Subtract, _, Some(0.0)) | (Multiply | Divide, _, Some(1.0)) => return a,
            (Subtract, Some(0.0), _) | (Multiply, Some(-1.0), _) => return self.function(Function::Negate, b),
            (Multiply | Divide, _, Some(-1.0)) => return self.function(Function::Negate, a),
            (Max | Min, ..) if a == b => return a,
            _ => {}
        }
        // a / (1 + eᵘ), whose slope overflows, is a σ(−u).
        if let (Divide, Node::Operator(Add, one, other)) = (operator, self.nodes[b])
            && self.number(one) == Some(1.0)
            && let Node::Function(Function::Exp, inner) = self.nodes[other]
        {
            let negated = self.function(Function::Negate, inner);
            let sigmoid = self.function(Function::Sigmoid, negated);
            return self.operator(Multiply, a, sigmoid);
        }
        let in_order = !operator.is_commutative() || self.compare(a, b) != Ordering::Greater;
        self.push(if in_order { Node::Operator(operator, a, b) } else { Node::Operator(operator, b, a) })
    }

    /// max(0, a).
    pub fn relu(&mut self, a: usize) -> usize {
        let zero = self.constant(0.0);
        self.operator(Operator::Max, zero, a)
    }

    /// a σ(a).
    pub fn silu(&mut self, a: usize) -> usize {
        let sigmoid = self.function(Function::Sigmoid, a);
        self.operator(Operator::Multiply, a, sigmoid)
    }

    /// a Φ(a), Φ the normal distribution.
    pub fn gelu(&mut self, a: usize) -> usize {
        let (scale, one, half) =
            (self.constant(std::f64::consts::FRAC_1_SQRT_2), self.constant(1.0), self.constant(0.5));
        let scaled = self.operator(Operator::Multiply, scale, a);
        let erf = self.function(Function::Erf, scaled);
        let sum = self.operator(Operator::Add, one, erf);
        let below = self.operator(Operator::Multiply, half, sum);
        self.operator(Operator::Multiply, a, below)
    }

    /// a cut off at −1 and 1.
    pub fn hardtanh(&mut self, a: usize) -> usize {
        let (low, high) = (self.constant(-1.0), self.constant(1.0));
        let below = self.operator(Operator::Min, high, a);
        self.operator(Operator::Max, low, below)
    }

    /// a above 0, `slope` · a below.
    pub fn leaky_relu(&mut self, a: usize, slope: f64) -> usize {
        let factor = self.constant(slope);
        let below = self.operator(Operator::Multiply, factor, a);
        self.operator(if slope <= 1.0 { Operator::Max } else { Operator::Min }, a, below)
    }

    /// a to the power of `exponent`: products for a whole one, else by exp and ln.
    pub fn power(&mut self, a: usize, exponent: f64) -> usize {
        const MOST: f64 = 64.0;
        if exponent == 0.5 {
            return self.function(Function::Sqrt, a);
        }
        if exponent.trunc() != exponent || exponent.abs() > MOST {
            let (ln, exponent) = (self.function(Function::Ln, a), self.constant(exponent));
            let product = self.operator(Operator::Multiply, exponent, ln);
            return self.function(Function::Exp, product);
        }
        let (mut rest, mut square, mut product) = (exponent.abs() as u32, a, self.constant(1.0));
        while rest > 0 {
            if rest % 2 == 1 {
                product = self.operator(Operator::Multiply, product, square);
            }
            rest /= 2;
            if rest > 0 {
                square = self.operator(Operator::Multiply, square, square);
            }
        }
        if exponent < 0.0 {
            let one = self.constant(1.0);
            return self.operator(Operator::Divide, one, product);
        }
        product
    }

    pub(super) fn push(&mut self, node: Node) -> usize {
        if let Some(at) = self.nodes.iter().position(|known| *known == node) {
            return at;
        }
        let size = node.inputs().iter().fold(1_u64, |sum, &at| sum.saturating_add(self.sizes[at]));
        self.sizes.push(size);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Copies a node of others, with all that it is made of, in the order in which they are needed.
    pub(super) fn copy(&mut self, others: &Self, root: usize) -> usize {
        let mut places = vec![None; others.len()];
        let mut waiting = vec![root];
        while let Some(&at) = waiting.last() {
            let node = others.nodes[at];
            let missing: Vec<usize> = node.inputs().into_iter().filter(|&input| places[input].is_none()).collect();
            if missing.is_empty() {
                waiting.pop();
                let place = |at: usize| places[at].unwrap_or(Self::X);
                let copied = match node {
                    Node::X | Node::Constant(_) => node,
                    Node::Function(function, a) => Node::Function(function, place(a)),
                    Node::Operator(operator, a, b) => Node::Operator(operator, place(a), place(b)),
                    Node::Where { a, b, then, otherwise } => {
                        Node::Where { a: place(a), b: place(b), then: place(then), otherwise: place(otherwise) }
                    }
                };
                places[at] = Some(self.push(copied));
            } else {
                waiting.extend(missing.into_iter().rev());
            }
        }
        places[root].unwrap_or(Self::X)
    }

    /// The order of the operands of a sum, product, maximum or minimum: short ones first, whatever the order in which they
    /// were added. Equal nodes are one, so this goes down one path only.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let (left, right) = (self.nodes[a], self.nodes[b]);
        let by_size = (left.rank().0.min(1), self.sizes[a]).cmp(&(right.rank().0.min(1), self.sizes[b]));
        let by_kind = by_size.then(left.rank().cmp(&right.rank()));
        if by_kind != Ordering::Equal {
            return by_kind;
        }
        if let (Node::Constant(left), Node::Constant(right)) = (left, right) {
            return left.total_cmp(&right);
        }
        let (left, right) = (left.inputs(), right.inputs());
        let pairs = left.into_iter().zip(right);
        pairs.map(|(a, b)| self.compare(a, b)).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    }
}
