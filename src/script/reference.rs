//! What scripts can call, read from the declarations themselves: the host's functions, the stdlib's, and those that an
//! embedding program adds.

use std::fmt;

use super::api::specs;
use super::options::Spec;

/// One function, as a script author reads of it; overloads are functions of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// With its module, such as `mlp::wide`.
    pub name: String,
    /// `name(argument: type, …) -> type`.
    pub signature: String,
    /// Its doc comment, in Markdown.
    pub docs: String,
}

impl Function {
    /// From Rhai's metadata; operators and printing need no page of their own.
    fn documented(function: &serde_json::Value, module: &str) -> Option<Self> {
        let name = function["name"].as_str()?;
        let comments: Vec<&str> =
            function["docComments"].as_array().into_iter().flatten().filter_map(|comment| comment.as_str()).collect();
        // An overload whose parameters have no use is there for its error alone.
        let only_refuses = function["params"][0]["name"].as_str().is_some_and(|name| name.starts_with('_'));
        if only_refuses || comments.is_empty() || name.starts_with("to_") || !name.starts_with(char::is_alphabetic) {
            return None;
        }
        let name = name.strip_prefix("get$").unwrap_or(name);
        let line = |line: &str| {
            let text = line.trim_start_matches("///");
            format!("{}\n", text.strip_prefix(' ').unwrap_or(text))
        };
        Some(Self {
            name: format!("{module}{name}"),
            signature: format!("{module}{}", signature(name, function)),
            docs: comments.iter().flat_map(|comment| comment.lines()).map(line).collect(),
        })
    }
}

impl fmt::Display for Function {
    /// Its page: signature, documentation, options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}", self.signature, self.docs)?;
        let takes_options = self.signature.contains("options: Map");
        if let Some(Spec { keys, .. }) = specs().filter(|_| takes_options).find(|spec| spec.function == self.name) {
            writeln!(f, "Options:")?;
            keys.iter()
                .try_for_each(|key| writeln!(f, "- `{}`, {} ({}): {}", key.name, key.takes, key.default, key.about))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The functions in an engine's metadata, sorted.
pub(super) fn functions(metadata: &serde_json::Value) -> Vec<Function> {
    let in_list = |list: &serde_json::Value, module: &str| -> Vec<Function> {
        list.as_array().into_iter().flatten().filter_map(|function| Function::documented(function, module)).collect()
    };
    let mut functions = in_list(&metadata["functions"], "");
    for (name, module) in metadata["modules"].as_object().into_iter().flatten() {
        functions.extend(in_list(&module["functions"], &format!("{name}::")));
    }
    functions.sort_by(|a, b| a.signature.cmp(&b.signature));
    functions
}

/// `name(argument: type, …) -> type`, without what only Rust needs to know.
fn signature(name: &str, function: &serde_json::Value) -> String {
    let readable = |text: &str| {
        let text = text.replace("rhai::", "");
        let text = text.strip_prefix("Native<").and_then(|text| text.strip_suffix('>')).unwrap_or(&text).to_owned();
        text.rsplit("::").next().unwrap_or(&text).trim_start_matches("&mut ").to_owned()
    };
    let parameters = function["params"].as_array().into_iter().flatten().filter_map(|parameter| {
        let name = parameter["name"].as_str()?;
        let kind = parameter["type"].as_str().map(|kind| format!(": {}", readable(kind))).unwrap_or_default();
        (!kind.contains("NativeCallContext")).then(|| format!("{name}{kind}"))
    });
    let parameters: Vec<String> = parameters.collect();
    let returns = function["returnType"].as_str().map(|kind| format!(" -> {}", readable(kind))).unwrap_or_default();
    format!("{name}({}){returns}", parameters.join(", "))
}
