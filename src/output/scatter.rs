//! Dots over two axes: the places are axes of a sweep or numbers of its points, and so are the colours.

use std::sync::Arc;

use super::figure::Plot;
use super::{Located, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Axis, Cell, Colouring, Hit, Kind, Scatter, Series};
use crate::work::Described;

/// A dot for every point of a sweep.
#[derive(Debug, Clone)]
pub struct ScatterPlot {
    x: Numbers,
    y: Numbers,
    colour: Option<Numbers>,
}

/// A number for every dot.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// What it is.
    name: String,
    table: ResultTable,
    /// The row of every dot.
    rows: Vec<usize>,
    /// Its places on an axis of the table; without them, the table's values.
    places: Option<Vec<f64>>,
}

impl Numbers {
    /// The positions of these rows on an axis.
    ///
    /// # Errors
    /// When there is no such axis, or a value on it is no number.
    pub fn of_axis(table: ResultTable, rows: Vec<usize>, axis: usize) -> Result<Self> {
        let placed = table.placed(axis)?;
        let places = rows.iter().map(|&row| placed.positions[placed.of_row[row]]).collect();
        Ok(Self { name: placed.name, table, rows, places: Some(places) })
    }

    /// The values of these rows.
    ///
    /// # Errors
    /// When the table has several columns, holds curves, or no number.
    pub fn of_values(table: ResultTable, rows: Vec<usize>, name: String) -> Result<Self> {
        table.has_one_column()?;
        table.holds_numbers()?;
        table.holds_no_curves("a dot")?;
        Ok(Self { name, table, rows, places: None })
    }

    /// The same numbers under another name.
    #[must_use]
    pub fn called(self, name: Option<String>) -> Self {
        Self { name: name.unwrap_or(self.name), ..self }
    }

    fn value(&self, dot: usize, computed: &Computed) -> Cell {
        if let Some(places) = &self.places {
            return Cell::Value(places[dot]);
        }
        let entry = self.table.rows[self.rows[dot]].entry();
        match entry.numbers(computed).and_then(|numbers| numbers.first().copied()) {
            Some(value) => Cell::of(value, entry.has_diverged(computed)),
            None if entry.has_failed(computed) => Cell::Failed,
            None if entry.is_no_number() => Cell::Value(f64::NAN),
            None => Cell::Missing,
        }
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        Self { table: self.table.named(name), ..self.clone() }
    }
}

impl ScatterPlot {
    /// Dots at these numbers, which are as many of each.
    pub fn new(x: Numbers, y: Numbers, colour: Option<Numbers>) -> Self {
        Self { x, y, colour }
    }

    fn all(&self) -> impl Iterator<Item = &Numbers> {
        [Some(&self.x), Some(&self.y), self.colour.as_ref()].into_iter().flatten()
    }

    /// The dots whose two places are there.
    fn dots(&self, computed: &Computed) -> Vec<(usize, f64, f64)> {
        let dot = |dot: usize| match (self.x.value(dot, computed), self.y.value(dot, computed)) {
            (Cell::Value(x), Cell::Value(y)) => Some((dot, x, y)),
            _ => None,
        };
        (0..self.x.rows.len()).filter_map(dot).collect()
    }
}

impl Plot for ScatterPlot {
    fn kind(&self) -> &'static str {
        "scatter"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        let values: Vec<&ResultTable> = self.all().filter(|n| n.places.is_none()).map(|n| &n.table).collect();
        if values.is_empty() { vec![&self.x.table] } else { values }
    }

    fn x_name(&self) -> Result<String> {
        Ok(self.x.name.clone())
    }

    fn y_name(&self) -> String {
        self.y.name.clone()
    }

    fn colours(&self) -> Option<String> {
        self.colour.as_ref().map(|colour| colour.name.clone())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let dots = self.dots(computed);
        let cells = self.colour.iter().flat_map(|colour| dots.iter().map(|(dot, ..)| colour.value(*dot, computed)));
        Ok(Kind::from(Scatter {
            x: Axis::new(&self.x.name),
            y: Axis::new(&self.y.name),
            xs: dots.iter().map(|(_, x, _)| *x).collect(),
            ys: dots.iter().map(|(_, _, y)| *y).collect(),
            labels: dots.iter().map(|(dot, ..)| self.y.table.point(self.y.rows[*dot])).collect(),
            values: cells.collect(),
            colour: Colouring {
                value: self.colour.as_ref().map_or(String::new(), |colour| colour.name.clone()),
                ..Colouring::default()
            },
            lines: added,
        }))
    }

    /// Part 0: dot `i` of those that are there.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        let Some(&(dot, ..)) = self.dots(computed).get(hit.i) else { return Vec::new() };
        let with_results: Vec<&Numbers> = self.all().filter(|numbers| numbers.places.is_none()).collect();
        let named = if with_results.is_empty() { vec![&self.x] } else { with_results };
        named.into_iter().map(|numbers| numbers.table.located(numbers.rows[dot], None, computed)).collect()
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let (x, y) = (self.x.named(name), self.y.named(name));
        Arc::new(Self { x, y, colour: self.colour.as_ref().map(|colour| colour.named(name)) })
    }
}
