//! How long operations took before on this machine, for estimates.
//!
//! A call of an operation has a fixed cost beside what it computes, so a small one says little about a large one. Times are
//! kept by size, and an estimate is an interval: narrow where operations of that size ran before, wide where they did not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Report, Store};

/// Floating-point operations per second on one thread, assumed where nothing was measured: half of what a plain AVX2 core
/// does; and the rates between which that of a large operation surely lies.
const USUAL: f64 = 2e10;
const FASTEST: f64 = 1e11;
const SLOWEST: f64 = 5e9;
/// Times of operations of one size differ by this factor from run to run.
const SPREAD: f64 = 1.5;
/// An estimate is none if more than this share of it was never measured.
const UNKNOWN_SHARE: f64 = 0.3;

/// Calls of one operation of about one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calls {
    pub calls: f64,
    /// Floating-point operations of all of them.
    pub operations: f64,
    /// Seconds of all of them, each on one thread.
    pub seconds: f64,
}

/// Calls by name of operation and size class, see `size_class`.
pub type CallsBySize<N = &'static str> = BTreeMap<N, BTreeMap<i32, Calls>>;

/// The size of a call: half the powers of ten of its floating-point operations.
pub fn size_class(operations: f64) -> i32 {
    (2.0 * libm::log10(operations.max(1.0))).floor() as i32
}

impl Calls {
    fn size(&self) -> f64 {
        self.operations / self.calls
    }

    fn time(&self) -> f64 {
        self.seconds / self.calls
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.operations += other.operations;
        self.seconds += other.seconds;
    }

    fn is_sound(&self) -> bool {
        [self.calls, self.operations, self.seconds].iter().all(|x| x.is_finite() && *x > 0.0)
    }
}

/// Adds calls to others of their name and size.
pub(super) fn add_calls(to: &mut CallsBySize, name: &'static str, calls: Calls) {
    to.entry(name).or_default().entry(size_class(calls.size())).or_default().add(&calls);
}

/// Seconds on one thread: at least, most probably, at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seconds {
    pub low: f64,
    pub usual: f64,
    pub high: f64,
    /// Whether enough of it was measured to say more than `usual`, a guess.
    pub is_known: bool,
}

/// Measured times by name of operation and size. Kept beside the results, one file for each family of devices.
#[derive(Debug)]
pub struct Throughput {
    path: PathBuf,
    measured: CallsBySize<String>,
}

impl Throughput {
    /// What runs with this store have measured with these numerics (device family and number type).
    pub fn open(store: &Store, numerics: &str) -> Self {
        let family = numerics.split('/').next().unwrap_or_default().replace(':', "-");
        let path = store.root().join(format!("speeds-{family}.json"));
        let measured = crate::files::read_file(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut measured: CallsBySize<String> = measured.unwrap_or_default();
        measured.values_mut().for_each(|sizes| sizes.retain(|_, calls| calls.is_sound()));
        measured.retain(|_, sizes| !sizes.is_empty());
        Self { path, measured }
    }

    /// The time that calls take on one thread; their `seconds` do not count.
    pub fn seconds(&self, planned: &CallsBySize) -> Seconds {
        let mut all = Seconds { is_known: true, ..Seconds::default() };
        let mut unmeasured = 0.0;
        for (name, calls) in planned.iter().flat_map(|(name, sizes)| sizes.values().map(move |calls| (name, calls))) {
            let one = match self.measured.get(*name) {
                Some(measured) => one_call(measured, calls.size()),
                None => {
                    unmeasured += calls.operations / USUAL;
                    by_rates(calls.size())
                }
            };
            all.low += calls.calls * one.low;
            all.usual += calls.calls * one.usual;
            all.high += calls.calls * one.high;
        }
        Seconds { is_known: unmeasured <= UNKNOWN_SHARE * all.usual, ..all }
    }

    /// Saves what a run measured; older times count half. A failed write is ignored: only estimates suffer.
    pub fn record(mut self, report: &Report) {
        for (name, sizes) in &report.calls {
            for (size, calls) in sizes.iter().filter(|(_, calls)| calls.is_sound()) {
                let known = self.measured.entry((*name).to_owned()).or_default().entry(*size).or_default();
                let before = Calls {
                    calls: known.calls / 2.0,
                    operations: known.operations / 2.0,
                    seconds: known.seconds / 2.0,
                };
                *known = *calls;
                known.add(&before);
            }
        }
        if let Ok(text) = serde_json::to_vec_pretty(&self.measured) {
            let _ = crate::files::write_whole(&self.path, &text);
        }
    }
}

/// The time of one call by rates alone.
fn by_rates(size: f64) -> Seconds {
    Seconds { low: size / FASTEST, usual: size / USUAL, high: size / SLOWEST, is_known: false }
}

/// The time of one call of this size, from measured calls, of which there are some.
fn one_call(measured: &BTreeMap<i32, Calls>, size: f64) -> Seconds {
    let known = |low: f64, usual: f64, high: f64| {
        let (low, high) = (low.min(usual), high.max(usual));
        Seconds { low: low / SPREAD, usual, high: high * SPREAD, is_known: true }
    };
    if let Some(calls) = measured.get(&size_class(size)) {
        // With a fixed cost the time grows less than the size.
        let (same, in_proportion) = (calls.time(), calls.time() * size / calls.size());
        return known(same.min(in_proportion), (same * in_proportion).sqrt(), same.max(in_proportion));
    }
    let below = measured.range(..size_class(size)).next_back().map(|(_, calls)| calls);
    let above = measured.range(size_class(size)..).next().map(|(_, calls)| calls);
    match (below, above) {
        (Some(below), Some(above)) => {
            let share = (size - below.size()) / (above.size() - below.size());
            let usual = below.time() + share * (above.time() - below.time());
            known(below.time(), usual, above.time().min(below.time() * size / below.size()))
        }
        // All of the small call's time can be its fixed cost, or none of it.
        (Some(below), None) => {
            let (fixed, more) = (below.time(), size - below.size());
            let rate = below.size() / below.time();
            let usual = fixed + more / slope(measured).unwrap_or(USUAL).max(rate);
            let low = (fixed + more / FASTEST.max(rate)) / SPREAD;
            let high = (fixed * size / below.size()).min(fixed + more / SLOWEST) * SPREAD;
            Seconds { low, usual: usual.clamp(low, high.max(low)), high: high.max(low), is_known: true }
        }
        (None, Some(above)) => {
            let (low, high) = (above.time() * size / above.size(), above.time());
            Seconds { low: low / SPREAD, usual: (low * high).sqrt(), high: high * SPREAD, is_known: true }
        }
        (None, None) => by_rates(size),
    }
}

/// The rate between the two largest sizes that were measured: without their fixed cost.
fn slope(measured: &BTreeMap<i32, Calls>) -> Option<f64> {
    let mut largest = measured.values().rev();
    let (large, small) = (largest.next()?, largest.next()?);
    let rate = (large.size() - small.size()) / (large.time() - small.time());
    (rate.is_finite() && rate > 0.0).then(|| rate.clamp(SLOWEST, FASTEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times of calls with a fixed cost and a rate.
    fn took(sizes: &[f64], fixed: f64, rate: f64) -> BTreeMap<i32, Calls> {
        let calls = |&size: &f64| Calls { calls: 3.0, operations: 3.0 * size, seconds: 3.0 * (fixed + size / rate) };
        sizes.iter().map(|size| (size_class(*size), calls(size))).collect()
    }

    #[test]
    fn an_interval_holds_the_time_of_calls_with_a_fixed_cost() {
        for (fixed, rate) in [(1e-4, 2e10), (0.02, 4e10), (0.3, 8e9), (0.0, 5e10)] {
            for measured in [&[1e5][..], &[1e6, 2e7], &[1e9], &[3e4, 1e12], &[1e10, 1e11, 1e12]] {
                for size in [1e4, 1e6, 1e8, 1e10, 1e12, 1e14] {
                    let Seconds { low, usual, high, .. } = one_call(&took(measured, fixed, rate), size);
                    let truth = fixed + size / rate;
                    assert!(low <= usual && usual <= high, "{low} {usual} {high}");
                    assert!(
                        (low..=high).contains(&truth),
                        "{fixed} {rate} {measured:?} {size}: {low} to {high}, {truth}"
                    );
                }
            }
        }
    }

    #[test]
    fn tiny_runs_do_not_make_a_large_one_take_hours() {
        // Ten milliseconds for a million operations, nearly all of it fixed.
        let measured = took(&[1e6], 0.01, 3e10);
        let large = one_call(&measured, 1e12);
        assert!(large.high < 400.0 && large.low > 1.0 && large.usual < 100.0, "{large:?}");
    }
}
