//! How much of the input a reconstruction holds: the measures, curves of them over depth, and how deep a curve reaches
//! (numerics: "Entropies").

mod curve;
mod cutoff;
mod measure;

pub use curve::{Operator, Step, curve, derive, numbers};
pub use cutoff::{CUTOFF_TOLERANCE, cutoff, falls_below};
pub use measure::{Measure, median};
