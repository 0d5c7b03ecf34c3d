//! Convolutional and residual networks, number by number: the authors' published program (reference/README.md:
//! `cnn4.safetensors`, `resnet3.safetensors`).

use super::reference::{self, Tensors};
use entroscope::cascade::{Chain, Inverse, Training, reconstruct_from};
use entroscope::entropy::Measure;
use entroscope::kernels::Activation;
use entroscope::network::{Architecture, Block, Conv2d, Layer, Pool, forward};

const CHANNELS: usize = 6;

fn worst(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

fn tanh() -> Layer {
    Layer::Activation { function: Activation::Tanh }
}

fn conv(inputs: usize) -> Layer {
    Layer::Conv2d(Conv2d::new(inputs, CHANNELS, 3))
}

/// The published stem, blocks and head; the weights' names in the reference file, block by block.
fn published(middle: impl Fn(usize) -> (Vec<Layer>, Vec<String>), depth: usize) -> (Architecture, Vec<Vec<String>>) {
    let padded =
        |inputs, stride| Layer::Conv2d(Conv2d { stride, before: 1, after: 1, ..Conv2d::new(inputs, CHANNELS, 3) });
    let both = |name: String| vec![format!("{name}.weight"), format!("{name}.bias")];
    let mut blocks =
        vec![vec![padded(1, 1), tanh()], vec![padded(CHANNELS, 2), tanh()], vec![padded(CHANNELS, 2), tanh()]];
    let mut names: Vec<Vec<String>> = (0..3).map(|l| both(format!("net.{l}.0"))).collect();
    for l in 3..depth + 2 {
        let (layers, owners) = middle(l);
        blocks.push(layers);
        names.push(owners.into_iter().flat_map(both).collect());
    }
    let pool = Layer::AvgPool(Pool { kernel: 5, stride: 5, padding: 0 });
    blocks.push(vec![conv(CHANNELS), tanh(), pool, Layer::Flatten]);
    names.push(both(format!("net.{}.0", depth + 2)));
    blocks.push(vec![Layer::Linear { inputs: CHANNELS, outputs: 10, bias: false }, tanh()]);
    names.push(vec![format!("net.{}.0.weight", depth + 3)]);
    let blocks = blocks.into_iter().map(|layers| Block::new(layers).unwrap()).collect();
    (Architecture::new(&[1, 28, 28], blocks).unwrap(), names)
}

/// Activations, five training steps, reconstructions and entropies; `inverse_names` of the block l, from 0.
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
    let training = Training { batch: 8, shuffle: false, ..Training::new(0) };
    let mut chains = Vec::new();
    let depths = net.depth() - 2;
    for l in 0..depths {
        let arrays = |stage: &str| {
            let owners = inverse_names(l).into_iter();
            let names = owners.flat_map(|owner| ["weight", "bias"].map(|name| format!("inv_{stage}.{owner}.{name}")));
            names.map(|name| file.f32s(&name)).collect::<Vec<_>>()
        };
        let inverse = Inverse::of(&net.blocks()[l], net.shape(l), net.shape(l + 1)).unwrap();
        let mut chain = Chain::new(&inverse, arrays("init"), net.shape(l + 1));
        chain.train(&train[l + 1], &train[l], &training, &1_usize, |_| Ok(())).unwrap();
        for ((tensor, found), expected) in chain.arrays().zip(arrays("final")) {
            let difference = worst(&found, &expected);
            println!("inverse {l} {}: {difference:e}", tensor.name);
            assert!(difference < 1e-6, "{} of inverse {l} ({inverse}): {difference:e}", tensor.name);
        }
        chains.push(chain);
    }
    let x: Vec<&[f32]> = test[1..=depths].iter().map(Vec::as_slice).collect();
    let r = reconstruct_from(&chains, &x, &1_usize, |_| Ok(())).unwrap();
    let (p, size) = (file.f32s("cascade.0"), 784);
    let (relative, differential) = (file.f32s("rel_pure"), file.f64s("diff_shifted"));
    for (k, r) in r.chunks(p.len()).enumerate() {
        let expected = file.f32s(&format!("cascade.{}", k + 1));
        let difference = worst(r, &expected);
        println!("reconstruction from depth {}: {difference:e}", k + 1);
        assert!(difference < 1e-6, "reconstruction from depth {}: {difference:e}", k + 1);
        // On the published program's own tensors: a logarithm magnifies the last bit.
        for (found, expected) in Measure::Relative.of(&p, &expected, size).iter().zip(&relative[k * 6..]) {
            assert!((found / f64::from(*expected) - 1.0).abs() < 2e-6, "relative entropy {found} {expected}");
        }
        let found = Measure::Differential.of(&p, &expected, size)[0];
        assert!((found - differential[k]).abs() < 5e-7, "differential entropy {found} {}", differential[k]);
    }
}

#[test]
fn the_published_cnn() {
    let Some(file) = reference::tensors("cnn4.safetensors") else { return };
    let middle = |l| (vec![conv(CHANNELS), tanh(), Layer::CircularPad { pad: 1 }], vec![format!("net.{l}.0")]);
    let (net, names) = published(middle, 4);
    agrees(&file, &net, &names, |l| vec![if l < 3 { format!("{l}.0") } else { format!("{l}.0.0") }]);
}

#[test]
fn the_published_resnet() {
    let Some(file) = reference::tensors("resnet3.safetensors") else { return };
    let pad = Layer::CircularPad { pad: 1 };
    let middle = |l| {
        let body = vec![conv(CHANNELS), pad.clone(), tanh(), conv(CHANNELS), pad.clone()];
        let names = vec![format!("net.{l}.sb.0"), format!("net.{l}.sb.3")];
        (vec![Layer::Residual { body, projection: Vec::new() }, tanh()], names)
    };
    let (net, names) = published(middle, 3);
    agrees(
        &file,
        &net,
        &names,
        |l| {
            if l < 3 { vec![format!("{l}.0")] } else { vec![format!("{l}.0"), format!("{l}.3")] }
        },
    );
}
