//! The program's entry.

use std::process::ExitCode;

/// Edits of large sweeps are evaluated on threads of their own: this allocator takes back what they leave.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    entroscope::cli::main()
}
