//! Training a whole network on labels: steps against formulas, accuracies, the same numbers whatever runs beside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scripted::{self, Place};
use burn::tensor::Device;
use entroscope::kernels::Adam;
use entroscope::network::{Architecture, Block, Learner, Linear, Loss, Optimizer, Training};
use entroscope::script::{Host, HostEvent, RunHandle, Status};
use entroscope::work::Event;

const X: [[f64; 3]; 4] = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-0.75, 1.0, 0.0], [0.1, 0.2, 0.3]];
const LABELS: [u32; 4] = [0, 1, 1, 0];

fn training(optimizer: Optimizer, loss: Loss) -> Training {
    Training { epochs: 1, batch: 4, optimizer, loss, shuffle: false, ..Training::new(0) }
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let sum: f64 = row.iter().map(|x| x.exp()).sum();
    row.iter().map(|x| x.exp() / sum).collect()
}

/// W x for W of shape [2, 3].
fn outputs(weight: &[f64], x: &[f64; 3]) -> Vec<f64> {
    weight.chunks(3).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect()
}

/// The loss of a linear layer without bias, and its gradient, written out.
fn by_hand(weight: &[f64], loss: Loss) -> (f64, Vec<f64>) {
    let (mut mean, mut gradient) = (0.0, vec![0.0; 6]);
    for (x, &label) in X.iter().zip(&LABELS) {
        let z = outputs(weight, x);
        let (p, label) = (softmax(&z), label as usize);
        let one = |i: usize| f64::from(u8::from(i == label));
        let g: Vec<f64> = match loss {
            Loss::CrossEntropy => {
                mean -= p[label].ln() / 4.0;
                (0..2).map(|i| p[i] - one(i)).collect()
            }
            Loss::SoftmaxTwice => {
                let q = softmax(&p);
                mean -= q[label].ln() / 4.0;
                let outer: Vec<f64> = (0..2).map(|i| q[i] - one(i)).collect();
                let inner: f64 = outer.iter().zip(&p).map(|(g, p)| g * p).sum();
                (0..2).map(|i| p[i] * (outer[i] - inner)).collect()
            }
        };
        (0..6).for_each(|i| gradient[i] += g[i / 3] * x[i % 3] / 4.0);
    }
    (mean, gradient)
}

#[test]
fn steps_are_those_of_the_formulas() {
    let linear = Linear { inputs: 3, outputs: 2, bias: false }.into();
    let architecture = Architecture::new(&[3], vec![Block::new(vec![linear]).unwrap()]).unwrap();
    let start = [0.3, -0.2, 0.5, 0.1, 0.4, -0.6];
    let optimizers = [
        Optimizer::sgd(0.5),
        Optimizer::Sgd { rate: 0.2, momentum: 0.9, weight_decay: 0.1, nesterov: false },
        Optimizer::Sgd { rate: 0.2, momentum: 0.9, weight_decay: 0.1, nesterov: true },
        Optimizer::adam(0.05),
        Optimizer::Adam {
            adam: Adam { learning_rate: 0.05, beta_1: 0.8, beta_2: 0.99, epsilon: 1e-3 },
            weight_decay: 0.2,
        },
        Optimizer::AdamW {
            adam: Adam { learning_rate: 0.05, beta_1: 0.8, beta_2: 0.99, epsilon: 1e-3 },
            weight_decay: 0.2,
        },
    ];
    let places = [None, Some(Device::flex())];
    for (optimizer, device) in
        optimizers.into_iter().flat_map(|optimizer| places.clone().map(|place| (optimizer, place)))
    {
        for (_, loss) in Loss::ALL {
            let weight = start.iter().map(|&w| w as f32).collect();
            let training = training(optimizer, loss);
            let mut learner = Learner::new(&architecture, vec![weight], &training, device.as_ref()).unwrap();
            let (mut w, mut first, mut second) = (start.to_vec(), vec![0.0; 6], vec![0.0; 6]);
            let x: Vec<f32> = X.concat().iter().map(|&x| x as f32).collect();
            for step in 1..=5 {
                let (expected, gradient) = by_hand(&w, loss);
                let found = learner.step(&x, &LABELS, optimizer.rate()).unwrap();
                assert!((found.loss - expected).abs() < 1e-6, "{optimizer}, {loss:?}: {} {expected}", found.loss);
                let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                assert!((found.gradient_norm - norm).abs() < 1e-6, "{optimizer}: {} {norm}", found.gradient_norm);
                let correct = X.iter().zip(LABELS).filter(|(x, label)| {
                    let z = outputs(&w, x);
                    u32::from(z[1] > z[0]) == *label
                });
                assert_eq!(found.correct, correct.count());
                for i in 0..6 {
                    move_by_hand(optimizer, step, gradient[i], [&mut w[i], &mut first[i], &mut second[i]]);
                }
                for (found, expected) in learner.arrays().unwrap()[0].iter().zip(&w) {
                    assert!((f64::from(*found) - expected).abs() < 2e-6, "{optimizer}, {loss:?}, step {step}");
                }
            }
        }
    }
}

/// A parameter and its moments after step number `step`, from 1.
fn move_by_hand(optimizer: Optimizer, step: i32, gradient: f64, [w, first, second]: [&mut f64; 3]) {
    match optimizer {
        Optimizer::Sgd { rate, momentum, weight_decay, nesterov } => {
            let g = gradient + weight_decay * *w;
            *first = momentum * *first + g;
            *w -= rate * if nesterov { g + momentum * *first } else { *first };
        }
        Optimizer::Adam { adam, weight_decay } | Optimizer::AdamW { adam, weight_decay } => {
            let Adam { learning_rate, beta_1, beta_2, epsilon } = adam;
            let mut g = gradient;
            if matches!(optimizer, Optimizer::AdamW { .. }) {
                *w *= 1.0 - learning_rate * weight_decay;
            } else {
                g += weight_decay * *w;
            }
            *first = beta_1 * *first + (1.0 - beta_1) * g;
            *second = beta_2 * *second + (1.0 - beta_2) * g * g;
            let (a, b) = (1.0 - beta_1.powi(step), 1.0 - beta_2.powi(step));
            *w -= learning_rate * (*first / a) / ((*second / b).sqrt() + epsilon);
        }
    }
}

/// Two blocks of convolution, norm and pool, then a linear one that reads the answer out.
const CNN: &str = r#"
    let data = dataset("glyphs", #{ size: 14 });
    let net = network([1, 14, 14], [
        block([conv2d(1, 8, 3, #{ padding: 1 }), batch_norm(8), relu(), max_pool(2)]),
        block([residual([conv2d(8, 8, 3, #{ padding: "circular" }), tanh()]), avg_pool(3, #{ stride: 2 }), flatten()]),
        block([dropout(0.1), linear(72, 10)]),
    ]).init(#{ weight_var: 2, bias_var: 0, seed: 1 });
"#;

const MLP: &str = r#"
    let data = dataset("glyphs", #{ size: 14 });
    let net = network([196], [
        block([linear(196, 64), tanh()]),
        block([layer_norm([64]), linear(64, 64), gelu()]),
        block([linear(64, 10)]),
    ]).init(#{ weight_var: 1.5, bias_var: 0.05 });
"#;

/// What a script prints, as numbers.
fn numbers(place: &Place, script: &str) -> Vec<f64> {
    let (outcome, printed) = place.run(script);
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
    printed.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_multilayer_perceptron_learns() {
    let script = format!(
        "{MLP}
        let trained = net.trained(data.train.take(3000), #{{ epochs: 5, batch: 50, optimizer: sgd(0.1, #{{ momentum: 0.9 }}) }});
        print(net.accuracy(data.test.take(1000)));
        print(trained.accuracy(data.test.take(1000)));
        print(trained.training_losses().last);
        print(trained.training_accuracy().last);
        // A network that is trained is a network: to be trained further, and inverted.
        let further = trained.trained(data.train.take(3000), #{{ epochs: 1, optimizer: adam(1e-3) }});
        print(further.accuracy(data.test.take(1000)));
        print(cascade(further, data.train.take(500)).reconstruct(data.test.take(20)).explained_variance().at(1));"
    );
    let found = numbers(&Place::new(), &script);
    println!("{found:?}");
    assert!(found[0] < 0.3, "{found:?}");
    assert!(found[1] > 0.9 && found[2] < 0.3 && found[3] > 0.9 && found[4] > 0.9, "{found:?}");
}

#[test]
fn a_convolutional_network_learns() {
    let script = format!(
        "{CNN}
        let trained = net.trained(data.train.take(2000), #{{ epochs: 6, batch: 50, optimizer: adam(1e-2) }});
        print(trained.accuracy(data.test.take(1000)));
        print(trained.training_losses().at(1));
        print(trained.training_losses().last);"
    );
    let found = numbers(&Place::new(), &script);
    println!("{found:?}");
    assert!(found[0] > 0.8 && found[2] < found[1] / 2.0, "{found:?}");
}

#[test]
fn the_published_loss_has_a_floor() {
    let script = format!(
        "{MLP}
        let options = #{{ epochs: 2, batch: 50, optimizer: adam(3e-3), loss: \"softmax_twice\" }};
        let trained = net.trained(data.train.take(2000), options);
        print(trained.training_losses().at(1));
        print(trained.training_losses().last);
        print(trained.accuracy(data.test.take(500)));"
    );
    let found = numbers(&Place::new(), &script);
    println!("{found:?}");
    let floor = -(std::f64::consts::E / (std::f64::consts::E + 9.0)).ln();
    assert!(found[0] > 2.2 && found[1] >= floor && found[1] < 1.8 && found[2] > 0.7, "{found:?} {floor}");
}

/// Three networks with everything that is drawn at random.
fn three() -> String {
    format!(
        "{CNN}
        let seeds = sweep([axis(\"seed\", [0, 1, 2])]);
        let found = seeds.map(|p| net.trained(data.train.take(200), #{{ epochs: 2, batch: 64, seed: p.seed,
            optimizer: adam(1e-2) }}).accuracy(data.test.take(50)));
        found.save(\"accuracy.csv\");"
    )
}

/// Stored networks, by name.
fn networks(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let files = place.results().into_iter().filter(|path| path.to_string_lossy().contains("large"));
    files.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn the_same_seed_gives_the_same_weights_whatever_runs_beside() {
    let run = |threads: usize| {
        let mut place = Place::new();
        place.settings.threads = threads;
        let (outcome, _) = place.run(&three());
        assert_eq!(outcome.report.ran["network.train"], 3);
        (networks(&place), place.written("accuracy.csv"))
    };
    let (alone, table) = run(1);
    assert_eq!(alone.len(), 3);
    let mut different: Vec<&Vec<u8>> = alone.values().collect();
    different.dedup();
    assert_eq!(different.len(), 3);
    assert!(run(3) == (alone, table), "another number of threads gives other numbers");
}

#[test]
fn what_is_trained_is_found_again() {
    let place = Place::new();
    place.run(&three());
    let (outcome, _) = place.run(&three());
    assert_eq!(outcome.report.ran.get("network.train"), None);
    // Another name of a layer in files is another name in the result.
    let renamed = three().replace("linear(72, 10)])", "linear(72, 10)]).named([\"fc\"])");
    let (outcome, _) = place.run(&renamed);
    assert_eq!(outcome.report.ran["network.train"], 3);
    assert_eq!(outcome.status, Status::Done, "{}", scripted::text(&outcome.diagnostics));
}

#[test]
fn training_can_be_interrupted_between_steps() {
    let place = Place::new();
    let handle = RunHandle::default();
    let cancel = handle.cancel.clone();
    let steps = Arc::new(AtomicUsize::new(0));
    let heard = steps.clone();
    let observer = move |event: HostEvent<'_>| {
        if let HostEvent::Work(Event::Advanced(operations)) = event
            && operations > 0.0
            && heard.fetch_add(1, Ordering::Relaxed) == 4
        {
            cancel.cancel();
        }
    };
    let script = place
        .script(&format!("{MLP} print(net.trained(data.train.take(2000), #{{ batch: 10 }}).training_losses().last);"));
    let host = Host::new(place.settings.clone()).with_handle(handle);
    let outcome = host.with_observer(Arc::new(observer)).run(&script);
    assert_eq!(outcome.status, Status::Interrupted);
    assert!(steps.load(Ordering::Relaxed) < 20);
    assert!(networks(&place).is_empty());
}

#[test]
fn pictures_without_labels_teach_nothing() {
    let place = Place::new();
    std::fs::create_dir(place.path("project/photos")).unwrap();
    let file = std::fs::File::create(place.path("project/photos/a.png")).unwrap();
    let mut encoder = png::Encoder::new(file, 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[7; 16]).unwrap();
    for call in ["trained(photos)", "accuracy(photos)"] {
        let (outcome, _) = place.run(&format!(
            "let photos = folder(\"photos\", #{{ grey: true }});
            let net = mlp::shrinking(16, 10, 3).init(#{{ weight_var: 1 }});
            net.{call};"
        ));
        assert_eq!(outcome.status, Status::ScriptWrong);
        scripted::assert_says(
            &scripted::text(&outcome.diagnostics),
            &["the samples of folder(\"photos\") have no labels", "labels.csv", "script.rhai:3:"],
        );
    }
}
