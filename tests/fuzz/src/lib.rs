//! What the targets share: see `src/fuzzing.rs` of the library.

use std::cell::RefCell;
use std::path::PathBuf;

use entroscope::fuzzing::{Reader, Target, mutate, target};
use entroscope::random::Random;
pub use libfuzzer_sys;

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
    static SEEDS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Of 16 new inputs, one is made from a seed, so that no files of seeds are needed.
const FROM_SEEDS: u32 = 16;

#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::read($name, bytes));
        $crate::libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
            $crate::new_input($name, bytes, size, most, seed)
        });
    };
}

fn named(name: &str) -> &'static Target {
    target(name).expect("the library has a target of this name")
}

/// A folder of this process; `run` removes what is left of it.
fn place(name: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("entroscope-fuzz-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&place).expect("the folder for temporary files can be written to");
    place
}

/// Opens a target. What it shares among threads stays on one, which is this one where no other thread asks it: handing work over
/// takes longer than most inputs, and this thread cannot take any while it waits for a script.
fn open(name: &str) -> Reader {
    let target = named(name);
    let mut pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    if !target.has_threads {
        pool = pool.use_current_thread();
    }
    pool.build_global().expect("nothing has used the threads before");
    (target.open)(&place(name))
}

/// Gives an input to a target.
pub fn read(name: &str, bytes: &[u8]) {
    READER.with_borrow_mut(|reader| reader.get_or_insert_with(|| open(name))(bytes));
}

/// Writes a new input over the first `size` of `bytes`; gives its size.
pub fn new_input(name: &str, bytes: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let (target, mut random) = (named(name), Random::new(seed.into(), &["input"]));
    let from_seed = size < 2 || random.below(FROM_SEEDS) == 0;
    if !from_seed && random.below(2) == 0 {
        // With what libFuzzer knows of comparisons that the target made.
        return libfuzzer_sys::fuzzer_mutate(bytes, size, most);
    }
    let before = if from_seed {
        SEEDS.with_borrow_mut(|seeds| {
            if seeds.is_empty() {
                *seeds = (target.seeds)();
            }
            seeds[random.below(seeds.len() as u32) as usize].clone()
        })
    } else {
        bytes[..size].to_vec()
    };
    let new = if from_seed && random.below(2) == 0 { before } else { mutate(target, before, &mut random) };
    let size = new.len().min(most);
    bytes[..size].copy_from_slice(&new[..size]);
    size
}
