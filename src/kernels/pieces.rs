//! Work piece by piece, on as many threads as have nothing else to do: what comes out does not depend on how many.

use std::sync::{Mutex, PoisonError};

use crate::Result;

/// Threads that may help with pieces of work. Their number is one of them: that many threads, the caller's among them.
pub trait Crew: Sync {
    /// How many come now, `most` at most.
    fn call(&self, most: usize) -> usize;

    /// Whether one that came takes another piece.
    fn stays(&self) -> bool;

    /// One that came goes.
    fn goes(&self);
}

impl Crew for usize {
    fn call(&self, most: usize) -> usize {
        self.saturating_sub(1).min(most)
    }

    fn stays(&self) -> bool {
        true
    }

    fn goes(&self) {}
}

/// One that came: counted until it goes, however it goes.
struct Helper<'a>(&'a dyn Crew);

impl Drop for Helper<'_> {
    fn drop(&mut self) {
        self.0.goes();
    }
}

/// Does `work` on every item, with whoever of `crew` comes.
///
/// # Errors
/// The first that `work` says; no further item is begun.
pub fn in_turn<T: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    crew: &dyn Crew,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let helpers = crew.call(items.len().saturating_sub(1));
    let (rest, failed) = (Mutex::new(items), Mutex::new(None));
    let lock = || rest.lock().unwrap_or_else(PoisonError::into_inner);
    // The lock is let go of before the work begins.
    let next = || lock().next();
    let one = |item| {
        if let Err(error) = work(item) {
            // Nothing is left for the others.
            lock().by_ref().for_each(drop);
            failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    };
    let help = || {
        let _until_it_goes = Helper(crew);
        while crew.stays()
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
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Fills `y` with what `through` makes of `x`, `size` samples of it at a time; both hold as many samples, of `from` and
/// of `to` numbers.
///
/// # Errors
/// The first that `through` says; no further piece is begun.
pub fn in_pieces(
    y: &mut [f32],
    to: usize,
    x: &[f32],
    from: usize,
    size: usize,
    crew: &dyn Crew,
    through: impl Fn(&[f32], &mut [f32]) -> Result<()> + Sync,
) -> Result<()> {
    let (to, from) = (to.max(1), from.max(1));
    in_turn(y.chunks_mut(to * size).zip(x.chunks(from * size)), crew, |(y, x)| through(x, y))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn every_piece_is_in_its_place_and_the_first_error_ends_it() {
        let x: Vec<f32> = (0..70).map(|i| i as f32).collect();
        for threads in [1_usize, 2, 5] {
            let mut y = vec![0.0; 35];
            let sums = |x: &[f32], y: &mut [f32]| {
                y.iter_mut().zip(x.chunks(2)).for_each(|(y, pair)| *y = pair[0] + pair[1]);
                Ok(())
            };
            in_pieces(&mut y, 1, &x, 2, 3, &threads, sums).unwrap();
            assert!(y.iter().enumerate().all(|(i, &y)| y == (4 * i + 1) as f32), "{y:?}");
            let error = in_pieces(&mut y, 1, &x, 2, 3, &threads, |_, _| Err(Error::new("no"))).unwrap_err();
            assert_eq!(error.message, "no");
        }
    }
}
