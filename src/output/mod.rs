//! What a script shows: figures, tables, verdicts and weights. An output is made of descriptions and filled in with the
//! results that are available. Each kind has a file; [`figure`] has what the kinds of figures share.

pub(crate) mod band;
pub mod bars;
pub mod entry;
pub mod figure;
pub mod heatmap;
pub mod histogram;
pub mod images;
pub mod known;
pub mod lines;
pub mod panels;
mod parquet;
pub mod pictures;
pub(crate) mod record;
pub mod records;
pub mod results;
pub mod run_folder;
pub mod scalar;
pub mod scatter;
pub mod style;
pub mod table;
mod typeset;
pub mod verdict;
pub mod weights;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;
use crate::executor::Computed;
use crate::figure::{Figure, Hit};
use crate::work::{Described, Provenance, Target};

pub use entry::Entry;
pub use pictures::Pictures;
pub use records::Records;
pub use results::{Point, ResultRow, ResultTable, SweepAxis};
pub use scalar::Scalar;

/// One thing that a script shows.
pub trait Output: Debug + Send + Sync {
    /// "figure", "table", "verdict" or "weights".
    fn kind(&self) -> &'static str;

    /// Its path in the run folder, or the kind for an output without a file.
    fn name(&self) -> String;

    /// The title that the script gave it, or an empty text.
    fn title(&self) -> String {
        String::new()
    }

    /// The kind of figure, such as "heatmap"; empty for other outputs.
    fn drawing(&self) -> &'static str {
        ""
    }

    /// Whether it is a figure whose colours show numbers, so that the page can offer other palettes.
    fn has_colours(&self) -> bool {
        false
    }

    /// The files that it writes, relative to the run folder.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The results that it needs.
    fn targets(&self) -> Vec<Target>;

    /// Refuses, before anything is computed, what could not be shown afterwards.
    ///
    /// # Errors
    /// When its files could not be written whatever the results are.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Its content, from the results that are available.
    ///
    /// # Errors
    /// When a result failed without which it has no content.
    fn fill(&self, computed: &Computed) -> Result<Filled>;

    /// What its content does not show of its results, a sentence for each kind of it.
    ///
    /// # Errors
    /// When it cannot be drawn.
    fn left_out(&self, _: &Filled, _: &Computed) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Writes its files into the run folder and returns them, the one that the script named first.
    ///
    /// # Errors
    /// As [`Output::fill`], or when a file cannot be written.
    fn write(&self, folder: &Path, filled: &Filled, computed: &Computed) -> Result<Vec<PathBuf>>;

    /// The results at a place of its drawing; empty for a place that it does not have.
    fn locate(&self, _: Hit, _: &Computed) -> Vec<Located> {
        Vec::new()
    }

    /// Whether its content is a short text.
    fn is_words(&self) -> bool {
        false
    }

    /// Whether [`Output::fill`] uses results: the page keeps them in memory then.
    fn needs_results(&self) -> bool {
        true
    }

    /// The same output, made of the descriptions that `name` returns. For former edits the page
    /// keeps the names of results alone, since descriptions are large.
    fn named(&self, name: &mut dyn FnMut(&Described) -> Described) -> Arc<dyn Output>;
}

/// The content of an output, in each of its forms.
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
    /// Its numbers as CSV, if it has any.
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

/// A result at a place of a drawing.
#[derive(Debug, Clone)]
pub struct Located {
    /// The sweep's axes and their values, in words.
    pub parameters: Vec<(String, String)>,
    /// The depth, from 1, if the value belongs to a curve; or the step or epoch, by `over`.
    pub depth: Option<usize>,
    /// What such a curve runs over: "depth", "step" or "epoch".
    pub over: &'static str,
    /// The value, once it is computed and if it is a number.
    pub value: Option<f64>,
    /// Whether it lies beyond what the precision of its numbers holds for.
    pub is_imprecise: bool,
    /// The description of what is computed for it, if anything is.
    pub result: Option<Described>,
}

impl Located {
    /// What the value rests on, if it is computed.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.result.as_ref().map(Described::provenance)
    }
}
