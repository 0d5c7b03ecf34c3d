//! The gradient of the cross-entropy at the network's weights: its size in every block, and grad·θ (SNIP).

use std::sync::Arc;

use serde_json::json;

use super::backward::{Chain, Scaled, forward_operations, samples_and_weights, working_bytes};
use super::{dot, log_sum};
use crate::Result;
use crate::data::Split;
use crate::network::{Loss, Network, check_labels};
use crate::work::{Context, Cost, Described, Keep, Operation, Provenance, Value};

/// The gradient of the mean cross-entropy of `split`, in logarithms: "weights" `[depth]`, ln of its norm over every block's
/// arrays; "signal" `[depth]`, ln of the root mean square of the gradient of each block's output, a sample's own loss counted;
/// "gradient_norm" `[1]`, ln of the norm over all arrays; "snip" `[1]`, ln Σ |g·θ| over all weights (Lee et al. 2019).
///
/// # Errors
/// When the data has no labels, or does not fit the network.
pub fn gradients(network: &Network, split: &Split) -> Result<Described> {
    of(network, split, Wanted::All)
}

/// ln of the norm of that gradient alone, a number.
///
/// # Errors
/// As [`gradients`].
pub fn gradient_norm(network: &Network, split: &Split) -> Result<Described> {
    of(network, split, Wanted::Norm)
}

/// ln Σ |g·θ| alone, a number.
///
/// # Errors
/// As [`gradients`].
pub fn snip(network: &Network, split: &Split) -> Result<Described> {
    of(network, split, Wanted::Snip)
}

fn of(network: &Network, split: &Split, wanted: Wanted) -> Result<Described> {
    check_labels(network, split)?;
    Ok(Described::new(Gradients { network: network.clone(), split: split.clone(), wanted }))
}

/// A number alone is an operation of its own name, so that its cost is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Norm,
    Snip,
}

#[derive(Debug)]
struct Gradients {
    network: Network,
    split: Split,
    wanted: Wanted,
}

impl Operation for Gradients {
    fn name(&self) -> &'static str {
        match self.wanted {
            Wanted::All => "network.gradients",
            Wanted::Norm => "network.gradient_norm",
            Wanted::Snip => "network.snip",
        }
    }

    fn version(&self) -> u32 {
        1
    }

    fn parameters(&self) -> serde_json::Value {
        let depth = self.network.architecture().depth();
        json!({ "blocks": self.network.prefix(depth), "data": self.split.description() })
    }

    fn inputs(&self) -> Vec<Described> {
        samples_and_weights(&self.network, &self.split)
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
        let chain = Chain::new(&self.network, &inputs[1..], context)?;
        let all = chain.forward(chain.upload(x.to_vec(), labels.len()), false)?;
        let depth = self.network.architecture().depth();
        let of_outputs = self.of_outputs(all[depth].to_host()?, &labels);
        let mut gradient = Scaled::new(chain.upload(of_outputs, labels.len()), 0.0)?;
        let (mut weights, mut signal, mut snip) = (vec![f64::NEG_INFINITY; depth], vec![0.0; depth], Vec::new());
        for l in (1..=depth).rev() {
            // The mean over the samples divides every sample's own gradient by their number.
            if self.wanted == Wanted::All {
                signal[l - 1] = root_mean_square(&gradient)? + libm::log(labels.len() as f64);
            }
            let (before, of_arrays) = chain.back(l, &all[l - 1], &gradient, true)?;
            if self.wanted != Wanted::Snip {
                let square = |g: &f32| f64::from(*g) * f64::from(*g);
                let squares: f64 = of_arrays.iter().flat_map(|of| of.gradient.iter().map(square)).sum();
                weights[l - 1] = gradient.ln + 0.5 * libm::log(squares);
            }
            if self.wanted != Wanted::Norm {
                let product = |(g, w): (&f32, &f32)| (f64::from(*g) * f64::from(*w)).abs();
                let pairs = of_arrays.iter().flat_map(|of| of.gradient.iter().zip(&of.array).map(product));
                snip.push(gradient.ln + libm::log(pairs.sum::<f64>()));
            }
            gradient = before;
        }
        let twice: Vec<f64> = weights.iter().map(|ln| 2.0 * ln).collect();
        match self.wanted {
            Wanted::All => {}
            Wanted::Norm => return Ok(Value::number(0.5 * log_sum(&twice))),
            Wanted::Snip => return Ok(Value::number(log_sum(&snip))),
        }
        Ok(Value::default()
            .with("weights", &[depth], weights)
            .with("signal", &[depth], signal)
            .with("gradient_norm", &[1], vec![0.5 * log_sum(&twice)])
            .with("snip", &[1], vec![log_sum(&snip)]))
    }
}

impl Gradients {
    /// The gradient of the mean cross-entropy with respect to the outputs.
    fn of_outputs(&self, mut outputs: Vec<f32>, labels: &[u32]) -> Vec<f32> {
        let last = self.network.architecture().blocks().last().and_then(|block| block.layers().last());
        if !last.is_some_and(|layer| layer.kind().gives_probabilities()) {
            Loss::CrossEntropy.into_gradient(&mut outputs, labels, 0.0);
            return outputs;
        }
        let classes = (outputs.len() / labels.len().max(1)).max(1);
        for (row, &label) in outputs.chunks_mut(classes).zip(labels) {
            let slope = |p: f32| (-1.0 / f64::from(p) / labels.len() as f64) as f32;
            row.iter_mut().enumerate().for_each(|(i, p)| *p = if i == label as usize { slope(*p) } else { 0.0 });
        }
        outputs
    }
}

/// ln of the root mean square.
fn root_mean_square(scaled: &Scaled) -> Result<f64> {
    let numbers = scaled.to_host()?;
    Ok(scaled.ln + 0.5 * libm::log(dot(&numbers, &numbers) / numbers.len().max(1) as f64))
}
