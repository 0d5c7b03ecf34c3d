//! What arrays a layer has.

use crate::network::Scheme;

/// The name, shape and purpose of one array of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Such as "weight"; within a residual, "0.weight" and "projection.0.weight".
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: ParamKind,
    /// How its initial numbers are drawn, where the layer says so itself.
    pub scheme: Option<Scheme>,
}

/// What the numbers of an array are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamKind {
    /// Multiplied with the input: `fan_in` products are summed for one output, and an input is part of `fan_out` sums, were
    /// the stride 1. The first size of the array divides into `groups` that are applied to channels of their own.
    Weight {
        fan_in: f64,
        fan_out: f64,
        groups: usize,
    },
    Bias,
    /// A normalisation's scale, initially 1.
    Scale,
    /// A normalisation's shift, initially 0.
    Shift,
    /// Running average of batch means, initially 0; not trained by gradient.
    RunningMean,
    /// Running average of batch variances, initially 1; not trained by gradient.
    RunningVariance,
}

impl ParamSpec {
    pub(super) fn new(name: &str, shape: &[usize], kind: ParamKind) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), kind, scheme: None }
    }

    /// How many numbers the array has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the array has no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ParamKind {
    /// Whether gradients change it.
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A weight of shape `shape`, and a bias for each of `outputs` if there is one.
pub(super) fn weight_and_bias(shape: &[usize], kind: ParamKind, outputs: usize, bias: bool) -> Vec<ParamSpec> {
    let weight = ParamSpec::new("weight", shape, kind);
    let bias = bias.then(|| ParamSpec::new("bias", &[outputs], ParamKind::Bias));
    std::iter::once(weight).chain(bias).collect()
}

/// Scale and shift of a normalisation.
pub(super) fn scale_and_shift(shape: &[usize]) -> Vec<ParamSpec> {
    vec![ParamSpec::new("weight", shape, ParamKind::Scale), ParamSpec::new("bias", shape, ParamKind::Shift)]
}
