//! Steps along a gradient, as PyTorch takes them.

use burn::tensor::Tensor;
use serde::Serialize;

use crate::kernels::{Adam, Moments, add_scaled, scale};
use crate::{Error, Result};

/// How a gradient g moves a parameter p.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "optimizer")]
pub enum Optimizer {
    /// g ← g + decay · p; v ← momentum · v + g, where the first v is g; p ← p − rate · v, or with Nesterov's momentum
    /// p ← p − rate · (g + momentum · v).
    Sgd {
        rate: f64,
        momentum: f64,
        weight_decay: f64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        nesterov: bool,
    },
    /// Kingma & Ba 2015, with ε outside the corrected root; first g ← g + decay · p.
    Adam {
        #[serde(flatten)]
        adam: Adam,
        weight_decay: f64,
    },
    /// Adam with decoupled decay, p ← p − rate · decay · p before the step (Loshchilov & Hutter 2019).
    #[serde(rename = "adamw")]
    AdamW {
        #[serde(flatten)]
        adam: Adam,
        weight_decay: f64,
    },
}

/// PyTorch's default decay of `adamw`.
pub const DECOUPLED_DECAY: f64 = 0.01;

impl std::fmt::Display for Optimizer {
    /// As a script writes it, without what is the default.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
        };
        write!(f, "{name}({}", self.rate())?;
        self.settings()
            .iter()
            .filter(|(_, is, usual, _)| is != usual)
            .try_for_each(|(name, is, ..)| write!(f, ", {name} {is}"))?;
        f.write_str(if matches!(self, Self::Sgd { nesterov: true, .. }) { ", nesterov)" } else { ")" })
    }
}

/// An optimizer's state for one array: SGD's velocity, or Adam's moments.
#[derive(Debug, Clone, Default)]
pub(crate) struct OptimizerState {
    pub(super) first: Option<Tensor<1>>,
    pub(super) second: Option<Tensor<1>>,
}

impl Optimizer {
    /// Plain stochastic gradient descent.
    pub fn sgd(rate: f64) -> Self {
        Self::Sgd { rate, momentum: 0.0, weight_decay: 0.0, nesterov: false }
    }

    /// Adam with PyTorch's defaults.
    pub fn adam(learning_rate: f64) -> Self {
        Self::Adam { adam: Adam { learning_rate, ..Adam::DEFAULT }, weight_decay: 0.0 }
    }

    /// The step size.
    pub fn rate(&self) -> f64 {
        match *self {
            Self::Sgd { rate, .. } => rate,
            Self::Adam { adam, .. } | Self::AdamW { adam, .. } => adam.learning_rate,
        }
    }

    /// The other numbers: name, value, default, and what the value is below.
    fn settings(&self) -> Vec<(&'static str, f64, f64, f64)> {
        let decay = |is: f64, usual: f64| ("weight_decay", is, usual, f64::INFINITY);
        let adam_and = |Adam { beta_1, beta_2, epsilon, .. }: Adam, decay| {
            let usual = Adam::DEFAULT;
            let betas = [("beta_1", beta_1, usual.beta_1, 1.0), ("beta_2", beta_2, usual.beta_2, 1.0)];
            betas.into_iter().chain([("epsilon", epsilon, usual.epsilon, f64::INFINITY), decay]).collect()
        };
        match *self {
            Self::Sgd { momentum, weight_decay, .. } => {
                vec![("momentum", momentum, 0.0, 1.0), decay(weight_decay, 0.0)]
            }
            Self::Adam { adam, weight_decay } => adam_and(adam, decay(weight_decay, 0.0)),
            Self::AdamW { adam, weight_decay } => adam_and(adam, decay(weight_decay, DECOUPLED_DECAY)),
        }
    }

    /// The same with another step size.
    #[must_use]
    pub fn with_rate(mut self, new: f64) -> Self {
        match &mut self {
            Self::Sgd { rate, .. } => *rate = new,
            Self::Adam { adam, .. } | Self::AdamW { adam, .. } => adam.learning_rate = new,
        }
        self
    }

    /// The same steps as one way of writing them: decay that is 0 is not decoupled.
    pub(super) fn canonical(self) -> Self {
        match self {
            Self::AdamW { adam, weight_decay: 0.0 } => Self::Adam { adam, weight_decay: 0.0 },
            other => other,
        }
    }

    /// # Errors
    /// When a setting is out of its range.
    pub fn check(&self) -> Result<()> {
        let rate = self.rate();
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::new(format!("the rate of an optimizer is {rate}; it is a positive number")));
        }
        if matches!(self, Self::Sgd { nesterov: true, momentum: 0.0, .. }) {
            return Err(Error::new("`nesterov` looks ahead along the momentum, which is 0")
                .hint("give one: `sgd(0.1, #{ momentum: 0.9, nesterov: true })`"));
        }
        match self.settings().into_iter().find(|(_, is, _, below)| !(*is >= 0.0 && is < below)) {
            Some((name, is, _, below)) => {
                let range =
                    if below.is_finite() { format!("at least 0 and below {below}") } else { "at least 0".into() };
                Err(Error::new(format!("{name} of an optimizer is {is}; it is {range}")))
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
        let decayed = |gradient: Tensor<1>, decay: f64, parameters: &Tensor<1>| {
            if decay > 0.0 { gradient + parameters.clone() * decay } else { gradient }
        };
        match *self {
            Self::Sgd { rate, momentum, weight_decay, nesterov } => {
                let gradient = decayed(gradient, weight_decay, &parameters);
                let velocity = match state.first.take() {
                    Some(velocity) => velocity * momentum + gradient.clone(),
                    None => gradient.clone(),
                };
                if momentum > 0.0 {
                    state.first = Some(velocity.clone());
                }
                parameters - if nesterov { gradient + velocity * momentum } else { velocity } * rate
            }
            Self::Adam { adam, weight_decay } => {
                let gradient = decayed(gradient, weight_decay, &parameters);
                adam_step(adam, step, parameters, gradient, state)
            }
            Self::AdamW { adam, weight_decay } => {
                let parameters = parameters * (1.0 - adam.learning_rate * weight_decay);
                adam_step(adam, step, parameters, gradient, state)
            }
        }
    }

    /// Step number `step` (from 1) on the host: `gradient` is used up.
    pub(super) fn step_on_host(&self, step: u32, parameters: &mut [f32], gradient: &mut [f32], state: &mut Moments) {
        match *self {
            Self::Sgd { rate, momentum, weight_decay, nesterov } => {
                if weight_decay > 0.0 {
                    add_scaled(gradient, parameters, weight_decay);
                }
                if momentum > 0.0 {
                    state.first.resize(parameters.len(), 0.0);
                    scale(&mut state.first, momentum);
                    add_scaled(&mut state.first, gradient, 1.0);
                }
                match (momentum > 0.0, nesterov) {
                    (true, true) => {
                        add_scaled(gradient, &state.first, momentum);
                        add_scaled(parameters, gradient, -rate);
                    }
                    (true, false) => add_scaled(parameters, &state.first, -rate),
                    (false, _) => add_scaled(parameters, gradient, -rate),
                }
            }
            Self::Adam { adam, weight_decay } | Self::AdamW { adam, weight_decay } => {
                if matches!(self, Self::AdamW { .. }) {
                    scale(parameters, 1.0 - adam.learning_rate * weight_decay);
                } else if weight_decay > 0.0 {
                    add_scaled(gradient, parameters, weight_decay);
                }
                state.first.resize(parameters.len(), 0.0);
                state.second.resize(parameters.len(), 0.0);
                adam.step(step, parameters, gradient, state);
            }
        }
    }
}

/// The parameters after step number `step` of Adam, from 1.
fn adam_step(
    adam: Adam,
    step: usize,
    parameters: Tensor<1>,
    gradient: Tensor<1>,
    state: &mut OptimizerState,
) -> Tensor<1> {
    let Adam { learning_rate, beta_1, beta_2, epsilon } = adam;
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
