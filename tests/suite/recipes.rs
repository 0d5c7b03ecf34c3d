//! Recipes: packed, run, verified, compared, imported and unpacked, by the program as people use it.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::scripted::{self, Place, assert_says, said};
use entroscope::script::{Recipe, Status};

/// A sweep with a module, a parameter, a verdict and a printed number.
const SCRIPT: &str = r#"//! Where information survives
//! Authors: A. Author; B. Author
//! Licence: CC-BY-4.0
//! DOI: 10.1234/example
//!
//! A small sweep.
import "lib" as lib;
const WIDTH = 9;
let depth = param("depth", 6);
let data = dataset("noise", #{ size: 3, train: 40, test: 8 });
fn net(weight_var, depth) { lib::made(weight_var, depth) }
let entropy = sweep([axis("weight_var", [1, 1.5, 2, 3])]).map(|p| {
    cascade(net(p.weight_var, depth), data.train, #{ batch: 10 }).reconstruct(data.test).differential_entropy()
});
heatmap(entropy, #{ x: "weight_var", y: "depth" }).save("phase.svg");
entropy.save("entropy.csv");
print("depth " + depth);
verdict(entropy, #{ activation: "tanh", bias_var: 0.05 });
"#;
const MODULE: &str = "fn made(w, depth) { mlp::wide(9, 9, depth).init(#{ weight_var: w, bias_var: 0.05 }) }\n";

/// A place with the script and its module.
fn place() -> Place {
    let place = Place::new();
    std::fs::write(place.path("project/cone.rhai"), SCRIPT).unwrap();
    std::fs::write(place.path("project/lib.rhai"), MODULE).unwrap();
    place
}

fn program(place: &Place, arguments: &[&str]) -> Output {
    place.program(arguments).output().unwrap()
}

#[track_caller]
fn succeeds(place: &Place, arguments: &[&str]) -> String {
    let output = program(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Packs the script with a depth of 3.
fn packed(place: &Place) -> PathBuf {
    succeeds(place, &["recipe", "pack", "project/cone.rhai", "--set", "depth=5"]);
    place.path("cone.recipe.html")
}

/// Writes a recipe back after a change of it, as a page.
fn changed(place: &Place, name: &str, change: impl FnOnce(&mut Recipe)) -> String {
    let path = place.path("cone.recipe.html");
    let mut recipe = Recipe::read(&path).unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    let before = recipe.to_page_text().unwrap();
    change(&mut recipe);
    assert!(page.contains(&before));
    std::fs::write(place.path(name), page.replace(&before, &recipe.to_page_text().unwrap())).unwrap();
    name.to_owned()
}

fn csv(place: &Place, folder: &str) -> String {
    std::fs::read_to_string(place.path(folder).join("entropy.csv")).unwrap()
}

#[test]
fn a_recipe_runs_as_its_script_did_with_its_module_and_settings() {
    let place = place();
    packed(&place);
    succeeds(&place, &["run", "project/cone.rhai", "--set", "depth=5", "--out", "as_script"]);
    std::fs::remove_dir_all(place.path("project")).unwrap();
    let text = succeeds(&place, &["run", "cone.recipe.html"]);
    assert_says(&text, &["depth 5", "4 reused", "wrote runs/cone/phase.svg"]);
    assert_eq!(csv(&place, "runs/cone"), csv(&place, "as_script"));
    // With another value of its parameter, and checked.
    assert_says(&succeeds(&place, &["run", "cone.recipe.html", "--set", "depth=4", "--out", "two"]), &["depth 4"]);
    assert_says(&succeeds(&place, &["check", "cone.recipe.html"]), &["parameter depth = 5"]);
    // A mistake is told at its place in the recipe's script.
    let output = program(&place, &["run", "cone.recipe.html", "--set", "depht=4"]);
    assert_says(&said(&output), &["did you mean `depth`?"]);
}

#[test]
fn a_run_folder_repeats_its_run() {
    let place = place();
    succeeds(&place, &["run", "project/cone.rhai", "--set", "depth=5"]);
    let first = csv(&place, "runs/cone");
    std::fs::rename(place.path("runs/cone"), place.path("kept")).unwrap();
    let text = succeeds(&place, &["run", "kept/script.rhai"]);
    assert_says(&text, &["depth 5", "4 reused", "wrote runs/cone/phase.svg"]);
    assert_eq!(csv(&place, "runs/cone"), first);
    // Packing it computes nothing but bands.
    assert_says(
        &succeeds(&place, &["recipe", "pack", "kept", "--bands", "0"]),
        &["wrote cone.recipe.html", "4 points"],
    );
    // A text that was edited runs with the modules and settings of that run.
    let edited = std::fs::read_to_string(place.path("kept/script.rhai")).unwrap().replace("depth \"", "deep \"");
    std::fs::write(place.path("kept/script.rhai"), edited).unwrap();
    assert_says(&succeeds(&place, &["run", "kept/script.rhai"]), &["was edited since its run", "deep 5"]);
}

#[test]
fn a_script_in_a_folder_of_its_project_keeps_its_place_when_its_recipe_is_packed_again() {
    let place = place();
    std::fs::create_dir(place.path("project/sub")).unwrap();
    let script = "import \"../lib\" as lib;\nprint(lib::made(1.5, 4).depth);";
    std::fs::write(place.path("project/sub/deep.rhai"), script).unwrap();
    succeeds(&place, &["recipe", "pack", "project/sub/deep.rhai", "--project", "project"]);
    std::fs::remove_dir_all(place.path("project")).unwrap();
    succeeds(&place, &["recipe", "pack", "deep.recipe.html", "-o", "again.recipe.html"]);
    assert_eq!(succeeds(&place, &["run", "again.recipe.html"]).matches('4').count(), 1);
    let recipe = Recipe::read(&place.path("again.recipe.html")).unwrap();
    assert_eq!(recipe.script, "sub/deep.rhai");
    assert_eq!(recipe.sources.keys().collect::<Vec<_>>(), ["lib.rhai", "sub/deep.rhai"]);
    assert_eq!(recipe.printed, ["4"]);
    // A module that only the recipe has is there for its script.
    let mut other = recipe;
    other.built_in.insert("theirs".into(), "fn four() { 4 }".into());
    other.sources.insert("sub/deep.rhai".into(), "print(theirs::four());".into());
    std::fs::write(place.path("theirs.recipe.html"), other.to_page_text().unwrap()).unwrap();
    assert_says(&succeeds(&place, &["run", "theirs.recipe.html"]), &["no module theirs of its own", "4"]);
}

#[test]
fn the_lock_says_what_a_recipe_was_made_from_and_by() {
    let place = place();
    packed(&place);
    let text = succeeds(&place, &["recipe", "show", "cone.recipe.html"]);
    let own = format!("entroscope {}", env!("CARGO_PKG_VERSION"));
    assert_says(
        &text,
        &[
            "Where information survives",
            "A. Author; B. Author",
            "CC-BY-4.0",
            "10.1234/example",
            "cone.rhai, with 1 module of the project",
            "depth = 5, set (6 in the script)",
            &own,
            "philox",
            "flex/f32",
            "cascade.adam/",
            "dataset(\"noise\")",
            "drawn by this program",
            "4 points",
            "measured at 4 points by 2 runs again",
        ],
    );
    assert!(!text.contains("beside this program"), "{text}");
    let changed = changed(&place, "other.recipe.html", |recipe| {
        recipe.made.entroscope = "9.9.9".to_owned();
        recipe.built_in.get_mut("mlp").unwrap().push_str("// more\n");
        recipe.results[0].arrays.values_mut().next().unwrap().numbers[0] += 1.0;
    });
    let text = succeeds(&place, &["recipe", "show", &changed]);
    assert_says(
        &text,
        &["made by entroscope 9.9.9", "module mlp differs from this program's", "they were changed since"],
    );
    // Its own module is what runs.
    assert_says(&succeeds(&place, &["run", &changed]), &["the recipe's is used", "4 reused"]);
}

#[test]
fn verifying_says_identical_or_which_points_drifted_and_whether_the_conclusion_moves() {
    let place = place();
    packed(&place);
    let text = succeeds(&place, &["recipe", "verify", "cone.recipe.html", "--all"]);
    assert_says(&text, &["weight_var = 1.5  identical", "identical: 4 of 4 points, to the last bit"]);
    // The user's store has nothing of it.
    let before = place.results().len();
    std::fs::remove_dir_all(place.path("store")).unwrap();
    succeeds(&place, &["recipe", "verify", "cone.recipe.html", "--share", "0.25"]);
    assert_eq!((place.results().len(), before > 0), (0, true));
    // One number changed by hand.
    let name = changed(&place, "by_hand.recipe.html", |recipe| {
        let result = recipe.results.iter_mut().find(|result| result.point == "weight_var = 2").unwrap();
        result.arrays.get_mut("curve").unwrap().numbers[1] += 0.25;
    });
    let output = program(&place, &["recipe", "verify", &name, "--all"]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(
        &said(&output),
        &[
            "its numbers were changed since it was packed",
            "weight_var = 2  drifted: entropy differs by 0.25 at depth 2",
            "weight_var = 3  identical",
            "drifted: 1 of the 4 points",
        ],
    );
    // All numbers of a point: its verdict is another one.
    let name = changed(&place, "verdict.recipe.html", |recipe| {
        for result in &mut recipe.results {
            result.arrays.get_mut("curve").unwrap().numbers.iter_mut().for_each(|x| *x = -1.0);
        }
    });
    let output = program(&place, &["recipe", "verify", &name, "--all"]);
    assert_says(&said(&output), &["a verdict of the recipe:", "and with the numbers from here:", "a conclusion moves"]);
}

#[test]
fn another_arithmetic_is_within_rounding_and_another_version_is_said() {
    let place = place();
    packed(&place);
    let text = succeeds(&place, &["recipe", "verify", "cone.recipe.html", "--all", "--device", "flex:burn"]);
    assert_says(&text, &["within rounding: 4 of 4 points", "the conclusions stay", "(band "]);
    let name = changed(&place, "version.recipe.html", |recipe| {
        for result in &mut recipe.results {
            result.version += 1;
            result.fingerprint = "0".repeat(64);
        }
    });
    let text = succeeds(&place, &["recipe", "verify", &name, "--all"]);
    assert_says(&text, &["identical: 4 of 4 points", "entropy is version 1 here, and was 2"]);
    // Without a band, what is not identical has drifted.
    succeeds(&place, &["recipe", "pack", "project/cone.rhai", "--bands", "0", "-o", "bare.recipe.html"]);
    let output = program(&place, &["recipe", "verify", "bare.recipe.html", "--all", "--device", "flex:burn"]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(&said(&output), &["it has no band of rounding"]);
}

/// A script with a file of its own as data.
const OWN_DATA: &str = r#"
    let data = dataset("own.csv", #{ y: "kind" });
    sweep([axis("weight_var", [1.5])]).map(|p| {
        let net = mlp::wide(2, 2, 5).init(#{ weight_var: p.weight_var });
        cascade(net, data.train, #{ batch: 2 }).reconstruct(data.train).mse()
    }).save("mse.csv");"#;

fn own_data(place: &Place, rows: &str) {
    std::fs::write(place.path("project/own.csv"), format!("a,b,kind\n{rows}")).unwrap();
}

#[test]
fn other_data_under_the_same_name_is_not_comparable() {
    let place = Place::new();
    std::fs::write(place.path("project/own.rhai"), OWN_DATA).unwrap();
    own_data(&place, "0.1,0.2,x\n0.3,0.9,y\n0.5,0.4,x\n0.7,0.1,y\n");
    let text = succeeds(&place, &["recipe", "pack", "project/own.rhai"]);
    assert_says(&text, &["not in it: own.csv", "--with-data"]);
    // It is neither in the recipe nor beside it.
    let output = program(&place, &["recipe", "verify", "own.recipe.html"]);
    assert_eq!(output.status.code(), Some(3));
    assert_says(
        &said(&output),
        &["reads own.csv", "is not in it", "put that file beside the recipe", "not comparable"],
    );
    std::fs::copy(place.path("project/own.csv"), place.path("own.csv")).unwrap();
    assert_says(&succeeds(&place, &["recipe", "verify", "own.recipe.html"]), &["identical"]);
    std::fs::write(place.path("own.csv"), "a,b,kind\n0.1,0.2,x\n0.3,0.8,y\n0.5,0.4,x\n0.7,0.1,y\n").unwrap();
    let output = program(&place, &["recipe", "verify", "own.recipe.html"]);
    assert_eq!(output.status.code(), Some(3));
    assert_says(&said(&output), &["own.csv", "has another content beside it"]);
    // The data folder is read as well, and has a file of that name.
    std::fs::create_dir_all(place.path("data")).unwrap();
    std::fs::copy(place.path("own.csv"), place.path("data/own.csv")).unwrap();
    let output = program(&place, &["recipe", "verify", "own.recipe.html"]);
    assert_eq!(output.status.code(), Some(3));
    assert_says(&said(&output), &["dataset(\"own.csv\") has another content here", "not comparable"]);
    // In the recipe, it needs nothing beside.
    std::fs::remove_file(place.path("data/own.csv")).unwrap();
    std::fs::remove_file(place.path("own.csv")).unwrap();
    succeeds(&place, &["recipe", "pack", "project/own.rhai", "--with-data"]);
    assert_says(&succeeds(&place, &["recipe", "verify", "own.recipe.html"]), &["identical"]);
}

#[test]
fn an_imported_recipe_gives_its_functions_and_does_not_run() {
    let place = place();
    packed(&place);
    std::fs::rename(place.path("cone.recipe.html"), place.path("project/cone.recipe.html")).unwrap();
    std::fs::remove_file(place.path("project/lib.rhai")).unwrap();
    let (outcome, printed) = place.run("import \"cone.recipe.html\" as cone;\nprint(cone::net(1.5, 2).depth);");
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    assert_eq!((printed, outcome.files.len()), (vec!["2".to_owned()], 0));
    // A recipe of that script has what it imported.
    let script = "import \"cone.recipe.html\" as cone;\nprint(cone::net(1.5, 3).depth);";
    std::fs::write(place.path("project/on.rhai"), script).unwrap();
    succeeds(&place, &["recipe", "pack", "project/on.rhai"]);
    std::fs::remove_dir_all(place.path("project")).unwrap();
    assert_says(&succeeds(&place, &["run", "on.recipe.html"]), &["3"]);
}

#[test]
fn a_difference_names_lines_parameters_and_numbers() {
    let place = place();
    packed(&place);
    let same = program(&place, &["recipe", "diff", "cone.recipe.html", "cone.recipe.html"]);
    assert_eq!(same.status.code(), Some(0));
    assert_says(&said(&same), &["4 results compared, 0 of them different"]);
    std::fs::write(
        place.path("project/cone.rhai"),
        SCRIPT.replace("1.5, 2, 3]", "1.5, 2, 4]").replace("batch: 10", "batch: 8"),
    )
    .unwrap();
    succeeds(&place, &["run", "project/cone.rhai", "--set", "depth=5"]);
    let output = program(&place, &["recipe", "diff", "cone.recipe.html", "runs/cone", "--out", "figure"]);
    assert_eq!(output.status.code(), Some(1));
    assert_says(
        &said(&output),
        &[
            "sources",
            "-let entropy = sweep([axis(\"weight_var\", [1, 1.5, 2, 3])])",
            "+let entropy",
            "numbers",
            "weight_var = 1.5: entropy differs by",
            "1 result in A only",
            "1 result in B only",
        ],
    );
    let table = std::fs::read_to_string(place.path("figure/differences.csv")).unwrap();
    // Three points that both have, at three depths each.
    assert_eq!(table.lines().count(), 10, "{table}");
    assert!(place.path("figure/differences.png").exists());
}

#[test]
fn an_unpacked_recipe_is_a_project_to_work_on() {
    let place = place();
    packed(&place);
    let text = succeeds(&place, &["recipe", "unpack", "cone.recipe.html", "mine"]);
    assert_says(&text, &["wrote mine/cone.rhai", "run it: entroscope run mine/cone.rhai --set depth=5"]);
    assert_eq!(std::fs::read_to_string(place.path("mine/cone.rhai")).unwrap(), SCRIPT);
    assert_eq!(std::fs::read_to_string(place.path("mine/lib.rhai")).unwrap(), MODULE);
    let metadata = std::fs::read_to_string(place.path("mine/ro-crate-metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata["@graph"][1]["name"], "Where information survives");
    assert_says(&succeeds(&place, &["run", "mine/cone.rhai", "--set", "depth=5"]), &["4 reused"]);
    let cited = succeeds(&place, &["recipe", "cite", "cone.recipe.html"]);
    assert_says(
        &cited,
        &[
            "cff-version: 1.2.0",
            "title: \"Where information survives\"",
            "name: \"B. Author\"",
            "doi: \"10.1234/example\"",
        ],
    );
    // Nothing is written over.
    let again = program(&place, &["recipe", "unpack", "cone.recipe.html", "mine"]);
    assert_eq!(again.status.code(), Some(2));
    assert_says(&said(&again), &["is there and not empty"]);
}

#[test]
fn what_is_not_whole_is_packed_only_when_asked_for_and_nothing_else_is_replaced() {
    let place = Place::new();
    let script = "sweep([axis(\"x\", [1, 2])]).map(|p| { if p.x == 2 { throw \"no\"; } p.x }).save(\"x.csv\");";
    std::fs::write(place.path("project/half.rhai"), script).unwrap();
    let output = program(&place, &["recipe", "pack", "project/half.rhai"]);
    assert_eq!(output.status.code(), Some(2));
    assert_says(&said(&output), &["nothing is packed: 1 point failed", "--partial", "x = 2: no"]);
    assert!(!place.path("half.recipe.html").exists());
    let output = program(&place, &["recipe", "pack", "project/half.rhai", "--partial"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_says(&succeeds(&place, &["recipe", "show", "half.recipe.html"]), &["1 failed"]);
    // A file of another kind is not replaced, a recipe is.
    std::fs::write(place.path("half.recipe.html"), "<html>my notes</html>").unwrap();
    let output = program(&place, &["recipe", "pack", "project/half.rhai", "--partial"]);
    assert_says(&said(&output), &["is there and is not a recipe"]);
    assert_eq!(std::fs::read_to_string(place.path("half.recipe.html")).unwrap(), "<html>my notes</html>");
}

#[test]
fn a_gallery_lists_the_recipes_of_a_folder() {
    let place = place();
    std::fs::create_dir_all(place.path("shelf/more")).unwrap();
    let none = program(&place, &["recipe", "gallery", "shelf"]);
    assert_eq!(none.status.code(), Some(2));
    assert_says(&said(&none), &["there is no recipe in shelf"]);
    std::fs::rename(packed(&place), place.path("shelf/more/cone.recipe.html")).unwrap();
    std::fs::write(place.path("shelf/bad.recipe.html"), "<html></html>").unwrap();
    let text = succeeds(&place, &["recipe", "gallery", "shelf"]);
    assert_says(&text, &["bad.recipe.html: this is not a recipe", "wrote shelf/index.html: 1 recipe"]);
    let page = std::fs::read_to_string(place.path("shelf/index.html")).unwrap();
    assert_says(
        &page,
        &["more/cone.recipe.html", "Where information survives", "data:image/", "depth = 5, set (6 in the script)"],
    );
    // It is written again, and nothing else is written over.
    succeeds(&place, &["recipe", "gallery", "shelf"]);
    std::fs::write(place.path("shelf/index.html"), "<html>mine</html>").unwrap();
    let mine = program(&place, &["recipe", "gallery", "shelf"]);
    assert_says(&said(&mine), &["is there and is not a gallery"]);
}

#[test]
fn files_that_are_no_recipes_are_told_apart() {
    let place = place();
    let whole = std::fs::read_to_string(packed(&place)).unwrap();
    let at = whole.find("id=\"recipe\"").unwrap();
    let newer = whole.replace("{\"recipe\":1,", "{\"recipe\":2,");
    assert_ne!(newer, whole);
    for (text, words) in [
        (&whole[..at + 100], "ends in the middle"),
        ("<html></html>", "this is not a recipe"),
        (newer.as_str(), "has format 2, and this program reads 1"),
        (&whole.replace("\"script\":\"cone.rhai\"", "\"script\":\"../cone.rhai\""), "is not in it"),
    ] {
        std::fs::write(place.path("bad.recipe.html"), text).unwrap();
        for (command, code) in
            [(["recipe", "show"].as_slice(), 2), (&["recipe", "verify"], 3), (&["run"], 2), (&["check"], 2)]
        {
            let output = program(&place, &[command, &["bad.recipe.html"]].concat());
            assert_eq!(output.status.code(), Some(code), "{command:?}");
            assert_says(&said(&output), &[words, "bad.recipe.html"]);
        }
    }
    let output = program(&place, &["recipe", "show", "project/cone.rhai"]);
    assert_says(&said(&output), &["project/cone.rhai is not a recipe"]);
    assert!(Recipe::read(Path::new("nowhere.recipe.html")).is_err());
}
