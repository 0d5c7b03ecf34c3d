//! A table (CSV) of one's own as samples: a row for each, a column of classes, and numbers in the other columns.

use std::path::Path;

use super::arrays::{OwnLabels, OwnPart};
use super::photos::table::{clean, separator, text};
use crate::files::regular::read_regular;
use crate::words::nearest;
use crate::{Error, Result};

/// Longest table that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// Which columns of a table are what; by name, or by number from 0 in a table without names.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// The numbers of a sample; otherwise all columns but the labels'.
    pub x: Option<Vec<String>>,
    /// The labels; otherwise the column with one of [`LABELS`] as its name, if there is one.
    pub y: Option<String>,
}

/// Names of labels that are known, in lower case.
pub const LABELS: [&str; 6] = ["y", "label", "labels", "class", "target", "targets"];

/// Reads a table, which the script calls `name`; with warnings.
///
/// # Errors
/// The file cannot be read, is no table, lacks a column, or has something else than a number in one.
pub fn read_table(path: &Path, name: &str, columns: &Columns) -> Result<(OwnPart, Vec<String>)> {
    let bytes = read_regular(path, LONGEST).map_err(|error| Error::io("read", Path::new(name), &error))?;
    let text = text(&bytes, name)?;
    drop(bytes);
    let failed = |error: csv::Error| Error::new(format!("{name} is not a table as CSV: {error}"));
    let (text, separator) = separator(&text);
    let mut builder = csv::ReaderBuilder::new();
    builder.trim(csv::Trim::All).delimiter(separator as u8).has_headers(false);
    let mut reader = builder.from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    if !reader.read_record(&mut record).map_err(failed)? {
        return Err(Error::new(format!("{name} is empty")));
    }
    // pandas numbers columns that have no name: 0, 1, 2 and so on.
    let is_numbered = record.len() > 2 && record.iter().enumerate().all(|(i, cell)| cell == i.to_string());
    let is_named = is_numbered || record.iter().any(|cell| number(cell).is_none());
    let names: Vec<String> =
        record.iter().enumerate().map(|(i, cell)| if is_named { clean(cell) } else { i.to_string() }).collect();
    let (x, y, warnings) = chosen(name, &names, columns, is_named)?;
    let mut rows = Rows { name, names: &names, x: &x, numbers: Vec::new(), labels: Vec::new(), count: 0 };
    if !is_named {
        rows.add(&record, y)?;
    }
    while reader.read_record(&mut record).map_err(failed)? {
        rows.add(&record, y)?;
    }
    let Rows { numbers, labels, count, .. } = rows;
    if count == 0 {
        return Err(Error::new(format!("{name} has no row below the names of its columns")));
    }
    Ok((OwnPart { shape: vec![count, x.len()], numbers, labels: classes(name, labels, y.is_some())? }, warnings))
}

/// The columns of numbers, and that of labels, if there is one.
fn chosen(
    name: &str,
    names: &[String],
    columns: &Columns,
    is_named: bool,
) -> Result<(Vec<usize>, Option<usize>, Vec<String>)> {
    let column =
        |wanted: &str, option: &str| match (0..names.len()).filter(|&i| names[i] == wanted).collect::<Vec<_>>()[..] {
            [one] => Ok(one),
            [] => {
                let error = Error::new(format!("{name} has no column \"{wanted}\" for option `{option}`"));
                let named = error.hint(if is_named {
                    format!("its columns are {}", some(names))
                } else {
                    format!("its columns have no names: they are 0 to {}", names.len() - 1)
                });
                Err(match nearest(wanted, names.iter().map(String::as_str)) {
                    Some(near) if is_named => named.hint(format!("did you mean \"{near}\"?")),
                    _ => named,
                })
            }
            _ => Err(Error::new(format!("{name} has several columns \"{wanted}\""))),
        };
    let known: Vec<usize> = (0..names.len()).filter(|&i| LABELS.contains(&names[i].to_lowercase().as_str())).collect();
    let y = match (&columns.y, &known[..]) {
        (Some(y), _) => Some(column(y, "y")?),
        (None, []) => None,
        (None, [one]) => Some(*one),
        (None, [first, second, ..]) => {
            let message = format!("{name} has the columns \"{}\" and \"{}\"", names[*first], names[*second]);
            return Err(Error::new(message).hint("say which of them holds the labels: `y: \"…\"`"));
        }
    };
    let mut warnings = Vec::new();
    let x = match &columns.x {
        Some(wanted) => wanted.iter().map(|wanted| column(wanted, "x")).collect::<Result<Vec<_>>>()?,
        None => (0..names.len()).filter(|&i| Some(i) != y && !names[i].is_empty()).collect(),
    };
    if columns.x.is_none() && names.iter().any(String::is_empty) {
        warnings.push(format!("{name}: columns without a name, such as the row numbers of pandas, are left out"));
    }
    match x[..] {
        [] => Err(Error::new(format!("{name} has no column of numbers"))),
        _ if y.is_some_and(|y| x.contains(&y)) => {
            Err(Error::new(format!("{name}: one column cannot hold both numbers and labels")))
        }
        _ => Ok((x, y, warnings)),
    }
}

/// The first names of some.
fn some(names: &[String]) -> String {
    let more = if names.len() > 20 { ", …" } else { "" };
    format!("{}{more}", names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// What is read so far.
struct Rows<'a> {
    name: &'a str,
    names: &'a [String],
    x: &'a [usize],
    numbers: Vec<f32>,
    labels: Vec<(u64, String)>,
    count: usize,
}

impl Rows<'_> {
    fn add(&mut self, record: &csv::StringRecord, y: Option<usize>) -> Result<()> {
        let line = record.position().map_or(0, csv::Position::line);
        for &column in self.x {
            let cell = record.get(column).unwrap_or_default();
            self.numbers.push(number(cell).ok_or_else(|| {
                let (name, called) = (self.name, &self.names[column]);
                Error::new(format!("{name}, line {line}: {cell:?} in column \"{called}\" is no number"))
                    .hint("name the columns of numbers, `x: [\"…\"]`, and that of the labels, `y: \"…\"`")
            })?);
        }
        if let Some(y) = y {
            self.labels.push((line, clean(record.get(y).unwrap_or_default())));
        }
        self.count += 1;
        Ok(())
    }
}

/// A finite number, or NaN and infinities by their names, which are refused later.
fn number(cell: &str) -> Option<f32> {
    clean(cell).parse().ok()
}

/// Labels as numbers, if all of them are, or else as texts.
fn classes(name: &str, labels: Vec<(u64, String)>, is_labelled: bool) -> Result<OwnLabels> {
    if !is_labelled {
        return Ok(OwnLabels::None);
    }
    if let Some((line, _)) = labels.iter().find(|(_, label)| label.is_empty()) {
        return Err(Error::new(format!("{name}, line {line}: the label is missing"))
            .hint("every sample has a label; leave the row out"));
    }
    let numbers: Option<Vec<f32>> = labels.iter().map(|(_, label)| number(label)).collect();
    Ok(match numbers {
        Some(numbers) => OwnLabels::Numbers { shape: vec![numbers.len()], numbers },
        None => OwnLabels::Texts(labels.into_iter().map(|(_, label)| label).collect()),
    })
}
