//! An activation as an expression in x: plain data in one canonical form, so that equal formulas have equal fingerprints.
//! It is evaluated by loops over chunks, one pass for each node, and its slope is an expression too.

mod check;
mod derive;
mod evaluate;
mod nodes;
mod words;

use serde::{Serialize, Serializer};

pub use nodes::{Function, Node, Nodes, Operator};

use crate::{Error, Result};

/// The most nodes of an expression and its slope.
pub(crate) const MOST_NODES: usize = 512;

/// φ(x), with its slope.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// x, then each node after those that it is made of: φ's, of which the last is φ, and then those that only φ' needs.
    nodes: Vec<Node>,
    /// How many of them φ needs.
    count: usize,
    /// The node that is φ'.
    slope: usize,
}

impl Expression {
    /// The expression that node `root` is.
    ///
    /// # Errors
    /// When it does not depend on x, has too many nodes, or is not finite, in value or slope, for all x from −16 to 16.
    pub fn new(nodes: &Nodes, root: usize) -> Result<Self> {
        let expression = Self::unchecked(nodes, root)?;
        expression.check()?;
        Ok(expression)
    }

    fn unchecked(nodes: &Nodes, root: usize) -> Result<Self> {
        let mut own = Nodes::default();
        own.copy(nodes, root);
        let count = own.len();
        if matches!(own.get(count - 1), Node::Constant(_)) {
            return Err(Error::new("the activation is the same number for every x"));
        }
        let slope = own.derivative(count - 1);
        let mut all = Nodes::default();
        all.copy(&own, count - 1);
        let slope = all.copy(&own, slope);
        if all.len() > MOST_NODES {
            let message = format!("the activation and its slope have {} operations; at most {MOST_NODES}", all.len());
            return Err(Error::new(message));
        }
        Ok(Self { nodes: all.into_vec(), count, slope })
    }

    /// φ's own nodes; the last is φ.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes[..self.count]
    }

    /// The nodes of φ and φ', and the place of φ'.
    pub fn with_slope(&self) -> (&[Node], usize) {
        (&self.nodes, self.slope)
    }
}

/// As a list of nodes: `"x"`, numbers, and operations on places in the list.
impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.nodes().iter().map(Node::description))
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&words::formula(self.nodes(), self.count - 1))
    }
}

#[cfg(test)]
mod tests;
