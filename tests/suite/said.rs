//! What the program says follows from the numbers: ranges and axes, counts of points, estimates, labels of figures, and what
//! a figure cannot show. `check` says what `run` would.

use super::scripted::{Place, assert_says, said, text};
use entroscope::executor::{Computed, Points};
use entroscope::figure::{Axis, Figure, Hit, Kind, Lines, Series};
use entroscope::script::{Host, HostEvent, Outcome, Status};

/// Curves by ridge regression, which takes a blink; `axes` is an array, and `init` names a point's parameters.
fn curves(axes: &str, init: &str) -> String {
    format!(
        r#"let data = dataset("glyphs", #{{ size: 7 }});
        let found = sweep({axes}).map(|p| {{
            let net = mlp::wide(49, 10, 4).init(#{{ {init} }});
            cascade(net, data.train.take(100), #{{ solver: "ridge" }}).reconstruct(data.test.take(5)).mse()
        }});
        "#
    )
}

fn run(script: &str) -> (Place, Outcome, Vec<String>) {
    let place = Place::new();
    let (outcome, printed) = place.run(script);
    (place, outcome, printed)
}

fn warnings(outcome: &Outcome) -> String {
    text(&outcome.diagnostics)
}

fn points(outcome: &Outcome) -> [usize; 3] {
    let Points { computed, reused, failed } = outcome.points;
    [computed, reused, failed]
}

mod ranges {
    use super::*;

    #[test]
    fn spellings_of_a_range_are_the_same_points() {
        let sweep = |values: &str, name: &str| {
            let axis = format!("[axis(\"weight_var\", {values})]");
            curves(&axis, "weight_var: p.weight_var, bias_var: 0.05").replace("found", name)
        };
        let written: Vec<String> = (8..20).map(|tenth| format!("{}.{}", tenth / 10, tenth % 10)).collect();
        let mut script = sweep(&format!("[{}]", written.join(", ")), "a");
        let spelt = ["range(0.8, 2.0, 0.1)", "linspace(0.8, 1.9, 12)", "range(8, 20).map(|i| i * 0.1)"];
        for (values, name) in spelt.iter().zip(["b", "c", "d"]) {
            script += &sweep(values, name).replace("let data", "data");
        }
        script += "a.save(\"a.csv\"); b.save(\"b.csv\"); c.save(\"c.csv\"); d.save(\"d.csv\");";
        let (place, outcome, _) = run(&script);
        assert_eq!(points(&outcome), [12, 0, 0], "{}", warnings(&outcome));
        let saved = ["b.csv", "c.csv", "d.csv"].map(|name| place.written(name));
        saved.iter().for_each(|other| assert_eq!(*other, place.written("a.csv")));
        assert!(place.written("a.csv").contains("\n1.7,1,"));
    }

    #[test]
    fn decimals_are_decimals_in_every_range() {
        let (_, outcome, printed) = run(r#"
            print(range(0.8, 2.0, 0.1)); print(range(1.0, 0.0, -0.25)); print(range(0.1, 0.35, 0.05));
            print(linspace(0.8, 1.9, 12)[9]); print(linspace(-0.3, 0.3, 7)[3]); print(linspace(0, 1, 4)[1] == 1.0 / 3.0);
            print(logspace(0.001, 1000, 7)); print(range(5, 0, -2)); print(linspace(2, 1, 1));
            print(axis("x", [0.1 + 0.2, 17 * 0.1]));"#);
        assert_eq!(outcome.status, Status::Done);
        let expected = [
            "[0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]",
            "[1.0, 0.75, 0.5, 0.25]",
            "[0.1, 0.15, 0.2, 0.25, 0.3]",
            "1.7",
            "0.0",
            "true",
            "[0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]",
            "[5, 3, 1]",
            "[2.0]",
            "x: 0.3, 1.7",
        ];
        assert_eq!(printed, expected);
    }

    #[test]
    fn arithmetic_of_whole_numbers_says_what_it_does() {
        let script = "let a = 3/2;\nlet b = 1/20;\nlet c = 28^2;\nlet d = 8/4;\nlet e = 7; e /= 2;\n\
                      print(`${a} ${b} ${c} ${d} ${e}`);\n\
                      let f = [60 // 2\n];\nprint(f);\n\
                      print(sweep([axis(\"rate\", range(0, 8).map(|i| i / 4))]).len);\n";
        let (place, outcome, printed) = run(script);
        assert_eq!((outcome.status, &printed[..]), (Status::Done, &["1 0 30 2 3", "[60]", "2"].map(String::from)[..]));
        let said_by_run = warnings(&outcome);
        let words = [
            "script.rhai:1:",
            "3 / 2 is 1 here",
            "write `3 / 2.0`",
            "script.rhai:2:",
            "1 / 20 is 0",
            "script.rhai:3:",
            "28 ^ 2 is 30",
            "`28 ** 2`",
            "script.rhai:5:",
            "7 / 2 is 3",
            "script.rhai:7:",
            "`//` begins a comment",
            "script.rhai:10:",
            "1 / 4 is 0",
            "axis \"rate\" holds equal values: 0 4 times, 1 4 times",
        ];
        assert_says(&said_by_run, &words);
        assert!(!said_by_run.contains("8 / 4"), "{said_by_run}");
        assert_eq!(outcome.diagnostics.len(), 7, "{said_by_run}");
        let checked = Host::new(place.settings.clone()).check(&place.script(script)).unwrap();
        assert_eq!(text(&checked.warnings), said_by_run);
    }

    #[test]
    fn a_division_that_is_a_comment_explains_the_parse_error() {
        let (_, outcome, _) = run("let depth = 60 // 2;\nlet x = 1;\n");
        assert_eq!(outcome.status, Status::ScriptWrong);
        assert_says(&warnings(&outcome), &["`//` begins a comment: `60 // 2;` divides nothing"]);
    }
}

mod counts {
    use super::*;

    #[test]
    fn warnings_that_are_not_shown_are_in_the_record_where_there_is_one() {
        let place = Place::new();
        let failing =
            "let t = sweep([axis(\"x\", range(0, 20, 1))]).map(|p| { if p.x > 0 { throw `no ${p.x}`; } p.x });\n";
        let run = |end: &str| said(&place.program_runs(&place.script(&format!("{failing}{end}"))).output().unwrap());
        // The error comes first.
        let without = run("throw \"stop\";");
        assert!(without.contains("… and 12 more\n") && !without.contains("run.json"), "{without}");
        assert!(!place.path("out/run.json").exists());
        assert_says(&run("t.save(\"t.csv\");"), &["… and 11 more, all in run.json"]);
        assert_eq!(place.record()["diagnostics"].as_array().unwrap().len(), 19);
    }

    #[test]
    fn a_point_is_a_row_of_a_table_whatever_shows_it() {
        let axes = r#"[axis("weight_var", [1.0, 1.5, 2.0]), axis("seed", [0, 1])]"#;
        let script = curves(axes, "weight_var: p.weight_var, seed: p.seed")
            + r#"print(found.map(|curve| curve.last).values().len);
            heatmap(found.mean_over("seed"), #{ value: "error" }).save("a.svg");
            lines(found, #{ over: "seed" }).save("b.svg");
            found.save("all.csv");
            found.map(|curve| #{ last: curve.last, first: curve.at(1) }).save("ends.csv");"#;
        let (place, outcome, _) = run(&script);
        assert_eq!(points(&outcome), [6, 0, 0], "{}", warnings(&outcome));
        assert_eq!(place.record()["points"]["computed"], 6);
        let said_again = said(&place.program_runs(&place.script(&script)).output().unwrap());
        assert_says(&said_again, &["0 points computed, 6 reused"]);
        let checked = said(&place.program(&["check", "project/script.rhai"]).output().unwrap());
        assert_says(&checked, &["nothing to compute: all 6 points are in the store"]);
    }

    #[test]
    fn rows_that_share_their_results_and_tables_named_alike_all_count() {
        let shared = curves(r#"[axis("weight_var", [1.0, 2.0]), axis("k", [1, 2, 3])]"#, "weight_var: p.weight_var")
            + "found.save(\"a.csv\");";
        let (place, outcome, _) = run(&shared);
        assert_eq!(points(&outcome), [6, 0, 0]);
        let said_by_check = said(&place.program(&["check", "project/script.rhai"]).output().unwrap());
        assert_says(&said_by_check, &["all 6 points"]);

        let of_seed = |seed: usize| {
            curves(r#"[axis("weight_var", [1.0, 2.0])]"#, &format!("weight_var: p.weight_var, seed: {seed}"))
                + format!("found.save(\"{seed}.csv\");").as_str()
        };
        let script = [of_seed(0), of_seed(1), of_seed(2)].concat();
        let place = Place::new();
        let said_by_run = said(&place.program_runs(&place.script(&script)).output().unwrap());
        assert_says(&said_by_run, &["6 of 6 points to compute", "6 points computed, 0 reused"]);
    }

    #[test]
    fn values_that_names_round_alike_are_two_points() {
        let (_, outcome, _) = run(&(curves(r#"[axis("weight_var", [1.0, 1.00000001])]"#, "weight_var: p.weight_var")
            + "found.save(\"a.csv\");"));
        assert_eq!(points(&outcome), [2, 0, 0]);
        let names: Vec<&str> = outcome.results.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["weight_var = 1", "weight_var = 1.00000001"]);
    }

    #[test]
    fn an_estimate_is_unknown_at_first_and_then_an_interval() {
        let place = Place::new();
        let script = |values: &str| {
            let axes = format!("[axis(\"weight_var\", {values})]");
            place.script(&(curves(&axes, "weight_var: p.weight_var") + "found.save(\"a.csv\");"))
        };
        let first = said(&place.program_runs(&script("[1.0]")).output().unwrap());
        assert_says(&first, &["time unknown (nothing like it ran here before)"]);
        let second = said(&place.program_runs(&script("[1.0, 2.0]")).output().unwrap());
        assert!(!second.contains("unknown"), "{second}");
        assert_says(&second, &["less than a second"]);
    }
}

mod checks {
    use super::*;

    #[test]
    fn where_leaves_one_value_of_an_axis_as_the_error_says() {
        let sweep = r#"let grid = sweep([axis("x", [1, 2, 3]), axis("k", [0, 1])]).map(|p| p.x + p.k);"#;
        let (_, outcome, _) = run(&format!("{sweep} bars(grid, #{{ x: \"x\" }}).save(\"a.svg\");"));
        assert_says(&warnings(&outcome), &["the table also varies over \"k\"", "`.where(|p| p.k == …)`"]);
        let (place, outcome, printed) = run(&format!(
            "{sweep} let one = grid.where(|p| p.k == 1 && p.x != 2); bars(one, #{{ x: \"x\" }}).save(\"a.svg\"); print(one);"
        ));
        assert_eq!(outcome.status, Status::Done, "{}", warnings(&outcome));
        assert_eq!(printed, ["x  k  value\n1  1      2\n3  1      4"]);
        assert_eq!(place.written("a.csv"), "series,x,value\nbars,1,2\nbars,3,4\n");
    }

    #[test]
    fn a_check_goes_on_behind_printed_results_and_ends_without_an_error_where_the_script_needs_one() {
        let place = Place::new();
        let base = curves(r#"[axis("weight_var", [1.0, 2.0])]"#, "weight_var: p.weight_var");
        let late = [
            "print(found.values()); found.save(\"a.csv\");",
            "let best = found.values()[0]; print(best[0]);",
            "for curve in found.map(|curve| curve.last).values() { print(curve) }",
            "let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1 });\nif net.accuracy(data.test.take(9)) < 0.5 { print(1) }",
            "let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1 });\n\
             try { if net.accuracy(data.test.take(9)) < 2 { found.save(\"a.csv\"); } } catch { throw \"no\" }",
            "let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1 });\nprint(parse_float(`${net.accuracy(data.test.take(9))}`));",
            "print(found.map(|curve| if curve.last < 0.5 { 1 } else { 2 }));",
        ];
        for script in late {
            let script = place.script(&format!("{base}{script}"));
            let checked = Host::new(place.settings.clone()).check(&script).unwrap_or_else(|e| panic!("{}", text(&e)));
            assert!(checked.plan.missing_and_reused().0 > 0);
            assert_says(&text(&checked.warnings), &["goes on from results that are not computed yet", "script.rhai:"]);
            let (outcome, _) = place.run_file(&script);
            assert_eq!(outcome.status, Status::Done, "{}", warnings(&outcome));
            std::fs::remove_dir_all(place.path("store")).unwrap();
        }
        // What only prints is checked to its end.
        let printed = format!("{base}print(found); print(`${{found}}`); nonsense = 1;");
        let wrong = Host::new(place.settings.clone()).check(&place.script(&printed)).unwrap_err();
        assert_says(&text(&wrong), &["there is no variable `nonsense`"]);
    }

    #[test]
    fn a_check_takes_a_file_that_the_script_would_write_for_one_it_does_not_know() {
        let mut place = Place::new();
        place.settings.out = Some(place.path("project/out"));
        let script = place.script("tensor([1, 2]).save(\"x.npy\");\nprint(load_tensor(\"out/x.npy\").sum());");
        let checked = Host::new(place.settings.clone()).check(&script).unwrap();
        assert_says(&text(&checked.warnings), &["goes on from results that are not computed yet", ":2:"]);
        let (outcome, printed) = place.run_file(&script);
        assert_eq!((outcome.status, &printed[..]), (Status::Done, &["3.0".to_owned()][..]));
    }

    #[test]
    fn curves_are_not_drawn_over_an_axis_by_their_first_value() {
        let base = curves(r#"[axis("weight_var", [1.0, 2.0])]"#, "weight_var: p.weight_var");
        let line = "let t = sweep([axis(\"weight_var\", [1.0, 2.0])]).map(|p| p.weight_var);";
        for figure in ["lines(found, #{ x: \"weight_var\" })", "lines(t, #{}).line(found, \"found\")"] {
            let (_, outcome, _) = run(&format!("{base}{line}{figure}.save(\"a.svg\");"));
            assert_eq!(outcome.status, Status::ScriptWrong);
            assert_says(&warnings(&outcome), &["shows one number, and the values are curves over depth", "curve.last"]);
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused_before_the_work() {
        let base = curves(r#"[axis("weight_var", [1.0])]"#, "weight_var: p.weight_var");
        let net = "let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1 });\n\
                   let rec = cascade(net, data.train.take(100), #{ solver: \"ridge\" }).reconstruct(data.test.take(60));\n";
        let scripts = [
            ("images(data.train.take(30000), #{ columns: 1 }).save(\"a.png\");", "is too large to draw"),
            ("images(rec.at(0)).save(\"a.png\");", "depth 0 is not in the network"),
            ("images([rec.all(), data.test.take(5000)], #{ columns: 1 }).save(\"a.png\");", "is too large to draw"),
            ("found.save(\"a.csv\"); lines(found, #{}).save(\"a.csv/b.svg\");", "is saved as a file"),
        ];
        for (script, words) in scripts {
            let place = Place::new();
            let script = place.script(&format!("{base}{net}found.save(\"found.csv\");\n{script}"));
            let refused = Host::new(place.settings.clone()).check(&script).unwrap_err();
            let (outcome, _) = place.run_file(&script);
            assert_ne!(outcome.status, Status::Done);
            assert_eq!(text(&refused), warnings(&outcome));
            assert_says(&text(&refused), &[words]);
            assert_eq!(place.results().len(), 0);
        }
    }
}

mod failures {
    use super::*;

    /// Found by fuzzing: a place at a sign of several bytes ended the program.
    #[test]
    fn an_error_at_a_sign_of_several_bytes_is_shown_with_its_place() {
        let place = Place::new();
        let scripts = [
            ("let x = “a”;", "script.rhai:1:9"),
            ("let é = 1;\nprint(2 ± 1);", "script.rhai:1:5"),
            ("print(2 ± 1);", "script.rhai:1:9"),
            ("print(1);\n😀", "script.rhai:2:1"),
            ("print(\"é\" + \"\u{1F600}\" ‘)", "script.rhai:1:17"),
        ];
        for (script, at) in scripts {
            let wrong = Host::new(place.settings.clone()).check(&place.script(script)).unwrap_err();
            assert_says(&text(&wrong), &["error: ", at]);
        }
        // Bytes that are no text.
        let script = place.script("");
        std::fs::write(&script, b"let data = \xff(\"glyphs\");\nlet b = \xe2\x80;").unwrap();
        let wrong = Host::new(place.settings.clone()).check(&script).unwrap_err();
        assert_says(&text(&wrong), &["error: "]);
    }

    /// Found by fuzzing: a place beyond a figure, as a request may name it, is none of its depths.
    #[test]
    fn a_place_beyond_every_depth_is_no_depth_of_a_curve() {
        let place = Place::new();
        let base = curves(r#"[axis("weight_var", [1.0, 2.0])]"#, "weight_var: p.weight_var");
        let shown = r#"lines(found).save("a.svg"); heatmap(found, #{ x: "weight_var", y: "depth" }).save("b.svg");"#;
        let locate = |event: HostEvent<'_>| {
            let HostEvent::Described(outputs) = event else { return };
            let hits = [Hit { part: 0, i: usize::MAX, j: 0 }, Hit { part: 0, i: 0, j: usize::MAX }];
            for (shown, hit) in outputs.iter().zip(hits) {
                let located = shown.output.locate(hit, &Computed::new());
                assert_eq!(located.iter().map(|one| one.depth).collect::<Vec<_>>(), [Some(usize::MAX)]);
            }
        };
        let host = Host::new(place.settings.clone()).with_observer(std::sync::Arc::new(locate));
        let outcome = host.run(&place.script(&format!("{base}{shown}")));
        assert_eq!(outcome.status, Status::Done, "{}", warnings(&outcome));
    }

    /// A sweep over five seeds, of which one fails at one variance.
    const SEEDS: &str = r#"let found = sweep([axis("w", [1.0, 1.2]), axis("seed", [1, 2, 3, 4, 5])]).map(|p| {
            if p.w == 1.2 && p.seed == 3 { throw "no" }
            p.w * p.seed
        });
        "#;

    #[test]
    fn a_check_ends_as_a_run_does_where_points_fail() {
        let place = Place::new();
        let script = place.script(&format!("{SEEDS}found.save(\"a.csv\");"));
        let ends = |command: &str| {
            let output = place.program(&[command, script.to_str().unwrap()]).output().unwrap();
            (output.status.code(), said(&output))
        };
        let (checked, run) = (ends("check"), ends("run"));
        assert_eq!((checked.0, run.0), (Some(1), Some(1)), "{}\n{}", checked.1, run.1);
        assert_says(&checked.1, &["w = 1.2, seed = 3: no", "1 point fails in the script"]);
        let script = place.script(&format!("{SEEDS}found.where(|p| p.seed < 3).save(\"a.csv\");"));
        let checked = Host::new(place.settings.clone()).check(&script).unwrap();
        assert_eq!(checked.failed_points, 1);
        let whole = place.script("sweep([axis(\"w\", [1])]).map(|p| p.w).save(\"a.csv\");");
        assert_eq!(Host::new(place.settings.clone()).check(&whole).unwrap().status(), Status::Done);
    }

    #[test]
    fn a_mean_over_fewer_points_says_so() {
        let shown = r#"lines(found, #{ x: "w", over: "seed" }).save("a.svg");
            bars(found, #{ x: "w", over: "seed" }).save("b.svg");
            lines(found, #{ x: "seed", over: "w" }).save("c.svg");
            lines(found, #{ x: "seed" }).save("d.svg");
            lines(found.where(|p| p.seed == 3), #{ x: "seed", over: "w" }).save("e.svg");"#;
        let (_, outcome, _) = run(&format!("{SEEDS}{shown}"));
        assert_eq!(outcome.status, Status::PointsFailed, "{}", warnings(&outcome));
        let of = |file: &str| {
            let said = outcome.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str());
            said.filter(|message| message.starts_with(file)).collect::<Vec<_>>().join("; ")
        };
        let (over_seed, over_w) = (
            "over \"seed\", points without a value are left out: 4 of 5 have one at w = 1.2",
            "over \"w\", points without a value are left out: 1 of 2 has one",
        );
        assert_eq!(of("a.svg"), format!("a.svg: {over_seed}"));
        assert_eq!(of("b.svg"), format!("b.svg: {over_seed}"));
        assert_eq!(of("c.svg"), format!("c.svg: {over_w} at seed = 3"));
        assert_eq!(of("d.svg"), "");
        assert_eq!(of("e.svg"), format!("e.svg: {over_w}"));
    }

    #[test]
    fn a_mean_of_curves_over_fewer_points_says_so() {
        let base = curves(
            r#"[axis("weight_var", [1.0, 2.0]), axis("seed", [1, 2, 3])]"#,
            "weight_var: if p.seed == 2 { -1.0 } else { p.weight_var }, seed: p.seed",
        );
        let (_, outcome, _) = run(&format!("{base}lines(found, #{{ over: \"seed\" }}).save(\"a.svg\");"));
        assert_eq!(outcome.status, Status::PointsFailed, "{}", warnings(&outcome));
        let words = "left out: 2 of 3 have one at weight_var = 1.0; 2 of 3 have one at weight_var = 2.0";
        assert_says(&warnings(&outcome), &[words]);
    }
}

mod labels {
    use super::*;

    #[test]
    fn a_figure_names_what_was_measured_and_what_it_stands_over() {
        let base = curves(r#"[axis("weight_var", [1.0, 2.0])]"#, "weight_var: p.weight_var");
        let (place, outcome, printed) = run(&format!(
            r#"{base}
            heatmap(found, #{{}}).save("error.svg");
            lines(found.map(|curve| 1 - curve), #{{}}).save("none.svg");
            lines(found.map(|curve| curve.last), #{{}}).save("last.svg");
            lines(found.map(|curve| curve.cutoff()), #{{}}).save("cutoff.svg");
            let net = mlp::wide(49, 10, 3).init(#{{ weight_var: 1.5 }});
            let trained = net.trained(data.train.take(200), #{{ epochs: 2 }});
            lines(trained.training_losses(), #{{}}).save("loss.svg");
            lines(trained.training_accuracy(), #{{}}).save("accuracy.svg");
            let losses = sweep([axis("rate", [0.1, 0.2])]).map(|p| net.trained(data.train.take(200), #{{ optimizer: sgd(p.rate) }}).training_losses());
            heatmap(losses, #{{ y: "step" }}).save("losses.svg");
            losses.save("losses.csv/x.csv");
            print(losses);"#
        ).replace("losses.csv/x.csv", "table.csv"));
        assert_eq!(outcome.status, Status::Done, "{}", warnings(&outcome));
        let head = |name: &str| place.written(name).lines().next().unwrap().to_owned();
        assert_eq!(head("none.csv"), "series,depth,value");
        assert_eq!(head("last.csv"), "series,weight_var,mean squared error");
        assert_eq!(head("cutoff.csv"), "series,weight_var,depth");
        assert_eq!(head("loss.csv"), "series,step,loss");
        assert_eq!(head("accuracy.csv"), "series,epoch,accuracy");
        assert_eq!(head("table.csv"), "rate,step,value");
        assert!(printed[0].contains("step"), "{}", printed[0]);
        assert!(place.written("losses.csv").contains("\nloss,0.1,1,"));
        assert!(place.written("error.csv").contains("\nmean squared error,1,1,"));
        assert!(
            place.written("error.svg").contains("mean squared error")
                && !place.written("error.svg").contains("entropy</")
        );
        assert!(place.written("loss.svg").contains(">step<") && !place.written("loss.svg").contains("depth"));
    }

    #[test]
    fn a_title_names_all_solvers_behind_its_numbers() {
        let (place, outcome, _) = run(r#"let data = dataset("glyphs", #{ size: 7 });
            let found = sweep([axis("solver", [0, 1])]).map(|p| {
                let net = mlp::wide(49, 10, 4).init(#{ weight_var: 1.5 });
                let options = if p.solver == 0 { #{ solver: "ridge", lambda: 0.5 } } else { #{ epochs: 1 } };
                cascade(net, data.train.take(100), options).reconstruct(data.test.take(5)).mse()
            });
            lines(found, #{ title: "Both" }).save("a.svg");"#);
        assert_eq!(outcome.status, Status::Done, "{}", warnings(&outcome));
        assert_says(&place.written("a.svg"), &["Both (ridge regression, λ = 0.5; Adam, 1 epoch"]);
        let (place, ..) = run(r#"let data = dataset("glyphs", #{ size: 4 });
            let net = mlp::wide(16, 10, 3).init(#{ weight_var: 1.76 });
            let found = sweep(axis("l", [2.3 / 3.0, 0.5])).map(|p| {
                let casc = cascade(net, data.train.take(30), #{ solver: "ridge", lambda: p.l, shrink: false });
                casc.reconstruct(data.test.take(5)).mse()
            });
            lines(found, #{ over: "l", title: "Some" }).save("a.svg");"#);
        assert_says(&place.written("a.svg"), &["Some (ridge regression that does not shrink, λ 0.5 to 0.766667)"]);
    }

    #[test]
    fn batch_norm_before_training_says_that_it_does_nothing() {
        let script = |layer: &str, then: &str| {
            format!(
                "let data = dataset(\"glyphs\", #{{ size: 7 }});\n\
                 let net = network([49], [block([linear(49, 49), {layer}, tanh()]), block([linear(49, 10)])]).init(#{{ weight_var: 1 }});\n\
                 print(cascade(net{then}, data.train.take(64)).reconstruct(data.test.take(5)).mse());"
            )
        };
        let (_, outcome, _) = run(&script("batch_norm(49)", ""));
        assert_says(&warnings(&outcome), &["batch_norm does nothing in this network", "script.rhai:3:"]);
        for (layer, then) in [("layer_norm([49])", ""), ("batch_norm(49)", ".trained(data.train.take(64))")] {
            let (_, outcome, _) = run(&script(layer, then));
            assert_eq!(warnings(&outcome), "");
        }
    }
}

mod numbers {
    use super::*;

    #[test]
    fn values_that_are_no_numbers_are_refused_or_counted() {
        let x = r#"let t = sweep([axis("x", [1, 2, 3]), axis("y", [1, 2])]).map(|p| p.x); let s = sweep([axis("x", [1, 2, 3])]);"#;
        let refused = [
            "heatmap(t.map(|x| mean_field(\"tanh\", #{ weight_var: x, bias_var: 0.05 }).phase), #{ x: \"x\", y: \"y\" })",
            "lines(s.map(|p| p.x > 1), #{ x: \"x\" })",
            "lines(s.map(|p| [p.x, 2 * p.x]), #{ x: \"x\" })",
            "lines(s.map(|p| tensor([p.x])), #{ x: \"x\" })",
            "bars(s.map(|p| \"text\"), #{ x: \"x\" })",
            "lines(s.map(|p| p.x), #{ x: \"x\" }).line(s.map(|p| true), \"truth\")",
        ];
        for figure in refused {
            let (_, outcome, _) = run(&format!("{x}\n{figure}.save(\"a.svg\");"));
            assert_eq!(outcome.status, Status::ScriptWrong, "{figure}");
            assert_says(&warnings(&outcome), &["no value of this table is one", "script.rhai:2:"]);
        }
        let (place, outcome, _) = run(&format!(
            "{x}\nheatmap(t.map(|x| if x == 2 {{ \"two\" }} else {{ x }}), #{{ x: \"x\", y: \"y\" }}).save(\"a.svg\");"
        ));
        assert_eq!(outcome.status, Status::Done);
        let words =
            ["a.svg: 2 of 6 values are no numbers and cannot be drawn; the first is \"two\" at x = 2, y = 1", ":2:"];
        assert_says(&warnings(&outcome), &words);
        assert!(!place.written("a.csv").contains("failed"), "{}", place.written("a.csv"));
    }

    #[test]
    fn what_has_no_place_on_the_axes_is_counted() {
        let (_, outcome, _) = run(r#"let s = sweep([axis("x", [0, 1, 2, 3])]);
            let odd = s.map(|p| if p.x == 0 { -1.0 / 0.0 } else if p.x == 1 { 0.0 / 0.0 } else if p.x == 2 { -3.0 } else { 1.0 });
            lines(odd, #{ x: "x" }).save("odd.svg");
            lines(odd, #{ x: "x", log_x: true, log_y: true }).save("log.svg");
            bars(odd, #{ x: "x" }).save("bars.svg");
            heatmap(sweep([axis("x", [1, 2]), axis("y", [1, 2])]).map(|p| p.x / 2.0), #{ title: "\U0010fffd\U0010fffe is ∞" })
                .line(sweep([axis("x", [1, 2])]).map(|p| -1.0 / 0.0), "low").save("title.svg");"#);
        assert_eq!(outcome.status, Status::Done);
        let words = [
            "odd.svg: 1 of 4 values of value is NaN and marked at the edge of the axes",
            "odd.svg: 1 of 4 values of value is −∞ and marked at the edge of the axes",
            "log.svg: 1 of 4 positions of x is at or below 0, where a logarithmic axis has no place, and is not drawn",
            "log.svg: 2 of 4 values of value are at or below 0",
            "bars.svg: 1 of 4 heights of value is −∞",
            "title.svg: 2 of 2 values of the lines of y are −∞ and marked at the edge of the axes",
            // For private use: no font has them.
            "no font here has \"\u{10fffd}\" (U+10FFFD), \"\u{10fffe}\" (U+10FFFE)",
        ];
        assert_says(&warnings(&outcome), &words);
        assert!(!warnings(&outcome).contains("U+221E"));
    }

    #[test]
    fn figures_say_what_they_leave_out() {
        let series = Series::new("a", vec![1.0, 2.0, f64::NAN], vec![1.0, f64::INFINITY, 2.0]);
        let lines = Lines { x: Axis::new("x"), y: Axis::new("y"), series: vec![series], ..Lines::default() };
        let left_out = Figure::new("", Kind::from(lines)).left_out().unwrap();
        assert_eq!(
            left_out,
            [
                "1 of 3 positions of x is NaN and not drawn",
                "1 of 3 values of y is +∞ and marked at the edge of the axes"
            ]
        );
    }

    #[test]
    fn points_without_a_number_are_named_at_the_end() {
        let (_, outcome, _) = run(&(curves(r#"[axis("weight_var", [1.0, 1e300])]"#, "weight_var: p.weight_var")
            + "found.save(\"a.csv\"); lines(found, #{}).save(\"b.svg\");"));
        let said = warnings(&outcome);
        assert!(
            outcome.points.failed == 1 || said.contains("of 2 points are NaN throughout: weight_var = 1e300"),
            "{said}"
        );
    }
}
