//! Values that are computed later: a script holds their descriptions.

use crate::entropy::Measured;
use crate::work::Described;

/// One number per depth, or per training step.
#[derive(Debug, Clone)]
pub struct Curve {
    pub(crate) source: Described,
    pub(crate) length: usize,
    pub(crate) measured: Measured,
}

/// One number.
#[derive(Debug, Clone)]
pub struct Number {
    pub(crate) source: Described,
    /// What it is, in words; empty if it has no name.
    pub(crate) quantity: &'static str,
}
