//! An edit costs only what it changes: counted in operations run, not in seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::Place;
use entroscope::script::{Host, HostEvent, Outcome, RunHandle, Status};
use entroscope::work::Event;

/// A phase diagram of `points` weight variances and networks of `depth` blocks: `depth` − 2 of them are on the curve.
fn phase(points: &str, depth: usize) -> String {
    format!(
        r#"
        let data = dataset("glyphs", #{{ size: 7 }});
        let found = sweep([axis("weight_var", {points})]).map(|p| {{
            let net = mlp::wide(49, 10, {depth}).init(#{{ weight_var: p.weight_var, bias_var: 0.05 }});
            cascade(net, data.train.take(128)).reconstruct(data.test.take(20)).differential_entropy()
        }});
        heatmap(found, #{{ x: "weight_var", y: "depth" }}).save("phase.svg");
        "#
    )
}

fn ran(outcome: &Outcome, operation: &str) -> usize {
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    outcome.report.ran.get(operation).copied().unwrap_or(0)
}

/// Everything that takes time: not what is derived from curves at once.
fn work(outcome: &Outcome) -> usize {
    ["data.samples", "network.forward", "cascade.adam", "cascade.reconstruct", "entropy"]
        .map(|o| ran(outcome, o))
        .iter()
        .sum()
}

#[test]
fn a_second_run_does_nothing() {
    let place = Place::new();
    let (first, _) = place.run(&phase("[1.0, 2.0]", 6));
    assert_eq!(ran(&first, "cascade.adam"), 2 * 4);
    assert_eq!((first.points.computed, first.points.reused), (2, 0));
    let (second, _) = place.run(&phase("[1.0, 2.0]", 6));
    assert_eq!(work(&second), 0);
    assert_eq!((second.points.computed, second.points.reused), (0, 2));
}

#[test]
fn one_more_point_computes_one_point() {
    let place = Place::new();
    place.run(&phase("[1.0, 2.0]", 6));
    let (outcome, _) = place.run(&phase("[1.0, 1.5, 2.0]", 6));
    assert_eq!(ran(&outcome, "cascade.adam"), 4);
    assert_eq!(ran(&outcome, "entropy"), 1);
    assert_eq!((outcome.points.computed, outcome.points.reused), (1, 2));
}

#[test]
fn a_comment_a_title_and_a_renamed_variable_compute_nothing() {
    let place = Place::new();
    let script = phase("[1.0, 2.0]", 6);
    place.run(&script);
    let titled = script
        .replace("y: \"depth\"", "y: \"depth\", title: \"Where it survives\", palette: \"viridis\", clip: [-12, ()]");
    let edits =
        [format!("// A comment.\n\n{script}"), titled, script.replace("found", "entropy"), script.replace("1.0", "1")];
    for edit in edits {
        assert_ne!(edit, script);
        assert_eq!(work(&place.run(&edit).0), 0, "{edit}");
    }
}

#[test]
fn a_deeper_network_trains_only_its_new_blocks() {
    let place = Place::new();
    let (shallow, _) = place.run(&phase("[1.5]", 6));
    assert_eq!(ran(&shallow, "cascade.adam"), 4);
    let (deep, _) = place.run(&phase("[1.5]", 9));
    assert_eq!(ran(&deep, "cascade.adam"), 3);
}

#[test]
fn another_measure_of_the_same_cascade_trains_nothing() {
    let place = Place::new();
    place.run(&phase("[1.5]", 6));
    let (outcome, _) = place.run(&phase("[1.5]", 6).replace("differential_entropy", "explained_variance"));
    assert_eq!(
        (ran(&outcome, "cascade.adam"), ran(&outcome, "cascade.reconstruct"), ran(&outcome, "entropy")),
        (0, 0, 1)
    );
}

#[test]
fn an_edit_that_changes_numbers_computes_them() {
    let place = Place::new();
    let script = phase("[1.5]", 6);
    place.run(&script);
    for (old, new) in
        [("bias_var: 0.05", "bias_var: 0.06"), ("take(128)", "take(129)"), ("weight_var: p", "seed: 1, weight_var: p")]
    {
        let edit = script.replacen(old, new, 1);
        assert_ne!(edit, script);
        assert_eq!(ran(&place.run(&edit).0, "cascade.adam"), 4, "{new}");
    }
    let (outcome, _) = place.run(&script.replace("test.take(20)", "test.take(21)"));
    assert_eq!((ran(&outcome, "cascade.adam"), ran(&outcome, "cascade.reconstruct")), (0, 1));
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let place = Place::new();
    let script = place.script(&phase("linspace(0.5, 3.0, 6)", 6));
    // Stopped when the third point is there.
    let handle = RunHandle::default();
    let done = AtomicUsize::new(0);
    let cancel = handle.cancel.clone();
    let observer = move |event: HostEvent<'_>| {
        if matches!(event, HostEvent::Work(Event::Done { .. })) && done.fetch_add(1, Ordering::Relaxed) == 2 {
            cancel.cancel();
        }
    };
    let host = Host::new(place.settings.clone()).with_handle(handle);
    let stopped = host.with_observer(Arc::new(observer)).run(&script);
    assert_eq!((stopped.status, stopped.status.code()), (Status::Interrupted, 130));
    assert!(stopped.points.computed >= 3 && stopped.points.computed < 6, "{:?}", stopped.points);
    assert!(
        stopped.files.iter().any(|file| file.ends_with("phase.png")),
        "what is there is drawn: {:?}",
        stopped.files
    );

    let resumed = Host::new(place.settings.clone()).run(&script);
    let blocks = |outcome: &Outcome| outcome.report.ran.get("cascade.adam").copied().unwrap_or(0);
    let (once, twice) = (6 * 4, blocks(&stopped) + blocks(&resumed));
    assert!((once..=once + 4).contains(&twice), "{twice} blocks were trained, {once} once each");
    assert_eq!(resumed.points.computed + resumed.points.reused, 6);
}

#[test]
fn numbers_do_not_depend_on_threads_or_on_what_was_there_before() {
    let values = |threads: usize, before: Option<&str>| {
        let mut place = Place::new();
        place.settings.threads = threads;
        if let Some(script) = before {
            place.run(script);
        }
        place.run(&phase("[1.0, 2.5]", 8));
        std::fs::read_to_string(place.path("out/phase.csv")).unwrap()
    };
    let one = values(1, None);
    assert_eq!(one, values(4, None));
    assert_eq!(one, values(2, Some(&phase("[2.5]", 5))), "a shallower network's blocks are the same");
}
