//! Layers in scripts: what normalisation and calibration do, what ridge regression leads back through, and what is refused.

use super::scripted::{Place, assert_says, text};
use entroscope::script::Status;

#[track_caller]
fn prints(script: &str) -> Vec<String> {
    let (outcome, printed) = Place::new().run(script);
    assert_eq!(text(&outcome.diagnostics), "");
    assert_eq!(outcome.status, Status::Done);
    printed
}

#[track_caller]
fn says(script: &str, words: &[&str]) {
    let (outcome, _) = Place::new().run(script);
    assert_says(&text(&outcome.diagnostics), words);
}

/// Numbers of a printed list.
fn numbers(printed: &str) -> Vec<f64> {
    printed.trim_matches(['[', ']']).split(", ").map(|number| number.parse().unwrap()).collect()
}

const GLYPHS: &str = "let data = dataset(\"glyphs\", #{ size: 7 });\n";

mod calibrated {
    use super::*;

    const NET: &str = r#"
        let data = dataset("glyphs", #{ size: 7 });
        let blocks = [
            block([conv2d(1, 4, 3), batch_norm(4), tanh()]),
            block([residual([conv2d(4, 4, 3, #{ padding: 1 }), batch_norm(4), relu(), conv2d(4, 4, 1), batch_norm(4)])]),
            block([flatten(), linear(100, 20)]),
            block([batch_norm(20)]),
        ];
        let net = network(data.shape, blocks).init(#{ weight_var: 2.0, bias_var: 0.5 });
        let some = data.train.take(150);
    "#;

    #[test]
    fn what_leaves_a_batch_norm_has_mean_0_and_variance_1() {
        let printed = prints(&format!(
            "{NET}
            let ready = net.calibrated(some);
            let y = ready.activation(some, 4).tensor();
            print(y.mean(0).abs().max() < 1e-4);
            print((y.std(0) - 1.0).abs().max() < 1e-2);
            // Through two norms inside a residual.
            let both = ready.activation(some, 2).tensor() - ready.activation(some, 1).tensor();
            let channel = both.transpose(0, 1).reshape([4, 150 * 25]);
            print(channel.mean(1).abs().max() < 1e-4);
            print((channel.std(1) - 1.0).abs().max() < 1e-2);
            // Nothing else changed, and no step of training was taken.
            print(ready.depth == net.depth);
            print(ready.to_string().split(\"\\n\")[-1]);"
        ));
        let words = "weight_var 2, bias_var 0.5, seed 0, calibrated on 150 samples of glyphs";
        assert_eq!(printed, ["true", "true", "true", "true", "true", words]);
    }

    #[test]
    fn a_network_without_batch_norm_is_returned_as_it_is_and_one_with_it_is_computed_once() {
        let place = Place::new();
        let script = |calibrated: &str| {
            format!(
                "{GLYPHS}let net = mlp::wide(49, 10, 4).init(#{{ weight_var: 1.76 }}){calibrated};
                print(cascade(net, data.train.take(100), #{{ solver: \"ridge\" }}).reconstruct(data.test.take(9)).mse());"
            )
        };
        let (first, _) = place.run(&script(""));
        let (second, _) = place.run(&script(".calibrated(data.train.take(50))"));
        assert_eq!((first.points.computed, second.points.computed, second.points.reused), (1, 0, 1));
        // Calibrated again on the same data, it answers the same.
        let printed = prints(&format!(
            "{NET} let once = net.calibrated(some); print(once.accuracy(some).value - once.calibrated(some).accuracy(some).value);"
        ));
        assert_eq!(printed, ["0.0"]);
    }

    #[test]
    fn it_can_be_trained_further_and_summaries_say_what_was_not_calibrated() {
        let printed = prints(&format!(
            "{GLYPHS}
            let net = network([49], [block([linear(49, 30), batch_norm(30), tanh()]), block([linear(30, 10)])]).init(#{{ weight_var: 1.5, seed: 4 }});
            let said = \"batch_norm is neither trained nor calibrated\";
            print(net.summary().contains(said));
            let ready = net.calibrated(data.train.take(200));
            print(ready.summary().contains(said));
            let trained = ready.trained(data.train.take(300), #{{ epochs: 6, batch: 30, optimizer: adam(0.01) }});
            print(trained.summary().contains(said));
            print(trained.accuracy(data.test.take(200)) > 0.5);
            let again = trained.calibrated(data.train.take(300));
            print(again.training_losses().len);
            print(again.accuracy(data.test.take(200)) > 0.5);"
        ));
        assert_eq!(printed, ["true", "false", "false", "true", "60", "true"]);
    }

    #[test]
    fn one_sample_or_no_weights_are_refused() {
        says(&format!("{NET} net.calibrated(data.train.take(1));"), &["a single sample has no variance"]);
        says(&format!("{NET} network(data.shape, blocks).calibrated(some);"), &["has no weights yet"]);
        says(&format!("{NET} net.calibrated(dataset(\"glyphs\", #{{ size: 14 }}).train);"), &["[1, 7, 7]"]);
    }
}

mod ridge {
    use super::*;

    /// Explained variance at every depth of a network by ridge regression.
    fn curve(input: &str, blocks: &str, init: &str) -> Vec<f64> {
        let script = format!(
            "{GLYPHS}let net = network({input}, {blocks}).init(#{{ {init} }});
            let found = cascade(net, data.train.take(300), #{{ solver: \"ridge\", lambda: 1e-3 }}).reconstruct(data.test.take(50));
            print(found.explained_variance().values());"
        );
        numbers(&prints(&script)[0])
    }

    #[track_caller]
    fn keeps(input: &str, blocks: &str, least: f64) {
        let found = curve(input, blocks, "weight_var: 1.0, bias_var: 0.01");
        let last = *found.last().unwrap();
        assert!(last > least && found.iter().all(|x| *x <= 1.0), "{blocks}: {found:?}");
    }

    #[test]
    fn groups_dilation_and_strides_are_led_back() {
        keeps(
            "data.shape",
            "[block([conv2d(1, 4, 3, #{ padding: 1 }), tanh()]), block([conv2d(4, 8, 3, #{ padding: 1, groups: 2 }), tanh()])]",
            0.8,
        );
        keeps(
            "data.shape",
            "[block([conv2d(1, 4, 3, #{ padding: 1 })]), block([conv2d(4, 4, 3, #{ padding: 1, groups: 4 }), conv2d(4, 8, 1), tanh()])]",
            0.8,
        );
        keeps("data.shape", "[block([conv2d(1, 8, 3, #{ dilation: 2, padding: 2 }), tanh()])]", 0.8);
        keeps("data.shape", "[block([conv2d(1, 8, 3, #{ padding: 1 }), tanh(), max_pool(2)])]", 0.4);
        keeps(
            "data.shape",
            "[block([residual([conv2d(1, 8, 3, #{ stride: 2, padding: 1 }), tanh(), conv2d(8, 8, 3, #{ padding: 1 })], [conv2d(1, 8, 1, #{ stride: 2 })]), tanh()])]",
            0.6,
        );
    }

    #[test]
    fn bodies_of_several_layers_are_led_back() {
        keeps("[49]", "[block([residual([layer_norm(49), linear(49, 200), gelu(), linear(200, 49)])])]", 0.8);
        keeps("[49]", "[block([linear(49, 60), tanh(), linear(60, 55), tanh()])]", 0.7);
        keeps("[49]", "[block([residual([tanh(), linear(49, 49), scale(0.3)])])]", 0.9);
        let mixer = "block([
            residual([layer_norm([6, 4, 1]), permute([1, 0, 2]), conv2d(4, 8, 1), gelu(), conv2d(8, 4, 1), permute([1, 0, 2])]),
            residual([layer_norm([6, 4, 1]), conv2d(6, 12, 1), gelu(), conv2d(12, 6, 1)]),
        ])";
        keeps(
            "data.shape",
            &format!(
                "[block([crop(1)]).inverse([conv_transpose2d(1, 1, 3)]), block([circular_pad(1), crop(1)]), block([conv2d(1, 6, 3, #{{ stride: 2 }}), reshape([6, 4, 1])]), {mixer}]"
            ),
            0.1,
        );
    }

    /// A residual whose token mixing is the whole block leads back by a map behind a permutation.
    #[test]
    fn a_permutation_behind_the_map_is_undone_in_the_target() {
        let mix = "block([permute([2, 0, 1]), conv2d(5, 5, 1), permute([1, 2, 0])])";
        let found = curve(
            "data.shape",
            &format!("[block([crop(1)]).inverse([conv_transpose2d(1, 1, 3)]), {mix}, {mix}]"),
            "weight_var: 1.0",
        );
        // The mixing is linear and can be undone: what the crop leaves is all there.
        assert!((found[2] - found[0]).abs() < 0.2, "{found:?}");
        // Alone in a network, pixel by pixel.
        let found = curve(
            "data.shape",
            "[block([permute([1, 0, 2])]), block([permute([2, 0, 1])]), block([permute([1, 2, 0])])]",
            "weight_var: 1.0",
        );
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-9), "{found:?}");
    }

    #[test]
    fn a_written_inverse_of_several_maps_is_refused() {
        let inverse = "[conv_transpose2d(4, 1, 3), flatten(), linear(49, 49)]";
        let script = format!(
            "{GLYPHS}let net = network(data.shape, [block([conv2d(1, 4, 3)]).inverse({inverse})]).init(#{{ weight_var: 1 }});
            cascade(net, data.train.take(50), #{{ solver: \"ridge\" }});"
        );
        says(&script, &["finds one linear map, and the inverse is", "leave it to be derived"]);
    }
}

#[test]
fn scale_is_undone_where_nothing_makes_up_for_it() {
    let of = |layers: &str| {
        let script = format!("print(network([1, 7, 7], [block({layers})]).summary().split(\"\\n\")[1]);");
        let line = prints(&script).remove(0);
        line.rsplit("  ").next().unwrap().trim().to_owned()
    };
    assert_eq!(of("[scale(4)]"), "scale(0.25)");
    assert_eq!(of("[scale(4), flatten(), scale(0.5)]"), "reshape([1, 7, 7]) + scale(0.5)");
    assert_eq!(of("[scale(4), conv2d(1, 2, 3)]"), "conv_transpose2d(2, 1, 3)");
    assert_eq!(of("[max_pool(2), scale(4)]"), "conv_transpose2d(1, 1, 3, stride 2)");
    assert_eq!(of("[batch_norm(1), scale(4)]"), "scale(0.25)");
    assert_eq!(of("[scale(0)]"), "no rule inverts scale(0): it leaves nothing of its input in single precision");
    assert_eq!(of("[permute([1, 2, 0])]"), "permute([2, 0, 1])");
    assert_eq!(of("[patches(7, 1, 3), tanh()]"), "reshape([3, 1, 1]) + conv_transpose2d(3, 1, 7, stride 7) + tanh");
    // A residual's input may leave the range of an activation in its body.
    assert_eq!(
        of("[residual([conv2d(1, 3, 1), gelu(), conv2d(3, 1, 1)])]"),
        "conv_transpose2d(1, 3, 1) + conv_transpose2d(3, 1, 1)"
    );
}

#[test]
fn layers_are_trained_through() {
    let printed = prints(&format!(
        "{GLYPHS}
        fn mixer(c, t) {{ block([
            residual([rms_norm([c, t, 1]), permute([1, 0, 2]), conv2d(t, 2 * t, 1), gelu(), conv2d(2 * t, t, 1), permute([1, 0, 2])]),
            residual([group_norm(2, c), conv2d(c, 2 * c, 1), gelu(), conv2d(2 * c, c, 1), scale(0.5)]),
        ]) }}
        let net = network(data.shape, [block([crop(1), circular_pad(1), patches(7, 1, 16), reshape([4, 4, 1])]), mixer(4, 4), block([flatten(), linear(16, 10)])]);
        let net = net.init(#{{ weights: lecun() }});
        let trained = net.trained(data.train.take(1000), #{{ epochs: 4, batch: 50, optimizer: adam(0.01) }});
        let losses = trained.training_losses();
        print((losses.at(80) / losses.at(1)).value < 0.5);
        let probe = cascade(trained, data.train.take(500), #{{ batch: 10 }});
        print((probe.losses(2).at(50) / probe.losses(2).at(1)).value < 1.0);"
    ));
    assert_eq!(printed, ["true", "true"]);
}

#[test]
fn impossible_layers_are_named_with_a_way_out() {
    let cases: [(&str, &[&str]); 9] = [
        ("group_norm(3, 10)", &["group_norm(3, 10): 10 channels do not divide into 3 groups", "2 or 5 groups", ":1:"]),
        ("group_norm(20, 10)", &["10 channels divide into 10 groups"]),
        ("group_norm(0, 10)", &["the number of groups: 0"]),
        ("permute([0, 0, 2])", &["[0, 0, 2] is no order of the axes", "0, 1 and 2, each once"]),
        ("permute([1, 0])", &["[1, 0] is no order"]),
        ("permute([1, 0, -2])", &["an axis is -2"]),
        ("scale(1.0 / 0.0)", &["the factor of `scale` is inf"]),
        ("network([1, 30, 30], [block([patches(7, 1, 32)])])", &["30×30 does not divide into patches of 7×7", "crop"]),
        ("network([9], [block([permute([1, 0, 2])])])", &["permute([1, 0, 2]): expects images", "[9]"]),
    ];
    for (call, words) in cases {
        says(&format!("{call};"), words);
    }
}

#[test]
fn a_verdict_about_orthogonal_weights_says_what_theory_assumes() {
    let script = |weights: &str| {
        format!(
            "{GLYPHS}let found = sweep([axis(\"weight_var\", [1.0, 2.0])]).map(|p| {{
                let net = mlp::wide(49, 10, 5).init(#{{ weights: {weights}, bias_var: 0.05 }});
                cascade(net, data.train.take(100), #{{ solver: \"ridge\" }}).reconstruct(data.test.take(9)).differential_entropy()
            }});
            verdict(found);"
        )
    };
    let verdict = |weights: &str| Place::new().run(&script(weights)).0.verdicts.concat();
    assert_says(&verdict("orthogonal(p.weight_var / p.weight_var)"), &["these networks have orthogonal(1) weights"]);
    let independent = verdict("uniform(p.weight_var)");
    assert!(independent.contains("Theory is critical") && !independent.contains("these networks"), "{independent}");
}
