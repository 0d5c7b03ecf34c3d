//! The details of all values of a figure, compact: what many values share is written once. `files/frozen.js` reads them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Details;
use super::details::{parameter, seeds};
use crate::executor::Computed;
use crate::figure::{Hit, Regions, Shape};
use crate::output::Located;
use crate::script::Shown;

/// Values of a figure whose details are kept; of a figure with more, none are.
const VALUES: usize = 60_000;

/// See the module.
#[derive(Debug, Default, Serialize)]
pub(super) struct Points {
    /// The command that all points share.
    command: String,
    /// Texts, each once.
    texts: Vec<String>,
    rows: Vec<Row>,
    /// One per part of the figure; none where it has too many values.
    parts: Vec<Part>,
    #[serde(skip)]
    known_texts: BTreeMap<String, usize>,
    #[serde(skip)]
    known_rows: BTreeMap<Row, usize>,
}

/// A row of a table behind a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Row {
    /// Numbers of texts, three for each parameter: its name, its value, and both as a word of the command.
    p: Vec<usize>,
    /// What its curve runs over: the number of a text.
    o: usize,
    /// The seeds: the number of a text.
    s: Option<usize>,
    /// The fingerprint.
    f: Option<String>,
}

/// The values of one part: a column for each `i`.
#[derive(Debug, Serialize)]
struct Part {
    i: Vec<usize>,
    columns: Vec<Column>,
}

/// The values of one column, by `j`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Column {
    /// All are of the same rows, each at the depth after its `j`.
    Curve { r: Vec<usize> },
    /// For each `j` in turn: number of a row and depth, or 0 for none, of every row behind the value.
    Cells { j: Vec<usize>, c: Vec<Vec<usize>> },
}

impl Points {
    pub fn new(details: &Details, shown: &Shown, computed: &Computed, regions: &Regions) -> Self {
        let mut points = Self { command: details.command_of_all(), ..Self::default() };
        let all: Vec<_> = regions.parts.iter().map(|part| places(&part.shape)).collect();
        if all.iter().map(|(i, j)| i.len() * j.len()).sum::<usize>() > VALUES {
            return points;
        }
        for (part, (i, j)) in all.into_iter().enumerate() {
            let mut columns = Vec::new();
            for &i in &i {
                let cells = j.iter().map(|&j| shown.output.locate(Hit { part, i, j }, computed));
                let cells: Vec<Vec<usize>> = cells.map(|sources| points.cell(&sources)).collect();
                columns.push(Column::new(&j, cells));
            }
            points.parts.push(Part { i, columns });
        }
        points
    }

    /// Row and depth of every source.
    fn cell(&mut self, sources: &[Located]) -> Vec<usize> {
        sources.iter().flat_map(|source| [self.row(source), source.depth.unwrap_or(0)]).collect()
    }

    fn row(&mut self, source: &Located) -> usize {
        let words = source.parameters.iter();
        let words = words.flat_map(|(name, value)| [name.clone(), value.clone(), parameter(name, value)]);
        let row = Row {
            p: words.map(|word| self.text(word)).collect(),
            o: self.text(source.over.to_owned()),
            s: seeds(source).map(|seeds| self.text(seeds)),
            f: source.result.as_ref().map(|result| result.fingerprint().to_string()),
        };
        if let Some(&known) = self.known_rows.get(&row) {
            return known;
        }
        self.rows.push(row.clone());
        self.known_rows.insert(row, self.rows.len() - 1);
        self.rows.len() - 1
    }

    fn text(&mut self, text: String) -> usize {
        if let Some(&known) = self.known_texts.get(&text) {
            return known;
        }
        self.texts.push(text.clone());
        self.known_texts.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }
}

impl Column {
    fn new(j: &[usize], cells: Vec<Vec<usize>>) -> Self {
        let rows = |cell: &[usize]| -> Vec<usize> { cell.iter().step_by(2).copied().collect() };
        let first = cells.first().map_or_else(Vec::new, |cell| rows(cell));
        let is_curve = cells.iter().zip(j).all(|(cell, &j)| {
            rows(cell) == first && cell.iter().skip(1).step_by(2).all(|&depth| depth == j.saturating_add(1))
        });
        if is_curve { Self::Curve { r: first } } else { Self::Cells { j: j.to_vec(), c: cells } }
    }
}

/// Every `i` and every `j` of a shape's places.
pub(super) fn places(shape: &Shape) -> (Vec<usize>, Vec<usize>) {
    match shape {
        Shape::Grid { columns, rows, .. } => (columns.clone(), rows.clone()),
        Shape::Points { points } => ((0..points.len()).collect(), vec![0]),
        Shape::Boxes { drawn, .. } => ((0..drawn.len()).collect(), vec![0]),
    }
}

#[cfg(test)]
mod tests {
    use super::Column;

    #[test]
    fn a_column_of_one_curve_is_written_once() {
        assert_eq!(Column::new(&[0, 1], vec![vec![3, 1, 5, 1], vec![3, 2, 5, 2]]), Column::Curve { r: vec![3, 5] });
        let other = vec![vec![3, 1], vec![4, 2]];
        assert_eq!(Column::new(&[0, 1], other.clone()), Column::Cells { j: vec![0, 1], c: other });
        let apart = vec![vec![3, 1], vec![3, 3]];
        assert_eq!(Column::new(&[0, 1], apart.clone()), Column::Cells { j: vec![0, 1], c: apart });
    }
}
