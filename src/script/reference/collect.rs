//! The reference from an engine's declarations.

use std::collections::BTreeMap;

use rhai::Engine;

use super::pages::{groups, pages};
use super::{Argument, Form, Group, Kind, OptionEntry, Page, Reference};
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
    let types = display_names(&metadata);
    let mut chapters = Vec::new();
    let mut others: Vec<&Declaration> = metadata.functions.iter().collect();
    for chapter in CHAPTERS {
        let mut alone = Engine::new_raw();
        (chapter.register)(&mut alone);
        let own = Metadata::of_engine(&alone, false);
        others.retain(|function| !own.functions.contains(function));
        let own_types: Vec<String> = own.custom_types.iter().map(|known| known.display_name.clone()).collect();
        let written = pages(chapter.operators);
        chapters.push(Group {
            name: chapter.name.to_owned(),
            about: chapter.about.to_owned(),
            pages: [in_pages(&own.functions.iter().collect::<Vec<_>>(), "", &types, &own_types), written].concat(),
            types: own_types,
        });
    }
    let module = |(name, module): (&String, &Metadata)| Group {
        name: name.clone(),
        about: module.doc.lines().map(|line| line.trim_start_matches("//!").trim()).collect::<Vec<_>>().join("\n"),
        types: Vec::new(),
        pages: in_pages(&module.functions.iter().collect::<Vec<_>>(), &format!("{name}::"), &types, &[]),
    };
    chapters.extend(metadata.modules.iter().map(module));
    let added = in_pages(&others, "", &types, &[]);
    if !added.is_empty() {
        let about = "Functions that this program adds to Entroscope's own.".to_owned();
        chapters.push(Group { name: "Added functions".to_owned(), about, types: Vec::new(), pages: added });
    }
    chapters.extend(groups(RHAI));
    chapters.iter_mut().for_each(|group| group.pages.sort_by(|a, b| a.name.cmp(&b.name)));
    Reference { groups: chapters }
}

/// Types' names in scripts by the last part of their names in Rust.
fn display_names(metadata: &Metadata) -> BTreeMap<&str, &str> {
    metadata
        .custom_types
        .iter()
        .map(|known| (known.type_name.rsplit("::").next().unwrap_or(&known.type_name), &known.display_name[..]))
        .collect()
}

/// A page for every name; overloads share it.
fn in_pages(functions: &[&Declaration], module: &str, types: &BTreeMap<&str, &str>, own_types: &[String]) -> Vec<Page> {
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
    by_name.into_iter().map(|(name, overloads)| page(name, overloads, module, types, own_types)).collect()
}

fn page(
    name: &str,
    mut overloads: Vec<&Declaration>,
    module: &str,
    types: &BTreeMap<&str, &str>,
    own_types: &[String],
) -> Page {
    let is_property = |function: &&Declaration| function.name.starts_with("get$");
    let kind = match name {
        "[]" => Kind::Operator,
        _ if overloads.iter().any(is_property) => Kind::Property,
        _ => Kind::Function,
    };
    if kind == Kind::Property {
        // Where a property is a function as well, it is the property that scripts should use.
        overloads.retain(is_property);
    }
    overloads.sort_by_key(|function| function.num_params);
    let mut docs: Vec<String> = Vec::new();
    for text in overloads.iter().map(|function| function.docs().trim().to_owned()) {
        if !text.is_empty() && !docs.contains(&text) {
            docs.push(text);
        }
    }
    let docs = docs.join("\n\n");
    let mut forms: Vec<Form> = Vec::new();
    for function in overloads {
        let form = form(function, name, kind, module, types, own_types, &docs);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    let name = format!("{module}{name}");
    let takes_options = forms.iter().flat_map(|form| form.parameters.last()).any(|last| last.name == "options");
    let spec = specs().filter(|_| takes_options).find(|spec| spec.function == name);
    let options = spec.map_or_else(Vec::new, |spec| spec.keys.iter().map(option).collect());
    Page { name, kind, forms, docs, options }
}

fn form(
    function: &Declaration,
    name: &str,
    kind: Kind,
    module: &str,
    types: &BTreeMap<&str, &str>,
    own_types: &[String],
    docs: &str,
) -> Form {
    let in_script = |rust: &str| type_in_script(rust, types);
    let parameters: Vec<Argument> = function
        .params
        .iter()
        .filter(|parameter| parameter.rust_type.as_ref().is_none_or(|rust| !rust.contains("NativeCallContext")))
        .filter_map(|parameter| {
            Some(Argument { name: parameter.name.clone()?, takes: parameter.rust_type.as_deref().and_then(in_script) })
        })
        .collect();
    let returns = in_script(&function.return_type);
    let arrow = returns.as_ref().map(|returns| format!(" -> {returns}")).unwrap_or_default();
    let written = |arguments: &[Argument]| {
        let argument = |Argument { name, takes }: &Argument| match takes {
            Some(takes) => format!("{name}: {takes}"),
            None => name.clone(),
        };
        arguments.iter().map(argument).collect::<Vec<_>>().join(", ")
    };
    // A method where examples call it as one, or where it belongs to a type of this group.
    let is_method = match parameters.first() {
        None => false,
        Some(_) if docs.contains(&format!(".{name}(")) => true,
        Some(first) => {
            let called_plainly = docs.contains(&format!("{name}("));
            !called_plainly && first.takes.as_ref().is_some_and(|takes| own_types.contains(takes))
        }
    };
    let call = match (&parameters[..], kind) {
        ([receiver, ..], Kind::Property) => format!("{}.{name}", receiver.name),
        ([receiver, rest @ ..], Kind::Operator) => format!("{}[{}]", receiver.name, written(rest)),
        ([receiver, rest @ ..], Kind::Function) if is_method => format!("{}.{name}({})", receiver.name, written(rest)),
        (all, _) => format!("{module}{name}({})", written(all)),
    };
    Form { signature: format!("{call}{arrow}"), parameters, returns }
}

/// A Rust type by its name in scripts; `None` for none at all.
fn type_in_script(rust: &str, types: &BTreeMap<&str, &str>) -> Option<String> {
    let rust = rust.trim().trim_start_matches("&mut ").replace("rhai::", "");
    let inner =
        |text: &str, outer: &str| text.strip_prefix(outer).and_then(|text| text.strip_suffix('>')).map(str::to_owned);
    let rust = inner(&rust, "Native<").or_else(|| inner(&rust, "Result<")).unwrap_or(rust);
    let rust = rust.rsplit("::").next().unwrap_or(&rust);
    match types.get(rust) {
        _ if rust.is_empty() || rust == "()" => None,
        Some(shown) => Some((*shown).to_owned()),
        None => Some(script_name(rust).to_owned()),
    }
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
