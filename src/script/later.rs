//! Values that are computed later: what a script holds is their description.

use crate::work::Described;

/// One number per depth, or per training step.
#[derive(Debug, Clone)]
pub struct Curve {
    pub(crate) source: Described,
    pub(crate) length: usize,
    /// λ, where ridge regression found what it rests on: figures tell it.
    pub(crate) lambda: Option<f64>,
}

/// One number.
#[derive(Debug, Clone)]
pub struct Number {
    pub(crate) source: Described,
}
