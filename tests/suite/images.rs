//! Convolutional and residual networks and their cascades, number by number: narrow ones of PyTorch's (`tests/reference`),
//! and the authors' published program where it is at hand.

use super::reference::Tensors;
use entroscope::cascade::{AdamSolver, Inverse, ReconstructionNet, reconstruct_from};
use entroscope::entropy::Measure;
use entroscope::kernels::Activation;
use entroscope::network::{
    Architecture, AvgPool, Block, CircularPad, Conv2d, Flatten, Layer, Linear, Pool, Residual, forward,
};

fn worst(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

fn tanh() -> Layer {
    Activation::Tanh.into()
}

fn conv(channels: usize) -> Layer {
    Layer::Conv2d(Conv2d::new(channels, channels, 3))
}

/// The layers of a block, and the names of the modules that hold its weights.
type Middle = (Vec<Layer>, Vec<String>);

/// The published stem, `blocks` blocks and the head; the weights' names in the reference file, block by block.
fn published(
    file: &Tensors,
    blocks: usize,
    middle: impl Fn(usize, usize) -> Middle,
) -> (Architecture, Vec<Vec<String>>) {
    let channels = file.shape("net.0.0.weight")[0];
    let side = file.shape("x_test")[3];
    let padded =
        |inputs, stride| Layer::Conv2d(Conv2d { stride, before: 1, after: 1, ..Conv2d::new(inputs, channels, 3) });
    let both = |name: String| vec![format!("{name}.weight"), format!("{name}.bias")];
    let mut layers =
        vec![vec![padded(1, 1), tanh()], vec![padded(channels, 2), tanh()], vec![padded(channels, 2), tanh()]];
    let mut names: Vec<Vec<String>> = (0..3).map(|l| both(format!("net.{l}.0"))).collect();
    for l in 3..blocks + 3 {
        let (block, owners) = middle(l, channels);
        layers.push(block);
        names.push(owners.into_iter().flat_map(both).collect());
    }
    // All that is left of a quarter of the side without the last convolution's edge.
    let kernel = side / 4 - 2;
    let pool = AvgPool(Pool { kernel, stride: kernel, padding: 0 }).into();
    layers.push(vec![conv(channels), tanh(), pool, Flatten.into()]);
    names.push(both(format!("net.{}.0", blocks + 3)));
    layers.push(vec![Linear { inputs: channels, outputs: 10, bias: false }.into(), tanh()]);
    names.push(vec![format!("net.{}.0.weight", blocks + 4)]);
    let blocks = layers.into_iter().map(|layers| Block::new(layers).unwrap()).collect();
    (Architecture::new(&[1, side, side], blocks).unwrap(), names)
}

/// Activations, training steps, reconstructions and entropies; `inverse_names` of the block l, from 0.
fn agrees(file: &Tensors, net: &Architecture, names: &[Vec<String>], inverse_names: impl Fn(usize) -> Vec<String>) {
    let through = |x: Vec<f32>| {
        let mut all = vec![x];
        for (l, block) in net.blocks().iter().enumerate() {
            let arrays = names[l].iter().map(|name| file.f32s(name).into()).collect();
            all.push(forward(block, arrays, &all[l], net.shape(l), &1_usize, |_| Ok(())).unwrap());
        }
        all
    };
    let (train, test) = (through(file.f32s("x_train")), through(file.f32s("x_test")));
    for (l, x) in test.iter().enumerate().skip(1) {
        let difference = worst(x, &file.f32s(&format!("act.{l}")));
        println!("activations {l}: {difference:e}");
        assert!(difference < 1e-6, "activations {l}: {difference:e}");
    }
    let training = AdamSolver { batch: file.shape("x_train")[1], shuffle: false, ..AdamSolver::new(0) };
    let mut nets = Vec::new();
    let depths = net.depth() - 2;
    for l in 0..depths {
        let arrays = |stage: &str| {
            let owners = inverse_names(l).into_iter();
            let names = owners.flat_map(|owner| ["weight", "bias"].map(|name| format!("inv_{stage}.{owner}.{name}")));
            names.map(|name| file.f32s(&name)).collect::<Vec<_>>()
        };
        let inverse = Inverse::for_block(&net.blocks()[l], net.shape(l), net.shape(l + 1)).unwrap();
        let mut trained = ReconstructionNet::new(&inverse, arrays("init"), net.shape(l + 1));
        trained.train(&train[l + 1], &train[l], &training, &1_usize, |_| Ok(())).unwrap();
        for ((tensor, found), expected) in trained.arrays().zip(arrays("final")) {
            let difference = worst(&found, &expected);
            println!("inverse {l} {}: {difference:e}", tensor.name);
            assert!(difference < 1e-6, "{} of inverse {l} ({inverse}): {difference:e}", tensor.name);
        }
        nets.push(trained);
    }
    let x: Vec<&[f32]> = test[1..=depths].iter().map(Vec::as_slice).collect();
    let r = reconstruct_from(&nets, &x, &1_usize, |_| Ok(())).unwrap();
    let (p, [samples, _, side, _]) = (file.f32s("cascade.0"), file.shape("x_test").try_into().unwrap());
    let (relative, differential) = (file.f32s("rel_pure"), file.f64s("diff_shifted"));
    for (k, r) in r.chunks(p.len()).enumerate() {
        let expected = file.f32s(&format!("cascade.{}", k + 1));
        let difference = worst(r, &expected);
        println!("reconstruction from depth {}: {difference:e}", k + 1);
        assert!(difference < 1e-6, "reconstruction from depth {}: {difference:e}", k + 1);
        // On the published program's own tensors: a logarithm magnifies the last bit.
        for (found, expected) in
            Measure::Relative.evaluate(&p, &expected, side * side).iter().zip(&relative[k * samples..])
        {
            assert!((found / f64::from(*expected) - 1.0).abs() < 2e-6, "relative entropy {found} {expected}");
        }
        let found = Measure::Differential.evaluate(&p, &expected, side * side)[0];
        assert!((found - differential[k]).abs() < 5e-7, "differential entropy {found} {}", differential[k]);
    }
}

fn cnn(file: &Tensors) {
    let middle =
        |l, channels| (vec![conv(channels), tanh(), CircularPad { pad: 1 }.into()], vec![format!("net.{l}.0")]);
    let (net, names) = published(file, 3, middle);
    agrees(file, &net, &names, |l| vec![if l < 3 { format!("{l}.0") } else { format!("{l}.0.0") }]);
}

fn resnet(file: &Tensors) {
    let pad: Layer = CircularPad { pad: 1 }.into();
    let middle = |l, channels| {
        let body = vec![conv(channels), pad.clone(), tanh(), conv(channels), pad.clone()];
        let names = vec![format!("net.{l}.sb.0"), format!("net.{l}.sb.3")];
        (vec![Residual { body, projection: Vec::new() }.into(), tanh()], names)
    };
    let (net, names) = published(file, 2, middle);
    let inverses = |l| if l < 3 { vec![format!("{l}.0")] } else { vec![format!("{l}.0"), format!("{l}.3")] };
    agrees(file, &net, &names, inverses);
}

#[test]
fn a_narrow_cnn_is_pytorchs() {
    cnn(&Tensors::read("cnn.safetensors"));
}

#[test]
fn a_narrow_resnet_is_pytorchs() {
    resnet(&Tensors::read("resnet.safetensors"));
}

#[test]
fn the_published_cnn() {
    if let Some(file) = Tensors::read_shared("cnn4.safetensors") {
        cnn(&file);
    }
}

#[test]
fn the_published_resnet() {
    if let Some(file) = Tensors::read_shared("resnet3.safetensors") {
        resnet(&file);
    }
}
