//! Which place of a drawn figure shows which value: what the live page needs to name what the pointer is at.

use serde::{Deserialize, Serialize};

/// One value of a figure: its part, and its place `i` (and `j`, in a grid) among that part's data.
///
/// - Heatmap: part 0 is the cells, with column `i` and row `j`; part `1 + k` is added curve `k`, with point `i`.
/// - Lines: part `k` is curve `k`, with point `i`.
/// - Bars: part 0 is the bars, with bar `i`; part `1 + k` is added curve `k`.
/// - Images: part 0 is the pictures, with picture `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The part of the figure.
    pub part: usize,
    /// Column, point, bar or picture.
    pub i: usize,
    /// Row of a grid; 0 elsewhere.
    pub j: usize,
}
