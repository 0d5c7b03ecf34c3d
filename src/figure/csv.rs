//! A figure's data as a tidy CSV table with all digits.

use super::number::plain;
use super::{Figure, Series};
use crate::{Error, Result};

/// The table behind a figure; its columns are described at [`Figure::csv`].
pub fn write(figure: &Figure) -> Result<String> {
    let rows = figure.kind.drawing().rows()?;
    let failed = |error: &dyn std::fmt::Display| Error::new(format!("cannot write this figure as CSV: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        table.write_record(&row).map_err(|error| failed(&error))?;
    }
    let bytes = table.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// One record.
pub type Row = Vec<String>;

/// The name of a column, `otherwise` where none is given.
pub fn name(given: &str, otherwise: &str) -> String {
    if given.is_empty() { otherwise.into() } else { given.into() }
}

/// The points of these curves: label, x and y, and whether it is NaN since a training diverged.
pub fn points(series: &[Series]) -> impl Iterator<Item = (&str, String, String, bool)> {
    let of = |s| {
        let Series { label, x, y, diverged, .. }: &Series = s;
        let points = x.iter().zip(y).enumerate();
        points
            .map(|(i, (x, y))| (label.as_str(), plain(*x), plain(*y), y.is_nan() && diverged.binary_search(&i).is_ok()))
    };
    series.iter().flat_map(of)
}

/// The status of a number of lines and bars.
pub fn status(has_diverged: bool) -> String {
    if has_diverged { "diverged" } else { "ok" }.into()
}

/// A pixel in f32's own few digits, −∞ and NaN as elsewhere.
pub fn pixel(value: f32) -> String {
    if value.is_finite() { value.to_string() } else { plain(f64::from(value)) }
}
