//! Figures: heatmaps, lines, pictures. A figure is filled in and drawn when the script is done.

use std::ops::RangeInclusive;

use rhai::plugin::*;
use rhai::{Array, Dynamic, Engine, INT, Map};

use super::curve::Curve;
use super::sweep::Axis;
use super::table::{Computed, Content, Row, Table};
use crate::Error;
use crate::data::Split;
use crate::figure::{self, Band, Cell, Contrast, Figure, Heatmap, Image, Images, Kind, Lines, Palette, Series};
use crate::script::options::{Options, Spec, describe, nearest, number};
use crate::script::session::{Native, Session};
use crate::script::shown::{Shown, output_path};
use crate::work::{Described, Target};

const PLOT_KEYS: &[(&str, &str)] = &[
    ("x", "the sweep's axis to the right; of curves without a sweep, \"depth\""),
    ("y", "\"depth\" where values are curves, else a second axis of the sweep; of lines, the values' name"),
    ("title", "shown above"),
    ("value", "what the colours measure (\"entropy\")"),
    ("palette", "\"spectral\" or \"viridis\" (\"spectral\")"),
    ("clip", "[low, high]: where the colours begin and end, () for the data's own"),
];
const HEATMAP: Spec = Spec { function: "heatmap", keys: PLOT_KEYS };
const LINES: Spec = Spec {
    function: "lines",
    keys: &[
        ("x", "the sweep's axis to the right; \"depth\" where values are curves"),
        ("y", "the values' name"),
        ("title", "shown above"),
        ("over", "an axis, such as \"seed\": its mean is drawn, with a band from least to greatest"),
        ("log_x", "a logarithmic axis to the right (false)"),
        ("log_y", "a logarithmic axis upward (false)"),
    ],
};
const IMAGES: Spec = Spec {
    function: "images",
    keys: &[
        ("columns", "pictures per row"),
        ("labels", "\"depth\" or \"sample\" under every picture, or \"none\""),
        ("title", "shown above"),
        ("range", "[black, white] for all pictures; each has its own otherwise"),
    ],
};

pub(super) const OPTIONS: &[Spec] = &[HEATMAP, LINES, IMAGES];

/// Pictures that a result holds: of one depth or several, of some samples.
#[derive(Debug, Clone)]
pub struct Pictures {
    source: Described,
    depths: RangeInclusive<usize>,
    samples: usize,
    shape: [usize; 3],
    /// The samples themselves: no depth.
    original: bool,
}

impl Pictures {
    pub(super) fn new(source: Described, depths: RangeInclusive<usize>, split: &Split) -> crate::Result<Self> {
        Ok(Self { source, depths, samples: split.len(), shape: split.shape(), original: false })
    }

    fn of_samples(split: &Split) -> Self {
        let source = crate::network::samples(split);
        Self { source, depths: 1..=1, samples: split.len(), shape: split.shape(), original: true }
    }

    fn images(&self, computed: &Computed, label: Label) -> crate::Result<Vec<Image>> {
        let Some(value) = computed.get(&self.source.fingerprint()) else { return Ok(Vec::new()) };
        let value = value.as_ref().map_err(Clone::clone)?;
        let (_, numbers) = value.f32s(if self.original { "x" } else { "r" })?;
        let size: usize = self.shape.iter().product();
        let mut images = Vec::new();
        for depth in self.depths.clone() {
            for sample in 0..self.samples {
                let text = match label {
                    Label::Depth if self.original => "input".to_owned(),
                    Label::Depth => depth.to_string(),
                    Label::Sample => sample.to_string(),
                    Label::None => String::new(),
                };
                let start = ((depth - 1) * self.samples + sample) * size;
                images.push(Image::new(text, self.shape.to_vec(), numbers[start..start + size].to_vec())?);
            }
        }
        Ok(images)
    }
}

#[derive(Debug, Clone, Copy)]
enum Label {
    None,
    Depth,
    Sample,
}

/// A figure made of descriptions.
#[derive(Debug, Clone)]
pub struct Plot {
    kind: PlotKind,
    title: String,
    lines: Vec<(Table, String)>,
}

#[derive(Debug, Clone)]
enum PlotKind {
    Heatmap { table: Table, x: usize, y: Upward, value: String, palette: Palette, clip: (Option<f64>, Option<f64>) },
    Lines { table: Table, x: Rightward, y: String, over: Option<usize>, log: (bool, bool) },
    Images { pictures: Vec<Pictures>, columns: usize, label: Label, contrast: Contrast },
}

#[derive(Debug, Clone, Copy)]
enum Upward {
    /// Values are curves.
    Depth,
    /// Values are numbers over a second axis.
    Axis(usize),
}

#[derive(Debug, Clone, Copy)]
enum Rightward {
    Depth,
    Axis(usize),
}

fn axis_number(axis: &Axis, value: &Dynamic) -> crate::Result<f64> {
    number(value).ok_or_else(|| Error::new(format!("axis \"{}\" holds {}, which has no place on a figure's axis", axis.name, describe(value))))
}

/// The values of an axis, sorted, each once.
fn places(table: &Table, axis: usize) -> crate::Result<Vec<f64>> {
    let mut places: Vec<f64> =
        table.rows.iter().map(|row| axis_number(&table.axes[axis], &row.point[axis])).collect::<crate::Result<_>>()?;
    places.sort_by(f64::total_cmp);
    places.dedup();
    Ok(places)
}

/// The axes but these have to be fixed or averaged: two values for one place cannot both be shown.
fn only_axes(table: &Table, shown: &[usize]) -> Result<(), Error> {
    match table.axes.iter().enumerate().find(|(i, axis)| !shown.contains(i) && axis.values.len() > 1) {
        None => Ok(()),
        Some((_, axis)) => Err(Error::new(format!("the table also varies over \"{}\"", axis.name))
            .hint(format!("take its mean, `.mean_over(\"{0}\")`, or one value of it, `.where(|p| p.{0} == …)`", axis.name))),
    }
}

fn holds_curves(table: &Table) -> bool {
    table.rows.iter().any(|row| row.value.as_ref().is_ok_and(Dynamic::is::<Curve>))
}

/// The one column of a figure's table.
fn single(table: &Table) -> Result<(), Error> {
    let (columns, _) = table.columns();
    if columns.len() == 1 {
        return Ok(());
    }
    Err(Error::new(format!("the table has the columns {}", columns.join(", "))).hint("choose one: `.column(\"…\")`"))
}

fn cells(table: &Table) -> Vec<Content> {
    table.columns().1.into_iter().filter_map(|mut row| (!row.is_empty()).then(|| row.swap_remove(0))).collect()
}

impl Plot {
    /// What has to be computed for it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let own = match &self.kind {
            PlotKind::Heatmap { table, .. } | PlotKind::Lines { table, .. } => table.targets(),
            PlotKind::Images { pictures, .. } => pictures
                .iter()
                .map(|pictures| Target { point: "pictures".to_owned(), result: pictures.source.clone() })
                .collect(),
        };
        own.into_iter().chain(self.lines.iter().flat_map(|(table, _)| table.targets())).collect()
    }

    /// The figure, as far as its results are there.
    pub(crate) fn figure(&self, computed: &Computed) -> crate::Result<Figure> {
        let kind: Kind = match &self.kind {
            PlotKind::Heatmap { .. } => self.heatmap(computed)?.into(),
            PlotKind::Lines { .. } => self.curves(computed)?.into(),
            PlotKind::Images { pictures, columns, label, contrast } => {
                let images: crate::Result<Vec<Vec<Image>>> =
                    pictures.iter().map(|pictures| pictures.images(computed, *label)).collect();
                Images { images: images?.concat(), columns: *columns, contrast: *contrast }.into()
            }
        };
        Ok(Figure::new(self.title.clone(), kind))
    }

    fn heatmap(&self, computed: &Computed) -> crate::Result<Heatmap> {
        let PlotKind::Heatmap { table, x, y, value, palette, clip } = &self.kind else {
            return Err(Error::new("not a heatmap"));
        };
        let xs = places(table, *x)?;
        let contents = cells(table);
        let depths = contents.iter().filter_map(|cell| cell.numbers(computed)).map(|numbers| numbers.len()).max();
        let longest = table.rows.iter().filter_map(|row| Some(row.value.as_ref().ok()?.read_lock::<Curve>()?.length)).max();
        let (y_axis, ys) = match *y {
            Upward::Depth => ("depth".to_owned(), (1..=depths.max(longest).unwrap_or(1)).map(|depth| depth as f64).collect()),
            Upward::Axis(axis) => (table.axes[axis].name.clone(), places(table, axis)?),
        };
        let mut columns = vec![vec![Cell::Missing; ys.len()]; xs.len()];
        let place = |places: &[f64], at: f64| places.iter().position(|&place| place == at);
        for (row, content) in table.rows.iter().zip(&contents) {
            let Some(column) = place(&xs, axis_number(&table.axes[*x], &row.point[*x])?) else { continue };
            let rows = match *y {
                Upward::Depth => 0..ys.len(),
                Upward::Axis(axis) => match place(&ys, axis_number(&table.axes[axis], &row.point[axis])?) {
                    Some(at) => at..at + 1,
                    None => continue,
                },
            };
            let numbers = content.numbers(computed);
            let failed = match content {
                Content::Failed | Content::Now(_) => true,
                Content::Later(described) => computed.get(&described.fingerprint()).is_some_and(Result::is_err),
            };
            for (i, cell) in columns[column][rows].iter_mut().enumerate() {
                *cell = match numbers.as_ref().map(|numbers| numbers.get(i)) {
                    Some(Some(&value)) => Cell::Value(value),
                    Some(None) => Cell::Missing,
                    None if failed => Cell::Failed,
                    None => Cell::Missing,
                };
            }
        }
        let lines: crate::Result<Vec<Series>> =
            self.lines.iter().map(|(table, label)| over_axis(table, &table_axis_like(table, &self.x_name())?, label, computed)).collect();
        Ok(Heatmap {
            x: figure::Axis::new(&table.axes[*x].name),
            y: figure::Axis::new(y_axis),
            value: value.clone(),
            xs,
            ys,
            cells: columns,
            palette: *palette,
            clip: *clip,
            lines: lines?,
        })
    }

    fn x_name(&self) -> String {
        match &self.kind {
            PlotKind::Heatmap { table, x, .. } | PlotKind::Lines { table, x: Rightward::Axis(x), .. } => table.axes[*x].name.clone(),
            _ => "depth".to_owned(),
        }
    }

    fn curves(&self, computed: &Computed) -> crate::Result<Lines> {
        let PlotKind::Lines { table, x, y, over, log } = &self.kind else { return Err(Error::new("not lines")) };
        let mut series = match *x {
            Rightward::Depth => over_depth(table, *over, computed)?,
            Rightward::Axis(axis) => {
                let grouped = groups(table, &[Some(axis), *over].into_iter().flatten().collect::<Vec<_>>());
                grouped
                    .into_iter()
                    .map(|(label, rows)| {
                        let label = if label.is_empty() { y.clone() } else { label };
                        over_rows(table, axis, &rows, &label, computed)
                    })
                    .collect::<crate::Result<_>>()?
            }
        };
        for (table, label) in &self.lines {
            series.push(over_axis(table, &table_axis_like(table, &self.x_name())?, label, computed)?);
        }
        let mut x = figure::Axis::new(self.x_name());
        let mut y = figure::Axis::new(y.as_str());
        (x.log, y.log) = *log;
        Ok(Lines { x, y, series })
    }
}

/// Rows that differ in nothing but the axes `within`, with what they have in common in words.
fn groups<'a>(table: &'a Table, within: &[usize]) -> Vec<(String, Vec<&'a Row>)> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &*table.rows {
        let name: Vec<String> = (0..table.axes.len())
            .filter(|i| !within.contains(i) && table.axes[*i].values.len() > 1)
            .map(|i| format!("{} = {}", table.axes[i].name, row.point[i]))
            .collect();
        let name = name.join(", ");
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((name, vec![row])),
        }
    }
    groups
}

fn numbers_of(row: &Row, computed: &Computed) -> Option<Vec<f64>> {
    Content::of_row(row).numbers(computed)
}

/// A band from the least to the greatest, where there is more than one value at a place.
fn spread(values: &[Vec<f64>]) -> (Vec<f64>, Option<Band>) {
    let mean = values.iter().map(|v| v.iter().sum::<f64>() / v.len() as f64).collect();
    let extreme = |pick: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
        values.iter().map(|v| v.iter().copied().fold(start, pick)).collect()
    };
    let band = values.iter().any(|v| v.len() > 1).then(|| Band {
        lo: extreme(f64::min, f64::INFINITY),
        hi: extreme(f64::max, f64::NEG_INFINITY),
    });
    (mean, band)
}

/// One line over the values of an axis, from numbers.
fn over_rows(table: &Table, axis: usize, rows: &[&Row], label: &str, computed: &Computed) -> crate::Result<Series> {
    let mut at: Vec<(f64, Vec<f64>)> = Vec::new();
    for row in rows {
        let place = axis_number(&table.axes[axis], &row.point[axis])?;
        let Some(value) = numbers_of(row, computed).and_then(|numbers| numbers.first().copied()) else { continue };
        match at.iter_mut().find(|(known, _)| *known == place) {
            Some((_, values)) => values.push(value),
            None => at.push((place, vec![value])),
        }
    }
    at.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (x, values): (Vec<f64>, Vec<Vec<f64>>) = at.into_iter().unzip();
    let (y, band) = spread(&values);
    Ok(Series { band, ..Series::new(label, x, y) })
}

fn over_axis(table: &Table, axis: &usize, label: &str, computed: &Computed) -> crate::Result<Series> {
    over_rows(table, *axis, &table.rows.iter().collect::<Vec<_>>(), label, computed)
}

/// One line per group of curves.
fn over_depth(table: &Table, over: Option<usize>, computed: &Computed) -> crate::Result<Vec<Series>> {
    let within: Vec<usize> = over.into_iter().collect();
    let series = groups(table, &within).into_iter().map(|(label, rows)| {
        let curves: Vec<Vec<f64>> = rows.iter().filter_map(|row| numbers_of(row, computed)).collect();
        let depths = curves.iter().map(Vec::len).max().unwrap_or(0);
        let values: Vec<Vec<f64>> =
            (0..depths).map(|depth| curves.iter().filter_map(|curve| curve.get(depth).copied()).collect()).collect();
        let (y, mut band) = spread(&values);
        if let [row] = rows[..] {
            band = Content::of_row(row).quartiles(computed);
        }
        Series { band, ..Series::new(label, (1..=depths).map(|depth| depth as f64).collect(), y) }
    });
    Ok(series.collect())
}

fn table_axis_like(table: &Table, name: &str) -> crate::Result<usize> {
    table.axis(name)
}

fn axis_option(options: &Options<'_>, key: &str, table: &Table) -> Result<Option<usize>, Error> {
    options.text(key)?.map(|name| table.axis(&name)).transpose()
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Plot>("Figure")
        .register_type_with_name::<Pictures>("Pictures")
        .register_global_module(rhai::exported_module!(functions).into());
}

#[export_module]
mod functions {
    /// Colour over two axes: one of the sweep's to the right, and upward the depth of its curves or a second axis.
    ///
    /// ```
    /// let sweep = sweep([axis("weight_var", [1, 2]), axis("bias_var", [0.05, 0.1])]);
    /// let xi = sweep.map(|p| mean_field("tanh", p).xi_c);
    /// heatmap(xi, #{ x: "weight_var", y: "bias_var", value: "xi_c", palette: "viridis" }).save("xi.svg");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn heatmap(table: Table, options: Map) -> Native<Plot> {
        let options = HEATMAP.read(&options)?;
        single(&table)?;
        let x = axis_option(&options, "x", &table)?.unwrap_or(0);
        let curves = holds_curves(&table);
        let y = match options.text("y")?.as_deref() {
            None | Some("depth") if curves => Upward::Depth,
            None if table.axes.len() == 2 => Upward::Axis(1 - x),
            None => return Err(Error::new("`heatmap` needs `y`, the axis upward").into()),
            Some(name) if curves => {
                return Err(Error::new(format!("the values are curves over depth, so y is \"depth\", not \"{name}\"")).into());
            }
            Some(name) => Upward::Axis(table.axis(name)?),
        };
        only_axes(&table, &match y {
            Upward::Depth => vec![x],
            Upward::Axis(y) => vec![x, y],
        })?;
        places(&table, x)?;
        let palette = options.text("palette")?.map(|name| Palette::named(&name)).transpose()?.unwrap_or_default();
        let kind = PlotKind::Heatmap {
            x,
            y,
            value: options.text("value")?.unwrap_or_else(|| "entropy".to_owned()),
            palette,
            clip: options.range("clip")?.unwrap_or_default(),
            table,
        };
        Ok(Plot { kind, title: options.text("title")?.unwrap_or_default(), lines: Vec::new() })
    }

    /// Curves over depth, one per point of the sweep, or numbers over one of its axes.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_table(table: Table, options: Map) -> Native<Plot> {
        let options = LINES.read(&options)?;
        single(&table)?;
        let x = match options.text("x")?.as_deref() {
            None | Some("depth") if holds_curves(&table) => Rightward::Depth,
            None => Rightward::Axis(0),
            Some(name) => Rightward::Axis(table.axis(name)?),
        };
        let over = axis_option(&options, "over", &table)?;
        let log = (options.flag("log_x")?.unwrap_or(false), options.flag("log_y")?.unwrap_or(false));
        let y = options.text("y")?.unwrap_or_else(|| "value".to_owned());
        let title = options.text("title")?.unwrap_or_default();
        Ok(Plot { kind: PlotKind::Lines { table, x, y, over, log }, title, lines: Vec::new() })
    }

    /// One curve over depth, of a measure per sample with a band from the lower to the upper quartile.
    #[rhai_fn(name = "lines", return_raw)]
    pub fn lines_of_curve(curve: Curve, options: Map) -> Native<Plot> {
        let row = Row { point: Vec::new(), value: Ok(Dynamic::from(curve)) };
        lines_of_table(Table { axes: Vec::new().into(), rows: vec![row].into() }, options)
    }

    /// Pictures in a grid: samples of a data set, reconstructions, or a list of both.
    ///
    /// ```
    /// images(dataset("glyphs").test.take(20), #{ columns: 10 }).save("glyphs.png");
    /// ```
    #[rhai_fn(name = "images", return_raw)]
    pub fn images_of(pictures: Dynamic, options: Map) -> Native<Plot> {
        let options = IMAGES.read(&options)?;
        let list = match pictures.read_lock::<Array>() {
            Some(array) => array.to_vec(),
            None => vec![pictures.clone()],
        };
        let pictures: Result<Vec<Pictures>, Error> = list
            .into_iter()
            .map(|value| {
                if let Some(split) = value.read_lock::<Split>() {
                    return Ok(Pictures::of_samples(&split));
                }
                let found = describe(&value);
                value.try_cast::<Pictures>().ok_or_else(|| {
                    Error::new(format!("pictures are samples of a data set or reconstructions, got {found}"))
                        .hint("choose depths of a reconstruction: `.at(3)` or `.all()`")
                })
            })
            .collect();
        let pictures = pictures?;
        let label = match options.text("labels")?.as_deref() {
            Some("depth") => Label::Depth,
            Some("sample") => Label::Sample,
            None | Some("none") => Label::None,
            Some(other) => {
                let error = Error::new(format!("`labels` is \"depth\", \"sample\" or \"none\", got \"{other}\""));
                return Err(match nearest(other, ["depth", "sample", "none"]) {
                    Some(near) => error.hint(format!("did you mean \"{near}\"?")),
                    None => error,
                }
                .into());
            }
        };
        let contrast = match options.range("range")? {
            Some((Some(low), Some(high))) => Contrast::Range(low as f32, high as f32),
            _ => Contrast::Each,
        };
        let columns = options.count("columns")?.unwrap_or(0);
        let kind = PlotKind::Images { pictures, columns, label, contrast };
        Ok(Plot { kind, title: options.text("title")?.unwrap_or_default(), lines: Vec::new() })
    }

    /// Draws a line over a heatmap or beside other lines: a table of numbers over the same axis.
    #[rhai_fn(name = "line", return_raw)]
    pub fn line(figure: Plot, table: Table, label: &str) -> Native<Plot> {
        single(&table)?;
        if matches!(figure.kind, PlotKind::Images { .. }) {
            return Err(Error::new("a sheet of pictures has no axes for a line").into());
        }
        let axis = table.axis(&figure.x_name())?;
        only_axes(&table, &[axis])?;
        let mut lines = figure.lines;
        lines.push((table, label.to_owned()));
        Ok(Plot { lines, ..figure })
    }

    /// Saves a figure in the run folder: "phase.svg" writes phase.svg, phase.png, and its numbers, phase.csv.
    #[rhai_fn(name = "save", return_raw)]
    pub fn save_figure(context: NativeCallContext, figure: Plot, path: &str) -> Native<Plot> {
        let path = output_path(path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg" | "png") => {}
            _ => {
                return Err(Error::new(format!("a figure is saved as .svg or .png, not as \"{}\"", path.display())).into());
            }
        }
        Session::of(&context)?.show(Shown::Figure { plot: figure.clone(), path });
        Ok(figure)
    }

    /// How many pictures there are.
    #[rhai_fn(get = "len", name = "len", pure)]
    pub fn pictures_len(pictures: &mut Pictures) -> INT {
        (pictures.depths.clone().count() * pictures.samples) as INT
    }
}
