//! What an engine knows of its functions, from the metadata that Rhai writes as JSON.

use std::collections::BTreeMap;

use rhai::Engine;
use serde::Deserialize;

/// The functions, types and modules of an engine, or of a module.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) doc: String,
    pub(super) functions: Vec<Declaration>,
    pub(super) modules: BTreeMap<String, Metadata>,
    pub(super) custom_types: Vec<CustomType>,
}

/// One function, as it was registered or written in Rhai.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) num_params: usize,
    pub(super) params: Vec<Parameter>,
    pub(super) return_type: String,
    pub(super) doc_comments: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Parameter {
    pub(super) name: Option<String>,
    #[serde(rename = "type")]
    pub(super) rust_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CustomType {
    pub(super) type_name: String,
    pub(super) display_name: String,
}

impl Metadata {
    /// The metadata of an engine, with Rhai's own functions or without. Empty if Rhai cannot write it.
    pub(super) fn of_engine(engine: &Engine, with_rhais_own: bool) -> Self {
        let text = engine.gen_fn_metadata_to_json(with_rhais_own).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Declaration {
    /// Whether its last parameter is a map that holds something else than options.
    pub(super) fn takes_data_map(&self) -> bool {
        let is_options = |name: &str| name.trim_start_matches('_') == "options";
        self.params.last().is_some_and(|last| {
            last.rust_type.as_deref() == Some("Map") && !last.name.as_deref().is_some_and(is_options)
        })
    }

    /// Its doc comment without the slashes.
    pub(super) fn docs(&self) -> String {
        let lines = self.doc_comments.iter().flat_map(|comment| comment.lines());
        let line = |line: &str| {
            let text = line.trim_start_matches("///");
            format!("{}\n", text.strip_prefix(' ').unwrap_or(text))
        };
        lines.map(line).collect()
    }
}
