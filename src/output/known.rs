//! Figures of numbers that the script has already, such as those of a tensor.

use std::sync::Arc;

use super::figure::Plot;
use super::{Located, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Axis, Cell, Colouring, Heatmap, Histogram, Hit, Kind, Lines, Series};
use crate::work::Described;

/// A figure that needs no result.
#[derive(Debug, Clone)]
pub struct KnownPlot {
    kind: Kind,
    name: &'static str,
    x: String,
}

impl KnownPlot {
    /// The colours of a matrix [rows, columns], row-major: the first row is at the top.
    pub fn matrix([rows, columns]: [usize; 2], numbers: &[f32], (x, y): (String, String), value: String) -> Self {
        let cell = |row: usize, column: usize| Cell::Value(f64::from(numbers[row * columns + column]));
        let places = |n: usize| (0..n).map(|i| i as f64).collect();
        let kind = Kind::from(Heatmap {
            x: Axis::new(&x),
            y: Axis { down: true, ..Axis::new(y) },
            xs: places(columns),
            ys: places(rows),
            cells: (0..columns).map(|column| (0..rows).map(|row| cell(row, column)).collect()).collect(),
            colour: Colouring { value, ..Colouring::default() },
            ..Heatmap::default()
        });
        Self { kind, name: "heatmap", x }
    }

    /// A line through numbers, over their places from 0.
    pub fn line(numbers: &[f32], x: String, y: String) -> Self {
        let places = (0..numbers.len()).map(|i| i as f64).collect();
        let values = numbers.iter().map(|&number| f64::from(number)).collect();
        let series = vec![Series::new("", places, values)];
        let lines = Lines { x: Axis::new(&x), y: Axis::new(y), series, ..Lines::default() };
        Self { kind: lines.into(), name: "lines", x }
    }

    /// How many numbers lie in which range; 0 bins chooses.
    pub fn histogram(numbers: &[f32], bins: usize, x: String, y: String) -> Self {
        let values = numbers.iter().map(|&number| f64::from(number)).collect();
        let histogram = Histogram { x: Axis::new(&x), y: Axis::new(y), values, bins, lines: Vec::new() };
        Self { kind: histogram.into(), name: "histogram", x }
    }
}

impl Plot for KnownPlot {
    fn kind(&self) -> &'static str {
        self.name
    }

    fn tables(&self) -> Vec<&ResultTable> {
        Vec::new()
    }

    fn x_name(&self) -> Result<String> {
        Ok(self.x.clone())
    }

    fn y_name(&self) -> String {
        match &self.kind {
            Kind::Heatmap(Heatmap { y, .. }) | Kind::Lines(Lines { y, .. }) | Kind::Histogram(Histogram { y, .. }) => {
                y.name.clone()
            }
            _ => String::new(),
        }
    }

    fn colours(&self) -> Option<String> {
        if let Kind::Heatmap(heatmap) = &self.kind { Some(heatmap.colour.value.clone()) } else { None }
    }

    fn draw(&self, added: Vec<Series>, _: &Computed) -> Result<Kind> {
        let mut kind = self.kind.clone();
        match &mut kind {
            Kind::Heatmap(heatmap) => heatmap.lines = added,
            Kind::Lines(lines) => lines.series.extend(added),
            Kind::Histogram(histogram) => histogram.lines = added,
            _ => {}
        }
        Ok(kind)
    }

    fn locate(&self, _: Hit, _: &Computed) -> Vec<Located> {
        Vec::new()
    }

    fn named(&self, _: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        Arc::new(self.clone())
    }
}
