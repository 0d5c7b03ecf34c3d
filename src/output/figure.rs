//! What all figures share: the title, curves added by `line`, the files, and the results behind a place of the drawing.
//! A kind of figure implements [`Plot`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::band::{Spread, mean_and_band};
use super::results::Placed;
use super::style::{AxisStyle, Style};
use super::{Filled, Located, Output, ResultTable};
use crate::executor::Computed;
use crate::figure::{self, Figure, Hit, Note, Palette, Series, number};
use crate::work::{Described, Target};
use crate::{Error, Result};

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

    /// The name of the axis upward.
    fn y_name(&self) -> String {
        String::new()
    }

    /// Whether the axes to the right and upward hold words in place of numbers.
    fn has_words(&self) -> (bool, bool) {
        (false, false)
    }

    /// What its colours show, if that is numbers; a palette can be chosen then.
    fn colours(&self) -> Option<String> {
        None
    }

    /// Whether it can be a panel of a page.
    ///
    /// # Errors
    /// When it has no axes.
    fn panel(&self) -> Result<()> {
        Ok(())
    }

    /// Whether its parts are titled with their solvers.
    fn says_solvers(&self) -> bool {
        false
    }

    /// Refuses what could not be drawn whatever the results are; `titled` says whether there is a title.
    ///
    /// # Errors
    /// When it is too large.
    fn check(&self, _titled: bool) -> Result<()> {
        Ok(())
    }

    /// The figure with the results that are available, and with the curves that were added.
    ///
    /// # Errors
    /// When a result failed without which nothing can be drawn.
    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<figure::Kind>;

    /// What of failed points does not show in it, in words.
    fn left_out(&self, _computed: &Computed) -> Vec<String> {
        Vec::new()
    }

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
    pub(super) plot: Arc<dyn Plot>,
    title: String,
    style: Style,
    added: Vec<NumberLine>,
}

impl Draft {
    /// A figure with a title, which may be empty.
    pub fn new(plot: impl Plot + 'static, title: String) -> Self {
        Self { plot: Arc::new(plot), title, style: Style::default(), added: Vec::new() }
    }

    /// The same figure in a style.
    ///
    /// # Errors
    /// When the style asks for what the axes cannot have.
    pub fn styled(mut self, style: Style) -> Result<Self> {
        let (x, y) = (self.plot.x_name().unwrap_or_default(), self.plot.y_name());
        let (words_x, words_y) = self.plot.has_words();
        style.check(((&x, words_x), (&y, words_y)))?;
        self.style = style;
        Ok(self)
    }

    /// Writes something over it.
    ///
    /// # Errors
    /// When it has no axes, or the axes have no place there.
    pub fn with_note(mut self, note: Note) -> Result<Self> {
        match self.plot.kind() {
            "images" => return Err(Error::new("a sheet of pictures has no axes for a line, words or an arrow")),
            "panels" => {
                return Err(Error::new("panels have axes each, so a line, words or an arrow belong to one of them")
                    .hint("add it to a panel: `panels([[figure.hline(1)]])`"));
            }
            _ => {}
        }
        let (xs, ys) = note.places();
        for (axis, places, log) in [("to the right", xs, self.style.x.log), ("upward", ys, self.style.y.log)] {
            if let Some(place) = places.into_iter().find(|place| !place.is_finite() || (log && *place <= 0.0)) {
                return Err(Error::new(format!("the axis {axis} has no place for {}", number::pretty(place))));
            }
        }
        self.style.notes.push(note);
        Ok(self)
    }

    /// Whether colours show numbers.
    pub fn has_colours(&self) -> bool {
        self.plot.colours().is_some()
    }

    /// What its axes to the right and upward and its colours show, as a reader sees it.
    pub(super) fn shows(&self) -> [Option<String>; 3] {
        let on = |axis: &AxisStyle, name: String| if axis.log { format!("{name} (logarithmic)") } else { name };
        let x = self.style.x.label.clone().or_else(|| self.plot.x_name().ok()).map(|name| on(&self.style.x, name));
        let y = on(&self.style.y, self.style.y.label.clone().unwrap_or_else(|| self.plot.y_name()));
        let colours = self.plot.colours().map(|name| self.style.value.clone().unwrap_or(name)).map(|name| {
            match self.style.palette {
                Some(palette) if palette != Palette::default() => format!("{name} in {}", palette.name()),
                _ => name,
            }
        });
        [x, Some(y), colours]
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Number of its parts, with those of added lines.
    pub(super) fn parts(&self) -> usize {
        self.plot.parts() + self.added.len()
    }

    /// Adds a curve: numbers over the axis to the right.
    ///
    /// # Errors
    /// When the table has other axes than this one, or the figure has no axes.
    pub fn with_line(mut self, table: ResultTable, label: &str) -> Result<Self> {
        table.has_one_column()?;
        table.holds_numbers()?;
        let axis = table.axis(&self.plot.x_name()?)?;
        table.varies_only_over(&[axis])?;
        self.added.push(NumberLine::new(table, axis, label)?);
        Ok(self)
    }

    pub(super) fn targets(&self) -> Vec<Target> {
        let added = self.added.iter().flat_map(|line| line.table.targets());
        self.plot.targets().into_iter().chain(added).collect()
    }

    pub(super) fn figure(&self, title: &str, computed: &Computed) -> Result<Figure> {
        let added = self.added.iter().map(|line| line.series(computed)).collect();
        Ok(self.style.figure(title, self.plot.draw(added, computed)?))
    }

    /// The tables of the plot and of the added lines.
    pub(super) fn tables(&self) -> Vec<&ResultTable> {
        self.plot.tables().into_iter().chain(self.added.iter().map(|line| &line.table)).collect()
    }

    /// The title, with the λ of ridge regression, on which the numbers depend; and with the other solvers, if there are any
    /// beside it.
    fn full_title(&self) -> String {
        let note = self.solvers();
        if self.plot.says_solvers() || !note.contains("ridge regression") {
            self.title.clone()
        } else {
            self.titled(&note)
        }
    }

    /// The title with a note.
    pub(super) fn titled(&self, note: &str) -> String {
        match (self.title.trim(), note) {
            (_, "") => self.title.clone(),
            ("", note) => note.to_owned(),
            (title, note) => format!("{title} ({note})"),
        }
    }

    /// The solvers of its results, in words.
    pub(super) fn solvers(&self) -> String {
        let tables = self.tables();
        let results = tables.iter().flat_map(|table| table.rows.iter()).filter_map(|row| row.entry().source());
        let (mut ridge, mut others) = (BTreeMap::<&str, Vec<f64>>::new(), BTreeSet::<&str>::new());
        for solver in results.flat_map(|result| &result.provenance().solvers) {
            match solver.rsplit_once(", λ = ").and_then(|(kind, lambda)| Some((kind, lambda.parse().ok()?))) {
                Some((kind, lambda)) => ridge.entry(kind).or_default().push(lambda),
                None => _ = others.insert(solver),
            }
        }
        let of_kind = |(kind, mut lambdas): (&str, Vec<f64>)| {
            lambdas.sort_by(f64::total_cmp);
            let [least, largest] = [lambdas[0], lambdas[lambdas.len() - 1]].map(number::pretty);
            if least == largest { format!("{kind}, λ = {least}") } else { format!("{kind}, λ {least} to {largest}") }
        };
        ridge.into_iter().map(of_kind).chain(others.into_iter().map(str::to_owned)).collect::<Vec<_>>().join("; ")
    }

    /// What its tables hold and it cannot show, in words.
    fn left_out(&self) -> Vec<String> {
        let of_table = |table: &&ResultTable| {
            let without = table.without_numbers();
            let first = *without.first()?;
            let (found, point) = (table.rows[first].entry().describe(), table.point(first));
            let at = if point.is_empty() { String::new() } else { format!(" at {point}") };
            let (n, all) = (without.len(), table.rows.len());
            let are = if n == 1 { "value is no number and" } else { "values are no numbers and" };
            Some(format!("{n} of {all} {are} cannot be drawn; the first is {found}{at}"))
        };
        self.tables().iter().filter_map(of_table).collect()
    }

    pub(super) fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        match hit.part.checked_sub(self.plot.parts()) {
            None => self.plot.locate(hit, computed),
            Some(line) => self.added.get(line).map_or_else(Vec::new, |line| line.locate(hit.i, computed)),
        }
    }

    pub(super) fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        let added = self.added.iter().map(|line| line.named(name)).collect();
        Self { plot: self.plot.named(name), added, ..self.clone() }
    }
}

/// A figure saved in the run folder.
#[derive(Debug)]
pub struct SavedFigure {
    draft: Draft,
    /// The title as it is drawn, made when it is first needed.
    title: OnceLock<String>,
    files: Vec<PathBuf>,
}

impl SavedFigure {
    /// A figure saved under a path in the run folder that ends in `.svg`, `.png` or `.pdf`.
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

    fn has_colours(&self) -> bool {
        self.draft.has_colours()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.files.clone()
    }

    fn targets(&self) -> Vec<Target> {
        self.draft.targets()
    }

    fn check(&self) -> Result<()> {
        self.draft.plot.check(!self.draft.title.trim().is_empty())
    }

    fn fill(&self, computed: &Computed) -> Result<Filled> {
        self.draft.figure(self.title.get_or_init(|| self.draft.full_title()), computed).map(Filled::from)
    }

    fn left_out(&self, filled: &Filled, computed: &Computed) -> Result<Vec<String>> {
        let figure = filled.figure.as_ref().map_or_else(|| Ok(Vec::new()), Figure::left_out)?;
        Ok([self.draft.left_out(), self.draft.plot.left_out(computed), figure].concat())
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
    /// What its band shows.
    pub spread: Spread,
}

impl NumberLine {
    /// A line through all rows of a table.
    ///
    /// # Errors
    /// When a value of the axis is not a number, or the table holds curves.
    pub fn new(table: ResultTable, axis: usize, label: impl Into<String>) -> Result<Self> {
        table.holds_no_curves("a line over an axis of the sweep")?;
        let (x, rows) = (Arc::new(table.placed(axis)?), (0..table.rows.len()).collect());
        Ok(Self { table, x, rows, label: label.into(), spread: Spread::default() })
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
        let points = self.points(computed);
        let values = |rows: &[(usize, f64)]| rows.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
        let (x, values): (Vec<f64>, Vec<Vec<f64>>) = points.iter().map(|(x, rows)| (*x, values(rows))).unzip();
        let (y, band) = mean_and_band(&values, self.spread);
        let diverged = points.iter().zip(&y).enumerate().filter(|(_, ((_, rows), y))| {
            y.is_nan() && rows.iter().any(|(row, _)| self.table.rows[*row].entry().has_diverged(computed))
        });
        let diverged = diverged.map(|(i, _)| i).collect();
        Series { diverged, band, ..Series::new(&*self.label, x, y) }
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
