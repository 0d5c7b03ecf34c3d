//! Tables, saved as CSV or JSON.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Filled, Output, ResultTable};
use crate::executor::Computed;
use crate::files::write_whole;
use crate::work::{Described, Target};
use crate::{Error, Result};

/// A table saved in the run folder.
#[derive(Debug, Clone)]
pub struct SavedTable {
    table: ResultTable,
    path: PathBuf,
    is_json: bool,
}

impl SavedTable {
    /// A table saved under a path in the run folder that ends in `.csv` or `.json`.
    ///
    /// # Errors
    /// When it has another ending.
    pub fn new(table: ResultTable, path: PathBuf) -> Result<Self> {
        let is_json = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => false,
            Some("json") => true,
            _ => {
                let path = path.display();
                return Err(Error::new(format!("a table is saved as .csv or .json, not as \"{path}\"")));
            }
        };
        Ok(Self { table, path, is_json })
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
        write_whole(&path, &if self.is_json { records.json()? } else { records.csv()? })?;
        Ok(vec![path])
    }

    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output> {
        Arc::new(Self { table: self.table.named(name), ..self.clone() })
    }
}
