//! What all figures share: the title, curves added by `line`, the files, and the results behind a place of the drawing.
//! A kind of figure implements [`Plot`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::results::Placed;
use super::{Entry, Filled, Located, Output, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{self, Band, Figure, Hit, Series};
use crate::work::{Described, Target};

/// A kind of figure: how results fill it in.
pub trait Plot: Debug + Send + Sync {
    /// The name of the kind, such as "heatmap".
    fn kind(&self) -> &'static str;

    /// The tables that it shows.
    fn tables(&self) -> Vec<&ResultTable>;

    /// The results that it needs.
    fn targets(&self) -> Vec<Target> {
        self.tables().into_iter().flat_map(ResultTable::targets).collect()
    }

    /// The name of the axis to the right, over which curves can be added.
    ///
    /// # Errors
    /// When the figure has no axes.
    fn x_name(&self) -> Result<String>;

    /// The figure with the results that are available, and with the curves that were added.
    ///
    /// # Errors
    /// When a result failed without which nothing can be drawn.
    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<figure::Kind>;

    /// Number of parts that belong to the plot itself; the added curves follow. See [`Hit`].
    fn parts(&self) -> usize {
        1
    }

    /// The results at a place of the plot's own parts.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located>;

    /// See [`Output::named`].
    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot>;
}

/// A figure as scripts hold it.
#[derive(Debug, Clone)]
pub struct Draft {
    plot: Arc<dyn Plot>,
    title: String,
    added: Vec<NumberLine>,
}

impl Draft {
    /// A figure with a title, which may be empty.
    pub fn new(plot: impl Plot + 'static, title: String) -> Self {
        Self { plot: Arc::new(plot), title, added: Vec::new() }
    }

    /// Adds a curve: numbers over the axis to the right.
    ///
    /// # Errors
    /// When the table has other axes than this one, or the figure has no axes.
    pub fn with_line(mut self, table: ResultTable, label: &str) -> Result<Self> {
        table.has_one_column()?;
        let axis = table.axis(&self.plot.x_name()?)?;
        table.varies_only_over(&[axis])?;
        self.added.push(NumberLine::new(table, axis, label)?);
        Ok(self)
    }

    fn targets(&self) -> Vec<Target> {
        let added = self.added.iter().flat_map(|line| line.table.targets());
        self.plot.targets().into_iter().chain(added).collect()
    }

    fn figure(&self, title: &str, computed: &Computed) -> Result<Figure> {
        let added = self.added.iter().map(|line| line.series(computed)).collect();
        Ok(Figure::new(title, self.plot.draw(added, computed)?))
    }

    /// The title, with the λ of ridge regression, on which the numbers depend.
    fn full_title(&self) -> String {
        let tables = self.plot.tables();
        let rows = tables.iter().flat_map(|table| table.rows.iter());
        let curves =
            rows.filter(|row| matches!(row.entry(), Entry::Curve { .. })).filter_map(|row| row.entry().source());
        let solvers = curves.flat_map(|curve| &curve.provenance().solvers);
        let mut lambdas: Vec<f64> = solvers.filter_map(|solver| solver.rsplit_once("λ = ")?.1.parse().ok()).collect();
        lambdas.sort_by(f64::total_cmp);
        let note = match &lambdas[..] {
            [] => return self.title.clone(),
            [least, .., largest] if least < largest => format!("ridge regression, λ {least} to {largest}"),
            [lambda, ..] => format!("ridge regression, λ = {lambda}"),
        };
        if self.title.is_empty() { note } else { format!("{} ({note})", self.title) }
    }

    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        match hit.part.checked_sub(self.plot.parts()) {
            None => self.plot.locate(hit, computed),
            Some(line) => self.added.get(line).map_or_else(Vec::new, |line| line.locate(hit.i, computed)),
        }
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        let plot = self.plot.named(name);
        Self { plot, title: self.title.clone(), added: self.added.iter().map(|line| line.named(name)).collect() }
    }
}

/// A figure saved in the run folder.
#[derive(Debug)]
pub struct SavedFigure {
    draft: Draft,
    /// The title as it is drawn, made when it is first needed.
    title: OnceLock<String>,
    files: [PathBuf; 3],
}

impl SavedFigure {
    /// A figure saved under a path in the run folder that ends in `.svg` or `.png`.
    ///
    /// # Errors
    /// When it has another ending.
    pub fn new(draft: Draft, path: &Path) -> Result<Self> {
        Ok(Self { title: OnceLock::new(), draft, files: figure::files(path)? })
    }
}

impl Output for SavedFigure {
    fn kind(&self) -> &'static str {
        "figure"
    }

    fn name(&self) -> String {
        self.files[0].display().to_string()
    }

    fn title(&self) -> String {
        self.draft.title.clone()
    }

    fn drawing(&self) -> &'static str {
        self.draft.plot.kind()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.to_vec()
    }

    fn targets(&self) -> Vec<Target> {
        self.draft.targets()
    }

    fn fill(&self, computed: &Computed) -> Result<Filled> {
        self.draft.figure(self.title.get_or_init(|| self.draft.full_title()), computed).map(Filled::from)
    }

    fn write(&self, folder: &Path, filled: &Filled, _: &Computed) -> Result<Vec<PathBuf>> {
        filled.figure.as_ref().map_or(Ok(Vec::new()), |figure| figure.save(&folder.join(&self.files[0])))
    }

    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        self.draft.locate(hit, computed)
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
        let (title, files) = (self.title.clone(), self.files.clone());
        Arc::new(Self { draft: self.draft.named(name), title, files })
    }
}

/// A curve of numbers over an axis: the mean of the rows at each position.
#[derive(Debug, Clone)]
pub(super) struct NumberLine {
    pub table: ResultTable,
    pub x: Arc<Placed>,
    /// Indices of the rows that it shows.
    pub rows: Vec<usize>,
    pub label: String,
}

impl NumberLine {
    /// A line through all rows of a table.
    ///
    /// # Errors
    /// When a value of the axis is not a number.
    pub fn new(table: ResultTable, axis: usize, label: impl Into<String>) -> Result<Self> {
        let (x, rows) = (Arc::new(table.placed(axis)?), (0..table.rows.len()).collect());
        Ok(Self { table, x, rows, label: label.into() })
    }

    /// The positions that have numbers, in ascending order, each with its rows and their numbers.
    pub fn points(&self, computed: &Computed) -> Vec<(f64, Vec<(usize, f64)>)> {
        let mut points = BTreeMap::<usize, Vec<(usize, f64)>>::new();
        for &row in &self.rows {
            let numbers = self.table.rows[row].entry().numbers(computed);
            if let Some(value) = numbers.and_then(|numbers| numbers.first().copied()) {
                points.entry(self.x.of_row[row]).or_default().push((row, value));
            }
        }
        points.into_iter().map(|(at, rows)| (self.x.positions[at], rows)).collect()
    }

    pub fn series(&self, computed: &Computed) -> Series {
        let (x, values): (Vec<f64>, Vec<Vec<f64>>) = self
            .points(computed)
            .into_iter()
            .map(|(x, rows)| (x, rows.into_iter().map(|(_, value)| value).collect::<Vec<_>>()))
            .unzip();
        let (y, band) = mean_and_band(&values);
        Series { band, ..Series::new(&*self.label, x, y) }
    }

    /// The rows behind point `i`.
    pub fn locate(&self, i: usize, computed: &Computed) -> Vec<Located> {
        let points = self.points(computed);
        let rows = points.get(i).map_or(&[][..], |(_, rows)| rows);
        rows.iter().map(|&(row, _)| self.table.located(row, None, computed)).collect()
    }

    pub fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        Self { table: self.table.named(name), ..self.clone() }
    }
}

/// The mean at each position, and a band from the least to the greatest value if a position has several.
pub(super) fn mean_and_band(values: &[Vec<f64>]) -> (Vec<f64>, Option<Band>) {
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
