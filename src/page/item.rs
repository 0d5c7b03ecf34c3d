//! What lies behind the addresses of an edit's outputs: figures as pictures, their regions, tables, the details of values.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Details, File};
use crate::Result;
use crate::executor::Computed;
use crate::figure::{Hit, Palette};
use crate::output::{Filled, Records, Scalar};
use crate::script::Shown;

/// The palette that a reader chose.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repaint {
    palette: Option<Palette>,
    reversed: bool,
}

/// A figure as SVG, PNG, PDF or CSV, or its regions as JSON; a table as CSV or JSON. `None` for what it does not have.
///
/// # Errors
/// When it cannot be drawn.
pub fn item(shown: &Shown, computed: &Computed, ending: &str, repaint: &Repaint) -> Result<Option<File>> {
    let mut filled = shown.output.fill(computed)?;
    if let (Some(figure), Some(palette)) = (&mut filled.figure, repaint.palette) {
        figure.repaint(palette, repaint.reversed);
    }
    file(&filled, ending)
}

/// One form of an output's content.
pub(super) fn file(filled: &Filled, ending: &str) -> Result<Option<File>> {
    Ok(Some(match (ending, &filled.figure, &filled.records) {
        ("svg", Some(figure), _) => File::new(File::SVG, figure.svg()?),
        ("png", Some(figure), _) => File::new("image/png", figure.png()?),
        ("pdf", Some(figure), _) => File::new("application/pdf", figure.pdf()?),
        ("json", Some(figure), _) => File::json(&figure.regions()?)?,
        ("json", None, Some(records)) => File::json(&table(records))?,
        ("csv", ..) => return Ok(filled.csv()?.map(|csv| File::new("text/csv; charset=utf-8", csv))),
        _ => return Ok(None),
    }))
}

/// A table as the page gets it.
pub(super) fn table(records: &Records) -> Json {
    let rows: Vec<Vec<_>> = records.rows.iter().map(|row| row.iter().map(Scalar::to_json).collect()).collect();
    let texts: Vec<Vec<_>> = records.rows.iter().map(|row| row.iter().map(Scalar::pretty).collect()).collect();
    json!({ "columns": records.columns, "varying": records.varying(), "rows": rows, "texts": texts })
}

/// What lies behind a value of a figure: as JSON (`point`), or as pictures. `address` is that of the output.
///
/// # Errors
/// When pictures cannot be drawn.
pub fn point(
    details: &Details,
    (shown, computed): (&Shown, &Computed),
    what: &str,
    hit: Hit,
    address: &str,
) -> Result<Option<File>> {
    match what {
        "point" => {
            let Hit { part, i, j } = hit;
            let pictures = format!("{address}/pictures.svg?part={part}&i={i}&j={j}");
            File::json(&details.point(shown, computed, hit, &pictures)?).map(Some)
        }
        "pictures.svg" => {
            let figure = details.pictures(shown, computed, hit)?;
            figure.map(|figure| Ok(File::new(File::SVG, figure.svg()?))).transpose()
        }
        _ => Ok(None),
    }
}
