//! The memory that decoding takes: threads that decode at the same time share a part of what the run may use.

use std::sync::{Condvar, Mutex};

use crate::lock::{lock, wait};
use crate::words;

/// The share of a run's memory for pictures that are being decoded; one that needs more has it to itself.
const SHARE: f64 = 0.25;
/// Bytes for each pixel of a picture: coefficients of four channels, the decoder's rows, and two copies.
const BYTES_PER_PIXEL: f64 = 15.0;

/// Bytes that decoding a picture of this size takes.
pub(super) fn bytes_to_decode(width: usize, height: usize) -> f64 {
    BYTES_PER_PIXEL * width as f64 * height as f64
}

/// Room for decoding.
#[derive(Debug)]
pub(super) struct DecodingRoom {
    /// Bytes that the run may use.
    memory: f64,
    taken: Mutex<f64>,
    freed: Condvar,
}

impl DecodingRoom {
    pub(super) fn new(memory: f64) -> Self {
        Self { memory, taken: Mutex::new(0.0), freed: Condvar::new() }
    }

    /// The most that is taken at a time by `count` pictures, the largest of which takes `largest` bytes.
    pub(super) fn most(&self, count: usize, largest: f64) -> f64 {
        (SHARE * self.memory).max(largest).min(count as f64 * largest)
    }

    /// Runs `decode`, which takes `bytes`, once there is room for them.
    ///
    /// # Errors
    /// When it takes more than all of it: a clause about the picture.
    pub(super) fn with<T>(&self, bytes: f64, decode: impl FnOnce() -> T) -> Result<T, String> {
        if bytes > self.memory {
            let [bytes, memory] = [bytes, self.memory].map(words::size);
            return Err(format!("decoding it takes {bytes}, and a run may use {memory} (--memory)"));
        }
        let mut taken = lock(&self.taken);
        while *taken > 0.0 && *taken + bytes > SHARE * self.memory {
            taken = wait(&self.freed, taken);
        }
        *taken += bytes;
        drop(taken);
        let _given_back = GivenBack { room: self, bytes };
        Ok(decode())
    }
}

/// Gives room back, also when decoding panics.
struct GivenBack<'a> {
    room: &'a DecodingRoom,
    bytes: f64,
}

impl Drop for GivenBack<'_> {
    fn drop(&mut self) {
        *lock(&self.room.taken) -= self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn pictures_are_decoded_side_by_side_only_where_there_is_room() {
        let room = DecodingRoom::new(400.0);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let decode = || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(2));
            now.fetch_sub(1, Ordering::SeqCst);
        };
        std::thread::scope(|scope| {
            (0..6).for_each(|_| {
                scope.spawn(|| (0..5).for_each(|_| room.with(45.0, decode).unwrap()));
            });
        });
        assert_eq!(most.into_inner(), 2);
        assert!(room.with(399.0, || ()).is_ok());
        assert!(room.with(401.0, || ()).unwrap_err().contains("--memory"));
    }
}
