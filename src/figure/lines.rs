//! Charts of curves over one axis.

use std::borrow::Cow;

use super::axis::Frame;
use super::chart::{Agreed, Chart, Side};
use super::colourbar::Colours;
use super::csv::{Row, status};
use super::curves::{self, Ground};
use super::number::plain;
use super::regions::{Part, Shape};
use super::scene::{Paint, Panel, Scene};
use super::{Dash, Drawing, Lines, Series};
use crate::Result;

impl Drawing for Lines {
    fn chart(&self, agreed: &Agreed) -> Result<Chart<'_>> {
        curves::check(&self.series)?;
        let xs = || self.series.iter().flat_map(|s| s.x.iter().copied());
        let ys = self.series.iter().flat_map(|s| {
            let band = s.band.iter().flat_map(|b| b.lo.iter().chain(&b.hi));
            s.y.iter().chain(band).copied()
        });
        let whole = xs().all(|x| x.fract() == 0.0);
        let x = Side { whole, ..Side::spanning(&self.x, xs(), &agreed.shown.0, 0.02, agreed.x) };
        let y = Side::spanning(&self.y, ys, &agreed.shown.1, 0.05, agreed.y);
        let levels = self.series.iter().filter_map(|s| s.level);
        let colours = self.family.as_ref().map(|family| Colours::new(levels, family, agreed.colour).for_lines());
        let series: Cow<'_, [Series]> = match &colours {
            None => Cow::Borrowed(&self.series),
            Some(colours) => self
                .series
                .iter()
                .map(|s| match s.level.map(|level| colours.paint(level)) {
                    Some(Paint::Solid(colour)) => {
                        Series { colour: Some(colour), dash: s.dash.or(Some(Dash::Solid)), ..s.clone() }
                    }
                    _ => s.clone(),
                })
                .collect(),
        };
        let legend = curves::entries(&series, &self.y, Ground::Paper);
        let body =
            move |scene: &mut Scene, frame: &Frame| curves::draw(scene, frame, (&series, &self.y), Ground::Paper);
        Ok(Chart { x, y, legend, colours, covers: false, body: Box::new(body) })
    }

    fn parts(&self, shapes: Vec<Shape>, _: &[Panel]) -> Vec<Part> {
        curves::parts(shapes.into_iter(), &self.series, (&self.x, &self.y), "").collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let banded = self.series.iter().any(|s| s.band.is_some());
        let mut head = vec!["series".into(), self.x.column("x"), self.y.column("y")];
        if banded {
            head.extend(["lo".into(), "hi".into()]);
        }
        let has_end = self.series.iter().any(curves::is_imprecise);
        let has_status = has_end || self.series.iter().any(|s| !s.diverged.is_empty());
        head.extend(has_status.then(|| "status".into()));
        let mut rows = vec![head];
        for series in &self.series {
            for (i, (x, y)) in series.x.iter().zip(&series.y).enumerate() {
                let mut row = vec![series.label.clone(), plain(*x), plain(*y)];
                if banded {
                    let ends = series.band.as_ref().map_or([None; 2], |band| [band.lo.get(i), band.hi.get(i)]);
                    row.extend(ends.map(|end| end.map_or(String::new(), |v| plain(*v))));
                }
                let is_imprecise = series.trusted.is_some_and(|trusted| i >= trusted);
                let has_diverged = y.is_nan() && series.diverged.binary_search(&i).is_ok();
                row.extend(has_status.then(|| if is_imprecise { "imprecise".into() } else { status(has_diverged) }));
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
