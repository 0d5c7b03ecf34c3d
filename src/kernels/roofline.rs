//! How near the inner loops come to what the machine can do: for each its operations and the bytes that it has to move,
//! beside the fastest arithmetic and the fastest way through as many bytes that were measured in the same minute.

#![expect(clippy::disallowed_methods, reason = "time is what it tells")]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use pulp::{Simd, WithSimd};

use super::{
    Activation, Adam, Convolution, Matrix, Moments, Patches, Scratch, add_rows, product, solve_symmetric, transpose,
};
use crate::random::Random;

/// Measurements of a loop, of which the fastest counts: what else the machine does only slows one down.
const ROUNDS: usize = 7;
/// How long one measurement is, at least.
const ROUND: Duration = Duration::from_millis(20);
/// Widths of the published networks: of a layer, a batch, a strip of outputs.
const WIDE: usize = 784;
const BATCH: usize = 64;
const STRIP: usize = 80;

/// One loop, measured.
#[derive(Debug, Clone)]
pub struct Measured {
    pub name: &'static str,
    /// At the size that it was measured, for all threads: floating-point operations, and bytes that have to be read and
    /// written if caches keep nothing from call to call.
    pub operations: f64,
    pub bytes: f64,
    pub seconds: f64,
    /// What the machine would take: for the operations, and for as many bytes.
    pub arithmetic: f64,
    pub memory: f64,
}

impl Measured {
    /// The share of the machine's best: 1 where either the arithmetic or the way of the bytes takes all the time.
    pub fn share(&self) -> f64 {
        self.arithmetic.max(self.memory) / self.seconds
    }
}

/// A loop at one size, ready to be called.
struct Loop {
    name: &'static str,
    operations: f64,
    bytes: f64,
    /// In double precision the machine does half as many operations.
    double: bool,
    call: Box<dyn FnMut()>,
}

/// Measures every loop on `threads` threads, each with numbers of its own; `hear` is told of each.
pub fn measure(threads: usize, mut hear: impl FnMut(&Measured)) {
    let peak = seconds(threads, || {
        let call: Box<dyn FnMut()> = Box::new(|| pulp::Arch::new().dispatch(Peak));
        call
    });
    let peak = Peak::OPERATIONS * threads as f64 / peak;
    for i in 0..loops().len() {
        let Loop { name, operations, bytes, double, .. } = loops().swap_remove(i);
        let seconds_of_loop = seconds(threads, || loops().swap_remove(i).call);
        let memory = seconds(threads, || stream(bytes));
        let peak = if double { peak / 2.0 } else { peak };
        hear(&Measured {
            name,
            operations: operations * threads as f64,
            bytes: bytes * threads as f64,
            seconds: seconds_of_loop,
            arithmetic: operations * threads as f64 / peak,
            memory,
        });
    }
}

/// The least seconds of a call, on all threads at the same time.
fn seconds(threads: usize, make: impl Fn() -> Box<dyn FnMut()> + Sync) -> f64 {
    let (start, make) = (Barrier::new(threads), &make);
    let one = || {
        let mut call = make();
        call();
        let started = Instant::now();
        call();
        let calls = (ROUND.as_secs_f64() / started.elapsed().as_secs_f64().max(1e-9)).ceil().max(1.0);
        let rounds = (0..ROUNDS).map(|_| {
            start.wait();
            let started = Instant::now();
            (0..calls as usize).for_each(|_| call());
            started.elapsed().as_secs_f64() / calls
        });
        rounds.fold(f64::INFINITY, f64::min)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        others.into_iter().filter_map(|thread| thread.join().ok()).fold(0.0, f64::max)
    })
}

/// Multiplications and additions that wait for nothing: the machine's fastest arithmetic.
struct Peak;

impl Peak {
    const TIMES: usize = 20_000;
    const SUMS: usize = 12;
    /// Of one call, whatever the registers' width: the work is divided by it.
    const OPERATIONS: f64 = (2 * Self::SUMS * Self::TIMES * 16) as f64;
}

impl WithSimd for Peak {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (factor, summand) =
            (simd.splat_f32s(std::hint::black_box(0.5)), simd.splat_f32s(std::hint::black_box(1.0)));
        let mut sums = [simd.splat_f32s(0.0); Self::SUMS];
        for _ in 0..Self::TIMES * 16 / S::F32_LANES {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, summand);
            }
        }
        std::hint::black_box(sums);
    }
}

/// The fastest way through so many bytes: two thirds read, one third written.
fn stream(bytes: f64) -> Box<dyn FnMut()> {
    let count = ((bytes / 12.0) as usize).max(1);
    let (a, b, mut c) = (vec![1.0_f32; count], vec![2.0_f32; count], vec![0.0_f32; count]);
    Box::new(move || {
        super::vectorised(
            #[inline(always)]
            || {
                for ((c, a), b) in c.iter_mut().zip(&a).zip(&b) {
                    *c = a + b;
                }
            },
        );
        std::hint::black_box(&c);
    })
}

fn numbers(n: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; n];
    Random::new(0, &["roofline"]).fill_uniform(&mut numbers, -0.5, 0.5);
    numbers
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn loops() -> Vec<Loop> {
    let single = |name, operations: usize, numbers: usize, call| Loop {
        name,
        operations: operations as f64,
        bytes: 4.0 * numbers as f64,
        double: false,
        call,
    };
    let rows = 256;
    // Windows of the published convolutional network behind its stem: 32 channels, 7 × 7 pixels, batches of 100.
    let (images, channels, side) = (100, 32, 7);
    let patches = Patches {
        height: side,
        width: side,
        channels,
        rows: side,
        columns: side,
        kernel: 3,
        stride: 1,
        dilation: 1,
        before: 1,
        circular: false,
    };
    let convolution = Convolution { patches, rows: channels, groups: 1 };
    // Of the stem: to 14 × 14 pixels.
    let half = Patches { height: 2 * side, width: 2 * side, stride: 2, before: 0, ..patches };
    let half = Convolution { patches: half, ..convolution };
    let (pixels, weights) = (images * patches.image(), channels * patches.window());
    let of_convolution = (convolution.operations() * images as f64) as usize;
    vec![
        single(
            "forward: x Wᵀ, a layer",
            2 * rows * WIDE * WIDE,
            2 * rows * WIDE + WIDE * WIDE,
            Box::new({
                let (x, w, mut y) = (numbers(rows * WIDE), numbers(WIDE * WIDE), vec![0.0; rows * WIDE]);
                move || product(&mut y, Matrix::new(&x, rows, WIDE), Matrix::new(&w, WIDE, WIDE).transposed())
            }),
        ),
        single(
            "tanh, a layer",
            // Two polynomials, of degree 6 and 3, a product and a quotient.
            22 * rows * WIDE,
            2 * rows * WIDE,
            Box::new({
                let mut x = numbers(rows * WIDE);
                move || Activation::Tanh.apply(&mut x)
            }),
        ),
        single(
            "Adam step: x W, a strip",
            2 * BATCH * WIDE * STRIP,
            BATCH * (WIDE + STRIP) + WIDE * STRIP,
            Box::new({
                let (x, w, mut y) = (numbers(BATCH * WIDE), numbers(WIDE * STRIP), vec![0.0; BATCH * STRIP]);
                move || product(&mut y, Matrix::new(&x, BATCH, WIDE), Matrix::new(&w, WIDE, STRIP))
            }),
        ),
        single(
            "Adam step: tanh, error",
            30 * BATCH * STRIP,
            3 * BATCH * STRIP,
            Box::new({
                let (start, target) = (numbers(BATCH * STRIP), numbers(BATCH * STRIP));
                let mut z = start.clone();
                move || {
                    z.copy_from_slice(&start);
                    std::hint::black_box(Activation::Tanh.squared_error_gradient(&mut z, &target, 1e-3));
                }
            }),
        ),
        single(
            "Adam step: xᵀ g, a strip",
            2 * BATCH * WIDE * STRIP,
            BATCH * (WIDE + STRIP) + WIDE * STRIP,
            Box::new({
                let (x, g, mut w) = (numbers(BATCH * WIDE), numbers(BATCH * STRIP), vec![0.0; WIDE * STRIP]);
                move || product(&mut w, Matrix::new(&x, BATCH, WIDE).transposed(), Matrix::new(&g, BATCH, STRIP))
            }),
        ),
        single(
            "Adam step: the update",
            13 * WIDE * STRIP,
            7 * WIDE * STRIP,
            Box::new({
                let (gradient, mut w) = (numbers(WIDE * STRIP), numbers(WIDE * STRIP));
                let (mut moments, mut step) = (Moments::new(w.len()), 0);
                move || {
                    step += 1;
                    Adam::default().step(step, &mut w, &gradient, &mut moments);
                }
            }),
        ),
        single(
            "convolution",
            of_convolution,
            2 * pixels + weights,
            Box::new({
                let (x, w, mut y, mut scratch) =
                    (numbers(pixels), numbers(weights), vec![0.0; pixels], Scratch::default());
                move || convolution.down(&mut y, &w, &x, &mut scratch)
            }),
        ),
        single(
            "convolution, transposed",
            of_convolution,
            2 * pixels + weights,
            Box::new({
                let (x, w, mut y, mut scratch) =
                    (numbers(pixels), numbers(weights), vec![0.0; pixels], Scratch::default());
                move || convolution.up(&mut y, &w, &x, &mut scratch)
            }),
        ),
        single(
            "convolution, transposed, stride 2",
            (half.operations() * images as f64) as usize,
            5 * pixels + weights,
            Box::new({
                let (x, w, mut y, mut scratch) = (
                    numbers(images * half.values()),
                    numbers(weights),
                    vec![0.0; images * half.patches.image()],
                    Scratch::default(),
                );
                move || half.up(&mut y, &w, &x, &mut scratch)
            }),
        ),
        single(
            "convolution: weight gradient",
            of_convolution,
            2 * pixels + weights,
            Box::new({
                let (x, g, mut w, mut scratch) =
                    (numbers(pixels), numbers(pixels), vec![0.0; weights], Scratch::default());
                move || convolution.weight_gradient(&mut w, &g, &x, &mut scratch)
            }),
        ),
        single(
            "channels to last",
            0,
            2 * channels * WIDE,
            Box::new({
                let (x, mut y) = (numbers(channels * WIDE), vec![0.0; channels * WIDE]);
                move || transpose(&mut y, &x, channels, WIDE)
            }),
        ),
        single(
            "initial weights: normal numbers",
            0,
            WIDE * STRIP,
            Box::new({
                let mut w = vec![0.0; WIDE * STRIP];
                move || Random::new(0, &["roofline"]).fill_normal(&mut w, 1.0)
            }),
        ),
        Loop {
            bytes: (20 * WIDE * WIDE) as f64,
            ..single(
                "ridge: sums in double precision",
                WIDE * WIDE,
                0,
                Box::new({
                    let (x, mut sums) = (numbers(WIDE * WIDE), vec![0.0; WIDE * WIDE]);
                    move || add_rows(&mut sums, &x)
                }),
            )
        },
        Loop {
            bytes: (24 * WIDE * WIDE) as f64,
            double: true,
            ..single(
                "ridge: Cholesky and solution",
                WIDE * WIDE * WIDE / 3 + 2 * WIDE * WIDE * WIDE,
                0,
                Box::new({
                    let mut a: Vec<f64> = numbers(WIDE * WIDE).into_iter().map(f64::from).collect();
                    (0..WIDE).for_each(|i| a[i * (WIDE + 1)] = WIDE as f64);
                    let (b, mut work, mut x) = (a.clone(), a.clone(), a.clone());
                    move || {
                        work.copy_from_slice(&a);
                        x.copy_from_slice(&b);
                        std::hint::black_box(solve_symmetric(&mut work, &mut x, WIDE));
                    }
                }),
            )
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_runs_beside_what_the_machine_can_do() {
        let mut heard = Vec::new();
        measure(2, |measured| heard.push(measured.clone()));
        assert_eq!(heard.len(), loops().len());
        for measured in heard {
            assert!(measured.seconds > 0.0 && measured.memory > 0.0, "{measured:?}");
            assert!(measured.share() > 0.0 && measured.share().is_finite(), "{measured:?}");
            assert_eq!(measured.operations > 0.0, measured.arithmetic > 0.0, "{measured:?}");
        }
    }
}
