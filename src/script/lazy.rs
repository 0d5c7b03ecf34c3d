//! Values that are computed later: a script holds their descriptions.

use crate::work::Described;

/// One number per depth, or per training step.
#[derive(Debug, Clone)]
pub struct Curve {
    pub(crate) source: Described,
    pub(crate) length: usize,
}

/// One number.
#[derive(Debug, Clone)]
pub struct Number {
    pub(crate) source: Described,
}
