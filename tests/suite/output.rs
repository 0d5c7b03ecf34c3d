//! What a script shows, as a program sees it: the files of each output, and what is at a place of its drawing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::scripted::Place;
use entroscope::executor::Computed;
use entroscope::figure::Hit;
use entroscope::kernels::Activation;
use entroscope::output::Located;
use entroscope::script::{Host, HostEvent, Outputs, Status};
use entroscope::work::Event;

/// The outputs of a script that runs without a failure, and the results that it computed for them.
fn outputs(text: &str) -> (Outputs, Computed) {
    let place = Place::new();
    let seen = Arc::new(Mutex::new((Outputs::from(Vec::new()), BTreeMap::new())));
    let sees = seen.clone();
    let observer = move |event: HostEvent<'_>| {
        let mut seen = sees.lock().unwrap();
        match event {
            HostEvent::Described(outputs) => seen.0 = outputs.clone(),
            HostEvent::Work(Event::Done { fingerprint, result, .. }) => {
                seen.1.insert(fingerprint, result.clone());
            }
            _ => {}
        }
    };
    let outcome = Host::new(place.settings.clone()).with_observer(Arc::new(observer)).run(&place.script(text));
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// A sweep of curves over two weight variances, by ridge regression.
const CURVES: &str = r#"
    let data = dataset("glyphs", #{ size: 7, seed: 3 });
    let found = sweep([axis("weight_var", [1.5, 0.5])]).map(|p| {
        let net = mlp::wide(49, 10, 4).init(#{ weight_var: p.weight_var, bias_var: 0.05, seed: 8 });
        cascade(net, data.train.take(100), #{ solver: "ridge", lambda: 0.3 }).reconstruct(data.test.take(5)).mse()
    });
"#;

fn at((outputs, computed): &(Outputs, Computed), part: usize, i: usize, j: usize) -> Vec<Located> {
    outputs[0].output.locate(Hit { part, i, j }, computed)
}

fn parameters(located: &Located) -> Vec<String> {
    located.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect()
}

#[test]
fn outputs_name_their_files() {
    let (outputs, _) = outputs(&format!(
        r#"{CURVES}
        heatmap(found, #{{ title: "Error" }}).save("error.png");
        found.save("error.json");
        verdict(found, #{{ level: 0.1 }});
        mlp::wide(49, 10, 4).init(#{{ weight_var: 1 }}).save("net.safetensors");"#
    ));
    let kinds: Vec<&str> = outputs.iter().map(|shown| shown.output.kind()).collect();
    assert_eq!(kinds, ["figure", "table", "verdict", "weights"]);
    let files: Vec<Vec<PathBuf>> = outputs.iter().map(|shown| shown.output.files()).collect();
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(
        files,
        [
            paths(&["error.png", "error.svg", "error.csv"]),
            paths(&["error.json"]),
            paths(&[]),
            paths(&["net.safetensors"])
        ]
    );
}

#[test]
fn a_cell_knows_its_point_and_what_its_value_rests_on() {
    let shown = outputs(&format!("{CURVES} heatmap(found, #{{}}).save(\"error.svg\");"));
    // The columns are in ascending order, the points are not.
    let cell = at(&shown, 0, 0, 1);
    assert_eq!(cell.len(), 1);
    assert_eq!((parameters(&cell[0]), cell[0].depth), (vec!["weight_var = 0.5".to_owned()], Some(2)));
    assert!(cell[0].value.is_some_and(|value| value > 0.0));
    let provenance = cell[0].provenance().unwrap();
    assert_eq!(provenance.seeds, [3, 8]);
    assert_eq!(provenance.solvers, ["ridge regression, λ = 0.3"]);
    assert!(provenance.reconstruction.is_some());
    let [network] = &provenance.networks[..] else { panic!("{:?}", provenance.networks) };
    assert_eq!(
        (network.activation.clone(), network.weight_var, network.bias_var),
        (Some(Activation::Tanh), Some(0.5), Some(0.05))
    );
    assert!(at(&shown, 0, 2, 0).is_empty() && at(&shown, 7, 0, 0).is_empty());
    // The title says what the numbers depend on most.
    let figure = shown.0[0].output.fill(&shown.1).unwrap().figure.unwrap();
    assert_eq!(figure.title, "ridge regression, λ = 0.3");
}

#[test]
fn a_former_edit_keeps_what_its_values_rest_on() {
    let (outputs, computed) = outputs(&format!("{CURVES} heatmap(found, #{{}}).save(\"error.svg\");"));
    let mut named = 0;
    let former = outputs[0].output.named(&mut |described| {
        named += 1;
        described.clone()
    });
    assert_eq!(named, 2);
    let (now, then) =
        [&outputs[0].output, &former].map(|output| output.locate(Hit { part: 0, i: 1, j: 0 }, &computed)).into();
    assert_eq!((now[0].value, now[0].provenance()), (then[0].value, then[0].provenance()));
}

#[test]
fn a_point_behind_a_hole_is_the_one_that_is_drawn() {
    let shown = outputs(
        r#"
        let table = sweep([axis("x", [3, 1, 2]), axis("seed", [0, 1])]).map(|p| if p.x == 1 { "no number" } else { p.x + p.seed });
        let line = sweep([axis("x", [1, 2, 3])]).map(|p| 10 * p.x);
        lines(table, #{ x: "x", over: "seed" }).line(line, "tens").save("sum.svg");"#,
    );
    let points = at(&shown, 0, 0, 0);
    assert_eq!(points.iter().map(parameters).collect::<Vec<_>>(), [["x = 2", "seed = 0"], ["x = 2", "seed = 1"]]);
    assert_eq!(points.iter().map(|point| point.value).collect::<Vec<_>>(), [Some(2.0), Some(3.0)]);
    assert_eq!(at(&shown, 1, 2, 0).iter().map(parameters).collect::<Vec<_>>(), [["x = 3"]]);
}
