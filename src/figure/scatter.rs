//! Dots over two axes, such as an accuracy after training over a prediction before it.

use super::axis::Frame;
use super::chart::{self, Agreed, Chart, Side};
use super::colourbar::Colours;
use super::csv::{Row, name, points};
use super::curves::{self, Ground};
use super::legend::{LegendEntry, LegendKey};
use super::marks::{Marker, Odd, RADIUS};
use super::number::plain;
use super::regions::{By, Part, Quantity, Shape};
use super::scene::{Paint, Panel, Scene};
use super::{Cell, Colour, Drawing, Scatter, Series};
use crate::{Error, Result};

impl Drawing for Scatter {
    fn chart(&self, agreed: &Agreed) -> Result<Chart<'_>> {
        self.check()?;
        let numbers = self.values.iter().filter_map(Cell::number);
        let colours = (!self.values.is_empty()).then(|| Colours::new(numbers, &self.colour, agreed.colour));
        let along = |values: &[f64], pick: fn(&Series) -> &[f64]| -> Vec<f64> {
            values.iter().copied().chain(self.lines.iter().flat_map(|line| pick(line).iter().copied())).collect()
        };
        let (xs, ys) = (along(&self.xs, |line| &line.x), along(&self.ys, |line| &line.y));
        let x = Side::spanning(&self.x, xs.into_iter(), &agreed.shown.0, 0.04, agreed.x);
        let y = Side::spanning(&self.y, ys.into_iter(), &agreed.shown.1, 0.05, agreed.y);
        let x = Side { whole: chart::whole(&self.xs), ..x };
        let paint = |i: usize| match (&colours, self.values.get(i)) {
            (Some(colours), cell) => colours.paint_cell(cell.copied().unwrap_or_default()),
            (None, _) => Paint::Solid(Colour::series(0)),
        };
        let paints: Vec<Paint> = (0..self.xs.len()).map(paint).collect();
        let mut legend = curves::entries(&self.lines, &self.y, Ground::Paper);
        for paint in Paint::HATCHED.into_iter().filter(|paint| paints.contains(paint)) {
            let (marker, colour) = Marker::of(paint);
            legend.push(LegendEntry { label: paint.meaning().into(), key: LegendKey::Marker(marker, colour) });
        }
        let body = move |scene: &mut Scene, frame: &Frame| self.draw(scene, frame, &paints);
        Ok(Chart { x, y, legend, colours, covers: false, body: Box::new(body) })
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        let mut shapes = shapes.into_iter();
        let mut quantities = Vec::new();
        if !self.labels.is_empty() {
            quantities.push(Quantity::label(By::I, self.labels.clone()));
        }
        quantities.push(Quantity::places(&self.x, "x", By::I, &self.xs));
        quantities.push(Quantity::places(&self.y, "y", By::I, &self.ys));
        let mut value = quantities.len() - 1;
        if !self.values.is_empty() {
            value += 1;
            quantities.push(Quantity::cells(name(&self.colour.value, "value"), By::I, self.values.clone()));
        }
        let dots = shapes.next().map(|shape| Part::new(shape, quantities, Some(value)));
        dots.into_iter().chain(curves::parts(shapes, &self.lines, (&self.x, &self.y), "curve")).collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let coloured = !self.values.is_empty();
        let mut head = vec!["series".into(), "point".into(), self.x.column("x"), self.y.column("y")];
        if coloured {
            head.extend([name(&self.colour.value, "value"), "status".into()]);
        }
        let mut rows = vec![head];
        for (i, (x, y)) in self.xs.iter().zip(&self.ys).enumerate() {
            let mut row = vec!["dots".into(), self.labels.get(i).cloned().unwrap_or_default()];
            row.extend([plain(*x), plain(*y)]);
            if coloured {
                let (value, status) = self.values.get(i).copied().unwrap_or_default().record();
                row.extend([value, status.into()]);
            }
            rows.push(row);
        }
        for (line, x, y, _) in points(&self.lines) {
            let mut row = vec![line.to_string(), String::new(), x, y];
            if coloured {
                row.extend([String::new(), "line".into()]);
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Scatter {
    fn draw(&self, scene: &mut Scene, frame: &Frame, paints: &[Paint]) {
        let place = |(&x, &y): (&f64, &f64)| {
            let at = (frame.px(x), frame.py(y));
            let is_there = Odd::of(x, &self.x).is_none() && Odd::of(y, &self.y).is_none();
            (is_there && frame.rect().contains(at)).then_some(at)
        };
        let points: Vec<_> = self.xs.iter().zip(&self.ys).map(place).collect();
        for (at, paint) in points.iter().zip(paints).filter_map(|(at, paint)| Some(((*at)?, *paint))) {
            let (marker, colour) = Marker::of(paint);
            if marker == Marker::Dot {
                // A white edge tells dots apart where they lie over one another.
                scene.fill(super::marks::circle(at, RADIUS + 1.0), Colour::WHITE, 1.0);
            }
            marker.draw(scene, at, colour);
        }
        scene.shapes.push(Shape::Points { points });
        curves::draw(scene, frame, (&self.lines, &self.y), Ground::Paper);
    }

    fn check(&self) -> Result<()> {
        curves::check(&self.lines)?;
        let (dots, colours, labels) = (self.xs.len(), self.values.len(), self.labels.len());
        if self.ys.len() != dots || ![0, dots].contains(&colours) || ![0, dots].contains(&labels) {
            let ys = self.ys.len();
            return Err(Error::new(format!(
                "there are {dots} x values but {ys} y values, {colours} colour values and {labels} labels"
            ))
            .hint("give one y per x, and one colour value and label each or none"));
        }
        Ok(())
    }
}
