//! The few inner loops that stock operations do badly, each tested against a plain version.
//!
//! Everything here runs on the calling thread and gives the same numbers whatever runs beside it. The loops are compiled for
//! several instruction sets, and the best that the machine has is chosen at run time (`pulp`). Only the matrix product and
//! the convolution fuse multiplications with additions; their blocking follows the machine, so only their results differ
//! between machines, in the last bits.

#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

mod activation;
mod adam;
mod cholesky;
mod convolution;
mod descent;
mod expression;
mod functions;
mod implicit_gemm;
mod normal;
mod orthonormal;
mod patches;
mod product;
mod sums;
mod transpose;

pub use activation::{Activation, tanh};
pub use adam::{Adam, Moments};
pub use cholesky::{factor, solve_symmetric, solve_symmetric_for_triangle};
pub use convolution::{Convolution, Scratch};
pub use descent::{add_scaled, descend, scale};
pub(crate) use expression::MOST_NODES;
pub use expression::{Expression, Function, Node, Nodes, Operator};
pub use normal::{PAIRS, box_muller, uniform};
pub(crate) use orthonormal::orthonormalise;
pub use patches::Patches;
pub use product::{Matrix, Real, accumulate, product, subtract};
pub use sums::{add_rows, add_squares, subtract_row, sum_of_squares};
pub use transpose::transpose;

/// The widest vectors that this machine's processor has, for which the loops are compiled: "AVX-512" and the like.
pub fn vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        use pulp::x86::{V3, V4};
        match () {
            () if V4::is_available() => "AVX-512",
            () if V3::is_available() => "AVX2",
            () => "SSE2",
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    if cfg!(target_arch = "aarch64") { "NEON" } else { "none" }
}

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
