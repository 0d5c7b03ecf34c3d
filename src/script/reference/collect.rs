//! The reference from an engine's declarations.

use std::collections::BTreeMap;

use rhai::Engine;

use super::pages::{groups as written_groups, pages};
use super::{Argument, Form, Group, OptionEntry, Page, PageKind, Reference};
use crate::script::api::{CHAPTERS, specs};
use crate::script::metadata::{Declaration, Metadata};
use crate::script::options::{Key, Preset, Takes};
use crate::script::type_names::script_name;

/// Rhai's own functions.
const RHAI: &str = include_str!("rhai.md");

/// A doc comment that begins so belongs to an overload that only explains an error.
const HIDDEN: &str = "(hidden)";

/// The reference of an engine: the host's functions by chapter, its modules, other functions that were registered, and
/// Rhai's own.
pub(in crate::script) fn collect(engine: &Engine) -> Reference {
    let metadata = Metadata::of_engine(engine, false);
    let names = Names::new(&metadata);
    let mut others: Vec<&Declaration> = metadata.functions.iter().collect();
    let mut groups = Vec::new();
    for chapter in CHAPTERS {
        let mut alone = Engine::new_raw();
        (chapter.register)(&mut alone);
        let own = Metadata::of_engine(&alone, false);
        others.retain(|function| !own.functions.contains(function));
        let types: Vec<String> = own.custom_types.iter().map(|known| known.display_name.clone()).collect();
        let functions: Vec<&Declaration> = own.functions.iter().collect();
        groups.push(Group {
            name: chapter.name.to_owned(),
            about: chapter.about.to_owned(),
            pages: [names.pages(&functions, "", &types), pages(chapter.operators)].concat(),
            types,
        });
    }
    groups.extend(metadata.modules.iter().map(|(name, module)| names.module(name, module)));
    let added = names.pages(&others, "", &[]);
    if !added.is_empty() {
        let about = "Functions that this program adds to Entroscope's own.".to_owned();
        groups.push(Group { name: "Added functions".to_owned(), about, types: Vec::new(), pages: added });
    }
    groups.extend(written_groups(RHAI));
    groups.iter_mut().for_each(|group| group.pages.sort_by(|a, b| a.name.cmp(&b.name)));
    Reference { groups }
}

/// The names of registered types in scripts, by the last part of their names in Rust.
struct Names<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    fn new(metadata: &'a Metadata) -> Self {
        let last = |path: &'a str| path.rsplit("::").next().unwrap_or(path);
        Self(metadata.custom_types.iter().map(|known| (last(&known.type_name), &known.display_name[..])).collect())
    }

    /// The group of a module that is written in Rhai.
    fn module(&self, name: &str, module: &Metadata) -> Group {
        let about = module.doc.lines().map(|line| line.trim_start_matches("//!").trim()).collect::<Vec<_>>();
        let functions: Vec<&Declaration> = module.functions.iter().collect();
        Group {
            name: name.to_owned(),
            about: about.join("\n").trim().to_owned(),
            types: Vec::new(),
            pages: self.pages(&functions, &format!("{name}::"), &[]),
        }
    }

    /// A page for every name; overloads share it. `types` are those of the group.
    fn pages(&self, functions: &[&Declaration], module: &str, types: &[String]) -> Vec<Page> {
        let mut by_name: BTreeMap<&str, Vec<&Declaration>> = BTreeMap::new();
        for function in functions {
            let name = match &function.name[..] {
                name if name.starts_with("index$get$") => "[]",
                name => name.strip_prefix("get$").unwrap_or(name),
            };
            let is_name = name == "[]" || name.starts_with(char::is_alphabetic) && !name.contains('$');
            let only_prints = ["to_string", "to_debug", "print", "debug"].contains(&name);
            if is_name && !only_prints && !function.docs().starts_with(HIDDEN) {
                by_name.entry(name).or_default().push(function);
            }
        }
        by_name.into_iter().map(|(name, overloads)| self.page(name, overloads, module, types)).collect()
    }

    fn page(&self, name: &str, mut overloads: Vec<&Declaration>, module: &str, types: &[String]) -> Page {
        let is_property = |function: &&Declaration| function.name.starts_with("get$");
        let kind = match name {
            "[]" => PageKind::Operator,
            _ if overloads.iter().any(is_property) => PageKind::Property,
            _ => PageKind::Function,
        };
        if kind == PageKind::Property {
            // A property that is a function as well is shown once.
            overloads.retain(is_property);
        }
        overloads.sort_by_cached_key(|function| (function.num_params, format!("{:?}", function.params)));
        let docs = joined(&overloads);
        let mut forms: Vec<Form> = Vec::new();
        for function in overloads {
            let own_docs = Some(function.docs()).filter(|own| own.contains(&format!("{name}(")));
            let form = self.form(function, &format!("{module}{name}"), kind, |first| {
                let is_of_own_type = first.takes.as_ref().is_some_and(|takes| types.contains(takes));
                is_method(name, own_docs.as_ref().unwrap_or(&docs), is_of_own_type)
            });
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        let name = format!("{module}{name}");
        let takes_options = forms.iter().filter_map(|form| form.parameters.last()).any(|last| last.name == "options");
        let spec = specs().filter(|_| takes_options).find(|spec| spec.function == name);
        let options = spec.map_or_else(Vec::new, |spec| spec.keys.iter().map(option).collect());
        Page { name, kind, forms, docs, options }
    }

    fn form(
        &self,
        function: &Declaration,
        name: &str,
        kind: PageKind,
        is_method: impl FnOnce(&Argument) -> bool,
    ) -> Form {
        let parameters: Vec<Argument> = function
            .params
            .iter()
            .filter(|parameter| parameter.rust_type.as_ref().is_none_or(|rust| !rust.contains("NativeCallContext")))
            .filter_map(|parameter| {
                let takes = parameter.rust_type.as_deref().and_then(|rust| self.in_script(rust));
                Some(Argument { name: parameter.name.clone()?, takes })
            })
            .collect();
        let call = match (&parameters[..], kind) {
            ([receiver, ..], PageKind::Property) => format!("{}.{name}", receiver.name),
            ([receiver, rest @ ..], PageKind::Operator) => format!("{}[{}]", receiver.name, written(rest)),
            ([receiver, rest @ ..], PageKind::Function) if is_method(receiver) => {
                format!("{}.{name}({})", receiver.name, written(rest))
            }
            (all, _) => format!("{name}({})", written(all)),
        };
        let returns = self.in_script(&function.return_type);
        let arrow = returns.as_ref().map(|returns| format!(" -> {returns}")).unwrap_or_default();
        Form { signature: format!("{call}{arrow}"), parameters, returns }
    }

    /// A Rust type by its name in scripts; `None` for none at all.
    fn in_script(&self, rust: &str) -> Option<String> {
        let rust = rust.trim().trim_start_matches("&mut ").replace("rhai::", "");
        let inside = |outer: &str| rust.strip_prefix(outer).and_then(|text| text.strip_suffix('>'));
        let rust = inside("Native<").or_else(|| inside("Result<")).unwrap_or(&rust);
        let rust = rust.rsplit("::").next().unwrap_or(rust);
        match self.0.get(rust) {
            _ if rust.is_empty() || rust == "()" => None,
            Some(shown) => Some((*shown).to_owned()),
            None => Some(script_name(rust).to_owned()),
        }
    }
}

/// The documentation of overloads on one page: what begins with prose, then what is only an example. Each text once.
fn joined(overloads: &[&Declaration]) -> String {
    let mut docs: Vec<String> = Vec::new();
    for text in overloads.iter().map(|function| function.docs().trim().to_owned()) {
        if !text.is_empty() && !docs.contains(&text) {
            docs.push(text);
        }
    }
    docs.sort_by_key(|text| text.starts_with("```"));
    docs.join("\n\n")
}

/// Whether a function is shown as a method: its examples call it as one, or they do not call it at all and it belongs to a
/// type of its group.
fn is_method(name: &str, docs: &str, is_of_own_type: bool) -> bool {
    docs.contains(&format!(".{name}(")) || is_of_own_type && !docs.contains(&format!("{name}("))
}

/// Arguments as in a signature: `data: Split, options: map`.
fn written(arguments: &[Argument]) -> String {
    let argument = |Argument { name, takes }: &Argument| match takes {
        Some(takes) => format!("{name}: {takes}"),
        None => name.clone(),
    };
    arguments.iter().map(argument).collect::<Vec<_>>().join(", ")
}

fn option(key: &Key) -> OptionEntry {
    let choices = match key.takes {
        Takes::OneOf(choices) => choices.iter().map(|choice| (*choice).to_owned()).collect(),
        _ => Vec::new(),
    };
    OptionEntry {
        name: key.name.to_owned(),
        takes: key.takes.to_string(),
        choices,
        required: matches!(key.default, Preset::Required),
        default: key.default.to_string(),
        about: key.about.to_owned(),
    }
}
