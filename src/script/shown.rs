//! What a script shows: figures, tables, verdicts and weights, made of descriptions, filled in when their results are there.

use std::path::{Component, Path, PathBuf};

use super::plot::Plot;
use super::saved::Saved;
use super::table::{Table, csv_cell};
use super::verdict::Verdict;
use crate::executor::Computed;
use crate::files::write_whole;
use crate::work::Target;
use crate::{Error, Result};

/// One thing to show.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    /// A figure, to be saved under this name in the run folder.
    Figure { plot: Plot, path: PathBuf },
    /// A table, likewise.
    Table { table: Table, path: PathBuf },
    /// Words about a table of curves.
    Verdict(Verdict),
    /// The weights of a network or of a cascade, likewise.
    Weights { saved: Saved, path: PathBuf },
}

/// A name inside the run folder.
pub(crate) fn output_path(path: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || path.as_os_str().is_empty() {
        return Err(Error::new(format!("\"{}\" is not a name inside the run folder", path.display()))
            .hint("a script writes only there: give a plain name, and choose the folder with --out DIR"));
    }
    Ok(path.to_owned())
}

impl Shown {
    /// What it is called in the run folder, without what a figure writes beside it.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Figure { path, .. } | Self::Table { path, .. } | Self::Weights { path, .. } => Some(path),
            Self::Verdict(_) => None,
        }
    }

    /// A file that both write.
    pub fn shares(&self, other: &Self) -> Option<PathBuf> {
        let files = |shown: &Self| match (shown, shown.path()) {
            (Self::Figure { .. }, Some(path)) => {
                ["svg", "png", "csv"].map(|ending| path.with_extension(ending)).to_vec()
            }
            (_, path) => path.map(Path::to_owned).into_iter().collect(),
        };
        let others = files(other);
        files(self).into_iter().find(|file| others.contains(file))
    }

    /// What has to be computed for it.
    pub fn targets(&self) -> Vec<Target> {
        match self {
            Self::Figure { plot, .. } => plot.targets(),
            Self::Table { table, .. } => table.targets(),
            Self::Verdict(verdict) => verdict.targets(),
            Self::Weights { saved, path } => saved.targets(path),
        }
    }

    /// Writes what there is into `folder` and says which files, or gives the words.
    pub fn finish(&self, folder: &Path, computed: &Computed) -> Result<Finished> {
        match self {
            Self::Figure { plot, path } => Ok(Finished::Files(plot.figure(computed)?.save(&folder.join(path))?)),
            Self::Verdict(verdict) => Ok(Finished::Words(verdict.words(computed)?)),
            Self::Weights { saved, path } => {
                let path = folder.join(path);
                saved.write(&path, computed)?;
                Ok(Finished::Files(vec![path]))
            }
            Self::Table { table, path } => {
                let path = folder.join(path);
                let is_json = path.extension().is_some_and(|extension| extension == "json");
                let bytes = if is_json { json(table, computed)? } else { csv(table, computed)? };
                write_whole(&path, &bytes)?;
                Ok(Finished::Files(vec![path]))
            }
        }
    }
}

/// What came of showing something.
pub(crate) enum Finished {
    Files(Vec<PathBuf>),
    Words(String),
}

pub(super) fn csv(table: &Table, computed: &Computed) -> Result<Vec<u8>> {
    let (names, records) = table.records(computed);
    let failed = |error: &dyn std::fmt::Display| Error::new(format!("cannot write the table as CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names).map_err(|error| failed(&error))?;
    for record in records {
        writer.write_record(record.iter().map(csv_cell)).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// A list of objects. What JSON has no number for is the text that pandas reads: "inf", "-inf", "nan".
fn json(table: &Table, computed: &Computed) -> Result<Vec<u8>> {
    let (names, records) = table.records(computed);
    let value = |value: &rhai::Dynamic| match value.as_float() {
        Ok(x) if !x.is_finite() => serde_json::Value::from(csv_cell(value)),
        _ => serde_json::to_value(value).unwrap_or_else(|_| value.to_string().into()),
    };
    let rows: Vec<serde_json::Map<_, _>> =
        records.iter().map(|record| names.iter().cloned().zip(record.iter().map(value)).collect()).collect();
    serde_json::to_vec_pretty(&rows).map_err(|error| Error::new(format!("cannot write the table as JSON: {error}")))
}
