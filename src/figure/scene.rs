//! A drawn figure, before it is written as SVG, PNG or PDF: marks in units of the page, y downward, already clipped.

use std::collections::BTreeSet;

use super::axis::Frame;
use super::geometry::Rect;
use super::palette::Colour;
use super::regions::Shape;
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
    /// The panels with axes.
    pub panels: Vec<Panel>,
    /// Where each part of the data lies, panel by panel.
    pub shapes: Vec<Shape>,
    /// The page's width and height in millimetres, where they were asked for.
    pub size: Option<(f64, f64)>,
}

/// One panel of a page.
#[derive(Debug, Clone, Copy)]
pub struct Panel {
    /// Where its axes lie.
    pub frame: Frame,
    /// How many of the scene's shapes are its own.
    pub shapes: usize,
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

/// The fill of a rectangle: a colour, or a hatch for a value without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paint {
    Solid(Colour),
    NegInfinite,
    Infinite,
    NaN,
    Diverged,
    Failed,
    Missing,
}

/// A hatch of diagonal lines: the colours of its ground and lines, and their directions.
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
    pub const HATCHED: [Self; 6] =
        [Self::NegInfinite, Self::Infinite, Self::NaN, Self::Diverged, Self::Failed, Self::Missing];

    /// The hatch, if it is not a plain colour.
    pub fn hatch(self) -> Option<Hatch> {
        let hatch = |name, ground, ink, rising, falling| Some(Hatch { name, ground, ink, rising, falling });
        let (dark, light, grey) = (Colour(0x2b, 0x2b, 0x2b), Colour(0x8c, 0x8c, 0x8c), Colour(0xbd, 0xbd, 0xbd));
        match self {
            Self::Solid(_) => None,
            Self::NegInfinite => hatch("neg-inf", dark, light, true, false),
            Self::Infinite => hatch("inf", dark, light, false, true),
            Self::NaN => hatch("nan", grey, Colour(0x6e, 0x6e, 0x6e), true, true),
            Self::Diverged => hatch("diverged", Colour(0xff, 0xe3, 0xc2), Colour(0xd9, 0x5f, 0x02), true, false),
            Self::Failed => hatch("failed", Colour::WHITE, Colour(0xc2, 0x18, 0x8b), true, true),
            Self::Missing => hatch("missing", Colour(0xf4, 0xf4, 0xf4), Colour(0xd6, 0xd6, 0xd6), false, true),
        }
    }

    /// The plain colour that stands for the hatch where there is no room for its lines.
    pub fn narrow(self) -> Self {
        let colour =
            |hatch: Hatch| if matches!(self, Self::Failed | Self::Diverged) { hatch.ink } else { hatch.ground };
        self.hatch().map_or(self, |hatch| Self::Solid(colour(hatch)))
    }

    /// What the hatch means, for the legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Solid(_) => "",
            Self::NegInfinite => "−∞",
            Self::Infinite => "+∞",
            Self::NaN => "NaN",
            Self::Diverged => "diverged",
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

impl Scene {
    /// A filled shape.
    pub fn fill(&mut self, points: Vec<(f64, f64)>, colour: Colour, opacity: f64) {
        self.marks.push(Mark::Polygon { points, colour, opacity });
    }

    /// An empty page.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new(), panels: Vec::new(), shapes: Vec::new(), size: None }
    }

    /// The letters of its labels.
    pub fn letters(&self) -> BTreeSet<char> {
        let labels =
            self.marks.iter().filter_map(|mark| if let Mark::Label { text, .. } = mark { Some(text) } else { None });
        labels.flat_map(|text| &text.runs).flat_map(|run| run.text.chars()).collect()
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
