//! What a script shows: figures, tables, verdicts and weights. An output is made of descriptions and is filled in as far as
//! their results are there. One file per kind; [`figure`] has what the kinds of figures share.

pub mod bars;
pub mod figure;
pub mod heatmap;
pub mod images;
pub mod lines;
pub mod pictures;
pub mod results;
pub mod run_folder;
pub mod table;
pub mod verdict;
pub mod weights;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;
use crate::executor::Computed;
use crate::figure::{Figure, Hit};
use crate::work::{Described, Provenance, Target};

pub use pictures::Pictures;
pub use results::{Entry, Point, Records, ResultRow, ResultTable, Scalar, SweepAxis};

/// One thing that a script shows.
pub trait Output: Debug + Send + Sync {
    /// "figure", "table", "verdict" or "weights".
    fn kind(&self) -> &'static str;

    /// What it is called: its path in the run folder, where it writes a file.
    fn name(&self) -> String;

    /// The title that the script gave it; empty for none.
    fn title(&self) -> String {
        String::new()
    }

    /// The kind of figure; empty for what is none.
    fn drawing(&self) -> &'static str {
        ""
    }

    /// The files that it writes, relative to the run folder.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// What has to be computed for it.
    fn targets(&self) -> Vec<Target>;

    /// Its content as far as results are there.
    ///
    /// # Errors
    /// When a result that it cannot do without has failed.
    fn fill(&self, computed: &Computed) -> Result<Filled>;

    /// Writes its files into the run folder and returns them, the one that the script named first.
    ///
    /// # Errors
    /// As [`Output::fill`], or when a file cannot be written.
    fn write(&self, folder: &Path, filled: &Filled, computed: &Computed) -> Result<Vec<PathBuf>>;

    /// What is at a place of its drawing; nothing at a place that it does not have.
    fn locate(&self, _: Hit, _: &Computed) -> Vec<Located> {
        Vec::new()
    }

    /// Whether its content is words, which the page lists with the output.
    fn is_words(&self) -> bool {
        false
    }

    /// Whether [`Output::fill`] looks at results: they are then kept for it while it is on the page.
    fn needs_results(&self) -> bool {
        true
    }

    /// The same output made of the descriptions that `name` returns. The page keeps the outputs of former edits with the
    /// names of results alone, since descriptions are large.
    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output>;
}

/// The content of an output, in each form that it has.
#[derive(Debug, Clone, Default)]
pub struct Filled {
    pub figure: Option<Figure>,
    pub records: Option<Records>,
    pub words: Option<String>,
}

impl From<Figure> for Filled {
    fn from(figure: Figure) -> Self {
        Self { figure: Some(figure), ..Self::default() }
    }
}

impl From<Records> for Filled {
    fn from(records: Records) -> Self {
        Self { records: Some(records), ..Self::default() }
    }
}

impl From<String> for Filled {
    fn from(words: String) -> Self {
        Self { words: Some(words), ..Self::default() }
    }
}

impl Filled {
    /// Its numbers as CSV, where it has some.
    ///
    /// # Errors
    /// When a figure cannot be drawn.
    pub fn csv(&self) -> Result<Option<Vec<u8>>> {
        match (&self.figure, &self.records) {
            (Some(figure), _) => Ok(Some(figure.csv()?.into_bytes())),
            (None, records) => records.as_ref().map(Records::csv).transpose(),
        }
    }
}

/// What is at a place of a drawing: one point of a sweep, or one result.
#[derive(Debug, Clone)]
pub struct Located {
    /// The axes and their values in words.
    pub parameters: Vec<(String, String)>,
    /// From 1, where the value is one of a curve over depth.
    pub depth: Option<usize>,
    /// Its number, where it has one and it is computed.
    pub value: Option<f64>,
    /// What was computed for it.
    pub result: Option<Described>,
}

impl Located {
    /// What the number rests on, where something was computed for it.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.result.as_ref().map(Described::provenance)
    }
}
