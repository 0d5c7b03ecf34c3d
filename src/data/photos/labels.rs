//! The class of a photograph: from a table, or from the subfolder that it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::listing::File;
use super::table::{self, Row};
use crate::data::source::MOST_SAMPLES;
use crate::{Error, Result};

/// Cells that pandas, R and spreadsheets write where a number is missing.
const NO_NUMBER: [&str; 16] = [
    "nan", "-nan", "na", "n/a", "<na>", "#n/a", "#n/a n/a", "#na", "null", "none", "nat", "1.#qnan", "-1.#ind", "-",
    "?", ".",
];
/// Those that are no name of a class either.
const NO_TEXT: [&str; 4] = ["nan", "<na>", "#n/a", "n/a"];
/// Rows that a warning names.
const MOST_NAMED: usize = 3;

/// The classes of some files; a file may have none.
#[derive(Debug, Default)]
pub(super) struct Labels {
    by_name: BTreeMap<String, u32>,
    /// How many classes there are.
    pub(super) classes: usize,
    /// Their names, where they have some.
    pub(super) names: Vec<String>,
    /// What the user should know about the table.
    pub(super) warnings: Vec<String>,
}

impl Labels {
    /// The class of a file, if it has one.
    pub(super) fn label(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// One class for each subfolder, if every picture is in one; else no labels.
    pub(super) fn from_subfolders(files: &[File]) -> Self {
        let Some(subfolders) = files.iter().map(File::subfolder).collect::<Option<Vec<_>>>() else {
            return Self::default();
        };
        numbered(files.iter().map(|file| file.name.clone()).zip(subfolders.into_iter().map(str::to_owned)).collect())
    }

    /// From a table with a column of names and one of classes: whole numbers, also as `2.0`, or else texts, which are
    /// numbered in sorted order. A picture without a row has no class, nor has one whose cell is empty, or NaN and the like:
    /// all but empty cells are warnings. Names are paths within the folder, or enough
    /// of them: without the ending, or without the folder. `called` is the folder in the script's words.
    ///
    /// # Errors
    /// The table cannot be read, lacks the column, has two classes for one file, classes of several kinds or out of range, or
    /// a name that several files have.
    pub(super) fn from_table(folder: &Path, called: &str, table: &str, column: &str, files: &[File]) -> Result<Self> {
        let path = folder.join(table).canonicalize().ok().filter(|path| path.exists());
        let path = path.ok_or_else(|| {
            Error::new(format!("there is no table \"{table}\" in {}", folder.display()))
                .hint("`labels` names a CSV in the folder of the pictures")
        })?;
        if !path.starts_with(folder) {
            return Err(Error::new(format!("\"{table}\" leads out of the folder of the pictures")));
        }
        let rows = table::read(&path, table, column)?;
        let (rows, strangers) = matched(rows, table, files)?;
        let mut labels = classes(&rows, table, column)?;
        if let Some(first) = strangers.first() {
            let count = strangers.len();
            labels
                .warnings
                .push(format!("{called}/{table} names {count} files that are not pictures here, such as {first}"));
        }
        // An empty cell is how a table says that there is none.
        let is_said =
            |name: &str| labels.label(name).is_some() || rows.get(name).is_some_and(|row| row.class.is_empty());
        let missing: Vec<&str> = files.iter().map(|file| file.name.as_str()).filter(|name| !is_said(name)).collect();
        if let Some(warning) = without_class(&missing, &rows) {
            labels.warnings.push(format!("{called}/{table} {warning}"));
        }
        Ok(labels)
    }
}

/// A clause about pictures without a class: the first of them, with what is in their rows.
fn without_class(missing: &[&str], rows: &BTreeMap<String, Row>) -> Option<String> {
    let said = missing.iter().take(MOST_NAMED).map(|name| match rows.get(*name) {
        Some(Row { line, class, .. }) => format!("{name} (line {line}: {class:?})"),
        None => format!("{name} (no line)"),
    });
    let said = said.collect::<Vec<_>>().join(", ");
    let more = if missing.len() > MOST_NAMED { ", …" } else { "" };
    match missing.len() {
        0 => None,
        1 => Some(format!("gives one picture no class: {said}")),
        count => Some(format!("gives {count} pictures no class: {said}{more}")),
    }
}

/// The rows by their files' names here, and the names in the table that are no file here.
fn matched(rows: Vec<Row>, table: &str, files: &[File]) -> Result<(BTreeMap<String, Row>, Vec<String>)> {
    let whole: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in &whole {
        let within = name.rsplit('/').next().unwrap_or(name);
        for part in [within, without_ending(name), without_ending(within)] {
            parts.entry(part).or_default().insert(name);
        }
    }
    let (mut found, mut strangers): (BTreeMap<String, Row>, _) = (BTreeMap::new(), Vec::new());
    for row in rows {
        let said = row.file.replace('\\', "/");
        let said = said.strip_prefix("./").unwrap_or(&said);
        let name = match (whole.get(said), parts.get(said).map(|names| names.iter().copied().collect::<Vec<_>>())) {
            (Some(name), _) => *name,
            (None, Some(names)) if names.len() == 1 => names[0],
            (None, Some(names)) => {
                let message = format!("{table}, line {}: {said} may be {} or {}", row.line, names[0], names[1]);
                return Err(Error::new(message).hint("name the pictures by their paths within the folder"));
            }
            (None, None) => {
                strangers.push(row.file);
                continue;
            }
        };
        match found.get(name) {
            Some(before) if before.class != row.class => {
                let (before, lines) = (&before.class, format!("lines {} and {}", before.line, row.line));
                return Err(Error::new(format!("{table} has two classes for {name}: {before} and {}", row.class))
                    .hint(format!("they are in its {lines}")));
            }
            _ => found.insert(name.to_owned(), row),
        };
    }
    Ok((found, strangers))
}

/// A name without the ending of pictures, which tables often leave out.
fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The number in a cell, with a comma for the point as spreadsheets of some countries write it.
fn number(cell: &str) -> Option<f64> {
    let is_number = cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte));
    is_number.then(|| cell.replace(',', ".").parse().ok()).flatten()
}

/// The classes in a table's rows.
fn classes(rows: &BTreeMap<String, Row>, table: &str, column: &str) -> Result<Labels> {
    let is_missing =
        |row: &Row, words: &[&str]| row.class.is_empty() || words.contains(&row.class.to_lowercase().as_str());
    let wrong = |row: &Row, what: String| {
        let message = format!("{table}, line {}: the class {} of {} {what}", row.line, row.class, row.file);
        let hint = format!("the column \"{column}\" holds whole numbers, 0 to {}, or texts", MOST_SAMPLES - 1);
        Err(Error::new(message).hint(hint))
    };
    let present = rows.iter().filter(|(_, row)| !is_missing(row, &NO_NUMBER));
    let (numbers, texts): (Vec<_>, Vec<_>) = present.partition(|(_, row)| number(&row.class).is_some());
    // Texts sort digits as texts, so that 10 comes before 2.
    let is_mixed = numbers.iter().any(|(_, row)| row.class.len() > 1);
    match texts.first() {
        Some((_, row)) if is_mixed => {
            return wrong(row, format!("is a text, among numbers such as {}", numbers[0].1.class));
        }
        Some(_) => {
            let texts = rows.iter().filter(|(_, row)| !is_missing(row, &NO_TEXT));
            return Ok(numbered(texts.map(|(name, row)| (name.clone(), row.class.clone())).collect()));
        }
        None => {}
    }
    let mut labels = Labels::default();
    for (name, row) in numbers {
        let class = number(&row.class).unwrap_or_default();
        if class < 0.0 || class.fract() != 0.0 {
            return wrong(row, "is not a whole number from 0".into());
        }
        if class >= MOST_SAMPLES as f64 {
            return wrong(row, "is too large".into());
        }
        labels.classes = labels.classes.max(class as usize + 1);
        labels.by_name.insert(name.clone(), class as u32);
    }
    Ok(labels)
}

/// Numbers the classes in sorted order of their names.
fn numbered(classes: BTreeMap<String, String>) -> Labels {
    let names: Vec<String> = classes.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let number = |class: &String| names.binary_search(class).unwrap_or_default() as u32;
    let by_name = classes.iter().map(|(name, class)| (name.clone(), number(class))).collect();
    Labels { by_name, classes: names.len(), names, warnings: Vec::new() }
}
