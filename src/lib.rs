//! Entroscope runs experiment scripts that ask how far into a deep network information about its input survives, before
//! anyone trains it. This crate is the library behind the program `entroscope`. It runs scripts from a Rust program, gives
//! them new functions, and can be used without scripts at all.
//!
//! The snippets on this page are taken from `examples/embed.rs` and `examples/primitive.rs`, which run:
//!
//! ```text
//! cargo run --release --example embed
//! cargo run --release --example primitive
//! ```
//!
//! # Run a script
//!
//! A [`Host`](script::Host) runs scripts. Its [`Settings`](script::Settings) are plain data: where results are stored, what
//! the script may use, the values of its parameters. The defaults are those of the command line.
//!
//! ```ignore
//! let settings = Settings {
//!     out: Some(PathBuf::from("runs/embed")),
//!     set: vec![("depth".into(), "20".into())],
//!     ..Settings::default()
//! };
//! ```
//!
//! [`Host::run`](script::Host::run) evaluates the script, computes what it shows, and fills the run folder. The
//! [`Outcome`](script::Outcome) says how that ended:
//!
//! ```ignore
//! let outcome = host.run(&script);
//! if outcome.status != Status::Done {
//!     return Err(outcome.diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect());
//! }
//! ```
//!
//! A [`Diagnostic`](script::Diagnostic) has a message, a place in the script, the calls that led there, and hints.
//! [`Host::check`](script::Host::check) finds mistakes and estimates the cost without computing anything.
//!
//! # Read its numbers
//!
//! A table that the script saves has a row for every point of the sweep, or for every point and depth if its values are
//! curves. A column is a list of numbers, with NaN where a point failed:
//!
//! ```ignore
//! let column = |name| outcome.column("explained.csv", name).ok_or_else(|| format!("no column {name}\n"));
//! let (weight_vars, values) = (column("weight_var")?, column("value")?);
//! ```
//!
//! # Follow a run, and stop it
//!
//! An observer receives [events](script::HostEvent): what the script prints, what is planned, every step of the work. It is
//! called from several threads.
//!
//! ```ignore
//! let host = Host::new(settings).with_observer(Arc::new(|event| {
//!     if let HostEvent::Planned(plan, estimate) = event {
//!         let (missing, reused) = plan.missing_and_reused();
//!         eprintln!("{missing} points to compute, {reused} stored; {estimate}");
//!     }
//! }));
//! ```
//!
//! A [`RunHandle`](script::RunHandle), given to [`Host::with_handle`](script::Host::with_handle), stops a run from another
//! thread: every step of a computation checks it.
//!
//! # Add a function for scripts
//!
//! Scripts make descriptions, which are computed when they are shown. So a new function has two parts. The first is an
//! [`Operation`](work::Operation): it has a name, a version, the parameters that decide its numbers, its inputs, its cost,
//! and code that computes it.
//!
//! ```ignore
//! fn name(&self) -> &'static str {
//!     "example.effective_rank"
//! }
//! ```
//!
//! The second is a function for Rhai that describes it. Its doc comment is its page in the reference:
//!
//! ```ignore
//! #[rhai_fn(return_raw)]
//! pub fn effective_rank(network: Network, data: Split) -> Native<Curve> {
//!     check_data(&network, &data)?;
//!     let depth = network.architecture().trunk();
//!     let activations = (1..=depth).map(|l| activations(&network, &data, l)).collect();
//!     Ok(Curve::new(Described::new(EffectiveRank { activations }), depth))
//! }
//! ```
//!
//! [`Host::with_primitive`](script::Host::with_primitive) adds it to every script:
//!
//! ```ignore
//! Host::new(settings).with_primitive(|engine| {
//!     engine.register_global_module(exported_module!(functions).into());
//! })
//! ```
//!
//! Everything else comes from the host: results are named by their fingerprint, stored and found again, planned together
//! with other operations, cancelled, and reported.
//!
//! # Where things are
//!
//! | module | subject |
//! |---|---|
//! | [`script`] | the host: settings, runs, diagnostics, the reference |
//! | [`output`] | what a script shows: figures, pictures, tables, verdicts, weights |
//! | [`work`], [`executor`] | operations, fingerprints, plans, the store |
//! | [`network`], [`cascade`], [`entropy`], [`theory`] | networks, their reconstruction, the measures, mean-field theory |
//! | [`predictors`], [`trainability`] | predictors of how a network trains, and the greatest depth that trains |
//! | [`data`], [`weights`] | data sets and files of weights |
//! | [`figure`] | figures as data, drawn as SVG and PNG |
//! | [`kernels`], [`random`], [`device`] | inner loops, the random numbers, devices |
//!
//! `ARCHITECTURE.md` explains how they work together.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod allocation;
pub mod cascade;
pub mod cli;
pub mod data;
pub mod device;
pub mod entropy;
mod error;
pub mod executor;
pub mod figure;
mod files;
#[cfg(all(any(test, fuzzing), feature = "pytorch", feature = "watch"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod infinite;
pub mod kernels;
mod linear_algebra;
#[cfg(feature = "watch")]
pub mod live;
mod lock;
pub mod network;
pub mod output;
pub mod page;
pub mod predictors;
mod print;
pub mod random;
pub mod recipe;
pub mod script;
pub mod stats;
pub mod theory;
pub mod trainability;
pub mod weights;
mod words;
pub mod work;

pub use error::{Error, Result};
