//! A table of labels as people have it: as CSV, from spreadsheets too.

use std::path::Path;

use crate::files::kind::Kind;
use crate::files::regular::read_regular;
use crate::{Error, Result};

/// Longest table that is read, in bytes.
const LONGEST: u64 = 1 << 28;
/// What can separate columns; the one that the header has most of does, the first of these otherwise.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// A cell of the classes beside the name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in the table, from 1.
    pub(super) line: u64,
    pub(super) file: String,
    pub(super) class: String,
}

/// The rows of a table in a file: the column called `column`, beside the one called "file" or else the first. `table` is the
/// file in the script's words.
///
/// # Errors
/// The file cannot be read, is no table, or lacks the column.
pub(super) fn read(path: &Path, table: &str, column: &str) -> Result<Vec<Row>> {
    let bytes = read_regular(path, LONGEST).map_err(|error| Error::io("read", Path::new(table), &error))?;
    let text = text(&bytes, table)?;
    let failed = |error: csv::Error| Error::new(format!("{table} is not a table as CSV: {error}"));
    let (text, separator) = separator(&text);
    let mut builder = csv::ReaderBuilder::new();
    let mut reader = builder.trim(csv::Trim::All).delimiter(separator as u8).from_reader(text.as_bytes());
    let header = reader.headers().map_err(failed)?.clone();
    let names: Vec<String> = header.iter().map(clean).collect();
    let columns = |name: &str| (0..names.len()).filter(|&i| names[i] == name).collect::<Vec<_>>();
    let of_classes = match columns(column)[..] {
        [one] => one,
        [_, _, ..] => return Err(Error::new(format!("{table} has several columns \"{column}\""))),
        [] => {
            let error = Error::new(format!("{table} has no column \"{column}\"; it has {}", names.join(", ")));
            return Err(error
                .hint("say which column holds the classes: `label: \"…\"`")
                .hint("its first line names the columns; commas, semicolons or tabs separate them"));
        }
    };
    let of_files = columns("file").first().copied().unwrap_or(0);
    if of_files == of_classes {
        let message = format!("{table}: the column \"{column}\" cannot hold both the files and their classes");
        return Err(Error::new(message).hint("call the column of the pictures' names \"file\""));
    }
    let row = |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(failed)?;
        let cell = |column: usize| clean(row.get(column).unwrap_or_default());
        let line = row.position().map_or(0, csv::Position::line);
        Ok(Row { line, file: cell(of_files), class: cell(of_classes) })
    };
    reader.records().map(row).collect()
}

/// A cell without what does not show: space around it, of any kind, and marks of zero width.
pub(in crate::data) fn clean(cell: &str) -> String {
    let visible: String = cell.chars().filter(|c| !('\u{200b}'..='\u{200f}').contains(c) && *c != '\u{feff}').collect();
    visible.replace('\u{a0}', " ").trim().to_owned()
}

/// A file's text: UTF-8, or UTF-16 with a byte order mark, as spreadsheets save "Unicode text".
pub(in crate::data) fn text(bytes: &[u8], table: &str) -> Result<String> {
    let wide = |bytes: &[u8], number: fn([u8; 2]) -> u16| {
        String::from_utf16(&bytes.as_chunks().0.iter().map(|&pair| number(pair)).collect::<Vec<_>>()).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}').to_owned()),
    };
    let kind = Kind::of(&bytes[..bytes.len().min(4096)]);
    match (text, kind) {
        (Some(text), None | Some(Kind { what: "a text" | "empty", .. })) => Ok(text),
        (Some(text), _) if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => Ok(text),
        (_, Some(kind)) if kind.what == "a zip archive" => {
            Err(Error::new(format!("{table} is not a table as CSV: it is a workbook, or another zip archive"))
                .hint("save it as CSV in the spreadsheet"))
        }
        (_, Some(kind)) if kind.what != "a text" => {
            let error = Error::new(format!("{table} is not a table as CSV: it is {}", kind.what));
            Err(kind.way_out.into_iter().fold(error, Error::hint))
        }
        _ => {
            let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
            let line = bytes[..valid].split(|&byte| byte == b'\n').count();
            Err(Error::new(format!("{table} is not a table as CSV: line {line} is not UTF-8")).hint("save it as UTF-8"))
        }
    }
}

/// The table without Excel's line `sep=;`, and what separates its columns.
pub(in crate::data) fn separator(text: &str) -> (&str, char) {
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(said) = first.trim().strip_prefix("sep=").and_then(|said| said.chars().next())
        && SEPARATORS.contains(&said)
    {
        return (rest, said);
    }
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [0; SEPARATORS.len()];
    for c in header.chars() {
        quoted ^= c == '"';
        if let Some(i) = SEPARATORS.iter().position(|separator| *separator == c && !quoted) {
            counts[i] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    (text, SEPARATORS[counts.iter().position(|&count| count == most).unwrap_or_default()])
}
