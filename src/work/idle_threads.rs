//! One operation's work on several threads: items are handed out to the caller and to whichever threads are idle. What is
//! computed must not depend on how many threads help.

use std::sync::Mutex;

use crate::Result;
use crate::lock::{into_inner, lock};

/// A pool of idle helper threads. `usize` implements it as a fixed size, caller included.
pub trait IdleThreads: Sync {
    /// How many helpers may start now, at most `most`. Each is counted as busy until it calls
    /// [`IdleThreads::release`].
    fn recruit(&self, most: usize) -> usize;

    /// Whether a helper should take another item.
    fn keep_going(&self) -> bool;

    /// One helper ends.
    fn release(&self);
}

impl IdleThreads for usize {
    fn recruit(&self, most: usize) -> usize {
        self.saturating_sub(1).min(most)
    }

    fn keep_going(&self) -> bool {
        true
    }

    fn release(&self) {}
}

/// A running helper; released when it ends, by a panic as well.
struct Helper<'a>(&'a dyn IdleThreads);

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Calls `work` on every item, on this thread and on those of `threads` that are idle.
///
/// # Errors
/// The first error of `work`; no item is started after it.
pub fn for_each<T: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    threads: &dyn IdleThreads,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let helpers = threads.recruit(items.len().saturating_sub(1));
    let (rest, failed) = (Mutex::new(items), Mutex::new(None));
    // A function, so that the lock is released before the work begins.
    let next = || lock(&rest).next();
    let one = |item| {
        if let Err(error) = work(item) {
            // Leaves no item for the other threads.
            lock(&rest).by_ref().for_each(drop);
            lock(&failed).get_or_insert(error);
        }
    };
    let help = || {
        let _released_at_the_end = Helper(threads);
        while threads.keep_going()
            && let Some(item) = next()
        {
            one(item);
        }
    };
    std::thread::scope(|scope| {
        (0..helpers).for_each(|_| drop(scope.spawn(help)));
        while let Some(item) = next() {
            one(item);
        }
    });
    into_inner(failed).map_or(Ok(()), Err)
}

/// Fills `y` with what `map` makes of `x`, `size` samples at a time. Both hold equally many samples: of `from` numbers in
/// `x`, of `to` numbers in `y`.
///
/// # Errors
/// The first error of `map`; no chunk is started after it.
pub fn map_chunks(
    y: &mut [f32],
    to: usize,
    x: &[f32],
    from: usize,
    size: usize,
    threads: &dyn IdleThreads,
    map: impl Fn(&[f32], &mut [f32]) -> Result<()> + Sync,
) -> Result<()> {
    let (to, from) = (to.max(1), from.max(1));
    for_each(y.chunks_mut(to * size).zip(x.chunks(from * size)), threads, |(y, x)| map(x, y))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn every_chunk_is_in_its_place_and_the_first_error_ends_it() {
        let x: Vec<f32> = (0..70).map(|i| i as f32).collect();
        for threads in [1_usize, 2, 5] {
            let mut y = vec![0.0; 35];
            let sums = |x: &[f32], y: &mut [f32]| {
                y.iter_mut().zip(x.chunks(2)).for_each(|(y, pair)| *y = pair[0] + pair[1]);
                Ok(())
            };
            map_chunks(&mut y, 1, &x, 2, 3, &threads, sums).unwrap();
            assert!(y.iter().enumerate().all(|(i, &y)| y == (4 * i + 1) as f32), "{y:?}");
            let error = map_chunks(&mut y, 1, &x, 2, 3, &threads, |_, _| Err(Error::new("no"))).unwrap_err();
            assert_eq!(error.message, "no");
        }
    }
}
