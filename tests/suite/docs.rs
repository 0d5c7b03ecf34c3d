//! What is written for people to copy runs: every example in the reference and in the stdlib, every snippet of the README,
//! every script in `scripts/`. On a `print(…);` line, the comment behind it is what it prints ("…" ends a part of it).

use std::path::{Path, PathBuf};

use super::scripted::{self, Place};
use entroscope::script::{Host, Outcome, Status};

/// What makes any script small: parameters by these names, where it has them.
const SMALL: [(&str, &str); 11] = [
    ("depth", "5"),
    ("images", "60"),
    ("points", "3"),
    ("epochs", "1"),
    ("seeds", "1"),
    ("data", "glyphs"),
    ("channels", "4"),
    ("width", "4"),
    ("divisor", "16"),
    ("size", "32"),
    ("classes", "10"),
];
/// What lies in the folder of photographs of any script.
const PHOTOS: [&str; 3] = ["colours_420.jpg", "kept_rgb.jpg", "rgb.png"];

/// The fenced blocks of a text: what stands behind the fence, and the block.
fn fenced(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
            blocks.push((language.trim().to_owned(), block.join("\n")));
        }
    }
    blocks
}

/// A doc comment as it reads, without its slashes.
fn uncommented(docs: &serde_json::Value) -> String {
    let lines = docs.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).flat_map(str::lines);
    lines
        .map(|line| line.strip_prefix("/// ").or(line.strip_prefix("///")).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a script says that it prints: for every line that prints, the comment behind it.
fn promised(text: &str) -> Vec<Option<&str>> {
    let prints = text.lines().filter(|line| line.starts_with("print("));
    prints
        .map(|line| line.split_once(");").and_then(|(_, rest)| rest.trim().strip_prefix("// ")).map(str::trim))
        .collect()
}

fn is_kept(promised: &str, printed: &str) -> bool {
    printed == promised || promised.split_once('…').is_some_and(|(start, _)| printed.starts_with(start))
}

/// Why an example is wrong, if it is.
fn wrong(text: &str) -> Option<String> {
    let place = Place::new();
    let (outcome, printed) = place.run(text);
    if outcome.status != Status::Done {
        return Some(scripted::text(&outcome.diagnostics));
    }
    let promised = promised(text);
    if promised.iter().any(Option::is_some) && promised.len() != printed.len() {
        return Some(format!("{} lines print, and {} things were printed", promised.len(), printed.len()));
    }
    let broken = promised
        .iter()
        .zip(&printed)
        .find_map(|(promised, printed)| Some(((*promised)?, printed)).filter(|(a, b)| !is_kept(a, b)));
    broken.map(|(promised, printed)| format!("it says {promised}, and prints {printed}\n{text}"))
}

/// Every example of the reference, with the name of its function.
fn examples() -> Vec<(String, String)> {
    let reference = Host::new(Place::new().settings).reference().unwrap();
    let own = ("", &reference["functions"]);
    let modules =
        reference["modules"].as_object().unwrap().iter().map(|(name, module)| (name.as_str(), &module["functions"]));
    let mut examples = Vec::new();
    for (module, functions) in modules.chain([own]) {
        for function in functions.as_array().unwrap() {
            let name = format!("{module}::{}", function["name"].as_str().unwrap());
            examples.extend(
                fenced(&uncommented(&function["docComments"])).into_iter().map(|(_, text)| (name.clone(), text)),
            );
        }
    }
    examples
}

#[test]
fn every_example_in_the_reference_does_what_it_says() {
    let examples = examples();
    assert!(examples.len() > 25, "{}", examples.len());
    let wrong: Vec<String> =
        examples.iter().filter_map(|(name, text)| Some(format!("{name}: {}", wrong(text)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_promise_is_found() {
    assert!(wrong("print(1 + 1);    // 2").is_none());
    assert!(wrong("print(1.0 / 3.0);    // 0.333…").is_none());
    assert!(wrong("print(1 + 1);    // 3").is_some());
    assert!(wrong("prnt(1);").is_some());
}

/// Every public function says what it does, and every module's function as well.
#[test]
fn every_function_is_documented() {
    let reference = Host::new(Place::new().settings).reference().unwrap();
    let modules = reference["modules"].as_object().unwrap().values().map(|module| &module["functions"]);
    let undocumented: Vec<&str> = modules
        .chain([&reference["functions"]])
        .flat_map(|functions| functions.as_array().unwrap())
        .filter(|function| uncommented(&function["docComments"]).trim().is_empty())
        .filter_map(|function| function["name"].as_str())
        .filter(|name| name.starts_with(char::is_alphabetic) && !name.starts_with("anon$") && !name.starts_with("to_"))
        .collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

/// Runs a script with parameters that make it small.
fn run_small(name: &str, script: &Path) -> Outcome {
    let mut place = Place::new();
    let text = std::fs::read_to_string(script).unwrap();
    place.settings.set = SMALL
        .iter()
        .filter(|(parameter, _)| text.contains(&format!("param(\"{parameter}\"")))
        .map(|(parameter, value)| ((*parameter).to_owned(), (*value).to_owned()))
        .collect();
    let photos = place.path("data/photos");
    std::fs::create_dir_all(&photos).unwrap();
    for photo in PHOTOS {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photos/stored").join(photo);
        std::fs::copy(stored, photos.join(photo)).unwrap();
    }
    let (outcome, _) = place.run_file(script);
    assert_eq!(outcome.status, Status::Done, "{name}: {}", scripted::text(&outcome.diagnostics));
    outcome
}

/// A script with less to compute: the last number of these calls replaced.
fn shrunk(text: &str) -> String {
    [(".take(", "20"), ("linspace(", "3"), ("mlp::wide(", "5"), ("mlp::shrinking(", "5")].iter().fold(
        text.to_owned(),
        |text, (call, number)| {
            let mut parts = text.split(call);
            let first = parts.next().unwrap_or_default().to_owned();
            parts.fold(first, |so_far, part| {
                let (arguments, rest) = part.split_once(')').unwrap_or((part, ""));
                let start = arguments.rfind([',', ' ']).map_or(0, |at| at + 1);
                let is_number = arguments[start..].chars().all(|c| c.is_ascii_digit());
                let last = if is_number { number } else { &arguments[start..] };
                format!("{so_far}{call}{}{last}){rest}", &arguments[..start])
            })
        },
    )
}

#[test]
fn every_snippet_of_the_readme_runs() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let snippets: Vec<String> =
        fenced(&readme).into_iter().filter(|(language, _)| language == "rhai").map(|(_, text)| text).collect();
    assert!(!snippets.is_empty());
    for (i, snippet) in snippets.iter().enumerate() {
        let place = Place::new();
        run_small(&format!("README.md, snippet {}", i + 1), &place.script(&shrunk(snippet)));
    }
}

#[test]
fn every_script_that_ships_runs_and_shows_something() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "rhai"));
    assert!(!scripts.is_empty());
    for script in scripts {
        assert!(!run_small(&script.display().to_string(), &script).files.is_empty(), "{}", script.display());
    }
}
