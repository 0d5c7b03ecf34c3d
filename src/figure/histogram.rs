//! How many values lie in which range.

use super::axis::Frame;
use super::chart::{Agreed, Chart, Side};
use super::csv::{Row, name};
use super::curves::{self, Ground};
use super::geometry::Rect;
use super::marks::Odd;
use super::number::plain;
use super::regions::{By, Part, Quantity, Shape};
use super::scene::{Mark, Paint, Panel, Scene};
use super::{Colour, Drawing, Histogram, Scale};
use crate::Result;

/// The most ranges that are chosen.
const MOST: f64 = 100.0;

/// The ranges, their counts, and in which range each value lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Bins {
    /// One more than there are ranges.
    pub edges: Vec<f64>,
    pub counts: Vec<f64>,
    pub of_value: Vec<Option<usize>>,
}

impl Histogram {
    /// The ranges, equally wide on the axis. Each holds its lower end, and the last one its upper end as well.
    pub fn bins(&self) -> Bins {
        let inside = |v: &f64| {
            Odd::of(*v, &self.x).is_none()
                && self.x.min.is_none_or(|min| *v >= min)
                && self.x.max.is_none_or(|max| *v <= max)
        };
        let mut sorted: Vec<f64> = self.values.iter().copied().filter(inside).collect();
        sorted.sort_by(f64::total_cmp);
        let scale = Scale { down: false, ..Scale::spanning(sorted.iter().copied(), &self.x) };
        let bins = if self.bins > 0 { self.bins } else { chosen(&sorted, &scale) };
        let edge = |i: usize| match i {
            0 => scale.lo,
            i if i == bins => scale.hi,
            i if scale.log => scale.lo * (scale.hi / scale.lo).powf(i as f64 / bins as f64),
            i => scale.lo + (scale.hi - scale.lo) * i as f64 / bins as f64,
        };
        let edges: Vec<f64> = (0..=bins).map(edge).collect();
        // The range whose edges hold the value, not the one that rounding of its share gives.
        let of = |v: &f64| edges[1..bins].partition_point(|edge| edge <= v);
        let of_value: Vec<Option<usize>> = self.values.iter().map(|v| inside(v).then(|| of(v))).collect();
        let mut counts = vec![0.0; bins];
        of_value.iter().flatten().for_each(|&bin| counts[bin] += 1.0);
        Bins { edges, counts, of_value }
    }
}

/// Freedman and Diaconis's number of ranges, at least Sturges's, as NumPy's "auto".
fn chosen(sorted: &[f64], scale: &Scale) -> usize {
    let n = sorted.len().max(1) as f64;
    let quartile = |share: f64| scale.at(sorted[((sorted.len() - 1) as f64 * share).round() as usize]);
    let spread = if sorted.is_empty() { 0.0 } else { quartile(0.75) - quartile(0.25) };
    let by_spread = if spread > 0.0 { n.cbrt() / (2.0 * spread) } else { 0.0 };
    by_spread.max(n.log2() + 1.0).ceil().clamp(1.0, MOST) as usize
}

impl Drawing for Histogram {
    fn chart(&self, agreed: &Agreed) -> Result<Chart<'_>> {
        curves::check(&self.lines)?;
        let Bins { edges, counts, .. } = self.bins();
        let y_axis_min = if self.y.log { 0.8 } else { 0.0 };
        let tops = counts.iter().copied().chain([y_axis_min]);
        let tops = tops.chain(self.lines.iter().flat_map(|line| line.y.iter().copied()));
        let x = Side::spanning(&self.x, edges.iter().copied(), &agreed.shown.0, 0.02, agreed.x);
        let y = Side::spanning(&self.y, tops, &agreed.shown.1, 0.05, agreed.y);
        let lo = if self.y.min.is_none() && agreed.y.is_none() { y_axis_min } else { y.scale.lo };
        let y = Side { scale: Scale { lo, ..y.scale }, whole: true, ..y };
        let legend = curves::entries(&self.lines, &self.y, Ground::Paper);
        let body = move |scene: &mut Scene, frame: &Frame| {
            let place = |v: f64| frame.px(v).clamp(frame.left, frame.right);
            let rect = |i: usize, height: f64| {
                let top = frame.py(height);
                let top = if top.is_nan() { frame.bottom } else { top.clamp(frame.top, frame.bottom) };
                let (left, right) = (place(edges[i]), place(edges[i + 1]));
                Rect { left: left.min(right), right: right.max(left), top, bottom: frame.bottom }
            };
            let drawn: Vec<Option<Rect>> = counts.iter().enumerate().map(|(i, &count)| Some(rect(i, count))).collect();
            let reach = drawn.iter().map(|bar| bar.map(|bar| Rect { top: frame.top, ..bar })).collect();
            let seen = drawn.iter().flatten().filter(|bar| bar.width() > 0.0 && bar.height() > 0.0);
            let bars: Vec<Rect> = seen.copied().collect();
            scene.marks.push(Mark::Cells(bars.iter().map(|bar| (*bar, Paint::Solid(Colour::series(0)))).collect()));
            if bars.iter().all(|bar| bar.width() > 4.0) {
                bars.iter().for_each(|bar| scene.outline(*bar, Colour::WHITE));
            }
            scene.shapes.push(Shape::Boxes { columns: drawn.len(), drawn, reach });
            curves::draw(scene, frame, (&self.lines, &self.y), Ground::Paper);
        };
        Ok(Chart { x, y, legend, colours: None, covers: false, body: Box::new(body) })
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        let Bins { edges, counts, .. } = self.bins();
        let mut shapes = shapes.into_iter();
        let quantities = vec![
            Quantity::numbers(format!("{} from", self.x.column("value")), By::I, &edges[..counts.len()]),
            Quantity::numbers("to".into(), By::I, &edges[1..]),
            Quantity::numbers(self.y.column("count"), By::I, &counts),
        ];
        let bars = shapes.next().map(|shape| Part::new(shape, quantities, Some(2)));
        bars.into_iter().chain(curves::parts(shapes, &self.lines, (&self.x, &self.y), "curve")).collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let Bins { edges, counts, .. } = self.bins();
        let mut rows = vec![["series", "from", "to", "count"].map(str::to_owned).to_vec()];
        for (i, count) in counts.iter().enumerate() {
            rows.push(vec![name(&self.x.name, "value"), plain(edges[i]), plain(edges[i + 1]), plain(*count)]);
        }
        for line in &self.lines {
            for (x, y) in line.x.iter().zip(&line.y) {
                rows.push(vec![line.label.clone(), plain(*x), plain(*x), plain(*y)]);
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Axis;
    use super::*;

    #[test]
    fn every_value_is_in_the_range_whose_ends_hold_it() {
        let values = vec![0.0, 0.1, 0.2, 0.3, 0.3, f64::NAN, 5.0];
        let x = Axis { max: Some(0.3), ..Axis::default() };
        let bins = Histogram { x, values, bins: 3, ..Histogram::default() }.bins();
        // NumPy: np.histogram([0, .1, .2, .3, .3], 3)
        assert_eq!(bins.counts, [1.0, 1.0, 3.0]);
        assert_eq!(bins.of_value, [Some(0), Some(1), Some(2), Some(2), Some(2), None, None]);
        let log = Axis { log: true, ..Axis::default() };
        let bins = Histogram { x: log, values: vec![1.0, 10.0, 100.0, 0.0], bins: 2, ..Histogram::default() }.bins();
        assert_eq!(bins.counts, [1.0, 2.0]);
        assert_eq!(Histogram::default().bins().counts, [0.0]);
    }
}
