//! The scripts of the gallery: each says what it says in few lines, runs in seconds, and shows what it promises.

use std::path::{Path, PathBuf};

use entroscope::script::Status;

use super::reference;
use super::scripted::{Place, text};

/// Each with the most lines that it may have, comments and blank lines apart.
const SCRIPTS: [(&str, usize); 20] = [
    ("accuracy", 15),
    ("activations", 12),
    ("colour", 10),
    ("confusion", 12),
    ("formats", 10),
    ("inside", 10),
    ("measures", 14),
    ("mixer", 20),
    ("norms", 14),
    ("orthogonal", 12),
    ("own_activation", 10),
    ("own_arrays", 8),
    ("paper_figure", 18),
    ("random_sweep", 14),
    ("residual_scale", 16),
    ("score", 12),
    ("seeds", 12),
    ("solvers", 10),
    ("variances", 11),
    ("weights", 12),
];
/// The widest line, so that few lines are not long ones.
const WIDEST: usize = 130;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gallery")
}

/// Runs a script of the gallery in a place of its own, with the data sets of `../shared` where it asks for them.
fn run(name: &str) {
    let mut place = Place::new();
    let path = folder().join(format!("{name}.rhai"));
    let script = std::fs::read_to_string(&path).unwrap();
    if script.contains("data get") {
        let Some(data) = reference::shared("data") else { return };
        place.settings.data_dir = Some(data);
    }
    let (outcome, _) = place.run_file(&path);
    assert_eq!(outcome.status, Status::Done, "{name}: {}", text(&outcome.diagnostics));
    let unexpected: Vec<String> = outcome
        .diagnostics
        .iter()
        .map(|said| text(std::slice::from_ref(said)))
        // The shared folder holds a part of CIFAR-10.
        .filter(|said| !said.contains("training batches are in"))
        .collect();
    assert!(unexpected.is_empty(), "{name}: {unexpected:?}");
    let saved = script.matches(".save(\"").count();
    assert!(saved > 0 && outcome.files.len() >= saved, "{name} saves {saved}: {:?}", outcome.files);
    for file in outcome.files {
        assert!(std::fs::metadata(&file).unwrap().len() > 0, "{} is empty", file.display());
    }
}

#[test]
fn every_script_is_short() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".rhai")?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names, SCRIPTS.map(|(name, _)| name), "each script of the gallery is listed here, and only these");
    for (name, most) in SCRIPTS {
        let text = std::fs::read_to_string(folder().join(format!("{name}.rhai"))).unwrap();
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).collect();
        assert!(lines.len() <= most, "{name} has {} lines, at most {most}", lines.len());
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= WIDEST, "a line of {name} has {widest} letters, at most {WIDEST}");
        assert!(text.starts_with("// "), "{name} does not say what it shows");
    }
}

macro_rules! runs {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*
    };
}

runs! {
    accuracy activations colour confusion formats inside measures mixer norms orthogonal own_activation own_arrays paper_figure
    random_sweep residual_scale score seeds solvers variances weights
}
