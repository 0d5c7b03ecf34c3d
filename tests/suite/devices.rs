//! Every kind of script on every device that there is: the same numbers as `flex` gives, to a tolerance that is stated for
//! each. A device that this build or machine lacks is skipped, and named.
//!
//! Rounding differs from device to device, and training carries it on: what is compared is far from where a chaotic
//! network would blow it up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scripted::{self, Place};
use super::skip::skipped;
use burn::tensor::Device;
use entroscope::cascade::{AdamSolver, Cascade, reconstruct};
use entroscope::data::{Dataset, DatasetOptions, Folders};
use entroscope::device::{self, DeviceChoice, Known};
use entroscope::kernels::{Activation, Adam};
use entroscope::network::{self, Architecture, Block, Init, Linear, Network, Optimizer, Training, train};
use entroscope::script::Status;
use entroscope::work::{self, Array, Data, InFlight, Plan, Report, Resources, Store, Target, Value};

/// A script, and how far its numbers may be off, relative to the largest of a line that it prints.
struct Case {
    name: &'static str,
    tolerance: f64,
    script: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        name: "multilayer perceptron",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 14 });
            let net = mlp::wide(196, 10, 12).init(#{ weight_var: 1.7, bias_var: 0.05 });
            let probe = cascade(net, data.train.take(700), #{ epochs: 2 });
            for l in [1, 6, 12] { print(probe.losses(l).values()); }
            let back = probe.reconstruct(data.test.take(20));
            print(back.mse().values());
            print(back.differential_entropy().values());
            print(back.relative_entropy().values());
            print(back.gram_entropy().values());
        "#,
    },
    Case {
        name: "convolutional network",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 14 });
            let net = conv::plain(data.shape, 6, 10, 4).init(#{ weight_var: 1.0, bias_var: 2e-5 });
            let probe = cascade(net, data.train.take(150), #{ batch: 40 });
            for l in 1..7 { print(probe.losses(l).values()); }
            print(probe.reconstruct(data.test.take(10)).mse().values());
            images([probe.ideal(3)]).save("ideal.png");
        "#,
    },
    Case {
        name: "residual network",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 14 });
            let net = resnet::plain(data.shape, 6, 10, 4).init(#{ weight_var: 1.0, bias_var: 2e-5 });
            let probe = cascade(net, data.train.take(150), #{ batch: 40 });
            for l in 1..7 { print(probe.losses(l).values()); }
            print(probe.reconstruct(data.test.take(10)).mse().values());
            images([probe.activation(data.test.take(2), 4).only_channel(3).back()]).save("channel.png");
        "#,
    },
    Case {
        name: "other layers",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 28 });
            let net = network(data.shape, [
                block([conv2d(1, 6, 3, #{ padding: "same" }), batch_norm(6), relu()]),
                block([max_pool(2)]),
                block([conv2d(6, 6, 3, #{ padding: 1, groups: 2 }), gelu()]),
                block([avg_pool(2), flatten()]),
                block([linear(294, 40), erf()]),
                block([linear(40, 30), layer_norm([30]), silu()]),
                block([linear(30, 20), sigmoid()]),
                block([linear(20, 10)]),
            ]).init(#{ weight_var: 1.5, bias_var: 0.01 });
            let probe = cascade(net, data.train.take(150), #{ batch: 40 });
            for l in [1, 2, 3, 4, 5, 6, 7, 8] { print(probe.losses(l).values()); }
            print(probe.reconstruct(data.test.take(10)).mse().values());
            print(net.outputs(data.test.take(3)).flatten().to_array());
        "#,
    },
    Case {
        name: "training",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 14 });
            let net = network(data.shape, [
                // A bias before a norm has no gradient but rounding, which Adam would make large.
                block([conv2d(1, 4, 3, #{ bias: false }), batch_norm(4), tanh()]),
                block([flatten(), linear(576, 10)]),
            ]).init(#{ weight_var: 1.0, bias_var: 0.01 });
            let trained = net.trained(data.train.take(200), #{ epochs: 2, batch: 50, optimizer: adam(0.01) });
            print(trained.training_losses().values());
            print([trained.accuracy(data.test.take(100)).value]);
            print(cascade(trained, data.train.take(100)).losses(1).values());
        "#,
    },
    Case {
        name: "ridge regression",
        tolerance: 1e-3,
        script: r#"
            let data = dataset("glyphs", #{ size: 7 });
            let net = mlp::wide(49, 10, 5).init(#{ weight_var: 1.7, bias_var: 0.05 });
            let probe = cascade(net, data.train.take(300), #{ solver: "ridge" });
            print(probe.reconstruct(data.test.take(20)).mse().values());
        "#,
    },
    Case {
        name: "a sweep",
        tolerance: 1e-4,
        script: r#"
            let data = dataset("glyphs", #{ size: 7 });
            for w in [0.8, 1.3, 1.7, 2.0] {
                let net = mlp::wide(49, 10, 6).init(#{ weight_var: w, bias_var: 0.05 });
                print(cascade(net, data.train.take(300)).reconstruct(data.test.take(20)).mse().values());
            }
        "#,
    },
    Case {
        name: "tensors",
        tolerance: 1e-5,
        script: r"
            let x = randn([3, 4], 1);
            print((x.matmul(x.transpose()) + 1).flatten().to_array());
            print((exp(x) / sum(exp(x))).flatten().to_array());
        ",
    },
];

/// What a script prints and draws on a device: a list of numbers for each line and for each figure, and the other cells of
/// the figures' tables.
fn shown(case: &Case, device: &str) -> (Vec<Vec<f64>>, Vec<String>) {
    let mut place = Place::new();
    device.clone_into(&mut place.settings.device);
    let (outcome, lines) = place.run(case.script);
    assert_eq!(outcome.status, Status::Done, "{} on {device}: {}", case.name, scripted::text(&outcome.diagnostics));
    let line = |line: &String| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is no list: {error}"));
    let mut numbers: Vec<Vec<f64>> = lines.iter().map(line).collect();
    let mut texts = Vec::new();
    let mut tables = outcome.files;
    tables.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    for table in tables {
        let mut reader = csv::Reader::from_path(table).unwrap();
        let records: Vec<csv::StringRecord> = reader.records().map(|record| record.unwrap()).collect();
        let (found, other): (Vec<_>, Vec<_>) = records
            .iter()
            .flatten()
            .map(|cell| cell.parse::<f64>().map_err(|_| cell.to_owned()))
            .partition(Result::is_ok);
        assert!(!found.is_empty());
        numbers.push(found.into_iter().flatten().collect());
        texts.extend(other.into_iter().filter_map(Result::err));
    }
    (numbers, texts)
}

fn others() -> impl Iterator<Item = Known> {
    device::known().into_iter().filter(|known| known.name != device::DEFAULT)
}

#[test]
fn every_kind_of_script_gives_the_same_numbers_on_every_device() {
    for missing in others() {
        if let Some(why) = missing.missing {
            skipped(&missing.name, &format!("{}: {why}", missing.name));
        }
    }
    let mut wrong = Vec::new();
    for case in &CASES {
        let (expected, expected_texts) = shown(case, device::DEFAULT);
        for device in others().filter(|known| known.missing.is_none()) {
            let (found, texts) = shown(case, &device.name);
            assert_eq!((found.len(), &texts), (expected.len(), &expected_texts), "{} on {}", case.name, device.name);
            let off = found.iter().zip(&expected).map(|(found, expected)| off(found, expected)).fold(0.0, f64::max);
            println!("{} on {}: off by {off:.1e} of the largest", case.name, device.name);
            if off.is_nan() || off > case.tolerance {
                wrong.push(format!("{} on {}: off by {off:e}", case.name, device.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The largest difference, relative to the largest number that is expected.
fn off(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / largest)
        .fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}

/// What a sweep over weight variances of a small network computes, with up to `most` points trained as one, as many as fit
/// into half of `memory`: the reconstruction and the second block of every point.
fn swept(device: &Device, most: usize, memory: f64) -> (Vec<Arc<Value>>, Report) {
    let options = DatasetOptions { size: Some(7), ..DatasetOptions::default() };
    let data = Dataset::open("glyphs", &options, &Folders::new(None)).unwrap();
    let (train, test) = (data.train().take(150).unwrap(), data.test().take(10).unwrap());
    let functions = [Activation::Tanh, Activation::Tanh, Activation::Relu, Activation::Erf, Activation::Identity];
    let mut targets = Vec::new();
    for weight_var in [0.8, 1.2, 1.6, 1.7, 2.0] {
        let blocks = functions.iter().zip([49, 49, 49, 30, 20, 10].windows(2)).map(|(function, sizes)| {
            let linear = Linear::new(sizes[0], sizes[1]).into();
            Block::new(vec![linear, function.clone().into()]).unwrap()
        });
        let net = Architecture::new(&[49], blocks.collect()).unwrap();
        let network = Network::new(net, Init::gaussian(weight_var, 0.05, 1)).unwrap();
        let cascade = Cascade::new(network, train.clone(), AdamSolver::new(1)).unwrap();
        let point = format!("weight_var {weight_var}");
        let mut target = |result| targets.push(Target { point: point.clone(), result });
        target(reconstruct(&cascade, &test, 5).unwrap());
        target(cascade.block(2));
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1 << 30).unwrap();
    let plan = Plan::new(targets, &store, &InFlight::default(), "test").batched(most, memory);
    let resources = Resources { device: Some(device.clone()), threads: 2, memory: 1e9, ..Resources::default() };
    let (results, report) = work::run(&plan, &store, &resources, &|_| {});
    (results.into_iter().map(|result| result.unwrap()).collect(), report)
}

/// One product of a stack sums in the order of one matrix's, or nearly so.
#[test]
fn points_trained_as_one_give_the_numbers_of_each_alone() {
    for known in others().filter(|known| known.missing.is_none()) {
        let device = DeviceChoice::named(&known.name).unwrap().device().clone();
        let (alone, report) = swept(&device, 1, 1e9);
        assert_eq!((report.ran["cascade.adam"], report.ran.get("batched")), (25, None));
        // All five at once; two at a time, and one is left; without room for two; with room for two, of 0.5 MB each. The
        // slope of erf is not written by hand.
        for (most, memory, stacks) in
            [(usize::MAX, 1e9, Some(4)), (2, 1e9, Some(8)), (usize::MAX, 1.0, None), (usize::MAX, 2.2e6, Some(8))]
        {
            let (found, report) = swept(&device, most, memory);
            assert_eq!((report.ran["cascade.adam"], report.ran.get("batched").copied()), (25, stacks));
            for (found, alone) in found.iter().zip(&alone) {
                let (found, alone): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    (found.arrays().collect(), alone.arrays().collect());
                assert!(found.keys().eq(alone.keys()));
                for (name, array) in &found {
                    let off = off(&wide(array), &wide(alone[name]));
                    assert!(off < 1e-5, "{name} on {}: off by {off:e}", known.name);
                }
            }
        }
    }
}

/// Trained networks of a sweep over weight variance and seed, with up to `most` of them as one.
fn trained(device: &Device, most: usize, optimizer: Optimizer, rate: f64) -> (Vec<Arc<Value>>, Report) {
    let data =
        Dataset::open("glyphs", &DatasetOptions { size: Some(7), ..DatasetOptions::default() }, &Folders::new(None));
    let data = data.unwrap();
    let (split, validation) = (data.train().take(130).unwrap(), data.test().take(40).unwrap());
    let functions = [Activation::Tanh, Activation::Relu, Activation::Tanh, Activation::Identity];
    let mut targets = Vec::new();
    for (weight_var, seed) in [(0.8, 1), (1.2, 2), (1.6, 3), (2.0, 4)] {
        let blocks = functions.iter().zip([49, 30, 20, 20, 10].windows(2)).map(|(function, sizes)| {
            let linear = Linear::new(sizes[0], sizes[1]).into();
            Block::new(vec![linear, function.clone().into()]).unwrap()
        });
        let net = Architecture::new(&[49], blocks.collect()).unwrap();
        let network = Network::new(net, Init::gaussian(weight_var, 0.05, seed)).unwrap();
        let training = Training {
            epochs: 3,
            batch: 50,
            optimizer: optimizer.with_rate(rate),
            clip: Some(1.0),
            label_smoothing: 0.1,
            // Ends some of them before the others.
            target: Some(network::Target { accuracy: None, loss: Some(2.2) }),
            validation: Some(validation.clone()),
            ..Training::for_network(&network)
        };
        let result = train(&network, &split, training).unwrap().training_run().unwrap().result.clone();
        targets.push(Target { point: format!("weight_var {weight_var}"), result });
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1 << 30).unwrap();
    let plan = Plan::new(targets, &store, &InFlight::default(), "test").batched(most, 1e9);
    let resources = Resources { device: Some(device.clone()), threads: 2, memory: 1e9, ..Resources::default() };
    let (results, report) = work::run(&plan, &store, &resources, &|_| {});
    (results.into_iter().map(|result| result.unwrap()).collect(), report)
}

/// Seeds differ, so the orders of the samples do; each network ends by itself, and is a result of its own.
#[test]
fn networks_trained_as_one_are_those_trained_alone() {
    let adam = Optimizer::Adam { adam: Adam::default(), weight_decay: 0.0 };
    let momentum = Optimizer::Sgd { rate: 0.1, momentum: 0.9, weight_decay: 1e-3, nesterov: false };
    for known in others().filter(|known| known.missing.is_none()) {
        let device = DeviceChoice::named(&known.name).unwrap().device().clone();
        for (optimizer, rate) in [(adam, 3e-3), (momentum, 0.05), (Optimizer::sgd(0.1), 0.3)] {
            let (alone, report) = trained(&device, 1, optimizer, rate);
            assert_eq!((report.ran["network.train"], report.ran.get("batched")), (4, None));
            let (found, report) = trained(&device, usize::MAX, optimizer, rate);
            assert_eq!((report.ran["network.train"], report.ran.get("batched").copied()), (4, Some(1)));
            for (found, alone) in found.iter().zip(&alone) {
                let (found, alone): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    (found.arrays().collect(), alone.arrays().collect());
                assert!(found.keys().eq(alone.keys()));
                assert_eq!(found["stop"], alone["stop"]);
                for (name, array) in &found {
                    let [found, alone] = [wide(array), wide(alone[name])];
                    let is_there = |x: &[f64]| x.iter().map(|x| x.is_nan()).collect::<Vec<_>>();
                    assert_eq!(is_there(&found), is_there(&alone), "{name}");
                    let numbers = |x: Vec<f64>| x.into_iter().filter(|x| !x.is_nan()).collect::<Vec<_>>();
                    let off = off(&numbers(found), &numbers(alone));
                    assert!(off < 1e-4, "{name} on {}: off by {off:e}", known.name);
                }
            }
        }
    }
}

fn wide(array: &Array) -> Vec<f64> {
    match &array.data {
        Data::F32(data) => data.iter().map(|&x| f64::from(x)).collect(),
        Data::F64(data) => data.clone(),
        Data::U32(data) => data.iter().map(|&x| f64::from(x)).collect(),
    }
}
