//! Runs a script from a Rust program and reads the table that it saves.
//!
//!     cargo run --release --example embed
//!
//! A program needs a [`Host`]. It takes [`Settings`]: where results are stored, what the script may use, the values of its
//! parameters. A run returns an [`Outcome`](entroscope::script::Outcome): how it ended, the files that it wrote, and its
//! tables as numbers. The second run computes nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use entroscope::script::{Host, HostEvent, Settings, Status};

fn main() -> ExitCode {
    // The defaults are those of the command line: all cores, the user's own store.
    let settings = Settings {
        out: Some(PathBuf::from("runs/embed")),
        set: vec![("depth".into(), "20".into())],
        ..Settings::default()
    };
    match explained_variance(settings) {
        Ok(curves) => {
            for (weight_var, curve) in curves {
                let curve: Vec<String> = curve.iter().map(|share| format!("{share:5.2}")).collect();
                println!("σ_w² = {weight_var:4}: {}", curve.join(" "));
            }
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprint!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// For each weight variance in `embed.rhai`, the share of the variance that the reconstructions explain at every depth.
///
/// # Errors
/// If the script is wrong or points failed; the text says what happened.
pub fn explained_variance(settings: Settings) -> Result<Vec<(f64, Vec<f64>)>, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/embed.rhai");
    // The observer receives events, from several threads: what the script prints, what is planned, every step.
    let host = Host::new(settings).with_observer(Arc::new(|event| {
        if let HostEvent::Planned(plan, estimate) = event {
            let (missing, reused) = plan.missing_and_reused();
            eprintln!("{missing} points to compute, {reused} stored; {estimate}");
        }
    }));

    let outcome = host.run(&script);
    if outcome.status != Status::Done {
        // A diagnostic is for people: what is wrong, the line of the script, what to do.
        return Err(outcome.diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect());
    }

    // A saved table has a row for every point of the sweep, or for every point and depth if its values are curves.
    let column = |name| outcome.column("explained.csv", name).ok_or_else(|| format!("no column {name}\n"));
    let (weight_vars, values) = (column("weight_var")?, column("value")?);
    let mut curves: Vec<(f64, Vec<f64>)> = Vec::new();
    for (weight_var, value) in weight_vars.into_iter().zip(values) {
        match curves.last_mut() {
            Some((last, curve)) if *last == weight_var => curve.push(value),
            _ => curves.push((weight_var, vec![value])),
        }
    }
    Ok(curves)
}
