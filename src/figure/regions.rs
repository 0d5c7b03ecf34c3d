//! Which place of a drawn figure shows which value: what the live page needs to name what the pointer is at.
//!
//! The drawing supplies the shapes, from the same coordinates as its marks; the data supply the quantities.

use serde::{Deserialize, Serialize, Serializer};

use super::axis::Frame;
use super::geometry::Rect;
use super::number::{plain, pretty};
use super::{Axis, Cell, Series};

/// One value of a figure: its part, and its place `i` (and `j`, in a grid) among that part's data.
///
/// - Heatmap: part 0 is the cells, with column `i` and row `j`; part `1 + k` is added curve `k`, with point `i`.
/// - Lines: part `k` is curve `k`, with point `i`.
/// - Bars, scatter and histogram: part 0 is the bars or dots, with number `i`; part `1 + k` is added curve `k`.
/// - Panels: the parts of each panel follow those of the panels before it, row by row.
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

/// A drawn figure's regions, in units of its SVG with y downward.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regions {
    /// The page's width, in which all places are given.
    pub width: f64,
    /// Where the axes lie: one frame per panel; none for images.
    pub frames: Vec<Frame>,
    /// Indexed by [`Hit::part`].
    pub parts: Vec<Part>,
}

/// Data of one kind in a figure: where they are drawn, and what they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// The panel in which they are drawn.
    pub panel: usize,
    /// Where they are drawn.
    pub shape: Shape,
    /// What they are, in the order of a tooltip's lines.
    pub quantities: Vec<Quantity>,
    /// Which of the quantities is the one shown, if there is one.
    pub value: Option<usize>,
    /// Rows in the data of a grid: the value at `(i, j)` is number `i * rows + j`. 1 elsewhere.
    pub rows: usize,
}

/// Where the data of one part are drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shape {
    /// Cells side by side, clipped to the axes.
    Grid {
        /// The columns' edges, left to right: one more than there are columns.
        #[serde(serialize_with = "hundredths")]
        across: Vec<f64>,
        /// The rows' edges, from the bottom up: one more than there are rows.
        #[serde(serialize_with = "hundredths")]
        upward: Vec<f64>,
        /// The data's column ([`Hit::i`]) that each drawn one shows.
        columns: Vec<usize>,
        /// The data's row ([`Hit::j`]) that each drawn one shows.
        rows: Vec<usize>,
    },
    /// A curve's points, or dots; `None` for one that has no place.
    Points {
        /// One per point.
        points: Vec<Option<(f64, f64)>>,
    },
    /// Separate rectangles.
    Boxes {
        /// What is drawn, one per bar or picture; `None` for one that has no place.
        drawn: Vec<Option<Rect>>,
        /// Where a pointer means it.
        reach: Vec<Option<Rect>>,
        /// How many stand in a row.
        columns: usize,
    },
}

/// A quantity of a part's data, as numbers and as text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quantity {
    /// Its name, as in the CSV; empty for a label.
    pub name: String,
    /// What its texts and values are counted by.
    pub by: By,
    /// What a reader is shown.
    pub texts: Vec<String>,
    /// All digits; empty for a label.
    pub values: Vec<Cell>,
}

/// The index of a quantity's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// One for the whole part.
    Part,
    /// [`Hit::i`].
    I,
    /// [`Hit::j`].
    J,
    /// Both: `i * rows + j`.
    Cell,
}

/// Hundredths of a unit are as exact as the SVG.
fn hundredths<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(values.iter().map(|value| (value * 100.0).round() / 100.0))
}

impl Quantity {
    /// Numbers, some of which may be missing.
    pub(super) fn cells(name: String, by: By, values: Vec<Cell>) -> Self {
        Self { name, by, texts: values.iter().map(Cell::words).collect(), values }
    }

    /// Numbers.
    pub(super) fn numbers(name: String, by: By, values: &[f64]) -> Self {
        Self::cells(name, by, values.iter().copied().map(Cell::Value).collect())
    }

    /// Numbers, some of which are NaN since a training diverged.
    pub(super) fn trained(name: String, by: By, values: &[f64], diverged: &[usize]) -> Self {
        let cells = values.iter().enumerate().map(|(i, &value)| Cell::of(value, diverged.binary_search(&i).is_ok()));
        Self::cells(name, by, cells.collect())
    }

    /// Places on an axis: its words, or numbers.
    pub(super) fn places(axis: &Axis, otherwise: &str, by: By, values: &[f64]) -> Self {
        let numbers = Self::numbers(axis.column(otherwise), by, values);
        if axis.words.is_empty() {
            return numbers;
        }
        Self { texts: values.iter().map(|&value| axis.reading(value)).collect(), values: Vec::new(), ..numbers }
    }

    /// Labels, which have no numbers.
    pub(super) fn label(by: By, texts: Vec<String>) -> Self {
        Self { name: String::new(), by, texts, values: Vec::new() }
    }
}

impl Part {
    /// Data of the first panel, whose quantity `value` is the one shown.
    pub(super) fn new(shape: Shape, quantities: Vec<Quantity>, value: Option<usize>) -> Self {
        Self { panel: 0, shape, quantities, value, rows: 1 }
    }

    /// The points of a curve. `otherwise` is the label of one without a label; empty shows none.
    pub(super) fn curve(shape: Shape, series: &Series, axes: (&Axis, &Axis), otherwise: &str) -> Self {
        let label = if series.label.is_empty() { otherwise } else { &series.label };
        let mut quantities = Vec::new();
        if !label.is_empty() {
            quantities.push(Quantity::label(By::Part, vec![label.to_owned()]));
        }
        quantities.push(Quantity::places(axes.0, "x", By::I, &series.x));
        let value = Some(quantities.len());
        quantities.push(Quantity::trained(axes.1.column("y"), By::I, &series.y, &series.diverged));
        if let Some(band) = &series.band {
            quantities.push(Quantity::numbers("from".into(), By::I, &band.lo));
            quantities.push(Quantity::numbers("to".into(), By::I, &band.hi));
        }
        Self::new(shape, quantities, value)
    }
}

impl Cell {
    /// A number of a result that rests on a training that diverged, or does not.
    pub fn of(value: f64, has_diverged: bool) -> Self {
        if has_diverged && value.is_nan() { Self::Diverged } else { Self::Value(value) }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        if let Self::Value(value) = *self { Some(value) } else { None }
    }

    /// What a reader is shown: six digits of a number, or why there is none.
    pub fn words(&self) -> String {
        match *self {
            Self::Value(value) => pretty(value),
            Self::Diverged => "diverged".to_owned(),
            Self::Failed => "failed".to_owned(),
            Self::Missing => "not computed yet".to_owned(),
        }
    }

    /// The value with all its digits, as it stands in the CSV, and its status there.
    pub fn record(&self) -> (String, &'static str) {
        match *self {
            Self::Value(value) => (plain(value), "ok"),
            Self::Diverged => (plain(f64::NAN), "diverged"),
            Self::Failed => (String::new(), "failed"),
            Self::Missing => (String::new(), "missing"),
        }
    }
}
