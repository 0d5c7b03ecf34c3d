#![no_main]

/// Counts what a script takes, as in the program.
#[global_allocator]
static ALLOCATOR: entroscope::allocation::Counting<std::alloc::System> =
    entroscope::allocation::Counting(std::alloc::System);

entroscope_fuzz::target!("check");
