//! The host's own random numbers: Philox 4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw, "Parallel random
//! numbers: as easy as 1, 2, 3", SC 2011).
//!
//! A stream is keyed by a seed and a path of names, such as (seed, "block 3", "weight"). The same key gives the same numbers
//! on every device, at every depth, in whatever order streams are used.

#![expect(clippy::inline_always, reason = "a loop is compiled for an instruction set only where it is inlined")]

use crate::kernels::{PAIRS, box_muller, uniform, vectorised};

/// The name and version of the generator, conversion to numbers included; part of every fingerprint that depends on it.
pub const GENERATOR: &str = "philox4x32-10/1";

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    key: [u32; 2],
    counter: u64,
    /// The words of the current counter, and how many of them, the last ones, are still unused.
    spare: [u32; 4],
    left: usize,
    /// The second number of a Box–Muller pair, if it is still unused.
    spare_normal: Option<f64>,
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        counter = mixed(counter, key);
        key = next_key(key);
    }
    counter
}

/// One round.
#[inline(always)]
fn mixed(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let a = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
    let b = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
    [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32]
}

fn next_key(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])]
}

/// The words of [`PAIRS`] counters from `first` on: all first words, all second words, and so on.
fn philox_many(first: u64, mut key: [u32; 2]) -> [[u32; PAIRS]; 4] {
    let counter = |i: usize| first + i as u64;
    let mut words = [
        std::array::from_fn(|i| counter(i) as u32),
        std::array::from_fn(|i| (counter(i) >> 32) as u32),
        [0; PAIRS],
        [0; PAIRS],
    ];
    vectorised(
        #[inline(always)]
        || {
            // Round by round, so that the loop over the counters vectorises.
            for _ in 0..ROUNDS {
                let [first, second, third, fourth] = &mut words;
                for (((a, b), c), d) in first.iter_mut().zip(second).zip(third).zip(fourth) {
                    [*a, *b, *c, *d] = mixed([*a, *b, *c, *d], key);
                }
                key = next_key(key);
            }
        },
    );
    words
}

impl Random {
    /// The stream of a seed and a path of names. Streams of different paths are independent.
    pub fn new(seed: u64, path: &[&str]) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(GENERATOR.as_bytes()).update(&seed.to_le_bytes());
        for name in path {
            hash.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        }
        let bytes = *hash.finalize().as_bytes();
        let word = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        Self { key: [word(0), word(4)], counter: 0, spare: [0; 4], left: 0, spare_normal: None }
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        if self.left == 0 {
            self.spare = philox([self.counter as u32, (self.counter >> 32) as u32, 0, 0], self.key);
            self.counter += 1;
            self.left = 4;
        }
        self.left -= 1;
        self.spare[3 - self.left]
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (self.bits(), self.bits());
        uniform(high, low)
    }

    /// Standard normal, by Box–Muller in double precision.
    pub fn normal(&mut self) -> f64 {
        if let Some(second) = self.spare_normal.take() {
            return second;
        }
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.uniform());
        self.spare_normal = Some(radius * sin);
        radius * cos
    }

    /// Uniform in 0..n without bias (Lemire 2019); `n` is at least 1.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.bits()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }

    /// The order of `samples` samples in epoch `epoch` of a training; their own order unless `shuffle`.
    pub fn order(seed: u64, shuffle: bool, epoch: u32, samples: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..samples as u32).collect();
        if shuffle {
            Self::new(seed, &["order", &epoch.to_string()]).shuffle(&mut order);
        }
        order
    }

    /// Independent normal numbers of mean 0, rounded to single precision. The same numbers as from [`Random::normal`].
    pub fn fill_normal(&mut self, out: &mut [f32], standard_deviation: f64) {
        let (begun, rest) = out.split_at_mut(out.len().min(usize::from(self.spare_normal.is_some())));
        begun.fill_with(|| (self.normal() * standard_deviation) as f32);
        // The four words of a counter make a pair, unless some of them are used already.
        let whole = if self.left == 0 { rest.len() / (2 * PAIRS) } else { 0 };
        let (whole, rest) = rest.split_at_mut(whole * 2 * PAIRS);
        let (mut cosines, mut sines) = ([0.0; PAIRS], [0.0; PAIRS]);
        for out in whole.chunks_mut(2 * PAIRS) {
            box_muller(&philox_many(self.counter, self.key), &mut cosines, &mut sines);
            self.counter += PAIRS as u64;
            for ((out, cosine), sine) in out.chunks_mut(2).zip(&cosines).zip(&sines) {
                out[0] = (cosine * standard_deviation) as f32;
                out[1] = (sine * standard_deviation) as f32;
            }
        }
        rest.fill_with(|| (self.normal() * standard_deviation) as f32);
    }

    /// Independent numbers, uniform in [low, high), rounded to single precision.
    pub fn fill_uniform(&mut self, out: &mut [f32], low: f64, high: f64) {
        out.fill_with(|| (low + (high - low) * self.uniform()) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the authors' library, Random123 (kat_vectors).
    #[test]
    fn philox_gives_the_published_vectors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn normal_numbers_have_the_moments_of_a_normal() {
        let mut random = Random::new(7, &["moments"]);
        let n = 200_000;
        let x: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let moment = |k: i32| x.iter().map(|x| x.powi(k)).sum::<f64>() / f64::from(n);
        // Standard errors of the first, second and fourth moment: √(1/n), √(2/n), √(96/n).
        let n = f64::from(n);
        assert!(moment(1).abs() < 4.0 * (1.0 / n).sqrt());
        assert!((moment(2) - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 4.0 * (96.0 / n).sqrt());
    }

    #[test]
    fn many_at_a_time_are_those_one_by_one() {
        for (n, before) in [(0, 0), (1, 1), (7, 0), (64, 0), (64, 1), (1000, 0), (1001, 1), (300, 2), (300, 3)] {
            let mut one_by_one = Random::new(5, &["many"]);
            let mut at_once = one_by_one.clone();
            for random in [&mut one_by_one, &mut at_once] {
                // A normal leaves the other half of its pair, bits leave unused words of their counter.
                if before % 2 == 1 {
                    random.normal();
                }
                if before > 1 {
                    random.bits();
                }
            }
            let mut numbers = vec![0.0; n];
            at_once.fill_normal(&mut numbers, 0.3);
            assert!(numbers.iter().all(|&x| x == (one_by_one.normal() * 0.3) as f32), "{n} behind {before}");
            assert_eq!(at_once.bits(), one_by_one.bits());
        }
    }

    #[test]
    fn streams_differ_by_seed_and_by_path() {
        let first = |seed, path: &[&str]| Random::new(seed, path).bits();
        assert_eq!(first(1, &["a", "b"]), first(1, &["a", "b"]));
        assert_ne!(first(1, &["a", "b"]), first(2, &["a", "b"]));
        assert_ne!(first(1, &["a", "b"]), first(1, &["ab"]));
    }

    #[test]
    fn below_reaches_every_value_evenly() {
        let mut random = Random::new(3, &["below"]);
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[random.below(7) as usize] += 1);
        assert!(counts.iter().all(|&c| (f64::from(c) - 10_000.0).abs() < 500.0), "{counts:?}");
    }
}
