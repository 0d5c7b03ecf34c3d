//! How to cite a recipe, and its description for archives.

use serde_json::{Value as Json, json};

use crate::script::Recipe;

/// A recipe as `CITATION.cff` (Citation File Format 1.2.0). Every text is quoted as JSON quotes it, which YAML reads.
pub fn citation(recipe: &Recipe) -> String {
    let quoted = |text: &str| Json::from(text).to_string();
    let head = &recipe.head;
    let title = if head.title.is_empty() { &recipe.script } else { &head.title };
    let mut lines = vec![
        "cff-version: 1.2.0".to_owned(),
        "message: \"If you use this recipe, please cite it.\"".to_owned(),
        "type: software".to_owned(),
        format!("title: {}", quoted(title)),
    ];
    lines.push("authors:".to_owned());
    let authors = if head.authors.is_empty() { vec!["unknown".to_owned()] } else { head.authors.clone() };
    lines.extend(authors.iter().map(|name| format!("  - name: {}", quoted(name))));
    let entries = [
        ("abstract", &head.description),
        ("license", &head.licence),
        ("doi", &head.doi),
        ("date-released", &recipe.made.on),
    ];
    for (key, text) in entries.into_iter().filter(|(_, text)| !text.is_empty()) {
        lines.push(format!("{key}: {}", quoted(text)));
    }
    lines.push(format!("version: {}", quoted(&recipe.numbers.chars().take(16).collect::<String>())));
    lines.push("references:".to_owned());
    lines.push("  - type: software".to_owned());
    lines.push("    title: \"Entroscope\"".to_owned());
    lines.push(format!("    version: {}", quoted(&recipe.made.entroscope)));
    lines.push("    authors:\n      - name: \"The Entroscope developers\"".to_owned());
    lines.join("\n") + "\n"
}

/// `ro-crate-metadata.json` (RO-Crate 1.1) of an unpacked recipe with these files.
pub(super) fn crate_metadata(recipe: &Recipe, files: &[String]) -> Json {
    let head = &recipe.head;
    let id = |id: &str| json!({ "@id": id });
    let person = |name: &String| json!({ "@id": format!("#{name}"), "@type": "Person", "name": name });
    let mut root = json!({
        "@id": "./", "@type": "Dataset",
        "name": if head.title.is_empty() { &recipe.script } else { &head.title },
        "description": if head.description.is_empty() { "An experiment of Entroscope." } else { &head.description },
        "datePublished": recipe.made.on,
        "license": if head.licence.is_empty() { "none given" } else { &head.licence },
        "hasPart": files.iter().map(|file| id(file)).collect::<Vec<_>>(),
        "mainEntity": id(&recipe.script),
        "author": head.authors.iter().map(|name| id(&format!("#{name}"))).collect::<Vec<_>>(),
    });
    if !head.doi.is_empty() {
        root["identifier"] = format!("https://doi.org/{}", head.doi).into();
    }
    let file = |name: &String| {
        let is_source = recipe.sources.contains_key(name);
        json!({
            "@id": name, "@type": if is_source { json!(["File", "SoftwareSourceCode"]) } else { json!("File") }, "name": name,
            "programmingLanguage": if is_source { id("#rhai") } else { Json::Null },
        })
    };
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": id("./"),
            "conformsTo": id("https://w3id.org/ro/crate/1.1"),
        }),
        root,
        json!({ "@id": "#rhai", "@type": "ComputerLanguage", "name": "Rhai" }),
        json!({ "@id": "#entroscope", "@type": "SoftwareApplication", "name": "Entroscope", "version": recipe.made.entroscope }),
    ];
    graph.extend(files.iter().map(file));
    graph.extend(head.authors.iter().map(person));
    // An entry without a value is left out.
    for entry in graph.iter_mut().filter_map(Json::as_object_mut) {
        entry.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    json!({ "@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph })
}
