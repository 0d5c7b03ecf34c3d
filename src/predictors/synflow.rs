//! Synflow (Tanaka et al. 2020): how much all paths of a network carry together.

use std::sync::Arc;

use burn::tensor::Tensor;
use serde_json::json;

use super::backward::{Chain, ChainBlock, Scaled, forward_operations, working_bytes};
use super::log_sum;
use crate::Result;
use crate::network::{Layer, Network, ParamKind, Residual, weight_ops};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// ln Σ θ·∂R/∂θ, where R is the sum of the outputs for an input of ones, of the network without biases, activations,
/// normalisations and `dropout`, all of its weights positive.
pub fn synflow(network: &Network) -> Described {
    Described::new(Synflow { network: network.clone() })
}

#[derive(Debug)]
struct Synflow {
    network: Network,
}

impl Operation for Synflow {
    fn name(&self) -> &'static str {
        "network.synflow"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        json!({ "blocks": self.network.prefix(self.network.architecture().depth()) })
    }

    fn inputs(&self) -> Vec<Described> {
        weight_ops(&self.network, 0, self.network.architecture().depth()).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance())
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        Cost {
            operations: 4.0 * forward_operations(&self.network),
            result_bytes: 8.0,
            working_bytes: working_bytes(&self.network, 1),
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let architecture = self.network.architecture();
        let depth = architecture.depth();
        let mut chain = Chain::new(&self.network, inputs, context)?;
        chain.blocks = chain.blocks.into_iter().map(linear_block).collect();
        let ones = |l: usize| chain.upload(vec![1.0; architecture.width(l)], 1);
        let all = chain.forward(ones(0), true)?;
        let mut gradient = Scaled { numbers: ones(depth), ln: 0.0 };
        let mut terms = Vec::new();
        for l in (1..=depth).rev() {
            let (before, of_arrays) = chain.back(l, &all[l - 1], &gradient, true)?;
            let product = |(g, w): (&f32, &f32)| f64::from(*g) * f64::from(*w);
            let weights = of_arrays.iter().filter(|of| matches!(of.kind, ParamKind::Weight { .. }));
            let sum: f64 = weights.flat_map(|of| of.gradient.iter().zip(&of.array).map(product)).sum();
            terms.push(gradient.ln + all[l - 1].ln + libm::log(sum));
            gradient = before;
        }
        Ok(Value::number(log_sum(&terms)))
    }
}

/// A block without what is not linear, its weights positive and its biases zero.
fn linear_block(block: ChainBlock) -> ChainBlock {
    let mut arrays = block.arrays.into_iter().zip(block.kinds);
    let (mut kept, mut kinds) = (Vec::new(), Vec::new());
    let layers = linear_layers(&block.layers, &mut arrays, &mut |array, kind| {
        kept.push(if matches!(kind, ParamKind::Weight { .. }) { array.abs() } else { array.zeros_like() });
        kinds.push(kind);
    });
    ChainBlock { layers, arrays: kept, kinds, shape: block.shape, operations: block.operations }
}

fn linear_layers(
    layers: &[Layer],
    arrays: &mut impl Iterator<Item = (Tensor<1>, ParamKind)>,
    keep: &mut impl FnMut(Tensor<1>, ParamKind),
) -> Vec<Layer> {
    let mut linear = Vec::new();
    for layer in layers {
        match layer.inner() {
            Layer::Residual(Residual { body, projection }) => {
                let body = linear_layers(body, arrays, keep);
                let projection = linear_layers(projection, arrays, keep);
                linear.push(Layer::from(Residual { body, projection }));
            }
            Layer::Activation(_) | Layer::Softmax(_) | Layer::Dropout(_) => {}
            Layer::BatchNorm(_) | Layer::LayerNorm(_) | Layer::GroupNorm(_) | Layer::RmsNorm(_) => {
                arrays.by_ref().take(layer.param_specs().len()).for_each(drop);
            }
            other => {
                arrays.by_ref().take(layer.param_specs().len()).for_each(|(array, kind)| keep(array, kind));
                linear.push(other.clone());
            }
        }
    }
    linear
}
