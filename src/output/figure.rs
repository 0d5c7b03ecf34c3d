//! What all figures share: the title, curves added by `line`, the files that are written, and what is at a place of the
//! drawing. A kind of figure implements [`Plot`].

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

/// One kind of figure: how it is filled in from results.
pub trait Plot: Debug + Send + Sync {
    /// What it is called: "heatmap".
    fn kind(&self) -> &'static str;

    /// The tables that it shows.
    fn tables(&self) -> Vec<&ResultTable>;

    /// What has to be computed for it.
    fn targets(&self) -> Vec<Target> {
        self.tables().into_iter().flat_map(ResultTable::targets).collect()
    }

    /// The axis to the right, by name, over which curves can be added.
    ///
    /// # Errors
    /// When it has no axes.
    fn x_name(&self) -> Result<String>;

    /// The figure as far as results are there, with the curves that were added.
    ///
    /// # Errors
    /// When a result that it cannot do without has failed.
    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<figure::Kind>;

    /// How many parts of the drawing are its own; added curves follow. See [`Hit`].
    fn parts(&self) -> usize {
        1
    }

    /// What is at a place of one of its own parts.
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
    /// A figure with this title; an empty one shows none.
    pub fn new(plot: impl Plot + 'static, title: String) -> Self {
        Self { plot: Arc::new(plot), title, added: Vec::new() }
    }

    /// Adds a curve: numbers over the axis to the right.
    ///
    /// # Errors
    /// When the table does not have just this axis, or the figure has none.
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

    /// The title, with the λ of ridge regression: without it the numbers say little.
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

/// A figure that is saved in the run folder.
#[derive(Debug)]
pub struct SavedFigure {
    draft: Draft,
    /// The title as it is drawn.
    title: OnceLock<String>,
    files: [PathBuf; 3],
}

impl SavedFigure {
    /// A figure, saved under a name in the run folder that ends in `.svg` or `.png`.
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

/// One curve of numbers over an axis: the mean of the rows at each position.
#[derive(Debug, Clone)]
pub(super) struct NumberLine {
    pub table: ResultTable,
    pub x: Arc<Placed>,
    /// The rows that it shows.
    pub rows: Vec<usize>,
    pub label: String,
}

impl NumberLine {
    /// The line of all rows of a table.
    ///
    /// # Errors
    /// When a value of the axis is no number.
    pub fn new(table: ResultTable, axis: usize, label: impl Into<String>) -> Result<Self> {
        let (x, rows) = (Arc::new(table.placed(axis)?), (0..table.rows.len()).collect());
        Ok(Self { table, x, rows, label: label.into() })
    }

    /// Positions in ascending order, with the rows and numbers at each. Where there is no number, there is no point.
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

/// The mean at each position; where some have several values, also a band from the least to the greatest.
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
