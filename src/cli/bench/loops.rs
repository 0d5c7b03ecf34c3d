//! The inner loops that are measured, each at the size that the published networks give it.

use crate::infinite::measured_pass;
use crate::kernels::{
    Activation, Adam, Convolution, Matrix, Moments, Patches, Scratch, add_rows, product, solve_symmetric, transpose,
};
use crate::random::Random;

/// Widths of the published networks: of a layer, of a batch, and of a panel of outputs that is trained at a time.
const WIDE: usize = 784;
const BATCH: usize = 64;
const PANEL: usize = 80;
/// Samples that go through a layer at a time.
const ROWS: usize = 256;

/// A batch of the published convolutional network after its stem: images of 7 × 7 pixels and 32 channels.
const IMAGES: usize = 100;
const CHANNELS: usize = 32;
const SIDE: usize = 7;

/// One loop at one size, ready to be called.
pub(super) struct Loop {
    pub name: &'static str,
    /// Floating-point operations of one call.
    pub operations: f64,
    /// Bytes to read and write in one call if caches keep nothing between calls.
    pub bytes: f64,
    /// In double precision the machine does half as many operations.
    pub double: bool,
    pub call: Box<dyn FnMut()>,
}

impl Loop {
    /// A loop in single precision that reads and writes `numbers` numbers.
    fn new(name: &'static str, operations: usize, numbers: usize, call: impl FnMut() + 'static) -> Self {
        Self { name, operations: operations as f64, bytes: 4.0 * numbers as f64, double: false, call: Box::new(call) }
    }
}

/// All loops.
pub(super) fn all() -> Vec<Loop> {
    let mut all = layer();
    all.extend(adam_step());
    all.extend(convolutions());
    all.extend(others());
    all.extend(ridge());
    all.push(infinite());
    all
}

fn numbers(n: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; n];
    Random::new(0, &["roofline"]).fill_uniform(&mut numbers, -0.5, 0.5);
    numbers
}

/// A dense layer.
fn layer() -> Vec<Loop> {
    vec![
        Loop::new("forward: x Wᵀ, a layer", 2 * ROWS * WIDE * WIDE, 2 * ROWS * WIDE + WIDE * WIDE, {
            let (x, w, mut y) = (numbers(ROWS * WIDE), numbers(WIDE * WIDE), vec![0.0; ROWS * WIDE]);
            move || product(&mut y, Matrix::new(&x, ROWS, WIDE), Matrix::new(&w, WIDE, WIDE).transposed())
        }),
        // Two polynomials, of degree 6 and 3, a product and a quotient.
        Loop::new("tanh, a layer", 22 * ROWS * WIDE, 2 * ROWS * WIDE, {
            let mut x = numbers(ROWS * WIDE);
            move || Activation::Tanh.apply(&mut x)
        }),
    ]
}

/// A step of Adam for one panel of a reconstruction network.
fn adam_step() -> Vec<Loop> {
    let (operations, moved) = (2 * BATCH * WIDE * PANEL, BATCH * (WIDE + PANEL) + WIDE * PANEL);
    vec![
        Loop::new("Adam step: x W, a panel", operations, moved, {
            let (x, w, mut y) = (numbers(BATCH * WIDE), numbers(WIDE * PANEL), vec![0.0; BATCH * PANEL]);
            move || product(&mut y, Matrix::new(&x, BATCH, WIDE), Matrix::new(&w, WIDE, PANEL))
        }),
        Loop::new("Adam step: tanh, error", 30 * BATCH * PANEL, 3 * BATCH * PANEL, {
            let (start, target) = (numbers(BATCH * PANEL), numbers(BATCH * PANEL));
            let mut z = start.clone();
            move || {
                z.copy_from_slice(&start);
                std::hint::black_box(Activation::Tanh.squared_error_gradient(&mut z, &target, 1e-3));
            }
        }),
        Loop::new("Adam step: xᵀ g, a panel", operations, moved, {
            let (x, g, mut w) = (numbers(BATCH * WIDE), numbers(BATCH * PANEL), vec![0.0; WIDE * PANEL]);
            move || product(&mut w, Matrix::new(&x, BATCH, WIDE).transposed(), Matrix::new(&g, BATCH, PANEL))
        }),
        Loop::new("Adam step: the update", 13 * WIDE * PANEL, 7 * WIDE * PANEL, {
            let (gradient, mut w) = (numbers(WIDE * PANEL), numbers(WIDE * PANEL));
            let (mut moments, mut step) = (Moments::new(w.len()), 0);
            move || {
                step += 1;
                Adam::default().step(step, &mut w, &gradient, &mut moments);
            }
        }),
    ]
}

/// Convolutions, forward and backward.
fn convolutions() -> Vec<Loop> {
    let patches = Patches {
        height: SIDE,
        width: SIDE,
        channels: CHANNELS,
        rows: SIDE,
        columns: SIDE,
        kernel: 3,
        stride: 1,
        dilation: 1,
        before: 1,
        circular: false,
    };
    let convolution = Convolution { patches, rows: CHANNELS, groups: 1 };
    // The stem, from 14 × 14 pixels.
    let half = Patches { height: 2 * SIDE, width: 2 * SIDE, stride: 2, before: 0, ..patches };
    let half = Convolution { patches: half, ..convolution };
    let (pixels, weights) = (IMAGES * patches.image(), CHANNELS * patches.window());
    let operations = |convolution: &Convolution| (convolution.operations() * IMAGES as f64) as usize;
    let same = operations(&convolution);
    vec![
        Loop::new("convolution", same, 2 * pixels + weights, {
            let (x, w, mut y, mut scratch) = (numbers(pixels), numbers(weights), vec![0.0; pixels], Scratch::default());
            move || convolution.convolve(&mut y, &w, &x, &mut scratch)
        }),
        Loop::new("convolution, transposed", same, 2 * pixels + weights, {
            let (x, w, mut y, mut scratch) = (numbers(pixels), numbers(weights), vec![0.0; pixels], Scratch::default());
            move || convolution.convolve_transposed(&mut y, &w, &x, &mut scratch)
        }),
        Loop::new("convolution, transposed, stride 2", operations(&half), 5 * pixels + weights, {
            let (x, w) = (numbers(IMAGES * half.values()), numbers(weights));
            let (mut y, mut scratch) = (vec![0.0; IMAGES * half.patches.image()], Scratch::default());
            move || half.convolve_transposed(&mut y, &w, &x, &mut scratch)
        }),
        Loop::new("convolution: weight gradient", same, 2 * pixels + weights, {
            let (x, g, mut w, mut scratch) = (numbers(pixels), numbers(pixels), vec![0.0; weights], Scratch::default());
            move || convolution.weight_gradient(&mut w, &g, &x, &mut scratch)
        }),
    ]
}

/// Loops that only move or draw numbers.
fn others() -> Vec<Loop> {
    vec![
        Loop::new("channels to last", 0, 2 * CHANNELS * WIDE, {
            let (x, mut y) = (numbers(CHANNELS * WIDE), vec![0.0; CHANNELS * WIDE]);
            move || transpose(&mut y, &x, CHANNELS, WIDE)
        }),
        Loop::new("initial weights: normal numbers", 0, WIDE * PANEL, {
            let mut w = vec![0.0; WIDE * PANEL];
            move || Random::new(0, &["roofline"]).fill_normal(&mut w, 1.0)
        }),
    ]
}

/// Ridge regression, in double precision.
fn ridge() -> Vec<Loop> {
    let sums = Loop::new("ridge: sums in double precision", WIDE * WIDE, 0, {
        let (x, mut sums) = (numbers(WIDE * WIDE), vec![0.0; WIDE * WIDE]);
        move || add_rows(&mut sums, &x)
    });
    let solve = Loop::new("ridge: Cholesky and solution", WIDE * WIDE * WIDE / 3 + 2 * WIDE * WIDE * WIDE, 0, {
        let mut a: Vec<f64> = numbers(WIDE * WIDE).into_iter().map(f64::from).collect();
        (0..WIDE).for_each(|i| a[i * (WIDE + 1)] = WIDE as f64);
        let (b, mut work, mut x) = (a.clone(), a.clone(), a.clone());
        move || {
            work.copy_from_slice(&a);
            x.copy_from_slice(&b);
            std::hint::black_box(solve_symmetric(&mut work, &mut x, WIDE));
        }
    });
    vec![
        Loop { bytes: (20 * WIDE * WIDE) as f64, ..sums },
        Loop { bytes: (24 * WIDE * WIDE) as f64, double: true, ..solve },
    ]
}

/// A pass through twelve infinitely wide layers and back, in double precision.
fn infinite() -> Loop {
    let (samples, others, depths) = (500, 100, 12);
    let (operations, call) = measured_pass(samples, others, depths);
    let bytes = 8.0 * (depths * samples * 5 * samples + depths * depths * others * samples) as f64;
    Loop { name: "infinite width: 12 depths, 500 samples", operations, bytes, double: true, call: Box::new(call) }
}
