//! Initial weights: what schemes draw, for which blocks and layers, and which networks they give.

use entroscope::network::{
    Architecture, Block, Conv2d, ConvTranspose2d, Distribution, Init, Layer, Linear, Network, OwnSchemes, Residual,
    Scheme, Schemes, Variance,
};

use super::scripted::{Place, assert_says, text};

fn block(layers: Vec<Layer>) -> Block {
    Block::new(layers).unwrap()
}

fn linear(inputs: usize, outputs: usize) -> Block {
    block(vec![Linear::new(inputs, outputs).into()])
}

fn network(input: &[usize], blocks: Vec<Block>, weights: Scheme) -> Network {
    let init = Init { weights: Schemes::All(weights), biases: Schemes::All(Scheme::gaussian(0.0)), seed: 5 };
    Network::new(Architecture::new(input, blocks).unwrap(), init).unwrap()
}

fn weight(network: &Network, l: usize) -> Vec<f64> {
    network.arrays(l, None).unwrap()[0].iter().map(|&w| f64::from(w)).collect()
}

/// The largest difference of the product of a matrix `[rows, columns]` and its transpose, the smaller one, from gain² times
/// the unit matrix.
fn off_orthogonal(matrix: &[f64], rows: usize, gain: f64) -> f64 {
    let columns = matrix.len() / rows;
    let at = |r: usize, c: usize| matrix[r * columns + c];
    let few = rows.min(columns);
    let product = |i: usize, j: usize| -> f64 {
        if rows <= columns {
            (0..columns).map(|c| at(i, c) * at(j, c)).sum()
        } else {
            (0..rows).map(|r| at(r, i) * at(r, j)).sum()
        }
    };
    let off = |(i, j): (usize, usize)| (product(i, j) - if i == j { gain * gain } else { 0.0 }).abs();
    (0..few).flat_map(|i| (0..few).map(move |j| (i, j))).map(off).fold(0.0, f64::max)
}

#[test]
fn the_published_networks_are_the_ones_that_they_were() {
    let tanh: Layer = entroscope::kernels::Activation::Tanh.into();
    let blocks = vec![block(vec![Linear::new(6, 4).into(), tanh]), linear(4, 3)];
    let net = Network::new(Architecture::new(&[6], blocks).unwrap(), Init::gaussian(1.76, 0.05, 7)).unwrap();
    // Of the program before schemes, the fingerprints made by hand from their descriptions as well.
    assert_eq!(net.prefix(0).to_string(), PREFIX_0);
    assert_eq!(net.prefix(2).to_string(), PREFIX_2);
    let first: Vec<f32> = net.arrays(1, None).unwrap()[0][..3].to_vec();
    assert_eq!(first, WEIGHTS);
}

const PREFIX_0: &str = "64c41f9471d8acc1d0a3ae180c98e612afc2e208a407e99b99726740ed003d10";
const PREFIX_2: &str = "cf6f60cbe8de78096cc00a78a9000ea5354a0116446921d0d0ae1b047db91c7c";
const WEIGHTS: [f32; 3] = [0.507_004_7, 0.710_890_6, -0.330_460_16];

#[test]
fn he_and_lecun_are_the_normal_weights_of_their_variance() {
    let of = |scheme| network(&[6], vec![linear(6, 4)], scheme);
    let named = |variance| Scheme::Independent { distribution: Distribution::Gaussian, variance };
    for (variance, number) in [(Variance::He, 2.0), (Variance::Lecun, 1.0)] {
        let (named, plain) = (of(named(variance)), of(Scheme::gaussian(number)));
        assert_eq!(named.prefix(1), plain.prefix(1));
        assert_eq!(weight(&named, 1), weight(&plain, 1));
    }
    assert_ne!(of(named(Variance::Glorot)).prefix(1), of(Scheme::gaussian(1.0)).prefix(1));
}

#[test]
fn orthogonal_weights_have_one_singular_value() {
    let gain = 1.3;
    for (inputs, outputs) in [(40, 40), (30, 50), (50, 30), (1, 4), (7, 1)] {
        let net = network(&[inputs], vec![linear(inputs, outputs)], Scheme::Orthogonal { gain });
        // σ² within 1e-6 of gain² is σ within 1e-6 of gain.
        let off = off_orthogonal(&weight(&net, 1), outputs, gain);
        assert!(off < 1e-6, "{inputs} to {outputs}: {off:e}");
    }
    // Kernels, one matrix for each group.
    for groups in [1, 2, 4] {
        let conv = Conv2d { groups, ..Conv2d::new(4, 8, 3) };
        let net = network(&[4, 5, 5], vec![block(vec![conv.into()])], Scheme::Orthogonal { gain });
        let all = weight(&net, 1);
        for group in all.chunks(all.len() / groups) {
            let off = off_orthogonal(group, 8 / groups, gain);
            assert!(off < 1e-6, "{groups} groups: {off:e}");
        }
    }
    let other = network(&[40], vec![linear(40, 40), linear(40, 40)], Scheme::Orthogonal { gain });
    assert_ne!(weight(&other, 1), weight(&other, 2));
}

/// Uniformly distributed: every element of a Haar matrix has the variance 1/n, and the trace has mean 0 and variance 1.
#[test]
fn orthogonal_weights_are_uniformly_distributed() {
    let (n, many) = (4, 2000);
    let blocks = vec![linear(n, n); many];
    let net = network(&[n], blocks, Scheme::Orthogonal { gain: 1.0 });
    let traces: Vec<f64> =
        (1..=many).map(|l| weight(&net, l)).map(|w| (0..n).map(|i| w[i * n + i]).sum::<f64>()).collect();
    let mean = traces.iter().sum::<f64>() / many as f64;
    let square = traces.iter().map(|t| t * t).sum::<f64>() / many as f64;
    assert!(mean.abs() < 4.0 / (many as f64).sqrt(), "{mean}");
    // The fourth moment of the trace is 3, as of a normal number.
    assert!((square - 1.0).abs() < 4.0 * (2.0 / many as f64).sqrt(), "{square}");
}

#[test]
fn delta_orthogonal_kernels_keep_the_length_of_every_image() {
    let conv = Conv2d { before: 1, after: 1, circular: true, bias: false, ..Conv2d::new(3, 5, 3) };
    let net = network(&[3, 4, 4], vec![block(vec![conv.into()])], Scheme::DeltaOrthogonal { gain: 1.0 });
    let w = weight(&net, 1);
    assert!(w.chunks(9).all(|kernel| kernel.iter().enumerate().all(|(i, w)| (i == 4) == (*w != 0.0))), "{w:?}");
    let centre: Vec<f64> = w.iter().skip(4).step_by(9).copied().collect();
    assert!(off_orthogonal(&centre, 5, 1.0) < 1e-6);
    let x: Vec<f32> = (0..48).map(|i| (i as f32 * 0.7).sin()).collect();
    let arrays = net.arrays(1, None).unwrap();
    let block = &net.architecture().blocks()[0];
    let y = entroscope::network::forward(block, arrays, &x, &[3, 4, 4], &1_usize, |_| Ok(())).unwrap();
    let length = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    assert!((length(&y) / length(&x) - 1.0).abs() < 1e-6, "{} {}", length(&y), length(&x));
    // A transposed convolution, and groups.
    let back = ConvTranspose2d(Conv2d { groups: 2, ..Conv2d::new(4, 6, 3) });
    network(&[4, 4, 4], vec![block_of(back.into())], Scheme::DeltaOrthogonal { gain: 1.0 });
}

fn block_of(layer: Layer) -> Block {
    block(vec![layer])
}

#[test]
fn moments_are_those_of_the_scheme() {
    let (inputs, outputs) = (400, 300);
    let variances = [
        (Variance::Scaled(1.7), 1.7 / 400.0),
        (Variance::He, 2.0 / 400.0),
        (Variance::Glorot, 2.0 / 700.0),
        (Variance::Lecun, 1.0 / 400.0),
    ];
    // Fourth moments over squared second ones; of a normal cut at two deviations (E z⁴ / E z² ²).
    let distributions =
        [(Distribution::Gaussian, 3.0), (Distribution::Uniform, 1.8), (Distribution::Truncated, 2.3655)];
    for (distribution, fourth) in distributions {
        for (variance, expected) in variances {
            let scheme = Scheme::Independent { distribution, variance };
            let w = weight(&network(&[inputs], vec![linear(inputs, outputs)], scheme), 1);
            let n = w.len() as f64;
            let moment = |k: i32| w.iter().map(|w| w.powi(k)).sum::<f64>() / n;
            assert!(moment(1).abs() < 4.0 * (expected / n).sqrt(), "{scheme}: mean {}", moment(1));
            let ratio = moment(2) / expected;
            assert!((ratio - 1.0).abs() < 4.0 * ((fourth - 1.0) / n).sqrt(), "{scheme}: variance {ratio}");
            let kurtosis = moment(4) / moment(2).powi(2);
            assert!((kurtosis - fourth).abs() < 0.05, "{scheme}: kurtosis {kurtosis}");
            let largest = w.iter().fold(0.0_f64, |largest, w| largest.max(w.abs())) / expected.sqrt();
            let end = match distribution {
                Distribution::Gaussian => f64::INFINITY,
                Distribution::Uniform => 3.0_f64.sqrt(),
                Distribution::Truncated => 2.0 / 0.879_625_661,
            };
            assert!(largest <= end + 1e-6, "{scheme}: {largest} of {end}");
        }
    }
    // Biases have no fan-in.
    let init = Init {
        weights: Schemes::All(Scheme::gaussian(1.0)),
        biases: Schemes::All(Scheme::scaled(Distribution::Uniform, 0.3)),
        seed: 0,
    };
    let net = Network::new(Architecture::new(&[2], vec![linear(2, 50_000)]).unwrap(), init).unwrap();
    let biases = &net.arrays(1, None).unwrap()[1];
    let variance = biases.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>() / 50_000.0;
    assert!((variance / 0.3 - 1.0).abs() < 0.02, "{variance}");
}

/// Inputs and outputs of a grouped kernel are those of its groups.
#[test]
fn fans_are_those_of_a_group() {
    let conv = Conv2d { groups: 4, ..Conv2d::new(64, 128, 5) };
    let glorot = Scheme::Independent { distribution: Distribution::Gaussian, variance: Variance::Glorot };
    let w = weight(&network(&[64, 6, 6], vec![block_of(conv.into())], glorot), 1);
    let variance = w.iter().map(|w| w * w).sum::<f64>() / w.len() as f64;
    let expected = 2.0 / (25.0 * (16.0 + 32.0));
    assert!((variance / expected - 1.0).abs() < 0.03, "{variance} {expected}");
}

#[test]
fn blocks_and_layers_have_schemes_of_their_own() {
    let own = |weights| OwnSchemes { weights: Some(weights), biases: None };
    let orthogonal = Scheme::Orthogonal { gain: 2.0 };
    let inner: Layer = Residual::new(vec![Linear::new(9, 9).into()], Vec::new()).unwrap().into();
    let own_block = |block: Block| block.with_schemes(own(orthogonal)).unwrap();
    let blocks = vec![own_block(linear(9, 9)), linear(9, 9), own_block(block(vec![inner]))];
    let by_block = Schemes::by_block(vec![Scheme::gaussian(1.0), Scheme::gaussian(2.0), Scheme::gaussian(3.0)]);
    let init = Init { weights: by_block, biases: Schemes::All(Scheme::gaussian(0.1)), seed: 5 };
    let net = Network::new(Architecture::new(&[9], blocks).unwrap(), init.clone()).unwrap();
    for l in [1, 3] {
        assert!(off_orthogonal(&weight(&net, l), 9, 2.0) < 1e-5, "block {l}");
    }
    // The second is drawn as in a network whose variance is 2 everywhere.
    let plain = network(&[9], vec![linear(9, 9), linear(9, 9)], Scheme::gaussian(2.0));
    assert_eq!(weight(&net, 2), weight(&plain, 2));
    assert!(net.arrays(1, None).unwrap()[1].iter().any(|b| *b != 0.0), "biases are the network's");
    // A deeper network with the same schemes so far shares its beginning, one with others does not.
    let prefix = |schemes: &[f64]| {
        let each = schemes.iter().map(|v| Scheme::gaussian(*v)).collect();
        let init = Init { weights: Schemes::by_block(each), ..init.clone() };
        let net = Network::new(Architecture::new(&[9], vec![linear(9, 9); schemes.len()]).unwrap(), init).unwrap();
        net.prefix(2)
    };
    assert_eq!(prefix(&[1.0, 2.0]), prefix(&[1.0, 2.0, 3.0]));
    assert_ne!(prefix(&[1.0, 2.0]), prefix(&[1.0, 3.0]));
    // Wherever all blocks have the same scheme, they are a network of one scheme.
    assert_eq!(prefix(&[2.0, 2.0]), {
        let init = Init { weights: Schemes::All(Scheme::gaussian(2.0)), ..init };
        Network::new(Architecture::new(&[9], vec![linear(9, 9); 2]).unwrap(), init).unwrap().prefix(2)
    });
}

fn says(script: &str, words: &[&str]) {
    let (outcome, _) = Place::new().run(script);
    assert_says(&text(&outcome.diagnostics), words);
}

#[test]
fn closures_of_the_block_are_called_with_its_number() {
    let (outcome, printed) = Place::new().run(
        r#"let net = mlp::of_sizes([40, 40, 40, 40], tanh()).init(#{ weight_var: |l| 1.0 + l, bias_var: |l| 0.01 * l, seed: 3 });
        print(net.to_string().split("\n")[-1]);
        let same = mlp::of_sizes([40, 40, 40, 40], tanh()).init(#{ weights: |l| gaussian(1.0 + l), biases: |l| gaussian(0.01 * l), seed: 3 });
        print(mlp::wide(49, 10, 3).init(#{ weights: he("uniform") }).to_string().split("\n")[-1]);"#,
    );
    assert_eq!(text(&outcome.diagnostics), "");
    assert_eq!(
        printed,
        [
            "weights by block, gaussian(2) to gaussian(4), biases by block, gaussian(0.01) to gaussian(0.03), seed 3",
            "weights he(\"uniform\"), bias_var 0, seed 0"
        ]
    );
}

#[test]
fn impossible_schemes_are_named_with_a_way_out() {
    let net = "let net = mlp::wide(9, 3, 3);\n";
    let cases: [(&str, &[&str]); 14] = [
        ("net.init(#{ weight_var: -1 })", &["weight_var is -1; a variance is a finite number of at least 0", ":2:"]),
        (
            "net.init(#{ bias_var: -0.5, weight_var: 1 })",
            &["bias_var is -0.5; a variance is a finite number of at least 0"],
        ),
        ("net.init(#{ weights: gaussian(-2) })", &["the variance of `gaussian(-2)` is -2"]),
        ("net.init(#{ weights: orthogonal(-1) })", &["the gain of `orthogonal(-1)` is -1"]),
        ("net.init(#{ weights: he(\"normall\") })", &["no distribution \"normall\"", "\"truncated\""]),
        ("net.init(#{ weights: he(), weight_var: 2 })", &["`weight_var` and `weights` both", "leave one of them out"]),
        ("net.init(#{ weights: 1.76 })", &["option `weights` must be a scheme, got 1.76", "`weight_var`"]),
        ("net.init(#{ bias_var: 0.1 })", &["needs the option `weight_var` or `weights`"]),
        (
            "net.init(#{ weight_var: 1, biases: orthogonal(1) })",
            &["block 1, linear(9, 9): orthogonal(1)", "biases have no fan-in"],
        ),
        ("net.init(#{ weight_var: |l| if l == 2 { -1 } else { 1 } })", &["weight_var of block 2 is -1"]),
        ("net.init(#{ weight_var: |l| \"x\" })", &["`weight_var of block 1` must be a number, got \"x\""]),
        ("linear(3, 3).init(#{ weight_var: |l| l })", &["of a layer or a block is a value", "net.init"]),
        ("linear(3, 3).init(#{ weight_var: 1, seed: 2 })", &["no seed of its own"]),
        ("tanh().init(#{ weight_var: 1 })", &["tanh has no initial weights"]),
    ];
    for (call, words) in cases {
        says(&format!("{net}{call};"), words);
    }
    let conv = "let net = network([8, 6, 6], [block([tanh()]), block([conv2d(8, 4, 3)])]);\n";
    says(
        &format!("{conv}net.init(#{{ weights: delta_orthogonal(1) }});"),
        &["block 2, conv2d(8, 4, 3): delta_orthogonal(1) for 8 inputs and 4 outputs", "Xiao", "orthogonal(1)", ":2:"],
    );
    says(
        "conv2d(8, 4, 3).init(#{ weights: delta_orthogonal(1) });",
        &["conv2d(8, 4, 3): delta_orthogonal(1) for 8 inputs"],
    );
    says("block([tanh()]).init(#{ weight_var: 1 });", &["nothing in the block tanh has initial weights"]);
    says(
        "block([linear(2, 2)]).inverse([linear(2, 2).init(#{ weight_var: 1 })]);",
        &["leave out `init` in an inverse"],
    );
    says("mlp::wide(9, 3, 3).init(#{ weight_var: 1 }).init(#{ weight_var: 2 });", &["has its weights already"]);
}

/// A layer's own scheme is the one that has to fit, not that of the block around it.
#[test]
fn a_layer_of_its_own_scheme_may_lie_in_a_block_whose_scheme_it_could_not_have() {
    let (outcome, _) = Place::new().run(
        "block([conv2d(8, 4, 3).init(#{ weights: orthogonal(1) }), tanh()]).init(#{ weights: delta_orthogonal(1) });",
    );
    assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
}
