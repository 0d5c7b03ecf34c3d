//! Charts of curves over one axis.

use super::chart::Side;
use super::csv::Row;
use super::curves::{self, Ground};
use super::number::plain;
use super::regions::{Part, Shape};
use super::scene::Scene;
use super::{Drawing, Lines, Scale, chart};
use crate::Result;

impl Drawing for Lines {
    fn scene(&self, title: &str) -> Result<Scene> {
        curves::check(&self.series)?;
        let xs = || self.series.iter().flat_map(|s| s.x.iter().copied());
        let ys = self.series.iter().flat_map(|s| {
            let band = s.band.iter().flat_map(|b| b.lo.iter().chain(&b.hi));
            s.y.iter().chain(band).copied()
        });
        let x = Side {
            axis: &self.x,
            scale: Scale::spanning(xs(), &self.x).padded(0.02, &self.x),
            whole: xs().all(|x| x.fract() == 0.0),
        };
        let y = Side { axis: &self.y, scale: Scale::spanning(ys, &self.y).padded(0.05, &self.y), whole: false };
        let (mut scene, frame) = chart::page(title, &x, &y, &curves::entries(&self.series, Ground::Paper), 0.0);
        chart::grid(&mut scene, &frame, &y);
        curves::draw(&mut scene, &frame, &self.series, Ground::Paper);
        chart::axes(&mut scene, &frame, &x, &y);
        Ok(scene)
    }

    fn parts(&self, shapes: Vec<Shape>) -> Vec<Part> {
        curves::parts(shapes.into_iter(), &self.series, (&self.x, &self.y), "").collect()
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let banded = self.series.iter().any(|s| s.band.is_some());
        let mut head = vec!["series".into(), self.x.column("x"), self.y.column("y")];
        if banded {
            head.extend(["lo".into(), "hi".into()]);
        }
        let mut rows = vec![head];
        for series in &self.series {
            for (i, (x, y)) in series.x.iter().zip(&series.y).enumerate() {
                let mut row = vec![series.label.clone(), plain(*x), plain(*y)];
                if banded {
                    let ends = series.band.as_ref().map_or([None; 2], |band| [band.lo.get(i), band.hi.get(i)]);
                    row.extend(ends.map(|end| end.map_or(String::new(), |v| plain(*v))));
                }
                rows.push(row);
            }
        }
        Ok(rows)
    }
}
