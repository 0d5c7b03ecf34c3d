//! A recipe: a frozen script with its modules, settings and data hashes, from which a run can be repeated, and the numbers that
//! the run gave. It is plain data. The run folder has it as `recipe.json`, and a packed recipe (`crate::recipe`) holds the same
//! text.

mod freeze;
mod head;
mod numbers;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::settings::Limits;
use crate::executor::Points;

pub use head::Head;
pub use numbers::{Numbers, Precision};
pub(crate) use read::{is_plain_path, put};

/// The format of recipes that this program writes; it reads this one and earlier ones.
pub const FORMAT: u32 = 1;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The format, [`FORMAT`].
    #[serde(rename = "recipe")]
    pub format: u32,
    #[serde(flatten)]
    pub head: Head,
    /// The script's path within its project, one of `sources`.
    pub script: String,
    /// Texts of the script and the modules that it imported, by their paths within the project.
    pub sources: BTreeMap<String, String>,
    /// Texts of the program's own modules that they use, by name.
    pub built_in: BTreeMap<String, String>,
    /// Files of the project that the script read, by their paths within it.
    pub files: BTreeMap<String, DataFile>,
    pub parameters: BTreeMap<String, Parameter>,
    /// What `--only` left of the sweeps.
    pub only: Vec<(String, String)>,
    pub limits: Limits,
    /// The data sets that the script opened, by its expressions.
    pub data: BTreeMap<String, DataUse>,
    pub made: Made,
    /// How the run ended, in a word.
    pub status: String,
    /// Whether the outputs show all points.
    pub is_complete: bool,
    pub points: Points,
    pub seconds: f64,
    /// Seconds of it that were spent computing; few where results were stored already.
    pub seconds_of_work: f64,
    /// Floating-point operations that computing everything takes.
    pub work: f64,
    pub outputs: Vec<Shows>,
    pub verdicts: Vec<String>,
    pub printed: Vec<String>,
    pub diagnostics: Vec<String>,
    pub results: Vec<FrozenResult>,
    /// The BLAKE3 hash of the numbers of all results.
    pub numbers: String,
    /// How often the points that have a band were computed again; 0 where no band was measured.
    #[serde(default)]
    pub band_runs: usize,
    /// A small picture of its first figure, as a `data:` address: for a shelf of recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<String>,
}

/// A file of the project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    pub bytes: u64,
    pub blake3: String,
    /// In base64, where the file is in the recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// A parameter of the script, each value as a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    pub value: String,
    /// What the script gives where nobody sets it.
    pub default: String,
    /// Whether `--set` gave the value.
    pub is_set: bool,
}

/// A data set that the script opened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataUse {
    /// The BLAKE3 hash of what its samples are made from: hashes of its files, or a generator with its seed.
    pub blake3: String,
    /// How to get it.
    pub from: String,
}

/// What made the numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The version of this program.
    pub entroscope: String,
    pub burn: String,
    pub generator: String,
    pub device: String,
    pub numerics: String,
    /// The widest vectors that the processor has.
    pub vectors: String,
    pub processor: String,
    /// The day, such as "2026-11-28", in UTC.
    pub on: String,
    /// The version of each operation that the results rest on.
    pub operations: BTreeMap<String, u32>,
}

/// An output: what it is, and its files in the run folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shows {
    pub kind: String,
    pub name: String,
    pub title: String,
}

/// A result that a run showed or went on from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FrozenResult {
    /// The point in words: "weight_var = 1.5, seed = 0".
    pub point: String,
    /// The operation that gave it.
    pub operation: String,
    pub version: u32,
    pub fingerprint: String,
    /// Its arrays by name; none where it failed.
    pub arrays: BTreeMap<String, Numbers>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Recipe {
    /// What `--set` gave, as NAME and value.
    pub fn set(&self) -> Vec<(String, String)> {
        let set = self.parameters.iter().filter(|(_, parameter)| parameter.is_set);
        set.map(|(name, parameter)| (name.clone(), parameter.value.clone())).collect()
    }

    /// The hash of the numbers of these results.
    pub fn hash_of(results: &[FrozenResult]) -> String {
        let mut hash = blake3::Hasher::new();
        for result in results {
            for text in [&result.point, &result.operation] {
                hash.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
            }
            for (name, numbers) in &result.arrays {
                hash.update(name.as_bytes()).update(&numbers.content_hash());
            }
        }
        hash.finalize().to_hex().to_string()
    }

    /// Whether the numbers are those that its hash was made of.
    pub fn is_unchanged(&self) -> bool {
        self.numbers == Self::hash_of(&self.results)
    }

    /// As JSON.
    ///
    /// # Errors
    /// Never because of its content.
    pub fn to_json(&self) -> crate::Result<String> {
        serde_json::to_string(self).map_err(|error| crate::Error::new(format!("cannot write the recipe: {error}")))
    }
}

/// The BLAKE3 hash of a JSON value.
pub(crate) fn hash_of_json(value: &Json) -> String {
    blake3::hash(value.to_string().as_bytes()).to_hex().to_string()
}
