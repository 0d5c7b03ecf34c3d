//! What a figure looks like before it is SVG or PNG: marks in units of the page, y downward, already clipped.

use super::axis::Frame;
use super::palette::Colour;
use super::text::Text;
use super::{Dash, font};

/// Sizes of text, for a figure shown at the width of a column.
pub const TITLE: f64 = 20.0;
pub const LABEL: f64 = 20.0;
pub const TICK: f64 = 16.0;
pub const LEGEND: f64 = 16.0;

/// Axes, ticks and text.
pub const INK: Colour = Colour(0x26, 0x26, 0x26);

/// A page with marks, painted in order.
#[derive(Debug, Clone)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    pub marks: Vec<Mark>,
    pub frame: Option<Frame>,
}

#[derive(Debug, Clone)]
pub enum Mark {
    /// Touching rectangles with sharp edges.
    Cells(Vec<(Rect, Paint)>),
    /// A filled shape.
    Polygon { points: Vec<(f64, f64)>, colour: Colour, opacity: f64 },
    /// A stroked line.
    Path { points: Vec<(f64, f64)>, colour: Colour, width: f64, dash: Dash },
    /// A label with its baseline start (`anchor` 0), middle (0.5) or end (1) at a point; `upward` reads bottom to top.
    Label { text: Text, at: (f64, f64), anchor: f64, size: f64, upward: bool },
    /// A picture, magnified without smoothing.
    Raster { rect: Rect, width: usize, height: usize, rgb: Vec<u8> },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// What fills a rectangle: a colour, or a hatch for what has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paint {
    Solid(Colour),
    NegInfinite,
    Infinite,
    NaN,
    Failed,
    Missing,
}

/// A hatch of diagonal lines: its ground, its lines, and which ways they run.
#[derive(Debug, Clone, Copy)]
pub struct Hatch {
    pub name: &'static str,
    pub ground: Colour,
    pub ink: Colour,
    pub rising: bool,
    pub falling: bool,
}

impl Hatch {
    /// Distance between lines along x, and their extent along x.
    pub const PERIOD: f64 = 6.0;
    pub const STROKE: f64 = 1.7;
}

impl Paint {
    pub const HATCHED: [Self; 5] = [Self::NegInfinite, Self::Infinite, Self::NaN, Self::Failed, Self::Missing];

    /// The hatch, if it is not a plain colour.
    pub fn hatch(self) -> Option<Hatch> {
        let hatch = |name, ground, ink, rising, falling| Some(Hatch { name, ground, ink, rising, falling });
        let (dark, light, grey) = (Colour(0x2b, 0x2b, 0x2b), Colour(0x8c, 0x8c, 0x8c), Colour(0xbd, 0xbd, 0xbd));
        match self {
            Self::Solid(_) => None,
            Self::NegInfinite => hatch("neg-inf", dark, light, true, false),
            Self::Infinite => hatch("inf", dark, light, false, true),
            Self::NaN => hatch("nan", grey, Colour(0x6e, 0x6e, 0x6e), true, true),
            Self::Failed => hatch("failed", Colour::WHITE, Colour(0xc2, 0x18, 0x8b), true, true),
            Self::Missing => hatch("missing", Colour(0xf4, 0xf4, 0xf4), Colour(0xd6, 0xd6, 0xd6), false, true),
        }
    }

    /// The plain colour that stands for the hatch where there is no room for its lines.
    pub fn narrow(self) -> Self {
        let colour = |hatch: Hatch| if self == Self::Failed { hatch.ink } else { hatch.ground };
        self.hatch().map_or(self, |hatch| Self::Solid(colour(hatch)))
    }

    /// What the hatch means, for the legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Solid(_) => "",
            Self::NegInfinite => "−∞",
            Self::Infinite => "+∞",
            Self::NaN => "NaN",
            Self::Failed => "failed",
            Self::Missing => "not computed",
        }
    }
}

impl Dash {
    /// Lengths of strokes and gaps, in units.
    pub fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[9.0, 5.0],
            Self::Dotted => &[2.0, 4.0],
            Self::DashDot => &[9.0, 4.0, 2.0, 4.0],
        }
    }
}

impl Rect {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub fn middle(&self) -> (f64, f64) {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// The parts of a line inside this rectangle.
    pub fn clip_path(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
        for pair in points.windows(2) {
            let Some((from, to)) = self.clip_segment(pair[0], pair[1]) else { continue };
            match parts.last_mut() {
                Some(part) if part.last() == Some(&from) => part.push(to),
                _ => parts.push(vec![from, to]),
            }
        }
        parts
    }

    /// Liang and Barsky's clipping of one segment.
    fn clip_segment(&self, a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut start, mut end) = (0.0f64, 1.0f64);
        let sides = [(-dx, a.0 - self.left), (dx, self.right - a.0), (-dy, a.1 - self.top), (dy, self.bottom - a.1)];
        for (speed, room) in sides {
            if speed < 0.0 {
                start = start.max(room / speed);
            } else if speed > 0.0 {
                end = end.min(room / speed);
            } else if room < 0.0 {
                return None;
            }
        }
        let at = |t: f64| {
            if t == 0.0 {
                a
            } else if t == 1.0 {
                b
            } else {
                (a.0 + t * dx, a.1 + t * dy)
            }
        };
        (start <= end).then(|| (at(start), at(end)))
    }

    /// The part of a shape inside this rectangle (Sutherland and Hodgman).
    pub fn clip_polygon(&self, points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        type Side = (fn(&(f64, f64)) -> f64, f64, f64);
        let sides: [Side; 4] = [
            (|p| p.0, 1.0, self.left),
            (|p| p.0, -1.0, self.right),
            (|p| p.1, 1.0, self.top),
            (|p| p.1, -1.0, self.bottom),
        ];
        sides.iter().fold(points, |shape, &(coordinate, sign, edge)| {
            let depth = |p: &(f64, f64)| sign * (coordinate(p) - edge);
            let mut inside = Vec::with_capacity(shape.len() + 4);
            for (i, b) in shape.iter().enumerate() {
                let a = &shape[(i + shape.len() - 1) % shape.len()];
                let (from, to) = (depth(a), depth(b));
                if (from < 0.0) != (to < 0.0) {
                    let t = from / (from - to);
                    inside.push((a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1)));
                }
                if to >= 0.0 {
                    inside.push(*b);
                }
            }
            inside
        })
    }
}

impl Scene {
    /// An empty page.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new(), frame: None }
    }

    /// A level label.
    pub fn label(&mut self, text: Text, at: (f64, f64), anchor: f64, size: f64) {
        if !text.runs.is_empty() {
            self.marks.push(Mark::Label { text, at, anchor, size, upward: false });
        }
    }

    /// A label whose capitals are centred on a height.
    pub fn centred(&mut self, text: Text, at: (f64, f64), anchor: f64, size: f64) {
        self.label(text, (at.0, at.1 + size * font::CAP / 2.0), anchor, size);
    }

    /// A label that reads upward.
    pub fn upward(&mut self, text: Text, at: (f64, f64), size: f64) {
        if !text.runs.is_empty() {
            self.marks.push(Mark::Label { text, at, anchor: 0.5, size, upward: true });
        }
    }

    /// A thin straight line of the axes' colour.
    pub fn rule(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.marks.push(Mark::Path { points: vec![from, to], colour: INK, width: 1.0, dash: Dash::Solid });
    }

    /// A thin outline.
    pub fn outline(&mut self, rect: Rect, colour: Colour) {
        let Rect { left, top, right, bottom } = rect;
        let points = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.marks.push(Mark::Path { points, colour, width: 1.0, dash: Dash::Solid });
    }
}
