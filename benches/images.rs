//! Milliseconds of convolutional networks: a training step of the published cascades, beside PyTorch (`peer/`), and VGG16's
//! forward pass.
//!
//!     cargo bench --bench images
//!
//! A step is what the published program does with one batch of 100: the network's forward pass, and one step of Adam of
//! each of its reconstruction networks. CNN: depth 20, 32 channels; ResNet: 10 blocks, 32 channels; 28×28 pixels. VGG16
//! sees 224×224 pixels.
//!
//! GFLOP/s tells how near a loop is to the machine's best, which a product of two large matrices tells at the top: what
//! is counted are the products of the layers, not how they are gathered and spread. Processor time counts all threads.

#![allow(clippy::disallowed_methods, reason = "time is what it tells")]

use std::borrow::Cow;
use std::sync::Arc;

use entroscope::cascade::{AdamSolver, Inverse, ReconstructionNet};
use entroscope::kernels::{Activation, Matrix, product};
use entroscope::network::{
    Architecture, Block, CircularPad, Conv2d, Flatten, Init, Layer, Linear, MaxPool, Network, Pool, Residual, forward,
};
use entroscope::random::Random;

mod peer;
mod timing;

use peer::Peer;
use timing::{Took, timed};

const BATCH: usize = 100;
/// Steps of one measurement.
const STEPS: usize = 4;
/// Measurements of each; the median is reported.
const ROUNDS: usize = 5;

fn main() -> entroscope::Result<()> {
    // `cargo test` builds and runs benches with its own arguments: one quick round is a test that they run.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_test { 1 } else { ROUNDS };
    let peer = if is_test { None } else { Peer::start() };
    println!("batch {BATCH}, 32 channels, medians of {rounds} × {STEPS} steps");
    println!("{:34} {:>8} {:>10} {:>14} {:>10}", "", "threads", "ms", "processor ms", "GFLOP/s");
    let tell = |name: &str, threads: usize, took: Took, operations: f64| {
        let speed = operations / took.wall / 1e6;
        println!("{name:34} {threads:8} {:10.1} {:14.1} {speed:10.1}", took.wall, took.processor);
    };
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| entroscope::Error::new(format!("no threads: {error}")))?;
        // No power of two: rows that lie so far apart share few places in a cache.
        let size: usize = if is_test { 64 } else { 1000 };
        let square = vec![0.5; size * size];
        let large = || {
            let mut outs = vec![vec![0.0; size * size]; threads];
            pool.scope(|scope| {
                for out in &mut outs {
                    scope.spawn(|_| product(out, Matrix::new(&square, size, size), Matrix::new(&square, size, size)));
                }
            });
            std::hint::black_box(&outs);
        };
        let large: Vec<Took> = (0..3 * rounds).map(|_| timed(large)).collect();
        tell("product of large matrices", threads, Took::median(&large), (2 * threads * size.pow(3)) as f64);
        for (name, work, residual, blocks) in
            [("CNN, depth 20", "cnn", false, 19), ("ResNet, 10 blocks", "resnet", true, 9)]
        {
            let cascade = Cascade::new(published(residual, if is_test { 1 } else { blocks })?, is_test)?;
            let steps = cascade.images.len() / 784 / BATCH;
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(timed(|| drop(pool.install(|| cascade.train()))).per(steps));
                theirs.extend(peer.iter().map(|peer| peer.time(work, threads)));
            }
            let operations = cascade.operations() * BATCH as f64;
            tell(name, threads, Took::median(&ours), operations);
            if let Some(peer) = &peer {
                tell(&format!("  {}", peer.name), threads, Took::median(&theirs), operations);
            }
        }
    }
    for (samples, threads) in [(1, 1), (4, 1), (4, 2)] {
        let network = vgg16(if is_test { 64 } else { 1 })?;
        let mut images = vec![0.0; samples * network.architecture().width(0)];
        Random::new(0, &["bench"]).fill_uniform(&mut images, -2.0, 2.0);
        let weights: Vec<Vec<Vec<f32>>> =
            (1..=network.architecture().depth()).map(|l| arrays(&network, l)).collect::<Result<_, _>>()?;
        let passes = (0..rounds).map(|_| timed(|| drop(pass(network.architecture(), &weights, &images, threads))));
        let took = Took::median(&passes.collect::<Vec<_>>());
        let operations: f64 = (1..=network.architecture().depth()).map(|l| network.architecture().operations(l)).sum();
        tell(&format!("VGG16 forward, batch {samples}"), threads, took, operations * samples as f64);
    }
    Ok(())
}

fn arrays(network: &Network, l: usize) -> entroscope::Result<Vec<Vec<f32>>> {
    Ok(network.arrays(l, None)?.into_iter().map(Cow::into_owned).collect())
}

fn pass(net: &Architecture, weights: &[Vec<Vec<f32>>], images: &[f32], threads: usize) -> entroscope::Result<Vec<f32>> {
    let mut x = images.to_vec();
    for (l, block) in net.blocks().iter().enumerate() {
        let arrays = weights[l].iter().map(|array| array.as_slice().into()).collect();
        x = forward(block, arrays, &x, net.shape(l), &threads, |_| Ok(()))?;
    }
    Ok(x)
}

/// The published networks' stem and blocks, without their heads, which have no part in a published cascade.
fn published(residual: bool, blocks: usize) -> entroscope::Result<Network> {
    let tanh: Layer = Activation::Tanh.into();
    let (valid, pad) = (Layer::from(Conv2d::new(32, 32, 3)), Layer::from(CircularPad { pad: 1 }));
    let padded = |inputs, stride| Layer::Conv2d(Conv2d { stride, before: 1, after: 1, ..Conv2d::new(inputs, 32, 3) });
    let mut layers: Vec<Vec<Layer>> =
        [padded(1, 1), padded(32, 2), padded(32, 2)].map(|conv| vec![conv, tanh.clone()]).into();
    let body = vec![valid.clone(), pad.clone(), tanh.clone(), valid.clone(), pad.clone()];
    let block =
        if residual { vec![Residual { body, projection: Vec::new() }.into(), tanh] } else { vec![valid, tanh, pad] };
    layers.extend(vec![block; blocks]);
    let blocks: entroscope::Result<Vec<Block>> = layers.into_iter().map(Block::new).collect();
    let init = Init::gaussian(1.05, 2e-5, 0);
    Network::new(Architecture::new(&[1, 28, 28], blocks?)?, init)
}

/// torchvision's configuration D; `narrow` divides all channels.
fn vgg16(narrow: usize) -> entroscope::Result<Network> {
    let relu: Layer = Activation::Relu.into();
    let mut layers = Vec::new();
    let mut inputs = 3;
    for (outputs, convs) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
        for _ in 0..convs {
            let conv = Conv2d { before: 1, after: 1, ..Conv2d::new(inputs, outputs / narrow, 3) };
            layers.push(vec![Layer::Conv2d(conv), relu.clone()]);
            inputs = outputs / narrow;
        }
        layers.push(vec![MaxPool(Pool { kernel: 2, stride: 2, padding: 0 }).into()]);
    }
    layers.push(vec![Flatten.into()]);
    let mut inputs = inputs * 49;
    for outputs in [4096 / narrow, 4096 / narrow, 1000] {
        layers.push(vec![Linear::new(inputs, outputs).into(), relu.clone()]);
        inputs = outputs;
    }
    let blocks: entroscope::Result<Vec<Block>> = layers.into_iter().map(Block::new).collect();
    Network::new(Architecture::new(&[3, 224, 224], blocks?)?, Init::gaussian(2.0, 0.0, 0))
}

struct Cascade {
    network: Network,
    weights: Vec<Vec<Vec<f32>>>,
    chains: Vec<ReconstructionNet>,
    images: Vec<f32>,
}

impl Cascade {
    fn new(network: Network, is_test: bool) -> entroscope::Result<Self> {
        let net = network.architecture().clone();
        let (mut weights, mut chains) = (Vec::new(), Vec::new());
        for (l, block) in (1..).zip(net.blocks()) {
            weights.push(arrays(&network, l)?);
            chains.push(ReconstructionNet::initial(
                &Inverse::for_block(block, net.shape(l - 1), net.shape(l))?,
                net.shape(l),
                0,
                l,
            ));
        }
        let mut images = vec![0.0; if is_test { 1 } else { STEPS } * BATCH * 784];
        Random::new(0, &["bench"]).fill_uniform(&mut images, 0.0, 1.0);
        Ok(Self { network, weights, chains, images })
    }

    /// Forward pass and training block by block; on several threads, blocks are trained while the pass goes on.
    fn train(&self) -> entroscope::Result<()> {
        let net = self.network.architecture();
        let mut x = Arc::new(self.images.clone());
        rayon::scope(|scope| {
            for (l, block) in net.blocks().iter().enumerate() {
                let arrays = self.weights[l].iter().map(|array| array.as_slice().into()).collect();
                let next = Arc::new(forward(block, arrays, &x, net.shape(l), &1_usize, |_| Ok(()))?);
                let (mut chain, input, output) = (self.chains[l].clone(), x, next.clone());
                scope.spawn(move |_| {
                    // Nothing can stop it: `advance` never says so.
                    let _ = chain.train(
                        &output,
                        &input,
                        &AdamSolver { batch: BATCH, ..AdamSolver::new(0) },
                        &1_usize,
                        |_| Ok(()),
                    );
                    std::hint::black_box(chain);
                });
                x = next;
            }
            Ok(())
        })
    }

    /// Floating-point operations for one sample: forward, back, and the gradients of the weights, and those that pass
    /// where an inverse has two layers with weights.
    fn operations(&self) -> f64 {
        let net = self.network.architecture();
        let of_block = |l: usize| {
            let both = if self.chains[l - 1].arrays().count() > 2 { 2.5 } else { 2.0 };
            net.operations(l) + both * self.chains[l - 1].operations()
        };
        (1..=net.depth()).map(of_block).sum()
    }
}
