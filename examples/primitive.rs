//! Gives scripts a new native function, `effective_rank(network, data)`, and runs a script that uses it.
//!
//!     cargo run --release --example primitive
//!
//! It takes two things. An [`Operation`] is a step of a computation: its name, the parameters that decide its numbers, its
//! inputs, its cost, and the code. A function in an `#[export_module]` lets scripts describe it. The host does the rest:
//! results are named by their fingerprint, stored and found again, planned with other operations, cancelled and reported.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use entroscope::data::Split;
use entroscope::network::{Network, activations, check_data};
use entroscope::script::session::Native;
use entroscope::script::{Curve, Host, Layout, Outcome, Settings};
use entroscope::work::{Context, Cost, Described, Keep, Operation, Value};
use rhai::plugin::*;
use serde_json::json;

/// The participation ratio (Σλ)² / Σλ² of the eigenvalues λ of the activations' covariance, at every depth from 1 on. It is
/// 1 if all samples lie on a line, and the number of dimensions if they fill all of them equally.
#[derive(Debug)]
struct EffectiveRank {
    /// The activations at each depth, "x" `[samples, …]`: descriptions, too, computed only if this operation runs.
    activations: Vec<Described>,
}

impl Operation for EffectiveRank {
    /// Unique among operations: start it with a name of your own.
    fn name(&self) -> &'static str {
        "example.effective_rank"
    }

    /// Raise it when the same parameters give different numbers. Results of older versions are then no longer used.
    fn version(&self) -> u32 {
        1
    }

    /// Everything that decides the numbers, and nothing else. Inputs count by their fingerprints.
    fn parameters(&self) -> serde_json::Value {
        let of: Vec<_> = self.activations.iter().map(Described::fingerprint).collect();
        json!({ "of": of })
    }

    fn inputs(&self) -> Vec<Described> {
        self.activations.clone()
    }

    /// One number per depth is small enough to keep for good. Large results are kept `WithinBudget`.
    fn keep(&self) -> Keep {
        Keep::Always
    }

    /// Estimated from the costs of the inputs, because nothing has been computed when a plan is made.
    fn cost(&self) -> Cost {
        let numbers = self.activations.iter().map(|x| x.operation().cost().result_bytes / 4.0);
        let depths = self.activations.len() as f64;
        Cost { operations: 4.0 * numbers.sum::<f64>(), result_bytes: 8.0 * depths, working_bytes: 0.0 }
    }

    fn run(&self, inputs: &[Arc<Value>], context: &Context<'_>) -> entroscope::Result<Value> {
        let share = self.cost().operations / inputs.len() as f64;
        let mut curve = Vec::new();
        for input in inputs {
            let (shape, x) = input.f32s("x")?;
            curve.push(participation_ratio(x, shape[0]));
            // Updates the progress bar, and returns an error here if the user stops the run.
            context.advance(share)?;
        }
        Ok(Value::default().with("curve", &[curve.len()], curve))
    }
}

/// The participation ratio of `x`, `[samples, width]`. With the centred samples as rows of X, Σλ and Σλ² are the trace and the squared Frobenius
/// norm of X Xᵀ, up to a factor that cancels.
fn participation_ratio(x: &[f32], samples: usize) -> f64 {
    let width = x.len() / samples;
    let mean: Vec<f64> = (0..width)
        .map(|i| x.iter().skip(i).step_by(width).map(|&x| f64::from(x)).sum::<f64>() / samples as f64)
        .collect();
    let rows: Vec<Vec<f64>> =
        x.chunks(width).map(|row| row.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean).collect()).collect();
    let (mut trace, mut squares) = (0.0, 0.0);
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            trace += if i == j { product } else { 0.0 };
            squares += product * product;
        }
    }
    trace * trace / squares
}

/// The functions for scripts. Their doc comments are their pages in the reference.
#[export_module]
mod functions {
    /// The number of directions that the activations of `data` fill at each depth of a network: the participation ratio of the
    /// eigenvalues of their covariance.
    ///
    /// ```
    /// let data = dataset("glyphs", #{ size: 7 });
    /// let net = mlp::wide(49, 10, 6).init(#{ weight_var: 1.76, bias_var: 0.05 });
    /// print(effective_rank(net, data.test.take(50)).at(1));
    /// ```
    #[rhai_fn(return_raw)]
    pub fn effective_rank(network: Network, data: Split) -> Native<Curve> {
        // Nothing is computed here: scripts make descriptions. An error that is found now gets the place of the call.
        check_data(&network, &data)?;
        let depth = network.architecture().trunk();
        let activations = (1..=depth).map(|l| activations(&network, &data, l)).collect();
        Ok(Curve::new(Described::new(EffectiveRank { activations }), depth))
    }
}

/// A host whose scripts can call `effective_rank`.
pub fn host(settings: Settings) -> Host {
    Host::new(settings).with_primitive(|engine| {
        engine.register_global_module(exported_module!(functions).into());
    })
}

/// Runs `primitive.rhai`.
pub fn run(settings: Settings) -> Outcome {
    host(settings).run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/primitive.rhai"))
}

fn main() -> ExitCode {
    let settings = Settings { out: Some(PathBuf::from("runs/primitive")), ..Settings::default() };
    // The declaration above gives it a page in the reference.
    if let Ok(reference) = host(settings.clone()).reference() {
        let pages = reference.pages().filter(|(_, page)| page.name == "effective_rank");
        pages.for_each(|(_, page)| println!("{}", page.text(Layout::Terminal { width: 100 })));
    }
    let outcome = run(settings);
    outcome.diagnostics.iter().for_each(|diagnostic| eprint!("{}", diagnostic.render(false)));
    outcome.files.iter().for_each(|file| println!("wrote {}", file.display()));
    ExitCode::from(outcome.status.code())
}
