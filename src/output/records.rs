//! Records: a table as it is written, printed and shown on the page.

use std::fmt;

use super::Scalar;
use crate::{Error, Result};

/// A table as it is written and printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    pub columns: Vec<String>,
    /// The number of leading columns that are axes of the sweep.
    pub axes: usize,
    pub rows: Vec<Vec<Scalar>>,
}

impl Records {
    /// For every column, false for an axis with a single value.
    pub fn varying(&self) -> Vec<bool> {
        let text = |row: &[Scalar], i: usize| row[i].label();
        let varies = |i| self.rows.iter().any(|row| text(row, i) != text(&self.rows[0], i));
        (0..self.columns.len()).map(|i| i >= self.axes || varies(i)).collect()
    }

    /// A column by its name, with NaN in place of other values than numbers.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let at = self.columns.iter().position(|column| column == name)?;
        Some(self.rows.iter().map(|row| row.get(at).and_then(Scalar::number).unwrap_or(f64::NAN)).collect())
    }

    /// CSV with a header.
    ///
    /// # Errors
    /// Never because of the data.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |error: &dyn fmt::Display| Error::new(format!("cannot write the table as CSV: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.columns).map_err(|error| failed(&error))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(ToString::to_string)).map_err(|error| failed(&error))?;
        }
        writer.into_inner().map_err(|error| failed(&error))
    }

    /// JSON: a list of objects.
    ///
    /// # Errors
    /// Never because of the data.
    pub fn json(&self) -> Result<Vec<u8>> {
        let object = |row: &Vec<Scalar>| -> serde_json::Map<_, _> {
            self.columns.iter().cloned().zip(row.iter().map(Scalar::to_json)).collect()
        };
        let rows: Vec<_> = self.rows.iter().map(object).collect();
        serde_json::to_vec_pretty(&rows).map_err(|error| Error::new(format!("cannot write the table as JSON: {error}")))
    }
}

/// The form that `print` shows: a header and right-aligned columns.
impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect());
        let rows: Vec<Vec<String>> = std::iter::once(self.columns.clone()).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for (i, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            write!(f, "{}{}", if i == 0 { "" } else { "\n" }, cells.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }
}
