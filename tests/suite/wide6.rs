//! One run of the authors' published program, number by number (reference/README.md: `wide6.safetensors`).

use super::reference;
use entroscope::cascade::{Chain, Inverse, Training, reconstruct_from};
use entroscope::entropy::{Measure, median};
use entroscope::kernels::Activation;
use entroscope::network::{Block, Layer, forward};

const SIZES: [usize; 7] = [64, 64, 64, 64, 64, 400, 10];

fn worst(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

#[test]
fn training_reconstruction_and_entropies_are_the_published_programs() {
    let Some(file) = reference::tensors("wide6.safetensors") else { return };
    let (batches, batch) = (10, 32);
    let block = |l: usize| {
        let linear = Layer::Linear { inputs: SIZES[l], outputs: SIZES[l + 1], bias: true };
        Block::new(vec![linear, Layer::Activation { function: Activation::Tanh }]).unwrap()
    };
    let through = |x: Vec<f32>| {
        let mut all = vec![x];
        for l in 0..6 {
            let arrays = ["weight", "bias"].map(|name| file.f32s(&format!("fwd.{l}.{name}")).into()).into();
            all.push(forward(&block(l), arrays, &all[l], &[SIZES[l]], &1_usize, |_| Ok(())).unwrap());
        }
        all
    };
    let train_activations = through(file.f32s("x_train"));
    let activations = through(file.f32s("x_test"));
    assert_eq!(train_activations[6].len(), batches * batch * 10);
    for (l, x) in activations.iter().enumerate() {
        let difference = worst(x, &file.f32s(&format!("act.{l}")));
        assert!(difference < 1e-6, "activations {l}: {difference:e}");
    }

    let training = Training { batch, shuffle: false, ..Training::new(0) };
    let mut inverses = Vec::new();
    let mut weights = 0.0_f64;
    for l in 0..6 {
        let arrays =
            |stage: &str| ["weight", "bias"].map(|name| file.f32s(&format!("inv_{stage}.{l}.{name}"))).to_vec();
        let inverse = Inverse::of(&block(l), &[SIZES[l]], &[SIZES[l + 1]]).unwrap();
        let mut c = Chain::new(&inverse, arrays("init"), &[SIZES[l + 1]]);
        let losses =
            c.train(&train_activations[l + 1], &train_activations[l], &training, &1_usize, |_| Ok(())).unwrap();
        let expected = file.f64s("loss_step_f64");
        for (step, loss) in losses.iter().enumerate() {
            assert!((loss / expected[step * 6 + l] - 1.0).abs() < 1e-5, "loss of block {l} at step {step}");
        }
        let differences = c.arrays().zip(arrays("final")).map(|((_, found), expected)| worst(&found, &expected));
        weights = differences.fold(weights, f64::max);
        inverses.push(c);
    }
    println!("weights after ten steps: {weights:e}");
    assert!(weights < 1e-6, "weights after ten steps: {weights:e}");

    let x: Vec<&[f32]> = activations[1..].iter().map(Vec::as_slice).collect();
    let r = reconstruct_from(&inverses, &x, &1_usize, |_| Ok(())).unwrap();
    for (k, r) in r.chunks(batch * 64).enumerate() {
        let difference = worst(r, &file.f32s(&format!("cascade.{}", k + 1)));
        println!("reconstruction from depth {}: {difference:e}", k + 1);
        assert!(difference < 1e-6, "reconstruction from depth {}: {difference:e}", k + 1);
    }

    // The measures are compared on the published program's own tensors: near its least pixel, a sample's logarithm
    // magnifies the last bit of a reconstruction.
    let p = file.f32s("cascade.0");
    let (relative, differential) = (file.f32s("rel_pure"), file.f64s("diff_pure"));
    let (published_relative, published_differential) = (file.f64s("rel_avg_median"), file.f64s("diff_pipeline"));
    for k in 0..6 {
        let r = file.f32s(&format!("cascade.{}", k + 1));
        let found = Measure::Relative.of(&p, &r, 64);
        for (sample, found) in found.iter().enumerate() {
            let expected = f64::from(relative[k * batch + sample]);
            assert!((found / expected - 1.0).abs() < 2e-6, "relative entropy at depth {}: {found} {expected}", k + 1);
        }
        let unshifted = Measure::DifferentialUnshifted.of(&p, &r, 64)[0];
        assert!((unshifted - differential[k]).abs() < 5e-7, "{unshifted} {}", differential[k]);
        // The published scripts leave out the last two depths.
        if k < 4 {
            let shifted = Measure::Differential.of(&p, &r, 64)[0];
            assert!((shifted - published_differential[k]).abs() < 5e-7, "{shifted} {}", published_differential[k]);
            println!("{} {}", median(found.into_iter()), published_relative[k]);
        }
    }
}
