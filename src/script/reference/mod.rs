//! The reference: everything that scripts can call, as data for the terminal, for Markdown and for editors. It comes from
//! the declarations themselves: the doc comments of the host's functions and of the stdlib, the declared options, and
//! what an embedding program registers. Operators and Rhai's own functions are described in Markdown (`rhai.md`).

mod collect;
mod pages;
mod write;

use std::collections::BTreeSet;

use rhai::{Engine, EvalAltResult};
use serde::Serialize;

pub(super) use collect::collect;
pub use write::Layout;

/// The ways to call the function that was called with arguments that it does not take, as hints.
pub(super) fn forms_of_unmatched(engine: &Engine, error: &EvalAltResult) -> Vec<String> {
    const MOST: usize = 6;
    let EvalAltResult::ErrorFunctionNotFound(signature, _) = error.unwrap_inner() else { return Vec::new() };
    let Some((name, _)) = signature.split_once(" (") else { return Vec::new() };
    let pages = collect(engine).groups.into_iter().flat_map(|group| group.pages);
    let forms = pages.filter(|page| page.name == name && page.kind == PageKind::Function).flat_map(|page| page.forms);
    let mut hints: Vec<String> = forms.map(|form| format!("there is `{}`", form.signature)).collect();
    // Those of two types may be written alike.
    let mut seen = BTreeSet::new();
    hints.retain(|hint| seen.insert(hint.clone()));
    hints.truncate(MOST);
    hints
}

/// Everything that scripts can call.
#[derive(Debug, Clone, Serialize)]
pub struct Reference {
    pub groups: Vec<Group>,
}

/// The functions and properties that belong to one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    pub name: String,
    /// What the thing is, in a sentence or two of Markdown.
    pub about: String,
    /// The types of this group, by the names that `type_of` gives.
    pub types: Vec<String>,
    pub pages: Vec<Page>,
}

/// A function with its overloads, a property, or a family of operators.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    /// With its module, such as `mlp::wide`.
    pub name: String,
    pub kind: PageKind,
    /// One for every way to call it.
    pub forms: Vec<Form>,
    /// Markdown, with examples in fences.
    pub docs: String,
    /// The keys of its option map, the last argument of one of its forms.
    pub options: Vec<OptionEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PageKind {
    Function,
    Property,
    Operator,
}

/// One way to call a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Form {
    /// As a script author reads it: `network.trained(data: Split, options: map) -> Network`.
    pub signature: String,
    /// All arguments; for a method or a property, the value in front of the dot is the first.
    pub parameters: Vec<Argument>,
    /// The type of the result; `None` if there is none or if it is not declared.
    pub returns: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Argument {
    pub name: String,
    /// `None` for functions that are written in Rhai, which declares no types.
    #[serde(rename = "type")]
    pub takes: Option<String>,
}

/// One option of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionEntry {
    pub name: String,
    /// In words: "a number", "\"adam\" or \"ridge\"".
    #[serde(rename = "type")]
    pub takes: String,
    /// The texts that it accepts, if these are all.
    pub choices: Vec<String>,
    pub required: bool,
    /// In Markdown: a value in backticks, or words where the default depends on something else.
    pub default: String,
    pub about: String,
}

impl Reference {
    /// Every page with its group.
    pub fn pages(&self) -> impl Iterator<Item = (&Group, &Page)> {
        self.groups.iter().flat_map(|group| group.pages.iter().map(move |page| (group, page)))
    }
}

impl Page {
    /// The first sentence of its documentation.
    pub fn summary(&self) -> String {
        let paragraph = self.docs.split("\n\n").find(|text| !text.starts_with("```")).unwrap_or_default();
        let line = paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let end = line.match_indices(". ").map(|(at, _)| at + 1).find(|&end| !line[..end].ends_with("e.g."));
        line[..end.unwrap_or(line.len())].to_owned()
    }

    /// Its examples, without the fences.
    pub fn examples(&self) -> Vec<String> {
        let mut examples = Vec::new();
        let mut lines = self.docs.lines();
        while lines.by_ref().any(|line| line.starts_with("```")) {
            let example: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            examples.push(example.join("\n"));
        }
        examples
    }
}
