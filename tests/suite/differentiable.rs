//! Layers as Burn's operations: the same numbers as the host's own forward pass, the same gradients as its own training
//! of reconstruction networks, and slopes of the loss.

use burn::tensor::{DType, Device, Tensor, TensorData};
use entroscope::cascade::{AdamSolver, Inverse, ReconstructionNet};
use entroscope::kernels::{Activation, Adam, Expression, Function, Nodes, Operator};
use entroscope::network::{
    AdaptiveAvgPool, Architecture, AvgPool, BatchNorm, Block, CircularPad, Conv2d, ConvTranspose2d, Crop, DeviceBatch,
    Dropout, Flatten, GroupNorm, Layer, LayerNorm, Learner, Linear, Loss, MaxPool, Mode, Optimizer, ParamKind,
    ParamSpec, PatchEmbedding, Permute, Pool, Reshape, Residual, RmsNorm, Scale, Softmax, Training, forward_pass,
};
use entroscope::random::Random;

fn normal(name: &str, length: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; length];
    Random::new(0, &[name]).fill_normal(&mut numbers, 1.0);
    numbers
}

/// Arrays as a trained network may have them: no 0, no 1, variances above 0.
fn arrays(layers: &[Layer]) -> Vec<(ParamSpec, Vec<f32>)> {
    let fill = |spec: ParamSpec| {
        let mut numbers = normal(&spec.name, spec.len());
        match spec.kind {
            ParamKind::Weight { fan_in, .. } => numbers.iter_mut().for_each(|x| *x /= (fan_in as f32).sqrt()),
            ParamKind::Scale => numbers.iter_mut().for_each(|x| *x = 1.0 + 0.2 * *x),
            ParamKind::RunningVariance => numbers.iter_mut().for_each(|x| *x = 0.5 + x.abs()),
            _ => numbers.iter_mut().for_each(|x| *x *= 0.3),
        }
        (spec, numbers)
    };
    Block::new(layers.to_vec()).unwrap().param_specs().into_iter().map(fill).collect()
}

fn on<const D: usize>(numbers: &[f64], shape: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), shape), (&Device::flex(), dtype))
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

fn rows(x: &[f64], shape: &[usize], dtype: DType) -> DeviceBatch {
    let size = shape.iter().product::<usize>();
    DeviceBatch { numbers: on(x, [x.len() / size, size], dtype), shape: shape.to_vec() }
}

fn conv(inputs: usize, outputs: usize, kernel: usize) -> Conv2d {
    Conv2d::new(inputs, outputs, kernel)
}

fn activation(function: Activation) -> Layer {
    function.into()
}

/// |x| tanh(x) / √(1 + exp(−x²)) + min(x, 1) max(x, −2) + sin x cos x + ln(2 + |x|): every kind of node.
fn own() -> Activation {
    let (mut nodes, x) = (Nodes::default(), Nodes::X);
    let [one, two, low] = [1.0, 2.0, -2.0].map(|number| nodes.constant(number));
    let (abs, tanh) = (nodes.function(Function::Abs, x), nodes.function(Function::Tanh, x));
    let product = nodes.operator(Operator::Multiply, abs, tanh);
    let square = nodes.power(x, 2.0);
    let negated = nodes.function(Function::Negate, square);
    let bell = nodes.function(Function::Exp, negated);
    let sum = nodes.operator(Operator::Add, one, bell);
    let root = nodes.function(Function::Sqrt, sum);
    let quotient = nodes.operator(Operator::Divide, product, root);
    let (min, max) = (nodes.operator(Operator::Min, x, one), nodes.operator(Operator::Max, x, low));
    let cut = nodes.operator(Operator::Multiply, min, max);
    let (sin, cos) = (nodes.function(Function::Sin, x), nodes.function(Function::Cos, x));
    let wave = nodes.operator(Operator::Multiply, sin, cos);
    let above = nodes.operator(Operator::Add, two, abs);
    let log = nodes.function(Function::Ln, above);
    let all = [cut, wave, log].into_iter().fold(quotient, |sum, term| nodes.operator(Operator::Add, sum, term));
    Expression::new(&nodes, all).unwrap().into()
}

/// Every layer, in many forms, with the shape of what goes in.
fn cases() -> Vec<(Vec<usize>, Vec<Layer>)> {
    let mut cases: Vec<(Vec<usize>, Vec<Layer>)> = vec![
        (vec![7], vec![Linear::new(7, 5).into()]),
        (vec![7], vec![Linear { inputs: 7, outputs: 5, bias: false }.into(), Softmax.into()]),
        (vec![4, 3, 5], vec![Softmax.into()]),
        (vec![4, 3, 5], vec![Flatten.into(), Reshape { shape: vec![2, 5, 6] }.into(), conv2d(conv(2, 3, 2))]),
        (vec![4, 3, 5], vec![CircularPad { pad: 2 }.into(), Crop { before: 1, after: 2 }.into()]),
        (vec![4, 3, 5], vec![BatchNorm { features: 4, epsilon: 1e-5 }.into()]),
        (vec![6], vec![BatchNorm { features: 6, epsilon: 1e-3 }.into()]),
        (vec![4, 3, 5], vec![LayerNorm { shape: vec![4, 3, 5], epsilon: 1e-5 }.into()]),
        (vec![6], vec![LayerNorm { shape: vec![6], epsilon: 1e-5 }.into()]),
        (vec![6], vec![Dropout { rate: 0.5 }.into()]),
        (vec![4, 3, 5], vec![Scale { factor: -0.7 }.into()]),
        (vec![4, 3, 5], vec![GroupNorm::new(2, 4, 1e-5).unwrap().into()]),
        (vec![4, 3, 5], vec![GroupNorm::new(4, 4, 1e-5).unwrap().into()]),
        (vec![6], vec![GroupNorm::new(3, 6, 1e-3).unwrap().into()]),
        (vec![4, 3, 5], vec![RmsNorm { shape: vec![4, 3, 5], epsilon: 1e-5 }.into()]),
        (vec![6], vec![RmsNorm { shape: vec![6], epsilon: 1e-3 }.into()]),
        (vec![4, 6, 9], vec![PatchEmbedding { size: 3, inputs: 4, outputs: 5 }.into()]),
    ];
    for axes in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let turned = Permute::new(&axes).unwrap();
        cases.push((vec![4, 3, 5], vec![turned.into()]));
        cases.push((vec![4, 3, 5], vec![turned.into(), turned.inverse().into(), conv2d(conv(4, 3, 2))]));
    }
    cases.extend(Activation::ALL.map(|function| (vec![50], vec![activation(function)])));
    let named = Activation::NAMES.map(|name| Activation::named(name).unwrap());
    cases.extend(named.into_iter().chain([own()]).map(|function| (vec![50], vec![activation(function)])));
    let convolutions = [
        conv(4, 6, 3),
        conv(4, 6, 1),
        Conv2d { stride: 2, before: 1, after: 1, ..conv(4, 6, 3) },
        Conv2d { stride: 3, ..conv(4, 6, 2) },
        Conv2d { dilation: 2, before: 2, after: 2, ..conv(4, 6, 3) },
        Conv2d { groups: 2, bias: false, ..conv(4, 6, 3) },
        Conv2d { groups: 4, before: 1, after: 1, ..conv(4, 4, 3) },
        Conv2d { groups: 4, stride: 2, dilation: 2, before: 1, after: 1, ..conv(4, 8, 3) },
        // "same" with an even kernel.
        Conv2d { before: 1, after: 2, ..conv(4, 6, 4) },
        Conv2d { before: 0, after: 1, stride: 2, groups: 2, ..conv(4, 6, 2) },
        Conv2d { before: 1, after: 1, circular: true, ..conv(4, 6, 3) },
        Conv2d { before: 1, after: 2, circular: true, stride: 2, ..conv(4, 6, 4) },
        Conv2d { before: 2, after: 2, circular: true, dilation: 2, groups: 2, ..conv(4, 2, 3) },
    ];
    cases.extend(convolutions.iter().map(|conv| (vec![4, 7, 8], vec![conv2d(conv.clone())])));
    cases.push((vec![1, 28, 28], vec![conv2d(Conv2d { before: 1, after: 1, ..conv(1, 6, 3) })]));
    let transposed = [
        conv(4, 6, 3),
        conv(4, 6, 1),
        Conv2d { stride: 2, after: 1, ..conv(4, 6, 3) },
        Conv2d { stride: 2, after: 1, ..conv(4, 9, 3) },
        Conv2d { stride: 3, before: 1, ..conv(4, 8, 5) },
        Conv2d { before: 1, after: 1, ..conv(4, 6, 3) },
        Conv2d { stride: 3, ..conv(4, 6, 2) },
        Conv2d { dilation: 2, groups: 2, bias: false, ..conv(4, 6, 3) },
        Conv2d { stride: 2, dilation: 3, groups: 4, before: 2, after: 1, ..conv(4, 8, 2) },
    ];
    cases.extend(transposed.iter().map(|conv| (vec![4, 5, 3], vec![ConvTranspose2d(conv.clone()).into()])));
    for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (5, 5, 0)] {
        let pool = Pool { kernel, stride, padding };
        cases.push((vec![3, 9, 7], vec![MaxPool(pool).into()]));
        cases.push((vec![3, 9, 7], vec![AvgPool(pool).into()]));
    }
    for size in [[1, 1], [3, 3], [4, 5], [9, 7], [11, 2]] {
        cases.push((vec![3, 9, 7], vec![AdaptiveAvgPool { size }.into()]));
    }
    let pad: Layer = CircularPad { pad: 1 }.into();
    let body = vec![conv2d(conv(4, 4, 3)), pad.clone(), activation(Activation::Tanh), conv2d(conv(4, 4, 3)), pad];
    cases.push((vec![4, 6, 6], vec![Residual { body, projection: Vec::new() }.into(), activation(Activation::Tanh)]));
    let body = vec![conv2d(Conv2d { stride: 2, before: 1, after: 1, ..conv(4, 8, 3) }), norm(8)];
    let projection = vec![conv2d(Conv2d { stride: 2, bias: false, ..conv(4, 8, 1) }), norm(8)];
    cases.push((vec![4, 6, 6], vec![Residual { body, projection }.into()]));
    cases
}

fn conv2d(conv: Conv2d) -> Layer {
    Layer::Conv2d(conv)
}

fn norm(features: usize) -> Layer {
    BatchNorm { features, epsilon: 1e-5 }.into()
}

#[test]
fn every_layer_gives_what_the_hosts_own_pass_gives() {
    for (shape, layers) in cases() {
        let block = Block::new(layers.clone()).unwrap();
        let arrays = arrays(&layers);
        let x = normal("x", 5 * shape.iter().product::<usize>());
        let own = arrays.iter().map(|(_, array)| array.as_slice().into()).collect();
        let expected = entroscope::network::forward(&block, own, &x, &shape, &1_usize, |_| Ok(())).unwrap();
        let tensors: Vec<Tensor<1>> =
            arrays.iter().map(|(_, array)| on(&wide(array), [array.len()], DType::F32)).collect();
        let passed = forward_pass(&layers, &tensors, rows(&wide(&x), &shape, DType::F32), Mode::Evaluation).unwrap();
        let found = passed.output.numbers.try_into_vec_as::<f32>().unwrap();
        assert_eq!(found.len(), expected.len(), "{block} of {shape:?}");
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-6, "{block} of {shape:?}: {worst:e}");
    }
}

/// A weighted sum of what comes out, in double precision, and its gradient by every array and by what goes in.
fn weighted(shape: &[usize], layers: &[Layer], arrays: &[Vec<f64>], x: &[f64]) -> (f64, Vec<Vec<f64>>) {
    let leaf = |array: &Vec<f64>| on(array, [array.len()], DType::F64).autodiff().require_grad();
    let leaves: Vec<Tensor<1>> = arrays.iter().map(leaf).collect();
    let x = on(x, [x.len()], DType::F64).autodiff().require_grad();
    let size = shape.iter().product::<usize>();
    let numbers = x.clone().reshape([x.dims()[0] / size, size]);
    let mode = Mode::Training { seed: 7, step: 3 };
    let y = forward_pass(layers, &leaves, DeviceBatch { numbers, shape: shape.to_vec() }, mode).unwrap().output.numbers;
    let weights = normal("weights", y.shape().num_elements());
    let sum = (y.clone() * on(&wide(&weights), y.dims(), DType::F64)).sum();
    let gradients = sum.backward();
    let gradient = |leaf: &Tensor<1>| {
        leaf.grad(&gradients).map_or_else(Vec::new, |gradient| gradient.try_into_vec_as::<f64>().unwrap())
    };
    let all = leaves.iter().chain([&x]).map(gradient).collect();
    (sum.try_into_scalar::<f64>().unwrap(), all)
}

#[test]
fn gradients_are_slopes() {
    let h = 1e-5;
    for (shape, layers) in cases() {
        let named = arrays(&layers);
        let x = wide(&normal("x", 3 * shape.iter().product::<usize>()));
        let mut all: Vec<Vec<f64>> = named.iter().map(|(_, array)| wide(array)).collect();
        let (_, gradients) = weighted(&shape, &layers, &all, &x);
        all.push(x);
        let kinds: Vec<bool> = named.iter().map(|(tensor, _)| tensor.kind.is_trained()).chain([true]).collect();
        for a in (0..all.len()).filter(|&a| kinds[a]) {
            // A few of each array: the first, the last, and some between.
            let length = all[a].len();
            for i in [0, length / 3, length / 2, length - 1] {
                let at = |delta: f64| {
                    let mut moved = all.clone();
                    moved[a][i] += delta;
                    let x = moved.pop().unwrap();
                    weighted(&shape, &layers, &moved, &x).0
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                let found = gradients[a][i];
                assert!(
                    (slope - found).abs() < 1e-6 * (1.0 + slope.abs()),
                    "{layers:?}, array {a}, {i}: {slope} {found}"
                );
            }
        }
    }
}

/// Labels and clipping, smoothing and loss are part of it: one step of both, behind a layer that gradients must reach.
#[test]
fn the_hosts_own_training_steps_are_those_of_autodiff() {
    for (case, (shape, layers)) in cases().into_iter().enumerate() {
        let first: Layer = match shape[..] {
            [n] => Linear::new(n, n).into(),
            _ => conv2d(conv(shape[0], shape[0], 1)),
        };
        let blocks = [vec![first], layers, vec![Flatten.into()]].map(|layers| Block::new(layers).unwrap());
        let architecture = Architecture::new(&shape, blocks.to_vec()).unwrap();
        let start: Vec<(ParamSpec, Vec<f32>)> = blocks.iter().flat_map(|block| arrays(block.layers())).collect();
        let (samples, classes) = (6, architecture.width(architecture.depth()));
        let x = normal("x", samples * shape.iter().product::<usize>());
        let labels: Vec<u32> = (0..samples).map(|i| (i * 3 % classes) as u32).collect();
        let loss = if case % 2 == 0 { Loss::CrossEntropy } else { Loss::SoftmaxTwice };
        let clip = (case % 3 == 0).then_some(0.01);
        let training = Training { loss, label_smoothing: 0.1 * (case % 2) as f64, clip, ..Training::new(7) };
        let mut places = [None, Some(Device::flex())].map(|device| {
            let arrays = start.iter().map(|(_, array)| array.clone()).collect();
            Learner::new(&architecture, arrays, &training, device.as_ref()).unwrap()
        });
        // Twice, so that what the first step leaves in the buffers counts.
        for step in 0..2 {
            let results = places.each_mut().map(|learner| learner.step(&x, &labels, 1.0).unwrap());
            let what = format!("{:?}, step {step}: {results:?}", architecture.blocks()[1]);
            assert!((results[0].loss / results[1].loss - 1.0).abs() < 1e-5, "{what}");
            assert_eq!(results[0].correct, results[1].correct, "{what}");
            let norms = results.map(|result| result.gradient_norm);
            assert!((norms[0] - norms[1]).abs() < 1e-4 * norms[1] + 1e-7, "{what}");
            let [ours, theirs] = places.each_ref().map(|learner| learner.arrays().unwrap());
            for ((ours, theirs), (spec, start)) in ours.iter().zip(&theirs).zip(&start) {
                let moved = theirs.iter().zip(start).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                for (a, b) in ours.iter().zip(theirs) {
                    assert!((a - b).abs() < 2e-5 * moved + 2e-6, "{}: {a} {b}, {what}", spec.name);
                }
            }
        }
    }
}

/// Every kind of layer, and dropout before and behind what is computed again.
#[test]
fn steps_that_compute_activations_again_give_the_same_numbers() {
    for (shape, layers) in cases() {
        let first: Layer = match shape[..] {
            [n] => Linear::new(n, n).into(),
            _ => conv2d(conv(shape[0], shape[0], 1)),
        };
        let drop = || vec![Layer::from(Dropout { rate: 0.3 })];
        let more: Vec<Layer> = vec![Flatten.into()];
        let width = sequence_width(&shape, &layers);
        let dense = || vec![Linear::new(width, width).into(), activation(Activation::Tanh)];
        let all = [vec![first], drop(), layers, drop(), more, dense(), drop(), dense(), dense()];
        let blocks = all.map(|layers| Block::new(layers).unwrap());
        let architecture = Architecture::new(&shape, blocks.to_vec()).unwrap();
        let start: Vec<Vec<f32>> =
            blocks.iter().flat_map(|block| arrays(block.layers())).map(|(_, array)| array).collect();
        let samples = 6;
        let x = normal("x", samples * shape.iter().product::<usize>());
        let labels: Vec<u32> = (0..samples).map(|i| (i * 3 % width) as u32).collect();
        let training =
            Training { optimizer: Optimizer::Adam { adam: Adam::default(), weight_decay: 0.0 }, ..Training::new(7) };
        let [kept, least] = Learner::bytes_of_layers(&architecture, samples).unwrap();
        let mut found = [kept, (kept + least) / 2.0, 0.0].map(|bytes| {
            let mut learner = Learner::new(&architecture, start.clone(), &training, None).unwrap();
            learner.fit_into(bytes, samples);
            let results = [0.1, 0.05, 0.1].map(|rate| format!("{:?}", learner.step(&x, &labels, rate).unwrap()));
            (results, learner.arrays().unwrap())
        });
        let (results, arrays) = &mut found[0];
        let (results, arrays) = (results.clone(), std::mem::take(arrays));
        for (others, other) in &found[1..] {
            assert_eq!(&results, others, "{:?}", architecture.blocks()[2]);
            assert!(arrays == *other, "{:?}", architecture.blocks()[2]);
        }
    }
}

/// The numbers that layers make of a sample.
fn sequence_width(shape: &[usize], layers: &[Layer]) -> usize {
    let shape = layers.iter().fold(shape.to_vec(), |shape, layer| layer.output_shape(&shape).unwrap());
    shape.iter().product()
}

/// With an ε that dwarfs every gradient, Adam's first step is the gradient itself.
#[test]
fn reconstruction_networks_are_trained_along_these_gradients() {
    let layers = |layers: Vec<Layer>| Block::new(layers).unwrap();
    let pad: Layer = CircularPad { pad: 1 }.into();
    let body =
        vec![conv2d(conv(3, 3, 3)), pad.clone(), activation(Activation::Tanh), conv2d(conv(3, 3, 3)), pad.clone()];
    let blocks: Vec<(Vec<usize>, Block)> = vec![
        (vec![7], layers(vec![Linear::new(7, 5).into(), activation(Activation::Tanh)])),
        (vec![2, 6, 6], layers(vec![conv2d(conv(2, 3, 3)), activation(Activation::Tanh)])),
        (
            vec![2, 8, 8],
            layers(vec![
                conv2d(Conv2d { stride: 2, before: 1, after: 1, ..conv(2, 3, 3) }),
                activation(Activation::Tanh),
            ]),
        ),
        (vec![3, 6, 6], layers(vec![Residual { body, projection: Vec::new() }.into(), activation(Activation::Tanh)])),
        (vec![2, 6, 6], layers(vec![MaxPool(Pool { kernel: 2, stride: 2, padding: 0 }).into()])),
        (
            vec![1, 6, 6],
            layers(vec![PatchEmbedding { size: 3, inputs: 1, outputs: 5 }.into(), activation(Activation::Tanh)]),
        ),
        // A permutation behind weights.
        (
            vec![3, 4, 2],
            layers(vec![
                Permute::new(&[2, 0, 1]).unwrap().into(),
                conv2d(conv(2, 5, 1)),
                activation(Activation::Gelu),
                conv2d(conv(5, 2, 1)),
                Permute::new(&[1, 2, 0]).unwrap().into(),
            ]),
        ),
    ];
    for (shape, block) in blocks {
        let architecture = Architecture::new(&shape, vec![block.clone()]).unwrap();
        let from = architecture.shape(1);
        let inverse = Inverse::for_block(&block, &shape, from).unwrap();
        let mut net = ReconstructionNet::initial(&inverse, from, 0, 1);
        let start: Vec<Vec<f64>> = net.arrays().map(|(_, array)| wide(&array)).collect();
        let samples = 4;
        let x = normal("x", samples * from.iter().product::<usize>());
        let target = normal("target", samples * shape.iter().product::<usize>());
        let adam = Adam { learning_rate: 1e8, beta_1: 0.0, beta_2: 0.0, epsilon: 1e8 };
        let training = AdamSolver { adam, batch: samples, shuffle: false, ..AdamSolver::new(0) };
        let losses = net.train(&x, &target, &training, &1_usize, |_| Ok(())).unwrap();

        let leaf = |array: &Vec<f64>| on(array, [array.len()], DType::F64).autodiff().require_grad();
        let leaves: Vec<Tensor<1>> = start.iter().map(leaf).collect();
        let rows = rows(&wide(&x), from, DType::F64);
        let y = forward_pass(inverse.layers(), &leaves, rows, Mode::Evaluation).unwrap().output.numbers;
        let loss = (y.clone() - on(&wide(&target), y.dims(), DType::F64)).square().mean();
        let gradients = loss.backward();
        assert!((losses[0] / loss.try_into_scalar::<f64>().unwrap() - 1.0).abs() < 1e-6, "{inverse}");
        for (((tensor, moved), start), leaf) in net.arrays().zip(&start).zip(&leaves) {
            let gradient = leaf.grad(&gradients).unwrap().try_into_vec_as::<f64>().unwrap();
            let largest = gradient.iter().fold(0.0_f64, |largest, g| largest.max(g.abs()));
            for ((moved, start), gradient) in moved.iter().zip(start).zip(&gradient) {
                let found = start - f64::from(*moved);
                let close = (found - gradient).abs() < 1e-5 * largest + 2e-7;
                assert!(close, "{} of {inverse}: {found} {gradient}", tensor.name);
            }
        }
    }
}

/// By hand, for two features and three samples.
#[test]
fn running_averages_are_pytorchs() {
    let x = [1.0, 10.0, 2.0, 20.0, 6.0, 60.0];
    let arrays = [[1.0, 1.0], [0.0, 0.0], [0.5, -1.0], [2.0, 3.0]].map(|array| on(&array, [2], DType::F64));
    let layer = [BatchNorm { features: 2, epsilon: 1e-5 }.into()];
    let mode = Mode::Training { seed: 0, step: 0 };
    let passed = forward_pass(&layer, &arrays, rows(&x, &[2], DType::F64), mode).unwrap();
    let averages: Vec<Vec<f64>> =
        passed.running_averages.into_iter().map(|average| average.try_into_vec_as::<f64>().unwrap()).collect();
    // Means 3 and 30; variances, unbiased, 7 and 700.
    let expected = [[0.9 * 0.5 + 0.1 * 3.0, -0.9 + 0.1 * 30.0], [0.9 * 2.0 + 0.1 * 7.0, 0.9 * 3.0 + 0.1 * 700.0]];
    for (found, expected) in averages.concat().iter().zip(expected.concat()) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    let y = passed.output.numbers.try_into_vec_as::<f64>().unwrap();
    let spread = (14.0_f64 / 3.0 + 1e-5).sqrt();
    assert!((y[0] - (1.0 - 3.0) / spread).abs() < 1e-12 && (y[4] - 3.0 / spread).abs() < 1e-12, "{y:?}");
}

#[test]
fn dropout_leaves_its_share_out_and_is_the_same_for_the_same_step() {
    let layers = [Dropout { rate: 0.3 }.into(), Dropout { rate: 0.3 }.into()];
    let x = vec![1.0; 20_000];
    let pass = |layers: &[Layer], seed, step| {
        let rows = rows(&x, &[200], DType::F32);
        let passed = forward_pass(layers, &[], rows, Mode::Training { seed, step }).unwrap();
        passed.output.numbers.try_into_vec_as::<f32>().unwrap()
    };
    let once = pass(&layers[..1], 1, 5);
    let kept = once.iter().filter(|&&x| x != 0.0).count() as f64 / once.len() as f64;
    // Standard error √(0.21 / 20000) = 0.0032.
    assert!((kept - 0.7).abs() < 0.013, "{kept}");
    assert!(once.iter().all(|&x| x == 0.0 || (x - 1.0 / 0.7).abs() < 1e-6));
    assert_eq!(once, pass(&layers[..1], 1, 5));
    assert_ne!(once, pass(&layers[..1], 1, 6));
    assert_ne!(once, pass(&layers[..1], 2, 5));
    // The second layer draws for itself.
    let kept = pass(&layers, 1, 5).iter().filter(|&&x| x != 0.0).count() as f64 / 20_000.0;
    assert!((kept - 0.49).abs() < 0.015, "{kept}");
}
