//! Bars: numbers give the heights, and optionally a second table or column the colours.

use std::sync::Arc;

use super::figure::{NumberLine, Plot, mean_and_band};
use super::{Located, ResultTable};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Axis, Bars, Hit, Kind, Palette, Series};
use crate::work::Described;

/// Bars over an axis of a sweep.
#[derive(Debug, Clone)]
pub struct BarsPlot {
    heights: NumberLine,
    colours: Option<NumberLine>,
    /// The name of the axis upward.
    pub y: String,
    /// What the colours measure.
    pub value: String,
    pub palette: Palette,
    /// Where the colours begin and end.
    pub clip: (Option<f64>, Option<f64>),
}

impl BarsPlot {
    /// Bars over axis `x`. The height is the mean of the numbers at a position, taken over axis `over`.
    ///
    /// # Errors
    /// When the table has several columns, varies over another axis or holds curves, or a value of axis `x` is not a
    /// number.
    pub fn new(table: ResultTable, x: usize, over: Option<&str>, y: String) -> Result<Self> {
        let over = over.map(|over| table.axis(over)).transpose()?;
        let heights = numbers(table, x, over)?;
        let (value, palette) = (String::new(), Palette::default());
        Ok(Self { heights, colours: None, y, value, palette, clip: (None, None) })
    }

    /// Colours the bars by the numbers of another table over the same axis; `over` as in [`BarsPlot::new`].
    ///
    /// # Errors
    /// When the table has several columns, lacks the axis, varies over another one, or holds curves.
    pub fn coloured_by(mut self, table: ResultTable, over: Option<&str>, value: String) -> Result<Self> {
        let x = table.axis(&self.heights.x.name)?;
        let over = over.and_then(|over| table.axis(over).ok());
        self.colours = Some(numbers(table, x, over)?);
        self.value = value;
        Ok(self)
    }
}

/// The numbers of a table over axis `x`.
fn numbers(table: ResultTable, x: usize, over: Option<usize>) -> Result<NumberLine> {
    table.has_one_column()?;
    table.holds_numbers()?;
    table.holds_no_curves("a bar")?;
    table.varies_only_over(&[Some(x), over].into_iter().flatten().collect::<Vec<_>>())?;
    NumberLine::new(table, x, "")
}

impl Plot for BarsPlot {
    fn kind(&self) -> &'static str {
        "bars"
    }

    fn tables(&self) -> Vec<&ResultTable> {
        [Some(&self.heights), self.colours.as_ref()].into_iter().flatten().map(|line| &line.table).collect()
    }

    fn x_name(&self) -> Result<String> {
        Ok(self.heights.x.name.clone())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let means = |line: &NumberLine| -> Vec<(f64, f64)> {
            let points = line.points(computed).into_iter();
            let (xs, values): (Vec<f64>, Vec<Vec<f64>>) =
                points.map(|(x, rows)| (x, rows.into_iter().map(|(_, value)| value).collect())).unzip();
            xs.into_iter().zip(mean_and_band(&values).0).collect()
        };
        let (xs, heights): (Vec<f64>, Vec<f64>) = means(&self.heights).into_iter().unzip();
        // Where there is no number, the bar is hatched as NaN.
        let colour = |colours: &[(f64, f64)], x: f64| {
            let at = colours.binary_search_by(|(position, _)| position.total_cmp(&x));
            at.map_or(f64::NAN, |at| colours[at].1)
        };
        let values = self.colours.as_ref().map(means);
        let values = values.map(|colours| xs.iter().map(|&x| colour(&colours, x)).collect());
        Ok(Kind::from(Bars {
            x: Axis::new(&self.heights.x.name),
            y: Axis::new(&self.y),
            xs,
            heights,
            value: self.value.clone(),
            values: values.unwrap_or_default(),
            palette: self.palette,
            clip: self.clip,
            lines: added,
        }))
    }

    /// Of both tables, whose only other axis is that of the mean.
    fn left_out(&self, computed: &Computed) -> Vec<String> {
        let of = |line: &NumberLine| {
            let axes = &line.table.axes;
            let over = axes.iter().position(|axis| axis.name != line.x.name && axis.values.len() > 1)?;
            line.table.means_over_fewer(over, computed)
        };
        let mut found: Vec<String> =
            [Some(&self.heights), self.colours.as_ref()].into_iter().flatten().filter_map(of).collect();
        found.dedup();
        found
    }

    /// Part 0: bar `i`.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        self.heights.locate(hit.i, computed)
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let colours = self.colours.as_ref().map(|colours| colours.named(name));
        Arc::new(Self { heights: self.heights.named(name), colours, ..self.clone() })
    }
}
