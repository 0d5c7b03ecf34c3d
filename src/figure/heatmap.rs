//! Colour over two axes: the phase diagram.

use super::axis::Frame;
use super::chart::{Agreed, Chart};
use super::colourbar::{Colours, edges, side};
use super::csv::{Row, name, points};
use super::curves::{self, Ground};
use super::geometry::Rect;
use super::legend::{LegendEntry, LegendKey, STROKE};
use super::number::plain;
use super::palette::Colour;
use super::regions::{By, Part, Quantity, Shape};
use super::scene::{Hatch, Mark, Paint, Panel};
use super::{Cell, Dash, Drawing, Heatmap, scene};
use crate::{Error, Result};

impl Drawing for Heatmap {
    fn chart(&self, agreed: &Agreed) -> Result<Chart<'_>> {
        self.check()?;
        let values = self.cells.iter().flatten().filter_map(Cell::number);
        let colours = Colours::new(values, &self.colour, agreed.colour);
        let paint = |cell: Cell| colours.paint_cell(cell);
        let (columns, across) = edges(&self.xs, self.x.log);
        let (rows, upward) = edges(&self.ys, self.y.log);
        let (x, y) = (side(&self.x, &self.xs, &across, agreed.x), side(&self.y, &self.ys, &upward, agreed.y));

        // Equal values share a column or row; the later one is drawn.
        let seen = |values: &[f64], among: &[f64]| {
            let mut seen = vec![0; among.len()];
            for (index, value) in values.iter().enumerate() {
                if let Ok(place) = among.binary_search_by(|v| v.total_cmp(&(value + 0.0))) {
                    seen[place] = index;
                }
            }
            seen
        };
        let (columns, mut rows) = (seen(&self.xs, &columns), seen(&self.ys, &rows));
        let mut upward = upward;
        if y.scale.down {
            // Cells are drawn from the bottom up.
            rows.reverse();
            upward.reverse();
        }
        let paints: Vec<Vec<Paint>> =
            columns.iter().map(|&ix| rows.iter().map(|&iy| paint(self.cell(ix, iy))).collect()).collect();
        let ends = columns.iter().map(|&ix| self.end_of_precision(ix)).collect::<Vec<_>>();
        let mut legend = curves::entries(&self.lines, &self.y, Ground::Colours);
        if ends.iter().any(Option::is_some) && !self.lines.iter().any(curves::is_imprecise) {
            legend.push(curves::end_of_precision());
        }
        let present = Paint::HATCHED.into_iter().filter(|paint| paints.iter().flatten().any(|p| p == paint));
        legend.extend(present.map(|paint| LegendEntry { label: paint.meaning().into(), key: LegendKey::Patch(paint) }));

        let body = move |scene: &mut scene::Scene, frame: &Frame| {
            let xs: Vec<f64> = across.iter().map(|&v| frame.px(v).clamp(frame.left, frame.right)).collect();
            let ys: Vec<f64> = upward.iter().map(|&v| frame.py(v).clamp(frame.top, frame.bottom)).collect();
            scene.marks.push(Mark::Cells(rectangles(&paints, &xs, &ys)));
            let borders = xs.clone();
            scene.shapes.push(Shape::Grid { across: xs, upward: ys, columns, rows });
            curves::draw(scene, frame, (&self.lines, &self.y), Ground::Colours);
            draw_ends(scene, frame, &ends, &borders);
        };
        Ok(Chart { x, y, legend, colours: Some(colours), covers: true, body: Box::new(body) })
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        let mut shapes = shapes.into_iter();
        let cells = (0..self.xs.len()).flat_map(|ix| (0..self.ys.len()).map(move |iy| self.cell(ix, iy)));
        let cells = shapes.next().map(|shape| {
            let quantities = vec![
                Quantity::places(&self.x, "x", By::I, &self.xs),
                Quantity::places(&self.y, "y", By::J, &self.ys),
                Quantity::cells(name(&self.colour.value, "value"), By::Cell, cells.collect()),
            ];
            Part { rows: self.ys.len(), ..Part::new(shape, quantities, Some(2)) }
        });
        cells.into_iter().chain(curves::parts(shapes, &self.lines, (&self.x, &self.y), "curve")).collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let text = |words: [&str; 5]| words.map(str::to_string).to_vec();
        let (x, y) = (self.x.column("x"), self.y.column("y"));
        let series = name(&self.colour.value, "value");
        let mut rows = vec![text(["series", &x, &y, "value", "status"])];
        for (ix, x) in self.xs.iter().enumerate() {
            for (iy, y) in self.ys.iter().enumerate() {
                let (value, status) = match self.cell(ix, iy) {
                    Cell::Value(value) if self.trusted.get(ix).is_some_and(|trusted| iy >= *trusted) => {
                        (plain(value), "imprecise")
                    }
                    cell => cell.record(),
                };
                rows.push(text([&series, &self.x.reading(*x), &self.y.reading(*y), &value, status]));
            }
        }
        for (line, x, y, has_diverged) in points(&self.lines) {
            rows.push(text([line, &x, &y, "", if has_diverged { "diverged" } else { "line" }]));
        }
        Ok(rows)
    }
}

impl Heatmap {
    /// The value on the y axis at which the precision of column `ix` ends, between two of its cells; `None` if it does not.
    fn end_of_precision(&self, ix: usize) -> Option<f64> {
        let trusted = *self.trusted.get(ix)?;
        let next = *self.ys.get(trusted)?;
        if !matches!(self.cell(ix, trusted), Cell::Value(_)) {
            return None;
        }
        let before = trusted.checked_sub(1).and_then(|at| self.ys.get(at)).copied();
        Some(before.map_or(next, |before| 0.5 * (before + next)))
    }

    /// The cell in column `ix` and row `iy`.
    pub fn cell(&self, ix: usize, iy: usize) -> Cell {
        self.cells.get(ix).and_then(|column| column.get(iy)).copied().unwrap_or_default()
    }

    fn check(&self) -> Result<()> {
        curves::check(&self.lines)?;
        let deepest = self.cells.iter().map(Vec::len).max().unwrap_or(0);
        if self.cells.len() > self.xs.len() || deepest > self.ys.len() {
            return Err(Error::new(format!(
                "the heatmap has {} columns of up to {deepest} cells, but {} x and {} y values",
                self.cells.len(),
                self.xs.len(),
                self.ys.len()
            ))
            .hint("give one x value per column and one y value per row"));
        }
        Ok(())
    }
}

/// Draws, over each column, where its precision ends.
fn draw_ends(scene: &mut scene::Scene, frame: &Frame, ends: &[Option<f64>], across: &[f64]) {
    let mut paths: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (end, x) in ends.iter().zip(across.windows(2)) {
        let place = end.map(|end| frame.py(end)).filter(|y| (frame.top..=frame.bottom).contains(y));
        match (place, paths.last_mut()) {
            (Some(y), Some(path)) => path.extend([(x[0], y), (x[1], y)]),
            _ => paths.push(Vec::new()),
        }
    }
    for points in paths.into_iter().filter(|path| !path.is_empty()) {
        let line = |points, colour, width, dash| Mark::Path { points, colour, width, dash };
        scene.marks.push(line(points.clone(), Colour::WHITE, STROKE + 1.8, Dash::Solid));
        scene.marks.push(line(points, Colour::BLACK, STROKE, Dash::Dotted));
    }
}

/// Merges cells of one paint into few rectangles: runs up a column, then equal runs of neighbouring columns.
fn rectangles(paints: &[Vec<Paint>], xs: &[f64], ys: &[f64]) -> Vec<(Rect, Paint)> {
    let mut done: Vec<(Rect, Paint)> = Vec::new();
    let mut before: Vec<usize> = Vec::new();
    for (ix, column) in paints.iter().enumerate() {
        let (mut runs, mut iy) = (Vec::new(), 0);
        // Runs of both columns go upward, so one pass finds the pairs.
        let mut neighbours = before.iter().copied().peekable();
        for run in column.chunk_by(|a, b| a == b) {
            let rect = Rect { left: xs[ix], right: xs[ix + 1], bottom: ys[iy], top: ys[iy + run.len()] };
            iy += run.len();
            if rect.width() <= 0.0 || rect.height() <= 0.0 {
                continue;
            }
            while neighbours.next_if(|&at| done[at].0.bottom < rect.bottom).is_some() {}
            let same = |&at: &usize| {
                let (old, paint) = &done[at];
                *paint == run[0] && old.top == rect.top && old.bottom == rect.bottom && old.right == rect.left
            };
            let at = match neighbours.peek().copied().filter(same) {
                Some(at) => {
                    done[at].0.right = rect.right;
                    at
                }
                None => {
                    done.push((rect, run[0]));
                    done.len() - 1
                }
            };
            runs.push(at);
        }
        before = runs;
    }
    for (rect, paint) in &mut done {
        if rect.width().min(rect.height()) < Hatch::PERIOD / 2.0 {
            *paint = paint.narrow();
        }
    }
    done
}
