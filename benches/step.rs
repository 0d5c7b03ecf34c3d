//! Milliseconds of a training step of the published cascade, MLP `wide`, depth 20, 784 inputs, batch 64; and of leading
//! 100 samples back from each of 50 depths.
//!
//!     cargo bench --bench step
//!
//! A step is what the published program does with one batch: the network's forward pass, and one step of Adam of each of
//! its 20 reconstruction networks. Timed side by side, in one run: the matrix products alone, which are the floor, this
//! program's loops (block by block, as a plan runs them), the published program's in PyTorch (`peer/`), and the same step
//! in Burn's stock operations. The order is that of each design: ours trains one block over all batches before the next,
//! the others all blocks at every batch.
//!
//! Processor time counts all threads and hardly minds what else the machine does; wall time on two threads minds it.

#![allow(clippy::disallowed_methods, reason = "time, and how many cores there are, is what it tells")]

use std::borrow::Cow;
use std::num::NonZero;

mod peer;
mod timing;

use burn::tensor::{Device, Tensor, TensorData};
use entroscope::cascade::{AdamSolver, Inverse, ReconstructionNet, reconstruct_from};
use entroscope::kernels::{Activation, Adam, Matrix, accumulate, product};
use entroscope::network::{Architecture, Block, Init, Linear, Network, forward};
use entroscope::random::Random;

use peer::Peer;
use timing::{Way, compare, head, timed};

const WIDTH: usize = 784;
const DEPTH: usize = 20;
const BATCH: usize = 64;
/// Steps of one measurement.
const STEPS: usize = 12;
/// Measurements of each; the median is reported.
const ROUNDS: usize = 7;
/// Depths that samples are led back from, and how many of each.
const DEPTHS: usize = 50;
const SAMPLES: usize = 100;

/// Everything that a step needs, made before the clock starts.
struct Setting {
    network: Network,
    weights: Vec<Vec<Vec<f32>>>,
    inverses: Vec<ReconstructionNet>,
    /// `[STEPS × BATCH, WIDTH]`.
    images: Vec<f32>,
}

fn main() -> entroscope::Result<()> {
    // `cargo test` builds and runs benches with its own arguments: one quick round is a test that they run.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_test { 1 } else { ROUNDS };
    let setting = Setting::new(DEPTH, true)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let peer = if is_test { None } else { Peer::start() };
    println!("{cores} cores; medians of {rounds}");
    head(&format!("A training step: MLP wide, depth {DEPTH}, {WIDTH} inputs, batch {BATCH}"));
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| entroscope::Error::new(format!("no threads: {error}")))?;
        let (pool, setting) = (&pool, &setting);
        let mut ways: Vec<Way<'_>> = vec![
            ("matrix products alone", Box::new(move || timed(|| pool.install(|| setting.floor(threads))).per(STEPS))),
            ("this program", Box::new(|| timed(|| pool.install(|| setting.ours())).per(STEPS))),
        ];
        ways.extend(in_python(peer.as_ref(), "mlp", threads));
        ways.push(("Burn's operations", Box::new(|| timed(|| pool.install(|| setting.burn())).per(STEPS))));
        compare(threads, rounds, ways);
    }
    let depths = if is_test { 5 } else { DEPTHS };
    head(&format!("Leading {SAMPLES} samples back from each of {depths} depths, 784 wide"));
    let setting = Setting::new(depths, false)?;
    let x = vec![0.25; SAMPLES * WIDTH];
    let x = vec![x.as_slice(); depths];
    for threads in [1_usize, 2] {
        let (setting, x) = (&setting, &x);
        let mut ways: Vec<Way<'_>> = vec![
            ("matrix products alone", Box::new(move || timed(|| setting.products_back(threads)))),
            (
                "this program",
                Box::new(move || timed(|| drop(reconstruct_from(&setting.inverses, x, &threads, |_| Ok(()))))),
            ),
        ];
        ways.extend(in_python(peer.as_ref(), "reconstruct", threads));
        compare(threads, rounds, ways);
    }
    Ok(())
}

/// The published program's way, where there is a PyTorch.
fn in_python<'a>(peer: Option<&'a Peer>, work: &'static str, threads: usize) -> Option<Way<'a>> {
    peer.map(|peer| -> Way<'a> { (peer.name.as_str(), Box::new(move || peer.time(work, threads))) })
}

impl Setting {
    /// So many blocks, the last of them 400 and 10 outputs wide where there is a head.
    fn new(depth: usize, head: bool) -> entroscope::Result<Self> {
        let sizes: Vec<usize> =
            if head { [vec![WIDTH; depth - 1], vec![400, 10]].concat() } else { vec![WIDTH; depth + 1] };
        let block = |pair: &[usize]| {
            let linear = Linear::new(pair[0], pair[1]).into();
            Block::new(vec![linear, Activation::Tanh.into()])
        };
        let blocks: entroscope::Result<Vec<Block>> = sizes.windows(2).map(block).collect();
        let init = Init::gaussian(1.76, 0.05, 0);
        let network = Network::new(Architecture::new(&[WIDTH], blocks?)?, init)?;
        let architecture = network.architecture();
        let (mut weights, mut inverses) = (Vec::new(), Vec::new());
        for (l, block) in (1..).zip(architecture.blocks()) {
            weights.push(network.arrays(l, None)?.into_iter().map(Cow::into_owned).collect());
            let inverse = Inverse::for_block(block, architecture.shape(l - 1), architecture.shape(l))?;
            inverses.push(ReconstructionNet::initial(&inverse, architecture.shape(l), 0, l));
        }
        let mut images = vec![0.0; STEPS * BATCH * WIDTH];
        Random::new(0, &["bench"]).fill_uniform(&mut images, 0.0, 1.0);
        Ok(Self { network, weights, inverses, images })
    }

    /// Forward pass and training block by block; on several threads, blocks are trained while the pass goes on.
    fn ours(&self) {
        let mut x = std::sync::Arc::new(self.images.clone());
        rayon::scope(|scope| {
            for (l, (block, weights)) in self.network.architecture().blocks().iter().zip(&self.weights).enumerate() {
                let weights = weights.iter().map(|array| array.as_slice().into()).collect();
                let next = forward(block, weights, &x, self.network.architecture().shape(l), &1_usize, |_| Ok(()));
                let next = std::sync::Arc::new(next.unwrap_or_default());
                let (inverse, input, output) = (self.inverses[l].clone(), x, next.clone());
                scope.spawn(move |_| {
                    let mut inverse = inverse;
                    // Nothing can stop it: `advance` never says so.
                    let _ = inverse.train(&output, &input, &AdamSolver::new(0), &1_usize, |_| Ok(()));
                    std::hint::black_box(inverse);
                });
                x = next;
            }
        });
    }

    /// The three products of every block and batch: forward, reconstruction, gradient. On several threads, blocks side
    /// by side.
    fn floor(&self, threads: usize) {
        let block = |weights: &Vec<Vec<f32>>| {
            let (inputs, outputs) = (weights[0].len() / weights[1].len(), weights[1].len());
            let x = &self.images[..BATCH * inputs];
            let weight = Matrix::new(&weights[0], outputs, inputs);
            let mut y = vec![0.0; BATCH * outputs];
            let mut z = vec![0.0; BATCH * inputs];
            let mut gradient = vec![0.0; inputs * outputs];
            for _ in 0..STEPS {
                accumulate(&mut y, Matrix::new(x, BATCH, inputs), weight.transposed());
                accumulate(&mut z, Matrix::new(&y, BATCH, outputs), weight);
                product(&mut gradient, Matrix::new(&y, BATCH, outputs).transposed(), Matrix::new(x, BATCH, inputs));
                y.fill(0.0);
            }
            std::hint::black_box((&z, &gradient));
        };
        if threads == 1 {
            self.weights.iter().for_each(block);
        } else {
            rayon::scope(|scope| self.weights.iter().for_each(|weights| scope.spawn(move |_| block(weights))));
        }
    }

    /// The products that lead back: those of the samples that have joined, at every block, some columns a thread.
    fn products_back(&self, threads: usize) {
        let weight: Vec<f32> = self.inverses[0].arrays().next().map(|(_, weight)| weight).unwrap_or_default();
        let mut numbers = vec![0.25; 2 * self.inverses.len() * SAMPLES * WIDTH];
        let (x, y) = numbers.split_at_mut(self.inverses.len() * SAMPLES * WIDTH);
        for joined in 1..=self.inverses.len() {
            let all = joined * SAMPLES * WIDTH;
            let some = (joined * SAMPLES).div_ceil(threads) * WIDTH;
            std::thread::scope(|scope| {
                for (x, y) in x[..all].chunks(some).zip(y[..all].chunks_mut(some)) {
                    let weight = Matrix::new(&weight, WIDTH, WIDTH).transposed();
                    scope.spawn(move || product(y, Matrix::new(x, x.len() / WIDTH, WIDTH), weight));
                }
            });
        }
        std::hint::black_box(&numbers);
    }

    /// The same steps as one writes them with Burn, gradients by hand.
    fn burn(&self) {
        let device = Device::flex();
        let matrix = |numbers: &[f32], rows: usize, columns: usize| {
            Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), [rows, columns]), &device)
        };
        // As Burn's own Linear keeps it: [inputs, outputs].
        let linear = |weight: &[f32], bias: &[f32]| {
            let weight = matrix(weight, bias.len(), weight.len() / bias.len()).transpose();
            (weight, matrix(bias, 1, bias.len()))
        };
        let network: Vec<(Tensor<2>, Tensor<2>)> =
            self.weights.iter().map(|weights| linear(&weights[0], &weights[1])).collect();
        let trained = |chain: &ReconstructionNet| {
            let arrays: Vec<Vec<f32>> = chain.arrays().map(|(_, array)| array).collect();
            let (weight, bias) = linear(&arrays[0], &arrays[1]);
            [Trained::new(weight), Trained::new(bias)]
        };
        let mut cascade: Vec<[Trained; 2]> = self.inverses.iter().map(trained).collect();
        for (step, batch) in (1..).zip(self.images.chunks(BATCH * WIDTH)) {
            let mut x = matrix(batch, BATCH, WIDTH);
            for ((weight, bias), [v, c]) in network.iter().zip(&mut cascade) {
                let y = (x.clone().matmul(weight.clone()) + bias.clone()).tanh();
                let r = (y.clone().matmul(v.value.clone()) + c.value.clone()).tanh();
                let numbers = (BATCH * x.dims()[1]) as f32;
                let slope = r.clone().square().neg().add_scalar(1.0);
                let g = (r - x) * slope * (2.0 / numbers);
                v.step(step, y.clone().transpose().matmul(g.clone()));
                c.step(step, g.sum_dim(0));
                x = y;
            }
        }
        // Burn may compute late: ask for the numbers.
        cascade.into_iter().flatten().for_each(|trained| drop(std::hint::black_box(trained.value.into_data())));
    }
}

/// A tensor with Adam's moments, in Burn's operations.
struct Trained {
    value: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
}

impl Trained {
    fn new(value: Tensor<2>) -> Self {
        let zero = Tensor::zeros(value.dims(), &value.device());
        Self { value, first: zero.clone(), second: zero }
    }

    fn step(&mut self, step: i32, gradient: Tensor<2>) {
        let Adam { learning_rate, beta_1, beta_2, epsilon } = Adam::default();
        self.first = self.first.clone() * beta_1 + gradient.clone() * (1.0 - beta_1);
        self.second = self.second.clone() * beta_2 + gradient.square() * (1.0 - beta_2);
        let first = self.first.clone() / (1.0 - beta_1.powi(step));
        let second = self.second.clone() / (1.0 - beta_2.powi(step));
        self.value = self.value.clone() - first / (second.sqrt() + epsilon) * learning_rate;
    }
}
