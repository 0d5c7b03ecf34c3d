//! How much of the input a reconstruction holds: the measures, curves of them over depth, numbers derived from curves, and
//! how deep a curve reaches. The measures are those of arXiv:2406.12916, but for the explained variance.

mod curve;
mod cutoff;
mod decay;
mod derive;
mod eigenvalues;
mod measure;
mod measured;
mod statistic;

pub use curve::{CurveResult, TRUSTED, curve, curve_of};
pub use cutoff::{CUTOFF_TOLERANCE, cutoff, falls_below};
pub use decay::{Decay, DecayPart, decay};
pub use derive::{Derivation, Operator, derive, numbers};
pub use measure::Measure;
pub use measured::{Lost, Measured};
pub use statistic::Statistic;
