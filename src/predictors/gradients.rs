//! The gradient of the cross-entropy at the network's weights: its size in every block, and grad·θ (SNIP).

use std::sync::Arc;

use burn::tensor::Device;
use serde_json::json;

use super::backward::{Chain, Scaled};
use super::log_sum;
use crate::Result;
use crate::data::{Split, samples};
use crate::network::{Block, Network, check_labels, weight_ops};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// The gradient of the mean cross-entropy of `split`, in logarithms: "weights" `[depth]`, ln of its norm over every block's
/// arrays; "signal" `[depth]`, ln of the root mean square of the gradient of each block's output, a sample's own loss counted;
/// "gradient_norm" `[1]`, ln of the norm over all arrays; "snip" `[1]`, ln Σ |g·θ| over all weights (Lee et al. 2019).
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn gradients(network: &Network, split: &Split) -> Result<Described> {
    check_labels(network, split)?;
    Ok(Described::new(Gradients { network: network.clone(), split: split.clone() }))
}

#[derive(Debug)]
struct Gradients {
    network: Network,
    split: Split,
}

/// Bytes that gradients led back through a network need beside the result.
pub(super) fn working_bytes(network: &Network, samples: usize) -> f64 {
    let architecture = network.architecture();
    let depth = architecture.depth();
    let widths: usize = (0..=depth).map(|l| architecture.width(l)).sum();
    let largest = architecture.blocks().iter().map(Block::parameters).max().unwrap_or(0);
    4.0 * (architecture.parameters() + 4 * largest) as f64 + 12.0 * (samples * widths) as f64
}

/// Floating-point operations of a forward pass for one sample.
pub(super) fn forward_operations(network: &Network) -> f64 {
    let architecture = network.architecture();
    (1..=architecture.depth()).map(|l| architecture.operations(l)).sum()
}

impl Operation for Gradients {
    fn name(&self) -> &'static str {
        "network.gradients"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let depth = self.network.architecture().depth();
        json!({ "blocks": self.network.prefix(depth), "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        let depth = self.network.architecture().depth();
        std::iter::once(samples(&self.split)).chain(weight_ops(&self.network, 0, depth)).collect()
    }

    fn provenance(&self) -> Option<Provenance> {
        Some(self.network.provenance_on(&self.split))
    }

    fn keep(&self) -> Keep {
        Keep::Always
    }

    fn cost(&self) -> Cost {
        // Forward; and once more, with the gradients of inputs and arrays.
        Cost {
            operations: 4.0 * self.split.len() as f64 * forward_operations(&self.network),
            result_bytes: 16.0 * self.network.architecture().depth() as f64 + 16.0,
            working_bytes: working_bytes(&self.network, self.split.len()),
        }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> Result<Value> {
        let ((_, x), labels) = (inputs[0].f32s("x")?, self.split.labels()?);
        let architecture = self.network.architecture();
        let device = context.device().cloned().unwrap_or_else(Device::flex);
        let chain = Chain::new(&self.network, &inputs[1..], &device)?;
        let per_block = |l: usize| labels.len() as f64 * architecture.operations(l);
        let x = Scaled::from_host(x.to_vec(), labels.len(), &device);
        let all = chain.forward(x, false, |l| context.advance(per_block(l)))?;
        let depth = architecture.depth();
        let mut gradient = self.of_outputs(&all[depth], &labels, &device)?;
        let (mut weights, mut signal, mut snip) = (vec![f64::NEG_INFINITY; depth], vec![0.0; depth], Vec::new());
        for l in (1..=depth).rev() {
            // The mean over the samples divides every sample's own gradient by their number.
            signal[l - 1] = root_mean_square(&gradient)? + libm::log(labels.len() as f64);
            let (before, of_arrays) = chain.back(l, &all[l - 1], &gradient, true)?;
            let square = |g: &f32| f64::from(*g) * f64::from(*g);
            let squares: f64 = of_arrays.iter().flat_map(|of| of.gradient.iter().map(square)).sum();
            weights[l - 1] = gradient.ln + 0.5 * libm::log(squares);
            let product = |(g, w): (&f32, &f32)| (f64::from(*g) * f64::from(*w)).abs();
            let products: f64 = of_arrays.iter().flat_map(|of| of.gradient.iter().zip(&of.array).map(product)).sum();
            snip.push(gradient.ln + libm::log(products));
            gradient = before;
            context.advance(3.0 * per_block(l))?;
        }
        let twice: Vec<f64> = weights.iter().map(|ln| 2.0 * ln).collect();
        Ok(Value::default()
            .with("weights", &[depth], weights)
            .with("signal", &[depth], signal)
            .with("gradient_norm", &[1], vec![0.5 * log_sum(&twice)])
            .with("snip", &[1], vec![log_sum(&snip)]))
    }
}

impl Gradients {
    /// The gradient of the mean cross-entropy with respect to the outputs.
    fn of_outputs(&self, outputs: &Scaled, labels: &[u32], device: &Device) -> Result<Scaled> {
        let last = self.network.architecture().blocks().last().and_then(|block| block.layers().last());
        let are_probabilities = last.is_some_and(|layer| layer.kind().gives_probabilities());
        let y = outputs.to_host()?;
        let width = y.len() / labels.len().max(1);
        let mut gradient = Vec::with_capacity(y.len());
        for (row, &label) in y.chunks(width.max(1)).zip(labels) {
            let of_class = |i: usize| f64::from(u8::from(i == label as usize));
            let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|x| libm::exp(x - largest)).sum();
            gradient.extend(row.iter().enumerate().map(|(i, x)| {
                let slope =
                    if are_probabilities { -of_class(i) / x } else { libm::exp(x - largest) / sum - of_class(i) };
                (slope / labels.len() as f64) as f32
            }));
        }
        Scaled::new(Scaled::from_host(gradient, labels.len(), device), 0.0)
    }
}

/// ln of the root mean square.
fn root_mean_square(scaled: &Scaled) -> Result<f64> {
    let numbers = scaled.to_host()?;
    let sum: f64 = numbers.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    Ok(scaled.ln + 0.5 * libm::log(sum / numbers.len().max(1) as f64))
}
