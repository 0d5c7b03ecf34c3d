//! Small marks: a dot for a point, and what stands for a value that a line cannot show.

use super::legend::{LegendEntry, LegendKey};
use super::palette::Colour;
use super::scene::{INK, Mark, Paint, Scene};
use super::{Axis, Dash, Series};

/// A mark around a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    Dot,
    /// −∞.
    Down,
    /// +∞.
    Up,
    /// NaN, or a point that failed.
    Cross,
    /// NaN, since a training diverged.
    Star,
    /// At or below 0, where a logarithmic axis has no place; a value that is not computed.
    Ring,
}

/// What an axis cannot show of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    Below,
    Above,
    NaN,
    Diverged,
    NotPositive,
}

/// Half the size of a mark.
pub const RADIUS: f64 = 5.0;

impl Marker {
    /// The mark of a value's paint.
    pub fn of(paint: Paint) -> (Self, Colour) {
        match paint {
            Paint::Solid(colour) => (Self::Dot, colour),
            Paint::NegInfinite => (Self::Down, INK),
            Paint::Infinite => (Self::Up, INK),
            Paint::Diverged => (Self::Star, paint.hatch().map_or(INK, |hatch| hatch.ink)),
            Paint::NaN | Paint::Failed => (Self::Cross, paint.hatch().map_or(INK, |hatch| hatch.ink)),
            Paint::Missing => (Self::Ring, Colour(0xa0, 0xa0, 0xa0)),
        }
    }

    /// Draws the mark around a point.
    pub fn draw(self, scene: &mut Scene, (x, y): (f64, f64), colour: Colour) {
        let r = RADIUS;
        let mut line = |points: Vec<(f64, f64)>| {
            scene.marks.push(Mark::Path { points, colour, width: 1.8, dash: Dash::Solid });
        };
        match self {
            Self::Dot => scene.fill(circle((x, y), r), colour, 1.0),
            Self::Down => scene.fill(vec![(x - r, y - r * 0.7), (x + r, y - r * 0.7), (x, y + r)], colour, 1.0),
            Self::Up => scene.fill(vec![(x - r, y + r * 0.7), (x + r, y + r * 0.7), (x, y - r)], colour, 1.0),
            Self::Cross => {
                let r = r * 0.8;
                line(vec![(x - r, y - r), (x + r, y + r)]);
                line(vec![(x - r, y + r), (x + r, y - r)]);
            }
            Self::Star => {
                // Half of each side of a hexagon's diagonals.
                let (half, side) = (r / 2.0, r * 0.87);
                line(vec![(x, y - r), (x, y + r)]);
                line(vec![(x - side, y - half), (x + side, y + half)]);
                line(vec![(x - side, y + half), (x + side, y - half)]);
            }
            Self::Ring => {
                let mut points = circle((x, y), r * 0.8);
                points.push(points[0]);
                line(points);
            }
        }
    }
}

/// A polygon that looks round.
pub fn circle((x, y): (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    let corner = |i: i32| f64::from(i) * std::f64::consts::TAU / 16.0;
    (0..16).map(|i| (x + radius * corner(i).cos(), y + radius * corner(i).sin())).collect()
}

impl Odd {
    pub const ALL: [Self; 5] = [Self::Below, Self::Above, Self::NaN, Self::Diverged, Self::NotPositive];

    /// What an axis cannot show of this value, if anything.
    pub fn of(value: f64, axis: &Axis) -> Option<Self> {
        match value {
            v if v.is_nan() => Some(Self::NaN),
            f64::INFINITY => Some(Self::Above),
            v if axis.log && v <= 0.0 => Some(Self::NotPositive),
            f64::NEG_INFINITY => Some(Self::Below),
            _ => None,
        }
    }

    /// The same of number `i` of some values, of which those in `diverged` are NaN since a training diverged.
    pub fn of_number(i: usize, value: f64, axis: &Axis, diverged: &[usize]) -> Option<Self> {
        match Self::of(value, axis) {
            Some(Self::NaN) if diverged.binary_search(&i).is_ok() => Some(Self::Diverged),
            odd => odd,
        }
    }

    pub fn marker(self) -> Marker {
        match self {
            Self::Below => Marker::Down,
            Self::Above => Marker::Up,
            Self::NaN => Marker::Cross,
            Self::Diverged => Marker::Star,
            Self::NotPositive => Marker::Ring,
        }
    }

    /// What the mark means, for the legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Below => "−∞",
            Self::Above => "+∞",
            Self::NaN => "NaN",
            Self::Diverged => "diverged",
            Self::NotPositive => "at or below 0",
        }
    }

    /// The entry of the legend that explains its mark.
    pub fn entry(self) -> LegendEntry {
        LegendEntry { label: self.meaning().into(), key: LegendKey::Marker(self.marker(), INK) }
    }

    /// The odd values of these curves, each kind once.
    pub fn among(series: &[Series], y: &Axis) -> Vec<Self> {
        let of = |s: &Series| -> Vec<Self> {
            let values = s.y.iter().enumerate();
            values.filter_map(|(i, &value)| Self::of_number(i, value, y, &s.diverged)).collect()
        };
        let found: Vec<Self> = series.iter().flat_map(of).collect();
        Self::ALL.into_iter().filter(|odd| found.contains(odd)).collect()
    }
}
