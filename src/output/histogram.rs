//! Histograms of a table's numbers.

use std::sync::Arc;

use super::figure::Plot;
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Axis, Histogram, Hit, Kind, Series};
use crate::work::Described;
use crate::{Error, Result};

/// Most results that are named for one range.
const NAMED: usize = 20;

/// How many numbers of a table lie in which range.
#[derive(Debug, Clone)]
pub struct HistogramPlot {
    table: ResultTable,
    /// What the numbers are.
    x: String,
    y: String,
    bins: usize,
}

impl HistogramPlot {
    /// A histogram of all numbers of a table; 0 bins chooses.
    ///
    /// # Errors
    /// When the table has several columns, holds curves, or no number.
    pub fn new(table: ResultTable, bins: usize, x: String, y: String) -> Result<Self> {
        table.has_one_column()?;
        table.holds_numbers()?;
        table.holds_no_curves("a histogram")?;
        Ok(Self { table, x, y, bins })
    }

    /// The rows that have a number.
    fn numbers(&self, computed: &Computed) -> Vec<(usize, f64)> {
        let number = |row: usize| Some((row, *self.table.rows[row].entry().numbers(computed)?.first()?));
        (0..self.table.rows.len()).filter_map(number).collect()
    }

    fn histogram(&self, computed: &Computed) -> Histogram {
        let values = self.numbers(computed).into_iter().map(|(_, value)| value).collect();
        Histogram { x: Axis::new(&self.x), y: Axis::new(&self.y), values, bins: self.bins, lines: Vec::new() }
    }
}

impl Plot for HistogramPlot {
    fn kind(&self) -> &'static str {
        "histogram"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        vec![&self.table]
    }

    fn x_name(&self) -> Result<String> {
        Err(Error::new("a histogram counts values, which have no axis of the sweep for a line")
            .hint("mark a value: `.vline(x)`"))
    }

    fn y_name(&self) -> String {
        self.y.clone()
    }

    fn draw(&self, _: Vec<Series>, computed: &Computed) -> Result<Kind> {
        Ok(self.histogram(computed).into())
    }

    /// Part 0: the values in range `i`.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        let bins = self.histogram(computed).bins();
        let within = self.numbers(computed).into_iter().zip(bins.of_value).filter(|(_, bin)| *bin == Some(hit.i));
        within.take(NAMED).map(|((row, _), _)| self.table.located(row, None, computed)).collect()
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        Arc::new(Self { table: self.table.named(name), ..self.clone() })
    }
}
