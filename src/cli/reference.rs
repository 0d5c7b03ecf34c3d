//! `entroscope reference`: what scripts can call, from the declarations themselves.

use std::process::ExitCode;

use clap::Args;

use super::say;
use crate::script::options::{Spec, nearest};
use crate::script::{Host, Settings, specs};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only functions of this name.
    name: Option<String>,
    /// The whole declaration as JSON, for editors.
    #[arg(long)]
    json: bool,
}

/// One overload of a function.
struct Function {
    name: String,
    signature: String,
    docs: String,
}

pub(super) fn reference(arguments: &Arguments, settings: Settings) -> ExitCode {
    let json = match Host::new(settings).reference() {
        Ok(json) => json,
        Err(diagnostic) => {
            say(&diagnostic);
            return ExitCode::from(2);
        }
    };
    if arguments.json {
        println!("{json:#}");
        return ExitCode::SUCCESS;
    }
    let functions = functions(&json);
    let wanted: Vec<&Function> = functions
        .iter()
        .filter(|f| arguments.name.as_ref().is_none_or(|name| f.name.ends_with(name.as_str())))
        .collect();
    if let (Some(name), true) = (&arguments.name, wanted.is_empty()) {
        let near = nearest(name, functions.iter().map(|f| f.name.as_str()));
        eprintln!(
            "there is no function `{name}`{}",
            near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
        );
        return ExitCode::from(2);
    }
    for function in wanted {
        println!("## {}\n", function.signature);
        println!("{}", function.docs);
        if let Some(Spec { keys, .. }) = specs().find(|spec| spec.function == function.name) {
            println!("Options:");
            keys.iter().for_each(|(key, meaning)| println!("- `{key}`: {meaning}"));
            println!();
        }
    }
    ExitCode::SUCCESS
}

/// The functions of the host and of the stdlib, by name.
fn functions(json: &serde_json::Value) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut add = |list: &serde_json::Value, module: &str| {
        for function in list.as_array().into_iter().flatten() {
            let text = |key: &str| function[key].as_str().unwrap_or_default();
            let name = text("name");
            // Operators, property reads and printing need no page of their own.
            let docs: Vec<&str> =
                function["docComments"].as_array().into_iter().flatten().filter_map(|d| d.as_str()).collect();
            if docs.is_empty() || name.starts_with("to_") || !name.starts_with(|c: char| c.is_alphabetic()) {
                continue;
            }
            let name = name.strip_prefix("get$").unwrap_or(name);
            functions.push(Function {
                name: format!("{module}{name}"),
                signature: format!("{module}{}", signature(name, function)),
                docs: docs
                    .iter()
                    .map(|line| {
                        line.lines()
                            .map(|l| {
                                l.trim_start_matches("///")
                                    .strip_prefix(' ')
                                    .unwrap_or_else(|| l.trim_start_matches("///"))
                            })
                            .collect::<Vec<_>>()
                            .join("\n")
                            + "\n"
                    })
                    .collect(),
            });
        }
    };
    add(&json["functions"], "");
    for (name, module) in json["modules"].as_object().into_iter().flatten() {
        add(&module["functions"], &format!("{name}::"));
    }
    functions.sort_by(|a, b| a.signature.cmp(&b.signature));
    functions
}

/// `name(argument: type, …) -> type`, as a script author reads it.
fn signature(name: &str, function: &serde_json::Value) -> String {
    let readable = |text: &str| {
        let text = text.replace("rhai::", "");
        let text = text.strip_prefix("Native<").and_then(|t| t.strip_suffix('>')).unwrap_or(&text).to_owned();
        text.rsplit("::").next().unwrap_or(&text).trim_start_matches("&mut ").to_owned()
    };
    let parameters = function["params"].as_array().into_iter().flatten().filter_map(|parameter| {
        let name = parameter["name"].as_str()?;
        let kind = parameter["type"].as_str().map(|t| format!(": {}", readable(t))).unwrap_or_default();
        (!kind.contains("NativeCallContext")).then(|| format!("{name}{kind}"))
    });
    let parameters: Vec<String> = parameters.collect();
    let returns = function["returnType"].as_str().map(|t| format!(" -> {}", readable(t))).unwrap_or_default();
    format!("{name}({}){returns}", parameters.join(", "))
}
