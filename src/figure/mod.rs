//! Plots as data. A figure is plain, serialisable values; it is drawn as SVG, PNG or PDF, or written as CSV, on request. The script
//! host fills it in; the live page draws it again as points arrive, and asks which place of it shows which value
//! ([`Figure::regions`]).

#![expect(clippy::disallowed_methods, reason = "a drawing is not a result: the numbers are written beside it")]

mod axis;
mod bars;
mod chart;
mod colourbar;
mod csv;
mod curves;
mod fallback;
mod font;
mod geometry;
mod heatmap;
mod histogram;
mod images;
mod left_out;
mod legend;
mod lines;
mod marks;
mod notes;
pub(crate) mod number;
mod palette;
mod panels;
mod pdf;
mod png;
mod regions;
mod save;
mod scatter;
mod scene;
mod svg;
mod text;

use crate::Result;
use serde::{Deserialize, Serialize};

pub use axis::{Frame, Scale};
pub use geometry::Rect;
pub use notes::Note;
pub use palette::{Colour, Palette};
pub use panels::{Panels, Share};
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
    /// What is written over it.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// Its size and shape.
    #[serde(default)]
    pub look: Look,
}

/// The size and the shape of a figure with axes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Width and height of the page in millimetres.
    pub size: Option<(f64, f64)>,
    /// The height of the axes over their width.
    pub aspect: Option<f64>,
    /// Whether the legend is left out.
    pub without_legend: bool,
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
    /// Dots over two axes.
    Scatter(Scatter),
    /// How many values lie in which range.
    Histogram(Histogram),
    /// A sheet of pictures.
    Images(Images),
    /// Several figures on one page.
    Panels(Panels),
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
    /// Logarithmic. Values that are not positive have no place on it.
    pub log: bool,
    /// Where the axis starts, if not where the data do.
    pub min: Option<f64>,
    /// Where the axis ends, if not where the data do.
    pub max: Option<f64>,
    /// The values that are marked, if not round ones.
    pub ticks: Option<Vec<f64>>,
    /// The words that stand at 0, 1, 2, … on an axis of texts; empty on an axis of numbers.
    pub words: Vec<String>,
    /// Whether it runs the other way, as the rows of a matrix do.
    pub down: bool,
}

/// What colours measure, and which colours they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Colouring {
    /// What the colours measure, by its name in scripts; labels the colour bar.
    pub value: String,
    /// The colours.
    pub palette: Palette,
    /// Whether they run from the highest to the lowest value.
    pub reversed: bool,
    /// The values at which the colours begin and end; the smallest and largest finite value where `None`.
    pub clip: (Option<f64>, Option<f64>),
    /// Logarithmic.
    pub log: bool,
}

/// Colour over two axes, such as entropy over weight variance and depth. y grows upward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heatmap {
    /// The axis to the right.
    pub x: Axis,
    /// The axis upward.
    pub y: Axis,
    /// What the colours measure.
    #[serde(flatten)]
    pub colour: Colouring,
    /// Where each column lies on the x axis. Cells reach to the midpoints between neighbours.
    #[serde(with = "number::list")]
    pub xs: Vec<f64>,
    /// Where each row lies on the y axis.
    #[serde(with = "number::list")]
    pub ys: Vec<f64>,
    /// The cells, column by column: `cells[ix][iy]`. Absent ones count as [`Cell::Missing`].
    pub cells: Vec<Vec<Cell>>,
    /// How many cells of each column, from the first, the precision of the numbers holds for; a dotted line stands where it
    /// ends. All where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<usize>,
    /// Curves drawn over the cells. They do not widen the axes.
    pub lines: Vec<Series>,
}

/// What is known about one cell of a heatmap.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Cell {
    /// A result, which may be −∞, +∞ or NaN: those are marked, never hidden.
    Value(f64),
    /// NaN, since a training that it rests on diverged.
    Diverged,
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
    /// The colours of a family of curves, by their [levels](Series::level).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Colouring>,
}

/// One curve. A value that is not finite breaks it and is marked; over a heatmap or bars, +∞ runs out at the top.
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
    /// Which of the points are NaN since a training diverged: their numbers, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diverged: Vec<usize>,
    /// A shaded range around it, such as the spread over seeds.
    pub band: Option<Band>,
    /// Its colour; chosen by position where `None`.
    pub colour: Option<Colour>,
    /// Its stroke; chosen by position where `None`.
    pub dash: Option<Dash>,
    /// Its value in a family of curves, which gives it its colour in place of a key in the legend.
    #[serde(with = "number::option")]
    pub level: Option<f64>,
    /// How many of its points, from the first, the precision of the numbers holds for; all where `None`. The others are dotted.
    pub trusted: Option<usize>,
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
    /// Which of the heights are NaN since a training diverged: their numbers, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diverged: Vec<usize>,
    /// The whiskers' ends, such as the spread over seeds; a bar whose ends are NaN or equal has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whiskers: Option<Band>,
    /// What the bars' colours measure.
    #[serde(flatten)]
    pub colour: Colouring,
    /// The quantity shown as colour, as many as `xs`; empty for plain bars.
    pub values: Vec<Cell>,
    /// Curves drawn over the bars.
    pub lines: Vec<Series>,
}

/// Dots over two axes, with a colour for a third quantity where one is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scatter {
    /// The axis to the right.
    pub x: Axis,
    /// The axis upward.
    pub y: Axis,
    /// Where each dot lies to the right.
    #[serde(with = "number::list")]
    pub xs: Vec<f64>,
    /// Where each dot lies upward; as many as `xs`.
    #[serde(with = "number::list")]
    pub ys: Vec<f64>,
    /// What each dot stands for; as many as `xs`, or none.
    pub labels: Vec<String>,
    /// What the dots' colours measure.
    #[serde(flatten)]
    pub colour: Colouring,
    /// The quantity shown as colour, as many as `xs`; empty for dots of one colour.
    pub values: Vec<Cell>,
    /// Curves drawn over the dots.
    pub lines: Vec<Series>,
}

/// How many values lie in which range of their axis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// The axis of the values, to the right. Values outside its limits are left out.
    pub x: Axis,
    /// The axis of the counts.
    pub y: Axis,
    /// The values.
    #[serde(with = "number::list")]
    pub values: Vec<f64>,
    /// The number of ranges; 0 chooses.
    pub bins: usize,
    /// Curves drawn over the counts.
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
        Self { title: title.into(), kind: kind.into(), notes: Vec::new(), look: Look::default() }
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

    /// The picture as PDF: text stays text, in an embedded font.
    ///
    /// # Errors
    /// As [`Figure::svg`].
    pub fn pdf(&self) -> Result<Vec<u8>> {
        pdf::write(&self.scene()?, &self.title)
    }

    /// What is drawn as one table, all digits kept; −∞ is `-inf` and NaN `nan`, as pandas reads them.
    ///
    /// - Heatmap: `series,<x>,<y>,value,status`. Cells have the value's name as series and the status `ok`, `imprecise`,
    ///   `diverged`, `failed` or `missing`; curves follow with their label as series, no value, and the status `line`.
    /// - Lines: `series,<x>,<y>`, and `lo,hi` where a curve has a band.
    /// - Bars: `series,<x>,<y>`, `lo,hi` where bars have whiskers, and the colour's quantity where there is one; bars have `bars` as
    ///   series.
    /// - Lines and bars also have `status`, `ok` or `diverged`, where a training diverged; lines, `imprecise` where the precision of
    ///   a curve's numbers has ended.
    /// - Scatter: `series,point,<x>,<y>`, and the colour's quantity and its status where there is one; dots have `dots` as
    ///   series.
    /// - Histogram: `series,from,to,count`; the ranges have the values' name as series.
    /// - Images: one row per picture and channel: `image,label,channel,height,width,0,1,2,…`.
    /// - Panels: `panel`, then the columns of all panels; what a panel lacks is empty.
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
        let mut scene = self.scene()?;
        let shapes = std::mem::take(&mut scene.shapes);
        let parts = self.kind.drawing().parts(shapes, &scene.panels);
        let frames = scene.panels.iter().map(|panel| panel.frame).collect();
        Ok(Regions { width: scene.width, frames, parts })
    }

    /// Shows its numbers in other colours.
    pub fn repaint(&mut self, palette: Palette, reversed: bool) {
        self.kind.colourings().into_iter().for_each(|colouring| {
            (colouring.palette, colouring.reversed) = (palette, reversed);
        });
    }

    fn scene(&self) -> Result<scene::Scene> {
        self.kind.drawing().scene(self)
    }
}

/// What each kind of figure implements, in a file of its own.
trait Drawing {
    /// The marks, and the shapes in which the data are drawn.
    fn scene(&self, figure: &Figure) -> Result<scene::Scene> {
        chart::page(figure, self.chart(&chart::Agreed::of(&figure.notes))?)
    }

    /// What is drawn over axes, with scales that the panels of a page agreed on.
    ///
    /// # Errors
    /// When there are no axes, or lists differ in length.
    fn chart(&self, agreed: &chart::Agreed) -> Result<chart::Chart<'_>>;

    /// The data in the shapes of [`Drawing::scene`], one part per shape.
    fn parts(&self, shapes: Vec<Shape>, panels: &[scene::Panel]) -> Vec<Part>;

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
            Self::Scatter(scatter) => scatter,
            Self::Histogram(histogram) => histogram,
            Self::Images(images) => images,
            Self::Panels(panels) => panels,
        }
    }

    /// Its axes to the right and upward, if it has some.
    pub fn axes(&mut self) -> Option<(&mut Axis, &mut Axis)> {
        match self {
            Self::Heatmap(Heatmap { x, y, .. })
            | Self::Lines(Lines { x, y, .. })
            | Self::Bars(Bars { x, y, .. })
            | Self::Scatter(Scatter { x, y, .. })
            | Self::Histogram(Histogram { x, y, .. }) => Some((x, y)),
            Self::Images(_) | Self::Panels(_) => None,
        }
    }

    /// What its colours measure; one for each panel that has some.
    pub fn colourings(&mut self) -> Vec<&mut Colouring> {
        match self {
            Self::Heatmap(heatmap) => vec![&mut heatmap.colour],
            Self::Bars(bars) => vec![&mut bars.colour],
            Self::Scatter(scatter) => vec![&mut scatter.colour],
            Self::Lines(lines) => lines.family.iter_mut().collect(),
            Self::Histogram(_) | Self::Images(_) => Vec::new(),
            Self::Panels(panels) => panels.figures_mut().flat_map(|figure| figure.kind.colourings()).collect(),
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
kind_from!(Heatmap Lines Bars Scatter Histogram Images Panels);
