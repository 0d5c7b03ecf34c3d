//! What is written for people to copy runs: every example in the reference and in the stdlib, every snippet of the README,
//! every script in `scripts/`. On a `print(…);` line, the comment behind it is what it prints ("…" ends a part of it).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::scripted::{self, Place};
use entroscope::recipe::{self, Budget, Opened, PackOptions, Verdict};
use entroscope::script::{Host, Outcome, Page, PageKind, Reference, RunHandle, Status};

/// What makes any script small: parameters by these names, where it has them.
const SMALL: [(&str, &str); 16] = [
    ("widest", "125"),
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
    ("from", "6"),
    ("by", "2"),
    ("depths", "3,4"),
    ("test", "40"),
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

fn reference() -> Reference {
    Host::new(Place::new().settings).reference().unwrap()
}

#[test]
fn every_example_in_the_reference_does_what_it_says() {
    let reference = reference();
    let examples: Vec<(&Page, String)> =
        reference.pages().flat_map(|(_, page)| page.examples().into_iter().map(move |text| (page, text))).collect();
    assert!(examples.len() > 250, "{}", examples.len());
    let wrong: Vec<String> =
        examples.iter().filter_map(|(page, text)| Some(format!("{}: {}", page.name, wrong(text)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_promise_is_found() {
    assert!(wrong("print(1 + 1);    // 2").is_none());
    assert!(wrong("print(1.0 / 3.0);    // 0.333…").is_none());
    assert!(wrong("print(1 + 1);    // 3").is_some());
    assert!(wrong("prnt(1);").is_some());
}

/// Rhai's own functions that have no page, because an experiment has no use for them.
const LEFT_OUT: [&str; 30] = [
    // Integers bit by bit, and bytes.
    "as_string",
    "bits",
    "blob",
    "get_bit",
    "get_bits",
    "parse_be_float",
    "parse_be_int",
    "parse_le_float",
    "parse_le_int",
    "set_bit",
    "set_bits",
    "to_blob",
    "write_ascii",
    "write_be",
    "write_le",
    "write_utf8",
    // Ranges, which are written `a..b`.
    "end",
    "is_exclusive",
    "is_inclusive",
    "start",
    // The clock.
    "elapsed",
    "sleep",
    "timestamp",
    // Rhai's insides.
    "get_fn_metadata_list",
    "is_anonymous",
    "name",
    "set_tag",
    "tag",
    "take",
    "to_debug",
];

/// Every public function has a page: the host's, those of the modules, and Rhai's own on arrays, texts, maps and numbers.
#[test]
fn every_function_has_a_page_with_an_example() {
    let reference = reference();
    let undocumented: Vec<&str> =
        reference.pages().filter(|(_, page)| page.docs.is_empty()).map(|(_, page)| page.name.as_str()).collect();
    assert!(undocumented.is_empty(), "no documentation: {undocumented:?}");
    let without: Vec<&str> = reference
        .pages()
        .filter(|(_, page)| page.examples().is_empty() && page.kind != PageKind::Property)
        .map(|(_, page)| page.name.as_str())
        .collect();
    assert!(without.is_empty(), "no example: {without:?}");
    let pages: BTreeSet<String> = reference.pages().map(|(_, page)| page.name.clone()).collect();
    let missing: Vec<String> = rhais_own().into_iter().filter(|name| !pages.contains(name)).collect();
    assert!(missing.is_empty(), "no page: {missing:?}");
}

/// The names of Rhai's own functions and properties.
fn rhais_own() -> BTreeSet<String> {
    let engine = rhai::Engine::new();
    let json: serde_json::Value = serde_json::from_str(&engine.gen_fn_metadata_to_json(true).unwrap()).unwrap();
    let functions = json["functions"].as_array().unwrap();
    let names = functions.iter().map(|function| function["name"].as_str().unwrap());
    names
        .map(|name| name.strip_prefix("get$").unwrap_or(name))
        .filter(|name| name.starts_with(char::is_alphabetic) && !name.contains('$') && !LEFT_OUT.contains(name))
        .map(str::to_owned)
        .collect()
}

/// Scripts know types by other names than Rust does.
#[test]
fn no_page_names_a_type_of_rust() {
    let markdown = reference().markdown();
    let words: BTreeSet<&str> = markdown.split(|c: char| !(c.is_alphanumeric() || "_$&".contains(c))).collect();
    let of_rust = [
        "ScriptTensor",
        "Plot",
        "MeanField",
        "FnPtr",
        "FLOAT",
        "INT",
        "Dynamic",
        "ImmutableString",
        "Native",
        "Vec",
        "Option",
        "Result",
        "String",
        "i64",
        "f64",
        "usize",
        "AnyNumber",
        "TensorOrNumber",
        "NativeCallContext",
        "EvalAltResult",
    ];
    let found: Vec<&str> = words
        .into_iter()
        .filter(|word| of_rust.contains(word) || word.len() > 1 && word.contains(['$', '&']))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

/// An option is required, or it has a type and a default; what the code reads as a default is what the page shows.
#[test]
fn every_option_has_a_type_and_a_default() {
    let reference = reference();
    let options = |page: &str| {
        let (_, page) =
            reference.pages().find(|(_, known)| known.name == page && known.kind != PageKind::Property).unwrap();
        page.options.clone()
    };
    let pages: BTreeSet<&str> = reference.pages().map(|(_, page)| page.name.as_str()).collect();
    for spec in entroscope::script::specs() {
        assert!(pages.contains(spec.function), "{}", spec.function);
        let shown = options(spec.function);
        assert_eq!(shown.len(), spec.keys.len(), "{}", spec.function);
        for option in shown {
            assert!(!option.takes.is_empty() && !option.default.is_empty() && !option.about.is_empty(), "{option:?}");
            assert!(!option.about.ends_with('.'), "{option:?}");
        }
    }
    let default =
        |page: &str, name: &str| options(page).into_iter().find(|option| option.name == name).unwrap().default;
    assert_eq!(default("cascade", "lambda"), format!("`{}`", entroscope::cascade::Ridge::LAMBDA));
    assert_eq!(
        default("cascade", "learning_rate"),
        format!("`{}`", entroscope::kernels::Adam::default().learning_rate)
    );
    assert_eq!(default("cutoff", "tolerance"), format!("`{}`", entroscope::entropy::CUTOFF_TOLERANCE));
    assert_eq!(default("trained", "optimizer"), "`sgd(0.001)`, as published");
    assert_eq!(default("mean_field", "weight_var"), "required");
    assert_eq!(default("init", "weight_var"), "required, unless `weights` is given");
}

/// Editors read this.
#[test]
fn the_reference_as_json_keeps_its_form() {
    let json = serde_json::to_value(reference()).unwrap();
    let group = json["groups"].as_array().unwrap().iter().find(|group| group["name"] == "Cascades").unwrap();
    assert_eq!(group["types"], serde_json::json!(["Cascade", "Reconstruction"]));
    let page = group["pages"].as_array().unwrap().iter().find(|page| page["name"] == "cascade").unwrap();
    assert_eq!(page["kind"], "function");
    assert_eq!(
        page["forms"][1],
        serde_json::json!({
            "signature": "cascade(network: Network, data: Split, options: map) -> Cascade",
            "parameters": [
                { "name": "network", "type": "Network" },
                { "name": "data", "type": "Split" },
                { "name": "options", "type": "map" },
            ],
            "returns": "Cascade",
        })
    );
    assert_eq!(
        page["options"][0],
        serde_json::json!({
            "name": "solver",
            "type": "\"adam\" or \"ridge\"",
            "choices": ["adam", "ridge"],
            "required": false,
            "default": "`\"adam\"`",
            "about": page["options"][0]["about"],
        })
    );
}

#[test]
fn the_program_shows_pages_by_name() {
    let place = Place::new();
    let shown =
        |arguments: &[&str]| scripted::said(&place.program(&[&["reference"], arguments].concat()).output().unwrap());
    let contents = shown(&[]);
    scripted::assert_says(
        &contents,
        &["Cascades\n", "  cascade(network, data, options)", "  tensor.shape", "Arrays\n"],
    );
    assert!(contents.lines().all(|line| line.chars().count() <= 130), "{contents}");
    let page = shown(&["cascade"]);
    scripted::assert_says(
        &page,
        &["cascade(network: Network, data: Split) -> Cascade", "option", "solver", "\"adam\" or \"ridge\""],
    );
    scripted::assert_says(&shown(&["Tensor"]), &["# Tensors", "matmul", "arithmetic"]);
    scripted::assert_says(&shown(&["cascde"]), &["no page `cascde`", "did you mean `cascade`?"]);
    assert!(shown(&["--all"]).len() > 50_000);
}

/// Runs a script with parameters that make it small.
fn run_small(name: &str, script: &Path) -> (Place, Outcome) {
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
    (place, outcome)
}

/// A recipe of a script that ran in this place: its results are stored, and a point of it comes out again.
fn packs_and_verifies(place: &Place, name: &str, script: &Path) {
    let file = place.path("packed.recipe.html");
    let options = PackOptions { file: Some(file.clone()), bands: Duration::ZERO, with_data: u64::MAX, partial: false };
    let packed = recipe::pack(script, place.settings.clone(), &options, &RunHandle::default(), Arc::new(|_| ()));
    let packed = packed.map_err(|diagnostics| scripted::text(&diagnostics));
    assert_eq!(packed.map(|packed| packed.outcome.points.computed), Ok(0), "{name}");
    let opened = Opened::open(&file).unwrap().unwrap();
    assert_eq!(opened.warnings, [], "{name}");
    let budget = Budget { time: None, share: 0.01 };
    let verified = recipe::verify(&opened, place.settings.clone(), budget, Arc::new(|_, _, _| ())).unwrap();
    assert_eq!(verified.verdict, Verdict::Identical, "{name}: {verified:?}");
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
        let name = script.display().to_string();
        let (place, outcome) = run_small(&name, &script);
        assert!(!outcome.files.is_empty(), "{name}");
        packs_and_verifies(&place, &name, &script);
    }
}
