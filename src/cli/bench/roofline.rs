//! How close the inner loops come to the machine's roofline: the time of a loop, beside the time of the fastest arithmetic
//! for its operations and of the fastest way through its bytes, all measured in the same minute.

#![expect(clippy::disallowed_methods, reason = "time is what is measured")]
#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use pulp::{Simd, WithSimd};

use super::loops::{self, Loop};
use crate::kernels::vectorised;

/// Measurements of a loop. The fastest counts: whatever else the machine does only slows a measurement down.
const ROUNDS: usize = 7;
/// Least duration of one measurement.
const ROUND: Duration = Duration::from_millis(20);

/// One loop, measured.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub name: &'static str,
    /// Floating-point operations of one call on all threads.
    pub operations: f64,
    /// Bytes to read and write in one call on all threads, if caches keep nothing between calls.
    pub bytes: f64,
    /// Seconds of one call.
    pub seconds: f64,
    /// Seconds that the machine's fastest arithmetic takes for the operations.
    pub arithmetic: f64,
    /// Seconds that the machine's fastest way through memory takes for the bytes.
    pub memory: f64,
}

impl Measured {
    /// The share of the machine's best: 1 if either the arithmetic or the memory is the limit.
    pub fn share(&self) -> f64 {
        self.arithmetic.max(self.memory) / self.seconds
    }
}

/// Measures every loop on `threads` threads, each with numbers of its own, and reports each to `observe`.
pub(super) fn measure(threads: usize, mut observe: impl FnMut(&Measured)) {
    let peak = seconds(threads, || {
        let call: Box<dyn FnMut()> = Box::new(|| pulp::Arch::new().dispatch(Peak));
        call
    });
    let peak = Peak::OPERATIONS * threads as f64 / peak;
    for i in 0..loops::all().len() {
        let Loop { name, operations, bytes, double, .. } = loops::all().swap_remove(i);
        let seconds_of_loop = seconds(threads, || loops::all().swap_remove(i).call);
        let memory = seconds(threads, || stream(bytes));
        let peak = if double { peak / 2.0 } else { peak };
        observe(&Measured {
            name,
            operations: operations * threads as f64,
            bytes: bytes * threads as f64,
            seconds: seconds_of_loop,
            arithmetic: operations * threads as f64 / peak,
            memory,
        });
    }
}

/// Least seconds of one call, on all threads at the same time.
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

/// Independent multiply-adds in registers: the machine's fastest arithmetic.
struct Peak;

impl Peak {
    const TIMES: usize = 20_000;
    const SUMS: usize = 12;
    /// Floating-point operations of one call, for registers of any width.
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

/// The fastest way through `bytes` bytes: two thirds read, one third written.
fn stream(bytes: f64) -> Box<dyn FnMut()> {
    let count = ((bytes / 12.0) as usize).max(1);
    let (a, b, mut c) = (vec![1.0_f32; count], vec![2.0_f32; count], vec![0.0_f32; count]);
    Box::new(move || {
        vectorised(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_runs_beside_what_the_machine_can_do() {
        let mut all = Vec::new();
        measure(2, |measured| all.push(measured.clone()));
        assert_eq!(all.len(), loops::all().len());
        for measured in all {
            assert!(measured.seconds > 0.0 && measured.memory > 0.0, "{measured:?}");
            assert!(measured.share() > 0.0 && measured.share().is_finite(), "{measured:?}");
            assert_eq!(measured.operations > 0.0, measured.arithmetic > 0.0, "{measured:?}");
        }
    }
}
