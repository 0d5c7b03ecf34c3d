//! Expressions as formulas.

use super::nodes::{Function, Node, Operator};

/// A formula of more operations than this is only counted.
const MOST: u64 = 60;

/// How tightly a formula's outermost operation binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Call,
}

/// The node `root` as a formula in x, such as `x * sigmoid(1.702 * x)`.
pub(super) fn formula(nodes: &[Node], root: usize) -> String {
    if let Some(name) = known(nodes, root) {
        return name;
    }
    let mut sizes: Vec<u64> = Vec::with_capacity(nodes.len());
    for node in &nodes[..=root] {
        sizes.push(node.inputs().iter().fold(1_u64, |sum, &at| sum.saturating_add(sizes[at])));
    }
    if sizes[root] > MOST {
        return format!("(an expression of {root} operations)");
    }
    written(nodes, root).0
}

/// Names of layers for what scripts call by a name.
fn known(nodes: &[Node], root: usize) -> Option<String> {
    let number = |at: usize| match nodes[at] {
        Node::Constant(number) => Some(number),
        _ => None,
    };
    match nodes[root] {
        Node::Function(function @ (Function::Softplus | Function::Elu), 0) => Some(function.name().to_owned()),
        // The larger of x and a x for a of at most 1, the smaller for a larger a.
        Node::Operator(operator @ (Operator::Max | Operator::Min), 0, product) => match nodes[product] {
            Node::Operator(Operator::Multiply, factor, 0) => {
                let slope = number(factor).filter(|slope| (*slope <= 1.0) == (operator == Operator::Max))?;
                Some(format!("leaky_relu({slope})"))
            }
            _ => None,
        },
        Node::Operator(Operator::Max, low, cut) if number(low) == Some(-1.0) => match nodes[cut] {
            Node::Operator(Operator::Min, high, 0) if number(high) == Some(1.0) => Some("hardtanh".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn written(nodes: &[Node], at: usize) -> (String, Binding) {
    let within = |at: usize, least: Binding| {
        let (text, binding) = written(nodes, at);
        if binding >= least { text } else { format!("({text})") }
    };
    let plain = |at: usize| written(nodes, at).0;
    match nodes[at] {
        Node::X => ("x".to_owned(), Binding::Call),
        Node::Constant(number) if number < 0.0 => (number.to_string(), Binding::Product),
        Node::Constant(number) => (number.to_string(), Binding::Call),
        Node::Function(Function::Negate, a) => (format!("-{}", within(a, Binding::Call)), Binding::Product),
        Node::Function(function, a) => (format!("{}({})", function.name(), plain(a)), Binding::Call),
        Node::Operator(operator @ (Operator::Max | Operator::Min), a, b) => {
            (format!("{}({}, {})", operator.name(), plain(a), plain(b)), Binding::Call)
        }
        Node::Operator(operator, a, b) => {
            let (own, right) = match operator {
                Operator::Add => (Binding::Sum, Binding::Sum),
                Operator::Subtract => (Binding::Sum, Binding::Product),
                Operator::Multiply => (Binding::Product, Binding::Product),
                _ => (Binding::Product, Binding::Call),
            };
            (format!("{} {} {}", within(a, own), operator.name(), within(b, right)), own)
        }
        Node::Where { a, b, then, otherwise } => {
            let [a, b, then, otherwise] = [a, b, then, otherwise].map(plain);
            (format!("({then} where {a} > {b}, else {otherwise})"), Binding::Call)
        }
    }
}
