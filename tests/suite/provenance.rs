//! What results say that they rest on: networks, solvers, data and seeds.

use entroscope::cascade::{AdamSolver, Cascade, Ridge, Solver, reconstruct};
use entroscope::data::{Dataset, DatasetOptions, Folders, Split};
use entroscope::entropy::{Measure, curve};
use entroscope::kernels::Activation;
use entroscope::network::{
    Architecture, Block, Conv2d, Distribution, Flatten, Init, Layer, Linear, Loss, Network, Optimizer, Residual,
    Scheme, Schemes, Training, Variance, accuracy, train,
};

const SIDE: usize = 7;
const WIDTH: usize = SIDE * SIDE;

fn glyphs(n: usize) -> Split {
    let options = DatasetOptions { size: Some(SIDE), ..DatasetOptions::default() };
    Dataset::open("glyphs", &options, &Folders::new(None)).unwrap().train().take(n).unwrap()
}

fn block(outputs: usize, function: Activation) -> Block {
    Block::new(vec![Linear::new(WIDTH, outputs).into(), function.into()]).unwrap()
}

fn network(blocks: Vec<Block>) -> Network {
    let init = Init::gaussian(1.5, 0.05, 3);
    Network::new(Architecture::new(&[WIDTH], blocks).unwrap(), init).unwrap()
}

fn deep(depth: usize, function: Activation) -> Network {
    let mut blocks = vec![block(WIDTH, function); depth - 1];
    blocks.push(block(10, Activation::Sigmoid));
    network(blocks)
}

fn cascade(network: Network, solver: impl Solver) -> Cascade {
    Cascade::new(network, glyphs(20), solver).unwrap()
}

#[test]
fn an_entropy_names_its_network_solver_data_seeds_and_reconstruction() {
    let net = deep(400, Activation::Tanh);
    let adam = AdamSolver { seed: 8, ..AdamSolver::for_network(&net) };
    let probe = cascade(net, adam);
    let entropy = curve(&probe, &glyphs(5), 399, Measure::Differential).unwrap();
    let found = entropy.provenance();
    let [origin] = &found.networks[..] else { panic!("{found:?}") };
    assert_eq!(origin.summary, "400 blocks from [49] to [10], weight_var 1.5, bias_var 0.05, seed 3");
    assert_eq!(origin.activation, Some(Activation::Tanh));
    assert_eq!((origin.weight_var, origin.bias_var), (Some(1.5), Some(0.05)));
    assert_eq!(found.solvers, ["Adam, 1 epoch"]);
    assert_eq!(found.data, [glyphs(20).to_string(), glyphs(5).to_string()]);
    assert!(found.seeds.contains(&3) && found.seeds.contains(&8), "{:?}", found.seeds);
    let reconstruction = reconstruct(&probe, &glyphs(5), 399).unwrap();
    assert_eq!(found.reconstruction, Some(reconstruction.fingerprint()));
    assert_eq!(reconstruction.provenance(), found);
    let block = cascade(deep(3, Activation::Relu), Ridge::new(0.7)).block(2);
    assert_eq!(block.provenance().solvers, ["ridge regression, λ = 0.7"]);
    assert_eq!(block.provenance().reconstruction, None);
}

#[test]
fn a_trained_network_says_so_and_keeps_the_seeds_that_it_began_with() {
    let training = Training {
        epochs: 2,
        batch: 10,
        optimizer: Optimizer::sgd(0.1),
        loss: Loss::CrossEntropy,
        seed: 11,
        shuffle: true,
        ..Training::new(11)
    };
    let trained = train(&deep(3, Activation::Tanh), &glyphs(20), training).unwrap();
    let found = accuracy(&trained, &glyphs(5)).unwrap();
    let found = found.provenance();
    let [origin] = &found.networks[..] else { panic!("{found:?}") };
    assert!(origin.summary.contains("trained 2 epochs on 20 samples of glyphs"), "{}", origin.summary);
    assert_eq!((&origin.activation, origin.weight_var), (&Some(Activation::Tanh), None));
    assert!(found.seeds.contains(&3) && found.seeds.contains(&11), "{:?}", found.seeds);
    assert_eq!(found.data, [glyphs(20).to_string(), glyphs(5).to_string()]);
}

#[test]
fn schemes_are_named_with_the_variance_that_theory_takes() {
    let of = |weights: Schemes| {
        let architecture = deep(4, Activation::Tanh).architecture().clone();
        let init = Init { weights, ..Init::gaussian(1.0, 0.05, 3) };
        Network::new(architecture, init).unwrap().provenance().networks.remove(0)
    };
    let orthogonal = of(Schemes::All(Scheme::Orthogonal { gain: 1.5 }));
    assert_eq!(orthogonal.scheme.as_deref(), Some("orthogonal(1.5)"));
    assert!((orthogonal.weight_var.unwrap() - 2.25).abs() < 1e-12);
    assert_eq!(orthogonal.bias_var, Some(0.05));
    assert!(orthogonal.summary.ends_with("weights orthogonal(1.5), bias_var 0.05, seed 3"), "{}", orthogonal.summary);
    let glorot = Scheme::Independent { distribution: Distribution::Uniform, variance: Variance::Glorot };
    let glorot = of(Schemes::All(glorot));
    assert_eq!((glorot.scheme, glorot.weight_var), (None, Some(1.0)));
    let rising = of(Schemes::by_block((1..=4).map(|l| Scheme::gaussian(f64::from(l))).collect()));
    assert_eq!((rising.scheme, rising.weight_var, rising.bias_var), (None, None, Some(0.05)));
}

#[test]
fn hidden_blocks_share_an_activation_or_have_none() {
    let shared = |blocks: Vec<Block>| network(blocks).architecture().hidden_activation();
    let (tanh, relu) = (|| block(WIDTH, Activation::Tanh), || block(WIDTH, Activation::Relu));
    let bare = || Block::new(vec![Linear::new(WIDTH, WIDTH).into()]).unwrap();
    let flat = || Block::new(vec![Flatten.into()]).unwrap();
    assert_eq!(shared(vec![tanh(), tanh(), relu()]), Some(Activation::Tanh));
    assert_eq!(shared(vec![relu()]), Some(Activation::Relu));
    assert_eq!(shared(vec![tanh(), flat(), tanh(), bare()]), Some(Activation::Tanh));
    assert_eq!(shared(vec![tanh(), relu(), bare()]), None);
    assert_eq!(shared(vec![tanh(), bare(), bare()]), None);
    let conv: Layer = Conv2d { before: 1, after: 1, ..Conv2d::new(1, 1, 3) }.into();
    let residual = |inner: Activation| {
        let body = vec![conv.clone(), inner.into(), conv.clone()];
        let layers = vec![Residual { body, projection: Vec::new() }.into(), Activation::Tanh.into()];
        let blocks = vec![Block::new(layers).unwrap(), Block::new(vec![conv.clone()]).unwrap()];
        Architecture::new(&[1, SIDE, SIDE], blocks).unwrap().hidden_activation()
    };
    assert_eq!(residual(Activation::Tanh), Some(Activation::Tanh));
    assert_eq!(residual(Activation::Relu), None);
}
