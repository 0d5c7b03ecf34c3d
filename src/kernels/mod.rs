//! The few inner loops that a device's stock operations do badly, each beside its plain twin.
//!
//! Everything here runs on one thread and gives the same numbers whatever runs beside it. The loops are compiled for
//! the best instruction set of the machine at run time (`pulp`); none of them but the matrix product and the
//! convolution fuses a multiply with an add, so that only these, whose blocking follows the machine, differ between machines
//! in the last bits.

#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

mod activation;
mod adam;
mod cholesky;
mod convolution;
mod implicit_gemm;
mod normal;
mod patches;
mod product;
mod sums;
mod transpose;

pub use activation::{Activation, tanh};
pub use adam::{Adam, Moments};
pub use cholesky::solve_symmetric;
pub use convolution::{Convolution, Scratch};
pub use normal::{PAIRS, box_muller, uniform};
pub use patches::Patches;
pub use product::{Matrix, Real, accumulate, product, subtract};
pub use sums::{add_rows, add_squares, subtract_row, sum_of_squares};
pub use transpose::transpose;

/// Runs a loop compiled for the best instruction set that this machine has.
#[inline(always)]
pub(crate) fn vectorised<T>(body: impl FnOnce() -> T) -> T {
    struct Body<F>(F);
    impl<F: FnOnce() -> T, T> pulp::NullaryFnOnce for Body<F> {
        type Output = T;
        #[inline(always)]
        fn call(self) -> T {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Body(body))
}
