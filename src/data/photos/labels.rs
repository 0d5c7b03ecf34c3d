//! The class of a photograph: from a table, or from the subfolder that it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::listing::File;
use crate::data::source::MOST_SAMPLES;
use crate::{Error, Result};

/// The classes of some files; a file may have none.
#[derive(Debug, Default)]
pub(super) struct Labels {
    by_name: BTreeMap<String, u32>,
    /// How many classes there are.
    pub(super) classes: usize,
    /// Their names, where they have some.
    pub(super) names: Vec<String>,
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

    /// From a table with a column of names and one of classes: whole numbers, or else texts, which are numbered in
    /// sorted order. Cells may be empty. Also returns the names in the table that are no file here.
    ///
    /// # Errors
    /// The table cannot be read, lacks the column, has two classes for one file, or a class out of range.
    pub(super) fn from_table(folder: &Path, table: &str, column: &str, files: &[File]) -> Result<(Self, Vec<String>)> {
        let path = folder.join(table).canonicalize().ok().filter(|path| path.is_file());
        let path = path.ok_or_else(|| {
            Error::new(format!("there is no table \"{table}\" in {}", folder.display()))
                .hint("`labels` names a CSV in the folder of the pictures")
        })?;
        if !path.starts_with(folder) {
            return Err(Error::new(format!("\"{table}\" leads out of the folder of the pictures")));
        }
        let cells = read(&path, table, column)?;
        let known: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let strangers = cells.keys().filter(|name| !known.contains(name.as_str())).cloned().collect();
        let cells: BTreeMap<String, String> = cells.into_iter().filter(|(_, class)| !class.is_empty()).collect();
        let numbers: Option<BTreeMap<String, u32>> =
            cells.iter().map(|(name, class)| Some((name.clone(), class.parse().ok()?))).collect();
        let Some(by_name) = numbers else { return Ok((numbered(cells), strangers)) };
        let classes = by_name.values().max().map_or(0, |&most| most as usize + 1);
        if classes > MOST_SAMPLES {
            let message = format!("{table}: the class {} in the column \"{column}\"", classes - 1);
            return Err(Error::new(message).hint(format!("classes are 0 to {}", MOST_SAMPLES - 1)));
        }
        Ok((Self { by_name, classes, names: Vec::new() }, strangers))
    }
}

/// Numbers the classes in sorted order of their names.
fn numbered(classes: BTreeMap<String, String>) -> Labels {
    let names: Vec<String> = classes.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let number = |class: &String| names.binary_search(class).unwrap_or_default() as u32;
    let by_name = classes.iter().map(|(name, class)| (name.clone(), number(class))).collect();
    Labels { by_name, classes: names.len(), names }
}

/// The cells of one column beside the names of files.
fn read(path: &Path, table: &str, column: &str) -> Result<BTreeMap<String, String>> {
    let failed = |error: csv::Error| Error::new(format!("{table} is not a table as CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(failed)?;
    let header = reader.headers().map_err(failed)?.clone();
    let of_classes = header.iter().position(|name| name == column).ok_or_else(|| {
        let columns = header.iter().collect::<Vec<_>>().join(", ");
        Error::new(format!("{table} has no column \"{column}\"; it has {columns}"))
            .hint("say which column holds the classes: `label: \"…\"`")
    })?;
    let of_files = header.iter().position(|name| name == "file").unwrap_or(0);
    let mut cells = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(failed)?;
        let cell = |column: usize| row.get(column).unwrap_or_default().to_owned();
        if let Some(before) = cells.insert(cell(of_files), cell(of_classes))
            && before != cell(of_classes)
        {
            let name = cell(of_files);
            return Err(Error::new(format!("{table} has two classes for {name}: {before} and {}", cell(of_classes))));
        }
    }
    Ok(cells)
}
