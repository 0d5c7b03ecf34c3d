//! Networks of infinite width: numbers computed elsewhere, drawn networks that approach them, and what has no answer.

use entroscope::cascade::Ridge;
use entroscope::data::{Dataset, DatasetOptions, Folders, Split};
use entroscope::entropy::{CurveResult, Measure, curve_of};
use entroscope::infinite::{InfiniteCascade, InfiniteNetwork, kernel, reconstruct};
use entroscope::kernels::Activation;
use entroscope::network::{Architecture, Block, Conv2d, Flatten, Init, Layer, Linear, Network, Residual, activations};
use entroscope::script::Status;
use entroscope::theory::{Nonlinearity, mean_field};

use super::reference;
use super::ridge::computed;
use super::scripted::{Place, assert_says};

/// `depth` blocks of a linear layer and an activation.
fn mlp(pixels: usize, depth: usize, function: Activation) -> Architecture {
    let block = || Block::new(vec![Linear::new(pixels, pixels).into(), Layer::from(function.clone())]).unwrap();
    Architecture::new(&[pixels], (0..depth).map(|_| block()).collect()).unwrap()
}

/// The differential entropy at the depths 1 to `depth`.
fn curve(weight_var: f64, lambda: f64, depth: usize, [training, test]: [&Split; 2]) -> Vec<f64> {
    let pixels = training.shape().iter().product();
    let network =
        InfiniteNetwork::new(mlp(pixels, depth, Activation::Tanh), Init::gaussian(weight_var, 0.05, 0)).unwrap();
    let cascade = InfiniteCascade::new(network, training.clone(), Ridge { lambda, shrink: false }).unwrap();
    let source = reconstruct(&cascade, test, depth).unwrap();
    let result = computed(&[curve_of(source, test, depth, Measure::Differential)]).remove(0);
    CurveResult::read(&result).unwrap().curve.to_vec()
}

#[test]
fn curves_agree_with_the_reference() {
    let Some(data) = reference::shared("data") else { return };
    let mnist = Dataset::open("mnist", &DatasetOptions::default(), &Folders::new(Some(data))).unwrap();
    let (training, test) = (mnist.train().take(150).unwrap(), mnist.test().take(40).unwrap());
    let table = std::fs::read_to_string(reference::path("infinite_width.csv")).unwrap();
    let rows: Vec<Vec<f64>> =
        table.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    for rows in rows.chunk_by(|a, b| a[0] == b[0]) {
        let found = curve(rows[0][0], 0.7, rows.len(), [&training, &test]);
        for (found, row) in found.iter().zip(rows) {
            // The table has eight digits.
            assert!((found - row[2]).abs() <= 1e-8, "σ_w² {}, depth {}: {found:.10}, not {}", row[0], row[1], row[2]);
        }
    }
}

#[test]
fn the_depths_of_a_shallow_network_are_those_of_a_deep_one() {
    let options = DatasetOptions { size: Some(7), ..DatasetOptions::default() };
    let glyphs = Dataset::open("glyphs", &options, &Folders::new(None)).unwrap();
    let (training, test) = (glyphs.train().take(60).unwrap(), glyphs.test().take(10).unwrap());
    let (shallow, deep) = (curve(1.2, 0.7, 6, [&training, &test]), curve(1.2, 0.7, 30, [&training, &test]));
    assert_eq!(shallow.len(), 6);
    for (a, b) in shallow.iter().zip(&deep) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    assert!(deep[29] < deep[0] - 5.0, "the ordered phase forgets: {deep:?}");
}

/// Networks that are drawn and inverted one by one come nearer the wider they are, as one over the root of the width. λ is
/// for one width, so it grows with it.
#[test]
fn drawn_networks_approach_it() {
    let text = r#"
        let data = dataset("glyphs", #{ size: 7 });
        let train = data.train.take(60);
        let test = data.test.take(30);
        fn net(w) { mlp::of_sizes([49, w, w, w, w, w, w], tanh()) }
        let limit = sweep([axis("width", [40, 160, 640])]).map(|p| {
            let net = net(p.width).infinite(#{ weight_var: 2.0, bias_var: 0.05 });
            cascade(net, train, #{ lambda: 0.01 * p.width }).reconstruct(test).differential_entropy()
        });
        let drawn = sweep([axis("width", [40, 160, 640]), axis("seed", range(0, 4))]).map(|p| {
            let net = net(p.width).init(#{ weight_var: 2.0, bias_var: 0.05, seed: p.seed });
            let probe = cascade(net, train, #{ solver: "ridge", lambda: 0.01 * p.width, shrink: false });
            probe.reconstruct(test).differential_entropy()
        });
        // A table of what finite width does.
        let away = drawn - limit;
        for depth in range(1, 5) {
            away.map(|c| c.at(depth) * c.at(depth)).mean_over("seed").values().for_each(|| print(this));
        }
    "#;
    let (outcome, lines) = Place::new().run(text);
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    let squares: Vec<f64> = lines.iter().map(|line| line.parse().unwrap()).collect();
    let [narrow, middle, wide] = [0, 1, 2].map(|i| (squares.iter().skip(i).step_by(3).sum::<f64>() / 4.0).sqrt());
    // Sixteen times as wide is four times as near.
    assert!(narrow < 0.2 && (1.5..3.0).contains(&(narrow / middle)), "{narrow} {middle} {wide}");
    assert!((2.5..6.5).contains(&(narrow / wide)), "{narrow} {middle} {wide}");
}

/// Every kind of layer: drawn networks that are eight times as wide are nearer.
#[test]
fn drawn_networks_of_other_layers_approach_it() {
    let blocks = [
        "[linear(w, w), erf()]",
        "[linear(w, w), relu()]",
        "[linear(w, w), activation(|x| x * sigmoid(1.702 * x))]",
        "[linear(w, w), layer_norm([w]), tanh()]",
        "[linear(w, w), relu(), rms_norm([w])]",
        "[linear(w, w), scale(0.5), tanh(), scale(3.0)]",
        "[residual([linear(w, w), relu()])]",
        "[linear(w, w).init(#{ weights: orthogonal(1.2) }), tanh()]",
    ];
    for block in blocks {
        let text = r#"
            let data = dataset("glyphs", #{ size: 7 });
            let train = data.train.take(60);
            let test = data.test.take(30);
            fn net(w) { network([49], [block([linear(49, w)]), block(BLOCK), block(BLOCK), block([linear(w, w), tanh()])]) }
            let init = #{ weight_var: |l| 1.0 + 0.2 * l, bias_var: 0.05 };
            let limit = sweep([axis("width", [32, 256])]).map(|p| {
                cascade(net(p.width).infinite(init), train, #{ lambda: 0.01 * p.width }).reconstruct(test).differential_entropy()
            });
            let drawn = sweep([axis("width", [32, 256]), axis("seed", range(0, 4))]).map(|p| {
                let net = net(p.width).init(init + #{ seed: p.seed });
                let probe = cascade(net, train, #{ solver: "ridge", lambda: 0.01 * p.width, shrink: false });
                probe.reconstruct(test).differential_entropy()
            });
            for depth in range(1, 4) {
                (drawn - limit).map(|c| c.at(depth) * c.at(depth)).mean_over("seed").values().for_each(|| print(this));
            }
        "#;
        let (outcome, lines) = Place::new().run(&text.replace("BLOCK", block));
        assert_eq!(outcome.status, Status::Done, "{block} {:?}", outcome.diagnostics);
        let squares: Vec<f64> = lines.iter().map(|line| line.parse().unwrap()).collect();
        let [narrow, wide] = [0, 1].map(|i| (squares.iter().skip(i).step_by(2).sum::<f64>() / 3.0).sqrt());
        eprintln!("{block}: {narrow} {wide}");
        assert!(narrow < 0.3 && wide < 0.6 * narrow, "{block}: {narrow} {wide}");
    }
}

/// A script with `NET`, an infinitely wide network, and what it is asked for; what it prints, and its errors.
fn answer(net: &str, asked: &str) -> (Status, String) {
    let text = format!(
        r#"
        let data = dataset("glyphs", #{{ size: 7 }});
        let train = data.train.take(40);
        let test = data.test.take(10);
        let net = {net};
        {asked}
        "#
    );
    let (outcome, lines) = Place::new().run(&text);
    (outcome.status, lines.join("\n") + super::scripted::text(&outcome.diagnostics).as_str())
}

const TANH: &str = "mlp::wide(49, 10, 8).infinite(#{ weight_var: 1.5, bias_var: 0.05 })";
const ENTROPY: &str = "print(cascade(net, train).reconstruct(test).differential_entropy().values());";

/// Mean-field theory is the limit of every pair of inputs.
#[test]
fn kernels_lead_to_mean_field_theory() {
    for (activation, weight_var) in [("tanh", 1.2), ("tanh", 3.0), ("erf", 2.5), ("gelu", 1.5), ("relu", 1.6)] {
        let net = format!(
            "mlp::wide_with(49, 10, 302, activation(\"{activation}\")).infinite(#{{ weight_var: {weight_var}, bias_var: 0.05 }})"
        );
        let asked = r"
            print(net.correlation(train, 0, 1).last);
            let gap = net.correlation_gap(train, 0, 1).values();
            print(1 / ln(gap[39] / gap[40]));
            print(net.kernel_rank(train.take(10)).at(1));
            let theory = mean_field(ACTIVATION, #{ weight_var: WEIGHT_VAR, bias_var: 0.05 });
            print(theory.c);
            print(theory.xi_c);
        ";
        let asked =
            asked.replace("WEIGHT_VAR", &weight_var.to_string()).replace("ACTIVATION", &format!("\"{activation}\""));
        let (status, said) = answer(&net, &asked);
        assert_eq!(status, Status::Done, "{said}");
        let numbers: Vec<f64> = said.lines().map(|line| line.parse().unwrap()).collect();
        let [c, scale, rank, fixed, xi_c] = numbers[..] else { panic!("{said}") };
        assert!((c - fixed).abs() < 1e-6, "{activation} {weight_var}: {said}");
        assert!(rank > 1.0 && rank < 10.0, "{said}");
        if weight_var < 1.7 {
            assert!((scale / xi_c - 1.0).abs() < 0.01, "{activation} {weight_var}: {said}");
        }
    }
}

/// The diagonal of a kernel is E[φ²], from which q of the next layer follows.
#[test]
fn kernels_have_the_lengths_of_mean_field_theory() {
    let options = DatasetOptions { size: Some(7), ..DatasetOptions::default() };
    let glyphs = Dataset::open("glyphs", &options, &Folders::new(None)).unwrap();
    let network = InfiniteNetwork::new(mlp(49, 82, Activation::Tanh), Init::gaussian(3.0, 0.05, 0)).unwrap();
    let result = computed(&[kernel(&network, &glyphs.train().take(3).unwrap(), 80).unwrap()]).remove(0);
    let (shape, k) = result.f64s("k").unwrap();
    assert_eq!(shape, [3, 3]);
    let theory = mean_field(&Nonlinearity::named("tanh").unwrap(), 3.0, 0.05).unwrap();
    for (i, k) in k.iter().enumerate() {
        let expected = if i % 4 == 0 { theory.q } else { theory.q * theory.c };
        assert!((3.0 * k + 0.05 - expected).abs() < 1e-3, "{k} {expected}");
    }
}

/// Convolutions of many channels have the kernels of infinitely many, but for one over the root of their number.
#[test]
fn kernels_of_drawn_convolutions_approach_it() {
    let options = DatasetOptions { size: Some(7), ..DatasetOptions::default() };
    let glyphs = Dataset::open("glyphs", &options, &Folders::new(None)).unwrap();
    let few = glyphs.test().take(5).unwrap();
    let block = |layers: Vec<Layer>| Block::new(layers).unwrap();
    let of_channels = |c: usize| {
        let conv = |conv: Conv2d| Layer::from(conv);
        let tanh = || Layer::from(Activation::Tanh);
        let circular = Conv2d { before: 1, after: 1, circular: true, ..Conv2d::new(c, c, 3) };
        let blocks = vec![
            block(vec![conv(Conv2d { before: 1, after: 1, ..Conv2d::new(1, c, 3) }), tanh()]),
            block(vec![conv(circular.clone()), Layer::from(Activation::Relu)]),
            block(vec![conv(Conv2d { before: 0, after: 2, stride: 2, dilation: 2, ..Conv2d::new(c, c, 2) }), tanh()]),
            block(vec![Residual { body: vec![conv(circular), tanh()], projection: Vec::new() }.into()]),
            block(vec![Layer::Flatten(Flatten), Linear::new(c * 16, c).into(), tanh()]),
            block(vec![Linear::new(c, 10).into()]),
        ];
        Architecture::new(&[1, 7, 7], blocks).unwrap()
    };
    let init = |seed: u64| Init::gaussian(1.8, 0.05, seed);
    for depth in 1..=5 {
        let network = InfiniteNetwork::new(of_channels(8), init(0)).unwrap();
        let limit = computed(&[kernel(&network, &few, depth).unwrap()]).remove(0);
        let limit = limit.f64s("k").unwrap().1;
        let away = |channels: usize| {
            let of_seed = |seed: u64| {
                let net = Network::new(of_channels(channels), init(seed)).unwrap();
                let found = computed(&[activations(&net, &few, depth)]).remove(0);
                let x = found.f32s("x").unwrap().1.to_vec();
                let size = x.len() / 5;
                let product = |i: usize, j: usize| {
                    let pairs = x[i * size..][..size].iter().zip(&x[j * size..][..size]);
                    pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>() / size as f64
                };
                let squares = (0..25).map(|k| (product(k / 5, k % 5) - limit[k]).powi(2)).sum::<f64>();
                squares / limit.iter().map(|k| k * k).sum::<f64>()
            };
            ((0..6).map(of_seed).sum::<f64>() / 6.0).sqrt()
        };
        let [narrow, wide] = [8, 128].map(away);
        // Sixteen times as many channels are four times as near.
        assert!(narrow < 0.7 && (2.0..8.0).contains(&(narrow / wide)), "depth {depth}: {narrow} {wide}");
    }
}

/// In another order of the training samples, rounding errors are others: curves agree as far as they can be trusted.
#[test]
fn curves_say_where_precision_ends() {
    let asked = r"
        let found = cascade(net, train).reconstruct(test);
        let other = cascade(net, data.train.take(40).shuffle(1)).reconstruct(test);
        print(found.trusted);
        let apart = (found.differential_entropy() - other.differential_entropy()).values();
        for i in range(0, apart.len) { print(abs(apart[i])); }
    ";
    let (status, said) = answer("mlp::wide(49, 10, 82).infinite(#{ weight_var: 0.4, bias_var: 0.05 })", asked);
    assert_eq!(status, Status::Done, "{said}");
    let numbers: Vec<f64> = said.lines().map(|line| line.parse().unwrap()).collect();
    let trusted = numbers[0] as usize;
    eprintln!("{trusted} {numbers:?}");
    assert!((8..70).contains(&trusted), "{said}");
    assert!(numbers[1..=trusted].iter().all(|apart| *apart < 0.01), "{said}");
    assert!(!numbers[1..].iter().all(|apart| *apart < 0.02), "{said}");
}

/// Lines are dotted beyond it, heatmaps have a line there, and tables of both tell every number that lies beyond.
#[test]
fn figures_mark_where_precision_ends() {
    let text = r#"
        let data = dataset("glyphs", #{ size: 7 });
        let train = data.train.take(40);
        let test = data.test.take(10);
        let found = sweep([axis("weight_var", [0.4, 2.0])]).map(|p| {
            let net = mlp::wide(49, 10, 82).infinite(#{ weight_var: p.weight_var, bias_var: 0.05 });
            cascade(net, train).reconstruct(test)
        });
        let net = mlp::wide(49, 10, 82).infinite(#{ weight_var: 0.4, bias_var: 0.05 });
        print(cascade(net, train).reconstruct(test).trusted);
        let entropy = found.map(|found| found.differential_entropy());
        lines(entropy, #{}).save("lines.svg");
        heatmap(entropy, #{ x: "weight_var", y: "depth" }).save("heatmap.svg");
        // What follows from a curve ends where it does.
        lines(entropy.map(|curve| curve - 1), #{}).save("less.svg");
        lines(entropy.mean_over("weight_var"), #{}).save("mean.svg");
    "#;
    let place = Place::new();
    let (outcome, lines) = place.run(text);
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    let trusted: usize = lines[0].parse().unwrap();
    assert!((8..70).contains(&trusted), "{trusted}");
    let imprecise = |name: &str| -> Vec<String> {
        let table = place.written(&format!("{name}.csv"));
        table.lines().filter(|line| line.ends_with(",imprecise")).map(str::to_owned).collect()
    };
    for (name, columns) in [("lines", 1), ("heatmap", 1), ("less", 1), ("mean", 1)] {
        let beyond = imprecise(name);
        assert_eq!(beyond.len(), columns * (80 - trusted), "{name}: {beyond:?}");
        let first = trusted + 1;
        assert!(beyond[0].contains(&format!(",{first},")), "{name}: {}", beyond[0]);
        assert!(place.written(&format!("{name}.svg")).contains("beyond double precision"), "{name}");
    }
    assert!(imprecise("lines")[0].starts_with("weight_var = 0.4,"), "{:?}", imprecise("lines"));
    let ordinary = Place::new();
    let (outcome, _) = ordinary.run(&text.replace("0.4", "1.8").replace("82", "12"));
    assert_eq!(outcome.status, Status::Done, "{:?}", outcome.diagnostics);
    for name in ["lines", "heatmap"] {
        assert!(!ordinary.written(&format!("{name}.csv")).contains("imprecise"), "{name}");
        assert!(!ordinary.written(&format!("{name}.svg")).contains("beyond double precision"), "{name}");
    }
}

#[test]
fn layers_that_it_does_not_hold_for_are_named() {
    let init = "infinite(#{ weight_var: 1.5, bias_var: 0.05 })";
    let blocks = |last: &str| {
        format!(
            "network([49], [block([linear(49, 49), tanh()]), block({last}), block([linear(49, 49), tanh()])]).{init}"
        )
    };
    for (net, words) in [
        (blocks("[linear(49, 49), batch_norm(49), tanh()]"), ["block 2, batch_norm(49): ", "other samples of a batch"]),
        (blocks("[linear(49, 49), tanh(), dropout(0.5)]"), ["block 2, dropout(0.5): ", "random in every pass"]),
        (blocks("[linear(49, 49), softmax()]"), ["block 2, softmax: ", "all units together"]),
        (blocks("[tanh()]"), ["block 2, tanh: ", "put a linear layer directly before it"]),
        (blocks("[layer_norm([49])]"), ["block 2 has no linear layer", "make it one block"]),
        (blocks("[residual([tanh()])]"), ["block 2, residual(tanh): ", "tanh: "]),
        (blocks("[residual([scale(2.0)])]"), ["block 2, residual(scale(2)): ", "no linear layer"]),
        (blocks("[residual([linear(49, 49)]), tanh()]"), ["block 2, tanh: ", "normal with mean 0"]),
        (
            format!(
                "network([1, 7, 7], [block([conv2d(1, 4, 3), tanh()]), block([flatten(), linear(100, 9)])]).{init}"
            ),
            ["block 1, conv2d(1, 4, 3): ", "pairs of pixels"],
        ),
        (
            format!(
                "network([1, 7, 7], [block([conv2d(1, 4, 3), max_pool(2), tanh()]), block([flatten(), linear(16, 9)])]).{init}"
            ),
            ["block 1, max_pool(2): ", "pairs of pixels"],
        ),
        (
            format!(
                "network([49], [block([linear(49, 49), reshape([1, 7, 7]), tanh()]), block([conv2d(1, 1, 3), tanh()]), block([flatten(), linear(25, 9)])]).{init}"
            ),
            ["block 1, linear(49, 49): ", "no convolutions behind it"],
        ),
        (
            format!(
                "network([49], [block([linear(49, 49), tanh()]).inverse([linear(49, 49)]), block([linear(49, 49)])]).{init}"
            ),
            ["block 1: its inverse is written", "leave out"],
        ),
        (
            format!("mlp::wide(49, 10, 4).init(#{{ weight_var: 1 }}).{init}"),
            ["the network has weights", "in place of `.init(…)`"],
        ),
        (
            format!("mlp::wide(49, 10, 4).init(#{{ weight_var: 1 }}).trained(train).{init}"),
            ["the network has weights", "in place of `.init(…)`"],
        ),
        ("mlp::wide(49, 10, 4).infinite(#{ weight_var: -1 })".into(), ["weight_var is -1", "at least 0"]),
        (
            "mlp::wide(49, 10, 4).infinite(#{ weight_var: 1, seed: 1 })".into(),
            ["no option `seed`", "weight_var, bias_var, weights, biases"],
        ),
        ("mlp::wide(64, 10, 4).infinite(#{ weight_var: 1 })".into(), ["the network takes 64 numbers", "data.pixels"]),
    ] {
        let (status, said) = answer(&net, ENTROPY);
        assert_ne!(status, Status::Done, "{net}");
        assert_says(&said, &words);
    }
}

#[test]
fn what_has_no_meaning_at_infinite_width_is_an_error_that_says_so() {
    for (asked, name) in [
        ("print(net.outputs(test));", "outputs"),
        ("print(net.accuracy(test));", "accuracy"),
        ("print(net.trained(train));", "trained"),
        ("print(net.trained(train, #{ epochs: 2 }));", "trained"),
        ("print(net.weights(1));", "weights"),
        ("print(net.activations(test));", "activations"),
        ("net.save(\"net.safetensors\");", "save"),
        ("print(net.classify(test, 3));", "classify"),
        ("print(cascade(net, train).losses(1));", "losses"),
        ("print(cascade(net, train).ideal(1));", "ideal"),
        ("cascade(net, train).save(\"cascade.safetensors\");", "save"),
    ] {
        let (status, said) = answer(TANH, asked);
        assert_ne!(status, Status::Done, "{asked}");
        assert_says(&said, &[&format!("an infinitely wide network has no `{name}`"), "drawn or trained", "`.init("]);
    }
    for (asked, words) in [
        ("cascade(net, train, #{ solver: \"ridge\" });", ["`solver` has no effect", "its only option is `lambda`"]),
        ("cascade(net, train, #{ lambda: -1 });", ["lambda is -1", "at least 0"]),
        ("cascade(net, train.take(1));", ["at least 2 training samples", ""]),
        ("print(cascade(net, train).reconstruct(test).at(7));", ["depth 7", "1 to 6"]),
        ("print(net.kernel(train, 7));", ["depth 7", "0 to 6"]),
        ("print(net.width);", ["an InfiniteNetwork has no property `width`", ""]),
    ] {
        let (status, said) = answer(TANH, asked);
        assert_ne!(status, Status::Done, "{asked}");
        assert_says(&said, &words);
    }
}

/// Every edge has an answer, or an error that says what to change.
#[test]
fn edges_are_answers_or_errors() {
    let relu = |depth: usize, weight_var: f64| {
        format!("mlp::wide_with(49, 10, {depth}, relu()).infinite(#{{ weight_var: {weight_var} }})")
    };
    let of_lambda = |lambda: &str, train: &str| {
        format!(
            "print(cascade(net, {train}, #{{ lambda: {lambda} }}).reconstruct(test).differential_entropy().values());"
        )
    };
    let last = "print(cascade(net, train).reconstruct(test).differential_entropy().last);";
    let twins = "train.take(3) + train.take(3)";
    let constant = "dataset(zeros([4, 49]) + 0.5, [0, 1, 0, 1]).train";
    for (net, asked, words) in [
        (TANH.into(), of_lambda("0", "train"), vec!["[-"]),
        (TANH.into(), of_lambda("0", twins), vec!["linearly dependent", "give a larger `lambda`"]),
        (TANH.into(), of_lambda("0.3", twins), vec!["[-"]),
        (TANH.into(), of_lambda("0.3", constant), vec!["[-"]),
        (
            TANH.into(),
            "print(cascade(net, train).reconstruct(test.take(1)).relative_entropy().values());".into(),
            vec!["[0."],
        ),
        (
            TANH.into(),
            "print(cascade(net, train).reconstruct(test.take(1)).differential_entropy().values());".into(),
            vec!["[NaN"],
        ),
        (
            "mlp::wide(49, 10, 8).infinite(#{ weight_var: 0, bias_var: 0.05 })".into(),
            ENTROPY.into(),
            vec!["[-inf, -inf"],
        ),
        ("mlp::wide(49, 10, 8).infinite(#{ weight_var: 0 })".into(), ENTROPY.into(), vec!["["]),
        (relu(60, 4.0), ENTROPY.into(), vec!["[-"]),
        (relu(1200, 4.0), last.into(), vec!["grow beyond all numbers", "smaller weight_var"]),
        (relu(1200, 0.5), last.into(), vec!["activations are 0", "larger weight_var"]),
    ] {
        let (_, said) = answer(&net, &asked);
        assert_says(&said, &words);
    }
}
