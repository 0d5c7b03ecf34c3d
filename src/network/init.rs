//! Initial weights: W ~ N(0, σ_w²/fan_in), b ~ N(0, σ_b²), drawn from the host's own generator.

use serde_json::json;

use super::{Block, Layer};
use crate::random::{GENERATOR, Random};
use crate::{Error, Result};

/// The rule for initial weights (numerics: "Networks").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Init {
    /// σ_w²: the variance of a weight times its fan-in.
    pub weight_var: f64,
    /// σ_b²: the variance of a bias.
    pub bias_var: f64,
    pub seed: u64,
}

/// One block's weights: for each layer that has any, the weight, row-major, and the bias.
#[derive(Debug, Clone, Default)]
pub struct Weights(pub Vec<(Vec<f32>, Option<Vec<f32>>)>);

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

    /// Keyed by seed, block, layer and tensor: a block's weights are the same at every depth and on every device.
    pub(super) fn weights(&self, block_number: usize, block: &Block) -> Weights {
        let draw = |length: usize, layer: usize, tensor: &str, variance: f64| {
            let mut numbers = vec![0.0; length];
            Random::new(self.seed, &["network", &block_number.to_string(), &layer.to_string(), tensor])
                .fill_normal(&mut numbers, libm::sqrt(variance));
            numbers
        };
        let layers = block.layers().iter().enumerate().filter_map(|(i, layer)| match *layer {
            Layer::Linear { inputs, outputs, bias } => Some((
                draw(inputs * outputs, i, "weight", self.weight_var / inputs as f64),
                bias.then(|| draw(outputs, i, "bias", self.bias_var)),
            )),
            Layer::Activation { .. } => None,
        });
        Weights(layers.collect())
    }
}
