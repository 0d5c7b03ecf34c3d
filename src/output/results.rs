//! Results over the points of a sweep: axes with typed values, and for every point one entry per column, which is known
//! or computed later.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Entry, Located, Records, Scalar};
use crate::entropy::Measured;
use crate::executor::Computed;
use crate::figure::Axis;
use crate::work::{Described, Target};
use crate::{Error, Result};

/// One parameter of a sweep and its values, in the script's order.
#[derive(Debug)]
pub struct SweepAxis {
    pub name: String,
    pub values: Vec<Scalar>,
    /// The position of each value on a figure's axis; `None` for a value that is not a number.
    positions: Vec<Option<f64>>,
    /// Each value in names and messages, no two alike.
    labels: Vec<String>,
}

impl SweepAxis {
    pub fn new(name: impl Into<String>, values: Vec<Scalar>) -> Self {
        let positions = values.iter().map(Scalar::number).collect();
        let labels = labels(&values);
        Self { name: name.into(), values, positions, labels }
    }

    /// The position of value `i` on a figure's axis; −0 counts as 0.
    fn position(&self, i: usize) -> Result<f64> {
        self.positions[i].map(|position| position + 0.0).ok_or_else(|| {
            let value = self.values[i].describe();
            Error::new(format!("axis \"{}\" holds {value}, which has no place on an axis of numbers", self.name))
                .hint("`bars` and `heatmap` show texts side by side")
        })
    }
}

/// Values in names: as [`Scalar::label`]; with all digits where rounded ones are alike, with their place where these are.
fn labels(values: &[Scalar]) -> Vec<String> {
    let mut labels: Vec<String> = values.iter().map(Scalar::label).collect();
    let alike = |labels: &[String]| -> Vec<usize> {
        let mut count = BTreeMap::<&str, usize>::new();
        labels.iter().for_each(|label| *count.entry(label).or_default() += 1);
        (0..labels.len()).filter(|&i| count[labels[i].as_str()] > 1).collect()
    };
    alike(&labels).into_iter().for_each(|i| labels[i] = values[i].to_string());
    alike(&labels).into_iter().for_each(|i| labels[i] = format!("{} (value {})", labels[i], i + 1));
    labels
}

/// A point of a sweep: for each axis, the index of its value there.
pub type Point = Vec<usize>;

/// One entry per column for every point of a sweep. Cloning shares the rows.
#[derive(Debug, Clone)]
pub struct ResultTable {
    pub axes: Arc<[Arc<SweepAxis>]>,
    pub columns: Arc<[String]>,
    pub rows: Arc<[ResultRow]>,
}

/// One point and its entries.
#[derive(Debug, Clone)]
pub struct ResultRow {
    pub point: Point,
    /// One per column.
    pub entries: Vec<Entry>,
}

/// The positions on an axis that a table's rows take, in ascending order, each once.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub name: String,
    pub positions: Vec<f64>,
    /// The index of every row's position.
    pub of_row: Vec<usize>,
    /// What stands at the positions 0, 1, 2, … where the values are no numbers.
    pub words: Vec<String>,
}

impl Placed {
    /// The axis of a figure.
    pub fn axis(&self) -> Axis {
        Axis { words: self.words.clone(), ..Axis::new(&self.name) }
    }
}

impl ResultTable {
    /// A table with one entry and no axes.
    pub fn single(entry: Entry) -> Self {
        let row = ResultRow { point: Vec::new(), entries: vec![entry] };
        Self { axes: Arc::new([]), columns: Arc::new(["value".to_owned()]), rows: Arc::new([row]) }
    }

    /// The index of an axis.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn axis(&self, name: &str) -> Result<usize> {
        self.axes.iter().position(|axis| axis.name == name).ok_or_else(|| {
            let names: Vec<_> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            Error::new(format!("the sweep has no axis \"{name}\"")).hint(format!("its axes are {}", names.join(", ")))
        })
    }

    /// Refuses a table of which several rows have one place on the axes `shown`.
    ///
    /// # Errors
    /// When it has such rows.
    pub fn varies_only_over(&self, shown: &[usize]) -> Result<()> {
        match self.beside(shown).first() {
            None => Ok(()),
            Some(&axis) => {
                Err(Error::new(format!("the table also varies over \"{}\"", self.axes[axis].name)).hint(format!(
                    "take its mean, `.mean_over(\"{0}\")`, or one value of it, `.where(|p| p.{0} == …)`",
                    self.axes[axis].name
                )))
            }
        }
    }

    /// The axes that tell rows apart which have one place on the axes `shown`. An axis that advances together with a shown one
    /// is none of them.
    pub fn beside(&self, shown: &[usize]) -> Vec<usize> {
        let mut first = BTreeMap::<Vec<usize>, &Point>::new();
        let mut differs = vec![false; self.axes.len()];
        for row in &*self.rows {
            let place = shown.iter().map(|&axis| row.point[axis]).collect();
            let first = first.entry(place).or_insert(&row.point);
            differs.iter_mut().zip(first.iter().zip(&row.point)).for_each(|(differs, (a, b))| *differs |= a != b);
        }
        (0..self.axes.len()).filter(|axis| differs[*axis]).collect()
    }

    /// Refuses a table of several columns.
    ///
    /// # Errors
    /// When it has several.
    pub fn has_one_column(&self) -> Result<()> {
        if self.columns.len() == 1 {
            return Ok(());
        }
        let columns = self.columns.join(", ");
        Err(Error::new(format!("the table has the columns {columns}")).hint("choose one: `.column(\"…\")`"))
    }

    /// A table of one of its columns.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn column(&self, name: &str) -> Result<Self> {
        let at = self.columns.iter().position(|column| column == name).ok_or_else(|| {
            let columns = self.columns.join(", ");
            Error::new(format!("the table has no column \"{name}\"")).hint(format!("its columns are {columns}"))
        })?;
        let row = |row: &ResultRow| ResultRow { point: row.point.clone(), entries: vec![row.entries[at].clone()] };
        let columns = Arc::new([name.to_owned()]);
        Ok(Self { axes: self.axes.clone(), columns, rows: self.rows.iter().map(row).collect() })
    }

    /// What the numbers of its first column are, in words: what was measured at all points, or else the column's name.
    pub fn quantity(&self) -> &str {
        let mut quantities = self.rows.iter().filter_map(|row| match row.entry() {
            Entry::Curve { measured, .. } => Some(measured.quantity),
            Entry::Number { quantity, .. } => Some(*quantity),
            Entry::Known(_) | Entry::List(_) => Some(""),
            Entry::Failed => None,
        });
        let first = quantities.next().unwrap_or_default();
        let is_shared = quantities.all(|other| other == first);
        if is_shared && !first.is_empty() { first } else { self.columns.first().map_or("value", String::as_str) }
    }

    /// What its curves measure, if that is the same at all points.
    pub fn measured(&self) -> Option<Measured> {
        let mut measured = self.rows.iter().filter_map(|row| row.entry().measured());
        let first = measured.next()?;
        measured.all(|other| other == first).then_some(first)
    }

    /// What its curves run over, such as "depth"; "depth or step" if that differs.
    pub fn over(&self) -> String {
        let entries = self.rows.iter().flat_map(|row| &row.entries);
        let mut over: Vec<&str> = Vec::new();
        for measured in entries.filter_map(Entry::measured) {
            if !over.contains(&measured.over) {
                over.push(measured.over);
            }
        }
        if over.is_empty() { Measured::UNNAMED.over.to_owned() } else { over.join(" or ") }
    }

    /// Refuses curves where `what` shows one number of a point.
    ///
    /// # Errors
    /// When the table holds curves.
    pub fn holds_no_curves(&self, what: &str) -> Result<()> {
        if !self.holds_curves() {
            return Ok(());
        }
        Err(Error::new(format!("{what} shows one number, and the values are curves over {}", self.over()))
            .hint("take a number of each curve: `.map(|curve| curve.last)`, or its `.cutoff()`"))
    }

    /// Refuses a table for a figure when no value of its first column can be drawn.
    ///
    /// # Errors
    /// When none of its values is a number.
    pub fn holds_numbers(&self) -> Result<()> {
        let without = self.without_numbers();
        let known = self.rows.iter().filter(|row| !matches!(row.entry(), Entry::Failed)).count();
        match without.first() {
            Some(first) if without.len() == known => {
                let found = self.rows[*first].entry().describe();
                Err(Error::new(format!(
                    "a figure shows numbers, and no value of this table is one: the first is {found}"
                ))
                .hint("take a number of each value: `.map(|value| …)`"))
            }
            _ => Ok(()),
        }
    }

    /// The rows whose first entry is known and has no number.
    pub(super) fn without_numbers(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| self.rows[row].entry().is_no_number()).collect()
    }

    /// The point of a row in words: "weight_var = 1.5, seed = 0".
    pub(super) fn point(&self, row: usize) -> String {
        point_name(&self.axes, &self.rows[row].point)
    }

    /// Where fewer rows over an axis have a value than there are: in words, if that is so anywhere.
    pub(super) fn means_over_fewer(&self, over: usize, computed: &Computed) -> Option<String> {
        /// Places that are named; more are counted.
        const NAMED: usize = 5;
        let mut means = BTreeMap::<Vec<(usize, usize)>, [usize; 2]>::new();
        for row in self.rows.iter() {
            let others = row.point.iter().copied().enumerate().filter(|(axis, _)| *axis != over).collect();
            let [there, all] = means.entry(others).or_default();
            *all += 1;
            *there += usize::from(!row.entry().has_failed(computed));
        }
        let fewer: Vec<_> = means.iter().filter(|(_, [there, all])| (1..*all).contains(there)).collect();
        let name = |&(axis, value): &(usize, usize)| {
            let axis = &self.axes[axis];
            (axis.values.len() > 1).then(|| format!("{} = {}", axis.name, axis.labels[value]))
        };
        let one = |(others, [there, all]): &(&Vec<(usize, usize)>, &[usize; 2])| {
            let place = others.iter().filter_map(name).collect::<Vec<_>>().join(", ");
            let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
            format!("{there} of {all} {} one{at}", if *there == 1 { "has" } else { "have" })
        };
        let mut named: Vec<String> = fewer.iter().take(NAMED).map(one).collect();
        if fewer.len() > NAMED {
            named.push(format!("and {} more", fewer.len() - NAMED));
        }
        let axis = &self.axes[over].name;
        (!fewer.is_empty())
            .then(|| format!("over \"{axis}\", points without a value are left out: {}", named.join("; ")))
    }

    /// Whether its first column holds curves over depth.
    pub fn holds_curves(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.entry(), Entry::Curve { .. }))
    }

    /// The value of an axis at a row, in names.
    pub(super) fn label(&self, row: &ResultRow, axis: usize) -> String {
        self.axes[axis].labels[row.point[axis]].clone()
    }

    /// The value of an axis at a row.
    pub(super) fn at(&self, row: &ResultRow, axis: usize) -> &Scalar {
        &self.axes[axis].values[row.point[axis]]
    }

    /// The rows' positions on an axis.
    ///
    /// # Errors
    /// When there is no such axis, or a value on it is not a number.
    pub(super) fn placed(&self, axis: usize) -> Result<Placed> {
        let Some(scale) = self.axes.get(axis) else {
            return Err(Error::new("the table has no axis left").hint("it holds one value: print it"));
        };
        let of_row: Vec<f64> = self.rows.iter().map(|row| scale.position(row.point[axis])).collect::<Result<_>>()?;
        let mut positions = of_row.clone();
        positions.sort_by(f64::total_cmp);
        positions.dedup_by(|a, b| a.total_cmp(b).is_eq());
        let index = |at: &f64| positions.partition_point(|position| position.total_cmp(at).is_lt());
        let of_row = of_row.iter().map(index).collect();
        Ok(Placed { name: scale.name.clone(), of_row, positions, words: Vec::new() })
    }

    /// The rows' positions on an axis whose values may be no numbers: these stand side by side, in the script's order.
    ///
    /// # Errors
    /// When there is no such axis.
    pub(super) fn placed_or_worded(&self, axis: usize) -> Result<Placed> {
        match self.axes.get(axis) {
            Some(scale) if scale.positions.iter().any(Option::is_none) => Ok(Placed {
                name: scale.name.clone(),
                positions: (0..scale.values.len()).map(|i| i as f64).collect(),
                of_row: self.rows.iter().map(|row| row.point[axis]).collect(),
                words: scale.labels.clone(),
            }),
            _ => self.placed(axis),
        }
    }

    /// The results that it needs, each with its point in words.
    pub fn targets(&self) -> Vec<Target> {
        let targets = self.rows.iter().flat_map(|row| {
            let point = point_name(&self.axes, &row.point);
            let sources = row.entries.iter().filter_map(Entry::source);
            sources.map(move |result| Target { point: point.clone(), result: result.clone() })
        });
        targets.collect()
    }

    /// One record per point, or per point and depth if there are curves. A point without its curves keeps one record,
    /// so that the gap shows.
    pub fn records(&self, computed: &Computed) -> Records {
        let entries = || self.rows.iter().flat_map(|row| &row.entries);
        let with_depth = entries().any(|entry| matches!(entry, Entry::Curve { .. }));
        let axes = self.axes.iter().map(|axis| axis.name.clone());
        let columns = axes.chain(with_depth.then(|| self.over())).chain(self.columns.iter().cloned());
        let columns = told_apart(columns.collect());
        let mut rows = Vec::new();
        for row in &*self.rows {
            let cells: Vec<Vec<Scalar>> = row.entries.iter().map(|entry| entry.cells(computed)).collect();
            let lists = row.entries.iter().zip(&cells).filter(|(entry, _)| !entry.is_single());
            let depths = lists.map(|(_, cells)| cells.len()).max().unwrap_or(1);
            for depth in 0..depths {
                let point = (0..self.axes.len()).map(|axis| self.at(row, axis).clone());
                let at_depth = row.entries.iter().zip(&cells).map(|(entry, cells)| {
                    let i = if entry.is_single() { 0 } else { depth };
                    cells.get(i).cloned().unwrap_or(Scalar::Empty)
                });
                let depth = with_depth.then_some(Scalar::Integer(depth as i64 + 1));
                rows.push(point.chain(depth).chain(at_depth).collect());
            }
        }
        Records { columns, axes: self.axes.len(), rows }
    }

    /// See [`Output::named`](super::Output::named).
    pub(super) fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Self {
        let row = |row: &ResultRow| ResultRow {
            point: row.point.clone(),
            entries: row.entries.iter().map(|entry| entry.named(name)).collect(),
        };
        let rows = self.rows.iter().map(row).collect();
        Self { axes: self.axes.clone(), columns: self.columns.clone(), rows }
    }

    /// The result of row `row`, at a depth if it is a curve.
    pub(super) fn located(&self, row: usize, depth: Option<usize>, computed: &Computed) -> Located {
        let row = &self.rows[row];
        let entry = row.entry();
        let depth = depth.filter(|_| matches!(entry, Entry::Curve { .. }));
        let names = self.axes.iter().map(|axis| axis.name.clone());
        let values = (0..self.axes.len()).map(|axis| self.label(row, axis));
        let value =
            entry.numbers(computed).and_then(|numbers| numbers.get(depth.unwrap_or(1).wrapping_sub(1)).copied());
        let over = entry.measured().unwrap_or(Measured::UNNAMED).over;
        let is_imprecise = depth.zip(entry.trusted(computed)).is_some_and(|(depth, trusted)| depth > trusted);
        let (parameters, result) = (names.zip(values).collect(), entry.source().cloned());
        Located { parameters, depth, over, value, is_imprecise, result }
    }
}

impl ResultRow {
    /// The entry of the first column.
    pub(super) fn entry(&self) -> &Entry {
        self.entries.first().unwrap_or(&Entry::Failed)
    }
}

/// Names of columns; of equal ones, such as an axis "depth" and the depth of curves, the second is "depth_2".
fn told_apart(mut names: Vec<String>) -> Vec<String> {
    for i in 1..names.len() {
        let name = names[i].clone();
        let mut number = 2;
        while names[..i].contains(&names[i]) {
            names[i] = format!("{name}_{number}");
            number += 1;
        }
    }
    names
}

/// A point in words: "weight_var = 1.5, seed = 0".
pub fn point_name(axes: &[Arc<SweepAxis>], point: &Point) -> String {
    let pair = |(axis, &i): (&Arc<SweepAxis>, &usize)| format!("{} = {}", axis.name, axis.labels[i]);
    axes.iter().zip(point).map(pair).collect::<Vec<_>>().join(", ")
}
