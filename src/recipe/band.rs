//! The band of rounding: a few points of a recipe are computed again with every number that they rest on moved by one unit in
//! its last place. How far their results move is the band within which another processor or device may land. Deep in the
//! ordered phase only rounding is left, so no fixed tolerance would do.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{by_point, counterparts};
use crate::script::{Evaluated, Host, Recipe, Settings};
use crate::work::{Cancel, Target};
use crate::{Error, Result};

/// How often each point is computed again.
const RUNS: usize = 2;
/// Points that are computed again, spread over all.
const POINTS: usize = 5;

/// Measures bands for some points, within a time, and notes them in the recipe. Returns how many points have one.
///
/// # Errors
/// There is no room for the results on the way.
#[expect(
    clippy::disallowed_methods,
    reason = "a budget of time: it decides how many points have a band, and no number"
)]
pub(super) fn measure(
    recipe: &mut Recipe,
    script: &Path,
    host: &dyn Fn(Settings) -> Host,
    budget: Duration,
) -> Result<usize> {
    let started = Instant::now();
    let chosen = spread(by_point(&recipe.results).iter().map(|(point, _)| (*point).to_owned()).collect());
    let mut banded = chosen.clone();
    for seed in 1..=RUNS as u64 {
        let place = tempfile::tempdir().map_err(|error| Error::new(format!("no room for a store: {error}")))?;
        let (out, store_dir) = (Some(place.path().join("out")), place.path().join("store"));
        let host = host(Settings { store_dir, out, ..Settings::default() }).with_rounding(seed);
        let (points, left) = (banded.clone(), budget.saturating_sub(started.elapsed()));
        let deadline = Deadline::start(&host.handle().cancel, left);
        let act = move |evaluated: &Evaluated| {
            let mut done = Vec::new();
            for point in points {
                let of_point = |target: &Target| target.point == point;
                let targets: Vec<Target> = evaluated.targets().into_iter().filter(of_point).collect();
                if evaluated.compute(targets).is_ok() && !deadline.is_over() {
                    done.push(point);
                }
            }
            (done, evaluated.results())
        };
        // A script that the deadline stops while it waits for a number of its own has no band.
        let Ok((done, moved)) = host.evaluated(script, act) else { return Ok(0) };
        banded.retain(|point| done.contains(point));
        let found = counterparts(recipe, &moved);
        for (moved, i) in moved.iter().zip(found) {
            let Some(result) = i.map(|i| &mut recipe.results[i]) else { continue };
            for (name, numbers) in &mut result.arrays {
                if let Some(moved) = moved.arrays.get(name) {
                    numbers.widen(moved);
                }
            }
        }
    }
    // What only some of the runs reached has too narrow a band.
    for result in recipe.results.iter_mut().filter(|result| !banded.contains(&result.point)) {
        result.arrays.values_mut().for_each(|numbers| numbers.band.clear());
    }
    recipe.band_runs = if banded.is_empty() { 0 } else { RUNS };
    Ok(banded.len())
}

/// A few of the points, from the first to the last.
fn spread(points: Vec<String>) -> Vec<String> {
    let few = POINTS.min(points.len());
    let place = |i: usize| if few < 2 { 0 } else { i * (points.len() - 1) / (few - 1) };
    (0..few).map(|i| points[place(i)].clone()).collect()
}

/// Cancels a run after a time; until it is dropped.
pub(super) struct Deadline {
    cancel: Cancel,
    done: Option<std::sync::mpsc::Sender<()>>,
}

impl Deadline {
    pub fn start(cancel: &Cancel, after: Duration) -> Self {
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let own = cancel.clone();
        std::thread::spawn(move || {
            if is_done.recv_timeout(after) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                own.cancel();
            }
        });
        Self { cancel: cancel.clone(), done: Some(done) }
    }

    /// Whether the run was cancelled, by this or by the user.
    pub fn is_over(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.done.take();
    }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn a_few_points_are_spread_from_the_first_to_the_last() {
        let points = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(spread(points(16)), ["0", "3", "7", "11", "15"]);
        assert_eq!(spread(points(2)), ["0", "1"]);
        assert_eq!(spread(points(1)), ["0"]);
        assert!(spread(points(0)).is_empty());
    }
}
