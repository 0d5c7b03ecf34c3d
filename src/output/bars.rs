//! Bars: numbers give the heights, and optionally a second table or column the colours.

use std::sync::Arc;

use super::band::Spread;
use super::figure::{NumberLine, Plot};
use super::{Located, ResultTable};
use crate::executor::Computed;
use crate::figure::{Axis, Band, Bars, Cell, Colouring, Hit, Kind, Series};
use crate::work::Described;
use crate::{Error, Result};

/// Bars over an axis of a sweep.
#[derive(Debug, Clone)]
pub struct BarsPlot {
    heights: NumberLine,
    /// The ends of the whiskers, low and high, where they are numbers of their own.
    ends: Option<[NumberLine; 2]>,
    colours: Option<NumberLine>,
    /// The name of the axis upward.
    y: String,
    /// What the colours measure.
    value: String,
}

impl BarsPlot {
    /// Bars over axis `x`. The height is the middle of the numbers at a position, taken over axis `over`, with a whisker that shows
    /// their spread.
    ///
    /// # Errors
    /// When the table has several columns, varies over another axis or holds curves.
    pub fn new(table: ResultTable, x: usize, over: Option<&str>, spread: Spread, y: String) -> Result<Self> {
        let over = over.map(|over| table.axis(over)).transpose()?;
        let heights = NumberLine { spread, ..numbers(table, x, over)? };
        Ok(Self { heights, ends: None, colours: None, y, value: String::new() })
    }

    /// Whiskers between the numbers of two other tables over the same axis.
    ///
    /// # Errors
    /// When a table has several columns, lacks the axis, varies over another one, or holds curves.
    pub fn with_whiskers(mut self, ends: [ResultTable; 2]) -> Result<Self> {
        let of = |table: ResultTable| {
            let x = table.axis(&self.heights.x.name)?;
            self.with_its_places(numbers(table, x, None)?, "the whiskers' ends")
        };
        let [low, high] = ends;
        self.ends = Some([of(low)?, of(high)?]);
        Ok(self)
    }

    /// Numbers over the same axis as the heights; words on it stand at the same places.
    fn with_its_places(&self, line: NumberLine, what: &str) -> Result<NumberLine> {
        if line.x.words == self.heights.x.words {
            return Ok(line);
        }
        let [heights, others] = [&self.heights, &line].map(|line| line.x.words.join(", "));
        let axis = &self.heights.x.name;
        Err(Error::new(format!("axis \"{axis}\" of {what} holds \"{others}\", and that of the heights \"{heights}\""))
            .hint("give all tables the same values in the same order"))
    }

    fn lines(&self) -> impl Iterator<Item = &NumberLine> {
        [&self.heights].into_iter().chain(self.ends.iter().flatten()).chain(&self.colours)
    }

    /// Colours the bars by the numbers of another table over the same axis; `over` as in [`BarsPlot::new`].
    ///
    /// # Errors
    /// When the table has several columns, lacks the axis, varies over another one, or holds curves.
    pub fn coloured_by(mut self, table: ResultTable, over: Option<&str>, value: String) -> Result<Self> {
        let x = table.axis(&self.heights.x.name)?;
        let over = over.and_then(|over| table.axis(over).ok());
        self.colours = Some(self.with_its_places(numbers(table, x, over)?, "the colours")?);
        self.value = value;
        Ok(self)
    }
}

/// The ends of the whiskers of the bars at these places; NaN where there is none.
fn ends_at(xs: &[f64], ends: &[NumberLine; 2], computed: &Computed) -> Band {
    let of = |line: &NumberLine| -> Vec<f64> {
        let Series { x, y, .. } = line.series(computed);
        let at = |place: &f64| x.binary_search_by(|other| other.total_cmp(place));
        xs.iter().map(|place| at(place).map_or(f64::NAN, |at| y[at])).collect()
    };
    Band { lo: of(&ends[0]), hi: of(&ends[1]) }
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
        self.lines().map(|line| &line.table).collect()
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
        let Series { x: xs, y: heights, diverged, band, .. } = self.heights.series(computed);
        let whiskers = match &self.ends {
            None => band,
            Some(ends) => Some(ends_at(&xs, ends, computed)),
        };
        // Where there is no number, the bar is hatched as NaN.
        let colour = |colours: &Series, x: f64| match colours.x.binary_search_by(|place| place.total_cmp(&x)) {
            Ok(at) => Cell::of(colours.y[at], colours.diverged.binary_search(&at).is_ok()),
            Err(_) => Cell::Value(f64::NAN),
        };
        let values = self.colours.as_ref().map(|colours| colours.series(computed));
        let values = values.map(|colours| xs.iter().map(|&x| colour(&colours, x)).collect());
        Ok(Kind::from(Bars {
            x: self.heights.x.axis(),
            y: Axis::new(&self.y),
            xs,
            heights,
            diverged,
            whiskers,
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
        let mut found: Vec<String> = self.lines().filter_map(of).collect();
        found.dedup();
        found
    }

    /// Part 0: bar `i`.
    fn locate(&self, hit: Hit, computed: &Computed) -> Vec<Located> {
        self.heights.locate(hit.i, computed)
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Plot> {
        let colours = self.colours.as_ref().map(|colours| colours.named(name));
        let ends = self.ends.as_ref().map(|ends| ends.each_ref().map(|line| line.named(name)));
        Arc::new(Self { heights: self.heights.named(name), ends, colours, ..self.clone() })
    }
}
