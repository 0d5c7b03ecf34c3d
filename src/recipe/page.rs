//! The page of a packed recipe: the live page with its data inside.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::lock;
use crate::Result;
use crate::page::{Details, Recording, Still, still};
use crate::script::{Host, Recipe};

/// The whole text of the file.
pub(super) fn page(recipe: &Recipe, recording: &Recording, host: &Host, file: &Path) -> Result<String> {
    let name = Path::new(file.file_name().unwrap_or_default());
    let details = Details::new(host, name)?;
    let text = recipe.to_page_text()?;
    still(&Still { recording, details: &details, about: &about(recipe, name), recipe: &text })
}

/// What a reader should know first.
pub(super) fn marks(recipe: &Recipe) -> Vec<String> {
    let part = (!recipe.is_complete).then(|| "shows a part of the points".to_owned());
    let failed = recipe.points.failed;
    let failed = (failed > 0).then(|| format!("{} failed", crate::words::counted(failed, "point")));
    part.into_iter().chain(failed).collect()
}

/// What the page says of the recipe.
fn about(recipe: &Recipe, name: &Path) -> Json {
    let name = name.display().to_string();
    let sources = recipe.sources.iter().map(|(path, text)| {
        json!({ "name": path, "text": text, "kind": if *path == recipe.script { "script" } else { "module" } })
    });
    let built_in = recipe.built_in.iter().map(|(name, text)| json!({ "name": name, "text": text, "kind": "built-in" }));
    let mut files: Vec<Json> = sources.chain(built_in).collect();
    files.sort_by_key(|file| file["kind"] != "script");
    let parameters: serde_json::Map<String, Json> = recipe
        .parameters
        .iter()
        .map(|(name, parameter)| (name.clone(), json!({ "value": parameter.value, "default": parameter.default })))
        .collect();
    let only: Vec<String> = recipe.only.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    json!({
        "title": recipe.head.title, "description": recipe.head.description, "authors": recipe.head.authors,
        "licence": recipe.head.licence, "doi": recipe.head.doi, "script": recipe.script, "files": files,
        "parameters": parameters, "only": only, "lock": lock(recipe), "marks": marks(recipe),
        "rerun": [
            format!("entroscope recipe verify {name}"),
            format!("entroscope run {name}"),
            format!("entroscope recipe unpack {name} {}", recipe.script.trim_end_matches(".rhai")),
        ],
    })
}
