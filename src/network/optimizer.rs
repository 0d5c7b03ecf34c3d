//! Steps along a gradient, as PyTorch takes them.

use burn::tensor::Tensor;
use serde::Serialize;

use crate::kernels::Adam;
use crate::{Error, Result};

/// How a gradient g moves a parameter p.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "optimizer")]
pub enum Optimizer {
    /// g ← g + decay · p; v ← momentum · v + g, where the first v is g; p ← p − rate · v.
    Sgd { rate: f64, momentum: f64, weight_decay: f64 },
    /// Kingma & Ba 2015, with ε outside the corrected root; first g ← g + decay · p.
    Adam {
        #[serde(flatten)]
        adam: Adam,
        weight_decay: f64,
    },
}

impl std::fmt::Display for Optimizer {
    /// As a script writes it, without what is the default.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usual = Adam::default();
        let (name, rate, others) = match *self {
            Self::Sgd { rate, momentum, weight_decay } => {
                ("sgd", rate, vec![("momentum", momentum, 0.0), ("weight_decay", weight_decay, 0.0)])
            }
            Self::Adam { adam: Adam { learning_rate, beta_1, beta_2, epsilon }, weight_decay } => (
                "adam",
                learning_rate,
                vec![
                    ("beta_1", beta_1, usual.beta_1),
                    ("beta_2", beta_2, usual.beta_2),
                    ("epsilon", epsilon, usual.epsilon),
                    ("weight_decay", weight_decay, 0.0),
                ],
            ),
        };
        write!(f, "{name}({rate}")?;
        others.iter().filter(|(_, is, usual)| is != usual).try_for_each(|(name, is, _)| write!(f, ", {name} {is}"))?;
        f.write_str(")")
    }
}

/// An optimizer's state for one array: SGD's velocity, or Adam's moments.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptimizerState {
    first: Option<Tensor<1>>,
    second: Option<Tensor<1>>,
}

impl Optimizer {
    /// Plain stochastic gradient descent.
    pub fn sgd(rate: f64) -> Self {
        Self::Sgd { rate, momentum: 0.0, weight_decay: 0.0 }
    }

    /// Adam with PyTorch's defaults.
    pub fn adam(learning_rate: f64) -> Self {
        Self::Adam { adam: Adam { learning_rate, ..Adam::DEFAULT }, weight_decay: 0.0 }
    }

    /// # Errors
    /// When a setting is out of its range.
    pub fn check(&self) -> Result<()> {
        let part = "at least 0 and below 1";
        let (rate, others) = match *self {
            Self::Sgd { rate, momentum, weight_decay } => (
                rate,
                vec![("momentum", momentum, 1.0, part), ("weight_decay", weight_decay, f64::INFINITY, "at least 0")],
            ),
            Self::Adam { adam: Adam { learning_rate, beta_1, beta_2, epsilon }, weight_decay } => (
                learning_rate,
                vec![
                    ("beta_1", beta_1, 1.0, part),
                    ("beta_2", beta_2, 1.0, part),
                    ("epsilon", epsilon, f64::INFINITY, "at least 0"),
                    ("weight_decay", weight_decay, f64::INFINITY, "at least 0"),
                ],
            ),
        };
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::new(format!("the rate of an optimizer is {rate}; it is a positive number")));
        }
        match others.into_iter().find(|(_, value, below, _)| !(*value >= 0.0 && value < below)) {
            Some((name, value, _, range)) => {
                Err(Error::new(format!("{name} of an optimizer is {value}; it is {range}")))
            }
            None => Ok(()),
        }
    }

    /// The parameters after step number `step` (from 1).
    pub(crate) fn step(
        &self,
        step: usize,
        parameters: Tensor<1>,
        gradient: Tensor<1>,
        state: &mut OptimizerState,
    ) -> Tensor<1> {
        let decayed = |decay: f64| if decay > 0.0 { gradient + parameters.clone() * decay } else { gradient };
        match *self {
            Self::Sgd { rate, momentum, weight_decay } => {
                let gradient = decayed(weight_decay);
                let velocity = match state.first.take() {
                    Some(velocity) => velocity * momentum + gradient,
                    None => gradient,
                };
                if momentum > 0.0 {
                    state.first = Some(velocity.clone());
                }
                parameters - velocity * rate
            }
            Self::Adam { adam: Adam { learning_rate, beta_1, beta_2, epsilon }, weight_decay } => {
                let gradient = decayed(weight_decay);
                let mean = |before: Option<Tensor<1>>, next: Tensor<1>, beta: f64| match before {
                    Some(before) => before * beta + next * (1.0 - beta),
                    None => next * (1.0 - beta),
                };
                let first = mean(state.first.take(), gradient.clone(), beta_1);
                let second = mean(state.second.take(), gradient.square(), beta_2);
                let corrected = |beta: f64| 1.0 - libm::pow(beta, step as f64);
                let root = second.clone().sqrt() / libm::sqrt(corrected(beta_2)) + epsilon;
                let parameters = parameters - first.clone() / root * (learning_rate / corrected(beta_1));
                (state.first, state.second) = (Some(first), Some(second));
                parameters
            }
        }
    }
}
