//! The tests are one program, because each of several would be linked with the whole library again. `cargo test --release
//! --test suite weights::` runs one file; with `-- --list` it names all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test")]

use entroscope::allocation::Counting;

/// As the program's: the memory of scripts is counted.
#[global_allocator]
static ALLOCATOR: Counting<std::alloc::System> = Counting(std::alloc::System);

mod recipes;
mod reference;
mod scripted;
mod skip;

mod activations;
mod block_weights;
mod browser;
mod campaigns;
mod data;
mod devices;
mod differentiable;
mod docs;
mod examples;
mod faults;
mod figure;
mod gallery;
mod hostile;
mod images;
mod infinite;
mod init;
mod layers;
mod output;
mod own_data;
mod photos;
mod predictors;
mod provenance;
mod reuse;
mod ridge;
mod run_folder;
mod said;
mod scripts;
mod store;
mod tables;
mod tensor;
mod theory;
mod training;
mod training_options;
mod watch;
mod weights;
mod wide6;
