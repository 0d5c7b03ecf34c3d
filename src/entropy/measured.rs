//! What the numbers of a curve are, by name: figures, tables and verdicts say it.

use super::Measure;

/// What the numbers of a curve measure, and what they stand over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The quantity, in words; empty if it has no name.
    pub quantity: &'static str,
    /// What the curve runs over: "depth", "step" or "epoch".
    pub over: &'static str,
    /// How the quantity changes as information is lost; `None` if that is not known.
    pub lost: Option<Lost>,
}

/// How a measure changes as information is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    Falls,
    Rises,
}

impl Measured {
    /// Numbers over depth without a name.
    pub const UNNAMED: Self = Self { quantity: "", over: "depth", lost: None };
    /// The losses of training steps.
    pub const LOSS: Self = Self { quantity: "loss", over: "step", lost: None };
    /// The accuracies of epochs.
    pub const ACCURACY: Self = Self { quantity: "accuracy", over: "epoch", lost: None };

    /// Step sizes.
    pub const RATE: Self = Self { quantity: "learning rate", over: "step", lost: None };
    /// Norms of gradients.
    pub const GRADIENT_NORM: Self = Self { quantity: "gradient norm", over: "step", lost: None };
    /// The losses of epochs.
    pub const EPOCH_LOSS: Self = Self { quantity: "loss", over: "epoch", lost: None };

    /// What arithmetic makes of it: other numbers over the same.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { quantity: "", lost: None, ..self }
    }
}

impl From<Measure> for Measured {
    fn from(measure: Measure) -> Self {
        let (quantity, lost) = match measure {
            Measure::Relative => ("relative entropy", Lost::Rises),
            Measure::Differential | Measure::DifferentialUnshifted => ("differential entropy", Lost::Falls),
            Measure::Gram => ("Gram entropy", Lost::Falls),
            Measure::ExplainedVariance => ("explained variance", Lost::Falls),
            Measure::SquaredError => ("mean squared error", Lost::Rises),
        };
        Self { quantity, lost: Some(lost), ..Self::UNNAMED }
    }
}
