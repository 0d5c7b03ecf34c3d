//! The layers that blocks are made of, and what each does to a shape.

use serde::Serialize;

use crate::kernels::Activation;
use crate::{Error, Result};

/// One layer, as a description.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "layer")]
pub enum Layer {
    /// y = W x + b, W of shape `[outputs, inputs]`.
    Linear { inputs: usize, outputs: usize, bias: bool },
    /// Element by element.
    Activation { function: Activation },
}

impl Layer {
    /// The shape that comes out, without the batch.
    ///
    /// # Errors
    /// When `input` does not fit; the message says what was expected and what was found.
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *self {
            Self::Linear { inputs, outputs, .. } if input == [inputs] => Ok(vec![outputs]),
            Self::Linear { inputs, .. } => {
                let error = Error::new(format!("expects an input of shape [{inputs}], got {input:?}"));
                Err(if input.len() > 1 && input.iter().product::<usize>() == inputs {
                    error.hint("images are flattened for you at the network's input, not between blocks")
                } else {
                    error
                })
            }
            Self::Activation { .. } => Ok(input.to_vec()),
        }
    }

    /// Trainable numbers.
    pub fn parameters(&self) -> usize {
        match *self {
            Self::Linear { inputs, outputs, bias } => inputs * outputs + if bias { outputs } else { 0 },
            Self::Activation { .. } => 0,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linear { inputs, outputs, bias: true } => write!(f, "linear({inputs}, {outputs})"),
            Self::Linear { inputs, outputs, bias: false } => write!(f, "linear({inputs}, {outputs}, no bias)"),
            Self::Activation { function } => write!(f, "{}", format!("{function:?}").to_lowercase()),
        }
    }
}

/// Layers in a row, for people.
pub(crate) fn list(layers: &[Layer]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}
