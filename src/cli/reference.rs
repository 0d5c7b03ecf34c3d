//! `entroscope reference`.

use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::script::{Diagnostic, Function, Host, Settings};
use crate::words::nearest;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only functions of this name.
    name: Option<String>,
    /// The whole declaration as JSON, for editors.
    #[arg(long)]
    json: bool,
}

pub(super) fn reference(arguments: &Arguments, settings: Settings) -> ExitCode {
    let host = Host::new(settings);
    let shown = if arguments.json {
        host.reference().map(|json| println!("{json:#}"))
    } else {
        host.functions().and_then(|functions| list(&functions, arguments.name.as_deref()))
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            say(&diagnostic);
            ExitCode::from(2)
        }
    }
}

fn list(functions: &[Function], name: Option<&str>) -> Result<(), Diagnostic> {
    let is_wanted = |function: &&Function| {
        name.is_none_or(|name| function.name == name || function.name.rsplit("::").next() == Some(name))
    };
    let wanted: Vec<&Function> = functions.iter().filter(is_wanted).collect();
    if let (Some(name), true) = (name, wanted.is_empty()) {
        let error = Diagnostic::error(format!("there is no function `{name}`"));
        return Err(match nearest(name, functions.iter().map(|function| function.name.as_str())) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        });
    }
    wanted.iter().for_each(|function| print!("{function}"));
    Ok(())
}
