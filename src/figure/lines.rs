//! Charts of curves over one axis.

use super::chart::Side;
use super::curves::{self, Ground};
use super::regions::{Part, Shape};
use super::scene::Scene;
use super::{Lines, Scale, chart};
use crate::Result;

impl Lines {
    pub(super) fn scene(&self, title: &str) -> Result<Scene> {
        curves::check(&self.series)?;
        let xs = || self.series.iter().flat_map(|s| s.x.iter().copied());
        let ys = self.series.iter().flat_map(|s| {
            let band = s.band.iter().flat_map(|b| b.lo.iter().chain(&b.hi));
            s.y.iter().chain(band).copied()
        });
        let x = Side {
            axis: &self.x,
            scale: Scale::of(xs(), &self.x).padded(0.02, &self.x),
            whole: xs().all(|x| x.fract() == 0.0),
        };
        let y = Side { axis: &self.y, scale: Scale::of(ys, &self.y).padded(0.05, &self.y), whole: false };
        let (mut scene, frame) = chart::page(title, &x, &y, &curves::entries(&self.series, Ground::Paper), 0.0);
        chart::grid(&mut scene, &frame, &y);
        curves::draw(&mut scene, &frame, &self.series, Ground::Paper);
        chart::axes(&mut scene, &frame, &x, &y);
        Ok(scene)
    }

    pub(super) fn parts(&self, shapes: Vec<Shape>) -> Vec<Part> {
        curves::parts(shapes.into_iter(), &self.series, (&self.x, &self.y), "").collect()
    }
}
