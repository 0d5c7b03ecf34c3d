//! Ridge regression: the map that it finds is the best there is, for every kind of inverse.

use entroscope::cascade::{Cascade, ReconstructionNet, Ridge};
use entroscope::data::{Dataset, DatasetOptions, Folders, Split};
use entroscope::kernels::Activation;
use entroscope::network::{
    Architecture, Block, Conv2d, ConvTranspose2d, Flatten, Init, Layer, Linear, Network, Permute, Reshape, Residual,
    activations,
};
use entroscope::random::Random;
use entroscope::work::{self, Described, InFlight, Plan, Resources, Store, Target, Value};

const SIDE: usize = 14;

fn images(n: usize) -> Split {
    let options = DatasetOptions { size: Some(SIDE), ..DatasetOptions::default() };
    Dataset::open("glyphs", &options, &Folders::new(None)).unwrap().train().take(n).unwrap()
}

pub fn computed(wanted: &[Described]) -> Vec<std::sync::Arc<Value>> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1e9 as u64).unwrap();
    let targets = wanted.iter().map(|result| Target { point: "test".into(), result: result.clone() }).collect();
    let plan = Plan::new(targets, &store, &InFlight::default(), "flex/f32");
    let resources = Resources { threads: 2, memory: 1e10, ..Resources::default() };
    work::run(&plan, &store, &resources, &|_| {}).0.into_iter().map(|result| result.unwrap()).collect()
}

fn tanh() -> Layer {
    Activation::Tanh.into()
}

/// Channels and height exchanged.
fn turn() -> Layer {
    Permute::new(&[1, 0, 2]).unwrap().into()
}

fn pixelwise(channels: usize) -> Layer {
    Layer::Conv2d(Conv2d::new(channels, channels, 1))
}

fn network(blocks: Vec<Vec<Layer>>) -> Network {
    let blocks = blocks.into_iter().map(|layers| Block::new(layers).unwrap()).collect();
    let net = Architecture::new(&[1, SIDE, SIDE], blocks).unwrap();
    Network::new(net, Init::gaussian(1.5, 0.05, 3)).unwrap()
}

/// The activation that block `l`'s reconstruction ends in.
fn function(cascade: &Cascade, l: usize) -> Activation {
    cascade.inverse(l).last_activation().unwrap_or(Activation::Identity)
}

/// The mean over rows of |W x + b − z|², and λ |W|²; z is what the activation made the target from, and the arrays are W
/// and b times each output's factor.
fn objective(
    cascade: &Cascade,
    l: usize,
    arrays: &[Vec<f32>],
    factor: &[f64],
    lambda: f64,
    x: &[f32],
    target: &[f32],
) -> f64 {
    let net = cascade.network().architecture();
    let inverse = ReconstructionNet::new(cascade.inverse(l), arrays.to_vec(), net.shape(l));
    let mut made = inverse.apply(x, &1_usize).unwrap();
    let mut target = target.to_vec();
    [&mut made, &mut target].into_iter().for_each(|numbers| function(cascade, l).invert(numbers));
    let outputs = arrays[1].len();
    let pixels = net.width(l - 1) / outputs;
    let of = |i: usize| factor[i / pixels % outputs];
    let pairs = made.iter().zip(&target).enumerate();
    let squares: f64 = pairs.map(|(i, (a, b))| (f64::from(*a) / of(i) - f64::from(*b)).powi(2)).sum();
    squares / (target.len() / outputs) as f64 + lambda * weight_square(cascade, l, arrays, factor)
}

/// |W|².
fn weight_square(cascade: &Cascade, l: usize, arrays: &[Vec<f32>], factor: &[f64]) -> f64 {
    let shape = &cascade.param_specs(l)[0].shape;
    // A linear layer and a convolution have their outputs first, a transposed convolution second.
    let transposed = cascade.inverse(l).layers().iter().any(|layer| matches!(layer, Layer::ConvTranspose2d(_)));
    let behind: usize = shape[1..].iter().product();
    let output = |i: usize| if transposed { i % behind / (behind / shape[1]) } else { i / behind };
    arrays[0].iter().enumerate().map(|(i, w)| (f64::from(*w) / factor[output(i)]).powi(2)).sum()
}

#[test]
fn no_other_map_is_better() {
    let padded = |inputs, stride| Layer::Conv2d(Conv2d { stride, before: 1, after: 1, ..Conv2d::new(inputs, 4, 3) });
    let keeping = Layer::Conv2d(Conv2d { before: 1, after: 1, ..Conv2d::new(4, 4, 3) });
    let net = network(vec![
        vec![padded(1, 1), tanh()],
        vec![padded(4, 2), tanh()],
        vec![Residual { body: vec![keeping.clone(), tanh(), keeping], projection: Vec::new() }.into(), tanh()],
        vec![ConvTranspose2d(Conv2d { stride: 2, ..Conv2d::new(4, 2, 2) }).into(), tanh()],
        vec![Flatten.into()],
        vec![Linear::new(2 * SIDE * SIDE, 30).into(), tanh()],
        vec![Linear::new(30, 40).into(), tanh(), Linear::new(40, 30).into(), tanh()],
        vec![Reshape { shape: vec![5, 3, 2] }.into()],
        vec![Layer::Conv2d(Conv2d { groups: 5, ..Conv2d::new(5, 5, 1) }), tanh()],
        // No map of pixels or of channels leads back, only one of all numbers.
        vec![turn(), pixelwise(3), turn(), pixelwise(5)],
        // A map of pixels, and a permutation behind it.
        vec![turn(), pixelwise(3), turn()],
    ]);
    let split = images(120);
    let cascade = Cascade::new(net.clone(), split.clone(), Ridge::new(1e-2)).unwrap();
    for l in [1, 2, 3, 4, 6, 7, 9, 10, 11] {
        let results = computed(&[cascade.block(l), activations(&net, &split, l), activations(&net, &split, l - 1)]);
        let names: Vec<String> = cascade.param_specs(l).into_iter().map(|tensor| tensor.name).collect();
        let best: Vec<Vec<f32>> = names.iter().map(|name| results[0].f32s(name).unwrap().1.to_vec()).collect();
        let (x, target) = (results[1].f32s("x").unwrap().1, results[2].f32s("x").unwrap().1);
        let lambda = results[0].f64s("lambda").unwrap().1[0];
        let factor = results[0].f64s("factor").unwrap().1;
        let at = |arrays: &[Vec<f32>]| objective(&cascade, l, arrays, factor, lambda, x, target);
        let least = at(&best);
        let mut undone = target.to_vec();
        function(&cascade, l).invert(&mut undone);
        let mean_square = undone.iter().map(|t| f64::from(*t).powi(2)).sum::<f64>() / undone.len() as f64;
        let ends_in_tanh = l > 1 && l < 11;
        let expected = if ends_in_tanh { Activation::Tanh } else { Activation::Identity };
        assert_eq!(function(&cascade, l), expected, "block {l}");
        let is_factor = |factor: &f64| if ends_in_tanh { *factor < 1.0 && *factor > 0.1 } else { *factor == 1.0 };
        assert!(factor.iter().all(is_factor), "block {l}: {factor:?}");
        let loss = results[0].f64s("loss").unwrap().1[0];
        assert!(loss < mean_square, "block {l} learns something: {loss} of {mean_square}");
        let said = loss * best[1].len() as f64 + lambda * weight_square(&cascade, l, &best, factor);
        assert!((said / least - 1.0).abs() < 1e-4, "block {l} says {said}, is {least}");
        for direction in 0..6_u64 {
            // From the minimum every way leads up, and as steeply forth as back.
            let [forth, back] = [0.01_f32, -0.01].map(|size| {
                let moved: Vec<Vec<f32>> = best
                    .iter()
                    .enumerate()
                    .map(|(i, array)| {
                        let mut step = vec![0.0; array.len()];
                        Random::new(direction, &["ridge", &i.to_string()]).fill_normal(&mut step, 1.0);
                        array.iter().zip(step).map(|(w, d)| w + size * d).collect()
                    })
                    .collect();
                at(&moved) - least
            });
            assert!(forth > 0.0 && back > 0.0, "block {l}: {forth:e} {back:e} beside {least:e}");
            assert!((forth / back - 1.0).abs() < 1e-2, "block {l} is not at the minimum: {forth:e} {back:e}");
        }
    }
}

#[test]
fn without_lambda_dependent_activations_are_an_error_and_two_layers_are_named() {
    // More numbers than samples: their covariance has no inverse.
    let net = network(vec![vec![Flatten.into()], vec![Linear::new(196, 196).into()]]);
    let cascade = Cascade::new(net.clone(), images(20), Ridge::new(0.0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1e9 as u64).unwrap();
    let targets = vec![Target { point: "test".into(), result: cascade.block(2) }];
    let plan = Plan::new(targets, &store, &InFlight::default(), "flex/f32");
    let resources = Resources { threads: 1, memory: 1e10, ..Resources::default() };
    let error = work::run(&plan, &store, &resources, &|_| {}).0.remove(0).unwrap_err();
    assert!(error.message.contains("linearly dependent") && error.message.contains("block 2"), "{}", error.message);
    assert!(Cascade::new(net, images(20), Ridge::new(-1.0)).is_err());
    let back: Vec<Layer> = vec![
        Linear::new(8, 196).into(),
        Reshape { shape: vec![1, SIDE, SIDE] }.into(),
        Layer::Conv2d(Conv2d { before: 1, after: 1, ..Conv2d::new(1, 1, 3) }),
    ];
    let block = Block::new(vec![Flatten.into(), Linear::new(196, 8).into()]).unwrap().with_inverse(back);
    let both = Architecture::new(&[1, SIDE, SIDE], vec![block]).unwrap();
    let both = Network::new(both, Init::gaussian(1.5, 0.05, 3)).unwrap();
    let error = Cascade::new(both, images(20), Ridge::new(1e-3)).unwrap_err();
    assert!(error.message.contains("one linear map"), "{}", error.message);
}
