//! `run.json`, the record of a run, and what is read of the one that an earlier run left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::files::read_file;
use crate::{Error, Result};

/// The record's name in the run folder.
pub(super) const RECORD: &str = "run.json";

/// The content of `run.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    pub script: String,
    /// The folder that its imports may reach.
    pub project: String,
    /// The version of this program.
    pub entroscope: &'static str,
    pub burn: &'static str,
    /// The random number generator.
    pub generator: &'static str,
    pub device: &'a str,
    pub numerics: &'a str,
    pub threads: usize,
    pub parameters: &'a BTreeMap<String, String>,
    /// What `--only` left of the sweeps, as AXIS=VALUE; empty for all.
    pub only: Vec<String>,
    pub status: String,
    /// Whether the outputs show all points.
    pub is_complete: bool,
    /// The numbers of points that were computed, reused, and failed.
    pub points: Value,
    pub seconds: f64,
    pub seconds_of_work: f64,
    pub operations_run: &'a BTreeMap<&'static str, usize>,
    pub operations_reused: &'a BTreeMap<&'static str, usize>,
    pub spent: BTreeMap<&'static str, Spent>,
    pub files: Vec<String>,
    /// The script and its modules as they ran, each with the BLAKE3 hash of its text.
    pub sources: &'a BTreeMap<String, String>,
    /// Files of earlier runs that this run did not write.
    pub left_over: &'a [String],
    pub verdicts: &'a [String],
    pub diagnostics: Vec<&'a str>,
    /// Every point with the fingerprint of its result.
    pub results: &'a [(String, String)],
}

/// The cost of all operations of one name.
#[derive(Debug, Serialize)]
pub(crate) struct Spent {
    pub floating_point_operations: f64,
    pub thread_seconds: f64,
}

impl Record<'_> {
    /// As JSON with sorted keys; with the record of an earlier run as "complete", if there is one.
    pub(super) fn to_json(&self, complete: Option<&Value>) -> Result<Vec<u8>> {
        let text = serde_json::to_value(self).and_then(|mut record| {
            if let Some(complete) = complete {
                record["complete"] = complete.clone();
            }
            serde_json::to_vec_pretty(&record)
        });
        text.map_err(|error| Error::new(format!("cannot write {RECORD}: {error}")))
    }
}

/// The record of a run that has begun: it stays if the process is killed.
pub(super) fn started() -> Vec<u8> {
    json!({ "entroscope": env!("CARGO_PKG_VERSION"), "is_complete": false, "status": "Started" })
        .to_string()
        .into_bytes()
}

/// What the record of an earlier run says, which may be of another version of this program.
#[derive(Debug)]
pub(super) struct RecordBefore {
    /// The record of the last run whose outputs are complete.
    pub complete: Option<Value>,
    /// The outputs of that run, relative to the run folder.
    pub complete_files: Vec<String>,
    /// All files that earlier runs wrote, relative to the run folder.
    pub files: BTreeSet<String>,
}

impl RecordBefore {
    /// Reads a record, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let hint = "choose another run folder (--out DIR), or move the file away";
        let text = read_file(path).map_err(|error| Error::io("read", path, &error).hint(hint))?;
        match serde_json::from_slice(&text) {
            Ok(Value::Object(record)) if record.contains_key("entroscope") => Ok(Some(Self::new(record))),
            _ => Err(Error::new(format!("{} is not the record of a run, and would be written over", path.display()))
                .hint(hint)),
        }
    }

    fn new(mut record: Map<String, Value>) -> Self {
        let complete = record.remove("complete");
        let record = Value::from(record);
        let records = [Some(&record), complete.as_ref()];
        let files = records.into_iter().flatten().flat_map(|record| {
            let sources = record["sources"].as_object().into_iter().flat_map(Map::keys).cloned();
            names(&record["files"]).into_iter().chain(names(&record["left_over"])).chain(sources)
        });
        let is_inside = |name: &String| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let files = files.filter(is_inside).collect();
        // Versions before this one had no such entry, and their outputs count as complete unless the run was stopped.
        let is_complete = record["is_complete"].as_bool().unwrap_or(record["status"] != "Interrupted");
        let complete = if is_complete { Some(record) } else { complete };
        Self {
            complete_files: complete.as_ref().map(|record| names(&record["files"])).unwrap_or_default(),
            complete,
            files,
        }
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
