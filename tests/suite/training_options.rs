//! Options of a training: what they do to its numbers, to its description, and what is said of wrong ones.

use super::scripted::{self, Place, assert_says};
use entroscope::data::{Dataset, DatasetOptions, Folders, Split};
use entroscope::kernels::{Activation, Adam};
use entroscope::network::{
    Architecture, Augmentation, Block, Init, Learner, Linear, Network, Optimizer, Schedule, Target, Training, train,
};
use entroscope::script::Status;

const MLP: &str = r#"
    let data = dataset("glyphs", #{ size: 7 });
    let net = mlp::wide(49, 10, 3).init(#{ weight_var: 1.76, bias_var: 0.05 });
"#;

/// What a script prints behind [`MLP`].
fn printed(script: &str) -> Vec<String> {
    let (outcome, printed) = Place::new().run(&format!("{MLP}{script}"));
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    printed
}

fn numbers(script: &str) -> Vec<f64> {
    printed(script).iter().map(|text| text.parse().unwrap_or_else(|_| panic!("{text}"))).collect()
}

#[track_caller]
fn fails(script: &str, words: &[&str]) {
    let (outcome, _) = Place::new().run(&format!("{MLP}{script}"));
    assert_ne!(outcome.status, Status::Done, "{script}");
    assert_says(&scripted::text(&outcome.diagnostics), words);
}

/// −Σ t ln p and its gradient p − t, t the smoothed labels, for one linear layer and one sample.
#[test]
fn smoothing_and_clipping_are_those_of_the_formulas() {
    let linear = Linear { inputs: 2, outputs: 3, bias: false }.into();
    let architecture = Architecture::new(&[2], vec![Block::new(vec![linear]).unwrap()]).unwrap();
    let (weight, x) = ([0.3, -0.2, 0.5, 0.1, 0.4, -0.6], [0.5_f64, -1.5]);
    let outputs: Vec<f64> = weight.chunks(2).map(|w| w[0] * x[0] + w[1] * x[1]).collect();
    let sum: f64 = outputs.iter().map(|z| z.exp()).sum();
    let target = [0.1, 0.7 + 0.1, 0.1];
    let loss: f64 = outputs.iter().zip(target).map(|(z, t)| -t * (z - sum.ln())).sum();
    let slopes: Vec<f64> = outputs.iter().zip(target).map(|(z, t)| z.exp() / sum - t).collect();
    let gradient: Vec<f64> = slopes.iter().flat_map(|g| x.map(|x| g * x)).collect();
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    let training = Training { label_smoothing: 0.3, clip: Some(norm / 4.0), ..Training::new(0) };
    let start = weight.map(|w| w as f32).to_vec();
    let mut learner = Learner::new(&architecture, vec![start], &training, None).unwrap();
    let found = learner.step(&x.map(|x| x as f32), &[1], 0.5).unwrap();
    assert!((found.loss - loss).abs() < 1e-6 && (found.gradient_norm - norm).abs() < 1e-6, "{found:?} {loss} {norm}");
    for ((found, start), gradient) in learner.arrays().unwrap()[0].iter().zip(weight).zip(gradient) {
        assert!((f64::from(*found) - (start - 0.5 * gradient / 4.0)).abs() < 1e-7);
    }
}

#[test]
fn the_history_has_the_rates_of_the_schedule() {
    let found = printed(
        "let options = #{ epochs: 2, batch: 50, optimizer: sgd(0.5), schedule: |step| 1.0 / step, validation: data.test.take(50) };
        let history = net.trained(data.train.take(200), options).training_history();
        print(history.rate.values());
        print(history.keys());
        print(history.gradient_norm.at(3) > 0.0);
        print(history.validation_accuracy.len);
        let cosine = net.trained(data.train.take(200), #{ epochs: 2, batch: 50, optimizer: sgd(1), schedule: cosine() });
        print(cosine.training_history().rate.at(5));
        lines(history.gradient_norm, #{}).save(\"norm.svg\");",
    );
    let rates: Vec<String> = (1..=8).map(|step| format!("{:?}", 0.5 / f64::from(step))).collect();
    assert_eq!(found[0], format!("[{}]", rates.join(", ")));
    assert_says(&found[1], &["accuracy", "epoch_loss", "gradient_norm", "rate", "validation_loss"]);
    assert_eq!(found[2..], ["true", "2", "0.5"]);
}

#[test]
fn a_training_ends_where_it_is_told_to() {
    let options = "epochs: 40, batch: 50, optimizer: adam(1e-2)";
    let found = printed(&format!(
        "fn of(net, data, more) {{
            let options = #{{ {options} }};
            options.mixin(more);
            net.trained(data.train.take(500), options)
        }}
        let all = of(net, data, #{{ target: #{{ accuracy: 0.5 }} }});
        print(all.training_end());
        print(of(net, data, #{{ steps: 15 }}).training_end());
        print(of(net, data, #{{ steps: 1 }}).training_end());
        print(of(net, data, #{{ optimizer: sgd(1e-9), patience: 2, validation: data.test.take(50), shuffle: false, batch: 500 }}).training_end());
        print(all.training_history().accuracy.at(1) < 0.5);
        let accuracies = all.training_history().accuracy.values();
        print(accuracies.filter(|a| a >= 0.5).len());
        print(all.accuracy(data.test.take(200)) > 0.3);"
    ));
    assert_says(&found[0], &["reached its target after "]);
    assert_eq!(found[1], "finished after 15 steps");
    assert_eq!(found[2], "finished after 1 step");
    assert_says(&found[3], &["patience"]);
    // The first epoch that reaches it is the last.
    assert_eq!(found[4..], ["true", "1", "true"]);
}

/// The outputs of `mlp::wide` end in tanh: its loss stays finite, its gradient does not stay above 0.
#[test]
fn a_training_that_diverges_is_a_result_of_its_own_kind() {
    let script = |net: &str, rate: &str| {
        format!(
            "{MLP} {net}
            let trained = net.trained(data.train.take(500), #{{ epochs: 3, batch: 50, optimizer: sgd({rate}) }});
            print(trained.training_end());
            print(trained.training_losses().at(1));
            print(trained.training_losses().last);
            print(trained.accuracy(data.test.take(100)));
            let rates = sweep([axis(\"rate\", [0.1, {rate}])]);
            let table = rates.map(|p| net.trained(data.train.take(500), #{{ epochs: 3, batch: 50, optimizer: sgd(p.rate) }}).accuracy(data.test.take(100)));
            lines(table, #{{ x: \"rate\", log_x: true }}).save(\"rates.svg\");"
        )
    };
    let open =
        "net = network([49], [block([linear(49, 20), tanh()]), block([linear(20, 10)])]).init(#{ weight_var: 1.5 });";
    for (net, rate) in [("", "1e9"), (open, "1e9"), (open, "1e30")] {
        let place = Place::new();
        let (outcome, printed) = place.run(&script(net, rate));
        assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
        assert_says(&printed[0], &["diverged after "]);
        assert!(printed[1].parse::<f64>().unwrap() > 0.0 && printed[2] == "NaN" && printed[3] == "NaN", "{printed:?}");
        assert_says(&scripted::text(&outcome.diagnostics), &["diverged after", "a smaller rate"]);
        assert_says(&place.written("rates.csv"), &[",nan,diverged", ",ok"]);
    }
}

#[test]
fn what_is_wrong_with_a_training_is_named() {
    let cases: [(&str, &[&str]); 18] = [
        ("net.trained(data.train.take(50), #{ batch: 60 });", &["batch is 60", "50 samples"]),
        ("net.trained(data.train, #{ target: #{ accuracy: 1.1 } });", &["1.1", "from 0 to 1"]),
        ("net.trained(data.train, #{ target: #{ acuracy: 0.4 } });", &["acuracy", "accuracy"]),
        ("net.trained(data.train, #{ target: 0.4 });", &["`target` must be a map"]),
        ("net.trained(data.train, #{ seconds: 10 });", &["takes no `seconds`", "machine", "steps"]),
        ("net.trained(data.train, #{ clip: 0 });", &["`clip` is 0"]),
        ("net.trained(data.train, #{ label_smoothing: 1 });", &["`label_smoothing` is 1"]),
        ("net.trained(data.train, #{ augment: #{ shift: 7 } });", &["shift is 7", "7×7"]),
        ("net.trained(data.train, #{ schedule: \"cosine\" });", &["`schedule` must be", "cosine()"]),
        ("net.trained(data.train, #{ schedule: |step| -1.0 });", &["factor of step 1 is -1"]),
        ("net.trained(data.train, #{ patience: 0 });", &["`patience`"]),
        ("net.trained(data.train, #{ validation: 0.1 });", &["`validation` must be a split"]),
        ("sgd(0.1, #{ nesterov: true });", &["momentum", "nesterov"]),
        ("step_decay(0, 0.5);", &["at least 1 epoch"]),
        ("cosine().warm_up(-2);", &["`warm_up`", "from 0 on", "-2"]),
        (
            "print(net.trained(data.train.of_class(3).take(150)).training_losses().last);",
            &["all samples are of class 3"],
        ),
        (
            "network([49], [block([tanh(), flatten()])]).init(#{ weight_var: 1 }).trained(data.train);",
            &["no weights to train"],
        ),
        ("mlp::wide(49, 5, 3).init(#{ weight_var: 1 }).trained(data.train);", &["5 outputs", "10 classes"]),
    ];
    for (script, words) in cases {
        fails(script, words);
    }
}

#[test]
fn labels_that_are_missing_or_out_of_range_are_named() {
    for (labels, words) in [("[0, 1, 2, -1]", "-1"), ("[0, 1, 2]", "3"), ("[0, 1, 2, 0.5]", "0.5")] {
        fails(
            &format!(
                "let own = dataset(randn([4, 49], 0), tensor({labels})); print(net.trained(own.train).training_losses().last);"
            ),
            &[words],
        );
    }
}

fn glyphs(n: usize) -> Split {
    let options = DatasetOptions { size: Some(7), ..DatasetOptions::default() };
    Dataset::open("glyphs", &options, &Folders::new(None)).unwrap().train().take(n).unwrap()
}

fn network() -> Network {
    let block = |outputs: usize| Block::new(vec![Linear::new(49, outputs).into(), Activation::Tanh.into()]).unwrap();
    Network::new(Architecture::new(&[49], vec![block(49), block(10)]).unwrap(), Init::gaussian(1.5, 0.05, 3)).unwrap()
}

#[test]
fn one_training_has_one_name_however_it_is_written() {
    let name = |training: Training| {
        train(&network(), &glyphs(50), training).unwrap().training_run().unwrap().result.fingerprint()
    };
    let usual = Training::new(3);
    let same = [
        Training { batch: 50, ..usual.clone() },
        Training { schedule: Schedule::cosine(1.0).unwrap(), ..usual.clone() },
        Training { schedule: Schedule::factors(vec![1.0; 10]).unwrap(), ..usual.clone() },
        Training { clip: Some(f64::INFINITY), ..usual.clone() },
        Training { target: Some(Target::default()), ..usual.clone() },
        Training { steps: Some(1000), ..usual.clone() },
        Training { epochs: 20, steps: Some(10), ..usual.clone() },
    ];
    for training in same {
        assert_eq!(name(training.clone()), name(usual.clone()), "{training:?}");
    }
    let adam = Training { optimizer: Optimizer::adam(0.1), ..usual.clone() };
    let adamw = Optimizer::AdamW { adam: Adam { learning_rate: 0.1, ..Adam::DEFAULT }, weight_decay: 0.0 };
    assert_eq!(name(Training { optimizer: adamw, ..usual.clone() }), name(adam.clone()));
    let different = [
        adam,
        Training { label_smoothing: 0.1, ..usual.clone() },
        Training { clip: Some(1.0), ..usual.clone() },
        Training { schedule: Schedule::one_cycle(), ..usual.clone() },
        Training { schedule: Schedule::constant().warm_up(3), ..usual.clone() },
        Training { augment: Augmentation { flip: true, ..Augmentation::default() }, ..usual.clone() },
        Training { validation: Some(glyphs(5)), ..usual.clone() },
        Training { target: Some(Target { accuracy: Some(0.5), loss: None }), ..usual.clone() },
        Training { patience: Some(3), ..usual.clone() },
        Training { steps: Some(3), ..usual.clone() },
        usual,
    ];
    let names: std::collections::BTreeSet<_> = different.map(|training| name(training).to_string()).into();
    assert_eq!(names.len(), 11);
}

#[test]
fn augmented_pictures_teach_something_else() {
    let found = numbers(
        "for augment in [#{}, #{ shift: 1 }, #{ flip: true }, #{ crop: 2 }] {
            print(net.trained(data.train.take(200), #{ epochs: 2, batch: 50, augment: augment }).training_losses().last);
        }",
    );
    for (i, a) in found.iter().enumerate() {
        assert!(a.is_finite() && found[..i].iter().all(|b| a != b), "{found:?}");
    }
}

const LONG: &str = r#"
    let data = dataset("glyphs", #{ size: 14 });
    let net = network([1, 14, 14], [
        block([conv2d(1, 8, 3, #{ padding: 1 }), batch_norm(8), relu(), max_pool(2), flatten()]),
        block([dropout(0.1), linear(392, 10)]),
    ]).init(#{ weight_var: 2, seed: 1 });
    let options = #{ epochs: 6, batch: 50, optimizer: adam(1e-2), schedule: cosine(), augment: #{ shift: 1 }, validation: data.test.take(100) };
    let trained = net.trained(data.train.take(1000), options);
    trained.weights_of(2).weight.save("weight.npy");
    lines(trained.training_losses(), #{}).save("loss.svg");
    lines(trained.training_history().validation_loss, #{}).save("validation.svg");"#;

/// Everything that the script writes.
fn written(place: &Place) -> [Vec<u8>; 3] {
    ["weight.npy", "loss.csv", "validation.csv"].map(|name| std::fs::read(place.path("out").join(name)).unwrap())
}

fn checkpoints(place: &Place) -> Vec<std::path::PathBuf> {
    scripted::files_below(&place.path("store/checkpoints"))
}

/// Runs the program until its training has kept some states, and kills it.
fn kill_after(place: &Place, script: &std::path::Path, states: u64) {
    let mut command = place.program_runs(script);
    let mut child = command.args(["--checkpoint-every", "0"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let number = |path: std::path::PathBuf| -> u64 {
        path.file_stem().unwrap().to_string_lossy().rsplit_once('-').map_or(0, |(_, n)| n.parse().unwrap_or(0))
    };
    for _ in 0..6000 {
        let newest = checkpoints(place).into_iter().map(number).max();
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        if newest.is_some_and(|newest| newest >= states) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_training_goes_on_with_the_same_numbers_and_leaves_nothing() {
    let undisturbed = Place::new();
    assert_eq!(undisturbed.run(LONG).0.status, Status::Done);
    assert!(checkpoints(&undisturbed).is_empty());
    let place = Place::new();
    let script = place.script(LONG);
    for states in [5, 47, 80] {
        kill_after(&place, &script, states);
        assert!((1..=3).contains(&checkpoints(&place).len()), "{:?}", checkpoints(&place));
    }
    let output = place.program_runs(&script).output().unwrap();
    assert!(output.status.success(), "{}", scripted::said(&output));
    assert!(written(&place) == written(&undisturbed), "other numbers after a kill");
    assert!(checkpoints(&place).is_empty(), "{:?}", checkpoints(&place));
}

#[test]
fn a_damaged_checkpoint_is_dropped_with_a_word() {
    let undisturbed = Place::new();
    undisturbed.run(LONG);
    for damaged in [1, 2] {
        let place = Place::new();
        let script = place.script(LONG);
        kill_after(&place, &script, 10);
        let mut files: Vec<_> = checkpoints(&place);
        files.retain(|file| file.extension().is_some_and(|extension| extension == "safetensors"));
        files.sort_by_key(|file| std::fs::metadata(file).unwrap().modified().unwrap());
        for file in files.iter().rev().take(damaged) {
            let mut bytes = std::fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(file, bytes).unwrap();
        }
        let output = place.program_runs(&script).output().unwrap();
        assert!(output.status.success(), "{}", scripted::said(&output));
        let said = scripted::said(&output);
        assert_says(&said, &["checkpoint", "is damaged", "set aside"]);
        assert_eq!(said.matches("is damaged").count(), damaged, "{said}");
        assert!(written(&place) == written(&undisturbed), "other numbers after {damaged} damaged checkpoints");
    }
}

#[test]
fn checkpoints_are_removed_by_gc() {
    let place = Place::new();
    kill_after(&place, &place.script(LONG), 3);
    assert!(!checkpoints(&place).is_empty());
    let output = place.program(&["store", "gc", "--keep", "1G"]).output().unwrap();
    assert!(output.status.success(), "{}", scripted::said(&output));
    assert!(checkpoints(&place).is_empty(), "{:?}", checkpoints(&place));
}

/// Two hundred layers and a batch of 2,000: 300 MB with everything kept.
#[test]
fn a_training_without_room_for_its_activations_computes_them_again() {
    let script = "let data = dataset(\"glyphs\", #{ size: 7 });
        let net = mlp::wide(49, 10, 200).init(#{ weight_var: 1.76, bias_var: 0.05 });
        let trained = net.trained(data.train.take(2000), #{ epochs: 2, batch: 2000, optimizer: sgd(0.5) });
        print(trained.training_losses().last);
        print(trained.accuracy(data.test.take(100)));";
    let run = |memory: &str| {
        let place = Place::new();
        let script = place.script(script);
        place.program_runs(&script).args(["--memory", memory]).output().unwrap()
    };
    let [plenty, little, none] = ["4", "0.1", "0.01"].map(run);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(plenty.status.success() && little.status.success(), "{}", text(&little.stderr));
    // Two numbers, and a line with times.
    let numbers =
        |bytes: &[u8]| -> Vec<f64> { text(bytes).lines().take(2).map(|line| line.parse().unwrap()).collect() };
    assert_eq!(numbers(&plenty.stdout), numbers(&little.stdout));
    assert!(numbers(&plenty.stdout).iter().all(|number| *number > 0.0));
    assert!(!none.status.success());
    assert_says(&text(&none.stderr), &["of memory", "may be used"]);
}
