//! Tables, saved in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Filled, Output, Records, ResultTable};
use crate::executor::Computed;
use crate::files::write_whole;
use crate::work::{Described, Target};
use crate::{Error, Result};

/// A table saved in the run folder.
#[derive(Debug, Clone)]
pub struct SavedTable {
    table: ResultTable,
    path: PathBuf,
    write: Write,
}

/// How records become a file.
type Write = fn(&Records) -> Result<Vec<u8>>;

/// The endings of names, each with its format.
const FORMATS: [(&str, Write); 5] = [
    ("csv", Records::csv),
    ("json", Records::json),
    ("parquet", Records::parquet),
    ("tex", |records| Ok(records.latex().into_bytes())),
    ("md", |records| Ok(records.markdown().into_bytes())),
];

impl SavedTable {
    /// A table saved under a path in the run folder, whose ending is the format.
    ///
    /// # Errors
    /// When it has another ending.
    pub fn new(table: ResultTable, path: PathBuf) -> Result<Self> {
        let ending = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let Some((_, write)) = FORMATS.iter().find(|(known, _)| *known == ending) else {
            let [others @ .., last] = FORMATS.map(|(ending, _)| format!(".{ending}"));
            let (others, path) = (others.join(", "), path.display());
            return Err(Error::new(format!("a table is saved as {others} or {last}, not as \"{path}\"")));
        };
        Ok(Self { table, write: *write, path })
    }
}

impl Output for SavedTable {
    fn kind(&self) -> &'static str {
        "table"
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn targets(&self) -> Vec<Target> {
        self.table.targets()
    }

    fn fill(&self, computed: &Computed) -> Result<Filled> {
        Ok(self.table.records(computed).into())
    }

    fn write(&self, folder: &Path, filled: &Filled, _: &Computed) -> Result<Vec<PathBuf>> {
        let Some(records) = &filled.records else { return Ok(Vec::new()) };
        let path = folder.join(&self.path);
        write_whole(&path, &(self.write)(records)?)?;
        Ok(vec![path])
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
        Arc::new(Self { table: self.table.named(name), ..self.clone() })
    }
}
