//! The tests, but for those that measure their own process. They are one program, because each would be linked with the
//! whole library again: `cargo test --test suite weights::` runs one file, `cargo test --test suite -- --list` names all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "a test")]

mod reference;
mod scripted;
mod skip;

mod browser;
mod data;
mod devices;
mod differentiable;
mod docs;
mod examples;
mod faults;
mod figure;
mod images;
mod output;
mod photos;
mod provenance;
mod reuse;
mod ridge;
mod scripts;
mod tensor;
mod theory;
mod training;
mod watch;
mod weights;
mod wide6;
