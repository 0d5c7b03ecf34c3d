//! A multilayer perceptron and its cascade, number by number: a narrow one of PyTorch's (`tests/reference`), and one run of
//! the authors' published program where it is at hand.

use super::reference::Tensors;
use entroscope::cascade::{AdamSolver, Inverse, ReconstructionNet, reconstruct_from};
use entroscope::entropy::Measure;
use entroscope::kernels::Activation;
use entroscope::network::{Block, Linear, forward};

fn worst(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

#[test]
fn a_narrow_network_is_pytorchs() {
    agrees(&Tensors::read("wide.safetensors"), "diff_shifted");
}

#[test]
fn the_published_program() {
    let Some(file) = Tensors::read_shared("wide6.safetensors") else { return };
    agrees(&file, "diff_pipeline");
}

/// Activations, training, reconstructions and entropies; `shifted` is the array of differential entropies after the shift
/// and normalisation that the relative entropy has.
fn agrees(file: &Tensors, shifted: &str) {
    let sizes: Vec<[usize; 2]> = (0..6).map(|l| file.shape(&format!("fwd.{l}.weight")).try_into().unwrap()).collect();
    let [inputs, outputs] = [|size: [usize; 2]| size[1], |size: [usize; 2]| size[0]];
    let [steps, train_batch, width] = file.shape("x_train").try_into().unwrap();
    let batch = file.shape("x_test")[0];
    let block = |l: usize| {
        let linear = Linear::new(inputs(sizes[l]), outputs(sizes[l])).into();
        Block::new(vec![linear, Activation::Tanh.into()]).unwrap()
    };
    let through = |x: Vec<f32>| {
        let mut all = vec![x];
        for l in 0..6 {
            let arrays = ["weight", "bias"].map(|name| file.f32s(&format!("fwd.{l}.{name}")).into()).into();
            all.push(forward(&block(l), arrays, &all[l], &[inputs(sizes[l])], &1_usize, |_| Ok(())).unwrap());
        }
        all
    };
    let train_activations = through(file.f32s("x_train"));
    let activations = through(file.f32s("x_test"));
    assert_eq!(train_activations[6].len(), steps * train_batch * outputs(sizes[5]));
    for (l, x) in activations.iter().enumerate() {
        let difference = worst(x, &file.f32s(&format!("act.{l}")));
        assert!(difference < 1e-6, "activations {l}: {difference:e}");
    }

    let training = AdamSolver { batch: train_batch, shuffle: false, ..AdamSolver::new(0) };
    let mut inverses = Vec::new();
    let mut weights = 0.0_f64;
    for l in 0..6 {
        let arrays =
            |stage: &str| ["weight", "bias"].map(|name| file.f32s(&format!("inv_{stage}.{l}.{name}"))).to_vec();
        let inverse = Inverse::for_block(&block(l), &[inputs(sizes[l])], &[outputs(sizes[l])]).unwrap();
        let mut c = ReconstructionNet::new(&inverse, arrays("init"), &[outputs(sizes[l])]);
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
    println!("weights after training: {weights:e}");
    assert!(weights < 1e-6, "weights after training: {weights:e}");

    let x: Vec<&[f32]> = activations[1..].iter().map(Vec::as_slice).collect();
    let r = reconstruct_from(&inverses, &x, &1_usize, |_| Ok(())).unwrap();
    for (k, r) in r.chunks(batch * width).enumerate() {
        let difference = worst(r, &file.f32s(&format!("cascade.{}", k + 1)));
        println!("reconstruction from depth {}: {difference:e}", k + 1);
        assert!(difference < 1e-6, "reconstruction from depth {}: {difference:e}", k + 1);
    }

    // The measures are compared on the other program's own tensors: near its least pixel, a sample's logarithm magnifies
    // the last bit of a reconstruction.
    let p = file.f32s("cascade.0");
    let (relative, unshifted, shifted) = (file.f32s("rel_pure"), file.f64s("diff_pure"), file.f64s(shifted));
    for k in 0..6 {
        let r = file.f32s(&format!("cascade.{}", k + 1));
        let found = Measure::Relative.evaluate(&p, &r, width);
        for (found, expected) in found.iter().zip(&relative[k * batch..][..batch]) {
            let expected = f64::from(*expected);
            assert!((found / expected - 1.0).abs() < 2e-6, "relative entropy at depth {}: {found} {expected}", k + 1);
        }
        let found = Measure::DifferentialUnshifted.evaluate(&p, &r, width)[0];
        assert!((found - unshifted[k]).abs() < 5e-7, "{found} {}", unshifted[k]);
        // The published scripts leave out the last two depths.
        if let Some(shifted) = shifted.get(k) {
            let found = Measure::Differential.evaluate(&p, &r, width)[0];
            assert!((found - shifted).abs() < 5e-7, "{found} {shifted}");
        }
    }
}
