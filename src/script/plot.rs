//! Figures made of descriptions, filled in as far as their results are there.

use std::ops::RangeInclusive;

use rhai::Dynamic;

use super::exhibit::{At, behind};
use super::later::Curve;
use super::options::{describe, number};
use super::table::{Axis, Content, Row, Table, readable};
use super::tensor::ScriptTensor;
use crate::data::{Normalisation, Split};
use crate::executor::Computed;
use crate::figure::{self, Band, Cell, Contrast, Figure, Heatmap, Image, Images, Kind, Lines, Palette, Series};
use crate::work::{Described, Target, Value};
use crate::{Error, Result};

/// Pictures that a result holds: of one depth or several, of some samples.
#[derive(Debug, Clone)]
pub struct Pictures {
    source: Described,
    what: What,
    depths: RangeInclusive<usize>,
    samples: usize,
    shape: [usize; 3],
    /// What has to be undone before they are shown.
    normalisation: Option<Normalisation>,
}

/// What the pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The samples themselves.
    Samples,
    /// Reconstructions of samples from the depths from 1 on.
    Reconstructions,
    /// Activations at one depth, so many channels of every sample, each a grey picture.
    Channels(usize),
}

impl Pictures {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.depths.clone().count() * self.samples
    }

    pub(crate) fn new(source: Described, depths: RangeInclusive<usize>, split: &Split) -> Self {
        let normalisation = split.normalisation().cloned();
        Self { source, what: What::Reconstructions, depths, samples: split.len(), shape: split.shape(), normalisation }
    }

    pub(crate) fn of_samples(split: &Split) -> Self {
        Self { what: What::Samples, ..Self::new(crate::network::samples(split), 1..=1, split) }
    }

    /// The channels of activations of shape `shape`, one after another.
    pub(crate) fn of_channels(source: Described, shape: [usize; 3], split: &Split) -> Self {
        let [channels, height, width] = shape;
        let what = What::Channels(channels);
        let (samples, shape) = (split.len() * channels, [1, height, width]);
        Self { source, what, depths: 1..=1, samples, shape, normalisation: None }
    }

    /// One picture, of the kind of a split's samples.
    pub(crate) fn single(source: Described, split: &Split) -> Self {
        Self { samples: 1, ..Self::new(source, 1..=1, split) }
    }

    /// Whether they are photographs, whose colours mean something by themselves.
    pub(crate) fn is_normalised(&self) -> bool {
        self.normalisation.is_some()
    }

    /// What has to be computed for them.
    pub(crate) fn source(&self) -> &Described {
        &self.source
    }

    /// `[pictures, channels, height, width]`.
    pub(crate) fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.shape;
        [self.len(), channels, height, width]
    }

    /// Their pixels, from what their source yields.
    pub(crate) fn pixels<'a>(&self, value: &'a Value) -> Result<&'a [f32]> {
        let (_, numbers) = value.f32s(if self.what == What::Reconstructions { "r" } else { "x" })?;
        let depth = self.samples * self.shape.iter().product::<usize>();
        Ok(&numbers[(self.depths.start() - 1) * depth..self.depths.end() * depth])
    }

    fn images(&self, computed: &Computed, label: Label) -> Result<Vec<Image>> {
        let Some(value) = computed.get(&self.source.fingerprint()) else { return Ok(Vec::new()) };
        let mut pixels = self.pixels(value.as_ref().map_err(Clone::clone)?)?.chunks(self.shape.iter().product());
        let mut images = Vec::new();
        for depth in self.depths.clone() {
            for sample in 0..self.samples {
                let text = match (label, self.what) {
                    (Label::None, _) => String::new(),
                    (_, What::Channels(channels)) => (sample % channels).to_string(),
                    (Label::Sample, _) => sample.to_string(),
                    (Label::Depth, What::Samples) => "input".to_owned(),
                    (Label::Depth, What::Reconstructions) => depth.to_string(),
                };
                let mut pixels = pixels.next().unwrap_or_default().to_vec();
                if let Some(normalisation) = &self.normalisation {
                    normalisation.restore(&mut pixels, self.shape);
                }
                images.push(Image::new(text, self.shape.to_vec(), pixels)?);
            }
        }
        Ok(images)
    }
}

/// What a sheet of pictures is made of.
#[derive(Debug, Clone)]
pub(crate) enum Sheet {
    /// To be computed.
    Later(Pictures),
    /// `[h, w]`, `[c, h, w]` or `[n, c, h, w]`, with 1 or 3 channels.
    Now(Box<ScriptTensor>),
}

impl Sheet {
    /// What a script gives for pictures.
    pub(crate) fn of(value: Dynamic) -> Result<Self> {
        if let Some(split) = value.read_lock::<Split>() {
            return Ok(Self::Later(Pictures::of_samples(&split)));
        }
        if let Some(tensor) = value.read_lock::<ScriptTensor>() {
            return match tensor.shape()[..] {
                [_, _] | [1 | 3, _, _] | [_, 1 | 3, _, _] => Ok(Self::Now(Box::new(tensor.clone()))),
                ref shape => Err(Error::new(format!("a tensor of shape {shape:?} is not pictures"))
                    .hint("pictures are [height, width], [channels, height, width] or [pictures, channels, height, width], with 1 channel or 3")),
            };
        }
        let found = describe(&value);
        value.try_cast::<Pictures>().map(Self::Later).ok_or_else(|| {
            Error::new(format!("pictures are samples of a data set, reconstructions or tensors, got {found}"))
                .hint("choose depths of a reconstruction: `.at(3)` or `.all()`")
        })
    }

    /// Whether they were normalised for a network.
    pub(crate) fn is_photographs(&self) -> bool {
        matches!(self, Self::Later(pictures) if pictures.is_normalised())
    }

    fn target(&self) -> Option<Target> {
        match self {
            Self::Later(pictures) => Some(Target { point: "pictures".to_owned(), result: pictures.source.clone() }),
            Self::Now(_) => None,
        }
    }

    fn images(&self, computed: &Computed, label: Label) -> Result<Vec<Image>> {
        match self {
            Self::Later(pictures) => pictures.images(computed, label),
            Self::Now(tensor) => {
                let (shape, numbers) = (tensor.shape(), tensor.numbers()?);
                let one = if shape.len() == 4 { &shape[1..] } else { &shape };
                let name =
                    |sample: usize| if matches!(label, Label::Sample) { sample.to_string() } else { String::new() };
                let pictures = numbers.chunks(one.iter().product()).enumerate();
                pictures.map(|(sample, pixels)| Image::new(name(sample), one.to_vec(), pixels.to_vec())).collect()
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Label {
    None,
    Depth,
    Sample,
}

/// A figure made of descriptions.
#[derive(Debug, Clone)]
pub struct Plot {
    pub(crate) kind: PlotKind,
    pub(crate) title: String,
    /// Tables of numbers over the axis to the right, with their labels.
    pub(crate) lines: Vec<(Table, String)>,
}

#[derive(Debug, Clone)]
pub(crate) enum PlotKind {
    Heatmap { table: Table, x: usize, y: Upward, value: String, palette: Palette, clip: (Option<f64>, Option<f64>) },
    Lines { table: Table, x: Rightward, y: String, over: Option<usize>, log: (bool, bool) },
    Images { sheets: Vec<Sheet>, columns: usize, label: Label, contrast: Contrast },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Upward {
    /// Values are curves.
    Depth,
    /// Values are numbers over a second axis.
    Axis(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Rightward {
    Depth,
    Axis(usize),
}

fn axis_number(axis: &Axis, value: &Dynamic) -> Result<f64> {
    number(value).ok_or_else(|| {
        Error::new(format!("axis \"{}\" holds {}, which has no place on a figure's axis", axis.name, describe(value)))
    })
}

/// The values of an axis, sorted, each once.
pub(crate) fn places(table: &Table, axis: usize) -> Result<Vec<f64>> {
    let mut places: Vec<f64> =
        table.rows.iter().map(|row| axis_number(&table.axes[axis], &row.point[axis])).collect::<Result<_>>()?;
    places.sort_by(f64::total_cmp);
    places.dedup();
    Ok(places)
}

fn cells(table: &Table) -> Vec<Content> {
    table.columns().1.into_iter().filter_map(|mut row| (!row.is_empty()).then(|| row.swap_remove(0))).collect()
}

impl Plot {
    /// The same with other descriptions of what is computed later.
    pub(crate) fn renamed(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        let mut plot = self.clone();
        match &mut plot.kind {
            PlotKind::Heatmap { table, .. } | PlotKind::Lines { table, .. } => *table = table.renamed(name),
            PlotKind::Images { sheets, .. } => sheets.iter_mut().for_each(|sheet| {
                if let Sheet::Later(pictures) = sheet {
                    pictures.source = name(&pictures.source);
                }
            }),
        }
        plot.lines.iter_mut().for_each(|(table, _)| *table = table.renamed(name));
        plot
    }

    /// What has to be computed for it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let own = match &self.kind {
            PlotKind::Heatmap { table, .. } | PlotKind::Lines { table, .. } => table.targets(),
            PlotKind::Images { sheets, .. } => sheets.iter().filter_map(Sheet::target).collect(),
        };
        own.into_iter().chain(self.lines.iter().flat_map(|(table, _)| table.targets())).collect()
    }

    /// The title, and the λ of ridge regression, without which its numbers say little.
    fn titled(&self) -> String {
        let (PlotKind::Heatmap { table, .. } | PlotKind::Lines { table, .. }) = &self.kind else {
            return self.title.clone();
        };
        let rows = table.rows.iter().filter_map(|row| row.value.as_ref().ok());
        let mut lambdas: Vec<f64> = rows.filter_map(|value| value.read_lock::<Curve>()?.lambda).collect();
        lambdas.sort_by(f64::total_cmp);
        let note = match &lambdas[..] {
            [] => return self.title.clone(),
            [least, .., largest] if least < largest => format!("ridge regression, λ {least} to {largest}"),
            [lambda, ..] => format!("ridge regression, λ = {lambda}"),
        };
        if self.title.is_empty() { note } else { format!("{} ({note})", self.title) }
    }

    /// The figure, as far as its results are there.
    pub(crate) fn figure(&self, computed: &Computed) -> Result<Figure> {
        let kind: Kind = match &self.kind {
            PlotKind::Heatmap { .. } => self.heatmap(computed)?.into(),
            PlotKind::Lines { .. } => self.curves(computed)?.into(),
            PlotKind::Images { sheets, columns, label, contrast } => {
                let images: Result<Vec<Vec<Image>>> =
                    sheets.iter().map(|sheet| sheet.images(computed, *label)).collect();
                Images { images: images?.concat(), columns: *columns, contrast: *contrast }.into()
            }
        };
        Ok(Figure::new(self.titled(), kind))
    }

    fn heatmap(&self, computed: &Computed) -> Result<Heatmap> {
        let PlotKind::Heatmap { table, x, y, value, palette, clip } = &self.kind else {
            return Err(Error::new("not a heatmap"));
        };
        let xs = places(table, *x)?;
        let contents = cells(table);
        let depths = contents.iter().filter_map(|cell| cell.numbers(computed)).map(|numbers| numbers.len()).max();
        let longest =
            table.rows.iter().filter_map(|row| Some(row.value.as_ref().ok()?.read_lock::<Curve>()?.length)).max();
        let (y_axis, ys) = match *y {
            Upward::Depth => {
                ("depth".to_owned(), (1..=depths.max(longest).unwrap_or(1)).map(|depth| depth as f64).collect())
            }
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
                Content::Curve(source) | Content::Number(source) => {
                    computed.get(&source.fingerprint()).is_some_and(Result::is_err)
                }
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
        let lines: Result<Vec<Series>> = self
            .lines
            .iter()
            .map(|(table, label)| over_axis(table, table.axis(&self.x_name())?, label, computed))
            .collect();
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

    /// What lies behind a point of the figure; nothing behind one that it does not have.
    pub(crate) fn behind(&self, at: At) -> Result<Vec<Behind>> {
        match (&self.kind, at) {
            (PlotKind::Heatmap { table, x, y, .. }, At::Cell { column, row }) => {
                let Some(right) = places(table, *x)?.get(column).copied() else { return Ok(Vec::new()) };
                let up = match *y {
                    Upward::Depth => None,
                    Upward::Axis(axis) => Some((axis, places(table, axis)?.get(row).copied())),
                };
                let is_there = |at: &Row| {
                    number(&at.point[*x]) == Some(right) && up.is_none_or(|(axis, up)| number(&at.point[axis]) == up)
                };
                Ok(table.rows.iter().filter(|at| is_there(at)).map(|at| behind(table, at, Some(row + 1))).collect())
            }
            (PlotKind::Heatmap { .. }, At::Point { series, i }) => self.behind_line(series, i),
            (PlotKind::Lines { table, x, over, .. }, At::Point { series, i }) => {
                let within: Vec<usize> = match *x {
                    Rightward::Depth => over.iter().copied().collect(),
                    Rightward::Axis(axis) => [Some(axis), *over].into_iter().flatten().collect(),
                };
                let groups = groups(table, &within);
                let Some((_, rows)) = groups.get(series) else { return self.behind_line(series - groups.len(), i) };
                match *x {
                    Rightward::Depth => Ok(rows.iter().map(|row| behind(table, row, Some(i + 1))).collect()),
                    Rightward::Axis(axis) => rows_at(table, axis, rows, i),
                }
            }
            (PlotKind::Images { sheets, .. }, At::Image(mut image)) => {
                for sheet in sheets {
                    let Sheet::Later(pictures) = sheet else { return Ok(Vec::new()) };
                    if image < pictures.len() {
                        let depth = pictures.depths.start() + image / pictures.samples.max(1);
                        let depth = (pictures.what == What::Reconstructions).then_some(depth);
                        return Ok(vec![Behind::Result { result: pictures.source.clone(), depth }]);
                    }
                    image -= pictures.len();
                }
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Behind point `i` of one of the lines that were added.
    fn behind_line(&self, line: usize, i: usize) -> Result<Vec<Behind>> {
        let Some((table, _)) = self.lines.get(line) else { return Ok(Vec::new()) };
        rows_at(table, table.axis(&self.x_name())?, &table.rows.iter().collect::<Vec<_>>(), i)
    }

    /// The axis to the right, by name.
    pub(crate) fn x_name(&self) -> String {
        match &self.kind {
            PlotKind::Heatmap { table, x, .. } | PlotKind::Lines { table, x: Rightward::Axis(x), .. } => {
                table.axes[*x].name.clone()
            }
            _ => "depth".to_owned(),
        }
    }

    fn curves(&self, computed: &Computed) -> Result<Lines> {
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
                    .collect::<Result<_>>()?
            }
        };
        for (table, label) in &self.lines {
            series.push(over_axis(table, table.axis(&self.x_name())?, label, computed)?);
        }
        let mut x = figure::Axis::new(self.x_name());
        let mut y = figure::Axis::new(y.as_str());
        (x.log, y.log) = *log;
        Ok(Lines { x, y, series })
    }
}

/// What lies behind a point of a figure.
#[derive(Debug, Clone)]
pub(crate) enum Behind {
    /// A point of a sweep; at a depth, where its value is a curve.
    Row { table: Table, row: Row, depth: Option<usize> },
    /// A result of its own.
    Result { result: Described, depth: Option<usize> },
}

/// The rows at the `i`-th place of an axis.
fn rows_at(table: &Table, axis: usize, rows: &[&Row], i: usize) -> Result<Vec<Behind>> {
    let mut all: Vec<f64> =
        rows.iter().map(|row| axis_number(&table.axes[axis], &row.point[axis])).collect::<Result<_>>()?;
    all.sort_by(f64::total_cmp);
    all.dedup();
    let at = all.get(i).copied();
    let rows = rows.iter().filter(|row| at.is_some() && number(&row.point[axis]) == at);
    Ok(rows.map(|row| behind(table, row, None)).collect())
}

/// Rows that differ in nothing but the axes `within`, with what they have in common in words.
fn groups<'a>(table: &'a Table, within: &[usize]) -> Vec<(String, Vec<&'a Row>)> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &*table.rows {
        let name: Vec<String> = (0..table.axes.len())
            .filter(|i| !within.contains(i) && table.axes[*i].values.len() > 1)
            .map(|i| format!("{} = {}", table.axes[i].name, readable(&row.point[i])))
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
    let band = values
        .iter()
        .any(|v| v.len() > 1)
        .then(|| Band { lo: extreme(f64::min, f64::INFINITY), hi: extreme(f64::max, f64::NEG_INFINITY) });
    (mean, band)
}

/// One line over the values of an axis, from numbers.
fn over_rows(table: &Table, axis: usize, rows: &[&Row], label: &str, computed: &Computed) -> Result<Series> {
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

fn over_axis(table: &Table, axis: usize, label: &str, computed: &Computed) -> Result<Series> {
    over_rows(table, axis, &table.rows.iter().collect::<Vec<_>>(), label, computed)
}

/// One line per group of curves.
fn over_depth(table: &Table, over: Option<usize>, computed: &Computed) -> Result<Vec<Series>> {
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
