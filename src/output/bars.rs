//! Bars: numbers give the heights, and optionally a second table or column the colours.

use std::sync::Arc;

use super::band::{Spread, mean_and_band};
use super::figure::{NumberLine, Plot};
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Axis, Bars, Colouring, Hit, Kind, Series};
use crate::work::Described;
use crate::{Error, Result};

/// Bars over an axis of a sweep.
#[derive(Debug, Clone)]
pub struct BarsPlot {
    heights: NumberLine,
    colours: Option<NumberLine>,
    /// The name of the axis upward.
    y: String,
    /// What the colours measure.
    value: String,
}

impl BarsPlot {
    /// Bars over axis `x`. The height is the mean of the numbers at a position, taken over axis `over`.
    ///
    /// # Errors
    /// When the table has several columns, varies over another axis or holds curves.
    pub fn new(table: ResultTable, x: usize, over: Option<&str>, y: String) -> Result<Self> {
        let over = over.map(|over| table.axis(over)).transpose()?;
        let heights = numbers(table, x, over)?;
        Ok(Self { heights, colours: None, y, value: String::new() })
    }

    /// Colours the bars by the numbers of another table over the same axis; `over` as in [`BarsPlot::new`].
    ///
    /// # Errors
    /// When the table has several columns, lacks the axis, varies over another one, or holds curves.
    pub fn coloured_by(mut self, table: ResultTable, over: Option<&str>, value: String) -> Result<Self> {
        let x = table.axis(&self.heights.x.name)?;
        let over = over.and_then(|over| table.axis(over).ok());
        let colours = numbers(table, x, over)?;
        if colours.x.words != self.heights.x.words {
            let [heights, colours] = [&self.heights, &colours].map(|line| line.x.words.join(", "));
            let axis = &self.heights.x.name;
            return Err(Error::new(format!(
                "axis \"{axis}\" of the colours holds \"{colours}\", and that of the heights \"{heights}\""
            ))
            .hint("give both tables the same values in the same order"));
        }
        self.colours = Some(colours);
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
    Ok(NumberLine {
        x: Arc::new(table.placed_or_worded(x)?),
        rows: (0..table.rows.len()).collect(),
        label: String::new(),
        spread: Spread::None,
        table,
    })
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

    fn y_name(&self) -> String {
        self.y.clone()
    }

    fn has_words(&self) -> (bool, bool) {
        (!self.heights.x.words.is_empty(), false)
    }

    fn colours(&self) -> Option<String> {
        self.colours.as_ref().map(|_| self.value.clone())
    }

    fn draw(&self, added: Vec<Series>, computed: &Computed) -> Result<Kind> {
        let means = |line: &NumberLine| -> Vec<(f64, f64)> {
            let points = line.points(computed).into_iter();
            let (xs, values): (Vec<f64>, Vec<Vec<f64>>) =
                points.map(|(x, rows)| (x, rows.into_iter().map(|(_, value)| value).collect())).unzip();
            xs.into_iter().zip(mean_and_band(&values, Spread::None).0).collect()
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
            x: self.heights.x.axis(),
            y: Axis::new(&self.y),
            xs,
            heights,
            colour: Colouring { value: self.value.clone(), ..Colouring::default() },
            values: values.unwrap_or_default(),
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
