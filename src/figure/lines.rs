//! Curves: charts of them, and those laid over heatmaps and bars.

use super::axis::Frame;
use super::chart::Side;
use super::legend::{Entry, Key};
use super::palette::Colour;
use super::scene::{Mark, Scene};
use super::{Band, Dash, Lines, Scale, Series, chart};
use crate::{Error, Result};

pub const STROKE: f64 = 2.4;
pub const BAND_OPACITY: f64 = 0.22;

/// What curves are drawn on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// White: curves differ by colour.
    Paper,
    /// Colours: curves are black with a white edge and differ by dashes; +∞ runs out at the top.
    Colours,
}

impl Lines {
    pub(super) fn scene(&self, title: &str) -> Result<Scene> {
        check(&self.series)?;
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
        let (mut scene, frame) = chart::page(title, &x, &y, &entries(&self.series, Ground::Paper), 0.0);
        chart::grid(&mut scene, &frame, &y);
        draw(&mut scene, &frame, &self.series, Ground::Paper);
        chart::axes(&mut scene, &frame, &x, &y);
        Ok(scene)
    }
}

/// Refuses curves whose lists differ in length.
pub fn check(series: &[Series]) -> Result<()> {
    for s in series {
        let band = s.band.as_ref().map_or((s.x.len(), s.x.len()), |b| (b.lo.len(), b.hi.len()));
        if s.y.len() != s.x.len() || band != (s.x.len(), s.x.len()) {
            return Err(Error::new(format!(
                "the curve {:?} has {} x values but {} y values{}",
                s.label,
                s.x.len(),
                s.y.len(),
                s.band.as_ref().map_or(String::new(), |b| format!(" and a band of {} and {}", b.lo.len(), b.hi.len()))
            ))
            .hint("give one y, and one low and high where there is a band, for each x"));
        }
    }
    Ok(())
}

fn style(index: usize, series: &Series, ground: Ground) -> (Colour, Dash) {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::DashDot];
    let (colour, dash) = match ground {
        // Colours first; when they have all been used, dashes.
        Ground::Paper => (Colour::series(index), DASHES[index / 7 % 4]),
        Ground::Colours => (Colour::BLACK, DASHES[(index + 1) % 4]),
    };
    (series.colour.unwrap_or(colour), series.dash.unwrap_or(dash))
}

/// The legend of these curves; those without a label are left out.
pub fn entries(series: &[Series], ground: Ground) -> Vec<Entry> {
    let named = series.iter().enumerate().filter(|(_, s)| !s.label.is_empty());
    named
        .map(|(index, s)| {
            let (colour, dash) = style(index, s, ground);
            Entry { label: s.label.clone(), key: Key::Line { colour, dash, band: s.band.is_some() } }
        })
        .collect()
}

/// Draws curves and their bands, clipped to the frame.
pub fn draw(scene: &mut Scene, frame: &Frame, series: &[Series], ground: Ground) {
    for (index, s) in series.iter().enumerate() {
        if let Some(band) = &s.band {
            draw_band(scene, frame, s, band, style(index, s, ground).0);
        }
    }
    for (index, s) in series.iter().enumerate() {
        let (colour, dash) = style(index, s, ground);
        let place = |(&x, &y): (&f64, &f64)| {
            let upward = ground == Ground::Colours && y == f64::INFINITY;
            let at = (frame.px(x), if upward { frame.top - 4.0 * (frame.bottom - frame.top) } else { frame.py(y) });
            (x.is_finite() && (y.is_finite() || upward) && !at.0.is_nan() && !at.1.is_nan()).then_some(at)
        };
        let points: Vec<_> = s.x.iter().zip(&s.y).map(place).collect();
        for stretch in points.split(Option::is_none).map(|s| s.iter().flatten().copied().collect::<Vec<_>>()) {
            if let [only] = stretch[..] {
                dot(scene, frame, only, colour);
            }
            for points in frame.rect().clip_path(&stretch) {
                let points = thinned(points);
                if ground == Ground::Colours {
                    let halo = Mark::Path {
                        points: points.clone(),
                        colour: Colour::WHITE,
                        width: STROKE + 1.8,
                        dash: Dash::Solid,
                    };
                    scene.marks.push(halo);
                }
                scene.marks.push(Mark::Path { points, colour, width: STROKE, dash });
            }
        }
    }
}

fn draw_band(scene: &mut Scene, frame: &Frame, series: &Series, band: &Band, colour: Colour) {
    let place = |i: usize| {
        let at = (frame.px(series.x[i]), frame.py(band.lo[i]), frame.py(band.hi[i]));
        (!at.0.is_nan() && !at.1.is_nan() && !at.2.is_nan()).then_some(at)
    };
    let places: Vec<_> = (0..series.x.len()).map(place).collect();
    for stretch in places.split(Option::is_none).map(|s| s.iter().flatten().copied().collect::<Vec<_>>()) {
        let low = thinned(stretch.iter().map(|&(x, lo, _)| (x, lo)).collect());
        let high = thinned(stretch.iter().rev().map(|&(x, _, hi)| (x, hi)).collect());
        let points = frame.rect().clip_polygon(low.into_iter().chain(high).collect());
        if points.len() > 2 {
            scene.marks.push(Mark::Polygon { points, colour, opacity: BAND_OPACITY });
        }
    }
}

/// A point without neighbours, which no line would show.
fn dot(scene: &mut Scene, frame: &Frame, (x, y): (f64, f64), colour: Colour) {
    if (frame.left..=frame.right).contains(&x) && (frame.top..=frame.bottom).contains(&y) {
        let corner = |i: i32| f64::from(i) * std::f64::consts::TAU / 16.0;
        let points = (0..16).map(|i| (x + 3.5 * corner(i).cos(), y + 3.5 * corner(i).sin())).collect();
        scene.marks.push(Mark::Polygon { points, colour, opacity: 1.0 });
    }
}

/// Without the points that nobody could tell from their neighbour.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    let last = points.len().saturating_sub(1);
    for (i, point) in points.into_iter().enumerate() {
        let near = kept.last().is_some_and(|k| (k.0 - point.0).abs() < 0.1 && (k.1 - point.1).abs() < 0.1);
        if !near || (i == last && kept.len() == 1) {
            kept.push(point);
        }
    }
    kept
}
