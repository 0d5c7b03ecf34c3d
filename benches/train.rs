//! Milliseconds of a training step of whole networks, on one thread: MLP `wide`, depth 50, 784 numbers, batch 100, and the
//! published CNN, depth 20, 32 channels, batch 100.
//!
//!     cargo bench --bench train
//!
//! Timed side by side, in one run: the three products of every layer alone (its output, the gradients of its input and of its
//! weights), which are the floor; this program's loops; the same step by Burn's autodiff on the processor; and PyTorch
//! (`peer/`). All with plain gradient descent, as published.

#![allow(clippy::disallowed_methods, reason = "time is what it tells")]

mod peer;
mod timing;

use std::borrow::Cow;

use burn::tensor::Device;
use entroscope::data::{Dataset, DatasetOptions, Folders};
use entroscope::device::DeviceChoice;
use entroscope::kernels::{Activation, Convolution, Matrix, Patches, Scratch, product};
use entroscope::network::{
    Architecture, AvgPool, Block, CircularPad, Conv2d, Flatten, Init, Layer, Learner, Linear, Network, Pool, Training,
    train,
};
use entroscope::random::Random;
use entroscope::work::{self, InFlight, Plan, Resources, Store, Target};

use peer::Peer;
use timing::{Way, compare, head, timed};

const BATCH: usize = 100;
/// Steps of one measurement, and measurements of each way; the median is reported.
const STEPS: usize = 4;
const ROUNDS: usize = 7;

fn main() -> entroscope::Result<()> {
    // `cargo test` builds and runs benches with its own arguments: one quick round is a test that they run.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_test { 1 } else { ROUNDS };
    let peer = if is_test { None } else { Peer::start() };
    for (title, work, network) in [
        ("MLP wide, depth 50, 784 numbers", "train_mlp", mlp(if is_test { 3 } else { 50 })?),
        ("CNN, depth 20, 32 channels", "train_cnn", cnn(if is_test { 2 } else { 20 })?),
    ] {
        head(&format!("A training step: {title}, batch {BATCH}"));
        let (mut floor, training) = (Floor::new(network.architecture()), Training::new(0));
        let learner =
            |device: Option<&Device>| Learner::new(network.architecture(), arrays(&network)?, &training, device);
        let (mut ours, mut burn) = (learner(None)?, learner(Some(&Device::flex()))?);
        let (x, labels) = images();
        let steps = if is_test { 1 } else { STEPS };
        let step = |learner: &mut Learner| {
            for _ in 0..steps {
                // A failed step would show as a time of nothing.
                drop(std::hint::black_box(learner.step(&x, &labels, 1e-3)));
            }
        };
        let mut ways: Vec<Way<'_>> = vec![
            ("three products", Box::new(|| timed(|| (0..steps).for_each(|_| floor.work())).per(steps))),
            ("this program", Box::new(|| timed(|| step(&mut ours)).per(steps))),
            ("Burn's autodiff", Box::new(|| timed(|| step(&mut burn)).per(steps))),
        ];
        if let Some(peer) = &peer {
            ways.push((peer.name.as_str(), Box::new(|| peer.time(work, 1))));
        }
        compare(1, rounds, ways);
    }
    stacked(if is_test { 2 } else { 16 }, rounds)
}

/// An epoch of networks of one shape, one after another and as one, by Burn's operations on the processor and on libtorch.
fn stacked(networks: usize, rounds: usize) -> entroscope::Result<()> {
    let data =
        Dataset::open("glyphs", &DatasetOptions { size: Some(14), ..DatasetOptions::default() }, &Folders::new(None))?;
    let split = data.train().take(1000)?;
    let sizes = [196, 100, 100, 100, 100, 100, 100, 100, 100, 10];
    let block = |pair: &[usize]| Block::new(vec![Linear::new(pair[0], pair[1]).into(), Activation::Tanh.into()]);
    let blocks = sizes.windows(2).map(block).collect::<entroscope::Result<Vec<Block>>>()?;
    let architecture = Architecture::new(&[196], blocks)?;
    let target = |i: usize| {
        let network = Network::new(architecture.clone(), Init::gaussian(0.5 + 0.2 * i as f64, 0.05, i as u64))?;
        let training = Training { epochs: 1, ..Training::for_network(&network) };
        let trained = train(&network, &split, training)?;
        let missing = || entroscope::Error::new("a trained network without its training");
        let result = trained.training_run().ok_or_else(missing)?.result.clone();
        Ok(Target { point: i.to_string(), result })
    };
    let targets = (0..networks).map(target).collect::<entroscope::Result<Vec<Target>>>()?;
    for name in ["flex:burn", "libtorch"] {
        let Ok(choice) = DeviceChoice::named(name) else { continue };
        head(&format!("An epoch of {networks} networks of 9 layers, 100 wide, batch 100, on {name}"));
        let device = Some(choice.device().clone());
        let run = |most: usize| {
            let Ok(folder) = tempfile::tempdir() else { return };
            let Ok(store) = Store::open(folder.path(), 1 << 30) else { return };
            let plan = Plan::new(targets.clone(), &store, &InFlight::default(), "bench").batched(most, 4e9);
            let resources = Resources { device: device.clone(), threads: 1, memory: 4e9, ..Resources::default() };
            // A failed run would show as a time of nothing.
            drop(std::hint::black_box(work::run(&plan, &store, &resources, &|_| {})));
        };
        let ways: Vec<Way<'_>> =
            vec![("one by one", Box::new(|| timed(|| run(1)))), ("as one", Box::new(|| timed(|| run(usize::MAX))))];
        compare(1, rounds, ways);
    }
    Ok(())
}

fn arrays(network: &Network) -> entroscope::Result<Vec<Vec<f32>>> {
    let mut all = Vec::new();
    for l in 1..=network.architecture().depth() {
        all.extend(network.arrays(l, None)?.into_iter().map(Cow::into_owned));
    }
    Ok(all)
}

fn images() -> (Vec<f32>, Vec<u32>) {
    let mut x = vec![0.0; BATCH * 784];
    Random::new(0, &["bench"]).fill_uniform(&mut x, 0.0, 1.0);
    (x, (0..BATCH as u32).map(|i| i % 10).collect())
}

fn mlp(depth: usize) -> entroscope::Result<Network> {
    let sizes = [vec![784; depth - 1], vec![400, 10]].concat();
    let block = |pair: &[usize]| Block::new(vec![Linear::new(pair[0], pair[1]).into(), Activation::Tanh.into()]);
    let blocks: entroscope::Result<Vec<Block>> = sizes.windows(2).map(block).collect();
    Network::new(Architecture::new(&[784], blocks?)?, Init::gaussian(1.76, 0.05, 0))
}

fn cnn(depth: usize) -> entroscope::Result<Network> {
    let tanh: Layer = Activation::Tanh.into();
    let padded = |inputs, stride| Layer::Conv2d(Conv2d { stride, before: 1, after: 1, ..Conv2d::new(inputs, 32, 3) });
    let valid = Layer::from(Conv2d::new(32, 32, 3));
    let mut layers: Vec<Vec<Layer>> =
        [padded(1, 1), padded(32, 2), padded(32, 2)].map(|conv| vec![conv, tanh.clone()]).into();
    layers.extend(vec![vec![valid.clone(), tanh.clone(), CircularPad { pad: 1 }.into()]; depth - 1]);
    layers.push(vec![valid, tanh.clone(), AvgPool(Pool { kernel: 5, stride: 5, padding: 0 }).into(), Flatten.into()]);
    layers.push(vec![Linear { inputs: 32, outputs: 10, bias: false }.into(), tanh]);
    let blocks: entroscope::Result<Vec<Block>> = layers.into_iter().map(Block::new).collect();
    Network::new(Architecture::new(&[1, 28, 28], blocks?)?, Init::gaussian(1.05, 2e-5, 0))
}

/// The three products of every layer, with arrays of its own; numbers of samples are shared by all.
struct Floor {
    layers: Vec<Products>,
    x: Vec<f32>,
    y: Vec<f32>,
    back: Vec<f32>,
    gradient: Vec<f32>,
    scratch: Scratch,
}

enum Products {
    Linear { inputs: usize, outputs: usize, weight: Vec<f32> },
    Conv { convolution: Convolution, weight: Vec<f32> },
}

impl Floor {
    fn new(net: &Architecture) -> Self {
        let mut layers = Vec::new();
        for (l, block) in net.blocks().iter().enumerate() {
            let mut shape = net.shape(l).to_vec();
            for layer in block.layers() {
                let output = layer.output_shape(&shape).unwrap_or_default();
                match layer {
                    Layer::Linear(Linear { inputs, outputs, .. }) => {
                        let (inputs, outputs) = (*inputs, *outputs);
                        layers.push(Products::Linear { inputs, outputs, weight: vec![0.01; inputs * outputs] });
                    }
                    Layer::Conv2d(conv) => {
                        let patches = Patches {
                            height: shape[1],
                            width: shape[2],
                            channels: shape[0],
                            rows: output[1],
                            columns: output[2],
                            kernel: conv.kernel,
                            stride: conv.stride,
                            dilation: conv.dilation,
                            before: conv.before,
                            circular: conv.circular,
                        };
                        let weight = vec![0.01; conv.outputs * patches.window()];
                        let convolution = Convolution { patches, rows: conv.outputs, groups: 1 };
                        layers.push(Products::Conv { convolution, weight });
                    }
                    _ => {}
                }
                shape = output;
            }
        }
        let largest = BATCH * layers.iter().map(Products::numbers).max().unwrap_or(0);
        let most = layers.iter().map(|layer| layer.weight().len()).max().unwrap_or(0);
        let [x, y, back] = [0.5, 0.25, 0.0].map(|number| vec![number; largest]);
        Self { layers, x, y, back, gradient: vec![0.0; most], scratch: Scratch::default() }
    }

    /// As many as a step has: the first layer's input needs no gradient.
    fn work(&mut self) {
        let Self { layers, x, y, back, gradient, scratch } = self;
        for (i, layer) in layers.iter().enumerate() {
            let gradient = &mut gradient[..layer.weight().len()];
            match layer {
                Products::Linear { inputs, outputs, weight } => {
                    let (y, x) = (&mut y[..BATCH * outputs], &x[..BATCH * inputs]);
                    let matrix = Matrix::new(weight, *outputs, *inputs);
                    product(y, Matrix::new(x, BATCH, *inputs), matrix.transposed());
                    let rows = Matrix::new(y, BATCH, *outputs);
                    product(gradient, rows.transposed(), Matrix::new(x, BATCH, *inputs));
                    if i > 0 {
                        product(&mut back[..BATCH * inputs], rows, matrix);
                    }
                }
                Products::Conv { convolution, weight } => {
                    let (y, x) = (&mut y[..BATCH * convolution.values()], &x[..BATCH * convolution.patches.image()]);
                    convolution.convolve(y, weight, x, scratch);
                    convolution.weight_gradient(gradient, y, x, scratch);
                    if i > 0 {
                        convolution.convolve_transposed(&mut back[..x.len()], weight, y, scratch);
                    }
                }
            }
        }
        std::hint::black_box((y, back, gradient));
    }
}

impl Products {
    fn weight(&self) -> &[f32] {
        match self {
            Self::Linear { weight, .. } | Self::Conv { weight, .. } => weight,
        }
    }

    /// The larger of its input and output.
    fn numbers(&self) -> usize {
        match self {
            Self::Linear { inputs, outputs, .. } => *inputs.max(outputs),
            Self::Conv { convolution, .. } => convolution.values().max(convolution.patches.image()),
        }
    }
}
