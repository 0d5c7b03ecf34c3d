//! Lines: curves over depth, one per point of the sweep, or numbers over one of its axes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::band::{Spread, mean_and_band};
use super::figure::{NumberLine, Plot};
use super::{Located, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Axis, Colouring, Hit, Kind, Lines, Palette, Series};
use crate::work::Described;

/// More lines than this that differ in one number are a family: the number gives them their colours, with a colour bar in
/// place of a legend.
const FAMILY: usize = 6;

/// Lines of a table.
#[derive(Debug, Clone)]
pub struct LinesPlot {
    table: ResultTable,
    x_name: String,
    /// The axis whose rows share a line.
    over: Option<usize>,
    curves: Vec<Curve>,
    /// The name of the axis upward.
    y: String,
    spread: Spread,
    /// The axis in which the lines of a family differ.
    family: Option<String>,
    /// Colours for lines that are no family.
    palette: Option<(Palette, bool)>,
}

/// One line.
#[derive(Debug, Clone)]
struct Curve {
    of: Values,
    /// Its value on the axis of a family.
    level: Option<f64>,
}

/// What a line goes through.
#[derive(Debug, Clone)]
enum Values {
    /// The mean of some rows' curves over depth.
    OverDepth {
        rows: Vec<usize>,
        label: String,
    },
    OverAxis(NumberLine),
}

impl LinesPlot {
    /// Lines over axis `x`, or over depth without it. Rows that differ only in axis `over` share a line with a band. `y`
    /// names the axis upward.
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
        let curve = |(label, rows): (String, Vec<usize>)| {
            let of = match &x {
                None => Values::OverDepth { rows, label },
                Some(x) => {
                    let label = if label.is_empty() { y.clone() } else { label };
                    let (table, x, spread) = (table.clone(), x.clone(), Spread::default());
                    Values::OverAxis(NumberLine { table, x, rows, label, spread })
                }
            };
            Curve { of, level: None }
        };
        let curves = groups(&table, &within).into_iter().map(curve).collect();
        let x_name = x.as_ref().map_or_else(|| table.over(), |x| x.name.clone());
        let lines = Self { table, x_name, over, curves, y, spread: Spread::default(), family: None, palette: None };
        Ok(lines.with_levels(&within))
    }

    /// What the bands of lines through several numbers show.
    #[must_use]
    pub fn with_spread(mut self, spread: Spread) -> Self {
        self.spread = spread;
        for curve in &mut self.curves {
            if let Values::OverAxis(line) = &mut curve.of {
                line.spread = spread;
            }
        }
        self
    }

    /// Colours from a palette, for a small family as well.
    #[must_use]
    pub fn with_palette(mut self, palette: Option<Palette>, reversed: bool) -> Self {
        self.palette = palette.map(|palette| (palette, reversed));
        self
    }

    /// The values of the lines on the one axis in which they differ, if it holds numbers.
    fn with_levels(mut self, within: &[usize]) -> Self {
        let table = &self.table;
        let mut differing = (0..table.axes.len()).filter(|i| !within.contains(i) && table.axes[*i].values.len() > 1);
        let (Some(axis), None) = (differing.next(), differing.next()) else { return self };
        let first = |curve: &Curve| match &curve.of {
            Values::OverDepth { rows, .. } | Values::OverAxis(NumberLine { rows, .. }) => rows.first().copied(),
        };
        let level = |curve: &Curve| table.at(&table.rows[first(curve)?], axis).number();
        let levels: Option<Vec<f64>> = self.curves.iter().map(level).collect();
        let Some(levels) = levels else { return self };
        self.family = Some(table.axes[axis].name.clone());
        self.curves.iter_mut().zip(levels).for_each(|(curve, level)| curve.level = Some(level));
        self
    }

    /// The family's axis and whether its values lie evenly on a logarithmic scale, if the lines are drawn as a family.
    fn family(&self) -> Option<(&str, bool)> {
        let name = self.family.as_deref()?;
        let is_one = self.curves.len() > FAMILY || (self.palette.is_some() && self.curves.len() > 1);
        let mut levels: Vec<f64> = self.curves.iter().filter_map(|curve| curve.level).collect();
        levels.sort_by(f64::total_cmp);
        is_one.then(|| (name, are_logarithmic(&levels)))
    }

    fn over_depth(&self, rows: &[usize], label: &str, computed: &Computed) -> Series {
        let entries = || rows.iter().map(|&row| self.table.rows[row].entry());
        let curves: Vec<Vec<f64>> = entries().filter_map(|entry| entry.numbers(computed)).collect();
        let depths = curves.iter().map(Vec::len).max().unwrap_or(0);
        let values: Vec<Vec<f64>> =
            (0..depths).map(|depth| curves.iter().filter_map(|curve| curve.get(depth).copied()).collect()).collect();
        let (y, mut band) = mean_and_band(&values, self.spread);
        let has_diverged = entries().any(|entry| entry.has_diverged(computed));
        let diverged = (0..depths).filter(|&depth| has_diverged && y[depth].is_nan()).collect();
        if let [row] = *rows {
            band = self.table.rows[row].entry().quartiles(computed).filter(|_| self.spread != Spread::None);
        }
        let trusted = entries().filter_map(|entry| entry.trusted(computed)).min();
        Series { diverged, band, trusted, ..Series::new(label, (1..=depths).map(|depth| depth as f64).collect(), y) }
    }
}

/// Whether ascending numbers lie more evenly on a logarithmic scale than on a linear one.
fn are_logarithmic(levels: &[f64]) -> bool {
    let uneven = |scale: fn(f64) -> f64| {
        let steps = levels.windows(2).map(|pair| scale(pair[1]) - scale(pair[0]));
        let (least, most) = steps.fold((f64::INFINITY, 0.0), |(l, m): (f64, f64), step| (l.min(step), m.max(step)));
        most / least
    };
    levels.first().is_some_and(|first| *first > 0.0) && levels.len() > 2 && uneven(libm::log) < uneven(|level| level)
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

    fn y_name(&self) -> String {
        self.y.clone()
    }

    fn colours(&self) -> Option<String> {
        self.family().map(|(name, _)| name.to_owned())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let family = self.family();
        let last = self.curves.len().saturating_sub(1).max(1) as f64;
        let series = |(i, curve): (usize, &Curve)| {
            let series = match &curve.of {
                Values::OverDepth { rows, label } => self.over_depth(rows, label, computed),
                Values::OverAxis(line) => line.series(computed),
            };
            let colour = self.palette.filter(|_| family.is_none()).map(|(palette, reversed)| {
                let at = i as f64 / last;
                palette.colour_of_line(if reversed { 1.0 - at } else { at })
            });
            Series { level: curve.level.filter(|_| family.is_some()), colour, ..series }
        };
        let colouring = |(name, log): (&str, bool)| Colouring { value: name.to_owned(), log, ..Colouring::default() };
        Ok(Kind::from(Lines {
            x: Axis::new(&self.x_name),
            y: Axis::new(&self.y),
            series: self.curves.iter().enumerate().map(series).chain(added).collect(),
            family: family.map(colouring),
        }))
    }

    fn left_out(&self, computed: &Computed) -> Vec<String> {
        self.over.and_then(|over| self.table.means_over_fewer(over, computed)).into_iter().collect()
    }

    /// Each curve is a part.
    fn parts(&self) -> usize {
        self.curves.len()
    }

    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        match self.curves.get(hit.part).map(|curve| &curve.of) {
            Some(Values::OverDepth { rows, .. }) => {
                rows.iter().map(|&row| self.table.located(row, Some(hit.i.saturating_add(1)), computed)).collect()
            }
            Some(Values::OverAxis(line)) => line.locate(hit.i, computed),
            None => Vec::new(),
        }
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let of = |curve: &Curve, name: &mut dyn FnMut(&Described) -> Described| match &curve.of {
            Values::OverDepth { .. } => curve.clone(),
            Values::OverAxis(line) => Curve { of: Values::OverAxis(line.named(name)), level: curve.level },
        };
        let curves = self.curves.iter().map(|one| of(one, name)).collect();
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
