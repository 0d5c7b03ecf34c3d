//! Plots as data. A figure is plain, serialisable values; it is drawn as SVG or PNG, or written as CSV, on request. The script
//! host fills it in; the live page draws it again as points arrive, and asks which place of it shows which value
//! ([`Figure::regions`]).

#![expect(clippy::disallowed_methods, reason = "a drawing is not a result: the numbers are written beside it")]

mod axis;
mod bars;
mod chart;
mod colourbar;
mod csv;
mod curves;
mod font;
mod geometry;
mod heatmap;
mod images;
mod left_out;
mod legend;
mod lines;
pub(crate) mod number;
mod palette;
mod png;
mod regions;
mod save;
mod scene;
mod svg;
mod text;

use crate::Result;
use serde::{Deserialize, Serialize};

pub use axis::{Frame, Scale};
pub use geometry::Rect;
pub use palette::{Colour, Palette};
pub use regions::{By, Hit, Part, Quantity, Regions, Shape};
pub(crate) use save::files;
pub(crate) use text::math_label;

/// One picture: a title and what is drawn under it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Shown above the picture; empty shows none.
    #[serde(default)]
    pub title: String,
    /// What is drawn.
    pub kind: Kind,
}

/// The kinds of picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Colour over two axes.
    Heatmap(Heatmap),
    /// Curves over one axis.
    Lines(Lines),
    /// Bars over one axis.
    Bars(Bars),
    /// A sheet of pictures.
    Images(Images),
}

/// One axis: what it measures and how it is divided.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Axis {
    /// The quantity by its name in scripts (`weight_var`); the column's name in the CSV. Shown as mathematics where
    /// the name is known (σ_w²), else as words.
    pub name: String,
    /// Shown in place of the name: text with `_{…}` and `^{…}` for sub- and superscripts.
    pub label: Option<String>,
    /// Logarithmic. Values that are not positive are left out.
    pub log: bool,
    /// Where the axis starts, if not where the data do.
    pub min: Option<f64>,
    /// Where the axis ends, if not where the data do.
    pub max: Option<f64>,
}

/// Colour over two axes, such as entropy over weight variance and depth. y grows upward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heatmap {
    /// The axis to the right.
    pub x: Axis,
    /// The axis upward.
    pub y: Axis,
    /// What the colours measure, by its name in scripts; labels the colour bar.
    pub value: String,
    /// Where each column lies on the x axis. Cells reach to the midpoints between neighbours.
    #[serde(with = "number::list")]
    pub xs: Vec<f64>,
    /// Where each row lies on the y axis.
    #[serde(with = "number::list")]
    pub ys: Vec<f64>,
    /// The cells, column by column: `cells[ix][iy]`. Absent ones count as [`Cell::Missing`].
    pub cells: Vec<Vec<Cell>>,
    /// The colours.
    pub palette: Palette,
    /// The values at which the colours begin and end; the smallest and largest finite value where `None`.
    pub clip: (Option<f64>, Option<f64>),
    /// Curves drawn over the cells. They do not widen the axes.
    pub lines: Vec<Series>,
}

/// What is known about one cell of a heatmap.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Cell {
    /// A result, which may be −∞, +∞ or NaN: those are marked, never hidden.
    Value(f64),
    /// Its computation failed.
    Failed,
    /// Not computed yet.
    #[default]
    Missing,
}

/// Curves over one axis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lines {
    /// The axis to the right.
    pub x: Axis,
    /// The axis upward.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

/// One curve. A value that is not finite breaks it; over a heatmap or bars, +∞ runs out at the top.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// Its name in the legend; `6 ξ_c` is shown with a subscript.
    pub label: String,
    /// Where its points lie to the right.
    #[serde(with = "number::list")]
    pub x: Vec<f64>,
    /// Where its points lie upward; as many as `x`.
    #[serde(with = "number::list")]
    pub y: Vec<f64>,
    /// A shaded range around it, such as the spread over seeds.
    pub band: Option<Band>,
    /// Its colour; chosen by position where `None`.
    pub colour: Option<Colour>,
    /// Its stroke; chosen by position where `None`.
    pub dash: Option<Dash>,
}

/// A shaded range: one low and one high value per point of its curve.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Lower edge.
    #[serde(with = "number::list")]
    pub lo: Vec<f64>,
    /// Upper edge.
    #[serde(with = "number::list")]
    pub hi: Vec<f64>,
}

/// How a curve is stroked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dash {
    /// ———
    #[default]
    Solid,
    /// – – –
    Dashed,
    /// · · ·
    Dotted,
    /// – · –
    DashDot,
}

/// Bars over one axis, standing on zero, with a colour for a third quantity where one is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bars {
    /// The axis to the right.
    pub x: Axis,
    /// The axis upward.
    pub y: Axis,
    /// Where each bar stands.
    #[serde(with = "number::list")]
    pub xs: Vec<f64>,
    /// How high each bar is; as many as `xs`. One that is not finite is left out.
    #[serde(with = "number::list")]
    pub heights: Vec<f64>,
    /// What the bars' colours measure; labels the colour bar.
    pub value: String,
    /// The quantity shown as colour, as many as `xs`; empty for plain bars.
    #[serde(with = "number::list")]
    pub values: Vec<f64>,
    /// The colours.
    pub palette: Palette,
    /// The values at which the colours begin and end.
    pub clip: (Option<f64>, Option<f64>),
    /// Curves drawn over the bars.
    pub lines: Vec<Series>,
}

/// A sheet of pictures in rows, pixels magnified without smoothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Images {
    /// The pictures, row by row.
    pub images: Vec<Image>,
    /// Pictures per row; 0 chooses.
    pub columns: usize,
    /// Which pixel values are black and white.
    pub contrast: Contrast,
}

/// One picture of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Shown under it; empty shows none.
    #[serde(default)]
    pub label: String,
    /// `[h, w]` or `[1, h, w]` grey, `[3, h, w]` red, green and blue.
    pub shape: Vec<usize>,
    /// The pixels in row-major order of `shape`.
    #[serde(with = "number::pixels")]
    pub pixels: Vec<f32>,
}

/// Which pixel values are drawn black and white.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    /// Each picture's own smallest and largest value.
    #[default]
    Each,
    /// 0 and 1.
    Unit,
    /// These two.
    Range(f32, f32),
}

impl Figure {
    /// A figure of this kind.
    pub fn new(title: impl Into<String>, kind: impl Into<Kind>) -> Self {
        Self { title: title.into(), kind: kind.into() }
    }

    /// The picture as SVG: text stays text, in an embedded font.
    ///
    /// # Errors
    /// What it shows cannot be drawn: nothing to show, lists of different lengths.
    pub fn svg(&self) -> Result<String> {
        svg::write(&self.scene()?)
    }

    /// The picture as PNG, two pixels per unit of the SVG.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn png(&self) -> Result<Vec<u8>> {
        png::write(&self.scene()?)
    }

    /// What is drawn as one table, all digits kept; −∞ is `-inf` and NaN `nan`, as pandas reads them.
    ///
    /// - Heatmap: `series,<x>,<y>,value,status`. Cells have the value's name as series and the status `ok`, `failed`
    ///   or `missing`; curves follow with their label as series, no value, and the status `line`.
    /// - Lines: `series,<x>,<y>`, and `lo,hi` where a curve has a band.
    /// - Bars: `series,<x>,<y>`, and the colour's quantity where there is one; bars have `bars` as series.
    /// - Images: one row per picture and channel: `image,label,channel,height,width,0,1,2,…`.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn csv(&self) -> Result<String> {
        csv::write(self)
    }

    /// Which place of the SVG shows which value, with the texts of a tooltip.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn regions(&self) -> Result<Regions> {
        let scene = self.scene()?;
        let parts = self.kind.drawing().parts(scene.shapes);
        Ok(Regions { frame: scene.frame, parts })
    }

    fn scene(&self) -> Result<scene::Scene> {
        self.kind.drawing().scene(&self.title)
    }
}

/// What each kind of figure implements, in a file of its own.
trait Drawing {
    /// The marks, and the shapes in which the data are drawn.
    fn scene(&self, title: &str) -> Result<scene::Scene>;

    /// The data in the shapes of [`Drawing::scene`], one part per shape.
    fn parts(&self, shapes: Vec<Shape>) -> Vec<Part>;

    /// The CSV's records, the head first.
    fn rows(&self) -> Result<Vec<csv::Row>>;

    /// How many pixels of pictures it has.
    fn pixels(&self) -> usize {
        0
    }
}

impl Kind {
    fn drawing(&self) -> &dyn Drawing {
        match self {
            Self::Heatmap(heatmap) => heatmap,
            Self::Lines(lines) => lines,
            Self::Bars(bars) => bars,
            Self::Images(images) => images,
        }
    }
}

impl Axis {
    /// An axis that shows this quantity.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl Series {
    /// A curve through these points.
    pub fn new(label: impl Into<String>, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { label: label.into(), x, y, ..Self::default() }
    }
}

macro_rules! kind_from {
    ($($kind:ident)*) => {$(
        impl From<$kind> for Kind {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        }
    )*};
}
kind_from!(Heatmap Lines Bars Images);
