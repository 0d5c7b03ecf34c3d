//! Bars over one axis, such as the deepest trainable network over weight variance.

use super::axis::Frame;
use super::chart::{self, Agreed, Chart, Side};
use super::colourbar::{Colours, edges, side};
use super::csv::{Row, name, points, status};
use super::curves::{self, Ground};
use super::geometry::Rect;
use super::legend::{LegendEntry, LegendKey};
use super::marks::Odd;
use super::number::plain;
use super::regions::{By, Part, Quantity, Shape};
use super::scene::{INK, Mark, Paint, Panel, Scene};
use super::{Bars, Cell, Colour, Dash, Drawing, Scale};
use crate::{Error, Result};

/// The share of the distance between bars that a bar fills.
const FILL: f64 = 0.8;
/// The axis follows curves up to this multiple of the tallest bar.
const MOST_ABOVE: f64 = 1.3;

impl Drawing for Bars {
    fn chart(&self, agreed: &Agreed) -> Result<Chart<'_>> {
        self.check()?;
        let (places, around) = edges(&self.xs, self.x.log);
        let colours = Colours::new(self.values.iter().filter_map(Cell::number), &self.colour, agreed.colour);
        let ends = self.whiskers.iter().flat_map(|ends| ends.lo.iter().chain(&ends.hi)).copied();
        let heights = self.heights.iter().copied().chain(ends).chain([0.0]).chain(agreed.shown.1.iter().copied());
        // A diverging curve, such as ξ_c, must not flatten the bars.
        let reach = MOST_ABOVE * heights.clone().filter(|v| v.is_finite()).fold(0.0, f64::max);
        let curves = self.lines.iter().flat_map(|line| &line.y).map(|v| v.min(reach).max(0.0));
        let tallest = Scale::spanning(heights.chain(curves), &self.y);
        let padded = tallest.padded(0.05, &self.y);
        // On a logarithmic axis, which has no zero to stand on, bars stand on the lower end.
        let lo = if tallest.lo < 0.0 || self.y.log { padded.lo } else { tallest.lo };
        let x = side(&self.x, &self.xs, &around, agreed.x);
        let y_scale = agreed.y.unwrap_or(Scale { lo, ..padded });
        let y = Side { axis: &self.y, scale: y_scale, whole: chart::whole(&self.heights) };

        let paint =
            |i: usize| self.values.get(i).map_or(Paint::Solid(Colour::series(0)), |&cell| colours.paint_cell(cell));
        let mut legend = curves::entries(&self.lines, &self.y, Ground::Colours);
        let paints: Vec<Paint> = (0..self.xs.len()).map(paint).collect();
        let present = Paint::HATCHED.into_iter().filter(|hatch| paints.contains(hatch));
        // A colour is NaN as well where its point failed or is not computed.
        let meaning = |paint: Paint| if paint == Paint::NaN { "no number" } else { paint.meaning() };
        legend.extend(present.map(|paint| LegendEntry { label: meaning(paint).into(), key: LegendKey::Patch(paint) }));
        let found: Vec<Odd> = (0..self.heights.len()).filter_map(|i| self.odd(i)).collect();
        let odd = Odd::ALL.into_iter().filter(|odd| found.contains(odd));
        legend.extend(odd.map(Odd::entry).filter(|entry| !legend.contains(entry)).collect::<Vec<_>>());
        let body = move |scene: &mut Scene, frame: &Frame| self.draw(scene, frame, &paints, (&places, &around));
        Ok(Chart { x, y, legend, colours: Some(colours), covers: false, body: Box::new(body) })
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        let mut shapes = shapes.into_iter();
        let mut quantities = vec![
            Quantity::places(&self.x, "x", By::I, &self.xs),
            Quantity::trained(self.y.column("y"), By::I, &self.heights, &self.diverged),
        ];
        if let Some(ends) = &self.whiskers {
            quantities.push(Quantity::numbers("from".into(), By::I, &ends.lo));
            quantities.push(Quantity::numbers("to".into(), By::I, &ends.hi));
        }
        if !self.values.is_empty() {
            quantities.push(Quantity::cells(name(&self.colour.value, "value"), By::I, self.values.clone()));
        }
        let bars = shapes.next().map(|shape| Part::new(shape, quantities, Some(1)));
        bars.into_iter().chain(curves::parts(shapes, &self.lines, (&self.x, &self.y), "curve")).collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let coloured = !self.values.is_empty();
        let has_status = !self.diverged.is_empty()
            || self.values.contains(&Cell::Diverged)
            || self.lines.iter().any(|line| !line.diverged.is_empty());
        let mut head = vec!["series".into(), self.x.column("x"), self.y.column("y")];
        if self.whiskers.is_some() {
            head.extend(["lo".into(), "hi".into()]);
        }
        head.extend(coloured.then(|| name(&self.colour.value, "value")));
        head.extend(has_status.then(|| "status".into()));
        let mut rows = vec![head];
        for (i, (x, height)) in self.xs.iter().zip(&self.heights).enumerate() {
            let mut row = vec!["bars".into(), self.x.reading(*x), plain(*height)];
            row.extend(
                self.whiskers
                    .iter()
                    .flat_map(|ends| [&ends.lo, &ends.hi])
                    .map(|ends| ends.get(i).map_or(String::new(), |v| plain(*v))),
            );
            row.extend(coloured.then(|| self.values.get(i).map_or(String::new(), |cell| cell.record().0)));
            let has_diverged = self.odd(i) == Some(Odd::Diverged) || self.values.get(i) == Some(&Cell::Diverged);
            row.extend(has_status.then(|| status(has_diverged)));
            rows.push(row);
        }
        for (line, x, y, has_diverged) in points(&self.lines) {
            let mut row = vec![line.to_string(), x, y];
            row.extend(self.whiskers.iter().flat_map(|_| [String::new(), String::new()]));
            row.extend(coloured.then(String::new));
            row.extend(has_status.then(|| status(has_diverged)));
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Bars {
    /// What the axis cannot show of a height.
    fn odd(&self, i: usize) -> Option<Odd> {
        Odd::of_number(i, self.heights[i], &self.y, &self.diverged)
    }

    /// A whisker: a line from one end to the other with a short stroke across each.
    fn draw_whisker(&self, scene: &mut Scene, frame: &Frame, i: usize, bar: Rect) {
        /// Half of a stroke's length, at most.
        const REACH: f64 = 6.0;
        let Some(ends) = &self.whiskers else { return };
        let (low, high) = (frame.py(ends.lo[i]), frame.py(ends.hi[i]));
        if low.is_nan() || high.is_nan() || ends.lo[i] == ends.hi[i] {
            return;
        }
        let (middle, reach) = ((bar.left + bar.right) / 2.0, (bar.width() / 3.0).min(REACH));
        let strokes = [
            ((middle, low), (middle, high)),
            ((middle - reach, low), (middle + reach, low)),
            ((middle - reach, high), (middle + reach, high)),
        ];
        for (colour, width) in [(Colour::WHITE, 3.6), (INK, 1.6)] {
            for (from, to) in strokes {
                for points in frame.rect().clip_path(&[from, to]) {
                    scene.marks.push(Mark::Path { points, colour, width, dash: Dash::Solid });
                }
            }
        }
    }

    fn draw(&self, scene: &mut Scene, frame: &Frame, paints: &[Paint], (places, around): (&[f64], &[f64])) {
        let ground = match frame.py(0.0) {
            none if none.is_nan() => frame.bottom,
            ground => ground.clamp(frame.top, frame.bottom),
        };
        let (mut bars, mut drawn, mut reach): (_, Vec<Option<Rect>>, _) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (&at, &height)) in self.xs.iter().zip(&self.heights).enumerate() {
            let Ok(place) = places.binary_search_by(|v| v.total_cmp(&(at + 0.0))) else {
                drawn.push(None);
                reach.push(None);
                continue;
            };
            let edge = |value: f64, share: f64| {
                let (middle, edge) = (frame.px(at), frame.px(value));
                (middle + (edge - middle) * share).clamp(frame.left, frame.right)
            };
            let sides = |share: f64| (edge(around[place], share), edge(around[place + 1], share));
            let end = match frame.py(height) {
                none if none.is_nan() => ground,
                end => end.clamp(frame.top, frame.bottom),
            };
            let (left, right) = sides(FILL);
            let rect = Rect { left, right, top: end.min(ground), bottom: end.max(ground) };
            drawn.push(Some(rect));
            let (left, right) = sides(1.0);
            reach.push(Some(Rect { left, right, ..frame.rect() }));
            if height.is_finite() && rect.width() > 0.0 && rect.height() > 0.0 {
                bars.push((rect, paints[i]));
            } else if let Some(odd) = self.odd(i) {
                let middle = (rect.left + rect.right) / 2.0;
                let place = if odd == Odd::Above { frame.top + 9.0 } else { frame.bottom - 9.0 };
                odd.marker().draw(scene, (middle, place), INK);
            }
        }
        scene.marks.push(Mark::Cells(bars));
        for (i, bar) in drawn.iter().enumerate() {
            bar.iter().for_each(|bar| self.draw_whisker(scene, frame, i, *bar));
        }
        scene.shapes.push(Shape::Boxes { columns: drawn.len(), drawn, reach });
        if frame.y.lo < 0.0 {
            scene.rule((frame.left, ground), (frame.right, ground));
        }
        curves::draw(scene, frame, (&self.lines, &self.y), Ground::Colours);
    }

    fn check(&self) -> Result<()> {
        curves::check(&self.lines)?;
        let coloured = if self.values.is_empty() { self.xs.len() } else { self.values.len() };
        if self.heights.len() != self.xs.len() || coloured != self.xs.len() {
            return Err(Error::new(format!(
                "there are {} x values but {} heights and {} colour values",
                self.xs.len(),
                self.heights.len(),
                self.values.len()
            ))
            .hint("give one height per x value, and one colour value each or none"));
        }
        if let Some(ends) =
            self.whiskers.as_ref().filter(|ends| [&ends.lo, &ends.hi].iter().any(|e| e.len() != self.xs.len()))
        {
            let (bars, lo, hi) = (self.xs.len(), ends.lo.len(), ends.hi.len());
            return Err(Error::new(format!("there are {bars} bars, but {lo} and {hi} ends of whiskers"))
                .hint("give a low and a high end for each bar; NaN for a bar without a whisker"));
        }
        Ok(())
    }
}
