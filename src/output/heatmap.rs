//! Heatmaps: colours over an axis of the sweep and, upward, over the depth of its curves or a second axis.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::figure::Plot;
use super::results::Placed;
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Axis, Cell, Colouring, Heatmap, Hit, Kind, Series};
use crate::work::Described;
use crate::{Error, Result};

/// The rows of a table behind each cell, or, without a place upward, behind each column.
type RowsAt = BTreeMap<(usize, Option<usize>), Vec<usize>>;

/// A heatmap of a table.
#[derive(Debug, Clone)]
pub struct HeatmapPlot {
    table: ResultTable,
    x: Placed,
    /// A second axis of the sweep; `None` for depth.
    y: Option<Placed>,
    /// What the colours measure.
    value: String,
    /// The rows behind each cell, or behind each column where depth runs upward; found when they are first needed.
    rows_at: OnceLock<RowsAt>,
}

impl HeatmapPlot {
    /// A heatmap over axis `x` to the right and axis `y` upward. Without `y`, depth runs upward. `value` names the numbers.
    ///
    /// # Errors
    /// When the table has several columns, varies over another axis, or has curves beside `y`.
    pub fn new(table: ResultTable, x: usize, y: Option<usize>, value: String) -> Result<Self> {
        let axes: Vec<usize> = [Some(x), y].into_iter().flatten().collect();
        table.has_one_column()?;
        table.holds_numbers()?;
        table.varies_only_over(&axes)?;
        let (x, y) = (table.placed_or_worded(x)?, y.map(|y| table.placed_or_worded(y)).transpose()?);
        if let Some(y) = &y {
            is_filled(table.rows.len(), &x, y)?;
        }
        Ok(Self { table, x, y, value, rows_at: OnceLock::new() })
    }

    /// The axis upward, and the positions on it.
    fn upward(&self, computed: &Computed) -> (Axis, Vec<f64>) {
        match &self.y {
            Some(y) => (y.axis(), y.positions.clone()),
            None => {
                let depths = self.table.rows.iter().filter_map(|row| row.entry().depths(computed)).max();
                (Axis::new(self.table.over()), (1..=depths.unwrap_or(1)).map(|depth| depth as f64).collect())
            }
        }
    }
}

/// Refuses points that lie almost nowhere on the grid of their positions, as those of a random sweep: n points have n² cells.
fn is_filled(points: usize, x: &Placed, y: &Placed) -> Result<()> {
    /// Cells for each point, at most; a triangle of a grid has two.
    const CELLS: usize = 16;
    let (columns, rows) = (x.positions.len(), y.positions.len());
    if columns.saturating_mul(rows) <= points.saturating_mul(CELLS) {
        return Ok(());
    }
    let message = format!("a heatmap of {columns} × {rows} cells, of which {points} have a value");
    Err(Error::new(message).hint(format!("draw the points: `scatter(table, #{{ x: {:?}, y: {:?} }})`", x.name, y.name)))
}

impl Plot for HeatmapPlot {
    fn kind(&self) -> &'static str {
        "heatmap"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        vec![&self.table]
    }

    fn x_name(&self) -> Result<String> {
        Ok(self.x.name.clone())
    }

    fn y_name(&self) -> String {
        self.y.as_ref().map_or_else(|| self.table.over(), |y| y.name.clone())
    }

    fn has_words(&self) -> (bool, bool) {
        (!self.x.words.is_empty(), self.y.as_ref().is_some_and(|y| !y.words.is_empty()))
    }

    fn colours(&self) -> Option<String> {
        Some(self.value.clone())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let (y, ys) = self.upward(computed);
        let mut columns = vec![vec![Cell::Missing; ys.len()]; self.x.positions.len()];
        let mut trusted = vec![usize::MAX; columns.len()];
        for (i, row) in self.table.rows.iter().enumerate() {
            let range = self.y.as_ref().map_or(0..ys.len(), |y| y.of_row[i]..y.of_row[i] + 1);
            let (entry, numbers) = (row.entry(), row.entry().numbers(computed));
            let has_diverged = entry.has_diverged(computed);
            if self.y.is_none() {
                let of_column = &mut trusted[self.x.of_row[i]];
                *of_column = entry.trusted(computed).unwrap_or(usize::MAX).min(*of_column);
            }
            let without = match entry {
                _ if entry.has_failed(computed) => Cell::Failed,
                // It is not a number, which is what NaN says.
                _ if entry.is_no_number() => Cell::Value(f64::NAN),
                _ => Cell::Missing,
            };
            for (j, cell) in columns[self.x.of_row[i]][range].iter_mut().enumerate() {
                *cell = match &numbers {
                    Some(numbers) => numbers.get(j).map_or(Cell::Missing, |&value| Cell::of(value, has_diverged)),
                    None => without,
                };
            }
        }
        Ok(Kind::from(Heatmap {
            x: self.x.axis(),
            y,
            colour: Colouring { value: self.value.clone(), ..Colouring::default() },
            xs: self.x.positions.clone(),
            ys,
            cells: columns,
            trusted: if trusted.iter().any(|trusted| *trusted < usize::MAX) { trusted } else { Vec::new() },
            lines: added,
        }))
    }

    /// Part 0: the cell in column `i` and row `j`.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        let rows_at = self.rows_at.get_or_init(|| {
            let mut rows_at = BTreeMap::<_, Vec<usize>>::new();
            for row in 0..self.table.rows.len() {
                rows_at.entry((self.x.of_row[row], self.y.as_ref().map(|y| y.of_row[row]))).or_default().push(row);
            }
            rows_at
        });
        let rows = rows_at.get(&(hit.i, self.y.as_ref().map(|_| hit.j))).map_or(&[][..], Vec::as_slice);
        rows.iter().map(|&row| self.table.located(row, Some(hit.j.saturating_add(1)), computed)).collect()
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        Arc::new(Self { table: self.table.named(name), ..self.clone() })
    }
}
