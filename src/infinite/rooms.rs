//! Memory that one step of a pass leaves to the next: the system clears what is new, page by page, which takes longer than much
//! of what is computed there.

use std::sync::Mutex;

use crate::lock::lock;

/// Buffers that nothing is in.
#[derive(Debug, Default)]
pub(super) struct Rooms(Mutex<Vec<Vec<f64>>>);

impl Rooms {
    /// `len` numbers, whatever they are: of a former use, or 0.
    pub fn take(&self, len: usize) -> Vec<f64> {
        let mut all = lock(&self.0);
        let enough = all.iter().rposition(|room| room.capacity() >= len && room.capacity() <= 2 * len);
        let mut room = enough.map(|at| all.swap_remove(at)).unwrap_or_default();
        drop(all);
        room.truncate(len);
        room.resize(len, 0.0);
        room
    }

    /// A copy of numbers.
    pub fn copied(&self, numbers: &[f64]) -> Vec<f64> {
        let mut room = self.take(numbers.len());
        room.copy_from_slice(numbers);
        room
    }

    /// Leaves a buffer to others.
    pub fn leave(&self, room: Vec<f64>) {
        lock(&self.0).push(room);
    }
}
