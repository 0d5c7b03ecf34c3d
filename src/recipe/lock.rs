//! What a recipe was made from and by, in short lines for people.

use crate::script::{Recipe, built_in_modules};
use crate::words::{counted, size, visible};

/// The first digits of a hash, which are shown.
const DIGITS: usize = 16;

fn short(hash: &str) -> &str {
    hash.get(..DIGITS).unwrap_or(hash)
}

/// The lock of a recipe: labels and texts, a line each.
pub fn lock(recipe: &Recipe) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut line = |label: &str, text: String| {
        if !text.is_empty() {
            lines.push((label.to_owned(), visible(&text).replace('\n', " ")));
        }
    };
    let Recipe { head, made, .. } = recipe;
    line("title", head.title.clone());
    line("authors", head.authors.join("; "));
    line("licence", head.licence.clone());
    line("DOI", head.doi.clone());
    let modules = recipe.sources.len().saturating_sub(1);
    let modules =
        if modules > 0 { format!(", with {} of the project", counted(modules, "module")) } else { String::new() };
    let hash = recipe.sources.get(&recipe.script).map(|text| blake3::hash(text.as_bytes()).to_hex().to_string());
    line("script", format!("{}{modules}; BLAKE3 {}", recipe.script, short(&hash.unwrap_or_default())));
    for (name, parameter) in &recipe.parameters {
        let note =
            if parameter.is_set { format!(", set ({} in the script)", parameter.default) } else { String::new() };
        line("parameter", format!("{name} = {}{note}", parameter.value));
    }
    let only: Vec<String> = recipe.only.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    line("only", only.join(", "));
    line("made by", format!("entroscope {}, Burn {}, generator {}", made.entroscope, made.burn, made.generator));
    line("made on", format!("{}, {} ({}, vectors: {})", made.on, made.numerics, made.processor, made.vectors));
    let operations: Vec<String> = made.operations.iter().map(|(name, version)| format!("{name}/{version}")).collect();
    line("operations", operations.join(", "));
    for (name, data) in &recipe.data {
        line("data", format!("{name}; BLAKE3 {}; {}", short(&data.blake3), data.from));
    }
    for (name, file) in &recipe.files {
        let place = if file.content.is_some() { "in the recipe" } else { "not in the recipe: put it beside" };
        line("file", format!("{name}, {}; BLAKE3 {}; {place}", size(file.bytes as f64), short(&file.blake3)));
    }
    line("results", results(recipe));
    line("rounding", rounding(recipe));
    line(
        "numbers",
        format!(
            "BLAKE3 {}{}",
            short(&recipe.numbers),
            if recipe.is_unchanged() { "" } else { ", which they do not have: they were changed since" }
        ),
    );
    lines
}

fn results(recipe: &Recipe) -> String {
    let points = recipe.points.computed + recipe.points.reused + recipe.points.failed;
    let failed = if recipe.points.failed > 0 { format!(", {} failed", recipe.points.failed) } else { String::new() };
    let part = if recipe.is_complete { "" } else { ", a part of the points only" };
    let work = if recipe.work > 0.0 { format!("; {:.3} TFLOP to compute", recipe.work / 1e12) } else { String::new() };
    format!("{}{failed}, {}{part}{work}", counted(points, "point"), counted(recipe.results.len(), "result"))
}

fn rounding(recipe: &Recipe) -> String {
    let banded: std::collections::BTreeSet<&str> = recipe
        .results
        .iter()
        .filter(|result| result.arrays.values().any(|numbers| !numbers.band.is_empty()))
        .map(|result| result.point.as_str())
        .collect();
    match banded.len() {
        0 => "not measured: only identical numbers can be told from others".to_owned(),
        n => format!("measured at {} by {} again", counted(n, "point"), counted(recipe.band_runs, "run")),
    }
}

/// What of a recipe differs from this program, a sentence each.
pub fn differences_from_here(recipe: &Recipe) -> Vec<String> {
    let here = env!("CARGO_PKG_VERSION");
    let mut found = Vec::new();
    let made = &recipe.made;
    if made.entroscope != here {
        found.push(format!("the recipe was made by entroscope {}, and this is {here}", visible(&made.entroscope)));
    }
    if made.generator != crate::random::GENERATOR {
        let (theirs, ours) = (visible(&made.generator), crate::random::GENERATOR);
        found.push(format!("its random numbers come from {theirs}, those here from {ours}: they will differ"));
    }
    for (name, text) in &recipe.built_in {
        match built_in_modules().find(|(known, _)| known == name) {
            Some((_, own)) if own == text => {}
            Some(_) => {
                found.push(format!("the recipe's module {name} differs from this program's: the recipe's is used"));
            }
            None => found.push(format!("this program has no module {name} of its own: the recipe's is used")),
        }
    }
    found
}
