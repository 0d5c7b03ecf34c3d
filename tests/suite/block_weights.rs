//! A network's weights as tensors: read late, changed, put back.

use super::scripted::Place;
use entroscope::script::{Host, Status};

fn printed(place: &Place, script: &str) -> Vec<String> {
    let (outcome, printed) = place.run(script);
    assert_eq!(outcome.status, Status::Done, "{script}\n{:?}", outcome.diagnostics);
    printed
}

fn refusal(script: &str) -> String {
    let (outcome, _) = Place::new().run(script);
    assert_eq!(outcome.status, Status::ScriptWrong, "{script}");
    let first = &outcome.diagnostics[0];
    assert!(first.place.is_some(), "{script}: {first:?}");
    std::iter::once(&first.message).chain(&first.hints).cloned().collect::<Vec<_>>().join(" | ")
}

const START: &str = r#"
    let data = dataset("glyphs", #{ size: 7 });
    let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.76, bias_var: 0.05 });
    let outputs = |net| net.activation(data.test.take(5), 4).tensor();
"#;

#[test]
fn weights_are_read_changed_and_put_back() {
    let mut place = Place::new();
    place.settings.out = Some(place.path("project/out"));
    let script = [
        START,
        r#"
        let w = net.weights_of(2);
        print(w);
        print(w.names);
        print(w.weight.shape);
        print(abs(w.weight.variance() * 49 - 1.76) < 0.15);
        // Put back as they are, by block or as a whole, they compute the same.
        let same = net.weights(2, #{ weight: w.weight, bias: w.bias });
        print(outputs.call(same) == outputs.call(net));
        print(outputs.call(net.weights(2, w)) == outputs.call(net));
        // Half of an array's size halves what reaches the activation.
        let doubled = net.weights(2, #{ weight: 2 * w.weight });
        print(doubled.weights_of(2).weight == 2 * w.weight);
        print(doubled.weights_of(2).bias == w.bias);
        print(doubled.weights_of(3).weight == net.weights_of(3).weight);
        print(outputs.call(doubled) == outputs.call(net));
        print(outputs.call(net.weights(2, #{ weight: 2 * w.weight }).weights(2, #{ weight: w.weight })) == outputs.call(net));
        // By the names of files; and an architecture with all of them.
        print(outputs.call(net.weights(#{ "1.0.weight": 2 * w.weight })) == outputs.call(doubled));
        let all = #{};
        for l in 1..5 {
            for name in net.weights_of(l).names { all[`${l - 1}.0.${name}`] = net.weights_of(l)[name]; }
        }
        let given = mlp::wide(49, 10, 4).weights(all);
        print(outputs.call(given) == outputs.call(net));
        net.save("net.safetensors");
        print(given);
        // What it was trained to.
        let trained = net.trained(data.train.take(100), #{ epochs: 1 });
        let mixed = net.weights(4, trained.weights_of(4));
        print(mixed.weights_of(4).weight == trained.weights_of(4).weight);
        print(mixed.weights_of(4).weight == net.weights_of(4).weight);
        "#,
    ]
    .concat();
    let lines = printed(&place, &script);
    assert_eq!(lines[0], "weights of block 2: weight [49, 49], bias [49]");
    assert_eq!(lines[1..5], [r#"["weight", "bias"]"#, "[49, 49]", "true", "true"]);
    assert_eq!(lines[5..9], ["true", "true", "true", "true"]);
    assert_eq!(lines[9..13], ["false", "true", "true", "true"]);
    assert!(lines[13..lines.len() - 2].join("\n").contains("weights given by the script"));
    assert_eq!(lines[lines.len() - 2..], ["true", "false"]);

    // Read from the file or given as tensors: the same network, so its results are the same.
    let curve = |net: &str| {
        format!(
            "let data = dataset(\"glyphs\", #{{ size: 7 }});
             let file = load_tensors(\"out/net.safetensors\");
             print(cascade({net}, data.train.take(50)).reconstruct(data.test.take(5)).mse().fingerprint);"
        )
    };
    place.settings.out = Some(place.path("elsewhere"));
    let read = printed(&place, &curve("mlp::wide(49, 10, 4).weights(\"out/net.safetensors\")"));
    assert_eq!(read, printed(&place, &curve("mlp::wide(49, 10, 4).weights(file)")));
    let one = "mlp::wide(49, 10, 4).init(#{ weight_var: 1 }).weights(#{ \"0.0.weight\": file[\"0.0.weight\"] })";
    assert_ne!(read, printed(&place, &curve(one)));
}

/// A cascade of a network with other weights in block 3 has its first two blocks in common with that of the network.
/// Changes do not lie inside one another, however many there are.
#[test]
fn weights_are_changed_thousands_of_times() {
    let script = r#"
        let net = mlp::wide(9, 3, 3).init(#{ weight_var: 1.5 });
        for i in range(0, 5000) { net = net.weights(1 + i % 2, #{ bias: zeros([if i % 2 == 0 { 9 } else { 400 }]) }); }
        print(net.outputs(dataset("noise", #{ size: 3 }).test.take(2)).shape);"#;
    assert_eq!(printed(&Place::new(), script), ["[2, 3]"]);
}

#[test]
fn blocks_before_a_changed_one_are_the_same_results() {
    let place = Place::new();
    let script = [
        START,
        r#"
        net = mlp::wide(49, 10, 6).init(#{ weight_var: 1.76, bias_var: 0.05 });
        let curve = |net| cascade(net, data.train.take(50), #{ solver: "ridge" }).reconstruct(data.test.take(5)).mse();
        print(curve.call(net).values().len);
        "#,
    ]
    .concat();
    printed(&place, &script);
    let before = place.results().len();
    let low = [
        &script,
        r"
        let parts = svd(net.weights_of(3).weight);
        let low = (parts.u * parts.s).slice(1, 0, 5).matmul(parts.v.slice(1, 0, 5).transpose());
        print(svd(low).s.greater_than(1e-4).sum());
        print(curve.call(net.weights(3, #{ weight: low })).values().len);
        ",
    ]
    .concat();
    let lines = printed(&place, &low);
    assert_eq!(lines[1], "5.0");
    // Curve, reconstruction, and the reconstruction networks of 4 blocks; then those of blocks 3 and 4 anew.
    assert_eq!((before, place.results().len()), (6, 10));
}

#[test]
fn nothing_is_trained_by_a_check() {
    let place = Place::new();
    let script = [
        START,
        r"
        let trained = net.trained(data.train.take(100), #{ epochs: 1 });
        let mixed = net.weights(4, trained.weights_of(4));
        print(cascade(mixed, data.train.take(50)).reconstruct(data.test.take(5)).mse().len);
        print(trained.weights_of(4).weight.shape);
        ",
    ]
    .concat();
    Host::new(place.settings.clone()).check(&place.script(&script)).unwrap();
    assert!(place.results().is_empty());
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    for (line, expected) in [
        ("net.weights_of(5);", "there is no block 5; the network has the blocks 1 to 4"),
        ("net.weights_of(0);", "there is no block 0"),
        ("net.weights_of(-1);", "the block is -1"),
        ("net.weights_of(2).wieght;", "block 2 has no array `wieght` | did you mean `weight`? | it has weight, bias"),
        (
            "net.weights(2, #{ weight: zeros([49, 48]) });",
            "block 2: `weight` has the shape [49, 48]; expected [49, 49]",
        ),
        ("net.weights(2, #{ wieght: zeros([49, 49]) });", "block 2 has no array `wieght` | did you mean `weight`?"),
        ("net.weights(2, #{ weight: 1.0 });", "`weight` is 1.0; it should be a tensor"),
        ("net.weights(2, #{});", "`weights` of an empty map"),
        (
            "net.weights(2, #{ bias: zeros([49]) / 0 });",
            "block 2: `bias` holds NaN (number 0 of 49) | weights are finite",
        ),
        (
            "net.weights(3, net.weights_of(2));",
            "block 3 has weight [400, 49], bias [400], and the weights of block 2 are",
        ),
        (
            "net.weights(#{ \"1.weight\": zeros([49, 49]) });",
            "the network has no array `1.weight` | did you mean `1.0.weight`?",
        ),
        ("net.weights(#{ \"1.0.weight\": zeros([49]) });", "`1.0.weight` has the shape [49]; expected [49, 49]"),
        (
            "mlp::wide(49, 10, 4).weights(#{ \"1.0.weight\": zeros([49, 49]) });",
            "these arrays are missing: 0.0.weight [49, 49]",
        ),
        (
            "network([4, 4, 4], [block([flatten()])]).init(#{ weight_var: 1 }).weights_of(1);",
            "block 1, flatten, has no weights",
        ),
    ] {
        let found = refusal(&[START, line].concat());
        assert!(found.contains(expected), "{line}\n  says  {found}\n  not   {expected}");
    }
}
