//! The program's entry.

use std::process::ExitCode;

use entroscope::allocation::Counting;

/// Edits of large sweeps are evaluated on threads of their own: this allocator takes back what they leave. It
/// counts what a script takes.
#[global_allocator]
static ALLOCATOR: Counting<mimalloc::MiMalloc> = Counting(mimalloc::MiMalloc);

fn main() -> ExitCode {
    entroscope::cli::main()
}
