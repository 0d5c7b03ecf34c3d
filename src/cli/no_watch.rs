//! `entroscope watch` in a build without the feature `watch`.

use std::process::ExitCode;

use clap::Args;

use super::{Program, failed};
use crate::Error;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Whatever the command would take.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

pub(super) fn watch(_: &Program, _: &Arguments) -> ExitCode {
    let error = Error::new("this build leaves out `entroscope watch`");
    failed(error.hint("build it with the feature `watch`: `cargo build --release --features watch`"))
}
