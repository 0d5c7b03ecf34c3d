//! What came of running or checking a script.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::diagnostic::Diagnostic;
use super::frozen::Recipe;
use crate::executor::{Estimate, Points};
use crate::output::Records;
use crate::work::{Plan, Report};

/// What came of a script.
#[derive(Debug, Default)]
pub struct Outcome {
    pub status: Status,
    /// Errors first, then what stops nothing.
    pub diagnostics: Vec<Diagnostic>,
    /// The run folder; `None` when the script did not get that far.
    pub folder: Option<PathBuf>,
    /// Files written into it, in the script's order.
    pub files: Vec<PathBuf>,
    /// Files of earlier runs in it that this run did not write, relative to it.
    pub left_over: Vec<String>,
    /// The script and its modules as they ran: the hash of each by its path in the run folder.
    pub sources: BTreeMap<String, String>,
    /// Whether the outputs show all points: the run was not stopped, and `--only` left nothing out.
    pub is_complete: bool,
    /// Whether the outputs of an earlier complete run were kept, and these are beside them.
    pub is_beside: bool,
    /// Verdicts, in words.
    pub verdicts: Vec<String>,
    /// Tables that were saved, with their names.
    pub tables: Vec<(String, Records)>,
    /// The script's parameters and their values.
    pub params: BTreeMap<String, String>,
    /// What it shows: the point in words and the fingerprint of its result.
    pub results: Vec<(String, String)>,
    pub report: Report,
    pub points: Points,
    /// The script as it ran, with all that decided the run, and its numbers; `None` when it did not get that far.
    pub recipe: Option<Box<Recipe>>,
    /// All of it, and the part that computing took.
    pub seconds: f64,
    pub seconds_of_work: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Everything is shown.
    #[default]
    Done,
    /// Some points failed.
    PointsFailed,
    /// The script is wrong.
    ScriptWrong,
    /// The script is right, but a file could not be written, or an output not be made.
    NotWritten,
    /// The user stopped it.
    Interrupted,
}

impl Status {
    /// The program's exit status.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::PointsFailed => 1,
            Self::ScriptWrong => 2,
            Self::NotWritten => 3,
            Self::Interrupted => 130,
        }
    }
}

/// What checking a script found.
#[derive(Debug)]
pub struct Checked {
    /// What running it would do.
    pub plan: Plan,
    pub estimate: Estimate,
    /// The script's parameters and their values.
    pub params: BTreeMap<String, String>,
    /// How many points failed in the script; warnings say why.
    pub failed_points: usize,
    pub warnings: Vec<Diagnostic>,
}

impl Checked {
    /// How running it would end, as far as that shows without the work.
    pub fn status(&self) -> Status {
        if self.failed_points > 0 { Status::PointsFailed } else { Status::Done }
    }
}

impl Outcome {
    /// A column of the table that the script saved under this name: NaN where a point failed or the value is no number.
    /// `None` when there is no such table or column.
    pub fn column(&self, table: &str, column: &str) -> Option<Vec<f64>> {
        let (_, records) = self.tables.iter().find(|(name, _)| name == table)?;
        records.column(column)
    }

    pub(super) fn new(status: Status, diagnostics: Vec<Diagnostic>) -> Self {
        Self { status, diagnostics, ..Self::default() }
    }
}
