//! Samples led through a function piece by piece, on several threads: what comes out does not depend on how many.

use std::sync::{Mutex, PoisonError};

use crate::Result;

/// Fills `y` with what `through` makes of `x`, `size` samples of it at a time, on up to `threads` threads; both hold as
/// many samples, of `from` and of `to` numbers.
///
/// # Errors
/// The first that `through` says; no further piece is begun.
pub fn in_pieces(
    y: &mut [f32],
    to: usize,
    x: &[f32],
    from: usize,
    size: usize,
    threads: usize,
    through: impl Fn(&[f32]) -> Result<Vec<f32>> + Sync,
) -> Result<()> {
    let (to, from) = (to.max(1), from.max(1));
    let pieces = x.len().div_ceil(from * size);
    let rest = Mutex::new(y.chunks_mut(to * size).zip(x.chunks(from * size)));
    let failed = Mutex::new(None);
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((y, x)) = next() {
            match through(x) {
                Ok(made) => y.copy_from_slice(&made),
                Err(error) => {
                    // Nothing is left for the others.
                    rest.lock().unwrap_or_else(PoisonError::into_inner).by_ref().for_each(drop);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads.min(pieces)).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn every_piece_is_in_its_place_and_the_first_error_ends_it() {
        let x: Vec<f32> = (0..70).map(|i| i as f32).collect();
        for threads in [1, 2, 5] {
            let mut y = vec![0.0; 35];
            let sums = |x: &[f32]| Ok(x.chunks(2).map(|pair| pair[0] + pair[1]).collect());
            in_pieces(&mut y, 1, &x, 2, 3, threads, sums).unwrap();
            assert!(y.iter().enumerate().all(|(i, &y)| y == (4 * i + 1) as f32), "{y:?}");
            let error = in_pieces(&mut y, 1, &x, 2, 3, threads, |_| Err(Error::new("no"))).unwrap_err();
            assert_eq!(error.message, "no");
        }
    }
}
