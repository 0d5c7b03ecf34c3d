//! The programs in `examples/`, run as their readers would run them, with a store of their own.

use super::scripted::Place;
use std::path::Path;

use entroscope::script::{Settings, Status};

#[path = "../../examples/embed.rs"]
#[allow(dead_code, reason = "its main is for readers")]
mod embed;
#[path = "../../examples/primitive.rs"]
#[allow(dead_code, reason = "its main is for readers")]
mod primitive;

#[test]
fn embed_reads_a_curve_for_each_weight_variance() {
    let place = Place::new();
    let set = vec![("depth".into(), "8".into()), ("images".into(), "500".into())];
    let curves = embed::explained_variance(Settings { set, ..place.settings.clone() }).unwrap();
    let weight_vars: Vec<f64> = curves.iter().map(|(weight_var, _)| *weight_var).collect();
    assert_eq!(weight_vars, [0.5, 1.76, 4.0]);
    // Eight blocks, of which the last two are the head.
    assert!(
        curves.iter().all(|(_, curve)| curve.len() == 6 && curve.iter().all(|share| share.is_finite())),
        "{curves:?}"
    );
}

#[test]
fn embed_says_what_is_wrong_in_words() {
    let place = Place::new();
    let set = vec![("dept".into(), "8".into())];
    let message = embed::explained_variance(Settings { set, ..place.settings.clone() }).unwrap_err();
    assert!(message.contains("did you mean `depth`?"), "{message}");
}

#[test]
fn a_primitive_is_computed_once_and_stored() {
    let place = Place::new();
    let outcome = primitive::run(place.settings.clone());
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    assert_eq!(outcome.report.ran.get("example.effective_rank"), Some(&3));
    let ranks = outcome.column("ranks.csv", "value").unwrap();
    assert!(ranks.iter().all(|&rank| (1.0..=49.0).contains(&rank)), "{ranks:?}");
    // The ordered phase squeezes the inputs into a line, the chaotic one spreads them over ever more directions.
    assert!(ranks[11] < ranks[0] && ranks[11] < ranks[35], "{ranks:?}");

    let again = primitive::run(place.settings.clone());
    assert_eq!(again.report.ran.get("example.effective_rank"), None);
    assert_eq!(again.report.reused.get("example.effective_rank"), Some(&3));
}

#[test]
fn a_primitive_has_its_page_in_the_reference() {
    let place = Place::new();
    let reference = primitive::host(place.settings.clone()).reference().unwrap();
    let (group, page) = reference.pages().find(|(_, page)| page.name == "effective_rank").unwrap();
    assert_eq!(group.name, "Added functions");
    assert_eq!(page.forms[0].signature, "effective_rank(network: Network, data: Split) -> Curve");
    assert!(page.docs.starts_with("The number of directions that the activations of `data` fill"), "{}", page.docs);
}

/// A primitive is checked like the host's own functions: before anything runs, and in the script's own words.
#[test]
fn a_primitive_is_checked_like_any_function() {
    let place = Place::new();
    let run = |text: &str| {
        let script = place.path("project/wrong.rhai");
        std::fs::write(&script, text).unwrap();
        let outcome = primitive::host(place.settings.clone()).run(&script);
        assert_eq!(outcome.status, Status::ScriptWrong);
        outcome.diagnostics[0].render(false)
    };
    let message = run("effective_rank(1, 2, 3);");
    assert!(message.contains("effective_rank") && message.contains("wrong.rhai:1"), "{message}");
    let message = run(
        "let net = mlp::wide(10, 10, 3).init(#{ weight_var: 1 });\neffective_rank(net, dataset(\"glyphs\").test.take(2));",
    );
    assert!(message.contains("the network takes 10 numbers") && message.contains("wrong.rhai:2"), "{message}");
}

/// The tutorial of the library shows code that runs.
#[test]
fn the_snippets_of_the_tutorial_are_parts_of_the_examples() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let read = |file: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let without_comments =
        |text: &str| text.lines().filter(|line| !line.trim().starts_with("//")).collect::<Vec<_>>().join("\n");
    let examples = ["examples/embed.rs", "examples/primitive.rs"].map(|file| words(&without_comments(&read(file))));
    let tutorial: Vec<String> =
        read("src/lib.rs").lines().filter_map(|line| Some(line.strip_prefix("//!")?.trim().to_owned())).collect();
    let snippets: Vec<String> =
        tutorial.join("\n").split("```ignore\n").skip(1).map(|rest| words(rest.split("```").next().unwrap())).collect();
    assert!(snippets.len() > 5, "{snippets:?}");
    for snippet in snippets {
        assert!(examples.iter().any(|example| example.contains(&snippet)), "{snippet}");
    }
}
