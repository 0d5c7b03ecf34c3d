//! Predictors of trainability against references in double precision, written out for an MLP of tanh.

use std::sync::Arc;

use super::scripted::{Place, assert_says, text};
use entroscope::data::{Dataset, DatasetOptions, Folders, Split};
use entroscope::device::DeviceChoice;
use entroscope::entropy::numbers;
use entroscope::executor::{Executor, Local};
use entroscope::kernels::Activation;
use entroscope::network::{Architecture, Block, Init, Linear, Network};
use entroscope::predictors::{JacobianMeasure, activity, gradients, jacobian, synflow};
use entroscope::random::Random;
use entroscope::script::Status;
use entroscope::work::{Described, Resources, Store, Target, Value};

const SAMPLES: usize = 6;
const WIDTH: usize = 12;

/// A network of `depth` blocks, and some samples.
fn made(depth: usize, weight_var: f64) -> (Network, Split) {
    let options = DatasetOptions { size: Some(4), ..DatasetOptions::default() };
    let split = Dataset::open("glyphs", &options, &Folders::new(None)).unwrap().train().take(SAMPLES).unwrap();
    let layer = |l: usize| {
        let inputs = if l == 0 { 16 } else { WIDTH };
        let outputs = if l + 1 == depth { 10 } else { WIDTH };
        Block::new(vec![Linear { inputs, outputs, bias: true }.into(), Activation::Tanh.into()]).unwrap()
    };
    let architecture = Architecture::new(&[16], (0..depth).map(layer).collect()).unwrap();
    (Network::new(architecture, Init::gaussian(weight_var, 0.05, 3)).unwrap(), split)
}

fn computed(what: Described) -> Arc<Value> {
    let place = Place::new();
    let store = Store::open(&place.path("store"), 1 << 30).unwrap();
    let resources = Resources { threads: 1, memory: 1e9, ..Resources::default() };
    let local = Local::new(store, DeviceChoice::named("flex").unwrap(), resources);
    let key = what.fingerprint();
    let target = Target { point: String::new(), result: what };
    let mut computed = local.compute(vec![target], &|_| {}).unwrap().computed;
    computed.remove(&key).unwrap().unwrap()
}

fn number(what: Described) -> f64 {
    numbers(&computed(what)).unwrap()[0]
}

/// A linear layer and tanh: weight `[outputs, inputs]`, bias.
struct Layer {
    weight: Vec<f64>,
    bias: Vec<f64>,
}

/// The network in double precision, and its samples.
struct Reference {
    layers: Vec<Layer>,
    x: Vec<Vec<f64>>,
    labels: Vec<usize>,
}

impl Reference {
    fn new(network: &Network, split: &Split) -> Self {
        let layer = |l: usize| {
            let arrays = network.arrays(l, None).unwrap();
            let f64s = |i: usize| arrays[i].iter().map(|&x| f64::from(x)).collect();
            Layer { weight: f64s(0), bias: f64s(1) }
        };
        let pixels = split.pixels().unwrap();
        Self {
            layers: (1..=network.architecture().depth()).map(layer).collect(),
            x: pixels.chunks(16).map(|x| x.iter().map(|&x| f64::from(x)).collect()).collect(),
            labels: split.labels().unwrap().into_iter().map(|label| label as usize).collect(),
        }
    }

    /// A sample at the depths 0, 1, ….
    fn forward(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut all = vec![x.to_vec()];
        for layer in &self.layers {
            let x = all.last().unwrap();
            let rows = layer.weight.chunks(x.len()).zip(&layer.bias);
            all.push(rows.map(|(w, b)| (w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + b).tanh()).collect());
        }
        all
    }

    /// The gradients of a layer's weights, and of its input, from that of its output.
    fn back(&self, l: usize, all: &[Vec<f64>], gradient: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let (x, y, layer) = (&all[l], &all[l + 1], &self.layers[l]);
        let of_sum: Vec<f64> = gradient.iter().zip(y).map(|(g, y)| g * (1.0 - y * y)).collect();
        let of_weight = of_sum.iter().flat_map(|g| x.iter().map(move |x| g * x)).collect();
        let column = |j: usize| of_sum.iter().enumerate().map(|(i, g)| g * layer.weight[i * x.len() + j]).sum();
        let of_input = (0..x.len()).map(column).collect();
        (of_weight, of_sum, of_input)
    }

    /// The gradients of all layers' arrays of the mean cross-entropy.
    fn gradients(&self) -> Vec<(Vec<f64>, Vec<f64>)> {
        let mut sums: Vec<(Vec<f64>, Vec<f64>)> =
            self.layers.iter().map(|l| (vec![0.0; l.weight.len()], vec![0.0; l.bias.len()])).collect();
        for (x, &label) in self.x.iter().zip(&self.labels) {
            let all = self.forward(x);
            let y = all.last().unwrap();
            let sum: f64 = y.iter().map(|y| y.exp()).sum();
            let one = |i: usize| f64::from(u8::from(i == label));
            let mut gradient: Vec<f64> =
                y.iter().enumerate().map(|(i, y)| (y.exp() / sum - one(i)) / self.x.len() as f64).collect();
            for l in (0..self.layers.len()).rev() {
                let (of_weight, of_bias, of_input) = self.back(l, &all, &gradient);
                sums[l].0.iter_mut().zip(of_weight).for_each(|(sum, g)| *sum += g);
                sums[l].1.iter_mut().zip(of_bias).for_each(|(sum, g)| *sum += g);
                gradient = of_input;
            }
        }
        sums
    }

    /// A sample's gradient at depth `first` of `row · x_last`.
    fn vector_jacobian(&self, x: &[f64], row: &[f64], first: usize, last: usize) -> Vec<f64> {
        let all = self.forward(x);
        (first..last).rev().fold(row.to_vec(), |gradient, l| self.back(l, &all, &gradient).2)
    }
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() < tolerance, "{found}, expected {expected}");
}

#[test]
fn gradients_are_those_of_the_formulas_even_beyond_single_precision() {
    for (depth, weight_var) in [(5, 1.5), (120, 0.1)] {
        let (network, split) = made(depth, weight_var);
        let found = computed(gradients(&network, &split).unwrap());
        let reference = Reference::new(&network, &split);
        let expected = reference.gradients();
        let square = |x: &Vec<f64>| x.iter().map(|x| x * x).sum::<f64>();
        let of_layers: Vec<f64> = expected.iter().map(|(w, b)| square(w) + square(b)).collect();
        let (_, weights) = found.f64s("weights").unwrap();
        for (found, expected) in weights.iter().zip(&of_layers) {
            close(*found, 0.5 * expected.ln(), 2e-3);
        }
        close(found.f64s("gradient_norm").unwrap().1[0], 0.5 * of_layers.iter().sum::<f64>().ln(), 1e-4);
        let product = |(g, w): (&Vec<f64>, &Vec<f64>)| g.iter().zip(w).map(|(g, w)| (g * w).abs()).sum::<f64>();
        let snip: f64 = expected
            .iter()
            .zip(&reference.layers)
            .map(|((w, b), layer)| product((w, &layer.weight)) + product((b, &layer.bias)))
            .sum();
        close(found.f64s("snip").unwrap().1[0], snip.ln(), 1e-4);
    }
    let (network, split) = made(120, 0.1);
    let first = computed(gradients(&network, &split).unwrap()).f64s("weights").unwrap().1[0];
    assert!(first < f64::from(f32::MIN_POSITIVE).ln(), "{first} is no test of small numbers");
}

#[test]
fn synflow_is_the_product_of_positive_matrices() {
    for depth in [4, 120] {
        let (network, split) = made(depth, 30.0);
        let reference = Reference::new(&network, &split);
        let (mut x, mut ln) = (vec![1.0; 16], 0.0);
        for layer in &reference.layers {
            x = layer.weight.chunks(x.len()).map(|row| row.iter().zip(&x).map(|(w, x)| w.abs() * x).sum()).collect();
            let largest = x.iter().copied().fold(0.0, f64::max);
            ln += f64::ln(largest);
            x.iter_mut().for_each(|x| *x /= largest);
        }
        // θ·∂R/∂θ is R for every layer.
        close(number(synflow(&network)), ln + x.iter().sum::<f64>().ln() + (depth as f64).ln(), 1e-3);
    }
}

#[test]
fn measures_of_the_jacobian_are_those_of_the_formulas() {
    let (network, split) = made(5, 1.5);
    let reference = Reference::new(&network, &split);
    let found = |measure| number(jacobian(&network, &split, measure).unwrap());

    let mut directions = vec![0.0; SAMPLES * 10];
    Random::new(0, &["partial_jacobian"]).fill_normal(&mut directions, 1.0);
    let norm = |(x, row): (&Vec<f64>, &[f32])| {
        let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        reference.vector_jacobian(x, &row, 1, 5).iter().map(|g| g * g).sum::<f64>()
    };
    let sum: f64 = reference.x.iter().zip(directions.chunks(10)).map(norm).sum();
    close(found(JacobianMeasure::Partial), (sum / (SAMPLES * 10) as f64).ln(), 1e-4);

    // The largest squared singular value of each Jacobian, by power iteration with J Jᵀ.
    let largest = |x: &Vec<f64>| {
        let unit = |i: usize| (0..10).map(|j| f64::from(u8::from(i == j))).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = (0..10).map(|i| reference.vector_jacobian(x, &unit(i), 0, 5)).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (mut v, mut value) = (vec![1.0; 10], 0.0);
        for _ in 0..500 {
            let back: Vec<f64> = (0..16).map(|j| (0..10).map(|i| rows[i][j] * v[i]).sum()).collect();
            v = rows.iter().map(|row| product(row, &back)).collect();
            value = product(&v, &v).sqrt();
            v.iter_mut().for_each(|x| *x /= value);
        }
        value
    };
    let mean = reference.x.iter().map(largest).sum::<f64>() / SAMPLES as f64;
    close(found(JacobianMeasure::Susceptibility), mean.ln(), 1e-3);

    // ln det(C + k) and tr((C + k)⁻¹) of the correlation matrix, by elimination.
    let rows: Vec<Vec<f64>> = reference
        .x
        .iter()
        .map(|x| {
            let row = reference.vector_jacobian(x, &[1.0; 10], 0, 5);
            let mean = row.iter().sum::<f64>() / 16.0;
            let row: Vec<f64> = row.into_iter().map(|x| x - mean).collect();
            let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            row.into_iter().map(|x| x / norm).collect()
        })
        .collect();
    let n = SAMPLES;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut matrix: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let own = (0..n).map(|j| product(&rows[i], &rows[j]) + if i == j { 1e-5 } else { 0.0 });
            own.chain((0..n).map(|j| f64::from(u8::from(i == j)))).collect()
        })
        .collect();
    let mut ln_determinant = 0.0;
    for i in 0..n {
        ln_determinant += matrix[i][i].ln();
        let pivot: Vec<f64> = matrix[i].iter().map(|x| x / matrix[i][i]).collect();
        for (j, row) in matrix.iter_mut().enumerate() {
            let factor = if j == i { 0.0 } else { row[i] };
            row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
        }
        matrix[i] = pivot;
    }
    let trace: f64 = (0..n).map(|i| matrix[i][n + i]).sum();
    close(found(JacobianMeasure::Covariance) / -(ln_determinant + trace), 1.0, 1e-3);
}

#[test]
fn activations_have_the_statistics_of_the_formulas() {
    let (network, split) = made(5, 1.5);
    let found = computed(activity(&network, &split).unwrap());
    let reference = Reference::new(&network, &split);
    let all: Vec<Vec<Vec<f64>>> = reference.x.iter().map(|x| reference.forward(x)).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let n = SAMPLES;
    let kernel = |l: usize| -> Vec<f64> {
        let width = all.iter().map(|x| product(&x[l], &x[l])).sum::<f64>() / n as f64 / 2.0;
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        all.iter().flat_map(|a| all.iter().map(move |b| (-distance(&a[l], &b[l]) / width).exp())).collect()
    };
    let entropy = |kernel: &[f64]| -(kernel.iter().map(|k| k * k).sum::<f64>() / (n * n) as f64).ln();
    for l in 1..=5 {
        let numbers: Vec<f64> = all.iter().flat_map(|x| x[l].clone()).collect();
        let count = numbers.len() as f64;
        let mut cosines = Vec::new();
        for i in 0..n {
            for j in 0..i {
                let (a, b) = (&all[i][l], &all[j][l]);
                cosines.push(product(a, b) / (product(a, a) * product(b, b)).sqrt());
            }
        }
        let mut counts = [0.0; 64];
        numbers.iter().for_each(|x| counts[((x + 1.0) / 2.0 * 64.0) as usize] += 1.0 / count);
        let histogram: f64 = counts.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum::<f64>() / 64_f64.ln();
        let (k, joint): (Vec<f64>, Vec<f64>) =
            (kernel(l), kernel(0).iter().zip(kernel(l)).map(|(a, b)| a * b).collect());
        let expected = [
            ("mean", numbers.iter().sum::<f64>() / count),
            ("rms", (product(&numbers, &numbers) / count).sqrt()),
            ("correlation", cosines.iter().sum::<f64>() / cosines.len() as f64),
            ("entropy", histogram),
            ("renyi_entropy", entropy(&k)),
            ("mutual_information", entropy(&kernel(0)) + entropy(&k) - entropy(&joint)),
        ];
        for (name, expected) in expected {
            let found = found.f64s(name).unwrap().1[l - 1];
            assert!((found - expected).abs() < 1e-4, "{name} at depth {l}: {found}, expected {expected}");
        }
    }
}

const MADE: &str = r#"
    let data = dataset("glyphs", #{ size: 7 });
    let make = |depth| mlp::wide(49, 10, depth).init(#{ weight_var: 1.76, bias_var: 0.05 });
    let net = make.call(4);
"#;

#[test]
fn a_search_stores_every_run_and_goes_on_where_it_was() {
    let place = Place::new();
    let script = |to: usize| {
        format!(
            "{MADE}
             let options = #{{ from: 12, by: 2, to: {to}, accuracy: 0.999, training: #{{ epochs: 1 }} }};
             let found = trainability::deepest(make, data.train.take(200), data.test.take(50), options);
             print([found.depth.value, found.runs.value]);"
        )
    };
    let (outcome, printed) = place.run(&script(6));
    assert_eq!(printed, ["[0.0, 4.0]"], "{}", text(&outcome.diagnostics));
    assert_eq!(outcome.report.ran.get("network.train"), Some(&4));
    assert_says(&text(&outcome.diagnostics), &["no depth reaches an accuracy of 0.999: the least, 6,", "`to: 1`"]);
    // A search further down trains only what is new.
    let (outcome, printed) = place.run(&script(2));
    assert_eq!((printed, outcome.report.ran.get("network.train")), (vec!["[0.0, 6.0]".to_owned()], Some(&2)));
    let (outcome, _) = place.run(&script(2));
    assert_eq!(outcome.report.ran.get("network.train"), None);
    assert_says(&text(&outcome.diagnostics), &["no depth reaches"]);
}

#[test]
fn a_search_trains_only_what_can_matter_and_bisects_when_asked() {
    for (method, depth, runs) in [("falling", "12.0", "1.0"), ("bisect", "12.0", "3.0")] {
        let place = Place::new();
        let (outcome, printed) = place.run(&format!(
            "{MADE}
             let options = #{{ from: 12, by: 2, accuracy: 0.001, method: \"{method}\", training: #{{ epochs: 1 }} }};
             let found = trainability::deepest(make, data.train.take(100), data.test.take(50), options);
             print(`${{found.depth}} ${{found.runs}}`);"
        ));
        assert_eq!(printed, [format!("{depth} {runs}")], "{}", text(&outcome.diagnostics));
        let trained = outcome.report.ran.get("network.train").copied();
        assert_eq!(trained, runs.parse::<f64>().ok().map(|runs| runs as usize));
    }
}

/// A network that trains only because a table shows its accuracy as well is not taken for one that the search asked for.
#[test]
fn a_search_does_not_depend_on_what_else_is_computed() {
    for method in ["falling", "bisect"] {
        let place = Place::new();
        let (outcome, printed) = place.run(&format!(
            "{MADE}
             let train = data.train.take(100);
             let test = data.test.take(50);
             let options = #{{ from: 6, by: 2, accuracy: 0.001, method: \"{method}\", training: #{{ epochs: 1 }} }};
             let found = trainability::deepest(make, train, test, options);
             let beside = make.call(2).trained(train, #{{ epochs: 1 }}).accuracy(test);
             let shown = sweep([axis(\"part\", [0, 1, 2])])
                 .map(|p| switch p.part {{ 0 => beside, 1 => found.depth, _ => found.runs }});
             let values = shown.values();
             print(`${{values[1]}} ${{values[2]}}`);"
        ));
        let runs = if method == "falling" { "1.0" } else { "2.0" };
        assert_eq!(printed, [format!("6.0 {runs}")], "{}", text(&outcome.diagnostics));
    }
}

#[test]
fn a_check_bounds_a_search_from_above() {
    let place = Place::new();
    let script = format!(
        "{MADE}
         let options = #{{ from: 12, by: 2, accuracy: 0.001, training: #{{ epochs: 1 }} }};
         print(trainability::deepest(make, data.train.take(100), data.test.take(50), options).depth);"
    );
    let checked = entroscope::script::Host::new(place.settings.clone()).check(&place.script(&script)).unwrap();
    assert!(checked.plan.is_bound());
    assert_eq!(checked.plan.operations().get("network.train"), Some(&6));
}

#[test]
fn what_is_wrong_is_named() {
    let search = |options: &str| format!("trainability::deepest(make, data, {options})");
    let score = "let t = sweep([axis(\"x\", [1, 2]), over_seeds(2)]).map(|p| p.x);";
    let scored = |rest: &str| format!("{score} print({rest});");
    for (call, said) in [
        (search("#{ accuracy: 1.1 }"), &["accuracy is 1.1", "above 0 and at most 1"][..]),
        (search("#{ accuracy: 40 }"), &["accuracy is 40", "`accuracy: 0.4`"]),
        (search("#{ from: 10, by: 0 }"), &["from depth 10 by 0 to 2"]),
        (search("#{ from: 10, to: 11 }"), &["from depth 10 by 5 to 11"]),
        (search("#{ from: 10, acuracy: 0.3 }"), &["no option `acuracy`", "did you mean `accuracy`"]),
        (search("#{ from: 10, training: 3 }"), &["option `training` must be a map, got 3"]),
        (search("#{ from: 10, training: #{ epoch: 3 } }"), &["no option `epoch`", "did you mean `epochs`"]),
        (search("#{ from: 10, method: \"bisekt\" }"), &["did you mean \"bisect\""]),
        ("trainability::deepest(|d| mlp::wide(49, 10, d), data, #{ from: 4 })".into(), &["of depth 4 has no weights"]),
        (
            "trainability::deepest(|d| d, data, #{ from: 4 })".into(),
            &["the closure makes 4 for depth 4, not a network"],
        ),
        ("net.predictor(data.train, \"synflo\")".into(), &["no predictor \"synflo\"", "did you mean \"synflow\""]),
        ("net.activation_statistics(data.train.take(1))".into(), &["one is not enough"]),
        ("over_seeds(0)".into(), &["at least one seed"]),
        (scored("score(t, t, #{ threshold: 1.5, over: \"sed\" })"), &["have no axis \"sed\"", "x, seed"]),
        (scored("score(t, t, #{ threshold: 1.5, level: 95 })"), &["level is 95; it lies between 0 and 1"]),
        (scored("score(t, t, #{})"), &["needs the option `threshold`"]),
        (scored("roc(t, t, 3)"), &["all reach 3 or none"]),
    ] {
        let place = Place::new();
        let (outcome, _) = place.run(&format!("{MADE} {call};"));
        assert_eq!(outcome.status, Status::ScriptWrong, "{call}");
        assert_says(&text(&outcome.diagnostics), said);
    }
    // A warning, since the numbers are there.
    let (outcome, _) = Place::new().run(&format!("{MADE} {}", scored("score(t, t, #{ threshold: 5 }).auc")));
    assert_says(&text(&outcome.diagnostics), &["no point reaches 5"]);
    let (outcome, _) = Place::new().run("print(sweep([axis(\"seed\", [1, 1, 2])]).len);");
    assert_says(&text(&outcome.diagnostics), &["seed"]);
}
