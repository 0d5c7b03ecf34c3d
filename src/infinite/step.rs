//! What the layers of a block do to samples, each taken through all units of an infinitely wide layer.

use super::samples::{Activate, Rules, Samples};
use crate::network::{Conv2d, Init, Layer, OwnSchemes, ParamKind};
use crate::theory::Nonlinearity;
use crate::work::IdleThreads;
use crate::{Error, Result};

/// One layer as it acts on the numbers of [`Samples`].
#[derive(Debug, Clone)]
pub(super) enum Step {
    Weights {
        weight_var: f64,
        bias_var: f64,
    },
    /// A convolution, in [`Picture`](super::picture::Picture) alone.
    Windows {
        conv: Conv2d,
        weight_var: f64,
        bias_var: f64,
    },
    Scale(f64),
    /// Each sample divided by the root of its mean square; before that its mean is taken off if `is_centred`.
    Norm {
        epsilon: f64,
        is_centred: bool,
    },
    Activation(Nonlinearity),
    /// shortcut(x) + body(x).
    Residual {
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
}

/// What is known of a unit before a layer: whether it is normal with mean 0 over all networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    Normal,
    Other,
}

/// Finds the steps of the layers of one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finder<'a> {
    pub init: &'a Init,
    /// The block's number, from 1.
    pub l: usize,
}

impl Finder<'_> {
    /// The steps of layers after `units`, and the units after them. Layers that only rearrange numbers have none.
    ///
    /// # Errors
    /// When a layer has no kernel here; it is named.
    pub fn steps(self, layers: &[Layer], own: OwnSchemes, mut units: Units) -> Result<(Vec<Step>, Units)> {
        let mut steps = Vec::new();
        for layer in layers {
            let (inner, schemes) = layer.without_schemes();
            let found = self.step(inner, schemes.or(own), units);
            let (step, after) =
                found.map_err(|error| Error { message: format!("{inner}: {}", error.message), ..error })?;
            steps.extend(step);
            units = after;
        }
        Ok((steps, units))
    }

    fn step(self, layer: &Layer, own: OwnSchemes, units: Units) -> Result<(Option<Step>, Units)> {
        Ok(match layer {
            Layer::Conv2d(conv) if conv.groups > 1 => {
                return Err(Error::new("an infinitely wide network has no convolutions in groups")
                    .hint("leave out `groups`, or draw the network with `.init(…)`"));
            }
            Layer::Linear(_) | Layer::Conv2d(_) => {
                let (mut weight_var, mut bias_var) = (0.0, 0.0);
                for mut spec in layer.param_specs() {
                    spec.scheme = spec.scheme.or(own.of(spec.kind));
                    let variance = self.init.variance(self.l, &spec);
                    match spec.kind {
                        ParamKind::Weight { .. } => weight_var = variance,
                        _ => bias_var = variance,
                    }
                }
                let step = match layer {
                    Layer::Conv2d(conv) => Step::Windows { conv: conv.clone(), weight_var, bias_var },
                    _ => Step::Weights { weight_var, bias_var },
                };
                (Some(step), Units::Normal)
            }
            Layer::Activation(activation) => {
                if units != Units::Normal {
                    return Err(Error::new(
                        "an infinitely wide network has activations only where units are normal with mean 0",
                    )
                    .hint("put a linear layer directly before it; layer_norm, rms_norm and scale may stand between"));
                }
                (Some(Step::Activation(Nonlinearity::of(&activation.function)?)), Units::Other)
            }
            Layer::LayerNorm(norm) => (Some(Step::Norm { epsilon: norm.epsilon, is_centred: true }), units),
            Layer::RmsNorm(norm) => (Some(Step::Norm { epsilon: norm.epsilon, is_centred: false }), units),
            Layer::Scale(scale) => (Some(Step::Scale(scale.factor)), units),
            Layer::Residual(residual) => {
                let (body, end) = self.steps(&residual.body, own, units)?;
                let (shortcut, start) = self.steps(&residual.projection, own, units)?;
                // With weights of its own, the body is not correlated with the shortcut.
                if !body.iter().any(Step::has_weights) {
                    return Err(Error::new(
                        "its body has no linear layer, so it is correlated with what it is added to",
                    )
                    .hint("an infinitely wide network has residual layers whose body has weights"));
                }
                let both = if [start, end] == [Units::Normal; 2] { Units::Normal } else { Units::Other };
                (Some(Step::Residual { body, shortcut }), both)
            }
            Layer::Flatten(_) | Layer::Reshape(_) | Layer::Permute(_) => (None, units),
            _ => return Err(without_kernel(layer)),
        })
    }
}

/// The error for a layer that infinitely wide networks do not have here.
fn without_kernel(layer: &Layer) -> Error {
    let why = match layer {
        Layer::BatchNorm(_) => "it depends on the other samples of a batch",
        Layer::Dropout(_) => "it is random in every pass",
        Layer::Softmax(_) => "its outputs are a function of all units together",
        Layer::MaxPool(_) | Layer::AvgPool(_) | Layer::AdaptiveAvgPool(_) => {
            "pools need the kernel between all pairs of pixels, which is pixels² times as large"
        }
        _ => "it has no kernel here",
    };
    Error::new(format!("an infinitely wide network has no such layer: {why}")).hint(
        "it has linear layers, conv2d for kernels, activations, layer_norm, rms_norm, scale and residual; draw the network with `.init(…)`",
    )
}

/// The error for a cascade behind a convolution.
pub(super) fn without_way_back(conv: &Conv2d) -> Error {
    let message = format!(
        "{conv}: the way back through its windows needs the kernel between all pairs of pixels, which is pixels² times as large"
    );
    Error::new(message).hint(
        "`kernel`, `kernel_rank`, `correlation` and `correlation_gap` have convolutions; for a cascade, draw the network with `.init(…)`",
    )
}

impl Step {
    /// A convolution in it.
    pub fn windows(&self) -> Option<&Conv2d> {
        match self {
            Self::Windows { conv, .. } => Some(conv),
            Self::Residual { body, shortcut } => body.iter().chain(shortcut).find_map(Self::windows),
            _ => None,
        }
    }

    /// Whether it mixes units by random weights.
    pub fn has_weights(&self) -> bool {
        match self {
            Self::Weights { .. } | Self::Windows { .. } => true,
            Self::Residual { body, .. } => body.iter().any(Self::has_weights),
            _ => false,
        }
    }

    /// Takes training samples, and others beside them, through the layer.
    ///
    /// # Errors
    /// When lengths grow beyond all numbers.
    pub fn apply(
        &self,
        training: Samples,
        others: Samples,
        rules: &mut Rules,
        threads: &dyn IdleThreads,
    ) -> Result<[Samples; 2]> {
        Ok(match self {
            Self::Weights { weight_var, bias_var } => {
                [training, others].map(|samples| samples.mixed(*weight_var, *bias_var))
            }
            Self::Windows { conv, .. } => return Err(without_way_back(conv)),
            Self::Scale(factor) => [training, others].map(|samples| samples.scaled(*factor)),
            Self::Norm { epsilon, is_centred } => {
                let [training, others] = if *is_centred {
                    let means = training.means.clone();
                    [training, others].map(|samples| samples.centred(&means))
                } else {
                    [training, others]
                };
                let roots: Vec<f64> = training.squares.iter().map(|square| square.sqrt()).collect();
                [training, others].map(|samples| samples.normalised(&roots, *epsilon))
            }
            Self::Activation(function) => {
                let activate = Activate::new(function, &training, rules)?;
                [activate.samples(training, threads)?, activate.samples(others, threads)?]
            }
            Self::Residual { body, shortcut } => {
                let [mut x, mut y] = [training.clone(), others.clone()];
                for step in body {
                    [x, y] = step.apply(x, y, rules, threads)?;
                }
                let [mut training, mut others] = [training, others];
                for step in shortcut {
                    [training, others] = step.apply(training, others, rules, threads)?;
                }
                let (means, of_body) = (training.means.clone(), x.means.clone());
                [training.plus(&x, [&means, &of_body]), others.plus(&y, [&means, &of_body])]
            }
        })
    }
}
