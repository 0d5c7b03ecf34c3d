//! Lines: curves over depth, one per point of the sweep, or numbers over one of its axes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::figure::{NumberLine, Plot, mean_and_band};
use super::{Located, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Axis, Hit, Kind, Lines, Series};
use crate::work::Described;

/// Lines of a table.
#[derive(Debug, Clone)]
pub struct LinesPlot {
    table: ResultTable,
    x_name: String,
    curves: Vec<Curve>,
    /// The name of the axis upward.
    pub y: String,
    /// Whether the axes to the right and upward are logarithmic.
    pub log: (bool, bool),
}

/// One line.
#[derive(Debug, Clone)]
enum Curve {
    /// The mean of some rows' curves over depth.
    OverDepth {
        rows: Vec<usize>,
        label: String,
    },
    OverAxis(NumberLine),
}

impl LinesPlot {
    /// Lines over axis `x`, or over depth without it. Rows that differ only in axis `over` share a line: their mean,
    /// with a band from the least to the greatest value. `y` names the axis upward.
    ///
    /// # Errors
    /// When the table has several columns, or a value of axis `x` is not a number.
    pub fn new(table: ResultTable, x: Option<usize>, over: Option<usize>, y: String) -> Result<Self> {
        table.has_one_column()?;
        table.holds_numbers()?;
        if x.is_some() {
            table.holds_no_curves("a line over an axis of the sweep")?;
        }
        let within: Vec<usize> = [x, over].into_iter().flatten().collect();
        let x = x.map(|x| table.placed(x)).transpose()?.map(Arc::new);
        let curve = |(label, rows): (String, Vec<usize>)| match &x {
            None => Curve::OverDepth { rows, label },
            Some(x) => {
                let label = if label.is_empty() { y.clone() } else { label };
                Curve::OverAxis(NumberLine { table: table.clone(), x: x.clone(), rows, label })
            }
        };
        let curves = groups(&table, &within).into_iter().map(curve).collect();
        let x_name = x.as_ref().map_or_else(|| table.over(), |x| x.name.clone());
        Ok(Self { table, x_name, curves, y, log: (false, false) })
    }

    fn over_depth(&self, rows: &[usize], label: &str, computed: &Computed) -> Series {
        let entries = || rows.iter().map(|&row| self.table.rows[row].entry());
        let curves: Vec<Vec<f64>> = entries().filter_map(|entry| entry.numbers(computed)).collect();
        let depths = curves.iter().map(Vec::len).max().unwrap_or(0);
        let values: Vec<Vec<f64>> =
            (0..depths).map(|depth| curves.iter().filter_map(|curve| curve.get(depth).copied()).collect()).collect();
        let (y, mut band) = mean_and_band(&values);
        if let [row] = *rows {
            band = self.table.rows[row].entry().quartiles(computed);
        }
        Series { band, ..Series::new(label, (1..=depths).map(|depth| depth as f64).collect(), y) }
    }
}

impl Plot for LinesPlot {
    fn kind(&self) -> &'static str {
        "lines"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        vec![&self.table]
    }

    fn x_name(&self) -> Result<String> {
        Ok(self.x_name.clone())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let series = |curve: &Curve| match curve {
            Curve::OverDepth { rows, label } => self.over_depth(rows, label, computed),
            Curve::OverAxis(line) => line.series(computed),
        };
        let mut lines = Lines {
            x: Axis::new(&self.x_name),
            y: Axis::new(&self.y),
            series: self.curves.iter().map(series).chain(added).collect(),
        };
        (lines.x.log, lines.y.log) = self.log;
        Ok(lines.into())
    }

    /// Each curve is a part.
    fn parts(&self) -> usize {
        self.curves.len()
    }

    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        match self.curves.get(hit.part) {
            Some(Curve::OverDepth { rows, .. }) => {
                rows.iter().map(|&row| self.table.located(row, Some(hit.i + 1), computed)).collect()
            }
            Some(Curve::OverAxis(line)) => line.locate(hit.i, computed),
            None => Vec::new(),
        }
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let curve = |curve: &Curve, name: &mut dyn FnMut(&Described) -> Described| match curve {
            Curve::OverDepth { .. } => curve.clone(),
            Curve::OverAxis(line) => Curve::OverAxis(line.named(name)),
        };
        let curves = self.curves.iter().map(|one| curve(one, name)).collect();
        Arc::new(Self { table: self.table.named(name), curves, ..self.clone() })
    }
}

/// Groups of rows that differ only in the axes `within`, each with its other values in words.
fn groups(table: &ResultTable, within: &[usize]) -> Vec<(String, Vec<usize>)> {
    let (mut groups, mut known) = (Vec::<(String, Vec<usize>)>::new(), BTreeMap::new());
    let axes = table.beside(within);
    for (i, row) in table.rows.iter().enumerate() {
        let name = axes.iter().map(|&axis| format!("{} = {}", table.axes[axis].name, table.label(row, axis)));
        let name = name.collect::<Vec<_>>().join(", ");
        let group = *known.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some((_, rows)) => rows.push(i),
            None => groups.push((name, vec![i])),
        }
    }
    groups
}
