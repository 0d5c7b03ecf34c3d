//! Initial weights: W ~ N(0, σ_w²/fan_in), b ~ N(0, σ_b²), drawn from the host's own generator.

use serde_json::json;

use super::{Block, ParamKind, ParamSpec};
use crate::random::{GENERATOR, Random};
use crate::{Error, Result};

/// The rule for initial weights; the published one (arXiv:2406.12916).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Init {
    /// σ_w²: the variance of a weight times its fan-in.
    pub weight_var: f64,
    /// σ_b²: the variance of a bias.
    pub bias_var: f64,
    pub seed: u64,
}

impl Init {
    pub(super) fn check(&self) -> Result<()> {
        for (name, variance) in [("weight_var", self.weight_var), ("bias_var", self.bias_var)] {
            if !(variance >= 0.0 && variance.is_finite()) {
                return Err(Error::new(format!("{name} is {variance}; a variance is a finite number of at least 0")));
            }
        }
        Ok(())
    }

    pub(super) fn description(&self) -> serde_json::Value {
        json!({
            "gaussian": GENERATOR,
            "weight_var": self.weight_var,
            "bias_var": self.bias_var,
            "seed": self.seed,
        })
    }

    /// The arrays of a block, each in PyTorch's layout. Random numbers are keyed by seed, block, layer and array: a block's
    /// weights are the same at every depth and on every device.
    pub(super) fn arrays(&self, block_number: usize, block: &Block) -> Vec<Vec<f32>> {
        let draw = |length: usize, name: &str, variance: f64| {
            let (layer, array) = name.rsplit_once('.').unwrap_or(("", name));
            let mut numbers = vec![0.0; length];
            Random::new(self.seed, &["network", &block_number.to_string(), layer, array])
                .fill_normal(&mut numbers, libm::sqrt(variance));
            numbers
        };
        let array = |spec: ParamSpec| match spec.kind {
            ParamKind::Weight { fan_in } => draw(spec.len(), &spec.name, self.weight_var / fan_in),
            ParamKind::Bias => draw(spec.len(), &spec.name, self.bias_var),
            ParamKind::Scale | ParamKind::RunningVariance => vec![1.0; spec.len()],
            ParamKind::Shift | ParamKind::RunningMean => vec![0.0; spec.len()],
        };
        block.param_specs().into_iter().map(array).collect()
    }
}
