//! Curves and their bands, clipped to the axes, and their entries in the legend.

use super::axis::Frame;
use super::legend::{BAND_OPACITY, IMPRECISE, LegendEntry, LegendKey, STROKE};
use super::marks::{self, Odd};
use super::palette::Colour;
use super::regions::{Part, Shape};
use super::scene::{INK, Mark, Scene};
use super::{Axis, Band, Dash, Series};
use crate::{Error, Result};

/// What curves are drawn on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ground {
    /// White: curves differ by colour.
    Paper,
    /// Colours: curves are black with a white edge and differ by dashes; +∞ runs out at the top.
    Colours,
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
        // First by colour, then by dashes.
        Ground::Paper => (Colour::series(index), DASHES[index / 7 % 4]),
        Ground::Colours => (Colour::BLACK, DASHES[(index + 1) % 4]),
    };
    (series.colour.unwrap_or(colour), series.dash.unwrap_or(dash))
}

/// The legend's entries, with those of values that a line cannot show; a curve without a label, or of a family, has none.
pub fn entries(series: &[Series], y: &Axis, ground: Ground) -> Vec<LegendEntry> {
    let named = series.iter().enumerate().filter(|(_, s)| !s.label.is_empty() && s.level.is_none());
    let curves = named.map(|(index, s)| {
        let (colour, dash) = style(index, s, ground);
        LegendEntry { label: s.label.clone(), key: LegendKey::Line { colour, dash, band: s.band.is_some() } }
    });
    let odd = Odd::among(series, y).into_iter().filter(|odd| !(ground == Ground::Colours && *odd == Odd::Above));
    let imprecise = series.iter().any(is_imprecise).then(end_of_precision);
    curves.chain(odd.map(Odd::entry)).chain(imprecise).collect()
}

/// The legend's entry for numbers beyond what precision holds for.
pub fn end_of_precision() -> LegendEntry {
    LegendEntry { label: IMPRECISE.into(), key: LegendKey::Line { colour: INK, dash: Dash::Dotted, band: false } }
}

/// Whether it goes on where precision has ended.
pub fn is_imprecise(series: &Series) -> bool {
    series.trusted.is_some_and(|trusted| trusted < series.y.len())
}

/// Draws curves and their bands, clipped to the frame, and marks what they cannot show.
pub fn draw(scene: &mut Scene, frame: &Frame, (series, y): (&[Series], &Axis), ground: Ground) {
    for (index, s) in series.iter().enumerate() {
        if let Some(band) = &s.band {
            draw_band(scene, frame, s, band, style(index, s, ground).0);
        }
    }
    for (index, s) in series.iter().enumerate() {
        let (colour, dash) = style(index, s, ground);
        let mut points = places(frame, s, ground);
        // The last point that can be trusted begins what is dotted.
        let end = s.trusted.unwrap_or(points.len()).min(points.len());
        draw_path(scene, frame, &points[..end], (colour, dash), ground);
        if end < points.len() {
            draw_path(scene, frame, &points[end.saturating_sub(1)..], (colour, Dash::Dotted), ground);
        }
        for (i, (point, (&x, &value))) in points.iter_mut().zip(s.x.iter().zip(&s.y)).enumerate() {
            let at = frame.px(x);
            if point.is_some() || !x.is_finite() || !(frame.left..=frame.right).contains(&at) {
                continue;
            }
            if let Some(odd) = Odd::of_number(i, value, y, &s.diverged) {
                let room = marks::RADIUS + 3.0;
                let place = (at, if odd == Odd::Above { frame.top + room } else { frame.bottom - room });
                odd.marker().draw(scene, place, colour);
                *point = Some(place);
            }
        }
        scene.shapes.push(Shape::Points { points });
    }
}

/// Draws the stretches of a curve, clipped to the frame.
fn draw_path(
    scene: &mut Scene,
    frame: &Frame,
    points: &[Option<(f64, f64)>],
    (colour, dash): (Colour, Dash),
    ground: Ground,
) {
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

/// Where the points of a curve lie; `None` for one that breaks it.
fn places(frame: &Frame, series: &Series, ground: Ground) -> Vec<Option<(f64, f64)>> {
    let place = |(&x, &y): (&f64, &f64)| {
        let upward = ground == Ground::Colours && y == f64::INFINITY;
        let at = (frame.px(x), if upward { frame.top - 4.0 * (frame.bottom - frame.top) } else { frame.py(y) });
        (x.is_finite() && (y.is_finite() || upward) && !at.0.is_nan() && !at.1.is_nan()).then_some(at)
    };
    series.x.iter().zip(&series.y).map(place).collect()
}

/// The parts of a figure that these curves are; `otherwise` is the label of one without a label.
pub fn parts<'a>(
    shapes: impl Iterator<Item = Shape> + 'a,
    series: &'a [Series],
    axes: (&'a Axis, &'a Axis),
    otherwise: &'a str,
) -> impl Iterator<Item = Part> + 'a {
    shapes.zip(series).map(move |(shape, series)| Part::curve(shape, series, axes, otherwise))
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
            scene.fill(points, colour, BAND_OPACITY);
        }
    }
}

/// Draws a point without neighbours, which no line would show.
fn dot(scene: &mut Scene, frame: &Frame, at: (f64, f64), colour: Colour) {
    if frame.rect().contains(at) {
        scene.fill(marks::circle(at, 3.5), colour, 1.0);
    }
}

/// Drops points that cannot be told from their neighbour.
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
